package timer_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/timer"
)

// A runner that has stopped holds up nobody's time, whatever its handlers were at: done and about to be written,
// waiting for their context, or deaf to it until the runner has given them up.
func TestStoppedRunnersLetTimePass(t *testing.T) {
	for round := range 40 {
		r := newRig(t, nil)
		r.store = memstore.New(r.clock)
		r.runner = timer.New(timer.Config{Store: r.store, Clock: r.clock, Drain: 100 * time.Microsecond})
		deaf, waiting := make(chan struct{}), make(chan struct{})
		var begun, left sync.WaitGroup
		begun.Add(60)
		left.Add(60)
		r.runner.Handle("k", func(ctx context.Context, k *timer.Kept) error {
			defer left.Done()
			begun.Done()
			switch k.Args[0] % 3 {
			case 0:
				<-waiting
				return nil
			case 1:
				<-ctx.Done()
				return nil
			default:
				<-deaf
				return ctx.Err()
			}
		}, timer.Policy{})
		for i := range 60 {
			r.set(timer.Promise{Kind: "k", Args: []byte{byte(i)}, Dest: fmt.Sprint(i)})
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- r.runner.Run(ctx) }()
		begun.Wait()
		cancel()
		close(waiting)
		<-ended
		close(deaf)
		left.Wait()
		wait, enough := context.WithTimeout(t.Context(), 2*time.Minute)
		if _, err := r.clock.Advance(wait, time.Hour); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		enough()
	}
}
