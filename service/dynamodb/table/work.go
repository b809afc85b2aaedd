package table

import (
	"slices"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// What is derived from items, the entries of a new global index and those of items that expire, is filled in after the
// fact by a promise, some items in each transaction, while writes already keep it. How far it is lies in the store, so that it
// goes on after a crash. The same promise erases an index that is being deleted.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html

// FillKind is the promise to fill an index, or the entries of items that expire (index 0). Its arguments are a Work.
const FillKind = "dynamodb.fill"

const workVersion = 1

// Work says what of which table a promise is about.
type Work struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Name    string `cbor:"3,keyasint"`
	Table   uint64 `cbor:"4,keyasint"` // its id: there may be another of the name by now
	Index   uint64 `cbor:"5,keyasint,omitempty"`

	// Of restores to a point in time: into which table, and which changes are taken back: those up to Place in the history
	// that are later than the second At. Temporary says that the copy Index is not needed any more afterwards.
	Target    string `cbor:"6,keyasint,omitempty"`
	Into      uint64 `cbor:"7,keyasint,omitempty"`
	At        int64  `cbor:"8,keyasint,omitempty"`
	Place     []byte `cbor:"9,keyasint,omitempty"`
	Temporary bool   `cbor:"10,keyasint,omitempty"`

	// Of exports: the promise that follows, and which export it is for (its label). From is not 0 when only what has changed
	// since that second is wanted; Into is then the id under which the images of before are kept.
	Then  string   `cbor:"11,keyasint,omitempty"`
	Label string   `cbor:"12,keyasint,omitempty"`
	From  int64    `cbor:"13,keyasint,omitempty"`
	Keys  []string `cbor:"14,keyasint,omitempty"` // names of the key attributes
}

// rewinds reports whether a copy is to be taken back to a time.
func (w *Work) rewinds() bool { return w.Target != "" || w.Then != "" }

func workOn(n Name, table, index uint64) Work {
	return Work{Account: n.Account, Region: n.Region, Name: n.Name, Table: table, Index: index}
}

// ReadWork reads the arguments of a promise.
func ReadWork(args []byte) (Work, Name, error) {
	var w Work
	err := record.Decode(args, workVersion, &w)
	return w, Name{w.Account, w.Region, w.Name}, err
}

// SetFill makes the promise to fill or erase an index.
func SetFill(tx store.Tx, n Name, table, index uint64) error {
	return timer.Set(tx, timer.Promise{Kind: FillKind, Dest: n.Name, Args: record.Encode(workVersion, workOn(n, table, index))})
}

// FillSome takes the next step of filling or erasing an index and reports whether there are more. t may be nil.
func (t *Table) FillSome(tx store.Tx, k *timer.Kept, w Work) (more bool, err error) {
	if t == nil || t.ID != w.Table {
		return false, k.Done(tx)
	}
	if w.Index == 0 {
		return t.fillExpiry(tx, k)
	}
	i := slices.IndexFunc(t.Globals, func(x definition.Index) bool { return x.ID == w.Index })
	if i < 0 || t.Globals[i].Status == definition.Active {
		return false, k.Done(tx)
	}
	rec := t.Record
	rec.Globals = slices.Clone(rec.Globals)
	switch x := &rec.Globals[i]; {
	case x.Status == definition.Deleting:
		entries := t.Data.Uint(familyGlobal).Uint(x.ID)
		tx.DeleteRange(store.Range{Begin: store.Key(entries), End: Past(entries)})
		tx.Delete(t.CountKey(familyCount, x.ID))
		tx.Delete(t.CountKey(familyBytes, x.ID))
		tx.Delete(t.filledKey(x.ID))
		rec = rec.Drop(x.ID)
		t.put(tx, &rec)
		return false, k.Done(tx)
	case !x.Filling:
		x.Filling = true
		t.put(tx, &rec)
		return true, nil
	default:
		return t.fillIndex(tx, k, &rec, x)
	}
}

func (t *Table) filledKey(index uint64) store.Key { return t.Data.Uint(familyFilled).Uint(index) }

// fillIndex puts some items into the index x of rec; after the last the index is active.
func (t *Table) fillIndex(tx store.Tx, k *timer.Kept, rec *Record, x *definition.Index) (more bool, err error) {
	at := slices.IndexFunc(t.Indexes, func(i *Index) bool { return i.ID == x.ID })
	into := t.Indexes[at]
	more, err = t.walk(tx, x.ID, func(suffix []byte, m item.Map) error {
		e := into.entryOf(t, m)
		if e.Key == nil {
			return nil
		}
		if _, there, err := tx.Get(e.Key); err != nil || there { // a write was faster
			return err
		}
		into.put(tx, t, e, false)
		tx.Add(into.Count, 1)
		tx.Add(into.bytes, int64(e.Size))
		return nil
	})
	if err != nil || more {
		return more, err
	}
	x.Status, x.Filling = definition.Active, false
	t.put(tx, rec)
	return false, k.Done(tx)
}

// fillExpiry writes the entries of some items that expire.
func (t *Table) fillExpiry(tx store.Tx, k *timer.Kept) (more bool, err error) {
	if !t.Expiry.Filling {
		return false, k.Done(tx)
	}
	more, err = t.walk(tx, 0, func(suffix []byte, m item.Map) error {
		if second := t.expiresAt(m, tx.Now()); second != 0 {
			return t.putExpiry(tx, second, suffix)
		}
		return nil
	})
	if err != nil || more {
		return more, err
	}
	rec := t.Record
	rec.Expiry.Filling = false
	t.put(tx, &rec)
	return false, k.Done(tx)
}
