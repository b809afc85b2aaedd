// Package storetest is the suite that every backend of the store passes, and the wrappers that tests of services run on:
// Split and Shaken.
package storetest

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
)

// Backend is what the suite needs to know of a backend.
type Backend struct {
	// Open returns a new, empty store. The test closes it.
	Open func(t testing.TB, c clock.Clock) store.Store
	// Reopen closes s and opens what it kept. nil: the backend keeps nothing.
	Reopen func(t testing.TB, c clock.Clock, s store.Store) store.Store
	// Restore returns a store with the state that an archive holds.
	Restore func(t testing.TB, c clock.Clock, r io.Reader) (store.Store, error)

	// Reruns says that closures run more than once even when they run alone.
	Reruns bool
	// Effort multiplies the lengths of random runs; 0 is 1.
	Effort int
	// Seed begins the random runs. A failure names the seed of its run.
	Seed uint64
}

func (b Backend) effort() int { return max(b.Effort, 1) }

// epoch is when the clocks of the suite begin.
func epoch() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// Run runs the suite.
func Run(t *testing.T, b Backend) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Backend)
	}{
		{"Contract", testContract},
		{"Refused", testRefused},
		{"TooSlow", testTooSlow},
		{"Closed", testClosed},
		{"Counters", testCounters},
		{"ReadsWhileWriting", testReadsWhileWriting},
		{"Model", testModel},
		{"Serialisable", testSerialisable},
		{"LostUpdates", testLostUpdates},
		{"WriteSkew", testWriteSkew},
		{"Phantoms", testPhantoms},
		{"Token", testToken},
		{"Stamps", testStamps},
		{"Wakeups", testWakeups},
		{"Queue", testQueue},
		{"Fairness", testFairness},
		{"Cancel", testCancel},
		{"Backup", testBackup},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, b)
		})
	}
}

// open returns a new store and its clock.
func (b Backend) open(t testing.TB) (store.Store, *Clock) {
	c := NewClock(epoch())
	s := b.Open(t, c)
	t.Cleanup(func() { s.Close() })
	return s, c
}

// ctx ends before the test's own deadline would dump every goroutine.
func ctx(t testing.TB) context.Context {
	c, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return c
}

func shardOf(s store.Store) store.Shard { return s.Shard(store.Global()) }

// update runs fn, which returns nothing, and fails the test on an error.
func update(t testing.TB, s store.Store, fn func(store.Tx)) store.Commit {
	t.Helper()
	c, err := shardOf(s).Update(ctx(t), func(_ context.Context, tx store.Tx) error { fn(tx); return nil })
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	return c
}

func view(t testing.TB, s store.Store, fn func(store.Reader)) {
	t.Helper()
	if err := shardOf(s).View(ctx(t), func(_ context.Context, r store.Reader) error { fn(r); return nil }); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// dump is the whole state that r reads, as "key=value" lines.
func dump(t testing.TB, r store.Reader) []string {
	t.Helper()
	out, err := list(r, store.Range{}, store.ScanOpt{})
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	return out
}

func list(r store.Reader, in store.Range, o store.ScanOpt) ([]string, error) {
	var out []string
	seq, done := r.Scan(in, o)
	for kv := range seq {
		out = append(out, pair(string(kv.Key), string(kv.Value)))
	}
	return out, done()
}

func pair(k, v string) string { return fmt.Sprintf("%q=%q", k, v) }

func get(t testing.TB, r store.Reader, k string) (string, bool) {
	t.Helper()
	v, ok, err := r.Get([]byte(k))
	if err != nil {
		t.Fatalf("Get(%q): %v", k, err)
	}
	return string(v), ok
}
