package pebblestore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
)

// Limits of a group. A group is closed when the sync of the one before it has ended; these bound it while a disk stalls.
const (
	maxGroup      = 4096    // transactions
	maxGroupBytes = 4 << 20 // bytes, exceeded by the last transaction at most
	queueLength   = 1024    // Updates that wait for the executor; more wait for room in the queue
)

var errLeft = errors.New("store: closure ended its goroutine (t.FailNow or runtime.Goexit)")

// request is an Update on its way through the executor.
type request struct {
	ctx   context.Context
	fn    func(context.Context, store.Tx) error
	claim atomic.Bool   // taken by the executor to run fn, or by the caller to give up
	done  chan struct{} // receives one token when the outcome may be told

	// The outcome, set by the executor.
	tx     tx
	commit store.Commit
	err    error
}

// group is the transactions that share a batch and a sync.
type group struct {
	requests []*request
	bytes    int
	commits  int
	batch    *pebble.Batch // nil: nothing was written
	state    *state        // what it leaves
}

// executor runs closures one after another on one goroutine, which alone touches its fields. It gathers them in a
// group, applies that to Pebble without waiting for the disk, and hands it to the store's syncer; while the syncer
// waits for the disk the next group runs, on what the former left. So at most two groups are in flight, and the slower
// the disk, the larger they are.
type executor struct {
	db      *pebble.DB
	clock   clock.Clock
	elapsed func() time.Duration // monotonic
	steps   *atomic.Int64
	fail    func(error)

	queue   chan *request
	closing chan struct{} // closed by Close
	dead    chan struct{} // closed when the store has failed
	sync    chan *group   // to the syncer
	synced  chan struct{} // from it: one token for each group

	head    store.Head // after the last transaction, durable or not
	layer   *layer
	known   *known
	memory  memory
	free    []*pebble.Iterator // over the base, while it does not change
	group   *group
	syncing bool
	inside  bool // a closure runs
	recent  recent
}

// loop runs until the store closes. When a closure ends the goroutine, another takes over.
func (x *executor) loop() {
	defer func() {
		if x.inside {
			x.inside = false
			go x.loop()
		}
	}()
	for x.gather() && x.commit() {
	}
	x.dropIterators()
	close(x.sync)
}

// gather runs what is in the queue, and what comes while the former group is being synced. It reports false when there
// is nothing to commit and never will be.
func (x *executor) gather() bool {
	if x.group == nil {
		x.group = &group{}
		x.recent.teach(x.layer)
	}
	g := x.group
	for len(g.requests) < maxGroup && g.bytes < maxGroupBytes {
		if len(g.requests) == 0 && !x.syncing {
			select {
			case r := <-x.queue:
				x.run(r)
			case <-x.closing:
				return false
			case <-x.dead:
				return false
			}
			continue
		}
		select {
		case r := <-x.queue:
			x.run(r)
			continue
		default:
		}
		if !x.syncing {
			return true
		}
		select {
		case r := <-x.queue:
			x.run(r)
		case <-x.synced:
			x.syncing = false
		case <-x.dead:
			return false
		}
	}
	return true
}

// run runs one closure. Its outcome is told with the group's: even a closure that failed or only read may have seen
// what is not durable yet.
func (x *executor) run(r *request) {
	if !r.claim.CompareAndSwap(false, true) {
		return // its caller has given up
	}
	g := x.group
	g.requests = append(g.requests, r)
	t := &r.tx
	t.x, t.now, t.began = x, x.clock.Now(), x.elapsed()
	if t.now.Before(x.head.Time) {
		t.now = x.head.Time
	}
	x.layer.begin()
	r.err = errLeft
	defer func() { // also when the closure ends the goroutine
		if r.err != nil {
			x.layer.rollback()
		}
	}()
	x.inside = true
	err := store.Guard(func() error { return r.fn(r.ctx, t) })
	x.inside = false
	switch {
	case err != nil:
		r.err = err
	case t.err != nil:
		r.err = t.err
	case t.overdue():
		r.err = store.ErrTooSlow
	default:
		r.err = nil
		x.finish(r, t)
	}
}

// finish numbers a transaction that has succeeded.
func (x *executor) finish(r *request, t *tx) {
	r.commit = store.Commit{Version: x.head.Version, Time: t.now}
	if !t.dirty {
		return
	}
	x.head.Version++
	x.head.Time = t.now
	r.commit.Version = x.head.Version
	r.commit.Stamps = t.stamp(x.head.Incarnation, x.head.Version)
	x.group.commits++
	x.group.bytes += t.size
}

// commit applies the group to Pebble and hands it to the syncer.
func (x *executor) commit() bool {
	if x.syncing {
		select {
		case <-x.synced:
		case <-x.dead:
			return false
		}
	}
	if x.group.commits > 0 && !x.apply(x.group) {
		return false
	}
	select {
	case x.sync <- x.group:
	case <-x.dead:
		return false
	}
	x.group, x.syncing = nil, true
	return true
}

// apply writes what the layer holds to Pebble, where reads see it from now on.
func (x *executor) apply(g *group) bool {
	x.dropIterators()
	b := x.db.NewBatch()
	keys, err := x.fill(b)
	if err == nil {
		err = x.db.ApplyNoSyncWait(b, pebble.Sync)
	}
	if err != nil {
		x.fail(err)
		return false
	}
	x.recent.add(x.head.Version, keys)
	g.batch = b
	g.state = newState(x.db.NewSnapshot(), x.head, x.layer.gaps.spans)
	x.layer.reset()
	return true
}

// fill writes the layer and the head to b. It returns the keys that were set, in order.
func (x *executor) fill(b *pebble.Batch) (set []store.Key, err error) {
	try := func(e error) bool {
		err = e
		return e == nil
	}
	if !x.layer.hidden.empty() {
		x.known.clear()
	}
	x.layer.hidden.tree.Ascend(func(p span) bool { return try(b.DeleteRange(p.begin, p.end, nil)) })
	if err != nil {
		return nil, err
	}
	x.layer.entries.Ascend(func(e entry) bool {
		x.known.wrote(e)
		if e.dead {
			return try(b.Delete(e.key, nil))
		}
		set = append(set, e.key)
		return try(b.Set(e.key, e.value, nil))
	})
	if err != nil {
		return nil, err
	}
	return set, b.Set([]byte(headKey), encodeHead(x.head), nil)
}

// iterator returns an iterator over the base, to be put back.
func (x *executor) iterator(r store.Range) (*pebble.Iterator, error) {
	if n := len(x.free); n > 0 {
		it := x.free[n-1]
		x.free = x.free[:n-1]
		it.SetBounds(r.Begin, r.End)
		it.ResetStats()
		return it, nil
	}
	return x.db.NewIter(&pebble.IterOptions{LowerBound: r.Begin, UpperBound: r.End})
}

func (x *executor) putBack(it *pebble.Iterator) { x.free = append(x.free, it) }

// dropIterators closes the iterators, which would hide what the base becomes.
func (x *executor) dropIterators() {
	for _, it := range x.free {
		if err := it.Close(); err != nil {
			x.fail(err)
		}
	}
	x.free = x.free[:0]
}
