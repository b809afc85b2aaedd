// Package sfn is AWS Step Functions: state machines (package machine), activities (package activity), and what runs them.
// https://docs.aws.amazon.com/step-functions/latest/apireference/Welcome.html
package sfn

import (
	"io"
	"log/slog"

	"github.com/brume-dev/brume/asl/lint"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/activity"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store  store.Store
	Clock  clock.Clock
	Timer  *timer.Runner
	Caller aws.Caller // integrations, log groups, traces
	Roles  aws.Roles  // for the roles of state machines
	Rand   io.Reader  // crypto/rand.Reader
	Log    *slog.Logger
}

// Service implements sfnapi.Handler.
type Service struct {
	Config
	*machine.Machines
	*activity.Activities
	tasks lint.Tasks // which resources there are
}

var _ aws.Accessor = (*Service)(nil)

// New returns the service and registers its promises with the timer.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, Activities: activity.New(c.Store, c.Timer)}
	var err error
	s.Machines, err = machine.New(machine.Config{Store: c.Store, Clock: c.Clock, Caller: c.Caller, Roles: c.Roles, Timer: c.Timer, Check: s.check, Rand: c.Rand, Log: c.Log})
	return s, err
}
