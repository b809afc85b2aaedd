package diskblob_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/blob/blobtest"
	"github.com/brume-dev/brume/blob/diskblob"
)

var rounds = flag.Int("rounds", 30, "simulated power cuts")

func open(t testing.TB, fsys vfs.FS, dir string) *diskblob.Store {
	t.Helper()
	s, err := diskblob.Open(fsys, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, vfs.Default, t.TempDir()+"/blobs") })
}

func TestStoreInMemory(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, vfs.NewMem(), "/data/blobs") })
}

// acknowledged are the blobs that a power cut must not take.
type acknowledged struct {
	mu    sync.Mutex
	blobs map[blob.ID][]byte
}

func (a *acknowledged) put(id blob.ID, b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.blobs[id] = b
}

func (a *acknowledged) check(t *testing.T, s blob.Store) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, want := range a.blobs {
		if got, err := blobtest.Read(t.Context(), s, id); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes of %d (%v)", id, len(got), len(want), err)
		}
	}
}

// What Put has returned is whole after a power cut at any moment, also when the process before had died without one.
func TestPowerCut(t *testing.T) {
	for round := range *rounds {
		rnd := rand.New(rand.NewPCG(uint64(round), 1))
		disk := vfs.NewCrashableMem()
		if err := disk.MkdirAll("/data", 0o700); err != nil {
			t.Fatal(err)
		}
		if root, err := disk.OpenDir("/"); err != nil || root.Sync() != nil {
			t.Fatal(err)
		}
		ack := acknowledged{blobs: map[blob.ID][]byte{}}
		for range 3 { // lives of the process
			s := open(t, disk, "/data/blobs")
			ack.check(t, s)
			cut := make(chan struct{})
			var wg sync.WaitGroup
			for w := range 4 {
				seed := rnd.Uint64()
				wg.Go(func() { write(t, s, &ack, seed, w, cut) })
			}
			after := rnd.IntN(6)
			for n := 0; n < after; { // let some be acknowledged first
				ack.mu.Lock()
				n = len(ack.blobs)
				ack.mu.Unlock()
			}
			ack.mu.Lock()        // nothing is acknowledged between the clone and the cut
			if rnd.IntN(3) > 0 { // else only the process dies
				disk = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rnd.IntN(101), RNG: rnd})
			}
			close(cut)
			ack.mu.Unlock()
			wg.Wait()
		}
		ack.check(t, open(t, disk, "/data/blobs"))
	}
}

// write puts blobs until the cut; what it puts afterwards is lost to nobody.
func write(t *testing.T, s blob.Store, ack *acknowledged, seed uint64, w int, cut chan struct{}) {
	rnd := rand.New(rand.NewPCG(seed, uint64(w)))
	for i := 0; i < 20; i++ {
		b := blobtest.Bytes(rnd.IntN(3000), seed+uint64(i))
		info, err := s.Put(context.Background(), fmt.Sprintf("s%d", rnd.IntN(2)), bytes.NewReader(b))
		if err != nil {
			t.Error(err)
			return
		}
		ack.mu.Lock()
		select {
		case <-cut:
			ack.mu.Unlock()
			return
		default:
			ack.blobs[info.ID] = b
			ack.mu.Unlock()
		}
	}
}

// Whichever operation of the disk fails, Put fails, or what it returned is durable.
func TestDiskErrors(t *testing.T) {
	failed := 0
	for i := int32(1); ; i++ {
		disk := vfs.NewCrashableMem()
		if err := disk.MkdirAll("/data/blobs", 0o700); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"/", "/data"} {
			if d, err := disk.OpenDir(dir); err != nil || d.Sync() != nil {
				t.Fatal(err)
			}
		}
		var n atomic.Int32
		inject := errorfs.InjectorFunc(func(errorfs.Op) error {
			if n.Add(1) == i {
				return errorfs.ErrInjected
			}
			return nil
		})
		s, err := diskblob.Open(errorfs.Wrap(disk, inject), "/data/blobs")
		if err != nil {
			failed++
			continue
		}
		ack := acknowledged{blobs: map[blob.ID][]byte{}}
		for n := range 3 {
			b := blobtest.Bytes(100+n, uint64(n))
			info, err := s.Put(t.Context(), "a", bytes.NewReader(b))
			if err == nil {
				ack.put(info.ID, b)
				continue
			}
			if failed++; !errors.Is(err, errorfs.ErrInjected) {
				t.Errorf("operation %d: %v", i, err)
			}
		}
		ack.check(t, open(t, disk.CrashClone(vfs.CrashCloneCfg{}), "/data/blobs"))
		if n.Load() < i {
			break // more operations than there are
		}
	}
	if failed < 15 {
		t.Errorf("only %d injected errors were seen", failed)
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := open(b, vfs.Default, b.TempDir()+"/blobs")
			data := blobtest.Bytes(size, 1)
			b.SetBytes(int64(size))
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					info, err := s.Put(context.Background(), "a", bytes.NewReader(data))
					if err == nil {
						err = s.Delete(context.Background(), info.ID)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	s := open(b, vfs.Default, b.TempDir()+"/blobs")
	info, err := s.Put(b.Context(), "a", bytes.NewReader(blobtest.Bytes(1<<20, 1)))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size)
	for b.Loop() {
		rc, err := s.Open(b.Context(), info.ID, 0, -1)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, rc); err != nil {
			b.Fatal(err)
		}
		rc.Close()
	}
}
