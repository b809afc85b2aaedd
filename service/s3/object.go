package s3

import (
	"math"

	"github.com/brume-dev/brume/service/s3/shelf"
	"github.com/brume-dev/brume/store"
)

// name gives a blob a name more.
func nameBlob(tx store.Tx, p shelf.Piece) {
	if p.Blob != "" {
		tx.Add(shelf.BlobKey(p.Blob), 1)
	}
}

// seqOf reads the seq at the end of a key of a version.
func seqOf(e *store.Elements) uint64 { return math.MaxUint64 - e.Uint() }
