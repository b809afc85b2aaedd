// Package trial tests single states: TestState runs one state of a definition through the same function as executions,
// against the real callees or a mocked result, and tells what the data was on its way.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html
package trial

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/asl/lint"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/service/sfn/task/web"
)

// longest is how long a test may take.
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
const longest = 5 * time.Minute

// Tasks makes the requests of the states under test. Package task does.
type Tasks interface {
	lint.Tasks
	// Try makes a request; of an HTTP task it also returns what was sent and received, with what its connection added if
	// secrets.
	Try(ctx context.Context, q *execution.Request, secrets bool) (execution.Answer, *web.Exchange, error)
	// Mock says why a mocked result cannot be one of the resource's; strict: also what it lacks.
	Mock(res *asl.Resource, result any, strict bool) []string
}

// Config is what a Bench needs.
type Config struct {
	Tasks Tasks
	Clock clock.Clock
	Rand  io.Reader
	// Lint refuses a definition of a machine, as CreateStateMachine does.
	Lint func(definition string, express bool) error
}

// Bench has the operation TestState, as a part of sfnapi.Handler.
type Bench struct{ Config }

// New returns a Bench.
func New(c Config) *Bench { return &Bench{c} }

// trial is one test.
type trial struct {
	*Bench
	in      *sfnapi.TestStateInput
	machine *asl.Machine
	state   *asl.State
	mock    *mock // nil: there is none
	set     asl.Setting
	inspect asl.Inspection
	request execution.Request
	web     *web.Exchange
	failure *fault.Error // that the state met, handled or not
	thread  asl.Thread

	itemsPointer, itemBatcher []byte // of a distributed map
}

// TestState runs one state.
func (b *Bench) TestState(ctx context.Context, id aws.Identity, in *sfnapi.TestStateInput) (*sfnapi.TestStateOutput, error) {
	t := &trial{Bench: b, in: in}
	if err := t.prepare(id); err != nil {
		return nil, err
	}
	t.thread = t.machine.Start(t.state.Block.Number)
	t.thread.Phase, t.thread.State, t.thread.Input = asl.Ready, t.state.Name, []byte(aws.Or(in.Input, "{}"))
	var err error
	if t.thread.Variables, err = variables(in.Variables); err != nil {
		return nil, err
	}
	end := b.Clock.Now().Add(longest)
	h := asl.Happening{What: asl.Resumed}
	for {
		t.set.Now = b.Clock.Now()
		o, err := t.machine.Step(ctx, &t.thread, h, &t.set)
		if err != nil {
			return nil, fmt.Errorf("sfn: test a state: %w", err)
		}
		t.thread = o.Thread
		t.note(o.Events)
		t.set.NextEvent += int64(len(o.Events))
		next, more, err := t.next(ctx, &o.Command, end)
		if err != nil {
			return nil, err
		}
		if !more {
			return t.answer(&o.Command), nil
		}
		h = next
	}
}

// prepare reads everything that the request holds.
func (t *trial) prepare(id aws.Identity) error {
	if err := t.definition(); err != nil {
		return err
	}
	if err := t.inputs(); err != nil {
		return err
	}
	u, err := uuid.NewRandomFromReader(t.Rand)
	if err != nil {
		return fmt.Errorf("sfn: name a test: %w", err)
	}
	place := machine.Here(id)
	ref := machine.Ref{Place: place, Name: "TestState"}
	arn := aws.MakeARN("states", place.Region, place.Account, "express:TestState:"+u.String()).String()
	role := aws.Or(t.in.RoleArn, "")
	t.request = execution.Request{Revision: &machine.Revision{Spot: machine.Spot{Ref: ref}, Role: role, Machine: t.machine}, Execution: arn,
		Trace: id.Request.Trace, Key: u.String()}
	now := t.Clock.Now()
	facts := &asl.Facts{ExecutionID: arn, ExecutionName: u.String(), Input: []byte(aws.Or(t.in.Input, "{}")), RoleARN: role, StartTime: now,
		MachineID: ref.ARN(), MachineName: ref.Name, Region: place.Region}
	if t.in.Context != nil {
		facts.Context = []byte(*t.in.Context)
	}
	t.set = asl.Setting{Facts: facts, NextEvent: 1, MaxStates: 1, Inspect: &t.inspect,
		Seed:     [2]uint64{binary.BigEndian.Uint64(u[:8]), binary.BigEndian.Uint64(u[8:])},
		NewToken: func(int64) string { return u.String() },
		NewMapRun: func(label string) string {
			return aws.MakeARN("states", place.Region, place.Account, "mapRun:TestState/"+label+":"+u.String()).String()
		}}
	return nil
}

// note remembers the error that the state met.
func (t *trial) note(events []asl.Event) {
	for i := range events {
		if e := &events[i]; e.Error != "" || e.Cause != "" {
			t.failure = &fault.Error{Name: e.Error, Cause: e.Cause}
		}
	}
}

// next does what a step has decided. more is false when the state is at its end.
func (t *trial) next(ctx context.Context, c *asl.Command, end time.Time) (h asl.Happening, more bool, err error) {
	switch c.Do {
	case asl.CallTask:
		h, err = t.call(ctx, c.Call)
		return h, true, err
	case asl.Sleep:
		if t.thread.Phase != asl.Waiting {
			return h, false, nil // a retrier's back-off
		}
		if c.Until.After(end) {
			if err := t.Clock.Sleep(ctx, end.Sub(t.Clock.Now())); err != nil {
				return h, false, err
			}
			t.failure = &fault.Error{Name: fault.Timeout}
			return h, false, nil
		}
		return asl.Happening{What: asl.Woken}, true, t.Clock.Sleep(ctx, c.Until.Sub(t.Clock.Now()))
	case asl.ForkThreads:
		h, err = t.mock.children(t, c.Fork.Count, t.state.Type == asl.Map)
		return h, true, err
	case asl.RunMap:
		h, err = t.mapRun(ctx, c.MapRun)
		return h, true, err
	}
	return h, false, nil
}

// call makes a task's request, or answers it from the mock.
func (t *trial) call(ctx context.Context, c *asl.Call) (asl.Happening, error) {
	if t.mock != nil {
		return t.mock.task(t)
	}
	limit := longest
	if c.Timeout > 0 {
		limit = min(limit, time.Duration(c.Timeout)*time.Second)
	}
	calling, cancel := t.until(ctx, t.Clock.Now().Add(limit))
	defer cancel()
	t.request.Call = c
	a, x, err := t.Tasks.Try(calling, &t.request, aws.Or(t.in.RevealSecrets, false))
	t.web = x
	switch {
	case ctx.Err() != nil:
		return asl.Happening{}, ctx.Err()
	case calling.Err() != nil:
		return asl.Happening{What: asl.TimedOut}, nil
	case err != nil:
		return asl.Happening{}, err
	case a.Err != nil:
		return asl.Happening{What: asl.Faulted, Error: a.Err, Stage: a.Stage}, nil
	}
	return asl.Happening{What: asl.Completed, Output: a.Output}, nil
}

// until is a context that ends at a time of the platform's clock.
func (b *Bench) until(ctx context.Context, end time.Time) (context.Context, context.CancelFunc) {
	reached, stop := b.Clock.Until(end)
	inner, cancel := context.WithCancel(ctx)
	go func() {
		defer stop()
		select {
		case <-reached:
			cancel()
		case <-inner.Done():
		}
	}()
	return inner, cancel
}
