package timer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

func TestWhatAHandlerGets(t *testing.T) {
	r := newRig(t, nil)
	var got []*timer.Kept
	r.runner.Handle("k", func(_ context.Context, k *timer.Kept) error {
		got = append(got, k)
		if k.Attempt == 1 {
			return timer.Later(r.clock.Now().Add(time.Hour), errors.New("not yet"))
		}
		return nil
	}, timer.Policy{Parallel: 1})
	r.run()
	long := bytes.Repeat([]byte("0123456789"), timer.MaxArgs/10)
	r.set(
		timer.Promise{Kind: "k", Args: []byte("a"), Dest: "d", ID: "i", Due: start.Add(time.Minute)},
		timer.Promise{Kind: "k", Args: long, Order: "o"},
	)
	r.advance(2 * time.Hour)
	if len(got) != 4 {
		t.Fatalf("%d attempts, want 4", len(got))
	}
	o, d := got[0], got[1]
	if o.Order != "o" || o.Dest != "" || !bytes.Equal(o.Args, long) || !o.Due.Equal(start) || !o.Set.Equal(start) || o.Attempt != 1 {
		t.Errorf("%+v", o)
	}
	if d.Order != "" || d.Dest != "d" || d.ID != "i" || string(d.Args) != "a" || !d.Due.Equal(start.Add(time.Minute)) || !d.Set.Equal(start) || d.Kind != "k" || d.Shard == nil {
		t.Errorf("%+v", d)
	}
	if len(d.Key) != 36 || o.Key == d.Key || o.Key != got[2].Key || d.Key != got[3].Key || got[2].Attempt != 2 || got[3].Attempt != 2 || !bytes.Equal(got[2].Args, long) {
		t.Errorf("keys %q %q %q %q, attempts %d %d", o.Key, d.Key, got[2].Key, got[3].Key, got[2].Attempt, got[3].Attempt)
	}
	r.wantEmpty("k")
}

func TestRefusesWhatCannotBe(t *testing.T) {
	r := newRig(t, nil)
	name := string(make([]byte, timer.MaxName+1))
	for _, p := range []timer.Promise{
		{},
		{Kind: string(make([]byte, timer.MaxKind+1))},
		{Kind: "k", ID: name},
		{Kind: "k", Order: name},
		{Kind: "k", Dest: name},
		{Kind: "k", Order: "o", ID: "i"},
		{Kind: "k", Args: make([]byte, timer.MaxArgs+1)},
	} {
		_, err := r.shard().Update(t.Context(), func(_ context.Context, tx store.Tx) error { return timer.Set(tx, p) })
		if err == nil {
			t.Errorf("%.100v was taken", p)
		}
	}
	// The longest names, made of the bytes that keys escape.
	r.set(timer.Promise{Kind: "k", ID: name[1:], Dest: name[1:]}, timer.Promise{Kind: "k", Order: name[1:]})
	r.wantPanic("handles", func() {
		r.runner.Handle("k", func(context.Context, *timer.Kept) error { return nil }, timer.Policy{})
		r.runner.Handle("k", func(context.Context, *timer.Kept) error { return nil }, timer.Policy{})
	})
	r.run().advance(0)
	r.wantEmpty("k")
}

