package bucket

import (
	"net/http"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/checksum"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// UploadRecord is a multipart upload: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
type UploadRecord struct {
	Initiated time.Time `cbor:"1,keyasint"`
	Object    Object    `cbor:"2,keyasint"` // what the object will be, but for its body
	Algorithm string    `cbor:"3,keyasint"` // of the parts' checksums
	Type      string    `cbor:"4,keyasint"` // of the object's
	Asked     bool      `cbor:"5,keyasint,omitempty"`
	Initiator string    `cbor:"6,keyasint,omitempty"` // ARN
}

const UploadVersion = 1

// PartRecord is a part of a multipart upload.
type PartRecord struct {
	Modified time.Time `cbor:"1,keyasint"`
	Size     int64     `cbor:"2,keyasint"`
	ETag     string    `cbor:"3,keyasint"`
	Sum      Sum       `cbor:"4,keyasint"`
	Pieces   []Piece   `cbor:"5,keyasint,omitempty"`
}

const PartVersion = 1

// uploadSeq reads an upload id.
func (b *Bucket) uploadSeq(id string) (uint64, error) {
	seq, ok := OpenSeq(b.N, id, "upload")
	if !ok {
		return 0, fault.NoSuchUpload()
	}
	return seq, nil
}

// ReadUpload finds the upload of a request.
func (b *Bucket) ReadUpload(r store.Reader, key, id string) (u UploadRecord, seq uint64, err error) {
	if seq, err = b.uploadSeq(id); err != nil {
		return u, 0, err
	}
	v, ok, err := r.Get(b.Upload(key, seq))
	if err != nil {
		return u, 0, err
	}
	if !ok {
		return u, seq, fault.NoSuchUpload()
	}
	return u, seq, record.Decode(v, UploadVersion, &u)
}

// Sums decides about the checksums of an upload. Nothing asked for is CRC64NVME of the whole object.
func (u *UploadRecord) Sums(algorithm, kind string) error {
	if err := CheckAlgorithm(algorithm); err != nil {
		return err
	}
	if kind != "" && kind != Composite && kind != FullObject {
		return fault.InvalidRequest("Value for x-amz-checksum-type header is invalid.")
	}
	u.Algorithm, u.Type, u.Asked = algorithm, kind, algorithm != ""
	switch {
	case !u.Asked && kind != "":
		return fault.InvalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case !u.Asked:
		u.Algorithm, u.Type = checksum.CRC64NVME, FullObject
	case kind == "" && algorithm == checksum.CRC64NVME:
		u.Type = FullObject
	case kind == "":
		u.Type = Composite
	case kind == FullObject && !checksum.Joins(algorithm), kind == Composite && algorithm == checksum.CRC64NVME:
		return fault.InvalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", kind, strings.ToLower(algorithm))
	}
	return nil
}

// DropPart deletes a part, if it is there.
func (b *Bucket) DropPart(tx store.Tx, seq uint64, number int32, g *Garbage) error {
	v, ok, err := tx.Get(b.Part(seq, number))
	if err != nil || !ok {
		return err
	}
	var p PartRecord
	if err := record.Decode(v, PartVersion, &p); err != nil {
		return err
	}
	tx.Delete(b.Part(seq, number))
	return g.dropAll(tx, p.Pieces)
}

func (g *Garbage) dropAll(tx store.Tx, all []Piece) error {
	for _, p := range all {
		if err := g.drop(tx, p); err != nil {
			return err
		}
	}
	return nil
}

// Abort deletes an upload and its parts.
func (b *Bucket) Abort(tx store.Tx, key string, seq uint64, g *Garbage) error {
	parts, err := b.Parts(tx, seq, 0, 0)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := g.dropAll(tx, p.Pieces); err != nil {
			return err
		}
	}
	tx.Delete(b.Upload(key, seq))
	tx.DeleteRange(b.Family(familyPart).Uint(seq).Range())
	return nil
}

// numbered is a part with its number.
type numbered struct {
	Number int32
	PartRecord
}

// Parts reads the parts of an upload above a number, all or up to limit.
func (b *Bucket) Parts(r store.Reader, seq uint64, above int32, limit int) (out []numbered, err error) {
	prefix := b.Family(familyPart).Uint(seq)
	rng := prefix.Range()
	if above > 0 {
		rng = b.Part(seq, above).After(rng)
	}
	pairs, done := r.Scan(rng, store.ScanOpt{Limit: limit})
	for kv := range pairs {
		p := numbered{Number: int32(store.Decode(kv.Key, len(prefix)).Uint())}
		if err := record.Decode(kv.Value, PartVersion, &p.PartRecord); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, done()
}

func invalidPart(upload string, n int32, etag string) error {
	return &partError{aws.ErrorInfo{Code: "InvalidPart", Status: http.StatusBadRequest,
		Message: "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
		upload, n, etag, nil, nil}
}

// partError is an error about a part.
type partError struct {
	info           aws.ErrorInfo
	UploadID       string `aws:"UploadId"`
	PartNumber     int32  `aws:"PartNumber"`
	ETag           string `aws:"ETag"`
	ProposedSize   *int64 `aws:"ProposedSize"`
	MinSizeAllowed *int64 `aws:"MinSizeAllowed"`
}

func (e *partError) Error() string { return e.info.Code }

// ErrorInfo implements aws.Error.
func (e *partError) ErrorInfo() aws.ErrorInfo { return e.info }
