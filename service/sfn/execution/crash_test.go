package execution_test

import (
	"bytes"
	"context"
	"flag"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
)

var every = flag.Int("every", 3, "die after each n-th commit")

// mortal is a store that has no more commits after some.
type mortal struct {
	store.Store
	left *atomic.Int64
}

func (m mortal) Shard(k store.Key) store.Shard { return dying{m.Store.Shard(k), m.left} }

func (m mortal) Shards(ctx context.Context) iter.Seq[store.Shard] {
	return func(yield func(store.Shard) bool) {
		for s := range m.Store.Shards(ctx) {
			if !yield(dying{s, m.left}) {
				return
			}
		}
	}
}

type dying struct {
	store.Shard
	left *atomic.Int64
}

func (d dying) Update(ctx context.Context, fn func(context.Context, store.Tx) error) (store.Commit, error) {
	if d.left.Add(-1) < 0 {
		return store.Commit{}, store.ErrClosed
	}
	return d.Shard.Update(ctx, fn)
}

// mortals are machines with states of every type.
var mortals = map[string]string{
	"pure": five,
	"wait": `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":7,"Next":"V"},"V":{"Type":"Wait","TimestampPath":"$.at","Next":"T"},"T":{"Type":"Task","Resource":"R:test:echo","End":true}}}`,
	"retry": `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:fail","Retry":[{"ErrorEquals":["Again"],"MaxAttempts":2}],
		"Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"}],"End":true},"C":{"Type":"Choice","Choices":[{"Variable":"$.Error","StringEquals":"Again","Next":"S"}],"Default":"S"},"S":{"Type":"Succeed"}}}`,
	"fork": `{"StartAt":"P","States":{"P":{"Type":"Parallel","Next":"M","Branches":[
		{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":3,"End":true}}},
		{"StartAt":"B","States":{"B":{"Type":"Task","Resource":"R:test:echo","Next":"C"},"C":{"Type":"Pass","End":true}}}]},
		"M":{"Type":"Map","ItemsPath":"$[1].items","MaxConcurrency":2,"End":true,"ItemProcessor":{"StartAt":"T","States":{
			"T":{"Type":"Task","Resource":"R:test:echo","Next":"W"},"W":{"Type":"Wait","Seconds":1,"End":true}}}}}}`,
	"fails": `{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.items","End":true,"Retry":[{"ErrorEquals":["Bad"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["Bad"],"Next":"C"}],
		"ItemProcessor":{"StartAt":"X","States":{"X":{"Type":"Choice","Choices":[{"Variable":"$","NumericEquals":2,"Next":"V"}],"Default":"W"},
			"V":{"Type":"Wait","Seconds":5,"Next":"F"},"F":{"Type":"Fail","Error":"Bad"},"W":{"Type":"Wait","Seconds":100,"End":true}}}},
		"C":{"Type":"Pass","InputPath":"$.Error","End":true}}}`,
	"token": `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:echo.waitForTaskToken","HeartbeatSeconds":50,"TimeoutSeconds":900,"Parameters":{"t.$":"$$.Task.Token"},"End":true}}}`,
	"activity": `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:eu-west-1:111122223333:activity:a","HeartbeatSeconds":50,"Next":"U"},
		"U":{"Type":"Pass","End":true}}}`,
	"job":     `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:job.sync","Next":"U"},"U":{"Type":"Pass","End":true}}}`,
	"nested":  `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:states:startExecution.sync:2","Next":"U"},"U":{"Type":"Pass","Result":1,"End":true}}}`,
	"child":   `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":15,"End":true}}}`,
	"timeout": `{"StartAt":"T","TimeoutSeconds":9,"States":{"T":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"T2","States":{"T2":{"Type":"Task","Resource":"R:test:echo.waitForTaskToken","Parameters":{"t.$":"$$.Task.Token","not":"back"},"End":true}}}]}}}`,
}

const mortalInput = `{"at":"2026-01-02T03:04:30Z","items":[1,2,3,4,5],"error":"Again"}`

// live runs an execution for some minutes, and brings tokens and jobs back.
func (r *rig) live(dead func() bool) {
	for range 12 {
		if r.timer.Settle(r.t.Context()) != nil {
			return
		}
		r.tasks.mu.Lock()
		calls := slices.Clone(r.tasks.calls)
		r.tasks.jobs = map[string]string{mortalInput: `"done"`}
		r.tasks.mu.Unlock()
		for _, c := range calls {
			if strings.Contains(c, "waitForTaskToken") && !strings.Contains(c, `"not"`) {
				for i, part := range strings.Split(c, `"`) {
					if i > 0 && len(part) > 50 {
						r.Return(r.t.Context(), part, []byte(`"back"`), nil)
					}
				}
			}
		}
		r.mu.Lock()
		queue := slices.Clone(r.queue)
		r.mu.Unlock()
		for _, a := range queue {
			if ok, _ := r.Taken(r.t.Context(), a.Token, "w"); ok {
				r.Return(r.t.Context(), a.Token, []byte(`"worked"`), nil)
			}
		}
		if dead() {
			return // nothing happens to it while it is dead
		}
		if _, err := r.clock.Advance(r.t.Context(), 10*time.Second); err != nil {
			return
		}
	}
}

// tale is what came of an execution: how it ended, and its events, in no order.
func (r *rig) tale(ref execution.Ref) string {
	lines := []string{r.look(ref)}
	for l := range strings.Lines(r.story(ref)) {
		_, rest, _ := strings.Cut(l, " ")
		if i := strings.Index(rest, `"t":"`); i > 0 {
			rest = rest[:i]
		}
		lines = append(lines, strings.TrimSpace(rest))
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n")
}

// An execution that is killed after any commit goes on from there when the platform starts again, and ends as one does that was left
// in peace: the same events, no state entered twice.
func TestDeath(t *testing.T) {
	for name := range mortals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, commits := dieAfter(t, name, 1<<40)
			if strings.HasPrefix(whole, "RUNNING") {
				t.Fatal(whole)
			}
			for n := 1; n < commits; n += *every {
				if got, _ := dieAfter(t, name, int64(n)); got != whole {
					t.Fatalf("killed after %d commits:\n%s\n\nin peace:\n%s", n, got, whole)
				}
			}
		})
	}
}

// dieAfter runs an execution that dies after some commits and lives again; commits is how many there were before.
func dieAfter(t *testing.T, name string, n int64) (tale string, commits int) {
	c := clock.Frozen(start)
	s := memstore.New(c)
	var left atomic.Int64
	left.Store(1 << 40)
	r := rigOn(t, c, mortal{s, &left}, &tasks{})
	for name, d := range mortals {
		r.define(name, d)
	}
	r.run()
	left.Store(n)
	ref := execution.Ref{Spot: r.machines[name].Spot, Name: "x"}
	if _, err := r.Start(t.Context(), &execution.Begin{Target: r.target(name), Name: "x", Input: []byte(mortalInput)}); err != nil {
		t.Fatal(err)
	}
	r.live(func() bool { return left.Load() < 0 })
	commits = int(n - left.Load())
	r.stop()
	if left.Load() >= 0 {
		return r.tale(ref), commits
	}
	var copied bytes.Buffer
	if _, err := s.Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	c = clock.Frozen(c.Now())
	again, err := memstore.Restore(c, &copied)
	if err != nil {
		t.Fatal(err)
	}
	next := rigOn(t, c, again, &tasks{calls: r.tasks.calls})
	next.machines, next.queue = r.machines, r.queue
	next.run()
	next.live(func() bool { return false })
	return next.tale(ref), commits
}
