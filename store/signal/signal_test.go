package signal_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/signal"
)

func TestBoard(t *testing.T) {
	b, ctx, topic := signal.NewBoard(7), context.Background(), []byte("topic")
	if v, err := b.Wait(ctx, topic, 6); err != nil || v != 7 {
		t.Errorf("a signal from before the board was made may have been missed: %d, %v", v, err)
	}
	b.Signal(topic, 9)
	b.Signal(topic, 8) // versions may come out of order
	if v, err := b.Wait(ctx, topic, 8); err != nil || v != 9 {
		t.Errorf("a signal before the Wait: %d, %v", v, err)
	}
	var wg sync.WaitGroup
	begun := make(chan struct{})
	for i := range 10 {
		wg.Go(func() {
			mine := fmt.Appendf(nil, "topic %d", i%5)
			begun <- struct{}{}
			if v, err := b.Wait(ctx, mine, 9); err != nil || v < 10 {
				t.Errorf("waiter %d: %d, %v", i, v, err)
			}
		})
	}
	for range 10 {
		<-begun
	}
	for i := range 5 {
		b.Signal(fmt.Appendf(nil, "topic %d", i), store.Version(10+i))
	}
	wg.Wait()
	closed := make(chan error)
	go func() {
		_, err := b.Wait(ctx, topic, 1000)
		closed <- err
	}()
	b.Close()
	b.Close()
	if err := <-closed; !errors.Is(err, store.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
