package execution_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// rig is an engine on a store whose shards are apart and whose closures run again and again, with machines by name.
type rig struct {
	*execution.Engine
	t     testing.TB
	clock *clock.Virtual
	store store.Store
	timer *timer.Runner
	tasks *tasks
	stop  func()

	mu       sync.Mutex
	machines map[string]*machine.Revision
	queue    []execution.Activity
}

func newRig(t testing.TB) *rig {
	c := clock.Frozen(start)
	return rigOn(t, c, storetest.Shaken(storetest.Split(c, 3), 1), &tasks{})
}

func rigOn(t testing.TB, c *clock.Virtual, st store.Store, w *tasks) *rig {
	t.Helper()
	r := rigBy(t, c, st, w)
	r.clock = c
	return r
}

func rigBy(t testing.TB, c clock.Clock, st store.Store, w *tasks) *rig {
	t.Helper()
	r := &rig{t: t, store: st, tasks: w, machines: map[string]*machine.Revision{}}
	r.timer = timer.New(timer.Config{Store: st, Clock: c, Drain: time.Millisecond})
	r.Engine = execution.New(execution.Config{Store: st, Clock: c, Timer: r.timer, Rand: rand.Reader, Revision: r.revision, Machine: r.machine,
		Tasks: w, Schedule: r.schedule})
	w.rig = r
	return r
}

// run begins to keep promises.
func (r *rig) run() *rig {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.timer.Run(ctx) }()
	r.stop = sync.OnceFunc(func() { cancel(); <-done })
	r.t.Cleanup(r.stop)
	r.settle()
	return r
}

func (r *rig) settle() {
	r.t.Helper()
	if err := r.timer.Settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	if _, err := r.clock.Advance(r.t.Context(), d); err != nil {
		r.t.Fatal(err)
	}
	r.settle()
}

// define makes a machine of a definition; R stands for an integration's ARN.
func (r *rig) define(name, definition string) {
	r.t.Helper()
	definition = strings.ReplaceAll(definition, `"R:`, `"arn:aws:states:::`)
	m, err := asl.Parse([]byte(definition))
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	spot := machine.Spot{Ref: machine.Ref{Place: machine.Place{Account: "111122223333", Region: "eu-west-1"}, Name: name}, ID: uint64(len(name))}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.machines[name] = &machine.Revision{Spot: spot, Key: "revision-" + name, Definition: definition, Role: "arn:aws:iam::111122223333:role/r", Machine: m}
}

func (r *rig) revision(_ context.Context, at machine.Spot, key string) (*machine.Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rev := r.machines[at.Name]; rev != nil && rev.Key == key {
		return rev, nil
	}
	return nil, fmt.Errorf("no revision %s of %s", key, at.Name)
}

func (r *rig) machine(_ context.Context, n machine.Name) (machine.Spot, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rev := r.machines[n.Name]; rev != nil {
		return rev.Spot, false, nil
	}
	return machine.Spot{}, false, machine.NotFound(n.ARN())
}

func (r *rig) schedule(_ context.Context, _, _ string, a execution.Activity) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, a)
	return nil
}

// begin starts an execution.
func (r *rig) begin(machineName, name, input string) execution.Ref {
	r.t.Helper()
	rev := r.machines[machineName]
	if _, err := r.Start(r.t.Context(), &execution.Begin{Target: machine.Target{Revision: rev}, Name: name, Input: []byte(input)}); err != nil {
		r.t.Fatal(err)
	}
	return execution.Ref{Spot: rev.Spot, Name: name}
}

// look is an execution in one line: its status with its output or error.
func (r *rig) look(ref execution.Ref) string {
	r.t.Helper()
	d, err := r.Describe(r.t.Context(), ref)
	if err != nil {
		return err.Error()
	}
	switch {
	case d.Status == execution.Succeeded:
		return "SUCCEEDED " + string(d.Output)
	case d.Error != nil:
		return d.Status.String() + " " + d.Error.Name
	}
	return d.Status.String()
}

func (r *rig) want(ref execution.Ref, want string) {
	r.t.Helper()
	if got := r.look(ref); got != want {
		r.t.Errorf("%s: %s, want %s\n%s", ref.Name, got, want, r.story(ref))
	}
}

