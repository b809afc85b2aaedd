package timer_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

// script is what the model's promises carry: how each attempt ends.
type script struct {
	Label int
	Waits []time.Duration // attempt i fails, and is due again after Waits[i]; the one after the last succeeds
	Done  bool            // ends by Done
	Pad   string          // makes it long
}

// event is an attempt.
type event struct {
	at      time.Duration
	label   int
	attempt int
}

func (e event) String() string {
	return fmt.Sprintf("%v: %d for the %d. time", e.at, e.label, e.attempt)
}

func sortEvents(es []event) {
	slices.SortFunc(es, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.label, b.label), cmp.Compare(a.attempt, b.attempt))
	})
}

// pending is a promise of the model that is not done.
type pending struct {
	script
	id, order string
	due       time.Duration
	attempt   int
}

// model says which attempts there are until a time: each at its due time, those of an order key after one another.
type model struct{ promises []*pending }

func (m *model) set(p *pending) {
	if p.id != "" {
		m.cancel(p.id)
	}
	m.promises = append(m.promises, p)
}

func (m *model) cancel(id string) bool {
	n := len(m.promises)
	m.promises = slices.DeleteFunc(m.promises, func(p *pending) bool { return p.id == id })
	return len(m.promises) < n
}

func (m *model) until(now time.Duration) (events []event) {
	done := map[string]time.Duration{} // when the last of an order key was done
	held := map[string]bool{}
	m.promises = slices.DeleteFunc(m.promises, func(p *pending) bool {
		if p.order != "" {
			if held[p.order] {
				return false
			}
			p.due = max(p.due, done[p.order])
		}
		for p.due <= now {
			p.attempt++
			events = append(events, event{p.due, p.Label, p.attempt})
			if p.attempt > len(p.Waits) {
				done[p.order] = p.due
				return true
			}
			p.due += p.Waits[p.attempt-1]
		}
		held[p.order] = true
		return false
	})
	sortEvents(events)
	return events
}

// world runs the same promises on the timer.
type world struct {
	t      *rapid.T
	clock  *clock.Virtual
	store  store.Store
	mu     sync.Mutex
	events []event
	stop   func()
}

func (w *world) run() {
	r := timer.New(timer.Config{Store: w.store, Clock: w.clock})
	handler := func(ctx context.Context, k *timer.Kept) error {
		var s script
		if err := json.Unmarshal(k.Args, &s); err != nil {
			w.t.Error(err)
		}
		w.mu.Lock()
		w.events = append(w.events, event{w.clock.Now().Sub(start), s.Label, k.Attempt})
		w.mu.Unlock()
		if k.Attempt <= len(s.Waits) {
			return timer.Later(w.clock.Now().Add(s.Waits[k.Attempt-1]), errors.New("as the script says"))
		}
		if s.Done {
			_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error { return k.Done(tx) })
			return err
		}
		return nil
	}
	for _, kind := range kinds {
		r.Handle(kind, handler, timer.Policy{Parallel: 2})
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	if err := r.Settle(ctx); err != nil {
		w.t.Error(err)
	}
	w.stop = func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			w.t.Error(err)
		}
	}
}

var kinds = []string{"k", "kk"}

func TestModel(t *testing.T) {
	for name, open := range map[string]func(clock.Clock, uint64) store.Store{
		"memstore": func(c clock.Clock, _ uint64) store.Store { return memstore.New(c) },
		"shaken":   func(c clock.Clock, seed uint64) store.Store { return storetest.Shaken(memstore.New(c), seed) },
		"split":    func(c clock.Clock, _ uint64) store.Store { return storetest.Split(c, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := clock.Frozen(start)
				w := &world{t: t, clock: c, store: open(c, rapid.Uint64().Draw(t, "seed"))}
				w.run()
				w.play()
				w.stop()
				w.check()
			})
		})
	}
}

