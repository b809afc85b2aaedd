package timer

import (
	"errors"
	"fmt"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// The versions of the stored records.
const (
	itemVersion  = 1
	placeVersion = 1
	queueVersion = 1
)

// item is a promise as it lies in its queue.
type item struct {
	Args    []byte `cbor:"1,keyasint,omitempty"` // unless Long
	Set     int64  `cbor:"2,keyasint"`           // when it was made
	Attempt int    `cbor:"3,keyasint,omitempty"` // attempts that failed
	Due     int64  `cbor:"4,keyasint,omitempty"` // of a promise with an order key; else it is in the key
	ID      string `cbor:"5,keyasint,omitempty"`
	Long    bool   `cbor:"6,keyasint,omitempty"` // Args lie under a key of their own
}

// place is where a promise lies.
type place struct {
	Class int    `cbor:"1,keyasint,omitempty"`
	Queue string `cbor:"2,keyasint,omitempty"`
	Due   int64  `cbor:"3,keyasint"`
	N     uint64 `cbor:"4,keyasint"`
}

func (p place) queue() queue        { return queue{p.Class, p.Queue} }
func (p place) encode() store.Value { return record.Encode(placeVersion, p) }

func getPlace(r store.Reader, k kindKeys, id string) (at place, ok bool, err error) {
	v, ok, err := r.Get(k.id(id))
	if err != nil || !ok {
		return at, false, err
	}
	err = record.Decode(v, placeVersion, &at)
	return at, err == nil, err
}

func getItem(r store.Reader, k kindKeys, at place) (it item, ok bool, err error) {
	v, ok, err := r.Get(k.item(at.queue(), at))
	if err != nil || !ok {
		return it, false, err
	}
	err = record.Decode(v, itemVersion, &it)
	return it, err == nil, err
}

// args returns the promise's Args.
func (it *item) args(r store.Reader, k kindKeys, at place) ([]byte, error) {
	if !it.Long {
		return it.Args, nil
	}
	v, ok, err := store.GetLarge(r, k.args(at.N))
	if err == nil && !ok {
		err = fmt.Errorf("timer: promise %d at %x has no arguments", at.N, k.prefix)
	}
	return append([]byte(nil), v...), err
}

// putItem writes a promise at its place with args.
func putItem(tx store.Tx, k kindKeys, at place, it *item, args []byte) error {
	long := len(args) > inlineArgs
	if long {
		if err := store.SetLarge(tx, k.args(at.N), args); err != nil {
			return err
		}
	} else if it.Long {
		if err := store.DeleteLarge(tx, k.args(at.N)); err != nil {
			return err
		}
	}
	it.Long, it.Args = long, nil
	if !long {
		it.Args = args
	}
	setItem(tx, k, at, it)
	return nil
}

// setItem writes the record of a promise whose Args are where they are.
func setItem(tx store.Tx, k kindKeys, at place, it *item) {
	if it.Due = 0; at.Class == classOrder {
		it.Due = at.Due
	}
	tx.Set(k.item(at.queue(), at), record.Encode(itemVersion, it))
}

// remove deletes a promise, of which long and id are known.
func remove(tx store.Tx, k kindKeys, at place, long bool, id string) error {
	tx.Delete(k.item(at.queue(), at))
	if long {
		if err := store.DeleteLarge(tx, k.args(at.N)); err != nil {
			return err
		}
	}
	if id == "" {
		return nil
	}
	now, ok, err := getPlace(tx, k, id)
	if err == nil && ok && now.N == at.N { // else the ID is another promise's by now
		tx.Delete(k.id(id))
	}
	return err
}

// point sees to it that the queue of a new promise has a pointer that is early enough, and wakes the runner if it may
// have to look at the queue earlier than it knows.
func point(tx store.Tx, k kindKeys, at place, now int64) error {
	q := at.queue()
	old, ok, err := getPointer(tx, k, q)
	switch {
	case err != nil:
		return err
	case !ok:
		setPointer(tx, k, at)
	case q.class == classOrder:
		return nil // the new one is not the head
	case at.Due < old:
		tx.Delete(k.pointer(old, q))
		setPointer(tx, k, at)
	case old > now:
		return nil // it waits behind others that are not due
	default:
		tx.Set(k.pointer(old, q), encodePointer(at.N))
	}
	tx.Signal(k.topic())
	return nil
}

func getPointer(r store.Reader, k kindKeys, q queue) (due int64, ok bool, err error) {
	v, ok, err := r.Get(k.record(q))
	if err != nil || !ok {
		return 0, false, err
	}
	err = record.Decode(v, queueVersion, &due)
	return due, err == nil, err
}

// setPointer points to the promise at first.
func setPointer(tx store.Tx, k kindKeys, first place) {
	tx.Set(k.record(first.queue()), record.Encode(queueVersion, first.Due))
	tx.Set(k.pointer(first.Due, first.queue()), encodePointer(first.N))
}

// settle moves the pointer of a queue to its first promise, or removes it with the queue's record when no promise is
// left. Nothing lies before low.
func settle(tx store.Tx, k kindKeys, q queue, low place) error {
	old, ok, err := getPointer(tx, k, q)
	if err != nil || !ok {
		return err
	}
	first, ok, err := firstOf(tx, k, q, low)
	if err != nil {
		return err
	}
	if ok && (first.Due == old || first.Due <= micros(tx.Now())) {
		return nil // in the second case old is even earlier
	}
	tx.Delete(k.pointer(old, q))
	if !ok {
		tx.Delete(k.record(q))
		return nil
	}
	setPointer(tx, k, first)
	return nil
}

// firstOf is where the first promise of a queue lies.
func firstOf(r store.Reader, k kindKeys, q queue, low place) (first place, ok bool, err error) {
	prefix := k.items(q)
	seq, done := r.Scan(store.Range{Begin: k.item(q, low), End: prefix.Range().End}, store.ScanOpt{Limit: 1})
	for kv := range seq {
		if first, err = decodeItem(kv, len(prefix), q); err != nil {
			return first, false, err
		}
		ok = true
	}
	return first, ok, errors.Join(err, done())
}

// decodeItem says where the item of a pair is, whose key begins with the queue's prefix.
func decodeItem(kv store.KV, skip int, q queue) (at place, err error) {
	at.Class, at.Queue = q.class, q.name
	e := store.Decode(kv.Key, skip)
	if q.class == classDest {
		at.Due = e.Int()
	}
	at.N = e.Uint()
	if err = e.Err(); err != nil || q.class == classDest {
		return at, err
	}
	var it item
	err = record.Decode(kv.Value, itemVersion, &it)
	at.Due = it.Due
	return at, err
}

// again makes a promise due again, unless it is gone.
func again(tx store.Tx, k kindKeys, at place, r *Retry) error {
	it, ok, err := getItem(tx, k, at)
	if err != nil || !ok {
		return err
	}
	if !r.Uncounted {
		it.Attempt++
	}
	next := at
	next.Due = max(microsUp(r.At), micros(tx.Now()))
	if at.Class == classDest && next.Due != at.Due {
		tx.Delete(k.item(at.queue(), at))
	}
	if it.ID != "" {
		tx.Set(k.id(it.ID), next.encode())
	}
	if r.Args == nil {
		setItem(tx, k, next, &it)
		return nil
	}
	return putItem(tx, k, next, &it, r.Args)
}
