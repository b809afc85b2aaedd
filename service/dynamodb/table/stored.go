package table

import (
	"encoding/binary"
	"fmt"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/store"
)

// An item is Stored with its size by DynamoDB's rules, so that capacity and page sizes need not decode it:
//
//	0x01 size item     size is a varint, item is item.Map.Append's
//	0x02 size          the item lies under the large key, by store.SetLarge
const (
	storedHere      = 1
	storedLarge     = 2
	storedElsewhere = 3 // of entries of indexes
	storedGone      = 4 // of copies: there was no item
)

// stored is an item as it lies in the store. body is valid as long as what it was read with.
type Stored struct {
	There bool
	Size  int
	Large bool
	Away  bool // body is the key of the item that this is a projection of
	Body  []byte
}

// ReadStored reads the value of an item's key; a large item has no body yet.
func ReadStored(v store.Value) (Stored, error) {
	if len(v) == 1 && v[0] == storedGone { // of a copy
		return Stored{}, nil
	}
	if len(v) == 0 || v[0] < storedHere || v[0] > storedElsewhere {
		return Stored{}, fmt.Errorf("dynamodb: item stored as %x", v[:min(len(v), 1)])
	}
	size, n := binary.Uvarint(v[1:])
	if n <= 0 || size > item.MaxSize {
		return Stored{}, fmt.Errorf("dynamodb: stored item has no size")
	}
	return Stored{There: true, Size: int(size), Large: v[0] == storedLarge, Away: v[0] == storedElsewhere, Body: v[1+n:]}, nil
}

// load reads the item with the given suffix of keys.
func (t *Table) Load(r store.Reader, suffix []byte) (Stored, error) {
	v, ok, err := r.Get(t.ItemKey(suffix))
	if err != nil || !ok {
		return Stored{}, err
	}
	return t.Whole(r, v, suffix)
}

// whole reads the value of an item's key, and what lies elsewhere of it.
func (t *Table) Whole(r store.Reader, v store.Value, suffix []byte) (Stored, error) {
	st, err := ReadStored(v)
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

// decode returns the item, nil when it is not there.
func (st *Stored) Decode() (item.Map, error) {
	if !st.There {
		return nil, nil
	}
	return item.Decode(st.Body)
}

// encoded is an item made ready to be stored.
type Encoded struct {
	Size  int
	Value []byte // as stored here; nil: nothing
	body  int    // where item begins in value
}

func Encode(m item.Map) Encoded { return encodeSized(m, m.Size()) }

func encodeSized(m item.Map, size int) Encoded {
	e := Encoded{Size: size}
	b := append(make([]byte, 0, e.Size+len(m)*4+64), storedHere)
	b = binary.AppendUvarint(b, uint64(e.Size))
	e.body = len(b)
	e.Value = m.Append(b)
	return e
}

// save puts e where old was.
func (t *Table) save(tx store.Tx, suffix []byte, e Encoded, old Stored) error {
	value := e.Value
	large := len(value) > store.MaxValue
	if large {
		if err := store.SetLarge(tx, t.largeKey(suffix), value[e.body:]); err != nil {
			return err
		}
		value = append([]byte{storedLarge}, value[1:e.body]...)
	} else if old.Large {
		if err := store.DeleteLarge(tx, t.largeKey(suffix)); err != nil {
			return err
		}
	}
	tx.Set(t.ItemKey(suffix), value)
	if !old.There {
		tx.Add(t.Data.Uint(familyCount), 1)
	}
	if e.Size != old.Size {
		tx.Add(t.Data.Uint(familyBytes), int64(e.Size-old.Size))
	}
	return nil
}

// remove deletes old.
func (t *Table) remove(tx store.Tx, suffix []byte, old Stored) error {
	if !old.There {
		return nil
	}
	if old.Large {
		if err := store.DeleteLarge(tx, t.largeKey(suffix)); err != nil {
			return err
		}
	}
	tx.Delete(t.ItemKey(suffix))
	tx.Add(t.Data.Uint(familyCount), -1)
	tx.Add(t.Data.Uint(familyBytes), -int64(old.Size))
	return nil
}
