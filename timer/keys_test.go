package timer

import (
	"testing"

	"github.com/brume-dev/brume/store"
)

// Keys come back as they were made, and what is no key is an error.
func FuzzKeys(f *testing.F) {
	k := keysOf("k")
	q := queue{classDest, "d\x00"}
	f.Add([]byte(k.pointer(5, q)), []byte(encodePointer(7)))
	f.Add([]byte(k.item(q, place{Due: 5, N: 6})), []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		kv := store.KV{Key: key, Value: value}
		if due, q, n, err := decodePointer(kv, len(k.pointers())); err == nil {
			again := store.KV{Key: k.pointer(due, q), Value: encodePointer(n)}
			if due2, q2, n2, err := decodePointer(again, len(k.pointers())); err != nil || due2 != due || q2 != q || n2 != n {
				t.Errorf("%d %v %d came back as %d %v %d (%v)", due, q, n, due2, q2, n2, err)
			}
		}
		for _, q := range []queue{q, {classOrder, "o"}} {
			if at, err := decodeItem(kv, len(k.items(q)), q); err == nil && q.class == classDest {
				at2, err := decodeItem(store.KV{Key: k.item(q, at), Value: value}, len(k.items(q)), q)
				if err != nil || at2 != at {
					t.Errorf("%+v came back as %+v (%v)", at, at2, err)
				}
			}
		}
	})
}
