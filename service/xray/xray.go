// Package xray is AWS X-Ray: segments that are put together to traces, summaries of traces with the filter expressions
// that search them, and the sampling rule that SDKs ask for.
// https://docs.aws.amazon.com/xray/latest/api/Welcome.html
package xray

import (
	"context"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store store.Store
	Clock clock.Clock
	Timer *timer.Runner
}

// Service implements xrayapi.Handler.
type Service struct{ Config }

var _ xrayapi.Handler = (*Service)(nil)

// kindSweep is the promise to delete traces that are older than X-Ray keeps them; its ID is the account and region.
const kindSweep = "xray.sweep"

// New returns the service and registers its promise with the timer.
func New(c Config) (*Service, error) {
	s := &Service{c}
	c.Timer.Handle(kindSweep, s.sweep, timer.Policy{})
	return s, nil
}

func (s *Service) shard(p place) store.Shard { return s.Store.Shard(store.Key(p.resource)) }

func badRequest(text string) error { return &xrayapi.InvalidRequestException{Message: text} }

// Access says what an operation needs. Only groups and sampling rules are resources.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
func (s *Service) Access(_ context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	resource := "*"
	if in, ok := in.(*xrayapi.GetGroupRequest); ok {
		switch {
		case in.GroupARN != nil:
			resource = *in.GroupARN
		case in.GroupName != nil:
			resource = aws.MakeARN(service, id.Region, id.Account, "group/"+*in.GroupName).String()
		}
	}
	return []aws.Access{{Action: service + ":" + op, Resource: resource}}, nil
}
