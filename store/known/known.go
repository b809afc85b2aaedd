// Package known keeps what services have worked out of the store: topics with their filters compiled, stages with their
// templates parsed. What is kept is never the truth: its user reads a revision in the store, and asks here whether the work for
// that revision has been done before.
package known

import "sync"

// Map keeps a bounded number of values. At the bound it starts anew, which costs less than knowing what was used last. It is safe
// for concurrent use.
type Map[K comparable, V any] struct {
	max int
	mu  sync.RWMutex
	all map[K]V
}

// New returns an empty Map for at most max values.
func New[K comparable, V any](max int) *Map[K, V] {
	return &Map[K, V]{max: max, all: make(map[K]V)}
}

// Get returns what is known of k.
func (m *Map[K, V]) Get(k K) (V, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.all[k]
	return v, ok
}

// Put keeps v for k.
func (m *Map[K, V]) Put(k K, v V) { m.Renew(k, v, func(V) bool { return true }) }

// Renew keeps v for k unless what is known of k is not older: the work for an earlier revision may end later.
func (m *Map[K, V]) Renew(k K, v V, older func(had V) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	had, there := m.all[k]
	if there && !older(had) {
		return
	}
	if !there && len(m.all) >= m.max {
		clear(m.all)
	}
	m.all[k] = v
}
