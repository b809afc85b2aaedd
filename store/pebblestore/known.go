package pebblestore

import (
	"hash/maphash"

	"github.com/brume-dev/brume/store"
)

// Limits of the values that the executor knows by heart.
const (
	maxKnown      = 8 << 20 // bytes of all of them
	maxKnownValue = 4 << 10
	doors         = 1 << 13
)

// known holds the values in the base of keys that closures read again and again: attributes of queues, descriptions of
// tables, counters. A read from Pebble costs ten times as much, and everything waits for the one executor. A key is
// taken in at its second read, so that those that are read once pass by.
type known struct {
	seed   maphash.Seed
	door   [doors]uint64 // hashes of keys that were read once
	values map[string]store.Value
	size   int
}

func newKnown() *known { return &known{seed: maphash.MakeSeed(), values: map[string]store.Value{}} }

// get returns the value of k, nil if there is none, and whether that is known.
func (n *known) get(k store.Key) (v store.Value, ok bool) {
	v, ok = n.values[string(k)]
	return v, ok
}

// read is told that k has been read from the base: v, or nil.
func (n *known) read(k store.Key, v store.Value) {
	h := maphash.Bytes(n.seed, k)
	if n.door[h%doors] == h {
		n.put(k, v)
	}
	n.door[h%doors] = h
}

// put copies v, whose memory belongs to a larger piece.
func (n *known) put(k store.Key, v store.Value) {
	if len(v) > maxKnownValue {
		return
	}
	if n.size += len(k) + len(v); n.size > maxKnown {
		n.clear()
	}
	if v != nil {
		v = append(store.Value{}, v...)
	}
	n.values[string(k)] = v
}

// wrote is told of an entry that the base has now.
func (n *known) wrote(e entry) {
	old, ok := n.values[string(e.key)]
	if !ok {
		return
	}
	delete(n.values, string(e.key))
	n.size -= len(e.key) + len(old)
	n.put(e.key, e.value)
}

func (n *known) clear() {
	clear(n.values)
	n.size = 0
}
