package timer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// sight is what one look at the store finds.
type sight struct {
	now    int64
	begin  []*Kept
	bytes  int               // of their Args
	queues map[queue]*active // those of which something new is known
	more   bool              // the batch was full
	low    int64             // no pointer lies before
	next   int64             // the first pointer that is not due
}

// look goes through the pointers that are due, in their order, and begins what may begin.
func (l *lane) look(ctx context.Context) error {
	now := l.now(ctx)
	s, err := store.View(ctx, l.shard, func(_ context.Context, r store.Reader) (*sight, error) {
		s := &sight{now: now, queues: map[queue]*active{}, next: never, low: l.mark}
		return s, l.scanPointers(r, s)
	})
	if err != nil {
		if ctx.Err() != nil || ended(err) {
			return err
		}
		l.pause(err)
		return nil
	}
	l.dirty, l.low, l.next = s.more, s.low, s.next
	for q, a := range s.queues {
		l.queues[q] = a
	}
	for _, k := range s.begin {
		l.begin(k)
	}
	for q, a := range s.queues {
		if len(a.running) == 0 && !a.settling {
			a.settling = true
			l.pending = append(l.pending, outcome{queue: q})
		}
	}
	for _, a := range l.queues {
		l.next = min(l.next, a.next)
	}
	return nil
}

// scanPointers visits the queues whose pointers are due.
func (l *lane) scanPointers(r store.Reader, s *sight) error {
	prefix := l.keys.pointers()
	pointers, done := r.Scan(store.Range{Begin: prefix.Int(l.low), End: prefix.Range().End}, store.ScanOpt{})
	first := true
	for kv := range pointers {
		due, q, n, err := decodePointer(kv, len(prefix))
		if err != nil {
			return err
		}
		if first {
			s.low, first = min(due, l.mark), false
		}
		if due > s.now {
			s.next = due
			break
		}
		a := l.queues[q]
		if a == nil {
			a = &active{running: map[uint64]bool{}, stale: true, low: lowest(due, q, n)}
		} else if !a.stale && a.seen == n && a.next > s.now {
			continue
		}
		free := l.free(q, a, s)
		if free <= 0 && len(a.running) == 0 {
			break // the lane is full: whatever ends makes it look again
		}
		if free <= 0 {
			s.queues[q] = &active{running: a.running, settling: a.settling, stale: true, next: never, low: a.low}
			continue
		}
		if s.queues[q], err = l.scanQueue(r, s, q, a, free); err != nil {
			return err
		}
		s.queues[q].seen = n
		if len(s.begin) >= startBatch || s.bytes > softBytes {
			s.more = true
			break
		}
	}
	return done()
}

// lowest is where the first promise of a queue with that pointer may lie.
func lowest(due int64, q queue, n uint64) place {
	if q.class == classOrder {
		return place{N: n}
	}
	return place{Due: due}
}

// free is how many more promises of q may begin, beside those that s found.
func (l *lane) free(q queue, a *active, s *sight) int {
	limit := l.kind.policy.Parallel
	running, bytes := l.running+len(s.begin), l.bytes+s.bytes
	if bytes > hardBytes {
		return 0
	}
	if q.class == classOrder || running >= softRunning || bytes > softBytes {
		limit = 1
	}
	return min(limit-len(a.running), hardRunning-running)
}

// scanQueue finds up to free promises of q that are due and not in flight, and returns what is known of q then. It does
// not touch what the lane knows: a view may be looked at again.
func (l *lane) scanQueue(r store.Reader, s *sight, q queue, a *active, free int) (*active, error) {
	out := &active{running: a.running, settling: a.settling, next: never, low: a.low}
	prefix := l.keys.items(q)
	items, done := r.Scan(store.Range{Begin: l.keys.item(q, a.low), End: prefix.Range().End}, store.ScanOpt{})
	first := true
	for kv := range items {
		at, err := decodeItem(kv, len(prefix), q)
		if err != nil {
			return nil, err
		}
		if first {
			out.low, first = at, false
			if q.class == classDest && l.mark < at.Due {
				out.low = place{Due: l.mark}
			}
		}
		if a.running[at.N] && q.class == classDest {
			continue
		}
		if at.Due > s.now {
			out.next = at.Due
			break
		}
		if a.running[at.N] {
			break // the head of an order key
		}
		if free == 0 {
			out.stale = true
			break
		}
		k, err := l.kept(r, at, kv.Value)
		if err != nil {
			return nil, err
		}
		s.begin = append(s.begin, k)
		s.bytes += len(k.Args)
		if free--; q.class == classOrder {
			break
		}
	}
	return out, done()
}

// kept makes what a handler gets.
func (l *lane) kept(r store.Reader, at place, v store.Value) (*Kept, error) {
	var it item
	if err := record.Decode(v, itemVersion, &it); err != nil {
		return nil, err
	}
	args, err := it.args(r, l.keys, at)
	if err != nil {
		return nil, err
	}
	k := &Kept{
		Promise: Promise{Kind: l.kind.name, ID: it.ID, Args: args, Due: time.UnixMicro(at.Due).UTC()},
		Shard:   l.shard,
		Attempt: it.Attempt + 1,
		Set:     time.UnixMicro(it.Set).UTC(),
		Key:     identity(l.shard.ID(), l.kind.name, at.N),
		at:      at,
		long:    it.Long,
	}
	if at.Class == classOrder {
		k.Order = at.Queue
	} else {
		k.Dest = at.Queue
	}
	return k, nil
}

// begin has the handler keep a promise.
func (l *lane) begin(k *Kept) {
	o := outcome{kept: k, queue: k.at.queue(), end: clock.Begin(l.runner.Clock)}
	l.queues[o.queue].running[k.at.N] = true
	l.running++
	l.bytes += len(k.Args)
	l.runner.started.Add(1)
	go func() {
		o.retry, o.lost = l.keep(k)
		l.runner.ended.Add(1)
		select {
		case l.results <- o:
		case <-l.gone:
			o.end()
		}
	}()
}

// keep runs the handler and says what is to become of the promise.
func (l *lane) keep(k *Kept) (again *Retry, lost bool) {
	ctx, cancel := l.work, context.CancelFunc(func() {})
	if t := l.kind.policy.Timeout; t > 0 {
		ctx, cancel = context.WithTimeout(ctx, t)
	}
	defer cancel()
	err := guard(func() error { return l.kind.handler(ctx, k) })
	if err == nil || errors.Is(err, ErrGone) {
		return nil, false
	}
	if l.work.Err() != nil {
		return nil, true
	}
	l.runner.failed.Add(1)
	if errors.As(err, &again) {
		l.log.Debug("timer: again", "key", k.Key, "dest", k.at.Queue, "attempt", k.Attempt, "err", err)
		return again, false
	}
	wait := k.Backoff(l.kind.policy.MinBackoff, l.kind.policy.MaxBackoff)
	l.log.Warn("timer: attempt failed", "key", k.Key, "dest", k.at.Queue, "attempt", k.Attempt, "again", wait, "err", err)
	return &Retry{At: l.runner.Clock.Now().Add(wait), Err: err}, false
}

// guard turns a panic into an error: a bug in one handler must not end the platform.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("timer: handler panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}
