package timer_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Settle waits also for what an attempt that was under way has promised, whichever kind that is of.
func TestSettleFollows(t *testing.T) {
	r := newRig(t, nil)
	begun, gate := make(chan struct{}), make(chan struct{})
	var kept atomic.Int64
	r.runner.Handle("first", func(ctx context.Context, k *timer.Kept) error {
		begun <- struct{}{}
		<-gate
		_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
			if err := k.Done(tx); err != nil {
				return err
			}
			return timer.Set(tx, timer.Promise{Kind: "second"})
		})
		return err
	}, timer.Policy{})
	r.runner.Handle("second", func(context.Context, *timer.Kept) error {
		kept.Add(1)
		return nil
	}, timer.Policy{})
	r.run()
	for round := range int64(200) {
		if _, err := r.shard().Update(t.Context(), func(_ context.Context, tx store.Tx) error {
			return timer.Set(tx, timer.Promise{Kind: "first"})
		}); err != nil {
			t.Fatal(err)
		}
		<-begun
		go func() { gate <- struct{}{} }()
		if err := r.runner.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := kept.Load(); n != round+1 {
			t.Fatalf("round %d: settled after %d", round, n)
		}
	}
}
