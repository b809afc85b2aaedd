// Package cloudformation is AWS CloudFormation: stacks, change sets, exports, custom resources and nested stacks.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html
//
// A stack is brought to what its template says by promises: "drive" looks at the whole stack and says which resources can
// be worked on now, "step" does one thing to one resource. Both commit what they learn before anything follows from it,
// so a stack in progress goes on after a crash. Package deploy says what to do; this package remembers what was done.
package cloudformation

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/deploy/resource"
	"github.com/brume-dev/brume/service/cloudformation/answer"
	"github.com/brume-dev/brume/service/cloudformation/notice"
	"github.com/brume-dev/brume/service/cloudformation/target"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Caller aws.Caller
	Roles  aws.Roles
	Timer  *timer.Runner
	Rand   io.Reader // crypto/rand.Reader
	// Callback is where custom resources send their answers, as a function sees the platform: "https://127.0.0.1".
	Callback func() string
	Log      *slog.Logger
}

// Service implements cloudformationapi.Handler and, for the answers of custom resources, aws.DataPlane.
type Service struct {
	Config
	desk *answer.Desk              // where steps wait for custom resources and signals
	own  map[string]*resource.Kind // the kinds that need this service: custom resources, nested stacks
}

var (
	_ cloudformationapi.Handler = (*Service)(nil)
	_ aws.DataPlane             = (*Service)(nil)
)

// New returns the service and registers its promises with the timer.
func New(c Config) (*Service, error) {
	s := &Service{Config: c}
	s.desk = &answer.Desk{Config: answer.Config{Store: c.Store, Clock: c.Clock, Caller: c.Caller, Rand: c.Rand, Stacks: waitingSteps{s}, Callback: c.Callback, Log: c.Log}}
	s.own = s.ownKinds()
	c.Timer.Handle(kindDrive, s.drive, timer.Policy{})
	c.Timer.Handle(kindStep, s.step, timer.Policy{Parallel: parallelSteps})
	notice.Handle(c.Timer, c.Caller, c.Log)
	return s, nil
}

// parallelSteps is how many resources are worked on at the same time.
const parallelSteps = 16

// ServeData takes the answers of custom resources, and signals.
func (s *Service) ServeData(w http.ResponseWriter, r *http.Request, v aws.Visit) {
	s.desk.ServeData(w, r, v)
}

func (s *Service) shard(p place) store.Shard { return s.Store.Shard(p.resource()) }

func at(id aws.Identity) place { return place{id.Account, id.Region} }

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationError", 400, format, args...)
}

// Access says what an operation needs: an action on a stack.
func (s *Service) Access(_ context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	arn := "*"
	if name := target.Stack(in); name != "" {
		arn = name
		if _, err := aws.ParseARN(name); err != nil {
			arn = aws.MakeARN(service, id.Region, id.Account, "stack/"+name+"/*").String()
		}
	}
	return []aws.Access{{Action: service + ":" + op, Resource: arn}}, nil
}
