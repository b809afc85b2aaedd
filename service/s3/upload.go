package s3

import "time"

// partRecord is a part of a multipart upload.
type partRecord struct {
	Modified time.Time `cbor:"1,keyasint"`
	Size     int64     `cbor:"2,keyasint"`
	ETag     string    `cbor:"3,keyasint"`
	Sum      sum       `cbor:"4,keyasint"`
	Pieces   []piece   `cbor:"5,keyasint,omitempty"`
}

const partVersion = 1
