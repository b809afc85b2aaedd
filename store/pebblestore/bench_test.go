package pebblestore_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/pebblestore"
)

// machine is the machine's clock.
type machine struct{}

func (machine) Now() time.Time { return time.Now() }
func (machine) Until(time.Time) (<-chan struct{}, func()) {
	panic("the store does not wait")
}
func (machine) Sleep(context.Context, time.Duration) error { panic("the store does not wait") }

// onDisk opens a store in a folder on the machine's disk.
func onDisk(b *testing.B) store.Store {
	s := open(b, pebblestore.Options{Dir: b.TempDir(), Clock: machine{}})
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// used is the processor time that the process has used: on a machine that others use too, it says more than time does.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// by64 runs fn from 64 goroutines and reports the processor time and the syncs that an operation took.
func by64(b *testing.B, s store.Store, fn func(i int64, rnd *rand.Rand) error) {
	before := s.Metrics()
	var n atomic.Int64
	b.SetParallelism(32) // times GOMAXPROCS, 2 on the machine of the figures
	b.ReportAllocs()
	cpu := used(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		rnd := rand.New(rand.NewPCG(uint64(n.Add(1)), 1))
		for pb.Next() {
			if err := fn(n.Add(1), rnd); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	after := s.Metrics()
	b.ReportMetric(float64(used(b)-cpu)/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
	b.ReportMetric(float64(after.Syncs-before.Syncs)/float64(b.N), "syncs/op")
}

func send(sh store.Shard, queue store.Tuple, body []byte) error {
	_, err := sh.Update(context.Background(), func(_ context.Context, tx store.Tx) error {
		if _, _, err := tx.Get(queue.Text("attributes")); err != nil {
			return err
		}
		tx.SetStampedKey(queue.Text("messages").StampPrefix(), nil, body)
		tx.Add(queue.Text("length"), 1)
		tx.Signal(queue)
		return nil
	})
	return err
}

func BenchmarkSend(b *testing.B) {
	s := onDisk(b)
	sh, body := s.Shard(nil), make([]byte, 200)
	if _, err := sh.Update(context.Background(), func(_ context.Context, tx store.Tx) error {
		for i := range 16 {
			tx.Set(store.Tuple(nil).Text("q").Uint(uint64(i)).Text("attributes"), body)
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	by64(b, s, func(i int64, _ *rand.Rand) error {
		return send(sh, store.Tuple(nil).Text("q").Uint(uint64(i%16)), body)
	})
}

func itemKey(i int) store.Tuple {
	return store.Tuple(nil).Text("table").Text(fmt.Sprintf("item-%08d", i))
}

// fillItems puts items of 400 bytes.
func fillItems(b *testing.B, s store.Store, n int) {
	for i := 0; i < n; i += 500 {
		if _, err := s.Shard(nil).Update(context.Background(), func(_ context.Context, tx store.Tx) error {
			for j := range 500 {
				tx.Set(itemKey(i+j), make([]byte, 400))
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutItem(b *testing.B) {
	const items = 20_000
	s := onDisk(b)
	fillItems(b, s, items)
	sh := s.Shard(nil)
	by64(b, s, func(i int64, rnd *rand.Rand) error {
		k, item := itemKey(rnd.IntN(items)), make([]byte, 400)
		binary.BigEndian.PutUint64(item, uint64(i))
		_, err := sh.Update(context.Background(), func(_ context.Context, tx store.Tx) error {
			if _, _, err := tx.Get(k); err != nil {
				return err
			}
			tx.Set(k, item)
			tx.Add(store.Tuple(nil).Text("bytes"), 1)
			return nil
		})
		return err
	})
}

func BenchmarkGetItem(b *testing.B) {
	const items = 20_000
	s := onDisk(b)
	fillItems(b, s, items)
	sh := s.Shard(nil)
	by64(b, s, func(_ int64, rnd *rand.Rand) error {
		k := itemKey(rnd.IntN(items))
		return sh.View(context.Background(), func(_ context.Context, r store.Reader) error {
			_, ok, err := r.Get(k)
			if !ok {
				b.Error("an item is missing")
			}
			return err
		})
	})
}

// BenchmarkHotQueue alternates between sending to one queue and receiving from its head.
func BenchmarkHotQueue(b *testing.B) {
	s := onDisk(b)
	sh, queue, body := s.Shard(nil), store.Tuple(nil).Text("q"), make([]byte, 200)
	for range 100 {
		if err := send(sh, queue, body); err != nil {
			b.Fatal(err)
		}
	}
	by64(b, s, func(i int64, _ *rand.Rand) error {
		if i%2 == 0 {
			return send(sh, queue, body)
		}
		_, err := sh.Update(context.Background(), func(_ context.Context, tx store.Tx) error {
			head, done := tx.Scan(queue.Text("messages").Range(), store.ScanOpt{Limit: 1})
			for kv := range head {
				tx.Delete(kv.Key)
				tx.Add(queue.Text("length"), -1)
			}
			return done()
		})
		return err
	})
}

// BenchmarkAlone is the latency of one synced commit when nobody shares the sync.
func BenchmarkAlone(b *testing.B) {
	s := onDisk(b)
	sh, body := s.Shard(nil), make([]byte, 200)
	b.ResetTimer()
	for range b.N {
		if err := send(sh, store.Tuple(nil).Text("q"), body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a folder of a store that was closed.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := open(b, pebblestore.Options{Dir: dir, Clock: machine{}})
	fillItems(b, s, 50_000)
	s.Close()
	b.ResetTimer()
	for range b.N {
		s := open(b, pebblestore.Options{Dir: dir, Clock: machine{}})
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}
