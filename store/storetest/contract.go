package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// testContract is what a reader of store.go would try first.
func testContract(t *testing.T, b Backend) {
	s, _ := b.open(t)
	sh := shardOf(s)
	if sh.ID() == "" || sh.ID() != s.Shard(store.Global()).ID() {
		t.Errorf("the shard's id is %q, then %q", sh.ID(), s.Shard(store.Global()).ID())
	}
	n := 0
	for got := range s.Shards(ctx(t)) {
		if got.ID() == sh.ID() {
			n++
		}
	}
	if n != 1 {
		t.Errorf("Shards yields the shard %d times", n)
	}
	reused := []byte("v1")
	c := update(t, s, func(tx store.Tx) {
		tx.Set([]byte("a"), reused)
		copy(reused, "xx") // Set copies
		tx.Set([]byte("empty"), nil)
		if v, ok := get(t, tx, "a"); !ok || v != "v1" {
			t.Errorf("own write reads %q (%v)", v, ok)
		}
		if v, ok := get(t, tx.Snapshot(), "a"); !ok || v != "v1" {
			t.Errorf("own write through Snapshot reads %q (%v)", v, ok)
		}
		tx.Conflict(store.Range{Begin: []byte("a"), End: []byte("b")})
		if tx.Size() < 4 {
			t.Errorf("Size is %d after writing 4 bytes", tx.Size())
		}
	})
	view(t, s, func(r store.Reader) {
		if v, ok := get(t, r, "empty"); !ok || v != "" {
			t.Errorf("an empty value reads %q (%v)", v, ok)
		}
		if _, ok := get(t, r, "absent"); ok {
			t.Error("an absent key is there")
		}
		vs, err := r.GetMany([]store.Key{[]byte("absent"), []byte("a"), []byte("empty"), []byte("a")})
		if err != nil || len(vs) != 4 || vs[0] != nil || string(vs[1]) != "v1" || vs[2] == nil || string(vs[3]) != "v1" {
			t.Errorf("GetMany gives %q (%v)", vs, err)
		}
		if r.Version() < c.Version {
			t.Errorf("View reads version %d after the commit of %d", r.Version(), c.Version)
		}
	})
	testMarks(t, s)
	testOnCommit(t, s)
	if m := s.Metrics(); m.Commits < 1 || m.Views < 1 || m.Groups < 1 || m.BytesLogged < 1 {
		t.Errorf("metrics are %+v", m)
	}
}

// testMarks: a closure's context is marked, and a transaction cannot be begun inside another.
func testMarks(t *testing.T, s store.Store) {
	sh := shardOf(s)
	type key struct{}
	outer := context.WithValue(ctx(t), key{}, "kept")
	check := func(c context.Context) {
		if !aws.InTx(c) || c.Value(key{}) != "kept" {
			t.Error("the closure's context is not the caller's, marked")
		}
		for what, begin := range map[string]func(){
			"Update": func() { sh.Update(c, func(context.Context, store.Tx) error { return nil }) },
			"View":   func() { sh.View(c, func(context.Context, store.Reader) error { return nil }) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s inside a closure does not panic", what)
					}
				}()
				begin()
			}()
		}
	}
	if _, err := sh.Update(outer, func(c context.Context, _ store.Tx) error { check(c); return nil }); err != nil {
		t.Error(err)
	}
	if err := sh.View(outer, func(c context.Context, _ store.Reader) error { check(c); return nil }); err != nil {
		t.Error(err)
	}
}

// testOnCommit: the function runs once, with the commit, and only when there is one.
func testOnCommit(t *testing.T, s store.Store) {
	ran := make(chan store.Commit, 8)
	refused := errors.New("refused")
	shardOf(s).Update(ctx(t), func(_ context.Context, tx store.Tx) error {
		tx.OnCommit(func(store.Commit) { t.Error("OnCommit ran although nothing was committed") })
		return refused
	})
	c := update(t, s, func(tx store.Tx) {
		tx.Set([]byte("committed"), nil)
		tx.OnCommit(func(c store.Commit) { ran <- c })
	})
	select {
	case got := <-ran:
		if got.Version != c.Version {
			t.Errorf("OnCommit got version %d of %d", got.Version, c.Version)
		}
	case <-ctx(t).Done():
		t.Fatal("OnCommit did not run")
	}
}