// story is the history of an execution, a line for each event.
func (r *rig) story(ref execution.Ref) string {
	r.t.Helper()
	var b strings.Builder
	next := int64(1)
	err := r.Events(r.t.Context(), ref, 0, false, func(e *asl.Event) bool {
		if e.ID != next {
			r.t.Errorf("event %d follows %d", e.ID, next-1)
		}
		next++
		fmt.Fprintf(&b, "%d<%d %s %s %s%s%s\n", e.ID, e.Previous, e.Type, e.Name, e.Input, e.Output, e.Error)
		return true
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}

// types are the types of the events, in order.
func (r *rig) types(ref execution.Ref) (out []string) {
	r.t.Helper()
	if err := r.Events(r.t.Context(), ref, 0, false, func(e *asl.Event) bool { out = append(out, string(e.Type)); return true }); err != nil {
		r.t.Fatal(err)
	}
	return out
}

// tasks is what Task states call: "test:echo" answers with its arguments, "test:fail" fails as they say, "test:job" starts a job, "test:hold"
// does not answer before release, and "test:broken" cannot be called at first.
type tasks struct {
	rig *rig

	mu      sync.Mutex
	calls   []string
	keys    map[string]int
	jobs    map[string]string // answers of jobs that are done
	stopped []string
	polls   int
	twice   bool
	broken  int
	hold    chan struct{}
}

func (w *tasks) note(r *execution.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys == nil {
		w.keys = map[string]int{}
	}
	w.keys[r.Key]++
	w.calls = append(w.calls, r.Call.Resource.Full+" "+string(r.Call.Arguments))
}

func (w *tasks) Call(ctx context.Context, r *execution.Request) (execution.Answer, error) {
	w.note(r)
	var in map[string]any
	json.Unmarshal(r.Call.Arguments, &in)
	switch r.Call.Resource.Action {
	case "fail":
		name, _ := in["error"].(string)
		return execution.Answer{Err: fault.New(name, "so it is")}, nil
	case "twice":
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.twice = !w.twice; w.twice {
			return execution.Answer{Err: fault.New("Not.Yet", "")}, nil
		}
	case "hold":
		select {
		case <-w.hold:
		case <-ctx.Done():
			return execution.Answer{}, ctx.Err()
		}
	case "broken":
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.broken--; w.broken >= 0 {
			return execution.Answer{}, errors.New("brume is not well")
		}
	case "startExecution":
		child := w.rig.machines["child"]
		x, err := w.rig.Start(ctx, &execution.Begin{Target: machine.Target{Revision: child}, Name: r.Key, Input: r.Call.Arguments})
		if aws.CodeOf(err) == "ExecutionAlreadyExists" {
			x, err = execution.Execution{ARN: execution.Ref{Spot: child.Spot, Name: r.Key}.ARN()}, nil
		}
		return execution.Answer{Output: fmt.Appendf(nil, `{"ExecutionArn":%q}`, x.ARN)}, err
	}
	return execution.Answer{Output: r.Call.Arguments}, nil
}

func (w *tasks) Poll(ctx context.Context, r *execution.Request, submitted []byte) (execution.Answer, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polls++
	if r.Call.Resource.Action == "startExecution" {
		_, name, _ := strings.Cut(string(submitted), "execution:child:")
		d, err := w.rig.Describe(ctx, execution.Ref{Spot: w.rig.machines["child"].Spot, Name: name[:36]})
		if err != nil {
			return execution.Answer{}, false, err
		}
		return execution.Answer{Output: d.Output}, d.Status != execution.Running, nil
	}
	out, ok := w.jobs[string(submitted)]
	return execution.Answer{Output: []byte(out)}, ok, nil
}

func (w *tasks) Cancel(_ context.Context, r *execution.Request, submitted []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = append(w.stopped, string(submitted))
	return nil
}

func (r *rig) target(name string) machine.Target { return machine.Target{Revision: r.machines[name]} }

// promises is how many promises of executions there are.
func (r *rig) promises() (n int) {
	r.each(store.Tuple(nil).Text("timer").Range(), func(k store.Key) {
		e := store.Decode(k, len(store.Tuple(nil).Text("timer")))
		kind, family := e.Text(), e.Uint()
		if strings.HasPrefix(kind, "sfn.") && family == 3 {
			n++
		}
	})
	return n
}

// keys is how many keys machines have, beside the counter of what runs.
func (r *rig) keys() (n int) {
	r.each(store.Tuple(nil).Text("sfn").Range(), func(k store.Key) {
		if !strings.Contains(string(k), "running") {
			n++
		}
	})
	return n
}

func (r *rig) each(within store.Range, f func(store.Key)) {
	r.t.Helper()
	for s := range r.store.Shards(r.t.Context()) {
		if err := s.View(r.t.Context(), func(_ context.Context, rd store.Reader) error {
			pairs, done := rd.Scan(within, store.ScanOpt{})
			for kv := range pairs {
				f(kv.Key)
			}
			return done()
		}); err != nil {
			r.t.Fatal(err)
		}
	}
}
