package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/store"
)

// stampedLog appends entries under stamped keys and remembers what was answered.
type stampedLog struct {
	t    *testing.T
	last store.Commit
	keys []string // in the order of the answers
}

func (l *stampedLog) append(s store.Store) {
	l.t.Helper()
	prefix := store.Tuple(nil).Text("log")
	c := update(l.t, s, func(tx store.Tx) {
		tx.SetStampedKey(prefix.StampPrefix(), store.Tuple(nil).Uint(1), nil)
		tx.SetStampedValue([]byte("last"), nil, nil)
		tx.SetStampedKey(prefix.StampPrefix(), store.Tuple(nil).Uint(2), nil)
	})
	if len(c.Stamps) != 3 {
		l.t.Fatalf("%d stamps of 3", len(c.Stamps))
	}
	if c.Version <= l.last.Version || c.Time.Before(l.last.Time) {
		l.t.Errorf("version %d at %v after version %d at %v", c.Version, c.Time, l.last.Version, l.last.Time)
	}
	all := append(l.last.Stamps, c.Stamps...)
	if !slices.IsSortedFunc(all, func(a, b store.Stamp) int { return bytes.Compare(a[:], b[:]) }) || len(slices.Compact(all)) != len(all) {
		l.t.Errorf("stamps do not ascend: %x", all)
	}
	l.last = c
	l.keys = append(l.keys, string(prefix.Stamp(c.Stamps[0]).Uint(1)), string(prefix.Stamp(c.Stamps[2]).Uint(2)))
	view(l.t, s, func(r store.Reader) {
		if v, _ := get(l.t, r, "last"); v != string(c.Stamps[1][:]) {
			l.t.Errorf("the stamped value is %x, want %x", v, c.Stamps[1])
		}
	})
}

// check finds the keys in the order in which they were written.
func (l *stampedLog) check(s store.Store) {
	l.t.Helper()
	view(l.t, s, func(r store.Reader) {
		var got []string
		seq, _ := r.Scan(store.Tuple(nil).Text("log").Range(), store.ScanOpt{})
		for kv := range seq {
			got = append(got, string(kv.Key))
		}
		if !slices.Equal(got, l.keys) {
			l.t.Errorf("the log holds %d keys, want %d in the order of their commits", len(got), len(l.keys))
		}
		if r.Version() < l.last.Version {
			l.t.Errorf("version %d after a commit of %d", r.Version(), l.last.Version)
		}
	})
}

// testStamps: stamps, versions and times ascend over commits, restarts, restores and a clock that is set back.
func testStamps(t *testing.T, b Backend) {
	s, c := b.open(t)
	l := &stampedLog{t: t}
	more := func() {
		for range 5 {
			l.append(s)
			c.Add(time.Millisecond)
		}
		c.Add(-time.Hour)
		l.append(s)
		l.check(s)
	}
	more()
	if b.Reopen != nil {
		for range 2 {
			s = b.Reopen(t, c, s)
			defer s.Close()
			l.check(s)
			more()
		}
	}
	var archive bytes.Buffer
	if _, err := s.Backup(ctx(t), &archive); err != nil {
		t.Fatal(err)
	}
	kept := slices.Clone(l.keys)
	more() // these commits are lost by the restore; what is numbered after it must be above them all the same
	s, err := b.Restore(t, c, &archive)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l.keys, l.last.Version = kept, 0
	more()
}

// testBackup: an archive taken under load is one consistent state, in every backend's hands; a broken one is refused.
func testBackup(t *testing.T, b Backend) {
	s, c := b.open(t)
	account := func(i int) store.Key { return store.Tuple(nil).Text("account").Uint(uint64(i)) }
	update(t, s, func(tx store.Tx) {
		for i := range 10 {
			tx.Add(account(i), 100)
		}
	})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := w; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				update(t, s, func(tx store.Tx) { tx.Add(account(i%10), -1); tx.Add(account((i+3)%10), 1) })
			}
		})
	}
	var archives []*bytes.Buffer
	for range 3 {
		var w bytes.Buffer
		if _, err := s.Backup(ctx(t), &w); err != nil {
			t.Fatal(err)
		}
		archives = append(archives, &w)
	}
	close(stop)
	wg.Wait()
	for _, a := range archives {
		whole := bytes.Clone(a.Bytes())
		copied, err := b.Restore(t, c, a)
		if err != nil {
			t.Fatal(err)
		}
		checkBalance(t, copied)
		update(t, copied, func(tx store.Tx) { tx.Add(account(0), 0) })
		var again bytes.Buffer
		if _, err := copied.Backup(ctx(t), &again); err != nil {
			t.Error(err)
		}
		copied.Close()
		if again.Len() != len(whole) {
			t.Errorf("the backup of a restored backup has %d bytes, not %d", again.Len(), len(whole))
		}
		for name, bad := range broken(whole) {
			if _, err := b.Restore(t, c, bytes.NewReader(bad)); !errors.Is(err, store.ErrArchive) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	canceled, cancel := context.WithCancel(ctx(t))
	cancel()
	if _, err := s.Backup(canceled, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Backup with an ended context: %v", err)
	}
}

func checkBalance(t *testing.T, s store.Store) {
	view(t, s, func(r store.Reader) {
		sum, n := int64(0), 0
		seq, _ := r.Scan(store.Range{}, store.ScanOpt{})
		for kv := range seq {
			sum += store.ReadCounter(kv.Value)
			n++
		}
		if sum != 1000 || n != 10 {
			t.Errorf("%d accounts hold %d, want 10 with 1000", n, sum)
		}
	})
}

// broken returns archives that have come to harm.
func broken(whole []byte) map[string][]byte {
	flip := func(at int) []byte {
		out := bytes.Clone(whole)
		out[at] ^= 1
		return out
	}
	out := map[string][]byte{"nothing": nil, "another file": []byte("PK\x03\x04")}
	for _, part := range []int{1, 2, 3} {
		at := len(whole) * part / 4
		out[fmt.Sprintf("bit %d/4", part)] = flip(at)
		out[fmt.Sprintf("cut %d/4", part)] = whole[:at]
	}
	out["last byte cut"] = whole[:len(whole)-1]
	return out
}
