package table

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// What an export writes is a copy of the table, taken back to the export's time. An incremental one takes the changes
// of its window from the history besides: which items have changed, when last, and what they were like before.

// CollectKind is the promise to find what has changed in the window of an incremental export.
const CollectKind = "dynamodb.collect"

// StartExport begins the copy of which the promise w.Then is made when it is whole.
func (t *Table) StartExport(tx store.Tx, w Work) error {
	var err error
	w.Keys = []string{t.Hash}
	if t.Sort != "" {
		w.Keys = append(w.Keys, t.Sort)
	}
	if w.Place, err = History(t.ID).Last(tx); err != nil {
		return err
	}
	return t.StartCopy(tx, w)
}

// Restorable is from when to when the table can be had as it was, by the second.
func (t *Table) Restorable(now time.Time) (first, last time.Time) {
	first = t.Recovery.Since
	if oldest := now.AddDate(0, 0, -int(t.Recovery.Days)); oldest.After(first) {
		first = oldest
	}
	return first.Truncate(time.Second), now
}

// CollectSome notes some of the changes in the window from w.From to w.At, the latest first: when each item was last
// changed, and, written over until the first of its changes, what it was like before.
func (t *Table) CollectSome(tx store.Tx, k *timer.Kept, w Work) (more bool, err error) {
	if t == nil || t.ID != w.Table {
		return false, k.Done(tx)
	}
	into := bare(w.Into)
	placeKey := into.Data.Uint(familyCopied)
	place, _, err := tx.Get(placeKey)
	if err != nil {
		return false, err
	}
	if place == nil {
		place = w.Place
	}
	past, next, err := History(t.ID).Back(tx, bytes.Clone(place), w.From-1, fillItems, fillBytes)
	if err != nil {
		return false, err
	}
	for _, p := range past {
		if p.At.Unix() > w.At {
			continue
		}
		if err := into.collect(tx, t.Suffix(p.Keys), p.Old, p.At); err != nil {
			return false, err
		}
	}
	if next != nil {
		tx.Set(placeKey, next)
		return true, nil
	}
	if err := k.Done(tx); err != nil {
		return false, err
	}
	t.endCopy(tx, w.Index)
	return false, setWork(tx, w.Then, w)
}

// collect notes that an item was changed at that time, and what it was like before.
func (t *Table) collect(tx store.Tx, suffix []byte, before item.Map, at time.Time) error {
	changed := t.Data.Uint(familyChanged).Raw(suffix)
	if _, known, err := tx.Get(changed); err != nil {
		return err
	} else if !known {
		tx.Set(changed, binary.BigEndian.AppendUint64(nil, uint64(at.UnixMicro())))
	}
	old, err := t.Load(tx, suffix)
	switch {
	case err != nil:
		return err
	case before == nil:
		return t.remove(tx, suffix, old)
	}
	return t.save(tx, suffix, Encode(before), old)
}

// Exported is an item as an export writes it. Of a full export it is only New; of an incremental one Old and New are
// what it was and is, nil when it was or is not there, and Changed is when it was last changed.
type Exported struct {
	Keys     item.Map // of an incremental export
	Old, New item.Map
	Changed  time.Time
}

// Exported reads the next items of an export, a bounded number of them, after the place that it returned before, nil at
// first. The place is nil when there are no more. size is that of the items by DynamoDB's rules.
func (w *Work) Exported(r store.Reader, after []byte) (items []Exported, size int, place []byte, err error) {
	now, was := bare(w.Index), bare(w.Into)
	prefix := now.Items
	if w.From != 0 {
		prefix = was.Data.Uint(familyChanged)
	}
	within := (&Space{Prefix: prefix}).All()
	if after != nil {
		within.Begin = After(prefix.Raw(after))
	}
	pairs, done := r.Scan(within, store.ScanOpt{Limit: fillItems})
	n := 0
	for kv := range pairs {
		suffix := bytes.Clone(kv.Key[len(prefix):])
		e := Exported{}
		var old, st Stored
		if st, err = now.Load(r, suffix); err != nil {
			return nil, 0, nil, err
		}
		if w.From != 0 {
			e.Changed = time.UnixMicro(int64(binary.BigEndian.Uint64(kv.Value))).UTC()
			if old, err = was.Load(r, suffix); err != nil {
				return nil, 0, nil, err
			}
		}
		if e.New, err = st.Decode(); err != nil {
			return nil, 0, nil, err
		}
		if e.Old, err = old.Decode(); err != nil {
			return nil, 0, nil, err
		}
		if e.New != nil || e.Old != nil {
			e.Keys = w.keysOf(e.New, e.Old)
			items = append(items, e)
		}
		place = suffix
		n++
		if size += st.Size + old.Size; size >= fillBytes {
			return items, size, place, nil
		}
	}
	if n < fillItems {
		place = nil
	}
	return items, size, place, done()
}

// keysOf is the key of an item that is, or was.
func (w *Work) keysOf(now, was item.Map) item.Map {
	if now == nil {
		now = was
	}
	var out item.Map
	for _, name := range w.Keys {
		out.Put(name, now.Get(name))
	}
	return out
}

// EraseExport erases what an export was written from.
func (w *Work) EraseExport(tx store.Tx) {
	tx.DeleteRange(DataOf(w.Index).Range())
	if w.Into != 0 {
		tx.DeleteRange(DataOf(w.Into).Range())
	}
}
