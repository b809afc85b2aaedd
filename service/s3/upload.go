package s3

import (
	"context"
	"net/http"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// uploadRecord is a multipart upload: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
type uploadRecord struct {
	Initiated time.Time `cbor:"1,keyasint"`
	Object    object    `cbor:"2,keyasint"` // what the object will be, but for its body
	Algorithm string    `cbor:"3,keyasint"` // of the parts' checksums
	Type      string    `cbor:"4,keyasint"` // of the object's
	Asked     bool      `cbor:"5,keyasint,omitempty"`
	Initiator string    `cbor:"6,keyasint,omitempty"` // ARN
}

const uploadVersion = 1

// partRecord is a part of a multipart upload.
type partRecord struct {
	Modified time.Time `cbor:"1,keyasint"`
	Size     int64     `cbor:"2,keyasint"`
	ETag     string    `cbor:"3,keyasint"`
	Sum      sum       `cbor:"4,keyasint"`
	Pieces   []piece   `cbor:"5,keyasint,omitempty"`
}

const partVersion = 1

// uploadSeq reads an upload id.
func (b *bucket) uploadSeq(id string) (uint64, error) {
	seq, ok := openSeq(b.N, id, "upload")
	if !ok {
		return 0, noSuchUpload()
	}
	return seq, nil
}

// readUpload finds the upload of a request.
func (b *bucket) readUpload(r store.Reader, key, id string) (u uploadRecord, seq uint64, err error) {
	if seq, err = b.uploadSeq(id); err != nil {
		return u, 0, err
	}
	v, ok, err := r.Get(b.upload(key, seq))
	if err != nil {
		return u, 0, err
	}
	if !ok {
		return u, seq, noSuchUpload()
	}
	return u, seq, record.Decode(v, uploadVersion, &u)
}

// CreateMultipartUpload begins an object that is uploaded in parts.
func (s *Service) CreateMultipartUpload(ctx context.Context, id aws.Identity, in *s3api.CreateMultipartUploadRequest) (*s3api.CreateMultipartUploadOutput, error) {
	b, err := s.before(ctx, in.Bucket, in.Key, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := firstError(checkACL(b, in.ACL, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWriteACP),
		noLock(in.ObjectLockMode, in.ObjectLockLegalHoldStatus, in.ObjectLockRetainUntilDate)); err != nil {
		return nil, err
	}
	u := uploadRecord{Initiator: id.ARN, Object: object{Class: string(in.StorageClass), About: about{CacheControl: or(in.CacheControl, ""),
		Disposition: or(in.ContentDisposition, ""), Encoding: or(in.ContentEncoding, ""), Language: or(in.ContentLanguage, ""),
		Type: or(in.ContentType, ""), Expires: or(in.Expires, time.Time{}), Redirect: or(in.WebsiteRedirectLocation, ""), Meta: in.Metadata}}}
	if err := u.Object.complete(in.Tagging); err != nil {
		return nil, err
	}
	if err := u.sums(string(in.ChecksumAlgorithm), string(in.ChecksumType)); err != nil {
		return nil, err
	}
	e, err := s.seal(ctx, id, b, in.Key, wish{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, in.SSECustomerAlgorithm})
	if err != nil {
		return nil, err
	}
	u.Object.Sealed = e
	out := &s3api.CreateMultipartUploadOutput{Bucket: &in.Bucket, Key: &in.Key, ServerSideEncryption: s3api.ServerSideEncryption(e.Algorithm),
		SSEKMSKeyId: e.keyOf(), SSEKMSEncryptionContext: e.contextHeader(), BucketKeyEnabled: e.bucketKeyOf()}
	if u.Asked {
		out.ChecksumAlgorithm, out.ChecksumType = s3api.ChecksumAlgorithm(u.Algorithm), s3api.ChecksumType(u.Type)
	}
	type begun struct {
		id    string
		abort *abortion
	}
	made, err := updateBucket(ctx, s, b, func(tx store.Tx, b *bucket) (m begun, err error) {
		seq, err := b.nextSeq(tx)
		if err != nil {
			return m, err
		}
		u := u
		u.Initiated = tx.Now()
		tx.Set(b.upload(in.Key, seq), record.Encode(uploadVersion, u))
		m.id = sealSeq(b.N, seq, "upload")
		m.abort, err = b.abortDate(tx, in.Key, u.Initiated)
		return m, err
	})
	if err != nil {
		return nil, err
	}
	if out.UploadId = &made.id; made.abort != nil {
		out.AbortDate, out.AbortRuleId = &made.abort.date, &made.abort.rule
	}
	return out, nil
}

// sums decides about the checksums of an upload. Nothing asked for is CRC64NVME of the whole object.
func (u *uploadRecord) sums(algorithm, kind string) error {
	if err := checkAlgorithm(algorithm); err != nil {
		return err
	}
	u.Algorithm, u.Type, u.Asked = algorithm, kind, algorithm != ""
	switch {
	case !u.Asked && kind != "":
		return invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case !u.Asked:
		u.Algorithm, u.Type = crc64NVME, fullObject
	case kind == "" && algorithm == crc64NVME:
		u.Type = fullObject
	case kind == "":
		u.Type = composite
	case kind == fullObject && (algorithm == sumSHA1 || algorithm == sumSHA256), kind == composite && algorithm == crc64NVME:
		return invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", kind, lower(algorithm))
	}
	return nil
}

// UploadPart writes a part; one of the same number is replaced.
func (s *Service) UploadPart(ctx context.Context, _ aws.Identity, in *s3api.UploadPartRequest) (*s3api.UploadPartOutput, error) {
	if in.SSECustomerAlgorithm != nil || in.SSECustomerKey != nil {
		return nil, wish{customer: ptr("")}.check()
	}
	if in.ContentLength != nil && *in.ContentLength > maxPut {
		return nil, tooLarge(*in.ContentLength)
	}
	e, err := expect(in, in.ContentMD5, in.ChecksumAlgorithm)
	if err != nil {
		return nil, err
	}
	b, u, err := s.partOf(ctx, in.Bucket, in.Key, in.UploadId, in.PartNumber, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if u.Asked && (e.algorithm != "" && e.algorithm != u.Algorithm || e.algorithm == "" && u.Type == composite && !trailed(in.Body)) {
		return nil, invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			lower(u.Algorithm), orNull(lower(e.algorithm)))
	}
	e.keep = u.Algorithm
	got, err := s.receive(ctx, in.Body, e, 0)
	if err != nil {
		return nil, err
	}
	if _, err := s.savePart(ctx, b, in.Key, in.UploadId, in.PartNumber, got); err != nil {
		return nil, err
	}
	sealed := u.Object.Sealed
	out := &s3api.UploadPartOutput{ETag: ptr(`"` + got.etag + `"`), ServerSideEncryption: s3api.ServerSideEncryption(sealed.Algorithm),
		SSEKMSKeyId: sealed.keyOf(), BucketKeyEnabled: sealed.bucketKeyOf()}
	setSum(out, got.sum)
	return out, nil
}

func trailed(body any) bool { _, ok := body.(aws.Trailers); return ok }

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// partOf checks that a part may be uploaded.
func (s *Service) partOf(ctx context.Context, name, key, upload string, number int32, expected *string) (*bucket, uploadRecord, error) {
	var u uploadRecord
	if number < 1 || number > maxPart {
		return nil, u, invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", itoa(int64(number)))
	}
	if err := checkKey(key); err != nil {
		return nil, u, err
	}
	b, err := view(ctx, s, name, expected, func(r store.Reader, b *bucket) (_ *bucket, err error) {
		u, _, err = b.readUpload(r, key, upload)
		return b, err
	})
	return b, u, err
}

// savePart names a part that has been received; it is discarded if the upload has gone.
func (s *Service) savePart(ctx context.Context, b *bucket, key, upload string, number int32, got received) (time.Time, error) {
	type saved struct {
		at time.Time
		g  garbage
	}
	done, err := updateBucket(ctx, s, b, func(tx store.Tx, b *bucket) (d saved, err error) {
		_, seq, err := b.readUpload(tx, key, upload)
		if err != nil {
			return d, err
		}
		if err := b.dropPart(tx, seq, number, &d.g); err != nil {
			return d, err
		}
		p := partRecord{Modified: tx.Now(), Size: got.size, ETag: got.etag, Sum: got.sum}
		if got.blob.Blob != "" {
			p.Pieces = []piece{got.blob}
			nameBlob(tx, got.blob)
		}
		tx.Set(b.part(seq, number), record.Encode(partVersion, p))
		d.at = tx.Now()
		return d, nil
	})
	if err != nil {
		s.abandon(ctx, got)
		return done.at, err
	}
	s.discard(ctx, done.g)
	return done.at, nil
}

// dropPart deletes a part, if it is there.
func (b *bucket) dropPart(tx store.Tx, seq uint64, number int32, g *garbage) error {
	v, ok, err := tx.Get(b.part(seq, number))
	if err != nil || !ok {
		return err
	}
	var p partRecord
	if err := record.Decode(v, partVersion, &p); err != nil {
		return err
	}
	tx.Delete(b.part(seq, number))
	return g.dropAll(tx, p.Pieces)
}

func (g *garbage) dropAll(tx store.Tx, all []piece) error {
	for _, p := range all {
		if err := g.drop(tx, p); err != nil {
			return err
		}
	}
	return nil
}

// AbortMultipartUpload deletes an upload and its parts.
func (s *Service) AbortMultipartUpload(ctx context.Context, _ aws.Identity, in *s3api.AbortMultipartUploadRequest) (*s3api.AbortMultipartUploadOutput, error) {
	g, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket) (g garbage, err error) {
		u, seq, err := b.readUpload(tx, in.Key, in.UploadId)
		if err != nil {
			return g, err
		}
		if in.IfMatchInitiatedTime != nil && !in.IfMatchInitiatedTime.Equal(u.Initiated.Truncate(time.Second)) {
			return g, &preconditionFailed{"x-amz-if-match-initiated-time"}
		}
		return g, b.abort(tx, in.Key, seq, &g)
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, g)
	return &s3api.AbortMultipartUploadOutput{}, nil
}

func (b *bucket) abort(tx store.Tx, key string, seq uint64, g *garbage) error {
	parts, err := b.parts(tx, seq, 0, 0)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := g.dropAll(tx, p.Pieces); err != nil {
			return err
		}
	}
	tx.Delete(b.upload(key, seq))
	tx.DeleteRange(b.family(familyPart).Uint(seq).Range())
	return nil
}

// numbered is a part with its number.
type numbered struct {
	number int32
	partRecord
}

// parts reads the parts of an upload above a number, all or up to limit.
func (b *bucket) parts(r store.Reader, seq uint64, above int32, limit int) (out []numbered, err error) {
	prefix := b.family(familyPart).Uint(seq)
	rng := prefix.Range()
	if above > 0 {
		rng = b.part(seq, above).After(rng)
	}
	pairs, done := r.Scan(rng, store.ScanOpt{Limit: limit})
	for kv := range pairs {
		p := numbered{number: int32(store.Decode(kv.Key, len(prefix)).Uint())}
		if err := record.Decode(kv.Value, partVersion, &p.partRecord); err != nil {
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
