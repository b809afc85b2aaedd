package pebblestore

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/btree"

	"github.com/brume-dev/brume/store"
)

// learnAfter is the number of dead entries walked over between two pairs that makes the interval between them worth
// remembering.
const learnAfter = 24

// scan walks over the pairs of a range: those of entries, and those of the base that are neither replaced there nor
// hidden.
type scan struct {
	base    base
	entries *btree.BTreeG[entry] // nil: none
	gaps    *spans
	r       store.Range // both ends are given
	o       store.ScanOpt

	learn   func(span)  // is told of empty intervals
	overdue func() bool // whether the closure has run for too long
	release func()      // called when entries are not looked at any more
	yield   func(store.KV) bool

	n       int       // pairs yielded
	dead    int       // dead entries seen since the last pair
	walked  int       // steps of the base at the last pair
	edge    store.Key // no visible key lies between the edge and the scan's place
	stopped bool
	err     error
}

// run does the scan and returns the number of steps that it took.
func (s *scan) run() int {
	if s.o.Reverse {
		s.descend()
	} else {
		s.ascend()
	}
	if s.release != nil {
		s.release()
		s.release = nil
	}
	if s.err == nil {
		s.err = s.base.err
	}
	return s.base.walked()
}

func (s *scan) ascend() {
	begin := s.r.Begin
	if p, ok := s.gaps.around(begin); ok {
		begin = p.end
	}
	s.edge = append(s.edge, begin...)
	s.base.seekGE(begin)
	if s.entries != nil && bytes.Compare(begin, s.r.End) < 0 {
		s.entries.AscendRange(entry{key: begin}, entry{key: s.r.End}, func(e entry) bool {
			order := -1
			for order < 0 && s.base.ok {
				if order = bytes.Compare(s.base.key, e.key); order < 0 && !s.emitBase() {
					return false
				}
				if order <= 0 {
					s.base.next()
				}
			}
			return s.emitEntry(e)
		})
	}
	for !s.stopped && s.base.ok && s.emitBase() {
		s.base.next()
	}
	if !s.stopped && s.base.err == nil && s.long() {
		s.learn(span{bytes.Clone(s.edge), bytes.Clone(s.r.End)})
	}
}

func (s *scan) descend() {
	end := s.r.End
	if p, ok := s.gaps.below(end); ok {
		end = p.begin
	}
	s.edge = append(s.edge, end...)
	s.base.seekLT(end)
	if s.entries != nil {
		s.entries.DescendLessOrEqual(entry{key: end}, func(e entry) bool {
			if bytes.Compare(e.key, end) >= 0 {
				return true
			}
			if bytes.Compare(e.key, s.r.Begin) < 0 {
				return false
			}
			order := 1
			for order > 0 && s.base.ok {
				if order = bytes.Compare(s.base.key, e.key); order > 0 && !s.emitBase() {
					return false
				}
				if order >= 0 {
					s.base.prev()
				}
			}
			return s.emitEntry(e)
		})
	}
	for !s.stopped && s.base.ok && s.emitBase() {
		s.base.prev()
	}
	if !s.stopped && s.base.err == nil && s.long() {
		s.learn(span{bytes.Clone(s.r.Begin), bytes.Clone(s.edge)})
	}
}

func (s *scan) emitEntry(e entry) bool {
	if e.dead {
		s.dead++
		return true
	}
	return s.emit(e.key, e.value)
}

func (s *scan) emitBase() bool {
	v, err := s.base.it.ValueAndErr()
	if err != nil {
		s.err, s.stopped = err, true
		return false
	}
	return s.emit(s.base.key, v)
}

