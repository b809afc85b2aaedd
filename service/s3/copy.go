package s3

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/service/s3/acl"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
)

// original finds the source of a copy.
func (s *Service) original(ctx context.Context, id aws.Identity, from bucket.Source, expected *string, cond bucket.ReadCondition) (found, error) {
	f, err := s.look(ctx, from.Bucket, from.Key, from.Version, expected)
	var m *bucket.Marked
	switch {
	case errors.As(err, &m) && from.Version != nil:
		return f, fault.InvalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
	case errors.As(err, &m):
		return f, fault.NoSuchKey()
	case err != nil:
		return f, err
	}
	if failed, _ := cond.Check(f.o); failed != "" {
		return f, &fault.PreconditionFailed{Condition: "x-amz-copy-source-" + failed}
	}
	return f, s.unseal(ctx, id, f.b, from.Key, f.o.Sealed)
}

// CopyObject makes an object of another's bytes. Within a bucket a large body is shared.
func (s *Service) CopyObject(ctx context.Context, id aws.Identity, in *s3api.CopyObjectRequest) (*s3api.CopyObjectOutput, error) {
	from, err := bucket.ParseSource(in.CopySource)
	if err != nil {
		return nil, err
	}
	b, err := s.before(ctx, in.Bucket, in.Key, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	cond, err := copyCheck(b, in)
	if err != nil {
		return nil, err
	}
	for range bucket.Reopen {
		f, err := s.original(ctx, id, from, in.ExpectedSourceBucketOwner, bucket.ReadCondition{Match: in.CopySourceIfMatch, None: in.CopySourceIfNoneMatch,
			Modified: in.CopySourceIfModifiedSince, Unmodified: in.CopySourceIfUnmodifiedSince})
		if err != nil {
			return nil, err
		}
		if f.o.Size > bucket.MaxPut {
			return nil, fault.InvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(bucket.MaxPut))
		}
		o, err := copied(in, from, f.o)
		if err != nil {
			return nil, err
		}
		lock := bucket.Lock{Mode: in.ObjectLockMode, Until: in.ObjectLockRetainUntilDate, Hold: in.ObjectLockLegalHoldStatus}
		if err := cmp.Or(listed(b, id, acl.Given{Canned: string(in.ACL), Full: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, WriteACP: in.GrantWriteACP}, o),
			lock.Apply(b, o, s.Clock.Now())); err != nil {
			return nil, err
		}
		o.Sealed, err = s.seal(ctx, id, b, in.Key, wish{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, in.SSECustomerAlgorithm})
		if err != nil {
			return nil, err
		}
		done, err := s.copyBody(ctx, id, b, in, from, f, o, cond)
		if errors.Is(err, blob.ErrNotFound) {
			continue // replaced meanwhile
		}
		if err != nil {
			return nil, err
		}
		return copyAnswer(f, done), nil
	}
	return nil, aws.Errorf("OperationAborted", 409, "A conflicting conditional operation is currently in progress against this resource. Please try again.")
}

func copyCheck(b *bucket.Bucket, in *s3api.CopyObjectRequest) (bucket.WriteCondition, error) {
	err := cmp.Or(directive("metadata", string(in.MetadataDirective)), directive("tagging", string(in.TaggingDirective)), bucket.CheckAlgorithm(strings.ToUpper(string(in.ChecksumAlgorithm))), bucket.CheckMetadata(in.Metadata),
		wish{customer: in.CopySourceSSECustomerAlgorithm}.check())

	if err != nil {
		return bucket.WriteCondition{}, err
	}
	return writeConditionOf(in.IfMatch, in.IfNoneMatch)
}

func directive(of, value string) error {
	if value == "" || value == "COPY" || value == "REPLACE" {
		return nil
	}
	return fault.InvalidArgument("Unknown "+of+" directive.", "x-amz-"+of+"-directive", value)
}

