package stream

import (
	"fmt"
	"time"

	"github.com/brume-dev/brume/store"
)

// A transaction may change 4 MB of items. Where each of them would lie in the item, in the stream and in the history, and what was
// there before in both logs, that is more than a transaction of the store takes. Then each is written once, as an image, which
// the item and the logs name. An image never changes; it is erased some time after the item that named it has been replaced, when
// nothing can be read any more that does.
//
//	"dynamodb" id 12 images 0             counter: the last number given to an image
//	"dynamodb" id 12 images 1 number      an image: item.Map.Append's bytes, as store.SetLarge splits them
//	"dynamodb" id 12 images 2 hour number an image that is erased in that hour
const imagesNumber = 1 << 32 // after all streams

// How long an image is kept after its item was replaced: as long as a log may name it.
const (
	keptForStreams = (hoursKept + 2) * time.Hour
	keptForHistory = (35*24 + 2 + 6) * time.Hour // the history is trimmed every six hours
)

// Images are the images of items of a table.
type Images struct {
	table  uint64
	prefix store.Tuple
}

// ImagesOf returns the images of the table with the given id.
func ImagesOf(table uint64) Images {
	return Images{table, store.Tuple(nil).Text("dynamodb").Uint(table).Uint(family).Uint(imagesNumber)}
}

func (i Images) image(number uint64) store.Key { return i.prefix.Uint(1).Uint(number) }

func (i Images) hour(hour uint64) store.Tuple { return i.prefix.Uint(2).Uint(hour) }

// Put writes an image and returns its number, which is not 0.
func (i Images) Put(tx store.Tx, b []byte) (uint64, error) {
	number, err := store.NextID(tx, i.prefix.Uint(0))
	if err != nil {
		return 0, err
	}
	return number, store.SetLarge(tx, i.image(number), b)
}

// Get reads an image.
func (i Images) Get(r store.Reader, number uint64) ([]byte, error) {
	b, ok, err := store.GetLarge(r, i.image(number))
	if err == nil && !ok {
		err = fmt.Errorf("stream: image %d of table %d is not there", number, i.table)
	}
	return b, err
}

// Retire says that no item names an image any more; history says whether the history does. It returns the hour in which
// EraseSome is to be called, 0 when that is known already.
func (i Images) Retire(tx store.Tx, number uint64, history bool) (hour uint64, err error) {
	kept := keptForStreams
	if history {
		kept = keptForHistory
	}
	at := hourOf(tx.Now().Add(kept)) + 1
	pairs, done := tx.Scan(i.hour(at).Range(), store.ScanOpt{Limit: 1})
	hour = at
	for range pairs {
		hour = 0
	}
	tx.Set(i.hour(at).Uint(number), nil)
	return hour, done()
}

// erasedTogether is how many images are erased in one transaction.
const erasedTogether = 20

// EraseSome erases some of the images of an hour and reports whether there are more.
func (i Images) EraseSome(tx store.Tx, hour uint64) (more bool, err error) {
	prefix := i.hour(hour)
	pairs, done := tx.Scan(prefix.Range(), store.ScanOpt{Limit: erasedTogether + 1})
	n := 0
	for kv := range pairs {
		if n++; n > erasedTogether {
			return true, nil
		}
		number := store.Decode(kv.Key, len(prefix)).Uint()
		if err = store.DeleteLarge(tx, i.image(number)); err != nil {
			return false, err
		}
		tx.Delete(prefix.Uint(number))
	}
	return false, done()
}

// Any reports whether there has been an image.
func (i Images) Any(r store.Reader) (bool, error) {
	_, ok, err := r.Get(i.prefix.Uint(0))
	return ok, err
}

// EraseAll erases all images.
func (i Images) EraseAll(tx store.Tx) { tx.DeleteRange(i.prefix.Range()) }

// KeptAfterTable is how long images are kept when their table has gone.
const KeptAfterTable = keptForStreams
