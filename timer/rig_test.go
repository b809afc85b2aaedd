package timer_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/timer"
)

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// rig is a store with a runner on it.
type rig struct {
	t      testing.TB
	clock  *clock.Virtual
	store  store.Store
	runner *timer.Runner
	cancel context.CancelFunc
	ended  chan error
}

// newRig makes a rig on s; nil is a new memstore.
func newRig(t testing.TB, s store.Store) *rig {
	r := &rig{t: t, clock: clock.Frozen(start), ended: make(chan error, 1)}
	if r.store = s; s == nil {
		r.store = memstore.New(r.clock)
	}
	r.runner = timer.New(timer.Config{Store: r.store, Clock: r.clock})
	return r
}

// run starts the runner, until the test ends or stop is called.
func (r *rig) run() *rig {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.ended <- r.runner.Run(ctx) }()
	r.t.Cleanup(func() { r.stop() })
	if err := r.runner.Settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	return r
}

func (r *rig) stop() error {
	r.cancel()
	err := <-r.ended
	r.ended <- err
	return err
}

func (r *rig) shard() store.Shard { return r.store.Shard(store.Global()) }

func (r *rig) update(f func(tx store.Tx) error) {
	r.t.Helper()
	if _, err := r.shard().Update(r.t.Context(), func(_ context.Context, tx store.Tx) error { return f(tx) }); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) set(ps ...timer.Promise) {
	r.t.Helper()
	r.update(func(tx store.Tx) error {
		for _, p := range ps {
			if err := timer.Set(tx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// advance moves the time and waits until nothing is left to do.
func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	if _, err := r.clock.Advance(ctx, d); err != nil {
		r.t.Fatal(err)
	}
}

// log notes what handlers did, in order.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *log) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.lines = nil }()
	return l.lines
}

func (l *log) want(t *testing.T, want ...string) {
	t.Helper()
	if got := l.take(); !slices.Equal(got, want) {
		same := 0
		for same < min(len(got), len(want)) && got[same] == want[same] {
			same++
		}
		t.Errorf("after %d that are right: got  %.300q\nwant %.300q", same, got[same:], want[same:])
	}
}

// wantEmpty says that nothing is left of promises but the counter behind their numbers.
func (r *rig) wantEmpty(kind string) {
	r.t.Helper()
	prefix := store.Tuple(nil).Text("timer").Text(kind)
	for s := range r.store.Shards(r.t.Context()) {
		s.View(r.t.Context(), func(_ context.Context, rd store.Reader) error {
			seq, done := rd.Scan(prefix.Range(), store.ScanOpt{})
			for kv := range seq {
				if !bytes.Equal(kv.Key, prefix.Uint(0)) {
					r.t.Errorf("left: %q = %x", kv.Key, kv.Value)
				}
			}
			return done()
		})
	}
}

func (r *rig) wantPanic(what string, f func()) {
	r.t.Helper()
	defer func() {
		if recover() == nil {
			r.t.Errorf("%s: no panic", what)
		}
	}()
	f()
}
