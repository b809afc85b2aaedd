package table

import (
	"time"

	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// A change that is Lean writes each item once, as an image that all others name: see stream.Images.

// ImagesKind is the promise to erase the images of the hour Index of Table, or all of them (0) when the table has gone.
const ImagesKind = "dynamodb.images"

func setImages(tx store.Tx, n Name, table, hour uint64, due time.Time) error {
	return timer.Set(tx, timer.Promise{Kind: ImagesKind, Due: due, Dest: n.Name, Args: record.Encode(workVersion, workOn(n, table, hour))})
}

// retire says that no item of the table names an image any more.
func (t *Table) retire(tx store.Tx, number uint64) error {
	hour, err := stream.ImagesOf(t.ID).Retire(tx, number, t.Recovery.Enabled)
	if err != nil || hour == 0 {
		return err
	}
	return setImages(tx, t.Name, t.ID, hour, time.Unix(int64(hour)*3600, 0))
}

// RetireAll says that the table has gone, and with it the items that named images.
func RetireAll(tx store.Tx, n Name, table uint64) error {
	any, err := stream.ImagesOf(table).Any(tx)
	if err != nil || !any {
		return err
	}
	return setImages(tx, n, table, 0, tx.Now().Add(stream.KeptAfterTable))
}

// EraseImages erases some images whose time has come. While a copy is being made of the table, which may name them, they stay.
func (t *Table) EraseImages(tx store.Tx, k *timer.Kept, w Work) (more bool, err error) {
	if t != nil && t.ID == w.Table && len(t.Copies) > 0 {
		if err := k.Done(tx); err != nil {
			return false, err
		}
		return false, setImages(tx, t.Name, w.Table, w.Index, tx.Now().Add(time.Hour))
	}
	if w.Index == 0 {
		stream.ImagesOf(w.Table).EraseAll(tx)
		return false, k.Done(tx)
	}
	if more, err = stream.ImagesOf(w.Table).EraseSome(tx, w.Index); err != nil || more {
		return more, err
	}
	return false, k.Done(tx)
}

// images makes images of what a lean change would write more than once, and says to c where they are.
func (t *Table) images(tx store.Tx, c *Change) (err error) {
	old := c.Old.There && (t.Recovery.Enabled || len(t.Copies) > 0 || t.streams("OLD"))
	if old && c.Old.image == 0 {
		if c.Old.image, err = stream.ImagesOf(t.ID).Put(tx, c.Old.Body); err != nil {
			return err
		}
		if err := t.retire(tx, c.Old.image); err != nil {
			return err
		}
		c.Old.imageOf, c.madeOld = t.ID, true
	}
	if c.New.Value != nil && t.streams("NEW") {
		if c.newImage, err = stream.ImagesOf(t.ID).Put(tx, c.New.Value[c.New.body:]); err != nil {
			return err
		}
		c.New = namesImage(c.New.Size, t.ID, c.newImage)
	}
	return nil
}

// streams reports whether the stream shows the old or new item.
func (t *Table) streams(which string) bool {
	view := t.Stream.View
	return t.Stream.Enabled && (view == which+"_IMAGE" || view == "NEW_AND_OLD_IMAGES")
}

// Owed are the items of a copy that name an image of its source, and have to be written out before the copy is whole.

func (t *Table) owed() store.Tuple { return t.Data.Uint(familyOwed) }

// nameImage puts into a copy the name of an image.
func (t *Table) nameImage(tx store.Tx, suffix []byte, st Stored) error {
	if _, known, err := tx.Get(t.ItemKey(suffix)); err != nil || known {
		return err
	}
	tx.Set(t.owed().Raw(suffix), nil)
	return t.save(tx, suffix, namesImage(st.Size, st.imageOf, st.image), Stored{})
}

// paySome writes out some of the images that a copy names and reports whether there are more.
func (t *Table) paySome(tx store.Tx) (more bool, err error) {
	prefix := t.owed()
	pairs, done := tx.Scan(store.Range{Begin: store.Key(prefix), End: Past(prefix)}, store.ScanOpt{})
	size := 0
	for kv := range pairs {
		if size >= fillBytes {
			return true, nil
		}
		suffix := append([]byte(nil), kv.Key[len(prefix):]...)
		st, err := t.Load(tx, suffix)
		if err != nil {
			return false, err
		}
		if err := t.save(tx, suffix, st.encoded(), st); err != nil {
			return false, err
		}
		tx.Delete(prefix.Raw(suffix))
		size += st.Size
	}
	return false, done()
}
