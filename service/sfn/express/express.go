// Package express runs the executions of express state machines, in memory: the same language as standard ones, without history,
// tokens and distributed maps, at most five minutes long. Nothing of them is in the store while they run.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
package express

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
)

// Config is what a Runner needs.
type Config struct {
	Clock   clock.Clock
	Rand    io.Reader // crypto/rand.Reader
	Tasks   execution.Tasks
	Journal execution.Journal // nil: no logs
}

// Runner runs express executions.
type Runner struct{ Config }

// New returns a Runner.
func New(c Config) *Runner { return &Runner{c} }

// Run is an execution to run.
type Run struct {
	Target machine.Target
	ARN    string
	Name   string
	Input  []byte // JSON text
	Trace  string
	Block  int // of the machine, that the child of a map run runs
}

// Result is what came of an execution.
type Result struct {
	Status execution.Status // Succeeded, Failed or TimedOut
	Output []byte
	Error  *fault.Error
	Start  time.Time
	Stop   time.Time
}

// errAborted ends the context of threads whose sibling has failed.
var errAborted = errors.New("express: a sibling has failed")

// flight is an execution that runs.
type flight struct {
	*Runner
	run     *Run
	machine *asl.Machine
	facts   *asl.Facts
	end     time.Time // when it has to have ended
	logs    bool

	recent asl.Recent

	mu   sync.Mutex
	next int64 // id of the next event
}

// Run runs an execution to its end. It returns ctx's error when that ends before.
func (r *Runner) Run(ctx context.Context, e *Run) (*Result, error) {
	start := r.Clock.Now().Truncate(time.Millisecond)
	rev := e.Target.Revision
	e.Trace = execution.Header(e.Trace, rev.Tracing, start, e.ARN)
	f := &flight{Runner: r, run: e, machine: rev.Machine, next: 1, end: start.Add(MaxTime), logs: r.Journal != nil && (rev.Logging.On() || rev.Tracing)}
	if limit := time.Duration(rev.Machine.TimeoutSeconds) * time.Second; limit > 0 && limit < MaxTime && e.Block == 0 {
		f.end = start.Add(limit)
	}
	f.facts = &asl.Facts{ExecutionID: e.ARN, ExecutionName: e.Name, Input: e.Input, RoleARN: rev.Role, StartTime: start, MachineID: rev.ARN(),
		MachineName: rev.Name, Region: rev.Region, AliasARN: e.Target.AliasARN(), VersionARN: e.Target.VersionARN()}
	t, err := f.thread(ctx, rev.Machine.Start(e.Block), asl.Happening{What: asl.Begun, Input: e.Input}, nil)
	if err != nil {
		return nil, err
	}
	out := &Result{Status: execution.Failed, Output: t.Output, Error: t.Error, Start: start, Stop: r.Clock.Now().Truncate(time.Millisecond)}
	switch {
	case t.Phase == asl.Done:
		out.Status = execution.Succeeded
	case t.TimedOut:
		out.Status, out.Error = execution.TimedOut, &fault.Error{Name: fault.Timeout}
	}
	return out, nil
}

// thread runs a thread to its end. The error is ctx's, or our own.
func (f *flight) thread(ctx context.Context, t asl.Thread, h asl.Happening, outer []*asl.Thread) (*asl.Thread, error) {
	for {
		out, err := f.step(ctx, &t, h, outer)
		if err != nil {
			return nil, err
		}
		t = out.Thread
		if t.Phase.Ended() {
			return &t, nil
		}
		h, err = f.obey(ctx, &t, &out.Command, outer)
		if err != nil {
			if h, err = f.interrupted(ctx, &t, err); err != nil {
				return nil, err
			}
		}
	}
}

// interrupted is what has happened to a thread that could not go on: it is too late, or a sibling has failed.
func (f *flight) interrupted(ctx context.Context, t *asl.Thread, err error) (asl.Happening, error) {
	if errors.Is(context.Cause(ctx), errAborted) {
		return asl.Happening{What: asl.Aborted}, nil
	}
	if !errors.Is(err, errLate) {
		return asl.Happening{}, err
	}
	if t.Origin == asl.Execution {
		return asl.Happening{What: asl.Expired}, nil
	}
	return asl.Happening{What: asl.Aborted}, nil
}

