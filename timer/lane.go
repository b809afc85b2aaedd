package timer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/brume-dev/brume/store"
)

// lane keeps the promises of one kind in one shard. Its fields belong to the goroutine of run.
type lane struct {
	runner *Runner
	kind   *kind
	shard  store.Shard
	keys   kindKeys
	log    *slog.Logger

	wake    chan struct{}      // something is signalled; holds one
	results chan outcome       // of handlers that have ended
	flushed chan flushed       // of the transaction that writes outcomes; holds one
	asks    chan chan struct{} // of settled
	broken  chan error         // of listen; holds one
	gone    chan struct{}      // closed when run has returned

	work     context.Context // of handlers
	stopWork context.CancelFunc

	queues   map[queue]*active
	running  int   // promises in flight
	bytes    int   // of their Args
	floor    int64 // a time at which the store has been
	mark     int64 // the time of a commit that wrote something: none that follows it is earlier
	low      int64 // no pointer lies before
	next     int64 // when something is due next, as far as the last look goes
	dirty    bool  // the store is to be looked at
	paused   bool  // but not before a wake comes: it gave an error
	dead     bool  // it has ended
	flushing bool
	pending  []outcome // to be written
	asked    []chan struct{}

	reached <-chan struct{} // of the clock, for armed
	unarm   func()
	armed   int64
	ends    []func() // of clock.Begin, for work that is over
}

// active is a queue that has promises in flight, or something to be written.
type active struct {
	running  map[uint64]bool
	settling bool
	seen     uint64 // n at its pointer at the last visit
	stale    bool   // it has to be visited when it has room
	next     int64  // when its next promise is due, beside those that are
	low      place  // nothing lies before
}

// outcome is how an attempt ended. Without a promise: the queue was visited for nothing and is to be settled.
type outcome struct {
	kept  *Kept
	queue queue
	retry *Retry // nil: the promise is done with
	lost  bool   // the platform stops: leave the promise as it is
	low   place
	last  bool // settle the queue too
	end   func()
}

// flushed is what a transaction that wrote outcomes reports.
type flushed struct {
	outcomes []outcome
	commit   store.Commit
	wrote    bool
	err      error // the store's end, or that of work
}

// Values of armed that are no time.
const (
	never = int64(1)<<62 - 1
	rung  = -never // the time has come
)

func newLane(r *Runner, s store.Shard, k *kind) *lane {
	return &lane{
		runner:  r,
		kind:    k,
		shard:   s,
		keys:    keysOf(k.name),
		log:     r.Log.With("kind", k.name, "shard", s.ID()),
		wake:    make(chan struct{}, 1),
		results: make(chan outcome),
		flushed: make(chan flushed, 1),
		asks:    make(chan chan struct{}),
		broken:  make(chan error, 1),
		gone:    make(chan struct{}),
		queues:  map[queue]*active{},
		dirty:   true,
		unarm:   func() {},
		armed:   never,
	}
}

// settled returns once nothing is due and nothing in flight.
func (l *lane) settled(ctx context.Context) error {
	answer := make(chan struct{})
	select {
	case l.asks <- answer:
	case <-l.gone:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-answer:
		return nil
	case <-l.gone:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the lane's life. It returns the store's error when that has ended, and nil when ctx has.
func (l *lane) run(ctx context.Context) error {
	defer close(l.gone)
	l.work, l.stopWork = context.WithCancel(context.WithoutCancel(ctx))
	defer l.stopWork()
	err := l.loop(ctx)
	if ctx.Err() != nil {
		err = nil
	}
	if err != nil {
		l.stopWork()
	}
	l.drain()
	l.unarm()
	return err
}

// loop returns when ctx or the store ends.
func (l *lane) loop(ctx context.Context) error {
	c, err := l.shard.Update(ctx, func(context.Context, store.Tx) error { return nil }) // for the time of the store
	if err != nil {
		return err
	}
	l.floor = micros(c.Time)
	go l.listen(ctx, c.Version)
	for {
		if l.dirty && !l.paused {
			if err := l.look(ctx); err != nil {
				return err
			}
		}
		l.flush()
		l.arm()
		l.over()
		l.answer()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-l.broken:
			return err
		case <-l.wake:
			l.dirty, l.paused = true, false
		case <-l.reached:
			l.dirty, l.reached, l.armed = true, nil, rung
		case a := <-l.asks:
			l.asked = append(l.asked, a)
			l.dirty = true
		case o := <-l.results:
			l.take(o)
		case f := <-l.flushed:
			if err := l.apply(f); err != nil {
				return err
			}
		}
	}
}

// listen turns signals of the store into wakes.
func (l *lane) listen(ctx context.Context, since store.Version) {
	for {
		v, err := l.shard.Wait(ctx, l.keys.topic(), since)
		if err != nil {
			l.broken <- err
			return
		}
		since = v
		l.rouse()
	}
}

func (l *lane) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// pause has the lane look at the store again in a while, after an error that is not the store's end.
func (l *lane) pause(err error) {
	l.log.Error("timer: store", "err", err)
	l.dirty, l.paused = true, true
	time.AfterFunc(storePause, l.rouse)
}

// ended reports whether err means that there is no store any more.
func ended(err error) bool { return errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrFenced) }

