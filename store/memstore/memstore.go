// Package memstore is the store in memory: the model that other backends are compared with, and what the tests of
// services run on. It keeps every promise of the contract except that it forgets everything when the process ends. It is
// written to be seen to be correct: one mutex, one transaction at a time, on a copy-on-write B-tree.
package memstore

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/google/btree"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/signal"
)

const degree = 16

type tree = btree.BTreeG[store.KV]

func less(a, b store.KV) bool { return bytes.Compare(a.Key, b.Key) < 0 }

// Store is a store.Store and its only shard.
type Store struct {
	clock  clock.Clock
	start  time.Time // for the duration of closures, by the machine's monotonic clock
	signal *signal.Board

	turn chan struct{} // held by the running Update

	mu     sync.Mutex // guards what follows
	state  state
	stats  store.Metrics
	closed bool
}

// state is what one commit leaves. Its tree is never written again.
type state struct {
	head store.Head
	tree *tree
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	return open(c, state{head: store.Head{Incarnation: 1}, tree: btree.NewG(degree, less)})
}

// Restore returns a store with what Backup of any backend wrote. Its stamps are above all that the copy holds.
func Restore(c clock.Clock, r io.Reader) (*Store, error) {
	t := btree.NewG(degree, less)
	head, err := store.ReadArchive(r, func(kv store.KV) error {
		t.ReplaceOrInsert(store.KV{Key: bytes.Clone(kv.Key), Value: bytes.Clone(kv.Value)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("memstore: restore: %w", err)
	}
	if head.Incarnation == math.MaxUint16 {
		return nil, fmt.Errorf("memstore: restore: no incarnation is left")
	}
	head.Incarnation++
	return open(c, state{head: head, tree: t}), nil
}

func open(c clock.Clock, st state) *Store {
	return &Store{
		clock:  c,
		start:  time.Now(),
		signal: signal.NewBoard(st.head.Version),
		turn:   make(chan struct{}, 1),
		state:  st,
	}
}

// Shard returns the store itself: a memstore has one shard.
func (s *Store) Shard(store.Key) store.Shard { return s }

// Shards yields the store itself.
func (s *Store) Shards(context.Context) iter.Seq[store.Shard] {
	return func(yield func(store.Shard) bool) { yield(s) }
}

// ID is the name of the only shard.
func (s *Store) ID() string { return "0" }

// Close ends every Wait; calls that follow return store.ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal.Close()
	return nil
}

// Metrics counts every commit as a group and a sync of its own.
func (s *Store) Metrics() store.Metrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Backup writes the state of the last commit.
func (s *Store) Backup(ctx context.Context, w io.Writer) (store.Version, error) {
	st, err := s.current()
	if err != nil {
		return 0, err
	}
	return st.head.Version, store.WriteArchive(w, st.head, func(yield func(store.KV, error) bool) {
		st.tree.Ascend(func(kv store.KV) bool { return yield(kv, ctx.Err()) })
	})
}

// Wait is part of store.Shard.
func (s *Store) Wait(ctx context.Context, topic store.Key, since store.Version) (store.Version, error) {
	return s.signal.Wait(ctx, topic, since)
}

// View is part of store.Shard. It reads beside a running Update.
func (s *Store) View(ctx context.Context, fn func(context.Context, store.Reader) error) error {
	inside := store.Enter(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	st, err := s.current()
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.stats.Views++
	s.mu.Unlock()
	return fn(inside, &reader{tree: st.tree, version: st.head.Version})
}

// Update is part of store.Shard. It runs fn once, on the caller's goroutine, while no other Update runs.
func (s *Store) Update(ctx context.Context, fn func(context.Context, store.Tx) error) (store.Commit, error) {
	inside := store.Enter(ctx)
	if err := ctx.Err(); err != nil {
		return store.Commit{}, err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return store.Commit{}, ctx.Err()
	}
	t, c, err := s.run(inside, fn)
	if err != nil {
		return store.Commit{}, err
	}
	for _, topic := range t.signals {
		s.signal.Signal(topic, c.Version)
	}
	for _, f := range t.onCommit {
		f(c)
	}
	return c, nil
}

// run runs fn and makes its outcome the state. It ends the caller's turn however fn ends.
func (s *Store) run(ctx context.Context, fn func(context.Context, store.Tx) error) (*tx, store.Commit, error) {
	defer func() { <-s.turn }()
	st, err := s.current()
	if err != nil {
		return nil, store.Commit{}, err
	}
	now := s.clock.Now()
	if now.Before(st.head.Time) {
		now = st.head.Time
	}
	t := &tx{reader: reader{tree: st.tree.Clone(), version: st.head.Version}, now: now}
	began := time.Since(s.start)
	if err := store.Guard(func() error { return fn(ctx, t) }); err != nil {
		return nil, store.Commit{}, err
	}
	if time.Since(s.start)-began > store.MaxDuration {
		return nil, store.Commit{}, store.ErrTooSlow
	}
	if t.err != nil {
		return nil, store.Commit{}, t.err
	}
	c := store.Commit{Version: st.head.Version, Time: now}
	if !t.writes {
		return t, c, nil
	}
	c.Version++
	c.Stamps = t.stamp(st.head.Incarnation, c.Version)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state{store.Head{Incarnation: st.head.Incarnation, Version: c.Version, Time: now}, t.tree}
	s.stats.Commits++
	s.stats.Groups++
	s.stats.Syncs++
	s.stats.BytesLogged += int64(t.size)
	return t, c, nil
}

func (s *Store) current() (state, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return state{}, store.ErrClosed
	}
	return s.state, nil
}
