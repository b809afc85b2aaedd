package s3

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/store"
)

// source is what x-amz-copy-source names.
type source struct {
	bucket, key string
	version     *string
}

// parseSource reads "bucket/key?versionId=…", percent-encoded, with or without a leading slash.
func parseSource(s string) (source, error) {
	path, query, _ := strings.Cut(s, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return source{}, invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", s)
	}
	name, key, ok := strings.Cut(strings.TrimPrefix(plain, "/"), "/")
	if !ok || name == "" || key == "" {
		return source{}, invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey", "x-amz-copy-source", s)
	}
	out := source{bucket: name, key: key}
	if v, ok := strings.CutPrefix(query, "versionId="); ok && v != "" {
		out.version = &v
	}
	return out, nil
}

// original finds the source of a copy.
func (s *Service) original(ctx context.Context, id aws.Identity, from source, expected *string, cond readCondition) (found, error) {
	f, err := s.look(ctx, from.bucket, from.key, from.version, expected)
	var m *marked
	switch {
	case errors.As(err, &m) && from.version != nil:
		return f, invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
	case errors.As(err, &m):
		return f, noSuchKey()
	case err != nil:
		return f, err
	}
	if failed, _ := cond.check(f.o); failed != "" {
		return f, &preconditionFailed{"x-amz-copy-source-" + failed}
	}
	return f, s.unseal(ctx, id, f.b, from.key, f.o.Sealed)
}