// emit yields a pair and reports whether the scan goes on.
func (s *scan) emit(k store.Key, v store.Value) bool {
	if s.n%64 == 63 && s.overdue != nil && s.overdue() {
		s.err, s.stopped = store.ErrTooSlow, true
		return false
	}
	long := s.long()
	if s.o.Reverse {
		if long {
			s.learn(span{after(k), bytes.Clone(s.edge)})
		}
		s.edge = append(s.edge[:0], k...)
	} else {
		if long {
			s.learn(span{bytes.Clone(s.edge), bytes.Clone(k)})
		}
		s.edge = append(append(s.edge[:0], k...), 0)
	}
	if s.n++; s.n == s.o.Limit {
		s.stopped = true
		if s.release != nil { // before the loop's body, which often deletes what it is given
			s.release()
			s.release = nil
		}
	}
	if !s.yield(store.KV{Key: k, Value: v}) {
		s.stopped = true
	}
	return !s.stopped
}

// long reports whether it took many steps to get from the edge to the scan's place.
func (s *scan) long() bool {
	walked := s.base.walked()
	steps := s.dead + walked - s.walked
	s.dead, s.walked = 0, walked
	return steps >= learnAfter
}

// base walks over the pairs in Pebble that are not hidden, and jumps over gaps.
type base struct {
	it     *pebble.Iterator // its bounds are the range
	hidden *spans           // nil: none
	gaps   *spans
	ahead  span // the first gap that ends above key, if hasAhead
	has    bool

	ok  bool
	key store.Key // valid until the next step
	err error
}

// walked is the number of steps so far, over live and dead entries.
func (b *base) walked() int {
	st := b.it.Stats()
	return st.ForwardStepCount[pebble.InternalIterCall] + st.ReverseStepCount[pebble.InternalIterCall]
}

func (b *base) at(valid bool) bool {
	if b.ok = valid; valid {
		b.key = b.it.Key()
	} else if err := b.it.Error(); err != nil {
		b.err = err
	}
	return valid
}

// seekGE goes to the first pair at or above k.
func (b *base) seekGE(k store.Key) {
	for {
		b.look(k)
		if b.has && bytes.Compare(b.ahead.begin, k) <= 0 {
			k = b.ahead.end
			continue
		}
		if !b.at(b.it.SeekGE(k)) {
			return
		}
		p, ok := b.cover()
		if !ok {
			return
		}
		k = p.end
	}
}

// next goes to the next pair. NextPrefix, unlike Next, does not walk over the older versions of a key: a counter that
// was written a hundred thousand times would cost a scan beside it 12 ms, until Pebble flushes.
func (b *base) next() {
	if b.has && isAfter(b.ahead.begin, b.key) {
		b.seekGE(b.ahead.end)
		return
	}
	if !b.at(b.it.NextPrefix()) {
		return
	}
	if p, ok := b.cover(); ok {
		b.seekGE(p.end)
		return
	}
	if b.has && bytes.Compare(b.key, b.ahead.end) >= 0 {
		b.look(b.key)
	}
}

// seekLT goes to the last pair below k. Going down, gaps are jumped over only here: lists that are read from their end
// seldom have holes elsewhere.
func (b *base) seekLT(k store.Key) {
	for b.at(b.it.SeekLT(k)) {
		p, ok := b.cover()
		if !ok {
			return
		}
		k = p.begin
	}
}

// prev goes to the pair before.
func (b *base) prev() {
	if !b.at(b.it.Prev()) {
		return
	}
	if p, ok := b.cover(); ok {
		b.seekLT(p.begin)
	}
}

// look finds the gap that the walk up from k meets first.
func (b *base) look(k store.Key) {
	if b.gaps.empty() {
		return
	}
	b.ahead, b.has = b.gaps.ahead(k)
}

// cover returns the hidden range around the key.
func (b *base) cover() (span, bool) {
	if b.hidden == nil || b.hidden.empty() {
		return span{}, false
	}
	return b.hidden.around(b.key)
}

// isAfter reports whether next is the least key above k.
func isAfter(next, k store.Key) bool {
	return len(next) == len(k)+1 && next[len(k)] == 0 && bytes.Equal(next[:len(k)], k)
}
