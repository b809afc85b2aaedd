package bucket

import (
	"bytes"
	"errors"

	"github.com/brume-dev/brume/store"
)

// Received is a body that is durable, or small enough to go into the store with its record.
type Received struct {
	Small []byte // when blob has no ID
	Blob  Piece
	Size  int64
	Etag  string
	Sum   Sum
}

// Content is the body of a version as one transaction saw it.
type Content struct {
	Small  []byte // when it lies in the store
	Pieces []Piece
	Parts  []section // when it has any
}

// Content finds the body of o.
func (b *Bucket) Content(r store.Reader, key string, o *Object) (c Content, err error) {
	switch {
	case o.Inline:
		v, ok, err := r.Get(b.body(key, o.Seq))
		if err == nil && !ok {
			err = errors.New("s3: the body is missing")
		}
		c.Small = bytes.Clone(v)
		return c, err
	case o.Parts > 0:
		m, err := b.readManifest(r, key, o)
		c.Parts = m.Parts
		for _, part := range m.Parts {
			c.Pieces = append(c.Pieces, part.Pieces...)
		}
		return c, err
	case o.Blob.Blob != "":
		c.Pieces = []Piece{o.Blob}
	}
	return c, nil
}
