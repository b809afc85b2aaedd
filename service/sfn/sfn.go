// Package sfn is AWS Step Functions: the API. State machines (package machine) and activities are kept, executions are driven,
// durably (package execution) or in memory (package express), map runs start children for items (package maprun), tasks make
// requests (package task) or wait for workers (package worklist), and what happens is told (packages history and journal).
// https://docs.aws.amazon.com/step-functions/latest/apireference/Welcome.html
package sfn

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/service/sfn/activity"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/express"
	"github.com/brume-dev/brume/service/sfn/journal"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/service/sfn/maprun"
	"github.com/brume-dev/brume/service/sfn/rehearsal"
	"github.com/brume-dev/brume/service/sfn/task"
	"github.com/brume-dev/brume/service/sfn/trial"
	"github.com/brume-dev/brume/service/sfn/worklist"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs. What comes as a function may be nil until the first task.
type Config struct {
	Store    store.Store
	Clock    clock.Clock
	Timer    *timer.Runner
	Caller   aws.Caller            // integrations, log groups, traces
	Services func() []*aws.Service // those that tasks may call
	Roles    task.Roles            // for the roles of state machines and tasks
	Policies aws.Policies          // for what tasks do that is no operation
	// APIs serves the invoke URLs of API Gateway; Connections keeps those that HTTP tasks name; HTTP reaches the rest.
	APIs        func() aws.DataPlane
	Connections func() connection.Keeper
	HTTP        http.RoundTripper
	// Mocks, when not nil, answers the tasks of executions that are started with a test case.
	Mocks   *rehearsal.File
	Leaving <-chan struct{} // closed when the platform begins to stop: workers that wait are sent away
	// Listening reports whether events for the default event bus have an effect; nil: they may have.
	Listening func(ctx context.Context, account, region string) bool
	Rand      io.Reader // crypto/rand.Reader
	Log       *slog.Logger
}

// Service implements sfnapi.Handler.
type Service struct {
	Config
	*machine.Machines
	*activity.Activities
	*maprun.Runs
	*trial.Bench
	tasks     *task.Runner
	mocks     *rehearsal.Tasks // nil: there are none
	engine    *execution.Engine
	expresses *express.Runner
	lists     *worklist.Lists
	journal   *journal.Journal
}

var (
	_ sfnapi.Handler = (*Service)(nil)
	_ aws.Accessor   = (*Service)(nil)
)

// New returns the service and registers its promises with the timer. Its loop is Run.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, Activities: activity.New(c.Store, c.Timer), lists: worklist.New(c.Store, c.Clock, c.Leaving)}
	s.tasks = task.New(task.Config{Caller: c.Caller, Roles: c.Roles, Services: c.Services, Policies: c.Policies, APIs: c.APIs,
		Connections: c.Connections, HTTP: c.HTTP, Clock: c.Clock})
	tasks := execution.Tasks(s.tasks)
	if c.Mocks != nil {
		s.mocks = rehearsal.New(c.Mocks, s.tasks, c.Store, c.Caller)
		tasks = s.mocks
	}
	var err error
	s.Machines, err = machine.New(machine.Config{Store: c.Store, Clock: c.Clock, Caller: c.Caller, Roles: c.Roles, Timer: c.Timer, Check: s.check, Rand: c.Rand, Log: c.Log})
	if err != nil {
		return nil, err
	}
	s.journal = journal.New(journal.Config{Caller: c.Caller, Roles: c.Roles, Clock: c.Clock, Timer: c.Timer, History: s.history, Log: c.Log})
	s.engine = execution.New(execution.Config{Store: c.Store, Clock: c.Clock, Timer: c.Timer, Rand: c.Rand, Revision: s.Revision, Machine: s.Current,
		Tasks: tasks, Schedule: s.schedule, Journal: s.journal, Listening: c.Listening, Log: c.Log})
	s.expresses = express.New(express.Config{Clock: c.Clock, Rand: c.Rand, Tasks: tasks, Journal: s.journal})
	s.Runs = maprun.New(maprun.Config{Store: c.Store, Clock: c.Clock, Timer: c.Timer, Caller: c.Caller, Roles: c.Roles, Policies: c.Policies, Engine: s.engine,
		Express: s.expresses, Revision: s.Revision, Machine: s.Current, Log: c.Log})
	s.engine.Maps = s.Runs
	s.Bench = trial.New(trial.Config{Tasks: s.tasks, Clock: c.Clock, Rand: c.Rand, Lint: s.check})
	c.Timer.Handle(kindExpress, s.keepExpress, timer.Policy{Parallel: expressAtOnce})
	return s, nil
}

// Run writes the logs of express executions until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.journal.Run(ctx) }

// history reads an execution for its segment.
func (s *Service) history(ctx context.Context, ref execution.Ref, take func(*asl.Event) bool) (*execution.Description, error) {
	d, err := s.engine.Describe(ctx, ref)
	return d, errors.Join(err, s.engine.Events(ctx, ref, 0, false, take))
}
