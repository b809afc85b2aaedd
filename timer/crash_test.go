package timer_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/pebblestore"
	"github.com/brume-dev/brume/store/pebblestore/powercut"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var rounds = flag.Int("rounds", 2, "simulated crashes, of each sort")

var (
	wanted = store.Tuple(nil).Text("wanted") // wanted, n: promise n was made
	did    = store.Tuple(nil).Text("did")    // did, n: how often it had its effect
	last   = store.Tuple(nil).Text("last")   // last, order key: the last n that had
)

// effect is what the handlers do: once by Done for promises with an even number, at least once for the others.
func effect(ctx context.Context, k *timer.Kept) error {
	var n uint64
	fmt.Sscan(string(k.Args), &n)
	if rand.IntN(8) == 0 {
		return errors.New("as it happens")
	}
	_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Add(did.Uint(n), 1)
		if k.Order != "" {
			v, _, err := tx.Get(last.Text(k.Order))
			if err != nil {
				return err
			}
			if before := uint64(store.ReadCounter(v)); before > n {
				return fmt.Errorf("%s: %d after %d", k.Order, n, before)
			}
			tx.Delete(last.Text(k.Order))
			tx.Add(last.Text(k.Order), int64(n))
		}
		if n%2 == 0 {
			return k.Done(tx)
		}
		return nil
	})
	return err
}

// A crash at any moment leaves a state from which the next runner keeps every promise whose making was acknowledged:
// none lost, none kept again that was done by Done, each order key in its order.
func TestCrash(t *testing.T) {
	for round := range *rounds {
		// A copy of a memstore is its state at some commit, whatever is in flight.
		first := memstore.New(clock.Real())
		crashTest(t, storetest.Shaken(first, uint64(round)), first, func() func() (store.Store, error) {
			copied := new(bytes.Buffer)
			_, err := first.Backup(t.Context(), copied)
			return func() (store.Store, error) {
				if err != nil {
					return nil, err
				}
				return memstore.Restore(clock.Real(), copied)
			}
		})
		// A disk without power has what was synced, and some of the rest.
		disk := powercut.NewDisk()
		options := pebblestore.Options{Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Fatal: func(error) {}}
		second, err := disk.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(uint64(round), 1))
		crashTest(t, second, second, func() func() (store.Store, error) {
			cut := disk.Cut(rnd)
			return func() (store.Store, error) { return cut.Open(options) }
		})
	}
}

// crashTest has promises made on first and kept through shaken, crashes at some moments, and looks at what is left.
func crashTest(t *testing.T, shaken, first store.Store, crash func() func() (store.Store, error)) {
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { runEffects(ctx, shaken) })
	crashes := makeWanted(t, first, crash)
	cancel()
	wait.Wait()
	first.Close()
	for _, c := range crashes {
		s, err := c.open()
		if err != nil {
			t.Fatal(err)
		}
		r := timer.New(timer.Config{Store: s, Clock: clock.Real()})
		r.Handle("k", effect, quick)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		for left(t, s) {
			if err := r.Settle(ctx); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		<-ended
		checkEffects(t, s, c.acknowledged)
		s.Close()
	}
}

var quick = timer.Policy{Parallel: 3, MinBackoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond}

func runEffects(ctx context.Context, s store.Store) {
	r := timer.New(timer.Config{Store: s, Clock: clock.Real()})
	r.Handle("k", effect, quick)
	r.Run(ctx)
}

// crashed is what a crash left: open gives the store, in which at least the first promises are that were acknowledged.
type crashed struct {
	open         func() (store.Store, error)
	acknowledged uint64
}

