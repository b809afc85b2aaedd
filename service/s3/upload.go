package s3

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/acl"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// CreateMultipartUpload begins an object that is uploaded in parts.
func (s *Service) CreateMultipartUpload(ctx context.Context, id aws.Identity, in *s3api.CreateMultipartUploadRequest) (*s3api.CreateMultipartUploadOutput, error) {
	b, err := s.before(ctx, in.Bucket, in.Key, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	u := bucket.UploadRecord{Initiator: id.ARN, Object: bucket.Object{Class: string(in.StorageClass), About: bucket.About{CacheControl: aws.Or(in.CacheControl, ""),
		Disposition: aws.Or(in.ContentDisposition, ""), Encoding: aws.Or(in.ContentEncoding, ""), Language: aws.Or(in.ContentLanguage, ""),
		Type: aws.Or(in.ContentType, ""), Expires: aws.Or(in.Expires, time.Time{}), Redirect: aws.Or(in.WebsiteRedirectLocation, ""), Meta: in.Metadata}}}
	lock := bucket.Lock{Mode: in.ObjectLockMode, Until: in.ObjectLockRetainUntilDate, Hold: in.ObjectLockLegalHoldStatus}
	if err := cmp.Or(listed(b, id, acl.Given{Canned: string(in.ACL), Full: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, WriteACP: in.GrantWriteACP}, &u.Object),
		lock.Apply(b, &u.Object, s.Clock.Now()), u.Object.Complete(in.Tagging)); err != nil {
		return nil, err
	}
	if err := u.Sums(strings.ToUpper(string(in.ChecksumAlgorithm)), string(in.ChecksumType)); err != nil {
		return nil, err
	}
	e, err := s.seal(ctx, id, b, in.Key, wish{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, in.SSECustomerAlgorithm})
	if err != nil {
		return nil, err
	}
	u.Object.Sealed = e
	out := &s3api.CreateMultipartUploadOutput{Bucket: &in.Bucket, Key: &in.Key, ServerSideEncryption: s3api.ServerSideEncryption(e.Algorithm),
		SSEKMSKeyId: e.KeyOf(), SSEKMSEncryptionContext: e.ContextHeader(), BucketKeyEnabled: e.BucketKeyOf()}
	if u.Asked {
		out.ChecksumAlgorithm, out.ChecksumType = s3api.ChecksumAlgorithm(u.Algorithm), s3api.ChecksumType(u.Type)
	}
	type begun struct {
		id    string
		abort *bucket.Abortion
	}
	made, err := updateBucket(ctx, s, b, func(tx store.Tx, b *bucket.Bucket) (m begun, err error) {
		seq, err := b.NextSeq(tx)
		if err != nil {
			return m, err
		}
		u := u
		u.Initiated = tx.Now()
		tx.Set(b.Upload(in.Key, seq), record.Encode(bucket.UploadVersion, u))
		m.id = bucket.SealSeq(b.N, seq, "upload")
		m.abort, err = b.AbortDate(tx, in.Key, u.Initiated)
		return m, err
	})
	if err != nil {
		return nil, err
	}
	if out.UploadId = &made.id; made.abort != nil {
		out.AbortDate, out.AbortRuleId = &made.abort.Date, &made.abort.Rule
	}
	return out, nil
}

// UploadPart writes a part; one of the same number is replaced.
func (s *Service) UploadPart(ctx context.Context, _ aws.Identity, in *s3api.UploadPartRequest) (*s3api.UploadPartOutput, error) {
	if in.SSECustomerAlgorithm != nil || in.SSECustomerKey != nil {
		return nil, wish{customer: new("")}.check()
	}
	if in.ContentLength != nil && *in.ContentLength > bucket.MaxPut {
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
	if u.Asked && (e.Algorithm != "" && e.Algorithm != u.Algorithm || e.Algorithm == "" && u.Type == bucket.Composite && !trailed(in.Body)) {
		return nil, fault.InvalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			strings.ToLower(u.Algorithm), orNull(strings.ToLower(e.Algorithm)))
	}
	e.Keep = u.Algorithm
	got, err := s.receive(ctx, in.Body, e, 0)
	if err != nil {
		return nil, err
	}
	if _, err := s.savePart(ctx, b, in.Key, in.UploadId, in.PartNumber, got); err != nil {
		return nil, err
	}
	sealed := u.Object.Sealed
	out := &s3api.UploadPartOutput{ETag: new(`"` + got.Etag + `"`), ServerSideEncryption: s3api.ServerSideEncryption(sealed.Algorithm),
		SSEKMSKeyId: sealed.KeyOf(), BucketKeyEnabled: sealed.BucketKeyOf()}
	setSum(out, got.Sum)
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
func (s *Service) partOf(ctx context.Context, name, key, upload string, number int32, expected *string) (*bucket.Bucket, bucket.UploadRecord, error) {
	var u bucket.UploadRecord
	if number < 1 || number > bucket.MaxPart {
		return nil, u, fault.InvalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", strconv.FormatInt(int64(number), 10))
	}
	if err := bucket.CheckKey(key); err != nil {
		return nil, u, err
	}
	b, err := view(ctx, s, name, expected, func(r store.Reader, b *bucket.Bucket) (_ *bucket.Bucket, err error) {
		u, _, err = b.ReadUpload(r, key, upload)
		return b, err
	})
	return b, u, err
}

// savePart names a part that has been received; it is discarded if the upload has gone.
func (s *Service) savePart(ctx context.Context, b *bucket.Bucket, key, upload string, number int32, got bucket.Received) (time.Time, error) {
	type saved struct {
		at time.Time
		g  bucket.Garbage
	}
	done, err := updateBucket(ctx, s, b, func(tx store.Tx, b *bucket.Bucket) (d saved, err error) {
		_, seq, err := b.ReadUpload(tx, key, upload)
		if err != nil {
			return d, err
		}
		if err := b.DropPart(tx, seq, number, &d.g); err != nil {
			return d, err
		}
		p := bucket.PartRecord{Modified: tx.Now(), Size: got.Size, ETag: got.Etag, Sum: got.Sum}
		if got.Blob.Blob != "" {
			p.Pieces = []bucket.Piece{got.Blob}
			got.Blob.Name(tx)
		}
		tx.Set(b.Part(seq, number), record.Encode(bucket.PartVersion, p))
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

// AbortMultipartUpload deletes an upload and its parts.
func (s *Service) AbortMultipartUpload(ctx context.Context, _ aws.Identity, in *s3api.AbortMultipartUploadRequest) (*s3api.AbortMultipartUploadOutput, error) {
	g, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) (g bucket.Garbage, err error) {
		u, seq, err := b.ReadUpload(tx, in.Key, in.UploadId)
		if err != nil {
			return g, err
		}
		if in.IfMatchInitiatedTime != nil && !in.IfMatchInitiatedTime.Equal(u.Initiated.Truncate(time.Second)) {
			return g, &fault.PreconditionFailed{Condition: "x-amz-if-match-initiated-time"}
		}
		return g, b.Abort(tx, in.Key, seq, &g)
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, g)
	return &s3api.AbortMultipartUploadOutput{}, nil
}
