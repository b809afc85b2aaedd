package pebblestore

import (
	"bytes"
	"slices"
	"sync"

	"github.com/brume-dev/brume/store"
)

// recent lets Views teach the executor the gaps that they walk over. A View sees a state that is a few groups old, so
// what it found empty is only a gap if no group since has set a key there. The keys that the last groups set are kept
// to tell; what an older View found is forgotten.
type recent struct {
	groups  []setKeys // youngest last
	mu      sync.Mutex
	learned []lesson
}

type setKeys struct {
	version store.Version // that the group made
	keys    []store.Key   // sorted
}

// lesson is a gap in the state of a version.
type lesson struct {
	version store.Version
	gap     span
}

const (
	recentGroups = 8
	maxLessons   = 64
)

// add remembers the keys that a group set.
func (r *recent) add(v store.Version, keys []store.Key) {
	if len(r.groups) == recentGroups {
		r.groups = append(r.groups[:0], r.groups[1:]...)
	}
	r.groups = append(r.groups, setKeys{v, keys})
}

// suggest is called by Views.
func (r *recent) suggest(v store.Version, p span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.learned) < maxLessons {
		r.learned = append(r.learned, lesson{v, p})
	}
}

// teach adds to l what Views have found and what is still true.
func (r *recent) teach(l *layer) {
	r.mu.Lock()
	learned := r.learned
	r.learned = nil
	r.mu.Unlock()
	for _, n := range learned {
		if r.holds(n) {
			l.learn(n.gap)
		}
	}
}

func (r *recent) holds(n lesson) bool {
	if len(r.groups) == recentGroups && n.version < r.groups[0].version {
		return false // an even older group may have set a key there
	}
	for _, g := range r.groups {
		if g.version <= n.version {
			continue
		}
		i, _ := slices.BinarySearchFunc(g.keys, n.gap.begin, func(a, b store.Key) int { return bytes.Compare(a, b) })
		if i < len(g.keys) && bytes.Compare(g.keys[i], n.gap.end) < 0 {
			return false
		}
	}
	return true
}
