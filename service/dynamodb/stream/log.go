// Package stream is Amazon DynamoDB Streams: the log of a table's changes, which a table writes in the commit of each
// change, and the API that reads it.
//
// A stream is one sequence of records in the order of their commits. Its shards are stretches of time: one begins every
// four hours, as AWS's do, so that nothing has to be written to open or close one. What is older than 24 hours can not
// be read any more, and is erased hour by hour.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/store"
)

// The keys of streams, in the shard of the tables of an account and region.
//
//	"dynamodb" "stream" account region table label     a stream (Record)
//	"dynamodb" id 12 number hour stamp                 a change, or the first piece of one; further pieces follow it
//
// id is the table's, number counts the streams of the table, hour is that of the commit since 1970. A change is
//
//	0x01 length piece     length (a varint) is that of all the pieces
//	0x02 piece
//
// and the pieces together: flags, seconds (varint), microseconds (varint, with a flag), size (varint), then keys, old and new
// item, each as a length (a varint, 0 when it is not there) and what item.Map.Append gives, or as the number of an image.
const (
	family     = 12
	firstPiece = 0x01
	nextPiece  = 0x02

	flagOld     = 0x01 // there was an item before
	flagNew     = 0x02 // there is one after
	flagExpired = 0x04 // time to live has deleted the item
	flagMicros  = 0x08 // the microseconds of the second follow it

	flagOldImage = 0x10 // in place of the old item is the number of its image
	flagNewImage = 0x20
)

// Log is where the changes of a stream lie.
type Log struct {
	prefix store.Tuple
	images Images
}

// LogOf returns the log of a stream of the table with the given id.
func LogOf(table, number uint64) Log {
	return Log{store.Tuple(nil).Text("dynamodb").Uint(table).Uint(family).Uint(number), ImagesOf(table)}
}

// Range is where all streams of a table lie.
func Range(table uint64) store.Range {
	data := store.Tuple(nil).Text("dynamodb").Uint(table)
	return store.Range{Begin: data.Uint(family), End: data.Uint(family + 1)}
}

// Change is what happened to an item. Old is nil for an insertion, New for a removal.
type Change struct {
	Keys, Old, New item.Map
	Expired        bool // by time to live

	OldImage, NewImage uint64 // where Old and New lie already; 0: nowhere
}

// Append writes a change to the log, in the commit of tx. view is the stream's StreamViewType.
func (l Log) Append(tx store.Tx, view string, c Change) {
	b := make([]byte, 0, 256)
	flags := byte(flagMicros)
	size := c.Keys.Size()
	if c.Old != nil {
		flags |= flagOld
	}
	if c.New != nil {
		flags |= flagNew
	}
	if c.Expired {
		flags |= flagExpired
	}
	old, now := c.Old, c.New
	if view != "OLD_IMAGE" && view != "NEW_AND_OLD_IMAGES" {
		old = nil
	}
	if view != "NEW_IMAGE" && view != "NEW_AND_OLD_IMAGES" {
		now = nil
	}
	size += old.Size() + now.Size()
	at := tx.Now()
	if old != nil && c.OldImage != 0 {
		flags |= flagOldImage
	}
	if now != nil && c.NewImage != 0 {
		flags |= flagNewImage
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(at.Unix()))
	b = binary.AppendUvarint(b, uint64(at.Nanosecond()/1000))
	b = binary.AppendUvarint(b, uint64(size))
	b = appendItem(b, c.Keys, 0)
	b = appendItem(b, old, c.OldImage)
	b = appendItem(b, now, c.NewImage)
	l.write(tx, hourOf(at), b)
	tx.Signal(l.topic())
}

// appendItem appends an item, which may not be there, or the number of its image.
func appendItem(b []byte, m item.Map, image uint64) []byte {
	switch {
	case m == nil:
		return append(b, 0)
	case image != 0:
		return binary.AppendUvarint(b, image)
	}
	enc := m.Append(nil)
	return append(binary.AppendUvarint(b, uint64(len(enc))), enc...)
}

// topic is signalled by changes, and by the end of the stream.
func (l Log) topic() store.Key { return store.Key(l.prefix) }

// write puts the bytes of a change into as many pairs as they need. Their stamps follow one another.
func (l Log) write(tx store.Tx, hour uint64, b []byte) {
	prefix := l.prefix.Uint(hour).StampPrefix()
	n := min(len(b), store.MaxValue-1-binary.MaxVarintLen64)
	first := binary.AppendUvarint(append(make([]byte, 0, n+12), firstPiece), uint64(len(b)))
	tx.SetStampedKey(prefix, nil, append(first, b[:n]...))
	for n < len(b) {
		m := min(len(b), n+store.MaxValue-1)
		tx.SetStampedKey(prefix, nil, append([]byte{nextPiece}, b[n:m]...))
		n = m
	}
}

// trim erases the hours before the given one.
func (l Log) trim(tx store.Tx, before uint64) {
	tx.DeleteRange(store.Range{Begin: l.prefix.Range().Begin, End: l.prefix.Uint(before)})
}

func hourOf(t time.Time) uint64 { return uint64(max(0, t.Unix()/3600)) }

// logged is a change as it was read from the log.
type logged struct {
	at      []byte // hour and stamp, as in its key
	seconds int64
	micros  int64 // of the second
	size    int
	flags   byte
	keys    item.Map
	old     item.Map
	new     item.Map

	oldImage, newImage uint64 // not read yet
}