// now is the platform's time. Should the clock have been set back, it is that of the store, which does not go back:
// a promise that is due now by the store's time is not to wait for the clock.
func (l *lane) now(ctx context.Context) int64 {
	now := micros(l.runner.Clock.Now())
	if now >= l.floor {
		return now
	}
	c, err := l.shard.Update(ctx, func(context.Context, store.Tx) error { return nil })
	if err == nil {
		l.floor = max(l.floor, micros(c.Time))
	}
	return l.floor
}

// arm has the clock wake the lane when something is due next.
func (l *lane) arm() {
	if l.next == l.armed || l.paused {
		return
	}
	last := l.unarm
	l.armed, l.reached, l.unarm = l.next, nil, func() {}
	if l.next != never {
		l.reached, l.unarm = l.runner.Clock.Until(time.UnixMicro(l.next))
	}
	last() // not before the next is armed: a virtual clock would move on
}

// over tells the clock that work has ended.
func (l *lane) over() {
	for _, end := range l.ends {
		end()
	}
	l.ends = l.ends[:0]
}

// answer answers those who asked to know when nothing is left to do.
func (l *lane) answer() {
	// What the last look found due is running, or being written, or a queue that is being settled.
	if l.dirty || l.running > 0 || l.flushing {
		return
	}
	for _, a := range l.asked {
		close(a)
	}
	l.asked = l.asked[:0]
}

// take notes how an attempt has ended.
func (l *lane) take(o outcome) {
	for {
		if o.lost || l.dead {
			l.forget(o)
		} else {
			l.pending = append(l.pending, o)
		}
		select {
		case o = <-l.results:
		default:
			return
		}
	}
}

// flush writes the outcomes that there are, in one transaction at a time: those that come meanwhile share the next.
func (l *lane) flush() {
	if l.flushing || len(l.pending) == 0 {
		return
	}
	n := 0
	for size := 0; n < min(len(l.pending), flushBatch) && size <= flushBytes; n++ {
		if r := l.pending[n].retry; r != nil {
			size += len(r.Args) + inlineArgs
		}
	}
	batch := append([]outcome(nil), l.pending[:n]...)
	l.pending = append(l.pending[:0], l.pending[n:]...)
	left := map[queue]int{}
	for i := range batch {
		o := &batch[i]
		q := l.queues[o.queue]
		if left[o.queue]++; o.queue.class == classOrder || left[o.queue] >= len(q.running) {
			o.last = true
		}
		o.low = q.low
	}
	l.flushing = true
	go l.write(batch)
}

// write is the transaction of flush. It tries until the store takes it or ends.
func (l *lane) write(batch []outcome) {
	f := flushed{outcomes: batch}
	for _, o := range batch {
		f.wrote = f.wrote || o.kept != nil && o.retry == nil
	}
	for {
		f.commit, f.err = l.shard.Update(context.WithoutCancel(l.work), func(_ context.Context, tx store.Tx) error {
			for i := range batch {
				if err := batch[i].write(tx, l.keys); err != nil {
					return err
				}
			}
			return nil
		})
		if f.err == nil || ended(f.err) || l.work.Err() != nil {
			break
		}
		l.log.Error("timer: store", "err", f.err)
		select {
		case <-time.After(storePause):
		case <-l.work.Done():
		}
	}
	l.flushed <- f
}

func (o *outcome) write(tx store.Tx, k kindKeys) error {
	var err error
	switch {
	case o.kept == nil:
	case o.retry != nil:
		err = again(tx, k, o.kept.at, o.retry)
	default:
		err = remove(tx, k, o.kept.at, o.kept.long, o.kept.ID)
	}
	if err != nil || !o.last {
		return err
	}
	return settle(tx, k, o.queue, o.low)
}

// apply takes note of what a transaction has written. It returns an error when the store has ended.
func (l *lane) apply(f flushed) error {
	l.flushing = false
	l.dirty = true
	for _, o := range f.outcomes {
		l.forget(o)
	}
	if f.err != nil {
		l.dead = ended(f.err)
		return f.err
	}
	l.floor = max(l.floor, micros(f.commit.Time))
	if f.wrote {
		l.mark = max(l.mark, micros(f.commit.Time))
	}
	return nil
}

// forget drops what is in memory of an attempt that is over.
func (l *lane) forget(o outcome) {
	q := l.queues[o.queue]
	if o.kept == nil {
		q.settling = false
	} else {
		delete(q.running, o.kept.at.N)
		q.stale = q.stale || o.retry != nil
		l.running--
		l.bytes -= len(o.kept.Args)
		l.ends = append(l.ends, o.end)
	}
	if len(q.running) == 0 && !q.settling {
		delete(l.queues, o.queue)
	}
}

// drain lets handlers end, and writes how, while there is a store. Handlers that outlast their context are left behind;
// what others have ended in is written all the same, and a virtual clock told of it: nobody else would.
func (l *lane) drain() {
	patience := time.NewTimer(l.runner.Drain)
	defer patience.Stop()
	aborted, deaf := l.work.Err() != nil, false
	for l.flushing || len(l.pending) > 0 || l.running > 0 && !deaf {
		l.flush()
		l.over()
		select {
		case o := <-l.results:
			l.take(o)
		case f := <-l.flushed:
			if l.apply(f) != nil {
				for _, o := range l.pending {
					l.forget(o) // it is kept again
				}
				l.pending = nil
			}
		case <-patience.C:
			if aborted {
				l.log.Warn("timer: handlers do not end", "running", l.running)
				deaf = true
				continue
			}
			l.stopWork()
			aborted = true
			patience.Reset(l.runner.Drain)
		}
	}
	l.over()
}
