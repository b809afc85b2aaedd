package pebblestore

import (
	"context"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"github.com/brume-dev/brume/store"
)

// state is what a group leaves: Views read the last one that is durable, and never wait. Reading a newer one showed what
// a power cut then took back.
type state struct {
	snapshot *pebble.Snapshot
	head     store.Head
	gaps     *spans // not written any more
	heard    heard
	users    int // Views that read it, and the store as long as it is the last; guarded by Store.mu
}

func newState(s *pebble.Snapshot, h store.Head, gaps *spans) *state {
	return &state{snapshot: s, head: h, gaps: gaps, users: 1}
}

// acquire returns the last durable state, to be released.
func (s *Store) acquire() (*state, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, s.failed
	}
	if s.closed {
		return nil, store.ErrClosed
	}
	s.durable.users++
	s.readers++
	return s.durable, nil
}

// release ends a View's use of st. A snapshot that nobody uses any more is closed before the View counts as ended.
func (s *Store) release(st *state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.users--; st.users == 0 {
		s.mu.Unlock()
		s.forget(st)
		s.mu.Lock()
	}
	if s.readers--; s.readers == 0 {
		s.idle.Broadcast()
	}
}

// drop ends the store's own use of st.
func (s *Store) drop(st *state) {
	s.mu.Lock()
	st.users--
	last := st.users == 0
	s.mu.Unlock()
	if last {
		s.forget(st)
	}
}

func (s *Store) forget(st *state) {
	if err := st.snapshot.Close(); err != nil {
		s.fail(fmt.Errorf("close snapshot: %w", err))
	}
}

// publish makes st the state that Views read.
func (s *Store) publish(st *state) {
	s.mu.Lock()
	old := s.durable
	s.durable = st
	s.mu.Unlock()
	s.drop(old)
}

// View is part of store.Shard. It runs on the caller's goroutine.
func (s *Store) View(ctx context.Context, fn func(context.Context, store.Reader) error) error {
	inside := store.Enter(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	st, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release(st)
	s.viewed.Add(1)
	return fn(inside, &view{s, st})
}

// view reads a state.
type view struct {
	s  *Store
	st *state
}

func (v *view) Version() store.Version { return v.st.head.Version }

func (v *view) Get(k store.Key) (store.Value, bool, error) {
	if len(k) == 0 || k[0] == store.Reserved {
		return nil, false, nil
	}
	if value, ok := v.st.heard.get(k); ok {
		return value, value != nil, nil
	}
	value, ok, err := get(v.st.snapshot, k, func(b []byte) []byte { return append([]byte{}, b...) })
	if err == nil {
		v.st.heard.read(v.s.x.known.seed, k, value)
	}
	return value, ok, err
}

func (v *view) GetMany(ks []store.Key) ([]store.Value, error) { return getMany(v.Get, ks) }

func (v *view) Scan(in store.Range, o store.ScanOpt) (iter.Seq[store.KV], func() error) {
	var failed error
	return func(yield func(store.KV) bool) { failed = v.scan(in, o, yield) }, func() error { return failed }
}

func (v *view) scan(in store.Range, o store.ScanOpt, yield func(store.KV) bool) error {
	in, some := within(in)
	if !some {
		return nil
	}
	it, err := v.st.snapshot.NewIter(&pebble.IterOptions{LowerBound: in.Begin, UpperBound: in.End})
	if err != nil {
		return fmt.Errorf("pebblestore: scan: %w", err)
	}
	defer it.Close() // its error has been read: it does no work
	s := scan{r: in, o: o, gaps: v.st.gaps, yield: yield}
	s.base.it, s.base.gaps = it, v.st.gaps
	s.learn = func(p span) { v.s.x.recent.suggest(v.st.head.Version, p) }
	v.s.steps.Add(int64(s.run()))
	return s.err
}