// Promises of an order key run one at a time in the order of their commits; one that fails holds up its key alone.
func TestOrderKeys(t *testing.T) {
	var l log
	r := newRig(t, nil)
	failures := 3
	running := map[string]bool{}
	var mu sync.Mutex
	r.runner.Handle("k", func(_ context.Context, k *timer.Kept) error {
		mu.Lock()
		if running[k.Order] {
			t.Errorf("two of %s at a time", k.Order)
		}
		running[k.Order] = true
		mu.Unlock()
		defer func() { mu.Lock(); delete(running, k.Order); mu.Unlock() }()
		if k.Order == "bad" && failures > 0 {
			failures--
			l.add("%s fails at %v", k.Args, k.Attempt)
			return timer.Later(r.clock.Now().Add(time.Minute), errors.New("no"))
		}
		if k.Order == "bad" {
			l.add("%s after %v", k.Args, r.clock.Now().Sub(start))
		} else if n := len(k.Args); n > 0 && k.Args[n-1] == '9' {
			l.add("%s after %v", k.Args, r.clock.Now().Sub(start))
		}
		return nil
	}, timer.Policy{})
	r.run()
	for i := range 10 {
		r.set(timer.Promise{Kind: "k", Order: "good", Args: fmt.Appendf(nil, "good%d", i)},
			timer.Promise{Kind: "k", Order: "bad", Args: fmt.Appendf(nil, "bad%d", i)})
	}
	r.advance(0)
	got := l.take()
	slices.Sort(got)
	if want := []string{"bad0 fails at 1", "good9 after 0s"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	r.advance(time.Minute + time.Second)
	l.want(t, "bad0 fails at 2")
	r.advance(time.Hour)
	want := []string{"bad0 fails at 3"}
	for i := range 10 {
		want = append(want, fmt.Sprintf("bad%d after 3m0s", i))
	}
	l.want(t, want...)
	// A head that is not due yet holds up its key too.
	r.set(timer.Promise{Kind: "k", Order: "bad", Args: []byte("x"), Due: r.clock.Now().Add(time.Hour)})
	r.set(timer.Promise{Kind: "k", Order: "bad", Args: []byte("y")})
	r.advance(time.Minute)
	l.want(t)
	r.advance(time.Hour)
	l.want(t, "x after 2h1m1s", "y after 2h1m1s")
	r.wantEmpty("k")
}

// A destination that never answers fills its own places and nobody else's; none has more than its own at a time.
func TestDeadDestination(t *testing.T) {
	const parallel = 4
	r := newRig(t, nil)
	release := make(chan struct{})
	var mu sync.Mutex
	running, most, kept := map[string]int{}, map[string]int{}, map[string]int{}
	alive := make(chan struct{}, 1000)
	r.runner.Handle("k", func(ctx context.Context, k *timer.Kept) error {
		mu.Lock()
		running[k.Dest]++
		most[k.Dest] = max(most[k.Dest], running[k.Dest])
		mu.Unlock()
		if k.Dest == "dead" {
			<-release
		}
		mu.Lock()
		running[k.Dest]--
		kept[k.Dest]++
		mu.Unlock()
		if k.Dest != "dead" {
			alive <- struct{}{}
		}
		return nil
	}, timer.Policy{Parallel: parallel})
	r.run()
	for range 10 { // the dead come first, and more of them
		for range 50 {
			r.set(timer.Promise{Kind: "k", Dest: "dead"})
		}
		for d := range 10 {
			r.set(timer.Promise{Kind: "k", Dest: fmt.Sprint(d)})
		}
	}
	for range 100 {
		<-alive
	}
	close(release)
	r.advance(0)
	for d, n := range most {
		if n > parallel {
			t.Errorf("%s: %d at a time", d, n)
		}
	}
	if most["dead"] != parallel || kept["dead"] != 500 || kept["0"] != 10 {
		t.Errorf("at most %d dead at a time; %d and %d kept", most["dead"], kept["dead"], kept["0"])
	}
	r.wantEmpty("k")
}

// Far more destinations than may run at a time are all served, the dead ones that fill the lane notwithstanding.
func TestManyDestinations(t *testing.T) {
	r := newRig(t, nil)
	const n = 3000
	r.runner.Handle("k", func(context.Context, *timer.Kept) error { return nil }, timer.Policy{})
	for i := range n / 100 {
		var ps []timer.Promise
		for j := range 100 {
			ps = append(ps, timer.Promise{Kind: "k", Dest: fmt.Sprint(i, j)}, timer.Promise{Kind: "k", Order: fmt.Sprint(i, j)})
		}
		r.set(ps...)
	}
	r.run().advance(0)
	if m := r.runner.Metrics(); m.Started != 2*n || m.Failed != 0 {
		t.Errorf("%+v, want %d", m, 2*n)
	}
	r.wantEmpty("k")
}

func TestRetries(t *testing.T) {
	var l log
	r := newRig(t, nil)
	r.runner.Handle("backoff", func(_ context.Context, k *timer.Kept) error {
		l.add("%d", r.clock.Now().Sub(start).Milliseconds())
		if k.Attempt < 6 {
			return errors.New("no")
		}
		return nil
	}, timer.Policy{MinBackoff: time.Second, MaxBackoff: 4 * time.Second})
	r.runner.Handle("panic", func(_ context.Context, k *timer.Kept) error {
		if k.Attempt == 1 {
			panic("a bug")
		}
		l.add("panic once")
		return nil
	}, timer.Policy{})
	r.runner.Handle("args", func(_ context.Context, k *timer.Kept) error {
		l.add("%s attempt %d at %v", k.Args, k.Attempt, r.clock.Now().Sub(start))
		if string(k.Args) == "end" {
			return nil
		}
		next := map[string]string{"a": "b", "b": "c", "c": "end"}[string(k.Args)]
		return fmt.Errorf("wrapped: %w", &timer.Retry{At: r.clock.Now().Add(time.Minute), Args: []byte(next), Uncounted: next == "c"})
	}, timer.Policy{})
	r.run()

	r.set(timer.Promise{Kind: "backoff"})
	r.advance(time.Minute)
	var last int
	for i, line := range l.take() {
		var at int
		fmt.Sscan(line, &at)
		max := min(1000<<max(i-1, 0), 4000)
		if d := at - last; i > 0 && (d < max/2 || d > max+1) {
			t.Errorf("attempt %d after %d ms, want %d to %d", i+1, d, max/2, max)
		}
		last = at
	}
	if m := r.runner.Metrics(); m.Started != 6 || m.Failed != 5 {
		t.Errorf("%+v", m)
	}
	r.set(timer.Promise{Kind: "panic"})
	r.advance(time.Minute)
	l.want(t, "panic once")
	r.set(timer.Promise{Kind: "args", Args: []byte("a"), ID: "i"})
	r.advance(time.Hour)
	l.want(t, "a attempt 1 at 2m0s", "b attempt 2 at 3m0s", "c attempt 2 at 4m0s", "end attempt 3 at 5m0s")
	r.wantEmpty("args")
	r.wantEmpty("backoff")
}

func TestCancelAndReplace(t *testing.T) {
	var l log
	r := newRig(t, nil)
	r.runner.Handle("k", func(_ context.Context, k *timer.Kept) error {
		l.add("%s at %v", k.Args, r.clock.Now().Sub(start))
		return nil
	}, timer.Policy{})
	r.run()
	in := func(d time.Duration, id, args string) timer.Promise {
		return timer.Promise{Kind: "k", ID: id, Args: []byte(args), Due: start.Add(d)}
	}
	r.set(in(2*time.Hour, "x", "later"), in(time.Hour, "x", "sooner"), in(time.Hour, "y", "never"), in(3*time.Hour, "z", "moved"))
	r.update(func(tx store.Tx) error {
		p, ok, err := timer.Find(tx, "k", "x")
		if !ok || err != nil || string(p.Args) != "sooner" || !p.Due.Equal(start.Add(time.Hour)) || p.ID != "x" || p.Kind != "k" {
			t.Errorf("found %+v %v %v", p, ok, err)
		}
		for _, want := range []bool{true, false} {
			if ok, err := timer.Cancel(tx, "k", "y"); ok != want || err != nil {
				t.Errorf("cancelled: %v %v, want %v", ok, err, want)
			}
		}
		if _, ok, err := timer.Find(tx, "k", "y"); ok || err != nil {
			t.Errorf("found what is cancelled (%v)", err)
		}
		return nil
	})
	r.advance(90 * time.Minute)
	l.want(t, "sooner at 1h0m0s")
	r.set(in(2*time.Hour, "z", "earlier"))
	r.set(in(2*time.Hour, "w", "twice"))
	r.set(in(2*time.Hour+time.Second, "w", "once"))
	r.advance(5 * time.Hour)
	l.want(t, "earlier at 2h0m0s", "once at 2h0m1s")
	r.wantEmpty("k")
}

// A promise that is cancelled or replaced while its handler runs: the handler learns it by Done, the new one is kept.
func TestCancelWhileKept(t *testing.T) {
	for _, c := range []struct {
		name        string
		set         bool
		late        bool // only after Done
		effect      string
		newAttempts int
	}{
		{"cancelled", false, false, "none", 0},
		{"replaced", true, false, "none", 1},
		{"replaced after Done", true, true, "one", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			effect, key := store.Tuple(nil).Text("effect"), ""
			attempts := 0
			change := func() {
				r.update(func(tx store.Tx) error {
					if c.set {
						return timer.Set(tx, timer.Promise{Kind: "k", ID: "i", Args: []byte("new")})
					}
					_, err := timer.Cancel(tx, "k", "i")
					return err
				})
			}
			r.runner.Handle("k", func(ctx context.Context, k *timer.Kept) error {
				if string(k.Args) == "new" {
					if attempts++; k.Key == key {
						t.Error("the new promise has the key of the old")
					}
					return nil
				}
				key = k.Key
				if !c.late {
					change()
				}
				_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
					tx.Add(effect, 1)
					return k.Done(tx)
				})
				if errors.Is(err, timer.ErrGone) == c.late {
					t.Errorf("Done: %v", err)
				}
				if c.late {
					change()
				}
				return err
			}, timer.Policy{})
			r.run()
			r.set(timer.Promise{Kind: "k", ID: "i", Args: []byte("old")})
			r.advance(time.Hour)
			r.update(func(tx store.Tx) error {
				v, _, err := tx.Get(effect)
				if got := map[int64]string{0: "none", 1: "one"}[store.ReadCounter(v)]; got != c.effect {
					t.Errorf("effect %q, want %q", got, c.effect)
				}
				return err
			})
			if attempts != c.newAttempts || r.runner.Metrics().Failed != 0 {
				t.Errorf("the new promise was kept %d times, want %d (%+v)", attempts, c.newAttempts, r.runner.Metrics())
			}
			r.wantEmpty("k")
		})
	}
}

