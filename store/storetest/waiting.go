package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/brume-dev/brume/store"
)

// testWakeups plays ping-pong over pairs of topics. Each side waits for the other's number and answers with the next:
// one lost wake-up and the game stands still.
func testWakeups(t *testing.T, b Backend) {
	s, _ := b.open(t)
	sh := shardOf(s)
	const players, wakeups = 8, 1600
	goal := uint64(wakeups * b.effort() / players)
	c := ctx(t)
	var wg sync.WaitGroup
	for p := range players {
		for side := range uint64(2) {
			wg.Go(func() {
				mine, theirs := fmt.Appendf(nil, "%d/%d", p, side), fmt.Appendf(nil, "%d/%d", p, 1-side)
				for n := side; n < goal; n += 2 {
					if err := await(c, sh, theirs, n); err != nil {
						t.Errorf("pair %d, number %d never came: %v", p, n, err)
						return
					}
					sh.Update(c, func(_ context.Context, tx store.Tx) error {
						tx.Set(mine, binary.LittleEndian.AppendUint64(nil, n+1))
						tx.Signal(mine)
						return nil
					})
				}
			})
		}
	}
	wg.Wait()
	// A signal that writes nothing wakes too, and one that came before the Wait is not lost.
	before := update(t, s, func(tx store.Tx) { tx.Set([]byte("x"), nil) })
	after := update(t, s, func(tx store.Tx) { tx.Signal([]byte("bare")) })
	if v, err := sh.Wait(c, []byte("bare"), before.Version); err != nil || v < after.Version {
		t.Errorf("Wait gives version %d (%v), the signal was at %d", v, err, after.Version)
	}
	ended, cancel := context.WithCancel(c)
	cancel()
	if _, err := sh.Wait(ended, []byte("never"), after.Version+1000); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait with an ended context: %v", err)
	}
}

// await waits until the number at k, whose topic is k, is at least n.
func await(c context.Context, sh store.Shard, k store.Key, n uint64) error {
	for {
		var seen uint64
		var version store.Version
		err := sh.View(c, func(_ context.Context, r store.Reader) error {
			v, _, err := r.Get(k)
			seen, version = uint64(store.ReadCounter(v)), r.Version()
			return err
		})
		if err != nil || seen >= n {
			return err
		}
		told, err := sh.Wait(c, k, version)
		if err != nil {
			return err
		}
		err = sh.View(c, func(_ context.Context, r store.Reader) error {
			if r.Version() < told {
				return fmt.Errorf("Wait told of version %d, a View reads %d", told, r.Version())
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// testQueue sends and receives on one queue from many sides: each message comes once, in the order of the stamps.
func testQueue(t *testing.T, b Backend) {
	s, _ := b.open(t)
	sh, queue := shardOf(s), store.Tuple(nil).Text("queue")
	c, over := context.WithCancel(ctx(t)) // ended by the last receiver
	defer over()
	const senders, receivers, messages = 4, 4, 500
	total := int64(messages * b.effort())
	var sent, received atomic.Int64
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for sent.Add(1) <= total {
				update(t, s, func(tx store.Tx) {
					tx.SetStampedKey(queue.StampPrefix(), nil, []byte("message"))
					tx.Add([]byte("length"), 1)
					tx.Signal(queue)
				})
			}
		})
	}
	var mu sync.Mutex
	at := map[store.Stamp]store.Version{} // when each message was received
	for range receivers {
		wg.Go(func() {
			for received.Load() < total {
				m, v, err := pop(c, sh, queue)
				switch {
				case errors.Is(err, context.Canceled):
					return
				case err != nil:
					t.Error(err)
					return
				case m == nil:
					continue
				}
				mu.Lock()
				if _, twice := at[*m]; twice {
					t.Errorf("message %x came twice", *m)
				}
				at[*m] = v
				mu.Unlock()
				if received.Add(1) == total {
					over()
				}
			}
		})
	}
	wg.Wait()
	for m, v := range at {
		for other, w := range at {
			if string(m[:]) < string(other[:]) && v > w {
				t.Fatalf("message %x was received after the younger %x", m, other)
			}
		}
	}
	view(t, s, func(r store.Reader) {
		v, _, _ := r.Get([]byte("length"))
		if n := store.ReadCounter(v); n != 0 || int64(len(at)) != total {
			t.Errorf("%d of %d messages came, the length is %d", len(at), total, n)
		}
	})
}

// pop takes the head of the queue, or waits for a signal and returns nil.
func pop(c context.Context, sh store.Shard, queue store.Tuple) (*store.Stamp, store.Version, error) {
	var m *store.Stamp
	var seen store.Version
	commit, err := sh.Update(c, func(_ context.Context, tx store.Tx) error {
		m, seen = nil, tx.Version()
		head, done := tx.Scan(queue.Range(), store.ScanOpt{Limit: 1})
		for kv := range head {
			stamp := store.Decode(kv.Key, len(queue)).Stamp()
			m = &stamp
			tx.Delete(kv.Key)
			tx.Add([]byte("length"), -1)
		}
		return done()
	})
	if err == nil && m == nil {
		_, err = sh.Wait(c, queue, seen)
	}
	return m, commit.Version, err
}

// testFairness: those who write much do not shut out one who writes little.
func testFairness(t *testing.T, b Backend) {
	s, _ := b.open(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				update(t, s, func(tx store.Tx) {
					for i := range 20 {
						tx.Set(store.Tuple(nil).Uint(uint64(w)).Uint(uint64(i)), make([]byte, 10<<10))
					}
				})
			}
		})
	}
	for range 20 {
		update(t, s, func(tx store.Tx) { tx.Set([]byte("small"), nil) })
		view(t, s, func(r store.Reader) { get(t, r, "small") })
	}
	close(stop)
	wg.Wait()
}

// testCancel: an Update that has not begun when its context ends is not run; one that has begun is answered.
func testCancel(t *testing.T, b Backend) {
	if b.Reruns {
		t.Skip("a closure that runs again may be cancelled in between")
	}
	s, _ := b.open(t)
	sh := shardOf(s)
	ended, cancel := context.WithCancel(ctx(t))
	cancel()
	if _, err := sh.Update(ended, func(context.Context, store.Tx) error { t.Error("it ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update with an ended context: %v", err)
	}
	if err := sh.View(ended, func(context.Context, store.Reader) error { t.Error("it ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View with an ended context: %v", err)
	}
	running, release := make(chan struct{}), make(chan struct{})
	begun, cancelBegun := context.WithCancel(ctx(t))
	first := make(chan error)
	go func() {
		_, err := sh.Update(begun, func(_ context.Context, tx store.Tx) error {
			close(running)
			<-release
			tx.Set([]byte("begun"), nil)
			return nil
		})
		first <- err
	}()
	<-running
	cancelBegun()
	for range 20 { // some of which are in the queue when they are cancelled
		waiting, cancelWaiting := context.WithCancel(ctx(t))
		second := make(chan error)
		go func() {
			_, err := sh.Update(waiting, func(context.Context, store.Tx) error { t.Error("a cancelled Update ran"); return nil })
			second <- err
		}()
		runtime.Gosched()
		cancelWaiting()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("an Update that waited: %v", err)
		}
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the Update that had begun: %v", err)
	}
	update(t, s, func(store.Tx) {}) // after all that was in the queue
	view(t, s, func(r store.Reader) {
		if _, ok := get(t, r, "begun"); !ok {
			t.Error("its write is not there")
		}
	})
}
