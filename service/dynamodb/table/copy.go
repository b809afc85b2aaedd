package table

import (
	"bytes"
	"slices"
	"time"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// A copy of a table is its items as they were when the copy was begun. A promise makes it, some items in each transaction;
// a write to an item that has not been copied yet copies what was there first. A copy lies where the data of a table with
// its id would. Backups are copies that stay; a restore to a point in time makes one of the present and takes back what
// came after that time, change by change.
//
//	"dynamodb" copy items hash pk [sk]     an item, or 0x04: there was none

// The promises about copies; their arguments are a Work.
const (
	CopyKind    = "dynamodb.copy"    // make the copy Index of Table
	RewindKind  = "dynamodb.rewind"  // take back changes of Table in the copy Index
	RestoreKind = "dynamodb.restore" // put the copy Index into Table
)

// bare is the data with an id as a table without indexes and stream.
func bare(id uint64) *Table {
	data := DataOf(id)
	t := &Table{Record: Record{ID: id}, Data: data, Items: data.Uint(familyItems), counts: store.Key(data.Uint(familyCount)), sizes: store.Key(data.Uint(familyBytes))}
	t.Own = Space{Prefix: t.Items}
	return t
}

func (t *Table) copiedKey(id uint64) store.Key { return t.Data.Uint(familyCopied).Uint(id) }

// encoded is an item that was read, to be stored again.
func (st *Stored) encoded() Encoded {
	head := encodeSized(nil, st.Size)
	value := append(head.Value[:head.body:head.body], st.Body...)
	return Encoded{Size: st.Size, Value: value, body: head.body}
}

// keepForCopies copies what a change is about to replace, for the copies that do not have it yet.
func (t *Table) keepForCopies(tx store.Tx, c *Change) error {
	for _, copying := range t.Copies {
		if copying.Whole {
			continue
		}
		at, _, err := tx.Get(t.copiedKey(copying.ID))
		if err != nil || at != nil && bytes.Compare(c.Suffix, at) <= 0 {
			if err != nil {
				return err
			}
			continue
		}
		into := bare(copying.ID)
		if c.Lean && c.Old.image != 0 {
			err = into.nameImage(tx, c.Suffix, c.Old)
		} else {
			err = into.keep(tx, c.Suffix, c.Old)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keep writes an item into a copy, unless the copy knows already what was there.
func (t *Table) keep(tx store.Tx, suffix []byte, st Stored) error {
	if _, known, err := tx.Get(t.ItemKey(suffix)); err != nil || known {
		return err
	}
	if !st.There {
		tx.Set(t.ItemKey(suffix), []byte{storedGone})
		return nil
	}
	return t.save(tx, suffix, st.encoded(), Stored{})
}

// StartCopy begins a copy of the table, whose record it changes.
func (t *Table) StartCopy(tx store.Tx, w Work) error {
	rec := t.Record
	rec.Copies = append(slices.Clone(rec.Copies), definition.Copy{ID: w.Index})
	t.cache.Put(tx, t.Name, &rec)
	return setWork(tx, CopyKind, w)
}

func setWork(tx store.Tx, kind string, w Work) error {
	return timer.Set(tx, timer.Promise{Kind: kind, Dest: w.Name, Args: record.Encode(workVersion, w)})
}

// CopySome copies some more items, and ends the promise with the last.
func (t *Table) CopySome(tx store.Tx, k *timer.Kept, w Work) (more bool, err error) {
	if t == nil || t.ID != w.Table {
		return false, k.Done(tx)
	}
	into := bare(w.Index)
	more, err = t.walkStored(tx, t.copiedKey(w.Index), func(suffix []byte, st Stored) error { return into.keep(tx, suffix, st) })
	if err != nil || more {
		return more, err
	}
	if more, err = into.paySome(tx); err != nil || more {
		return more, err
	}
	if err := k.Done(tx); err != nil {
		return false, err
	}
	if w.rewinds() { // to a point in time: the history is needed for longer
		rec := t.Record
		rec.Copies = slices.Clone(rec.Copies)
		for i := range rec.Copies {
			rec.Copies[i].Whole = rec.Copies[i].Whole || rec.Copies[i].ID == w.Index
		}
		t.cache.Put(tx, t.Name, &rec)
		return false, setWork(tx, RewindKind, w)
	}
	t.endCopy(tx, w.Index)
	return false, nil
}

func (t *Table) endCopy(tx store.Tx, id uint64) {
	rec := t.Record
	rec.Copies = slices.DeleteFunc(slices.Clone(rec.Copies), func(c definition.Copy) bool { return c.ID == id })
	t.cache.Put(tx, t.Name, &rec)
}

// History is the log of what was there before each change of a table with point-in-time recovery.
func History(table uint64) stream.Log { return stream.LogOf(table, 0) }

// RewindSome takes back some of the changes after w.At, the latest first.
func (t *Table) RewindSome(tx store.Tx, k *timer.Kept, w Work) (more bool, err error) {
	if t == nil || t.ID != w.Table {
		return false, k.Done(tx)
	}
	into := bare(w.Index)
	place, _, err := tx.Get(into.Data.Uint(familyCopied))
	if err != nil {
		return false, err
	}
	if place == nil {
		place = w.Place
	}
	past, next, err := History(t.ID).Back(tx, bytes.Clone(place), w.At, fillItems, fillBytes)
	if err != nil {
		return false, err
	}
	for _, p := range past {
		suffix := t.Suffix(p.Keys)
		old, err := into.Load(tx, suffix)
		if err != nil {
			return false, err
		}
		if p.Old == nil {
			err = into.remove(tx, suffix, old)
		} else {
			err = into.save(tx, suffix, Encode(p.Old), old)
		}
		if err != nil {
			return false, err
		}
	}
	if next != nil {
		tx.Set(into.Data.Uint(familyCopied), next)
		return true, nil
	}
	if err := k.Done(tx); err != nil {
		return false, err
	}
	switch {
	case w.Then == "":
		t.endCopy(tx, w.Index)
		w.Name, w.Table, w.Temporary = w.Target, w.Into, true
		return false, setWork(tx, RestoreKind, w)
	case w.From != 0:
		return false, setWork(tx, CollectKind, w)
	}
	t.endCopy(tx, w.Index)
	return false, setWork(tx, w.Then, w)
}

func restoringKey(copied, into uint64) store.Key {
	return DataOf(copied).Uint(familyRestoring).Uint(into)
}

// Restoring reports whether a table is being filled from a copy.
func Restoring(r store.Reader, copied uint64) (bool, error) {
	return store.Any(r, DataOf(copied).Uint(familyRestoring).Range())
}

// SetRestore makes the promise to put a copy into a table.
func SetRestore(tx store.Tx, n Name, id, copied uint64) error {
	tx.Set(restoringKey(copied, id), nil)
	return setWork(tx, RestoreKind, workOn(n, id, copied))
}

// RestoreSome puts some items of a copy into the table, which is ready with the last.
func (t *Table) RestoreSome(tx store.Tx, k *timer.Kept, w Work) (more bool, err error) {
	if t == nil || t.ID != w.Table || !t.Restored.Filling {
		w.leaveCopy(tx)
		return false, k.Done(tx)
	}
	more, err = bare(w.Index).walkStored(tx, t.copiedKey(w.Index), func(suffix []byte, st Stored) error {
		m, err := st.Decode()
		if err != nil || m == nil {
			return err
		}
		_, err = t.Apply(tx, &Change{Suffix: suffix, New: st.encoded(), After: m})
		return err
	})
	if err != nil || more {
		return more, err
	}
	rec := t.Record
	rec.Restored.Filling = false
	t.cache.Put(tx, t.Name, &rec)
	w.leaveCopy(tx)
	return false, k.Done(tx)
}

// leaveCopy says that a restore does not need its copy any more, which only a backup keeps.
func (w *Work) leaveCopy(tx store.Tx) {
	if w.Temporary {
		tx.DeleteRange(DataOf(w.Index).Range())
		return
	}
	tx.Delete(restoringKey(w.Index, w.Table))
}

// walkStored calls f with the next items of a walk through the whole table, whose place lies under the key, and reports
// whether there are more.
func (t *Table) walkStored(tx store.Tx, placeKey store.Key, f func(suffix []byte, st Stored) error) (more bool, err error) {
	within := t.Own.All()
	last, _, err := tx.Get(placeKey)
	if err != nil {
		return false, err
	}
	if last != nil {
		within.Begin = After(t.ItemKey(last))
	}
	pairs, done := tx.Scan(within, store.ScanOpt{Limit: fillItems})
	n, size := 0, 0
	var suffix []byte
	for kv := range pairs {
		suffix = bytes.Clone(kv.Key[len(t.Items):])
		var st Stored
		if st, err = t.Whole(tx, kv.Value, suffix); err != nil {
			return false, err
		}
		if err = f(suffix, st); err != nil {
			return false, err
		}
		n++
		if size += st.Size; size >= fillBytes {
			break
		}
	}
	if err := done(); err != nil {
		return false, err
	}
	if n == fillItems || size >= fillBytes {
		tx.Set(placeKey, suffix)
		return true, nil
	}
	tx.Delete(placeKey)
	return false, nil
}

// walk is walkStored with the items decoded.
func (t *Table) walk(tx store.Tx, id uint64, f func(suffix []byte, m item.Map) error) (more bool, err error) {
	return t.walkStored(tx, t.filledKey(id), func(suffix []byte, st Stored) error {
		m, err := st.Decode()
		if err != nil {
			return err
		}
		return f(suffix, m)
	})
}

// HistoryKind is the promise to erase what is too old of a table's history. Its arguments are a Work.
const HistoryKind = "dynamodb.history"

// historyEvery is how often that is looked after.
const historyEvery = 6 * time.Hour

// ChangeRecovery puts rec, in which point-in-time recovery was turned on or off, in place of the table's record.
func (t *Table) ChangeRecovery(tx store.Tx, rec *Record) error {
	was := t.Recovery.Enabled
	t.cache.Put(tx, t.Name, rec)
	switch {
	case !rec.Recovery.Enabled:
		tx.DeleteRange(History(t.ID).Range())
	case !was:
		return t.setHistory(tx)
	}
	return nil
}

func (t *Table) setHistory(tx store.Tx) error {
	return timer.Set(tx, timer.Promise{Kind: HistoryKind, Due: tx.Now().Add(historyEvery),
		Args: record.Encode(workVersion, workOn(t.Name, t.ID, 0))})
}

// TrimHistory erases what is too old of the history, and makes the promise to do so again.
func (t *Table) TrimHistory(tx store.Tx, k *timer.Kept, w Work) (more bool, err error) {
	if err := k.Done(tx); err != nil {
		return false, err
	}
	if t == nil || t.ID != w.Table || !t.Recovery.Enabled {
		return false, nil
	}
	History(t.ID).Trim(tx, uint64(t.Recovery.Days)*24+1)
	return false, t.setHistory(tx)
}

// Counts are how many items the table has, and their bytes.
func (t *Table) Counts(r store.Reader) (items, bytes int64, err error) {
	if items, err = t.Counter(r, t.CountKey(familyCount, 0)); err != nil {
		return 0, 0, err
	}
	bytes, err = t.Counter(r, t.CountKey(familyBytes, 0))
	return items, bytes, err
}
