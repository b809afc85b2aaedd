// Package applicationautoscaling is Application Auto Scaling: how much of something there is to be, between two bounds, by
// schedules and by what is used of it. What is scaled here is the provisioned concurrency of Lambda functions and the
// provisioned capacity of DynamoDB tables and indexes.
//
// https://docs.aws.amazon.com/autoscaling/application/userguide/what-is-application-auto-scaling.html
package applicationautoscaling

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"

	api "github.com/brume-dev/brume/api/applicationautoscalingapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store  store.Store
	Caller aws.Caller
	Timer  *timer.Runner
	Rand   io.Reader
	Log    *slog.Logger
}

// Service implements applicationautoscalingapi.Handler and aws.Accessor.
type Service struct {
	Config
	roles     iamapi.Client
	functions lambdaapi.Client
	tables    dynamodbapi.Client
}

var (
	_ api.Handler  = (*Service)(nil)
	_ aws.Accessor = (*Service)(nil)
)

// The kinds of promises of this service.
const (
	kindScheduled = "scaling.scheduled" // do a scheduled action
	kindFit       = "scaling.fit"       // bring a target within its bounds
	kindTrack     = "scaling.track"     // look at what a target tracking policy follows
)

// New returns the service and registers its promises. It starts nothing.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, roles: iamapi.NewClient(c.Caller), functions: lambdaapi.NewClient(c.Caller), tables: dynamodbapi.NewClient(c.Caller)}
	c.Timer.Handle(kindScheduled, s.keepScheduled, timer.Policy{})
	c.Timer.Handle(kindFit, s.keepFit, timer.Policy{})
	c.Timer.Handle(kindTrack, s.keepTrack, timer.Policy{})
	return s, nil
}

// newID returns a random UUID.
func (s *Service) newID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(s.Rand, b[:]); err != nil {
		return "", fmt.Errorf("applicationautoscaling: randomness: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}

func (s *Service) shard(k space) store.Shard { return s.Store.Shard(store.Home(k.account, k.region)) }

func update[T any](ctx context.Context, s *Service, k space, fn func(store.Tx) (T, error)) (T, error) {
	return store.Update(ctx, s.shard(k), func(_ context.Context, tx store.Tx) (T, error) { return fn(tx) })
}

func view[T any](ctx context.Context, s *Service, k space, fn func(store.Reader) (T, error)) (T, error) {
	return store.View(ctx, s.shard(k), func(_ context.Context, r store.Reader) (T, error) { return fn(r) })
}

func invalid(format string, args ...any) error {
	return &api.ValidationException{Message: fmt.Sprintf(format, args...)}
}

// Access says what an operation needs. Targets have ARNs; what names none is asked for on all.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_applicationautoscaling.html
func (s *Service) Access(_ context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	a := aws.Access{Action: "application-autoscaling:" + op, Resource: "*", Context: map[string][]string{}}
	switch in := in.(type) {
	case *api.RegisterScalableTargetRequest:
		a.Context["application-autoscaling:service-namespace"] = []string{string(in.ServiceNamespace)}
		a.Context["application-autoscaling:scalable-dimension"] = []string{string(in.ScalableDimension)}
		for k, v := range in.Tags {
			a.Context["aws:RequestTag/"+k] = []string{v}
			a.Context["aws:TagKeys"] = append(a.Context["aws:TagKeys"], k)
		}
	case *api.TagResourceRequest:
		a.Resource = in.ResourceARN
	case *api.UntagResourceRequest:
		a.Resource = in.ResourceARN
	case *api.ListTagsForResourceRequest:
		a.Resource = in.ResourceARN
	}
	return []aws.Access{a}, nil
}