// whole reads the images that a change names.
func (l Log) whole(r store.Reader, c *logged) error {
	for _, i := range []struct {
		number uint64
		into   *item.Map
	}{{c.oldImage, &c.old}, {c.newImage, &c.new}} {
		if i.number == 0 {
			continue
		}
		b, err := l.images.Get(r, i.number)
		if err != nil {
			return err
		}
		if *i.into, err = item.Decode(b); err != nil {
			return err
		}
	}
	return nil
}

// read returns changes from the place from up to the place to (both are what follows the prefix in a key): at most
// limit of them and, but for the first, at most maxBytes.
func (l Log) read(r store.Reader, from, to []byte, limit int) ([]logged, error) {
	var out []logged
	total := 0
	var pending []byte
	var at []byte
	want := 0
	pairs, done := r.Scan(store.Range{Begin: l.prefix.Raw(from), End: l.prefix.Raw(to)}, store.ScanOpt{})
	var err error
	for kv := range pairs {
		if want == 0 {
			if len(out) >= limit || total >= maxBytes {
				break
			}
			if kv.Value[0] != firstPiece {
				continue // the rest of a change that began before from
			}
			length, n := binary.Uvarint(kv.Value[1:])
			if n <= 0 || length > store.MaxTx {
				err = fmt.Errorf("stream: change at %x has no length", kv.Key)
				break
			}
			at = bytes.Clone(kv.Key[len(l.prefix):])
			want, pending = int(length), append(make([]byte, 0, length), kv.Value[1+n:]...)
		} else {
			pending = append(pending, kv.Value[1:]...)
		}
		if len(pending) < want {
			continue
		}
		var c logged
		if c, err = decode(pending); err != nil {
			break
		}
		if err = l.whole(r, &c); err != nil {
			break
		}
		if total += max(len(pending), c.size); total > maxBytes && len(out) > 0 {
			break
		}
		c.at = at
		out = append(out, c)
		want = 0
	}
	if err != nil {
		return nil, err
	}
	return out, done()
}

// decode reads the pieces of a change, put together.
func decode(b []byte) (c logged, err error) {
	bad := fmt.Errorf("stream: a change is damaged")
	next := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			err = bad
			return 0
		}
		b = b[n:]
		return v
	}
	if len(b) == 0 {
		return c, bad
	}
	c.flags, b = b[0], b[1:]
	c.seconds = int64(next())
	if c.flags&flagMicros != 0 {
		c.micros = int64(next())
	}
	c.size = int(next())
	for i, m := range []*item.Map{&c.keys, &c.old, &c.new} {
		n := next()
		switch {
		case n == 0:
			continue
		case i == 1 && c.flags&flagOldImage != 0:
			c.oldImage = n
			continue
		case i == 2 && c.flags&flagNewImage != 0:
			c.newImage = n
			continue
		}
		if n > uint64(len(b)) {
			return c, bad
		}
		var e error
		if *m, e = item.Decode(b[:n]); e != nil {
			return c, e
		}
		b = b[n:]
	}
	return c, err
}

// last returns the place after the last change before the place to.
func (l Log) last(r store.Reader, from, to []byte) ([]byte, error) {
	pairs, done := r.Scan(store.Range{Begin: l.prefix.Raw(from), End: l.prefix.Raw(to)}, store.ScanOpt{Reverse: true, Limit: 1})
	place := from
	for kv := range pairs {
		place = after(bytes.Clone(kv.Key[len(l.prefix):]))
	}
	return place, done()
}

// after returns the place right after a change.
func after(at []byte) []byte { return append(bytes.Clone(at), 0) }

// startOf is the place at which an hour begins.
func startOf(hour uint64) []byte { return store.Tuple(nil).Uint(hour) }

// Past is what was there before a change, and when that was.
type Past struct {
	Keys, Old item.Map
	At        time.Time
}

// Last returns the place after the last change.
func (l Log) Last(r store.Reader) ([]byte, error) { return l.last(r, nil, []byte{0xff}) }

// Range is all of the log.
func (l Log) Range() store.Range { return l.prefix.Range() }

// Trim erases what is older than the given number of hours.
func (l Log) Trim(tx store.Tx, hours uint64) {
	now := hourOf(tx.Now())
	l.trim(tx, now-min(now, hours))
}

// Back reads changes from the place before backwards, until those of the second until: at most limit of them, and about
// maxBytes. next is the place to go on from, nil when there are no more.
func (l Log) Back(r store.Reader, before []byte, until int64, limit, maxBytes int) (past []Past, next []byte, err error) {
	pairs, done := r.Scan(store.Range{Begin: store.Key(l.prefix), End: l.prefix.Raw(before)}, store.ScanOpt{Reverse: true})
	var rest []byte // pieces of the change that is being read, from its end
	size := 0
	for kv := range pairs {
		if kv.Value[0] == nextPiece {
			rest = append(bytes.Clone(kv.Value[1:]), rest...)
			continue
		}
		_, n := binary.Uvarint(kv.Value[1:])
		if n <= 0 {
			return nil, nil, fmt.Errorf("stream: change at %x has no length", kv.Key)
		}
		whole := append(bytes.Clone(kv.Value[1+n:]), rest...)
		rest = nil
		c, err := decode(whole)
		if err != nil {
			return nil, nil, err
		}
		if c.seconds <= until {
			return past, nil, done()
		}
		if err := l.whole(r, &c); err != nil {
			return nil, nil, err
		}
		past = append(past, Past{c.keys, c.old, time.UnixMicro(c.seconds*1e6 + c.micros)})
		if size += max(len(whole), c.size); len(past) == limit || size >= maxBytes {
			return past, bytes.Clone(kv.Key[len(l.prefix):]), done()
		}
	}
	return past, nil, done()
}
