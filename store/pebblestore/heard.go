package pebblestore

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/brume-dev/brume/store"
)

// Limits of the values that the Views of a state know by heart.
const (
	maxHeard      = 64
	maxHeardValue = 4 << 10
	heardDoors    = 128
	heardOften    = 8 // reads after which a key is taken in
)

// heard holds the few keys that the Views of one state read all the time: descriptions of tables and functions, read by
// every request, once to decide whether it is allowed and once to serve it. It is to Views what known is to closures. A
// state never changes, so that nothing in it ever has to be thrown away; it goes with the state.
type heard struct {
	times  [heardDoors]atomic.Uint32 // how often keys of that hash were read
	values atomic.Pointer[map[string]store.Value]
	mu     sync.Mutex // of those who replace values
}

// get returns the value of k, nil if there is none, and whether that is known.
func (h *heard) get(k store.Key) (v store.Value, ok bool) {
	if m := h.values.Load(); m != nil {
		v, ok = (*m)[string(k)]
	}
	return v, ok
}

// read is told that k has been read from the snapshot: v, or nil.
func (h *heard) read(seed maphash.Seed, k store.Key, v store.Value) {
	n := h.times[maphash.Bytes(seed, k)%heardDoors].Add(1)
	if n < heardOften || n%heardOften != 0 || len(v) > maxHeardValue {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	next := map[string]store.Value{}
	if m := h.values.Load(); m != nil {
		if len(*m) >= maxHeard {
			return
		}
		next = maps.Clone(*m)
	}
	next[string(k)] = v
	h.values.Store(&next)
}
