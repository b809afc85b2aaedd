package table

import (
	"encoding/binary"
	"fmt"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/store"
)

// An item is Stored with its size by DynamoDB's rules, so that capacity and page sizes need not decode it:
//
//	0x01 size item     size is a varint, item is item.Map.Append's
//	0x02 size          the item lies under the large key, by store.SetLarge
//	0x05 size table n  the item is the image n of the table with that id (see stream.Images): this one, or in a copy its source
const (
	storedHere      = 1
	storedLarge     = 2
	storedElsewhere = 3 // of entries of indexes
	storedGone      = 4 // of copies: there was no item
	storedImage     = 5
)

// Stored is an item as it lies in the store. body is valid as long as what it was read with.
type Stored struct {
	There bool
	Size  int
	Large bool
	Away  bool // body is the key of the item that this is a projection of
	Body  []byte

	key     store.Key // of a Load: the item's key
	image   uint64    // the number of the image that the item is; 0: none
	imageOf uint64    // the id of its table
}

// ReadStored reads the value of an item's key; a large item has no body yet.
func ReadStored(v store.Value) (Stored, error) {
	if len(v) == 1 && v[0] == storedGone { // of a copy
		return Stored{}, nil
	}
	if len(v) == 0 || v[0] < storedHere || v[0] > storedImage || v[0] == storedGone {
		return Stored{}, fmt.Errorf("dynamodb: item stored as %x", v[:min(len(v), 1)])
	}
	size, n := binary.Uvarint(v[1:])
	if n <= 0 || size > item.MaxSize {
		return Stored{}, fmt.Errorf("dynamodb: stored item has no size")
	}
	if v[0] == storedImage {
		st := Stored{There: true, Size: int(size)}
		rest := v[1+n:]
		if st.imageOf, n = binary.Uvarint(rest); n > 0 {
			st.image, n = binary.Uvarint(rest[n:])
		}
		if n <= 0 {
			return Stored{}, fmt.Errorf("dynamodb: stored item names no image")
		}
		return st, nil
	}
	return Stored{There: true, Size: int(size), Large: v[0] == storedLarge, Away: v[0] == storedElsewhere, Body: v[1+n:]}, nil
}

// Load reads the item with the given suffix of keys.
func (t *Table) Load(r store.Reader, suffix []byte) (Stored, error) {
	key := t.ItemKey(suffix)
	v, ok, err := r.Get(key)
	if err != nil || !ok {
		return Stored{key: key}, err
	}
	st, err := t.Whole(r, v, suffix)
	st.key = key
	return st, err
}

// keyAt is the key of the item that lies, or is to lie, where old was.
func (t *Table) keyAt(suffix []byte, old Stored) store.Key {
	if old.key != nil {
		return old.key
	}
	return t.ItemKey(suffix)
}

// Whole reads the value of an item's key, and what lies elsewhere of it.
func (t *Table) Whole(r store.Reader, v store.Value, suffix []byte) (Stored, error) {
	st, err := ReadStored(v)
	if err == nil && st.image != 0 {
		st.Body, err = stream.ImagesOf(st.imageOf).Get(r, st.image)
		return st, err
	}
	if err != nil || !st.Large {
		return st, err
	}
	body, ok, err := store.GetLarge(r, t.largeKey(suffix))
	if err == nil && !ok {
		err = fmt.Errorf("dynamodb: large item is not there")
	}
	st.Body = body
	return st, err
}

// Decode returns the item, nil when it is not there.
func (st *Stored) Decode() (item.Map, error) {
	if !st.There {
		return nil, nil
	}
	return item.Decode(st.Body)
}

// Encoded is an item made ready to be stored.
type Encoded struct {
	Size  int
	Value []byte // as stored here; nil: nothing
	body  int    // where item begins in value
}

// Encode makes an item ready to be stored.
func Encode(m item.Map) Encoded { return encodeSized(m, m.Size()) }

func encodeSized(m item.Map, size int) Encoded {
	e := Encoded{Size: size}
	b := append(make([]byte, 0, e.Size+len(m)*4+64), storedHere)
	b = binary.AppendUvarint(b, uint64(e.Size))
	e.body = len(b)
	e.Value = m.Append(b)
	return e
}

// namesImage makes an item that is stored as an image.
func namesImage(size int, table, number uint64) Encoded {
	b := binary.AppendUvarint([]byte{storedImage}, uint64(size))
	return Encoded{Size: size, Value: binary.AppendUvarint(binary.AppendUvarint(b, table), number)}
}

// release says that old is no longer what its key holds.
func (t *Table) release(tx store.Tx, suffix []byte, old Stored) error {
	switch {
	case old.Large:
		return store.DeleteLarge(tx, t.largeKey(suffix))
	case old.image != 0 && old.imageOf == t.ID:
		return t.retire(tx, old.image)
	}
	return nil
}

// save puts e where old was.
func (t *Table) save(tx store.Tx, suffix []byte, e Encoded, old Stored) error {
	value := e.Value
	if large := len(value) > store.MaxValue; large || old.image != 0 || old.Large {
		if err := t.release(tx, suffix, old); err != nil {
			return err
		}
		if !large {
			return t.set(tx, suffix, e, value, old)
		}
		if err := store.SetLarge(tx, t.largeKey(suffix), value[e.body:]); err != nil {
			return err
		}
		value = append([]byte{storedLarge}, value[1:e.body]...)
	}
	return t.set(tx, suffix, e, value, old)
}

// set writes the value of an item's key and counts the item.
func (t *Table) set(tx store.Tx, suffix []byte, e Encoded, value []byte, old Stored) error {
	tx.Set(t.keyAt(suffix, old), value)
	if !old.There {
		tx.Add(t.counts, 1)
	}
	if e.Size != old.Size {
		tx.Add(t.sizes, int64(e.Size-old.Size))
	}
	return nil
}

// remove deletes old.
func (t *Table) remove(tx store.Tx, suffix []byte, old Stored) error {
	if !old.There {
		return nil
	}
	if err := t.release(tx, suffix, old); err != nil {
		return err
	}
	tx.Delete(t.keyAt(suffix, old))
	tx.Add(t.counts, -1)
	tx.Add(t.sizes, -int64(old.Size))
	return nil
}
