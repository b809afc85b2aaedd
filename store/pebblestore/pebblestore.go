// Package pebblestore is the embedded backend of the store: one Pebble in one folder, under one executor.
//
//	Update ──queue──▶ executor ──batch──▶ Pebble ──▶ syncer ──▶ answers, signals
//	                  runs closures        applied     waits for the disk,
//	                  one after another    at once     publishes the state
//	View ◀─────────────── snapshot of the last durable group ◀──┘
//
// Closures run serially against a layer of what their group has written, so they are strictly serialisable without
// locks, retries or conflict checks; a group shares one batch and one sync. While it is synced, the next one runs. What
// is not durable is told to nobody: neither Views nor those whose closures failed see it.
//
// When the disk refuses a write or a sync, the process ends: what the disk holds is then unknown, and only opening the
// folder again tells.
package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/signal"
)

// Options say where and how a store is kept.
type Options struct {
	// Dir is the folder, which Open makes if need be. One process has it at a time.
	Dir string
	// Clock gives transactions their time.
	Clock clock.Clock
	// Relaxed acknowledges commits that the operating system has but the disk may not: they survive kill -9, but
	// not a power cut.
	Relaxed bool
	// FS is the file system; nil is that of the machine. Tests give one that crashes.
	FS vfs.FS
	// Log gets what an operator should know; nil is the default logger.
	Log *slog.Logger
	// Fatal is called once when the store can go on no more; nil logs the error and ends the process with status 1. A
	// function that returns leaves a store that answers everything with the error.
	Fatal func(error)
}

// Store is a store.Store and its only shard.
type Store struct {
	o      Options
	db     *pebble.DB
	hold   *hold
	x      *executor
	signal *signal.Board
	dead   chan struct{} // closed with failed
	synced chan struct{} // closed when the syncer has ended
	armed  atomic.Bool   // the log's errors are fatal

	mu      sync.Mutex // guards what follows
	idle    sync.Cond  // readers == 0
	durable *state
	readers int
	closed  bool
	failed  error

	commits, groups, syncs, viewed, logged, steps atomic.Int64
}

// Open opens the store in a folder, empty at first. It starts the store's goroutines; Close ends them. The error wraps
// store.ErrFenced when another process has the folder.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{o: o, dead: make(chan struct{}), synced: make(chan struct{})}
	s.idle.L = &s.mu
	var err error
	if s.hold, err = take(o.FS, o.Dir); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.shut())
	}
	s.armed.Store(true)
	go s.x.loop()
	go s.syncer()
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Fatal == nil {
		log := o.Log
		o.Fatal = func(err error) {
			log.Error("the store has failed: the process ends, so that nothing more is acknowledged", "err", err)
			os.Exit(1)
		}
	}
	return o
}

// open opens Pebble and notes that it has a new owner.
func (s *Store) open() error {
	lost, err := wasRelaxed(s.o.FS, s.o.Dir)
	if err == nil && lost {
		err = cutLog(s.o.FS, s.o.Dir)
	}
	if err == nil && s.o.Relaxed {
		err = markRelaxed(s.o.FS, s.o.Dir)
	}
	if err == nil {
		s.db, err = pebble.Open(s.o.Dir, s.pebbleOptions())
	}
	if err != nil {
		return fmt.Errorf("pebblestore: open %s: %w", s.o.Dir, err)
	}
	head, epoch, err := readHead(s.db)
	if err != nil {
		return fmt.Errorf("%w (%s)", err, s.o.Dir)
	}
	if lost { // the numbers of commits that a power cut has taken back must not be given again
		head.Version += lostVersions
	}
	if err := s.begin(head, epoch+1); err != nil {
		return fmt.Errorf("pebblestore: open %s: %w", s.o.Dir, err)
	}
	s.signal = signal.NewBoard(head.Version)
	s.durable = newState(s.db.NewSnapshot(), head, newSpans())
	s.x = newExecutor(s, head)
	return nil
}

// begin writes who has the folder now, and from which version on.
func (s *Store) begin(head store.Head, epoch uint64) error {
	b := s.db.NewBatch()
	if err := errors.Join(
		s.hold.mark(epoch),
		b.Set([]byte(headKey), encodeHead(head), nil),
		b.Set([]byte(ownerKey), encodeOwner(epoch), nil),
		b.Commit(pebble.Sync),
	); err != nil {
		return err
	}
	if s.o.Relaxed {
		return s.db.Flush() // the log is not synced
	}
	return removeMark(s.o.FS, s.o.Dir)
}

// lostVersions is more than a process commits between the moment that the operating system writes something to disk
// and a power cut.
const lostVersions = 1 << 32

func newExecutor(s *Store, head store.Head) *executor {
	start := time.Now()
	return &executor{
		db:      s.db,
		clock:   s.o.Clock,
		elapsed: func() time.Duration { return time.Since(start) },
		steps:   &s.steps,
		fail:    s.fail,
		queue:   make(chan *request, queueLength),
		closing: make(chan struct{}),
		dead:    s.dead,
		sync:    make(chan *group),
		synced:  make(chan struct{}, 1),

		head:  head,
		layer: newLayer(),
		known: newKnown(),
	}
}