// errLate says that the execution has taken too long.
var errLate = errors.New("express: the time is up")

// step makes a step and tells of it. What siblings have told meanwhile comes first.
func (f *flight) step(ctx context.Context, t *asl.Thread, h asl.Happening, outer []*asl.Thread) (*asl.Outcome, error) {
	var seed [16]byte
	if _, err := io.ReadFull(f.Rand, seed[:]); err != nil {
		return nil, fmt.Errorf("express: randomness: %w", err)
	}
	s := &asl.Setting{Facts: f.facts, Outer: outer, Recent: &f.recent, Seed: [2]uint64{binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])},
		NewToken: func(int64) string { return "" }, NewMapRun: func(string) string { return "" }}
	for {
		f.mu.Lock()
		s.NextEvent = f.next
		f.mu.Unlock()
		s.Now = f.Clock.Now().Truncate(time.Millisecond)
		out, err := f.machine.Step(ctx, t, h, s)
		if err != nil {
			return nil, fmt.Errorf("express: %w", err)
		}
		if f.tell(&out) {
			return &out, nil
		}
	}
}

// tell numbers the events of a step and logs them; false when the step has to be made again.
func (f *flight) tell(out *asl.Outcome) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !out.Renumber(f.next) {
		return false
	}
	f.next += int64(len(out.Events))
	if f.logs && len(out.Events) > 0 {
		f.Journal.Send(&execution.Log{Revision: f.run.Target.Revision, Execution: f.run.ARN, Trace: f.run.Trace, Events: out.Events})
	}
	return true
}

// obey does what a step's command says, and returns what has happened then.
func (f *flight) obey(ctx context.Context, t *asl.Thread, cmd *asl.Command, outer []*asl.Thread) (asl.Happening, error) {
	switch cmd.Do {
	case asl.Yield:
		if !f.Clock.Now().Before(f.end) {
			return asl.Happening{}, errLate
		}
		return asl.Happening{What: asl.Resumed}, ctx.Err()
	case asl.Sleep:
		return asl.Happening{What: asl.Woken}, f.sleep(ctx, cmd.Until)
	case asl.CallTask:
		return f.call(ctx, cmd.Call)
	case asl.ForkThreads:
		return f.fork(ctx, t, cmd.Fork, outer)
	}
	return asl.Happening{}, fmt.Errorf("express: command %d", cmd.Do)
}

// sleep waits for a time, but not beyond the execution's end.
func (f *flight) sleep(ctx context.Context, until time.Time) error {
	late := until.After(f.end)
	if late {
		until = f.end
	}
	if err := f.Clock.Sleep(ctx, until.Sub(f.Clock.Now())); err != nil {
		return err
	}
	if late {
		return errLate
	}
	return nil
}

// call makes the request of a task.
func (f *flight) call(ctx context.Context, c *asl.Call) (asl.Happening, error) {
	if !f.Clock.Now().Before(f.end) {
		return asl.Happening{}, errLate
	}
	end, happening, late := f.end, asl.Happening{}, errLate
	if c.Timeout > 0 {
		if own := f.Clock.Now().Add(time.Duration(c.Timeout) * time.Second); own.Before(end) {
			end, happening, late = own, asl.Happening{What: asl.TimedOut}, nil
		}
	}
	key, err := uuid.NewRandomFromReader(f.Rand)
	if err != nil {
		return asl.Happening{}, fmt.Errorf("express: name a request: %w", err)
	}
	q := &execution.Request{Revision: f.run.Target.Revision, Execution: f.run.ARN, Trace: execution.Onward(f.run.Trace, f.run.Target.Tracing, f.run.ARN), Call: c, Key: key.String()}
	made := f.Clock.Now().Truncate(time.Millisecond)
	answer, inTime, err := f.within(ctx, end, q)
	switch {
	case err != nil:
		return asl.Happening{}, err
	case !inTime:
		return happening, late
	case answer.Err != nil:
		return asl.Happening{What: asl.Faulted, Error: answer.Err, Stage: answer.Stage, At: made}, nil
	}
	return asl.Happening{What: asl.Completed, Output: answer.Output, At: made}, nil
}

