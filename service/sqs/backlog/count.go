package backlog

import (
	"cmp"

	"github.com/brume-dev/brume/store"
)

// The counters are right as of the mark: what became visible until then counts as visible, what does later counts by its
// kind. Now is the counters and what "time" holds between the mark and now. Who finds much there moves the mark, so that
// everything is walked over once.

// Counts are the numbers of messages of each Kind.
type Counts [kinds]int64

// ahead is how many ends of timeouts are counted without moving the mark.
const ahead = 512

// Count returns the counts at a time, in microseconds; ok is false when the mark must be moved first, by Advance.
func (q *Queue) Count(r store.Reader, now int64) (c Counts, ok bool, err error) {
	for k := range c {
		v, _, err := r.Get(q.counts.Uint(uint64(k)))
		if err != nil {
			return c, false, err
		}
		c[k] = store.ReadCounter(v)
	}
	v, _, err := r.Get(q.mark)
	if err != nil {
		return c, false, err
	}
	passed, _, all, err := q.passed(r, store.ReadCounter(v), now, ahead)
	for k, n := range passed {
		c[k] -= n
		c[Visible] += n
	}
	for k := range c {
		c[k] = max(c[k], 0)
	}
	return c, all, err
}

// passed counts what became visible after mark and until now, by its kind; limit bounds it to a number of messages, more
// only when they share one time. It returns the time until which it has counted.
func (q *Queue) passed(r store.Reader, mark, now int64, limit int) (c Counts, last int64, all bool, err error) {
	last, all = mark, true
	n := 0
	times, done := r.Scan(between(q.times, mark, now), store.ScanOpt{})
	for kv := range times {
		e := store.Decode(kv.Key, len(q.times))
		at := int64(e.Uint())
		if e.Err() != nil || len(kv.Value) < 2 || Kind(kv.Value[0]) >= kinds {
			return c, last, false, cmp.Or(e.Err(), errRecord)
		}
		if n >= limit && at != last {
			all = false
			break
		}
		c[kv.Value[0]]++
		last = at
		n++
	}
	return c, last, all, done()
}

// count is one counter as of the mark, this transaction included.
func (w *work) count(k Kind) (int64, error) {
	v, _, err := w.tx.Get(w.counts.Uint(uint64(k)))
	return store.ReadCounter(v) + w.delta[k], err
}

// step is how many messages one transaction counts.
const step = 10_000

// advance moves the mark towards now.
func (w *work) advance() error {
	passed, last, _, err := w.passed(w.tx, w.mark, w.now, step)
	if err != nil {
		return err
	}
	for k, n := range passed {
		w.delta[k] -= n
		w.delta[Visible] += n
	}
	if last > w.mark {
		w.mark = last
		w.tx.Max(w.families.mark, uint64(last))
	}
	return nil
}

// Advance moves the mark, so that Count has less to do.
func (q *Queue) Advance(tx store.Tx) error {
	w, err := q.begin(tx)
	if err != nil {
		return err
	}
	defer w.end()
	return w.advance()
}