// idle hides from a virtual clock that anybody is busy: its time moves as the machine's does.
type idle struct {
	clock.Clock
	armed chan time.Time
}

func (c idle) Until(t time.Time) (<-chan struct{}, func()) {
	c.armed <- t
	return c.Clock.Until(t)
}

// While a promise of a destination takes long, the others of that destination are kept in the places that are left: those
// that wait for one, those that come due, and those that are due again.
func TestOneThatTakesLong(t *testing.T) {
	r := newRig(t, nil)
	armed := make(chan time.Time, 10)
	r.runner = timer.New(timer.Config{Store: r.store, Clock: idle{r.clock, armed}})
	kept, release := make(chan string), make(chan struct{})
	r.runner.Handle("k", func(_ context.Context, k *timer.Kept) error {
		kept <- string(k.Args)
		if string(k.Args) == "long" {
			<-release
		}
		if string(k.Args) == "fails" && k.Attempt == 1 {
			return timer.Later(r.clock.Now().Add(time.Minute), errors.New("no"))
		}
		return nil
	}, timer.Policy{Parallel: 2})
	r.run()
	defer close(release)
	want := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if got := <-kept; got != w {
				t.Errorf("%s, want %s", got, w)
			}
		}
	}
	args := func(s string, due time.Duration) timer.Promise {
		return timer.Promise{Kind: "k", Args: []byte(s), Due: start.Add(due)}
	}
	wantArmed := func(want time.Duration) {
		t.Helper()
		if at := <-armed; !at.Equal(start.Add(want)) {
			t.Errorf("armed for %v", at)
		}
	}
	r.set(args("long", 0))
	want("long")
	r.set(args("a", 0), args("b", 0), args("c", 0)) // there is one place
	want("a", "b", "c")
	r.set(args("later", time.Minute))
	wantArmed(time.Minute)
	r.advance(time.Minute)
	want("later")
	r.set(args("fails", 0))
	want("fails")
	wantArmed(2 * time.Minute)
	r.advance(time.Minute)
	want("fails")
}

