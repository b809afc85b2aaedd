package express_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/express"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// world is what executions call: "test:echo" answers, "test:fail" fails, "test:hang" does not come back before its context ends,
// "test:deaf" not even then.
type world struct {
	clock *clock.Virtual

	mu   sync.Mutex
	sick int // calls that Brume cannot make
	logs []asl.Event
	hung chan struct{}
}

func (w *world) Call(ctx context.Context, r *execution.Request) (execution.Answer, error) {
	w.mu.Lock()
	sick := w.sick > 0
	w.sick--
	w.mu.Unlock()
	if sick {
		return execution.Answer{}, errors.New("brume is not well")
	}
	switch r.Call.Resource.Action {
	case "fail":
		return execution.Answer{Err: fault.New("Bad", "so it is")}, nil
	case "hang", "deaf":
		if w.hung != nil {
			w.hung <- struct{}{}
		}
		if r.Call.Resource.Action == "deaf" {
			select {}
		}
		<-ctx.Done()
		return execution.Answer{}, ctx.Err()
	}
	return execution.Answer{Output: r.Call.Arguments}, nil
}

func (w *world) Poll(context.Context, *execution.Request, []byte) (execution.Answer, bool, error) {
	return execution.Answer{}, false, nil
}
func (w *world) Cancel(context.Context, *execution.Request, []byte) error { return nil }
func (w *world) Write(store.Tx, *execution.Log) error                     { return nil }
func (w *world) Send(l *execution.Log) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs = append(w.logs, l.Events...)
}

func define(t testing.TB, definition string) machine.Target {
	m, err := asl.Parse([]byte(strings.ReplaceAll(definition, `"R:`, `"arn:aws:states:::`)))
	if err != nil {
		t.Fatal(err)
	}
	return machine.Target{Revision: &machine.Revision{Spot: machine.Spot{Ref: machine.Ref{Name: "m"}}, Machine: m,
		Logging: machine.Logging{Level: "ALL"}}}
}

func newRunner(w *world, c clock.Clock) *express.Runner {
	return express.New(express.Config{Clock: c, Rand: rand.Reader, Tasks: w, Journal: w})
}

// look runs an execution to its end, in one line.
func look(r *express.Result, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case r.Error != nil:
		return r.Status.String() + " " + r.Error.Name
	}
	return r.Status.String() + " " + string(r.Output)
}

func TestEnds(t *testing.T) {
	for name, c := range map[string]struct{ definition, want string }{
		"pure": {`{"StartAt":"A","States":{"A":{"Type":"Pass","Result":1,"End":true}}}`, "SUCCEEDED 1"},
		"task": {`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:echo","End":true}}}`, `SUCCEEDED {"items":[1,2,3]}`},
		"fail": {`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:fail","End":true}}}`, "FAILED Bad"},
		"map": {`{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.items","MaxConcurrency":2,"End":true,"ItemProcessor":{"StartAt":"T","States":{
			"T":{"Type":"Task","Resource":"R:test:echo","End":true}}}}}}`, "SUCCEEDED [1,2,3]"},
		"caught": {`{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Catch":[{"ErrorEquals":["Bad"],"Next":"C"}],"Branches":[
			{"StartAt":"H","States":{"H":{"Type":"Task","Resource":"R:test:hang","End":true}}},
			{"StartAt":"D","States":{"D":{"Type":"Task","Resource":"R:test:deaf","End":true}}},
			{"StartAt":"N","States":{"N":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"I","States":{"I":{"Type":"Wait","Seconds":200,"End":true}}}]}}},
			{"StartAt":"F","States":{"F":{"Type":"Task","Resource":"R:test:fail","End":true}}}]},
			"C":{"Type":"Pass","InputPath":"$.Error","End":true}}}`, `SUCCEEDED "Bad"`},
	} {
		w := &world{sick: 1}
		got := look(newRunner(w, clock.Frozen(start)).Run(t.Context(), &express.Run{Target: define(t, c.definition), Input: []byte(`{"items":[1,2,3]}`)}))
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		for i, e := range w.logs {
			if e.ID != int64(i+1) {
				t.Errorf("%s: event %d is number %d", name, i+1, e.ID)
			}
		}
	}
}

// What takes too long is ended: a task by its own time, an execution by five minutes or the machine's.
func TestTime(t *testing.T) {
	for name, c := range map[string]struct {
		definition, want string
		after            time.Duration
	}{
		"task":    {`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:hang","TimeoutSeconds":7,"End":true}}}`, "FAILED States.Timeout", 7 * time.Second},
		"deaf":    {`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:deaf","TimeoutSeconds":7,"End":true}}}`, "FAILED States.Timeout", 7 * time.Second},
		"machine": {`{"StartAt":"T","TimeoutSeconds":9,"States":{"T":{"Type":"Task","Resource":"R:test:hang","End":true}}}`, "TIMED_OUT States.Timeout", 9 * time.Second},
		"branch": {`{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:hang","End":true}}}]}}}`,
			"TIMED_OUT States.Timeout", express.MaxTime},
	} {
		w := &world{clock: clock.Frozen(start), hung: make(chan struct{})}
		done := make(chan string)
		go func() {
			r, err := newRunner(w, w.clock).Run(t.Context(), &express.Run{Target: define(t, c.definition), Input: []byte(`{}`)})
			if err == nil && r.Stop.Sub(r.Start) != c.after {
				t.Errorf("%s: after %s", name, r.Stop.Sub(r.Start))
			}
			done <- look(r, err)
		}()
		<-w.hung
		if _, err := w.clock.Advance(t.Context(), c.after); err != nil {
			t.Fatal(err)
		}
		if got := <-done; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCallerLeaves(t *testing.T) {
	w := &world{hung: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-w.hung; cancel() }()
	_, err := newRunner(w, clock.Frozen(start)).Run(ctx, &express.Run{Input: []byte(`{}`),
		Target: define(t, `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:hang","Retry":[{"ErrorEquals":["States.ALL"]}],"End":true}}}`)})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// BenchmarkRun is an express execution of five Pass and Choice states.
func BenchmarkRun(b *testing.B) {
	target := define(b, `{"StartAt":"A","States":{
	"A":{"Type":"Pass","Result":{"n":1},"ResultPath":"$.a","Next":"B"},
	"B":{"Type":"Choice","Choices":[{"Variable":"$.a.n","NumericEquals":1,"Next":"C"}],"Default":"D"},
	"C":{"Type":"Pass","Next":"D"},"D":{"Type":"Pass","Next":"E"},"E":{"Type":"Succeed"}}}`)
	target.Logging.Level = "OFF"
	r := newRunner(&world{}, clock.Real())
	input, err := json.Marshal(map[string]int{"i": 1})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if x, err := r.Run(b.Context(), &express.Run{Target: target, ARN: "arn", Name: "n", Input: input}); err != nil || x.Status != execution.Succeeded {
				b.Error(x, err)
			}
		}
	})
}
