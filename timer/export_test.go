package timer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Topic is what Set signals.
func Topic(kind string) store.Key { return keysOf(kind).topic() }

// Check checks what keys.go says of the promises of a kind that lie in a shard.
func Check(r store.Reader, kind string) error {
	k := keysOf(kind)
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	scan := func(prefix store.Tuple, f func(key store.Key, v store.Value)) {
		seq, done := r.Scan(prefix.Range(), store.ScanOpt{})
		for kv := range seq {
			f(bytes.Clone(kv.Key), bytes.Clone(kv.Value))
		}
		if err := done(); err != nil {
			fail("scan: %v", err)
		}
	}
	pointers, numbers, first, ids, long := map[queue]int64{}, map[queue]uint64{}, map[queue]int64{}, map[string]place{}, map[uint64]bool{}
	scan(k.pointers(), func(key store.Key, v store.Value) {
		due, q, n, err := decodePointer(store.KV{Key: key, Value: v}, len(k.pointers()))
		if err != nil {
			fail("pointer %q: %v", key, err)
		}
		numbers[q] = n
		if _, ok := pointers[q]; ok {
			fail("%v has two pointers", q)
		}
		pointers[q] = due
		if at, ok, err := getPointer(r, k, q); !ok || err != nil || at != due {
			fail("%v points to %d, its record to %d (%v %v)", q, due, at, ok, err)
		}
	})
	records := k.prefix.Uint(familyQueue)
	scan(records, func(key store.Key, _ store.Value) {
		e := store.Decode(key, len(records))
		q := queue{class: int(e.Int()), name: e.Text()}
		if _, ok := pointers[q]; !ok || e.Err() != nil {
			fail("%v has a record and no pointer (%v)", q, e.Err())
		}
	})
	items := k.prefix.Uint(familyItem)
	scan(items, func(key store.Key, v store.Value) {
		e := store.Decode(key, len(items))
		q := queue{class: int(e.Int()), name: e.Text()}
		at, err := decodeItem(store.KV{Key: key, Value: v}, len(k.items(q)), q)
		var it item
		if err := errors.Join(err, record.Decode(v, itemVersion, &it)); err != nil {
			fail("item %q: %v", key, err)
		}
		if _, ok := first[q]; !ok {
			if first[q] = at.Due; pointers[q] > at.Due || q.class == classOrder && numbers[q] > at.N {
				fail("%v points to %d, %d, its first is %+v", q, pointers[q], numbers[q], at)
			}
		}
		if long[at.N] = it.Long; it.ID != "" {
			ids[it.ID] = at
		}
	})
	for q := range first {
		if _, ok := pointers[q]; !ok {
			fail("%v has promises and no pointer", q)
		}
	}
	scan(k.prefix.Uint(familyID), func(key store.Key, v store.Value) {
		id := store.Decode(key, len(k.prefix.Uint(familyID))).Text()
		var at place
		if err := record.Decode(v, placeVersion, &at); err != nil || ids[id] != at {
			fail("ID %q is at %+v, the promise at %+v (%v)", id, at, ids[id], err)
		}
		delete(ids, id)
	})
	if len(ids) > 0 {
		fail("IDs without an entry: %v", ids)
	}
	args := k.prefix.Uint(familyArgs)
	scan(args, func(key store.Key, _ store.Value) {
		if n := store.Decode(key, len(args)).Uint(); !long[n] {
			fail("arguments of %d, which has none there", n)
		}
	})
	return errors.Join(errs...)
}