// copied is the new object but for its body.
func copied(in *s3api.CopyObjectRequest, from bucket.Source, old *bucket.Object) (*bucket.Object, error) {
	o := &bucket.Object{Class: string(in.StorageClass), About: old.About, Tags: old.Tags}
	o.About.Redirect = aws.Or(in.WebsiteRedirectLocation, "")
	if in.MetadataDirective == s3api.MetadataDirectiveReplace {
		o.About = bucket.About{CacheControl: aws.Or(in.CacheControl, ""), Disposition: aws.Or(in.ContentDisposition, ""), Encoding: aws.Or(in.ContentEncoding, ""),
			Language: aws.Or(in.ContentLanguage, ""), Type: aws.Or(in.ContentType, ""), Expires: aws.Or(in.Expires, time.Time{}),
			Redirect: aws.Or(in.WebsiteRedirectLocation, ""), Meta: in.Metadata}
	} else if from.Bucket == in.Bucket && from.Key == in.Key && from.Version == nil && in.StorageClass == "" &&
		in.WebsiteRedirectLocation == nil && in.ServerSideEncryption == "" && in.TaggingDirective != s3api.TaggingDirectiveReplace {
		return nil, fault.InvalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	var tagging *string
	if in.TaggingDirective == s3api.TaggingDirectiveReplace {
		o.Tags, tagging = nil, in.Tagging
	}
	return o, o.Complete(tagging)
}

// copyBody gives the new object its body and commits it.
func (s *Service) copyBody(ctx context.Context, id aws.Identity, b *bucket.Bucket, in *s3api.CopyObjectRequest, from bucket.Source, f found, o *bucket.Object, cond bucket.WriteCondition) (bucket.Committed, error) {
	how := made{s3api.EventS3ObjectCreatedCopy, "CopyObject", notice.By(id)}
	algorithm := strings.ToUpper(string(in.ChecksumAlgorithm))
	if algorithm == "" {
		algorithm = f.o.Sum.Algorithm
	}
	if from.Bucket == in.Bucket && f.o.Blob.Blob != "" && algorithm == f.o.Sum.Algorithm && f.b.N == b.N {
		o.Size, o.ETag, o.Sum, o.Blob = f.o.Size, f.o.ETag, f.o.Sum, f.o.Blob
		return s.share(ctx, b, in.Key, o, cond, how)
	}
	body, err := s.open(ctx, f.Content, 0, f.o.Size)
	if err != nil {
		return bucket.Committed{}, err
	}
	defer body.Close()
	got, err := s.receive(ctx, body, bucket.Expectation{Algorithm: algorithm}, bucket.Inline)
	if err != nil {
		return bucket.Committed{}, err
	}
	o.Fill(got)
	done, err := s.commit(ctx, b, in.Key, o, got.Small, cond, how)
	if err != nil {
		s.abandon(ctx, got)
	}
	return done, err
}

// share is commit for a blob that another object of the bucket names, if that still does.
func (s *Service) share(ctx context.Context, b *bucket.Bucket, key string, o *bucket.Object, cond bucket.WriteCondition, how made) (bucket.Committed, error) {
	done, err := updateBucket(ctx, s, b, func(tx store.Tx, b *bucket.Bucket) (bucket.Committed, error) {
		o, c := *o, bucket.Committed{B: b}
		if err := cond.Check(tx, b, key); err != nil {
			return c, err
		}
		v, _, err := tx.Get(bucket.BlobKey(o.Blob.Blob))
		if err != nil {
			return c, err
		}
		if store.ReadCounter(v) == 0 {
			return c, blob.ErrNotFound
		}
		o.Blob.Name(tx) // before the old version of the same key, perhaps the source, drops its name
		if err := b.Put(tx, key, &o, bucket.Content{}, &c.Garbage); err != nil {
			return c, err
		}
		if err := b.Created(tx, key, &o, how.event, how.reason, how.by); err != nil {
			return c, err
		}
		c.O = &o
		c.Expiration, err = b.Expiration(tx, key, &o)
		return c, err
	})
	if err == nil {
		s.discard(ctx, done.Garbage)
	}
	return done, err
}

func copyAnswer(f found, done bucket.Committed) *s3api.CopyObjectOutput {
	o := done.O
	res := &s3api.CopyObjectResult{ETag: new(o.Quoted()), LastModified: &o.Modified}
	setSum(res, o.Sum)
	return &s3api.CopyObjectOutput{CopyObjectResult: res, CopySourceVersionId: f.o.VersionHeader(f.b), VersionId: o.VersionHeader(done.B),
		Expiration: done.Expiration, ServerSideEncryption: s3api.ServerSideEncryption(o.Sealed.Algorithm), SSEKMSKeyId: o.Sealed.KeyOf(),
		SSEKMSEncryptionContext: o.Sealed.ContextHeader(), BucketKeyEnabled: o.Sealed.BucketKeyOf()}
}

// UploadPartCopy makes a part of an object, or of a range of it.
func (s *Service) UploadPartCopy(ctx context.Context, id aws.Identity, in *s3api.UploadPartCopyRequest) (*s3api.UploadPartCopyOutput, error) {
	from, err := bucket.ParseSource(in.CopySource)
	if err != nil {
		return nil, err
	}
	if in.SSECustomerAlgorithm != nil || in.CopySourceSSECustomerAlgorithm != nil {
		return nil, wish{customer: new("")}.check()
	}
	b, u, err := s.partOf(ctx, in.Bucket, in.Key, in.UploadId, in.PartNumber, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	var f found
	var body io.ReadCloser
	for range bucket.Reopen {
		f, err = s.original(ctx, id, from, in.ExpectedSourceBucketOwner, bucket.ReadCondition{Match: in.CopySourceIfMatch, None: in.CopySourceIfNoneMatch,
			Modified: in.CopySourceIfModifiedSince, Unmodified: in.CopySourceIfUnmodifiedSince})
		if err != nil {
			return nil, err
		}
		sp, err2 := copyRange(in.CopySourceRange, f.o.Size)
		if err2 != nil {
			return nil, err2
		}
		if body, err = s.open(ctx, f.Content, sp.Off, sp.N); !errors.Is(err, blob.ErrNotFound) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	got, err := s.receive(ctx, body, bucket.Expectation{Keep: u.Algorithm}, 0)
	if err != nil {
		return nil, err
	}
	at, err := s.savePart(ctx, b, in.Key, in.UploadId, in.PartNumber, got)
	if err != nil {
		return nil, err
	}
	res := &s3api.CopyPartResult{ETag: new(`"` + got.Etag + `"`), LastModified: &at}
	if u.Asked {
		setSum(res, got.Sum)
	}
	sealed := u.Object.Sealed
	return &s3api.UploadPartCopyOutput{CopyPartResult: res, CopySourceVersionId: f.o.VersionHeader(f.b),
		ServerSideEncryption: s3api.ServerSideEncryption(sealed.Algorithm), SSEKMSKeyId: sealed.KeyOf(), BucketKeyEnabled: sealed.BucketKeyOf()}, nil
}

// copyRange reads x-amz-copy-source-range, which must be bytes=first-last and inside the source.
func copyRange(header *string, size int64) (bucket.Span, error) {
	if header == nil {
		if size > bucket.MaxPut {
			return bucket.Span{}, fault.InvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(bucket.MaxPut))
		}
		return bucket.Span{Off: 0, N: size}, nil
	}
	sp, given, ok := bucket.ParseRange(*header, size)
	want := "bytes=" + strconv.FormatInt(sp.Off, 10) + "-" + strconv.FormatInt(sp.Off+sp.N-1, 10)
	switch {
	case !given:
		return sp, fault.InvalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy", "x-amz-copy-source-range", *header)
	case !ok || want != *header:
		return sp, fault.InvalidArgument("Range specified is not valid for source object of size: "+strconv.FormatInt(size, 10), "x-amz-copy-source-range", *header)
	case sp.N > bucket.MaxPut:
		return sp, fault.InvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(bucket.MaxPut))
	}
	return sp, nil
}