// CopyObject makes an object of another's bytes. Within a bucket a large body is shared.
func (s *Service) CopyObject(ctx context.Context, id aws.Identity, in *s3api.CopyObjectRequest) (*s3api.CopyObjectOutput, error) {
	from, err := parseSource(in.CopySource)
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
	for range reopen {
		f, err := s.original(ctx, id, from, in.ExpectedSourceBucketOwner, readCondition{in.CopySourceIfMatch, in.CopySourceIfNoneMatch,
			in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince})
		if err != nil {
			return nil, err
		}
		if f.o.Size > maxPut {
			return nil, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
		}
		o, err := copied(in, from, f.o)
		if err != nil {
			return nil, err
		}
		o.Sealed, err = s.seal(ctx, id, b, in.Key, wish{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, in.SSECustomerAlgorithm})
		if err != nil {
			return nil, err
		}
		done, err := s.copyBody(ctx, b, in, from, f, o, cond)
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

func copyCheck(b *bucket, in *s3api.CopyObjectRequest) (writeCondition, error) {
	err := firstError(checkAlgorithm(string(in.ChecksumAlgorithm)),
		checkACL(b, in.ACL, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWriteACP),
		noLock(in.ObjectLockMode, in.ObjectLockLegalHoldStatus, in.ObjectLockRetainUntilDate),
		wish{customer: in.CopySourceSSECustomerAlgorithm}.check())
	if err != nil {
		return writeCondition{}, err
	}
	return writeConditionOf(in.IfMatch, in.IfNoneMatch)
}

// copied is the new object but for its body.
func copied(in *s3api.CopyObjectRequest, from source, old *object) (*object, error) {
	o := &object{Class: string(in.StorageClass), About: old.About, Tags: old.Tags}
	o.About.Redirect = or(in.WebsiteRedirectLocation, "")
	if in.MetadataDirective == s3api.MetadataDirectiveReplace {
		o.About = about{CacheControl: or(in.CacheControl, ""), Disposition: or(in.ContentDisposition, ""), Encoding: or(in.ContentEncoding, ""),
			Language: or(in.ContentLanguage, ""), Type: or(in.ContentType, ""), Expires: or(in.Expires, time.Time{}),
			Redirect: or(in.WebsiteRedirectLocation, ""), Meta: in.Metadata}
	} else if from.bucket == in.Bucket && from.key == in.Key && from.version == nil && in.StorageClass == "" &&
		in.WebsiteRedirectLocation == nil && in.ServerSideEncryption == "" && in.TaggingDirective != s3api.TaggingDirectiveReplace {
		return nil, invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	var tagging *string
	if in.TaggingDirective == s3api.TaggingDirectiveReplace {
		o.Tags, tagging = nil, in.Tagging
	}
	return o, o.complete(tagging)
}

// copyBody gives the new object its body and commits it.
func (s *Service) copyBody(ctx context.Context, b *bucket, in *s3api.CopyObjectRequest, from source, f found, o *object, cond writeCondition) (committed, error) {
	algorithm := string(in.ChecksumAlgorithm)
	if algorithm == "" {
		algorithm = f.o.Sum.Algorithm
	}
	if from.bucket == in.Bucket && f.o.Blob.Blob != "" && algorithm == f.o.Sum.Algorithm && f.b.N == b.N {
		o.Size, o.ETag, o.Sum, o.Blob = f.o.Size, f.o.ETag, f.o.Sum, f.o.Blob
		return s.share(ctx, b, in.Key, o, cond)
	}
	body, err := s.open(ctx, f.content, 0, f.o.Size)
	if err != nil {
		return committed{}, err
	}
	defer body.Close()
	got, err := s.receive(ctx, body, expectation{algorithm: algorithm}, inline)
	if err != nil {
		return committed{}, err
	}
	o.fill(got)
	done, err := s.commit(ctx, b, in.Key, o, got.small, cond)
	if err != nil {
		s.abandon(ctx, got)
	}
	return done, err
}

// share is commit for a blob that another object of the bucket names, if that still does.
func (s *Service) share(ctx context.Context, b *bucket, key string, o *object, cond writeCondition) (committed, error) {
	done, err := updateBucket(ctx, s, b, func(tx store.Tx, b *bucket) (committed, error) {
		o, c := *o, committed{b: b}
		if err := cond.check(tx, b, key); err != nil {
			return c, err
		}
		v, _, err := tx.Get(blobKey(o.Blob.Blob))
		if err != nil {
			return c, err
		}
		if store.ReadCounter(v) == 0 {
			return c, blob.ErrNotFound
		}
		nameBlob(tx, o.Blob) // before the old version of the same key, perhaps the source, drops its name
		if err := b.put(tx, key, &o, content{}, &c.garbage); err != nil {
			return c, err
		}
		c.o = &o
		c.expiration, err = b.expiration(tx, key, &o)
		return c, err
	})
	if err == nil {
		s.discard(ctx, done.garbage)
	}
	return done, err
}

func copyAnswer(f found, done committed) *s3api.CopyObjectOutput {
	o := done.o
	res := &s3api.CopyObjectResult{ETag: ptr(o.etag()), LastModified: &o.Modified}
	setSum(res, o.Sum)
	return &s3api.CopyObjectOutput{CopyObjectResult: res, CopySourceVersionId: f.o.versionHeader(f.b), VersionId: o.versionHeader(done.b),
		Expiration: done.expiration, ServerSideEncryption: s3api.ServerSideEncryption(o.Sealed.Algorithm), SSEKMSKeyId: o.Sealed.keyOf(),
		SSEKMSEncryptionContext: o.Sealed.contextHeader(), BucketKeyEnabled: o.Sealed.bucketKeyOf()}
}

// UploadPartCopy makes a part of an object, or of a range of it.
func (s *Service) UploadPartCopy(ctx context.Context, id aws.Identity, in *s3api.UploadPartCopyRequest) (*s3api.UploadPartCopyOutput, error) {
	from, err := parseSource(in.CopySource)
	if err != nil {
		return nil, err
	}
	if in.SSECustomerAlgorithm != nil || in.CopySourceSSECustomerAlgorithm != nil {
		return nil, wish{customer: ptr("")}.check()
	}
	b, u, err := s.partOf(ctx, in.Bucket, in.Key, in.UploadId, in.PartNumber, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	var f found
	var body io.ReadCloser
	for range reopen {
		f, err = s.original(ctx, id, from, in.ExpectedSourceBucketOwner, readCondition{in.CopySourceIfMatch, in.CopySourceIfNoneMatch,
			in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince})
		if err != nil {
			return nil, err
		}
		sp, err2 := copyRange(in.CopySourceRange, f.o.Size)
		if err2 != nil {
			return nil, err2
		}
		if body, err = s.open(ctx, f.content, sp.off, sp.n); !errors.Is(err, blob.ErrNotFound) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	got, err := s.receive(ctx, body, expectation{keep: u.Algorithm}, 0)
	if err != nil {
		return nil, err
	}
	at, err := s.savePart(ctx, b, in.Key, in.UploadId, in.PartNumber, got)
	if err != nil {
		return nil, err
	}
	res := &s3api.CopyPartResult{ETag: ptr(`"` + got.etag + `"`), LastModified: &at}
	if u.Asked {
		setSum(res, got.sum)
	}
	sealed := u.Object.Sealed
	return &s3api.UploadPartCopyOutput{CopyPartResult: res, CopySourceVersionId: f.o.versionHeader(f.b),
		ServerSideEncryption: s3api.ServerSideEncryption(sealed.Algorithm), SSEKMSKeyId: sealed.keyOf(), BucketKeyEnabled: sealed.bucketKeyOf()}, nil
}

// copyRange reads x-amz-copy-source-range, which must be bytes=first-last and inside the source.
func copyRange(header *string, size int64) (span, error) {
	if header == nil {
		if size > maxPut {
			return span{}, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
		}
		return span{0, size}, nil
	}
	sp, given, ok := parseRange(*header, size)
	want := "bytes=" + itoa(sp.off) + "-" + itoa(sp.off+sp.n-1)
	switch {
	case !given:
		return sp, invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy", "x-amz-copy-source-range", *header)
	case !ok || want != *header:
		return sp, invalidArgument("Range specified is not valid for source object of size: "+itoa(size), "x-amz-copy-source-range", *header)
	case sp.n > maxPut:
		return sp, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
	}
	return sp, nil
}
