package s3

import (
	"github.com/brume-dev/brume/service/s3/shelf"
	"github.com/brume-dev/brume/store"
)

// name gives a blob a name more.
func nameBlob(tx store.Tx, p shelf.Piece) {
	if p.Blob != "" {
		tx.Add(shelf.BlobKey(p.Blob), 1)
	}
}