// testRefused: an error, a panic or a write over a limit changes nothing and harms nobody else.
func testRefused(t *testing.T, b Backend) {
	s, _ := b.open(t)
	update(t, s, func(tx store.Tx) { tx.Set([]byte("a"), []byte("1")); tx.Set([]byte("b"), []byte("2")) })
	before := func() (out []string) {
		view(t, s, func(r store.Reader) { out = dump(t, r) })
		return out
	}()
	mine := errors.New("mine")
	long, big := bytes.Repeat([]byte("k"), store.MaxKey+1), make([]byte, store.MaxValue+1)
	longest, biggest := long[1:], big[1:]
	for _, c := range []struct {
		name string
		fn   func(store.Tx) error
		want error
	}{
		{"error", func(store.Tx) error { return mine }, mine},
		{"key too long", func(tx store.Tx) error { tx.Set(long, nil); return nil }, store.ErrTooLarge},
		{"deleted key too long", func(tx store.Tx) error { tx.Delete(long); return nil }, store.ErrTooLarge},
		{"value too large", func(tx store.Tx) error { tx.Set([]byte("k"), big); return nil }, store.ErrTooLarge},
		{"no key", func(tx store.Tx) error { tx.Set(nil, nil); return nil }, store.ErrKey},
		{"reserved key", func(tx store.Tx) error { tx.Set([]byte{store.Reserved}, nil); return nil }, store.ErrKey},
		{"reserved stamped key", func(tx store.Tx) error { tx.SetStampedKey([]byte{store.Reserved}, nil, nil); return nil }, store.ErrKey},
		{"stamped key too long", func(tx store.Tx) error { tx.SetStampedKey(longest[store.StampSize-1:], nil, nil); return nil }, store.ErrTooLarge},
		{"stamped value too large", func(tx store.Tx) error {
			tx.SetStampedValue([]byte("k"), biggest[store.StampSize-1:], nil)
			return nil
		}, store.ErrTooLarge},
		{"transaction too large", func(tx store.Tx) error {
			for i := 0; i*store.MaxValue <= store.MaxTx; i++ {
				tx.Set(store.Tuple(nil).Uint(uint64(i)), biggest)
			}
			return nil
		}, store.ErrTooLarge},
		{"too many stamps", func(tx store.Tx) error {
			for range store.MaxStamps + 1 {
				tx.SetStampedKey([]byte("s"), nil, nil)
			}
			return nil
		}, store.ErrTooLarge},
		{"counter of text", func(tx store.Tx) error { tx.Add([]byte("a"), 1); return nil }, nil},
		{"its own error before a limit", func(tx store.Tx) error { tx.Set(long, nil); return mine }, mine},
	} {
		_, err := shardOf(s).Update(ctx(t), func(_ context.Context, tx store.Tx) error {
			tx.Set([]byte("a"), []byte("changed"))
			tx.Delete([]byte("b"))
			tx.DeleteRange(store.Range{Begin: []byte("c")})
			tx.Set([]byte("new"), nil)
			return c.fn(tx)
		})
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
		view(t, s, func(r store.Reader) {
			if after := dump(t, r); !slices.Equal(before, after) {
				t.Errorf("%s: the state became %q", c.name, after)
			}
		})
	}
	testPanic(t, s)
	update(t, s, func(tx store.Tx) { tx.Set(longest, biggest) })
	update(t, s, func(tx store.Tx) { tx.SetStampedKey(longest[store.StampSize:], nil, biggest) })
}

func testPanic(t *testing.T, s store.Store) {
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := shardOf(s).Update(ctx(t), func(_ context.Context, tx store.Tx) error {
				tx.Set(store.Tuple(nil).Uint(uint64(i)), nil)
				if i%2 == 0 {
					panic("a bug")
				}
				return nil
			})
			var p *store.PanicError
			if bug := errors.As(err, &p); bug != (i%2 == 0) || bug && (p.Value != "a bug" || !strings.Contains(string(p.Stack), "testPanic")) {
				t.Errorf("Update %d, which panics if even: %v", i, err)
			}
		})
	}
	wg.Wait()
	view(t, s, func(r store.Reader) {
		for i := range 20 {
			if _, ok := get(t, r, string(store.Tuple(nil).Uint(uint64(i)))); ok != (i%2 == 1) {
				t.Errorf("the write of Update %d is there: %v", i, ok)
			}
		}
	})
}

// testTooSlow: a closure over its time changes nothing.
func testTooSlow(t *testing.T, b Backend) {
	if testing.Short() {
		t.Skip("takes as long as a closure may")
	}
	s, _ := b.open(t)
	_, err := shardOf(s).Update(ctx(t), func(_ context.Context, tx store.Tx) error {
		tx.Set([]byte("a"), nil)
		time.Sleep(store.MaxDuration + time.Millisecond)
		return nil
	})
	if !errors.Is(err, store.ErrTooSlow) {
		t.Errorf("error %v", err)
	}
	view(t, s, func(r store.Reader) {
		if d := dump(t, r); d != nil {
			t.Errorf("it wrote %q", d)
		}
	})
}

