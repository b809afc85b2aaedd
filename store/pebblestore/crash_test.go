package pebblestore_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/pebblestore"
	"github.com/brume-dev/brume/store/pebblestore/powercut"
	"github.com/brume-dev/brume/store/storetest"
)

// ledger is the work whose traces are checked after a crash. Each worker counts its transactions in a key of its own,
// writes each into a log under a stamped key, moves a coin between two accounts, and now and then deletes its part of
// the log up to a place that it notes.
type ledger struct {
	mu    sync.Mutex
	acked [workers]uint64 // the last count that each worker was told is durable
	seen  store.Version   // the highest that anyone was told of
	stamp store.Stamp     // likewise
}

const (
	workers  = 6
	accounts = 10
)

func countKey(w int) store.Tuple   { return store.Tuple(nil).Text("count").Uint(uint64(w)) }
func floorKey(w int) store.Tuple   { return store.Tuple(nil).Text("floor").Uint(uint64(w)) }
func logKey(w int) store.Tuple     { return store.Tuple(nil).Text("log").Uint(uint64(w)) }
func accountKey(i int) store.Tuple { return store.Tuple(nil).Text("account").Uint(uint64(i)) }

func number(r store.Reader, k store.Key) uint64 {
	v, _, err := r.Get(k)
	if err != nil {
		panic(err)
	}
	return uint64(store.ReadCounter(v))
}

func (l *ledger) told(v store.Version) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = max(l.seen, v)
}

// step is one transaction of worker w.
func (l *ledger) step(c context.Context, sh store.Shard, w int, rnd *rand.Rand) error {
	var n uint64
	commit, err := sh.Update(c, func(_ context.Context, tx store.Tx) error {
		n = number(tx, countKey(w)) + 1
		tx.Set(countKey(w), binary.LittleEndian.AppendUint64(nil, n))
		tx.SetStampedKey(logKey(w).StampPrefix(), nil, binary.LittleEndian.AppendUint64(nil, n))
		tx.Set(store.Tuple(nil).Text("ballast"), make([]byte, rnd.IntN(3000))) // fills memtables, so that logs are rotated
		tx.Add(accountKey(rnd.IntN(accounts)), -1)
		tx.Add(accountKey(rnd.IntN(accounts)), 1)
		if n%64 == 0 {
			tx.DeleteRange(logKey(w).Range())
			tx.Set(floorKey(w), binary.LittleEndian.AppendUint64(nil, n-1))
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.acked[w] = max(l.acked[w], n)
	l.seen = max(l.seen, commit.Version)
	if s := commit.Stamps[0]; string(s[:]) > string(l.stamp[:]) {
		l.stamp = s
	}
	l.mu.Unlock()
	// What a View or a closure that fails has seen is told as well.
	switch rnd.IntN(3) {
	case 0:
		v, err := store.View(c, sh, func(_ context.Context, r store.Reader) (store.Version, error) { return r.Version(), nil })
		l.told(v)
		return err
	case 1:
		var v store.Version
		failed := errors.New("failed")
		if _, err := sh.Update(c, func(_ context.Context, tx store.Tx) error { v = tx.Version(); return failed }); err != failed {
			return err
		}
		l.told(v)
	}
	return nil
}

// run works until c ends or the store fails.
func (l *ledger) run(c context.Context, s store.Store, seed uint64) *sync.WaitGroup {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(w)))
			for c.Err() == nil {
				if err := l.step(c, s.Shard(nil), w, rnd); err != nil {
					return
				}
			}
		})
	}
	return &wg
}

// known is a copy of what has been told so far.
func (l *ledger) known() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{acked: l.acked, seen: l.seen, stamp: l.stamp}
}

// check compares the state with what was known before the crash. relaxed: acknowledged transactions may be missing, but
// only from the end.
func (l *ledger) check(t *testing.T, s store.Store, relaxed bool) {
	t.Helper()
	err := s.Shard(nil).View(context.Background(), func(_ context.Context, r store.Reader) error {
		if r.Version() < l.seen {
			t.Errorf("the store is at version %d, somebody was told of %d", r.Version(), l.seen)
		}
		var sum uint64
		for i := range accounts {
			sum += number(r, accountKey(i))
		}
		if sum != 0 {
			t.Errorf("the accounts hold %d, want 0: half a transaction is there", int64(sum))
		}
		for w := range workers {
			count := number(r, countKey(w))
			if count < l.acked[w] && !relaxed {
				t.Errorf("worker %d has done %d, was told of %d", w, count, l.acked[w])
			}
			want := number(r, floorKey(w)) + 1
			entries, done := r.Scan(logKey(w).Range(), store.ScanOpt{})
			for kv := range entries {
				if n := uint64(store.ReadCounter(kv.Value)); n != want {
					return fmt.Errorf("worker %d's log goes on with %d, want %d", w, n, want)
				}
				want++
			}
			if want != count+1 {
				t.Errorf("worker %d's log ends before %d, its count is %d", w, want, count)
			}
			if err := done(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	commit, err := s.Shard(nil).Update(context.Background(), func(_ context.Context, tx store.Tx) error {
		tx.SetStampedValue([]byte("probe"), nil, nil)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if stamp := commit.Stamps[0]; commit.Version <= l.seen || string(stamp[:]) <= string(l.stamp[:]) {
		t.Errorf("the next commit is version %d with stamp %x, versions up to %d and stamps up to %x were given",
			commit.Version, stamp, l.seen, l.stamp)
	}
}

// TestPowerCut cuts the power again and again, each time on what the last cut left.
func TestPowerCut(t *testing.T) {
	for _, relaxed := range []bool{false, true} {
		t.Run(fmt.Sprintf("relaxed=%v", relaxed), func(t *testing.T) {
			t.Parallel()
			const rounds = 20
			l, d := &ledger{}, powercut.NewDisk()
			for round := range rounds * *effort {
				rnd := rand.New(rand.NewPCG(*seed+uint64(round), 7))
				s, err := d.Open(pebblestore.Options{Clock: storetest.NewClock(time.Unix(0, 0)), Relaxed: relaxed})
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				if relaxed { // counts that were taken back are given again; versions and stamps never
					l = &ledger{seen: l.seen, stamp: l.stamp}
				}
				l.check(t, s, relaxed)
				c, cancel := context.WithCancel(context.Background())
				enough := l.seen + store.Version(20+rnd.IntN(600))
				wg := l.run(c, s, *seed+uint64(round))
				for l.known().seen < enough {
					runtime.Gosched()
				}
				known := l.known()
				d = d.Cut(rnd)
				cancel()
				wg.Wait()
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if t.Failed() {
					t.Fatalf("round %d, seed %d", round, *seed)
				}
				l = known
			}
		})
	}
}
