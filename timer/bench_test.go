package timer_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/pebblestore"
	"github.com/brume-dev/brume/timer"
)

// BenchmarkSetAndKeep is what a hand-off costs from Set to its deletion: 32 callers, each with a transaction of its own
// for each promise.
func BenchmarkSetAndKeep(b *testing.B) {
	for _, c := range []struct {
		name    string
		promise func(i int64) timer.Promise
	}{
		{"one destination", func(int64) timer.Promise { return timer.Promise{} }},
		{"100 destinations", func(i int64) timer.Promise { return timer.Promise{Dest: fmt.Sprint(i % 100)} }},
		{"100 order keys", func(i int64) timer.Promise { return timer.Promise{Order: fmt.Sprint(i % 100)} }},
		{"with an ID", func(i int64) timer.Promise { return timer.Promise{ID: fmt.Sprint(i)} }},
	} {
		b.Run("memstore/"+c.name, func(b *testing.B) { setAndKeep(b, memstore.New(clock.Real()), c.promise) })
		b.Run("pebblestore/"+c.name, func(b *testing.B) {
			s, err := pebblestore.Open(pebblestore.Options{Dir: b.TempDir(), Clock: clock.Real()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			setAndKeep(b, s, c.promise)
		})
	}
}

func setAndKeep(b *testing.B, s store.Store, promise func(int64) timer.Promise) {
	var left sync.WaitGroup
	left.Add(b.N)
	r := timer.New(timer.Config{Store: s, Clock: clock.Real()})
	r.Handle("k", func(context.Context, *timer.Kept) error { left.Done(); return nil }, timer.Policy{})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	args := make([]byte, 300)
	var made atomic.Int64
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			for {
				i := made.Add(1)
				if i > int64(b.N) {
					return
				}
				p := promise(i)
				p.Kind, p.Args = "k", args
				if _, err := s.Shard(nil).Update(ctx, func(_ context.Context, tx store.Tx) error { return timer.Set(tx, p) }); err != nil {
					b.Error(err)
				}
			}
		})
	}
	callers.Wait()
	left.Wait()
	if err := r.Settle(ctx); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "promises/s")
	cancel()
	<-ended
}
