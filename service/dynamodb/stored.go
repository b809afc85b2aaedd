package dynamodb

import (
	"encoding/binary"
	"fmt"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/store"
)

// An item is stored with its size by DynamoDB's rules, so that capacity and page sizes need not decode it:
//
//	0x01 size item     size is a varint, item is item.Map.Append's
//	0x02 size          the item lies under the large key, by store.SetLarge
const (
	storedHere  = 1
	storedLarge = 2
)

// stored is an item as it lies in the store. body is valid as long as what it was read with.
type stored struct {
	there bool
	size  int
	large bool
	body  []byte
}

// readStored reads the value of an item's key; a large item has no body yet.
func readStored(v store.Value) (stored, error) {
	if len(v) == 0 || v[0] != storedHere && v[0] != storedLarge {
		return stored{}, fmt.Errorf("dynamodb: item stored as %x", v[:min(len(v), 1)])
	}
	size, n := binary.Uvarint(v[1:])
	if n <= 0 || size > item.MaxSize {
		return stored{}, fmt.Errorf("dynamodb: stored item has no size")
	}
	return stored{there: true, size: int(size), large: v[0] == storedLarge, body: v[1+n:]}, nil
}

// load reads the item with the given suffix of keys.
func (t *table) load(r store.Reader, suffix []byte) (stored, error) {
	v, ok, err := r.Get(t.itemKey(suffix))
	if err != nil || !ok {
		return stored{}, err
	}
	return t.whole(r, v, suffix)
}

// whole reads the value of an item's key, and what lies elsewhere of it.
func (t *table) whole(r store.Reader, v store.Value, suffix []byte) (stored, error) {
	st, err := readStored(v)
	if err != nil || !st.large {
		return st, err
	}
	body, ok, err := store.GetLarge(r, t.largeKey(suffix))
	if err == nil && !ok {
		err = fmt.Errorf("dynamodb: large item is not there")
	}
	st.body = body
	return st, err
}

// decode returns the item, nil when it is not there.
func (st *stored) decode() (item.Map, error) {
	if !st.there {
		return nil, nil
	}
	return item.Decode(st.body)
}

// encoded is an item made ready to be stored.
type encoded struct {
	size  int
	value []byte // as stored here
	body  int    // where item begins in value
}

func encode(m item.Map) encoded {
	e := encoded{size: m.Size()}
	b := append(make([]byte, 0, e.size+len(m)*4+64), storedHere)
	b = binary.AppendUvarint(b, uint64(e.size))
	e.body = len(b)
	e.value = m.Append(b)
	return e
}

// save puts e where old was.
func (t *table) save(tx store.Tx, suffix []byte, e encoded, old stored) error {
	value := e.value
	large := len(value) > store.MaxValue
	if large {
		if err := store.SetLarge(tx, t.largeKey(suffix), value[e.body:]); err != nil {
			return err
		}
		value = append([]byte{storedLarge}, value[1:e.body]...)
	} else if old.large {
		if err := store.DeleteLarge(tx, t.largeKey(suffix)); err != nil {
			return err
		}
	}
	tx.Set(t.itemKey(suffix), value)
	if !old.there {
		tx.Add(t.data.Uint(familyCount), 1)
	}
	if e.size != old.size {
		tx.Add(t.data.Uint(familyBytes), int64(e.size-old.size))
	}
	return nil
}

// remove deletes old.
func (t *table) remove(tx store.Tx, suffix []byte, old stored) error {
	if !old.there {
		return nil
	}
	if old.large {
		if err := store.DeleteLarge(tx, t.largeKey(suffix)); err != nil {
			return err
		}
	}
	tx.Delete(t.itemKey(suffix))
	tx.Add(t.data.Uint(familyCount), -1)
	tx.Add(t.data.Uint(familyBytes), -int64(old.size))
	return nil
}
