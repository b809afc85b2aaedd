package blob_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/blob/memblob"
	"github.com/brume-dev/brume/clock"
)

func TestSweep(t *testing.T) {
	ctx := t.Context()
	c := clock.Frozen(time.Unix(1e9, 0))
	s := memblob.New(c)
	put := func(space string) blob.ID {
		info, err := s.Put(ctx, space, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		return info.ID
	}
	var failing error
	named := map[blob.ID]bool{}
	asked := 0
	live := func(_ context.Context, ids []blob.ID) (out []blob.ID, err error) {
		asked = max(asked, len(ids))
		for _, id := range ids {
			if named[id] {
				out = append(out, id)
			}
		}
		return out, failing
	}
	sw := blob.NewSweeper(blob.SweepConfig{Store: s, Clock: c, Live: map[string]blob.Live{"a": live, "b": live}, Grace: time.Hour})

	kept, orphan, moving, late := put("a"), put("a"), put("b"), put("b")
	foreign := put("nobody-asks")
	for range 600 {
		put("a")
	}
	named[kept], named[moving] = true, true
	gone := func(id blob.ID) bool {
		_, err := s.Open(ctx, id, 0, -1)
		return errors.Is(err, blob.ErrNotFound)
	}
	sweep := func(want int) {
		t.Helper()
		if n, err := sw.Sweep(ctx); n != want || !errors.Is(err, failing) {
			t.Fatalf("at %v: %d deleted (%v), want %d", c.Now(), n, err, want)
		}
	}
	sweep(0) // all are young
	c.Advance(ctx, time.Hour)
	named[moving] = false // seen without a name just once
	sweep(0)
	named[moving] = true
	c.Advance(ctx, 59*time.Minute)
	sweep(0) // condemned too short a time ago
	failing = errors.New("store")
	c.Advance(ctx, time.Minute)
	sweep(0) // who is alive is not known
	failing = nil
	named[late] = true // named in time
	sweep(601)
	if !gone(orphan) || gone(kept) || gone(moving) || gone(late) || gone(foreign) {
		t.Error("the wrong blobs are gone", gone(orphan), gone(kept), gone(moving), gone(late), gone(foreign))
	}
	named[late] = false
	sweep(0) // condemned anew, not by what was seen two sweeps ago
	c.Advance(ctx, time.Hour)
	sweep(1)
	if asked > 256 || asked < 200 {
		t.Errorf("asked about %d at once", asked)
	}
}

func TestSweeperRuns(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := clock.Frozen(time.Unix(1e9, 0))
	s := memblob.New(c)
	if _, err := s.Put(ctx, "a", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	sw := blob.NewSweeper(blob.SweepConfig{Store: s, Clock: notBusy{c}, Live: map[string]blob.Live{
		"a": func(context.Context, []blob.ID) ([]blob.ID, error) { return nil, nil },
	}})
	ended := make(chan error)
	go func() { ended <- sw.Run(ctx) }()
	left := func() bool {
		return slices.Collect(keys(s.List(t.Context(), "a"))) != nil
	}
	for left() { // each step wakes the sweeper or finds it still at work
		if _, err := c.Advance(ctx, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// notBusy is a machine's clock for tests.
type notBusy struct{ clock.Clock }

func keys(seq func(func(blob.Entry, error) bool)) func(func(blob.ID) bool) {
	return func(yield func(blob.ID) bool) {
		for e := range seq {
			if !yield(e.ID) {
				return
			}
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("lambda/0123456789abcdef0123456789abcdef")
	f.Add("a/../x")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := blob.ParseID(s)
		if err != nil {
			return
		}
		if id.Space()+"/"+id.Name() != s || len(id.Name()) != 32 || blob.CheckSpace(id.Space()) != nil || strings.Contains(s, ".") {
			t.Errorf("%q was taken", s)
		}
	})
}
