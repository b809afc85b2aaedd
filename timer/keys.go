package timer

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/brume-dev/brume/store"
)

// The layout, in the shard of the transaction that made the promise. A queue holds the promises of one destination, in
// the order of their due times, or those of one order key, in the order of their commits. What is in flight is known
// in memory alone, for a shard has one owner: a promise lies where it lies until it is kept or due again, so a crash
// leaves nothing to mend. Times are microseconds since 1970; n numbers the promises of a kind.
//
//	("timer", kind, 0)                      counter behind n
//	("timer", kind, 1, due, class, name)    pointer: look at this queue then                   → n, as below
//	("timer", kind, 2, class, name)         queue: where its pointer is                        → due
//	("timer", kind, 3, 0, dest, due, n)     a promise of a destination                         → item
//	("timer", kind, 3, 1, order, n)         a promise of an order key                          → item
//	("timer", kind, 4, id)                  where the promise with this ID lies                → place
//	("timer", kind, 5, n)                   Args that are too long for the item (SetLarge)
//
// A queue with promises has a record and exactly one pointer, never later than the due time of any of its promises; for
// an order key, of its head. It may be earlier, when a promise was cancelled: then the visit puts it right. The n at the
// pointer of a destination is that of the last promise made when the pointer was due already, so that a lane at work on
// the queue sees whether there is a new one. At that of an order key, no n is lower in the queue.
//
// No write puts a pointer, or a promise of a destination, before the time of its transaction, so what a lane has seen to
// be empty before the time of an earlier commit stays empty.
const (
	familyCounter = iota
	familyPointer
	familyQueue
	familyItem
	familyID
	familyArgs
)

const (
	classDest  = 0
	classOrder = 1
)

// kindKeys makes the keys of one kind.
type kindKeys struct{ prefix store.Tuple }

func keysOf(kind string) kindKeys { return kindKeys{store.Tuple(nil).Text("timer").Text(kind)} }

// topic is signalled when promises of the kind may have to be kept earlier than the runner thinks.
func (k kindKeys) topic() store.Key { return k.prefix }

func (k kindKeys) counter() store.Key       { return k.prefix.Uint(familyCounter) }
func (k kindKeys) id(id string) store.Key   { return k.prefix.Uint(familyID).Text(id) }
func (k kindKeys) args(n uint64) store.Key  { return k.prefix.Uint(familyArgs).Uint(n) }
func (k kindKeys) pointers() store.Tuple    { return k.prefix.Uint(familyPointer) }
func (k kindKeys) record(q queue) store.Key { return q.appendTo(k.prefix.Uint(familyQueue)) }

func (k kindKeys) pointer(due int64, q queue) store.Key {
	return q.appendTo(k.pointers().Int(due))
}

func (k kindKeys) items(q queue) store.Tuple { return q.appendTo(k.prefix.Uint(familyItem)) }

func (k kindKeys) item(q queue, at place) store.Key {
	if q.class == classOrder {
		return k.items(q).Uint(at.N)
	}
	return k.items(q).Int(at.Due).Uint(at.N)
}

// queue names a queue of a kind.
type queue struct {
	class int
	name  string
}

func (q queue) appendTo(t store.Tuple) store.Tuple { return t.Uint(uint64(q.class)).Text(q.name) }

func decodePointer(kv store.KV, skip int) (due int64, q queue, n uint64, err error) {
	e := store.Decode(kv.Key, skip)
	due = e.Int()
	q.class = int(e.Int())
	q.name = e.Text()
	if err = e.Err(); err == nil && len(kv.Value) != 8 {
		err = fmt.Errorf("timer: pointer %x: %d bytes", kv.Key, len(kv.Value))
	}
	if err != nil {
		return 0, q, 0, err
	}
	return due, q, binary.BigEndian.Uint64(kv.Value), nil
}

func encodePointer(n uint64) store.Value { return binary.BigEndian.AppendUint64(nil, n) }

// micros is the last microsecond that is not after t.
func micros(t time.Time) int64 { return t.UnixMicro() }

// microsUp is the first microsecond that is not before t: a promise is never kept early.
func microsUp(t time.Time) int64 {
	us := t.UnixMicro()
	if us < math.MaxInt64 && time.UnixMicro(us).Before(t) {
		us++
	}
	return us
}
