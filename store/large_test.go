package store_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/storetest"
)

func TestLarge(t *testing.T) {
	s := memstore.New(storetest.NewClock(time.Unix(0, 0)))
	ctx, k := context.Background(), store.Tuple(nil).Text("blob")
	before, after := store.Tuple(nil).Text("blo"), store.Tuple(nil).Text("blobs")
	update := func(fn func(store.Tx) error) {
		t.Helper()
		if _, err := s.Update(ctx, func(_ context.Context, tx store.Tx) error { return fn(tx) }); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx store.Tx) error { tx.Set(before, []byte("1")); tx.Set(after, []byte("2")); return nil })
	count := func() (n int) {
		s.View(ctx, func(_ context.Context, r store.Reader) error {
			seq, _ := r.Scan(store.Range{}, store.ScanOpt{})
			for range seq {
				n++
			}
			return nil
		})
		return n
	}
	// Each size replaces the one before, so that growing and shrinking are both seen.
	for _, c := range []struct{ size, pairs int }{
		{0, 1}, {10, 1}, {store.MaxValue - 10, 1}, {store.MaxValue, 2}, {5 * store.MaxValue, 6}, {store.MaxValue + 1, 2}, {7, 1}, {1 << 20, 12},
	} {
		want := bytes.Repeat([]byte{byte(c.size), 7, 1}, c.size/3+1)[:c.size]
		update(func(tx store.Tx) error { return store.SetLarge(tx, k, want) })
		if n := count(); n != c.pairs+2 {
			t.Errorf("%d bytes lie in %d pairs, want %d", c.size, n-2, c.pairs)
		}
		update(func(tx store.Tx) error {
			got, ok, err := store.GetLarge(tx, k)
			if err != nil || !ok || !bytes.Equal(got, want) {
				t.Errorf("%d bytes came back as %d (%v, %v)", c.size, len(got), ok, err)
			}
			return nil
		})
	}
	update(func(tx store.Tx) error { return store.DeleteLarge(tx, k) })
	if n := count(); n != 2 {
		t.Errorf("after the deletion %d pairs are left, want the 2 neighbours", n)
	}
	_, err := s.Update(ctx, func(_ context.Context, tx store.Tx) error {
		return store.SetLarge(tx, k, make([]byte, store.MaxTx+1))
	})
	if !errors.Is(err, store.ErrTooLarge) {
		t.Errorf("a value larger than a transaction: %v", err)
	}
}

func TestNextID(t *testing.T) {
	s := storetest.Shaken(memstore.New(storetest.NewClock(time.Unix(0, 0))), 1).Shard(nil)
	for want := uint64(1); want < 20; want++ {
		got, err := store.Update(context.Background(), s, func(_ context.Context, tx store.Tx) (uint64, error) {
			return store.NextID(tx, []byte("ids"))
		})
		if err != nil || got != want {
			t.Fatalf("got %d (%v), want %d", got, err, want)
		}
	}
}

// TestShakenSpoils shows that what a service must not keep is overwritten.
func TestShakenSpoils(t *testing.T) {
	sh := storetest.Shaken(memstore.New(storetest.NewClock(time.Unix(0, 0))), 1).Shard(nil)
	ctx := context.Background()
	if _, err := sh.Update(ctx, func(_ context.Context, tx store.Tx) error { tx.Set([]byte("k"), []byte("v")); return nil }); err != nil {
		t.Fatal(err)
	}
	runs := 0
	for range 20 {
		kept, err := store.Update(ctx, sh, func(_ context.Context, tx store.Tx) ([]byte, error) {
			runs++
			v, _, err := tx.Get([]byte("k"))
			return v, err
		})
		if err != nil || string(kept) == "v" {
			t.Fatalf("a kept slice reads %q (%v)", kept, err)
		}
	}
	if runs <= 20 {
		t.Errorf("20 Updates ran their closures %d times", runs)
	}
}

func FuzzReadArchive(f *testing.F) {
	var b bytes.Buffer
	pairs := func(yield func(store.KV, error) bool) { yield(store.KV{Key: []byte("k"), Value: []byte("v")}, nil) }
	if err := store.WriteArchive(&b, store.Head{Incarnation: 1, Version: 2, Time: time.Unix(3, 4)}, pairs); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		var kvs []store.KV
		h, err := store.ReadArchive(bytes.NewReader(in), func(kv store.KV) error {
			kvs = append(kvs, store.KV{Key: bytes.Clone(kv.Key), Value: bytes.Clone(kv.Value)})
			return nil
		})
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := store.WriteArchive(&out, h, func(yield func(store.KV, error) bool) {
			for _, kv := range kvs {
				if !yield(kv, nil) {
					return
				}
			}
		}); err != nil || !bytes.HasPrefix(in, out.Bytes()) {
			t.Fatalf("a whole archive does not come back (%v)", err)
		}
	})
}