// play does random things to the timer and the model alike.
func (w *world) play() {
	t, m, label := w.t, &model{}, 0
	ids, orders := rapid.SampledFrom([]string{"", "a", "b"}), rapid.SampledFrom([]string{"o", "p"})
	waits := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 100), func(n int) time.Duration { return time.Duration(n) * time.Minute }), 0, 3)
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		now := w.clock.Now().Sub(start)
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		resource := store.Tuple(nil).Text(rapid.SampledFrom([]string{"r", "s", "t"}).Draw(t, "resource"))
		where := fmt.Sprintf("%s in %s", kind, w.store.Shard(resource).ID())
		switch rapid.SampledFrom([]string{"set", "set", "advance", "cancel", "restart"}).Draw(t, "do") {
		case "set":
			var ps []timer.Promise
			named := rapid.Bool().Draw(t, "named")
			if named {
				m.want(w, now) // as for cancel
			}
			for range rapid.IntRange(1, 6).Draw(t, "promises") {
				label++
				s := script{Label: label, Waits: waits.Draw(t, "waits"), Done: rapid.Bool().Draw(t, "done")}
				if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
					s.Pad = fmt.Sprintf("%0*d", 200_000, label)
				}
				p := &pending{script: s, due: now + time.Duration(rapid.IntRange(-10, 100).Draw(t, "due"))*time.Minute}
				args, _ := json.Marshal(s)
				q := timer.Promise{Kind: kind, Args: args, Due: start.Add(p.due)}
				if rapid.Bool().Draw(t, "ordered") {
					q.Order = orders.Draw(t, "order")
					p.order = where + q.Order
				} else if q.Dest = orders.Draw(t, "dest"); named {
					if q.ID = ids.Draw(t, "id"); q.ID != "" {
						p.id = where + q.ID
					}
				}
				p.due = max(p.due, now)
				ps = append(ps, q)
				m.set(p)
			}
			w.update(resource, func(tx store.Tx) (err error) {
				for _, p := range ps {
					err = errors.Join(err, timer.Set(tx, p))
				}
				return err
			})
		case "cancel":
			id := ids.Filter(func(s string) bool { return s != "" }).Draw(t, "id")
			m.want(w, now) // what is due now is in flight, or was: only what is left after that is certain
			want := m.cancel(where + id)
			w.update(resource, func(tx store.Tx) error {
				ok, err := timer.Cancel(tx, kind, id)
				if ok != want {
					t.Errorf("cancelled %s of %s: %v, want %v", id, where, ok, want)
				}
				return err
			})
		case "advance":
			d := time.Duration(rapid.IntRange(0, 120).Draw(t, "minutes")) * time.Minute
			m.want(w, now+d)
		case "restart":
			m.want(w, now)
			w.stop()
			w.run()
		}
	}
	m.want(w, w.clock.Now().Sub(start)+1000*time.Hour)
	if len(m.promises) > 0 {
		t.Errorf("%d promises are left", len(m.promises))
	}
}

func (w *world) update(resource store.Key, f func(store.Tx) error) {
	_, err := w.store.Shard(resource).Update(context.Background(), func(_ context.Context, tx store.Tx) error { return f(tx) })
	if err != nil {
		w.t.Fatal(err)
	}
}

// want advances the time and compares what the handlers saw with the model.
func (m *model) want(w *world, until time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := w.clock.Advance(ctx, until-w.clock.Now().Sub(start)); err != nil {
		w.t.Fatal(err)
	}
	want := m.until(until)
	w.mu.Lock()
	got := w.events
	w.events = nil
	w.mu.Unlock()
	if !slices.IsSortedFunc(got, func(a, b event) int { return cmp.Compare(a.at, b.at) }) {
		w.t.Errorf("not in the order of time: %v", got)
	}
	sortEvents(got)
	if !slices.Equal(got, want) {
		w.t.Fatalf("until %v:\ngot  %v\nwant %v", until, got, want)
	}
	w.check()
}

func (w *world) check() {
	for s := range w.store.Shards(context.Background()) {
		err := s.View(context.Background(), func(_ context.Context, r store.Reader) error {
			return errors.Join(timer.Check(r, kinds[0]), timer.Check(r, kinds[1]))
		})
		if err != nil {
			w.t.Errorf("shard %s: %v", s.ID(), err)
		}
	}
}