// A promise is not kept a nanosecond early.
func TestNeverEarly(t *testing.T) {
	r := newRig(t, nil)
	due := start.Add(1500)
	r.runner.Handle("k", func(_ context.Context, k *timer.Kept) error {
		if now := r.clock.Now(); now.Before(due) || now.Sub(due) > time.Microsecond {
			t.Errorf("kept at %v, due at %v", now, due)
		}
		return nil
	}, timer.Policy{})
	r.run()
	r.set(timer.Promise{Kind: "k", Due: due}, timer.Promise{Kind: "k", Due: due, Order: "o"})
	r.advance(time.Second)
	r.wantEmpty("k")
}

// A handler that sets the next promise in the transaction that ends its own: three weeks of hours, one day at a time.
func TestThreeWeeks(t *testing.T) {
	for name, s := range map[string]func(clock.Clock) store.Store{
		"memstore": func(c clock.Clock) store.Store { return memstore.New(c) },
		"shaken":   func(c clock.Clock) store.Store { return storetest.Shaken(memstore.New(c), 1) },
		"split":    func(c clock.Clock) store.Store { return storetest.Split(c, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			c := clock.Frozen(start)
			r := newRig(t, s(c))
			r.clock = c
			r.runner = timer.New(timer.Config{Store: r.store, Clock: c})
			var l log
			var want []string
			r.runner.Handle("hourly", func(ctx context.Context, k *timer.Kept) error {
				l.add("%v hourly %s", c.Now().Sub(start), k.ID)
				_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
					if err := k.Done(tx); err != nil {
						return err
					}
					err := timer.Set(tx, timer.Promise{Kind: "hourly", ID: k.ID, Due: k.Due.Add(time.Hour)})
					return errors.Join(err, timer.Set(tx, timer.Promise{Kind: "hop", Order: "o"}))
				})
				return err
			}, timer.Policy{})
			r.runner.Handle("hop", func(_ context.Context, k *timer.Kept) error {
				l.add("%v hop", c.Now().Sub(start))
				return nil
			}, timer.Policy{})
			r.run()
			r.set(timer.Promise{Kind: "hourly", ID: "x", Due: start.Add(time.Hour)})
			for h := time.Hour; h <= 21*24*time.Hour; h += time.Hour {
				want = append(want, fmt.Sprintf("%v hourly x", h), fmt.Sprintf("%v hop", h))
			}
			for range 21 {
				r.advance(24 * time.Hour)
			}
			l.want(t, want...)
		})
	}
}
