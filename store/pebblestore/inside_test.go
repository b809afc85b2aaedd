package pebblestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
)

func openMem(t testing.TB) *Store {
	t.Helper()
	s, err := Open(Options{
		Dir: "data", FS: vfs.NewMem(), Clock: storetest.NewClock(time.Unix(0, 0)), Log: slog.New(slog.DiscardHandler),
		Fatal: func(err error) { t.Errorf("the store failed: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *Store) must(t testing.TB, fn func(store.Tx)) store.Commit {
	t.Helper()
	c, err := s.Update(context.Background(), func(_ context.Context, tx store.Tx) error { fn(tx); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSpans compares spans with a set of single keys.
func TestSpans(t *testing.T) {
	const keys = 24
	key := func(i int) store.Key { return []byte{byte(i)} }
	rapid.Check(t, func(t *rapid.T) {
		g, has := gaps{newSpans()}, [keys]bool{}
		// In gaps the key i stands for [i, i+1): nothing lies between them that the test could name.
		for range rapid.IntRange(1, 30).Draw(t, "n") {
			a, b := rapid.IntRange(0, keys-1).Draw(t, "a"), rapid.IntRange(0, keys-1).Draw(t, "b")
			before := g.clone()
			was := fmt.Sprint(list(before))
			switch rapid.IntRange(0, 1).Draw(t, "what") {
			case 0:
				g.add(span{key(a), key(b)})
				for i := a; i < b; i++ {
					has[i] = true
				}
			case 1:
				if filled := g.filled(key(a)); filled != has[a] {
					t.Fatalf("filled(%d) is %v", a, filled)
				}
				has[a] = false
			}
			if now := fmt.Sprint(list(before)); now != was {
				t.Fatalf("a clone changed from %s to %s", was, now)
			}
			checkSpans(t, g.spans, has[:], key)
		}
	})
}

func list(s *spans) (out []span) {
	s.tree.Ascend(func(p span) bool { out = append(out, p); return true })
	return out
}

func checkSpans(t *rapid.T, s *spans, has []bool, key func(int) store.Key) {
	all := list(s)
	for i, p := range all {
		if bytes.Compare(p.begin, p.end) >= 0 || i > 0 && bytes.Compare(all[i-1].end, p.begin) >= 0 {
			t.Fatalf("not disjoint: %x", all)
		}
	}
	for i := range has {
		if _, in := s.around(key(i)); in != has[i] {
			t.Fatalf("key %d in the set: %v, want %v (%x)", i, in, has[i], all)
		}
		if p, ok := s.ahead(key(i)); ok && bytes.Compare(p.end, key(i)) <= 0 || has[i] && !ok {
			t.Fatalf("ahead of %d: %x %v", i, p, ok)
		}
		p, ok := s.below(key(i))
		if ok && (bytes.Compare(p.begin, key(i)) >= 0 || bytes.Compare(key(i), p.end) > 0) {
			t.Fatalf("below %d: %x", i, p)
		}
		if _, ok := s.below(after(key(i))); has[i] && !ok {
			t.Fatalf("nothing below the key after %d in %x", i, all)
		}
	}
}

// TestQueueHeadDoesNotDecay counts the entries that scans walk over to find the head of a queue from which thousands of
// messages were taken, by Updates and by Views.
func TestQueueHeadDoesNotDecay(t *testing.T) {
	s := openMem(t)
	queue := store.Tuple(nil).Text("q")
	const messages, backlog = 6000, 50
	head := func(r store.Reader) (found store.Key) {
		seq, done := r.Scan(queue.Range(), store.ScanOpt{Limit: 1})
		for kv := range seq {
			found = bytes.Clone(kv.Key)
		}
		if err := done(); err != nil {
			t.Error(err)
		}
		return found
	}
	for i := range messages {
		s.must(t, func(tx store.Tx) { tx.SetStampedKey(queue.StampPrefix(), nil, nil) })
		if i < backlog {
			continue
		}
		if i%2 == 0 {
			s.must(t, func(tx store.Tx) { tx.Delete(head(tx)) })
			continue
		}
		var k store.Key
		if err := s.View(context.Background(), func(_ context.Context, r store.Reader) error { k = head(r); return nil }); err != nil {
			t.Fatal(err)
		}
		s.must(t, func(tx store.Tx) { tx.Delete(k) })
	}
	if steps := s.steps.Load(); steps > learnAfter*messages {
		t.Errorf("%d pops walked over %d entries", messages, steps)
	}
	before := s.steps.Load()
	s.must(t, func(tx store.Tx) {
		tx.DeleteRange(queue.Range())
		if k := head(tx); k != nil {
			t.Errorf("the head of a deleted queue is %x", k)
		}
	})
	if steps := s.steps.Load() - before; steps > 200 {
		t.Errorf("deleting the queue walked over %d entries", steps)
	}
}

// TestViewsTeach: gaps that only Views walk over are found once, not at every View; and what a View found empty is not
// believed when it has been filled since.
func TestViewsTeach(t *testing.T) {
	s := openMem(t)
	due := store.Tuple(nil).Text("due")
	s.must(t, func(tx store.Tx) {
		for i := range 2000 {
			tx.Set(due.Uint(uint64(i)), nil)
		}
	})
	s.must(t, func(tx store.Tx) {
		for i := range 1999 {
			tx.Delete(due.Uint(uint64(i)))
		}
	})
	look := func() (n int) {
		err := s.View(context.Background(), func(_ context.Context, r store.Reader) error {
			seq, done := r.Scan(due.Range(), store.ScanOpt{})
			for range seq {
				n++
			}
			return done()
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := look(); n != 1 {
		t.Fatalf("a View sees %d promises", n)
	}
	s.must(t, func(tx store.Tx) { tx.Set([]byte("other"), nil) }) // a group begins: it is taught
	s.must(t, func(tx store.Tx) { tx.Set([]byte("other"), nil) }) // and its state is published
	before := s.steps.Load()
	if n := look(); n != 1 {
		t.Fatalf("a View that jumps sees %d promises", n)
	}
	if steps := s.steps.Load() - before; steps > 20 {
		t.Errorf("the second View walked over %d entries", steps)
	}
	r := &recent{}
	for v := store.Version(1); v <= recentGroups; v++ {
		r.add(v, []store.Key{[]byte("k")})
	}
	for _, c := range []struct {
		version    store.Version
		begin, end string
		want       bool
	}{
		{8, "a", "z", true}, {7, "a", "z", false}, {7, "a", "k", true}, {7, "k", "l", false}, {7, "l", "z", true}, {0, "l", "z", false},
	} {
		if got := r.holds(lesson{c.version, span{[]byte(c.begin), []byte(c.end)}}); got != c.want {
			t.Errorf("[%s,%s) seen at %d holds: %v", c.begin, c.end, c.version, got)
		}
	}
}

// TestClosureEndsItsGoroutine: t.FailNow in a closure must not stop the store.
func TestClosureEndsItsGoroutine(t *testing.T) {
	s := openMem(t)
	_, err := s.Update(context.Background(), func(_ context.Context, tx store.Tx) error {
		tx.Set([]byte("k"), nil)
		runtime.Goexit()
		return nil
	})
	if !errors.Is(err, errLeft) {
		t.Errorf("error %v", err)
	}
	s.must(t, func(tx store.Tx) {
		if _, ok, _ := tx.Get([]byte("k")); ok {
			t.Error("it has written")
		}
	})
}

// TestBackPressure: those for whom the queue has no room wait outside, and leave when their context ends.
func TestBackPressure(t *testing.T) {
	s := openMem(t)
	running, release := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		_, err := s.Update(context.Background(), func(context.Context, store.Tx) error {
			close(running)
			<-release
			return nil
		})
		first <- err
	}()
	<-running
	ctx, cancel := context.WithCancel(context.Background())
	const more = 50
	ended := make(chan error)
	for range queueLength + more {
		go func() {
			_, err := s.Update(ctx, func(context.Context, store.Tx) error { t.Error("it ran"); return nil })
			ended <- err
		}()
	}
	for len(s.x.queue) < queueLength {
		runtime.Gosched()
	}
	cancel()
	for range queueLength + more {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatalf("one who waited: %v", err)
		}
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	s.must(t, func(tx store.Tx) { tx.Set([]byte("k"), nil) })
}

// TestFolderGone: the owner of a folder notices when it is the owner no more.
func TestFolderGone(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir, Clock: storetest.NewClock(time.Unix(0, 0))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.hold.check(); err != nil {
		t.Errorf("the owner: %v", err)
	}
	other := &hold{fs: vfs.Default, dir: dir}
	if err := other.mark(s.hold.epoch); err != nil { // the same epoch: both began from one copy
		t.Fatal(err)
	}
	if err := s.hold.check(); !errors.Is(err, store.ErrFenced) {
		t.Errorf("after another has marked the folder: %v", err)
	}
	if err := os.Remove(s.hold.file()); err != nil {
		t.Fatal(err)
	}
	if err := s.hold.check(); !errors.Is(err, store.ErrFenced) {
		t.Errorf("after the file is gone: %v", err)
	}
}

// TestUnknownForm: a folder of a later program is refused, not guessed at.
func TestUnknownForm(t *testing.T) {
	if _, err := decodeOwner(append([]byte{form + 1}, make([]byte, 8)...)); err == nil {
		t.Error("an owner record of another form is read")
	}
	if _, err := decodeHead(make([]byte, 17)); err == nil {
		t.Error("a head record that is too short is read")
	}
	h := store.Head{Incarnation: 7, Version: 1 << 40, Time: time.Unix(5, 6).UTC()}
	if got, err := decodeHead(encodeHead(h)); err != nil || got != h {
		t.Errorf("a head record comes back as %+v (%v)", got, err)
	}
	if got, err := decodeOwner(encodeOwner(9)); err != nil || got != 9 {
		t.Errorf("an owner record comes back as %d (%v)", got, err)
	}
}

// TestRelaxedFiles: what a relaxed store leaves to the operating system is a log, until it is closed; nothing else.
func TestRelaxedFiles(t *testing.T) {
	disk := vfs.NewCrashableMem()
	root, err := disk.OpenDir("/")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1.log", "1.sst"} {
		f, err := relaxed{disk}.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		survives := func() bool {
			if err := root.Sync(); err != nil {
				t.Fatal(err)
			}
			info, err := disk.CrashClone(vfs.CrashCloneCfg{}).Stat(name)
			return err == nil && info.Size() == 4
		}
		if _, err := f.Write([]byte("data")); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), f.SyncData()); err != nil {
			t.Fatal(err)
		}
		if got := survives(); got == isLog(name) {
			t.Errorf("%s after a sync: on disk %v", name, got)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if !survives() {
			t.Errorf("%s is closed and not on disk", name)
		}
	}
}

// TestNothingToReplay: a store that was closed has nothing to replay.
func TestNothingToReplay(t *testing.T) {
	s := openMem(t)
	s.must(t, func(tx store.Tx) {
		for i := range 1000 {
			tx.Set(store.Tuple(nil).Uint(uint64(i)), make([]byte, 1000))
		}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := s.o.FS.List(s.o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	logs := slices.DeleteFunc(names, func(n string) bool { return !isLog(n) })
	last := slices.Max(logs) // earlier ones are kept to be written over
	if info, err := s.o.FS.Stat(s.o.FS.PathJoin(s.o.Dir, last)); err != nil || info.Size() > 4096 {
		t.Errorf("%s has %d bytes to replay (%v)", last, info.Size(), err)
	}
}