// testClosed: after Close every call says so, and those who waited are told.
func testClosed(t *testing.T, b Backend) {
	s, _ := b.open(t)
	sh := shardOf(s)
	c := update(t, s, func(tx store.Tx) { tx.Set([]byte("a"), nil) })
	waited := make(chan error)
	go func() {
		_, err := sh.Wait(ctx(t), []byte("topic"), c.Version)
		waited <- err
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, store.ErrClosed) {
		t.Errorf("Wait: %v", err)
	}
	_, err := sh.Update(ctx(t), func(context.Context, store.Tx) error { t.Error("the closure ran"); return nil })
	if !errors.Is(err, store.ErrClosed) {
		t.Errorf("Update: %v", err)
	}
	err = sh.View(ctx(t), func(context.Context, store.Reader) error { t.Error("the closure ran"); return nil })
	if !errors.Is(err, store.ErrClosed) {
		t.Errorf("View: %v", err)
	}
	if _, err := s.Backup(ctx(t), &bytes.Buffer{}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Backup: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
}

// testCounters: Adds from many sides all count; Max keeps the largest.
func testCounters(t *testing.T, b Backend) {
	s, _ := b.open(t)
	const workers, each = 16, 20
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				update(t, s, func(tx store.Tx) {
					tx.Add([]byte("sum"), 3)
					tx.Add([]byte("sum"), -1)
					tx.Max([]byte("max"), uint64(w*each+i))
				})
			}
		})
	}
	wg.Wait()
	update(t, s, func(tx store.Tx) {
		v, _, _ := tx.Get([]byte("sum"))
		if n := store.ReadCounter(v); n != 2*workers*each {
			t.Errorf("the sum is %d, want %d", n, 2*workers*each)
		}
		tx.Add([]byte("sum"), 5) // a counter written in the transaction is read in it
		v, _, _ = tx.Get([]byte("sum"))
		if n := store.ReadCounter(v); n != 2*workers*each+5 {
			t.Errorf("after adding 5 the sum is %d", n)
		}
		v, _, _ = tx.Get([]byte("max"))
		if n := store.ReadCounter(v); n != workers*each-1 {
			t.Errorf("the maximum is %d, want %d", n, workers*each-1)
		}
		tx.Delete([]byte("sum"))
		tx.Add([]byte("sum"), -7)
	})
	view(t, s, func(r store.Reader) {
		v, _, _ := r.Get([]byte("sum"))
		if n := store.ReadCounter(v); n != -7 {
			t.Errorf("a new counter is %d, want -7", n)
		}
	})
}

// testReadsWhileWriting: a loop over a Scan may write what it walks over, scans may be nested, and a View keeps its state.
func testReadsWhileWriting(t *testing.T, b Backend) {
	s, _ := b.open(t)
	key := func(i int) store.Tuple { return store.Tuple(nil).Uint(uint64(i)) }
	update(t, s, func(tx store.Tx) {
		for i := range 40 {
			tx.Set(key(2*i), nil)
		}
	})
	for _, reverse := range []bool{false, true} {
		update(t, s, func(tx store.Tx) {
			var seen int
			seq, done := tx.Scan(store.Range{}, store.ScanOpt{Reverse: reverse})
			for kv := range seq {
				i := int(store.Decode(kv.Key, 0).Uint())
				tx.Delete(kv.Key)
				tx.Set(key(i+1), nil) // ahead of an ascending scan, which must not see it
				tx.Delete(key(i + 2))
				inner, innerDone := tx.Scan(store.Range{Begin: key(i), End: key(i + 2)}, store.ScanOpt{Limit: 9})
				for kv := range inner {
					if got := int(store.Decode(kv.Key, 0).Uint()); got != i+1 {
						t.Errorf("the inner scan sees %d beside %d", got, i)
					}
				}
				if err := innerDone(); err != nil {
					t.Error(err)
				}
				seen++
			}
			if err := done(); err != nil || seen != 40 {
				t.Errorf("reverse=%v: the scan saw %d of 40 (%v)", reverse, seen, err)
			}
			tx.DeleteRange(store.Range{})
			if d := dump(t, tx); d != nil {
				t.Errorf("after deleting everything: %q", d)
			}
			for i := range 40 {
				tx.Set(key(2*i), nil)
			}
		})
	}
	view(t, s, func(r store.Reader) {
		before := dump(t, r)
		update(t, s, func(tx store.Tx) { tx.DeleteRange(store.Range{}) })
		if after := dump(t, r); !slices.Equal(before, after) || len(before) != 40 {
			t.Errorf("a View that saw %d pairs then saw %d", len(before), len(after))
		}
	})
}