// makeWanted makes promises, and crashes at some moments in between, whatever is in flight then.
func makeWanted(t *testing.T, s store.Store, crash func() func() (store.Store, error)) (crashes []crashed) {
	var n uint64
	for range 3 {
		for range 20 + rand.IntN(100) {
			_, err := s.Shard(nil).Update(t.Context(), func(_ context.Context, tx store.Tx) error {
				for i := range uint64(4) {
					if err := makeOne(tx, n+i); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			n += 4
		}
		crashes = append(crashes, crashed{crash(), n})
	}
	return crashes
}

func makeOne(tx store.Tx, n uint64) error {
	p := timer.Promise{Kind: "k", Args: fmt.Append(nil, n)}
	switch n % 3 {
	case 0:
		p.Order = fmt.Sprint("o", n%5)
	case 1:
		p.Dest = fmt.Sprint("d", n%5)
	case 2:
		p.ID, p.Due = fmt.Sprint(n), tx.Now().Add(time.Duration(n%7)*time.Millisecond)
	}
	tx.Set(wanted.Uint(n), nil)
	return timer.Set(tx, p)
}

func left(t *testing.T, s store.Store) (any bool) {
	s.Shard(nil).View(t.Context(), func(_ context.Context, r store.Reader) error {
		seq, done := r.Scan(store.Tuple(nil).Text("timer").Text("k").Uint(3).Range(), store.ScanOpt{Limit: 1})
		for range seq {
			any = true
		}
		return done()
	})
	return any
}

func checkEffects(t *testing.T, s store.Store, acknowledged uint64) {
	t.Helper()
	err := s.Shard(nil).View(t.Context(), func(_ context.Context, r store.Reader) error {
		seq, done := r.Scan(wanted.Range(), store.ScanOpt{})
		count := uint64(0)
		for kv := range seq {
			n := store.Decode(kv.Key, len(wanted)).Uint()
			v, _, err := r.Get(did.Uint(n))
			if err != nil {
				return err
			}
			if c := store.ReadCounter(v); c == 0 || c > 1 && n%2 == 0 {
				t.Errorf("%d had its effect %d times", n, c)
			}
			count++
		}
		if count < acknowledged {
			t.Errorf("%d promises were made, %d of them are left", acknowledged, count)
		}
		return errors.Join(done(), timer.Check(r, "k"))
	})
	if err != nil {
		t.Error(err)
	}
}

// When Run ends, handlers get time to end; one that outlasts it is cut off, and that attempt does not count.
func TestDrain(t *testing.T) {
	s := memstore.New(clock.Real())
	begun := make(chan string, 10)
	attempts := make(chan int, 10)
	finish := make(chan struct{})
	start := func(drain time.Duration) (*timer.Runner, context.CancelFunc, chan error) {
		r := timer.New(timer.Config{Store: s, Clock: clock.Real(), Drain: drain})
		r.Handle("k", func(ctx context.Context, k *timer.Kept) error {
			begun <- k.Dest
			attempts <- k.Attempt
			if k.Dest == "endless" {
				<-ctx.Done()
				return ctx.Err()
			}
			<-finish
			return ctx.Err()
		}, timer.Policy{MinBackoff: 1, MaxBackoff: 1})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		return r, cancel, ended
	}
	set := func(dest string) {
		_, err := s.Update(t.Context(), func(_ context.Context, tx store.Tx) error {
			return timer.Set(tx, timer.Promise{Kind: "k", Dest: dest})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set("slow")
	_, cancel, ended := start(time.Hour)
	<-begun
	cancel()
	close(finish)
	if err := <-ended; !errors.Is(err, context.Canceled) || left(t, s) {
		t.Errorf("%v; kept: %v", err, !left(t, s))
	}
	for i := range 2 {
		set("endless")
		_, cancel, ended = start(time.Millisecond)
		for range i + 1 {
			<-begun
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || !left(t, s) {
			t.Errorf("%v; kept: %v", err, !left(t, s))
		}
	}
	for len(attempts) > 0 {
		if n := <-attempts; n != 1 {
			t.Errorf("attempt %d", n)
		}
	}
}

// The end of the store is the end of Run.
func TestStoreEnds(t *testing.T) {
	s := memstore.New(clock.Real())
	r := timer.New(timer.Config{Store: s, Clock: clock.Real()})
	begun := make(chan struct{})
	r.Handle("k", func(ctx context.Context, _ *timer.Kept) error {
		close(begun)
		<-ctx.Done()
		return nil
	}, timer.Policy{})
	if _, err := s.Update(t.Context(), func(_ context.Context, tx store.Tx) error {
		return timer.Set(tx, timer.Promise{Kind: "k"})
	}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- r.Run(t.Context()) }()
	<-begun
	s.Close()
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("%v, want the store's end", err)
	}
	if err := r.Settle(t.Context()); err == nil {
		t.Error("a runner that has ended is settled")
	}
}

// A promise that waits behind others, or behind a head of its order key, wakes nobody: millions of them cost nothing.
func TestWhatWakesTheRunner(t *testing.T) {
	r := newRig(t, nil)
	woken := func(p timer.Promise) bool {
		t.Helper()
		var before store.Version
		r.shard().View(t.Context(), func(_ context.Context, rd store.Reader) error { before = rd.Version(); return nil })
		r.set(p)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := r.shard().Wait(ctx, timer.Topic("k"), before)
		return err == nil
	}
	for _, c := range []struct {
		what string
		p    timer.Promise
		want bool
	}{
		{"the first of a destination", timer.Promise{Dest: "d", Due: start.Add(3 * time.Hour)}, true},
		{"a later one", timer.Promise{Dest: "d", Due: start.Add(4 * time.Hour)}, false},
		{"a later one with an ID", timer.Promise{Dest: "d", Due: start.Add(5 * time.Hour), ID: "x"}, false},
		{"an earlier one", timer.Promise{Dest: "d", Due: start.Add(time.Hour)}, true},
		{"one that is due now", timer.Promise{Dest: "d"}, true},
		{"another that is due now", timer.Promise{Dest: "d"}, true},
		{"one that is not, while others are in flight", timer.Promise{Dest: "d", Due: start.Add(time.Minute)}, true},
		{"the head of an order key", timer.Promise{Order: "o", Due: start.Add(time.Hour)}, true},
		{"one behind it", timer.Promise{Order: "o"}, false},
	} {
		c.p.Kind = "k"
		if got := woken(c.p); got != c.want {
			t.Errorf("%s: woken %v, want %v", c.what, got, c.want)
		}
	}
}

// backwards is a clock that may be set back, as the machine's may.
type backwards struct {
	*clock.Virtual
	mu   sync.Mutex
	back time.Duration
}

func (b *backwards) by() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.back
}

func (b *backwards) Now() time.Time { return b.Virtual.Now().Add(-b.by()) }
func (b *backwards) Until(t time.Time) (<-chan struct{}, func()) {
	return b.Virtual.Until(t.Add(b.by()))
}

// What is due now by the store's time, which does not go back, is kept although the clock has been set back.
func TestClockSetBack(t *testing.T) {
	c := &backwards{Virtual: clock.Frozen(start)}
	r := newRig(t, memstore.New(c))
	r.clock = c.Virtual
	r.runner = timer.New(timer.Config{Store: r.store, Clock: c})
	var l log
	r.runner.Handle("k", func(_ context.Context, k *timer.Kept) error {
		l.add("%s", k.Args)
		return nil
	}, timer.Policy{})
	r.run()
	r.set(timer.Promise{Kind: "k", Args: []byte("before")})
	r.advance(time.Minute)
	r.set(timer.Promise{Kind: "k", Args: []byte("then")})
	r.advance(0)
	l.want(t, "before", "then")
	c.mu.Lock()
	c.back = time.Hour
	c.mu.Unlock()
	for range 3 {
		r.set(timer.Promise{Kind: "k", Args: []byte("after")})
		r.set(timer.Promise{Kind: "k", Order: "o", Args: []byte("ordered")})
		if err := r.runner.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.take(); len(got) != 6 {
		t.Errorf("%q", got)
	}
}