// readHead reads the backend's own records.
func readHead(r pebble.Reader) (head store.Head, epoch uint64, err error) {
	head = store.Head{Incarnation: 1, Time: time.Unix(0, 0).UTC()}
	keep := func(b []byte) []byte { return append([]byte{}, b...) }
	if _, ok, err := get(r, []byte(restoreKey), keep); err != nil || ok {
		return head, 0, errors.Join(err, errors.New("pebblestore: a restore into this folder was not finished: empty it and restore again"))
	}
	v, ok, err := get(r, []byte(headKey), keep)
	if ok && err == nil {
		head, err = decodeHead(v)
	}
	if err != nil {
		return head, 0, err
	}
	v, ok, err = get(r, []byte(ownerKey), keep)
	if ok && err == nil {
		epoch, err = decodeOwner(v)
	}
	return head, epoch, err
}

// Shard returns the store itself: an embedded store has one shard.
func (s *Store) Shard(store.Key) store.Shard { return s }

// Shards yields the store itself.
func (s *Store) Shards(context.Context) iter.Seq[store.Shard] {
	return func(yield func(store.Shard) bool) { yield(s) }
}

// ID is the name of the only shard.
func (s *Store) ID() string { return "0" }

// Wait is part of store.Shard.
func (s *Store) Wait(ctx context.Context, topic store.Key, since store.Version) (store.Version, error) {
	return s.signal.Wait(ctx, topic, since)
}

// Metrics is part of store.Store.
func (s *Store) Metrics() store.Metrics {
	return store.Metrics{
		Commits:     s.commits.Load(),
		Groups:      s.groups.Load(),
		Syncs:       s.syncs.Load(),
		Views:       s.viewed.Load(),
		BytesLogged: s.logged.Load(),
		Relaxed:     s.o.Relaxed,
	}
}

// Update is part of store.Shard.
func (s *Store) Update(ctx context.Context, fn func(context.Context, store.Tx) error) (store.Commit, error) {
	inside := store.Enter(ctx)
	if err := ctx.Err(); err != nil {
		return store.Commit{}, err
	}
	r := &request{ctx: inside, fn: fn, done: make(chan struct{}, 1)}
	if err := s.submit(ctx, r); err != nil {
		return store.Commit{}, err
	}
	if r.err != nil {
		return store.Commit{}, r.err
	}
	for _, f := range r.tx.onCommit {
		f(r.commit)
	}
	return r.commit, nil
}

// submit has r run and returns when its outcome may be told.
func (s *Store) submit(ctx context.Context, r *request) error {
	select {
	case <-s.dead:
		return s.failed
	case <-s.x.closing:
		return store.ErrClosed
	default:
	}
	select {
	case s.x.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.x.closing:
		return store.ErrClosed
	case <-s.dead:
		return s.failed
	}
	given := ctx.Done()
	for {
		select {
		case <-r.done:
			return nil
		case <-given:
			if r.claim.CompareAndSwap(false, true) {
				return ctx.Err()
			}
			given = nil // it has begun: wait for the outcome
		case <-s.dead:
			return s.failed
		case <-s.synced: // the syncer has told every outcome that there is
			select {
			case <-r.done:
				return nil
			default:
				return store.ErrClosed
			}
		}
	}
}

// syncer waits for the disk, and tells outcomes when they are durable.
func (s *Store) syncer() {
	defer close(s.synced)
	checked := s.x.elapsed()
	for g := range s.x.sync {
		if g.batch != nil {
			if err := s.settle(g); err != nil {
				s.fail(err)
				return
			}
			if now := s.x.elapsed(); now-checked > checkEvery {
				checked = now
				if err := s.hold.check(); err != nil {
					s.fail(err)
					return
				}
			}
			s.publish(g.state)
		}
		s.x.synced <- struct{}{}
		for _, r := range g.requests {
			if r.err == nil {
				for _, topic := range r.tx.signals {
					s.signal.Signal(topic, r.commit.Version)
				}
			}
			r.done <- struct{}{}
		}
	}
}

// settle waits until the group's batch is on disk.
func (s *Store) settle(g *group) error {
	if err := g.batch.SyncWait(); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	s.commits.Add(int64(g.commits))
	s.groups.Add(1)
	if !s.o.Relaxed {
		s.syncs.Add(1)
	}
	s.logged.Add(int64(g.batch.Len()))
	if err := g.batch.Close(); err != nil {
		return fmt.Errorf("close batch: %w", err)
	}
	return nil
}

// fail ends the store: nothing is acknowledged any more.
func (s *Store) fail(err error) {
	s.mu.Lock()
	first := s.failed == nil
	if first {
		s.failed = fmt.Errorf("pebblestore: %s: %w", s.o.Dir, err)
		close(s.dead)
	}
	s.mu.Unlock()
	if first {
		s.o.Fatal(s.failed)
	}
}

// Close waits for the transactions that run, writes everything to its place, so that the next Open has nothing to
// repeat, and gives the folder up.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	failed := s.failed
	s.mu.Unlock()
	s.signal.Close()
	close(s.x.closing)
	if failed != nil {
		return failed // Pebble is in no state to be closed
	}
	select {
	case <-s.synced:
	case <-s.dead:
		return s.failed
	}
	s.mu.Lock()
	for s.readers > 0 {
		s.idle.Wait()
	}
	s.mu.Unlock()
	s.drop(s.durable)
	s.armed.Store(false)
	return errors.Join(s.db.Flush(), s.shut())
}

// shut closes what open opened.
func (s *Store) shut() error {
	var err error
	if s.db != nil {
		if err = s.db.Close(); err == nil && s.closed && s.o.Relaxed {
			err = removeMark(s.o.FS, s.o.Dir)
		}
	}
	return errors.Join(err, s.hold.give())
}
