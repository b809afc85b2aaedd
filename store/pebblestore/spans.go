package pebblestore

import (
	"bytes"

	"github.com/google/btree"

	"github.com/brume-dev/brume/store"
)

// spans is a set of keys kept as disjoint intervals that do not touch. It serves twice: as the ranges that the running
// group has deleted, and as the cache of gaps (see gaps).
type spans struct{ tree *btree.BTreeG[span] }

// span is the interval [begin, end); neither end is nil. The slices are never written.
type span struct{ begin, end store.Key }

func newSpans() *spans {
	return &spans{btree.NewG(8, func(a, b span) bool { return bytes.Compare(a.begin, b.begin) < 0 })}
}

// clone returns a copy in constant time. Afterwards one of the two may be read by others while the other is written.
func (s *spans) clone() *spans { return &spans{s.tree.Clone()} }

func (s *spans) empty() bool { return s.tree.Len() == 0 }

// around returns the span that contains k.
func (s *spans) around(k store.Key) (hit span, ok bool) {
	s.tree.DescendLessOrEqual(span{begin: k}, func(p span) bool {
		hit, ok = p, bytes.Compare(k, p.end) < 0
		return false
	})
	return hit, ok
}

// ahead returns the first span that ends above k: the one around k, or the next.
func (s *spans) ahead(k store.Key) (hit span, ok bool) {
	if hit, ok = s.around(k); ok {
		return hit, true
	}
	s.tree.AscendGreaterOrEqual(span{begin: k}, func(p span) bool {
		hit, ok = p, true
		return false
	})
	return hit, ok
}

// below returns the span that holds the keys next below k.
func (s *spans) below(k store.Key) (hit span, ok bool) {
	s.tree.DescendLessOrEqual(span{begin: k}, func(p span) bool {
		if bytes.Equal(p.begin, k) {
			return true // begins at k: look further down
		}
		hit, ok = p, bytes.Compare(k, p.end) <= 0
		return false
	})
	return hit, ok
}

// add adds the interval [begin, end), joined with those that it touches.
func (s *spans) add(p span) {
	if bytes.Compare(p.begin, p.end) >= 0 {
		return
	}
	var joined []span
	s.tree.DescendLessOrEqual(span{begin: p.begin}, func(q span) bool {
		if bytes.Compare(p.begin, q.end) <= 0 {
			joined = append(joined, q)
		}
		return false
	})
	s.tree.AscendGreaterOrEqual(span{begin: p.begin}, func(q span) bool {
		if bytes.Compare(p.end, q.begin) < 0 {
			return false
		}
		joined = append(joined, q)
		return true
	})
	for _, q := range joined {
		s.tree.Delete(q)
		if bytes.Compare(q.begin, p.begin) < 0 {
			p.begin = q.begin
		}
		if bytes.Compare(q.end, p.end) > 0 {
			p.end = q.end
		}
	}
	s.tree.ReplaceOrInsert(p)
}

// split takes the key k out of the span p, which contains it.
func (s *spans) split(p span, k store.Key) {
	if bytes.Equal(p.begin, k) {
		s.tree.Delete(p)
	} else {
		s.tree.ReplaceOrInsert(span{p.begin, bytes.Clone(k)})
	}
	if next := after(k); bytes.Compare(next, p.end) < 0 {
		s.tree.ReplaceOrInsert(span{next, p.end})
	}
}

// after is the least key above k.
func after(k store.Key) store.Key { return append(append(make(store.Key, 0, len(k)+1), k...), 0) }

// gaps is the cache of intervals that are known to hold no key. Without it the head of a queue is found by walking over
// the tombstone of every message that was ever received, until a compaction removes them: a hot queue did 0.5 k/s
// instead of 31 k/s. A scan that has walked over many dead entries adds what it crossed, so that most are walked over
// once, and a few at the head a few times. It is only a cache: forgetting is always right.
type gaps struct{ *spans }

// maxGaps bounds the memory of the cache, some 100 bytes for each.
const maxGaps = 1 << 15

// learn adds an interval that was seen to be empty.
func (g gaps) learn(p span) {
	if g.tree.Len() >= maxGaps {
		g.tree.Clear(false)
	}
	g.add(p)
}

// filled takes k, which has been set, out of the gaps, and reports whether it was in one.
func (g gaps) filled(k store.Key) bool {
	p, ok := g.around(k)
	if ok {
		g.split(p, k)
	}
	return ok
}