// answered is what came of a request.
type answered struct {
	execution.Answer
	err error
}

// within makes a request that has to be answered before end. Who is called may go on after that, as a function does: its answer is not
// waited for.
func (f *flight) within(ctx context.Context, end time.Time, q *execution.Request) (a execution.Answer, inTime bool, err error) {
	reached, stop := f.Clock.Until(end)
	defer stop()
	calling, cancel := context.WithCancel(ctx)
	defer cancel()
	answer := make(chan answered, 1)
	go func() { answer <- f.guarded(calling, q) }()
	select {
	case <-reached:
		return a, false, nil
	case <-ctx.Done():
		return a, false, ctx.Err()
	case got := <-answer:
		return got.Answer, true, got.err
	}
}

// guarded turns a panic into an error: a bug in one integration must not end the platform.
func (f *flight) guarded(ctx context.Context, q *execution.Request) (a answered) {
	defer func() {
		if v := recover(); v != nil {
			a = answered{err: fmt.Errorf("express: a request panicked: %v\n%s", v, debug.Stack())}
		}
	}()
	return f.request(ctx, q)
}

// request makes a request, and again when Brume itself could not make it.
func (f *flight) request(ctx context.Context, q *execution.Request) answered {
	for try := 1; ; try++ {
		a, err := f.Tasks.Call(ctx, q)
		switch {
		case err == nil:
			return answered{Answer: a}
		case ctx.Err() != nil:
			return answered{err: ctx.Err()}
		case try == maxTries:
			return answered{Answer: execution.Answer{Err: fault.New(fault.Runtime, "%v", err)}}
		}
	}
}

// fork runs the children of a Parallel or Map state.
func (f *flight) fork(ctx context.Context, t *asl.Thread, k *asl.Fork, outer []*asl.Thread) (asl.Happening, error) {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := k.MaxConcurrency
	if k.Items != nil && (limit <= 0 || limit > asl.MaxInlineConcurrency) {
		limit = asl.MaxInlineConcurrency
	}
	if limit <= 0 || limit > k.Count {
		limit = k.Count
	}
	j := &join{outputs: make([][]byte, k.Count), cancel: cancel}
	outer = append([]*asl.Thread{t}, outer...)
	var wg sync.WaitGroup
	for range limit {
		wg.Go(func() {
			for {
				i, ok := j.take(k.Count)
				if !ok {
					return
				}
				child, err := f.thread(inner, f.machine.Child(t, k, i), asl.Happening{What: asl.Begun, Input: k.Input}, outer)
				j.ended(i, child, err)
			}
		})
	}
	wg.Wait()
	switch {
	case j.failed != nil:
		return asl.Happening{What: asl.ChildFailed, Error: j.failed.Error, Last: j.failed.Last}, nil
	case j.err != nil:
		return asl.Happening{}, j.err
	case j.aborted:
		return asl.Happening{}, errLate
	}
	return asl.Happening{What: asl.Joined, Outputs: j.outputs, Last: j.last}, nil
}

// join gathers what comes of children.
type join struct {
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	next    int
	over    bool
	outputs [][]byte
	last    int64
	failed  *asl.Thread // the first
	aborted bool
	err     error
}

// take gives the next child to run.
func (j *join) take(count int) (int, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over || j.next == count {
		return 0, false
	}
	j.next++
	return j.next - 1, true
}

// ended notes the end of a child.
func (j *join) ended(i int, child *asl.Thread, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err != nil:
		if j.err == nil {
			j.err = err
		}
	case child.Phase == asl.Done:
		j.outputs[i], j.last = child.Output, child.Last
		return
	case child.Phase == asl.Broken && j.failed == nil && !j.over:
		j.failed = child
	case child.Phase == asl.Stopped:
		j.aborted = true
	}
	if !j.over {
		j.over = true
		j.cancel(errAborted)
	}
}
