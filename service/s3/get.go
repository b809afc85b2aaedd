package s3

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// found is a version that a request named, as one transaction saw it.
type found struct {
	b *bucket.Bucket
	o *bucket.Object
	bucket.Content
	expiration *string
}

// look finds an object and where its body lies.
func (s *Service) look(ctx context.Context, name, key string, version, expected *string) (found, error) {
	if err := bucket.CheckKey(key); err != nil {
		return found{}, err
	}
	return view(ctx, s, name, expected, func(r store.Reader, b *bucket.Bucket) (f found, err error) {
		f.b = b
		if f.o, err = b.Find(r, key, version); err != nil {
			return f, err
		}
		if f.expiration, err = b.Expiration(r, key, f.o); err != nil {
			return f, err
		}
		f.Content, err = b.Content(r, key, f.o)
		return f, err
	})
}

// GetObject reads an object, a range or a part of it.
func (s *Service) GetObject(ctx context.Context, id aws.Identity, in *s3api.GetObjectRequest) (*s3api.GetObjectOutput, error) {
	var out *s3api.GetObjectOutput
	var err error
	for range bucket.Reopen {
		var f found
		var sp bucket.Span
		if f, out, sp, err = s.read(ctx, id, in); err != nil {
			return nil, err
		}
		var body io.ReadCloser
		if body, err = s.open(ctx, f.Content, sp.Off, sp.N); err == nil {
			out.Body = body
			return out, nil
		}
		if !errors.Is(err, blob.ErrNotFound) {
			return nil, err
		}
	}
	return nil, err
}

// read answers a read but for the body, of which it says which part is wanted.
func (s *Service) read(ctx context.Context, id aws.Identity, in *s3api.GetObjectRequest) (f found, out *s3api.GetObjectOutput, sp bucket.Span, err error) {
	if in.SSECustomerAlgorithm != nil || in.SSECustomerKey != nil {
		return f, nil, sp, fault.InvalidRequest("The encryption parameters are not applicable to this object.")
	}
	if id.Kind == aws.Anonymous && overrides(in) {
		return f, nil, sp, fault.InvalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
	}
	if n := in.PartNumber; n != nil && (*n < 1 || *n > bucket.MaxPart) {
		return f, nil, sp, fault.InvalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", strconv.FormatInt(int64(*n), 10))
	}
	if f, err = s.look(ctx, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner); err != nil {
		return f, nil, sp, err
	}
	o := f.o
	cond := bucket.ReadCondition{Match: in.IfMatch, None: in.IfNoneMatch, Modified: in.IfModifiedSince, Unmodified: in.IfUnmodifiedSince}
	switch failed, unmodified := cond.Check(o); {
	case unmodified:
		return f, nil, sp, &notModified{o.Quoted(), o.Modified, o.VersionHeader(f.b)}
	case failed != "":
		return f, nil, sp, &fault.PreconditionFailed{Condition: failed}
	}
	out = &s3api.GetObjectOutput{}
	if sp, err = f.part(in, out); err != nil {
		return f, nil, sp, err
	}
	if err := s.unseal(ctx, id, f.b, in.Key, o.Sealed); err != nil {
		return f, nil, sp, err
	}
	f.describe(in, out, sp)
	return f, out, sp, nil
}

// part decides which part of the object is wanted.
func (f *found) part(in *s3api.GetObjectRequest, out *s3api.GetObjectOutput) (bucket.Span, error) {
	size := f.o.Size
	if in.PartNumber != nil {
		if in.Range != nil {
			return bucket.Span{}, fault.InvalidRequest("Cannot specify both Range header and partNumber query parameter")
		}
		return f.partNumber(*in.PartNumber, out)
	}
	if in.Range == nil {
		return bucket.Span{Off: 0, N: size}, nil
	}
	sp, given, ok := bucket.ParseRange(*in.Range, size)
	if !ok {
		return sp, &invalidRange{*in.Range, size, "bytes */" + strconv.FormatInt(size, 10)}
	}
	if given {
		out.ContentRange = new(sp.ContentRange(size))
	}
	return sp, nil
}

// partNumber finds a part of a multipart object; an object that was put whole is its own first part.
func (f *found) partNumber(n int32, out *s3api.GetObjectOutput) (bucket.Span, error) {
	size := f.o.Size
	if f.o.Parts == 0 {
		if n > 1 {
			return bucket.Span{}, &badPart{n, 1}
		}
		if size > 0 {
			out.ContentRange = new(bucket.Span{Off: 0, N: size}.ContentRange(size))
		}
		return bucket.Span{Off: 0, N: size}, nil
	}
	off := int64(0)
	for i, p := range f.Parts {
		if int32(i+1) == n {
			sp := bucket.Span{Off: off, N: p.Size}
			out.PartsCount, out.ContentRange = &f.o.Parts, new(sp.ContentRange(size))
			return sp, nil
		}
		off += p.Size
	}
	return bucket.Span{}, &badPart{n, f.o.Parts}
}

// badPart is the 416 of part numbers that the object does not have.
type badPart struct {
	PartNumberRequested int32 `aws:"PartNumberRequested"`
	ActualPartCount     int32 `aws:"ActualPartCount"`
}

func (e *badPart) Error() string { return "InvalidPartNumber" }

// ErrorInfo implements aws.Error.
func (e *badPart) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "InvalidPartNumber", Status: 416, Message: "The requested partnumber is not satisfiable"}
}

func overrides(in *s3api.GetObjectRequest) bool {
	return in.ResponseCacheControl != nil || in.ResponseContentDisposition != nil || in.ResponseContentEncoding != nil ||
		in.ResponseContentLanguage != nil || in.ResponseContentType != nil || in.ResponseExpires != nil
}

// describe fills in the headers of an answer.
func (f *found) describe(in *s3api.GetObjectRequest, out *s3api.GetObjectOutput, sp bucket.Span) {
	o, a := f.o, &f.o.About
	out.AcceptRanges, out.ContentLength, out.ETag, out.LastModified = new("bytes"), &sp.N, new(o.Quoted()), &o.Modified
	out.VersionId, out.Expiration, out.Metadata = o.VersionHeader(f.b), f.expiration, a.Meta
	out.CacheControl = override(in.ResponseCacheControl, a.CacheControl)
	out.ContentDisposition = override(in.ResponseContentDisposition, a.Disposition)
	out.ContentEncoding = override(in.ResponseContentEncoding, a.Encoding)
	out.ContentLanguage = override(in.ResponseContentLanguage, a.Language)
	out.ContentType = override(in.ResponseContentType, a.Type)
	if out.Expires = in.ResponseExpires; out.Expires == nil {
		out.Expires = timeOrNil(a.Expires)
	}
	out.WebsiteRedirectLocation = aws.Some(a.Redirect)
	out.ServerSideEncryption = s3api.ServerSideEncryption(o.Sealed.Algorithm)
	out.SSEKMSKeyId, out.BucketKeyEnabled = o.Sealed.KeyOf(), o.Sealed.BucketKeyOf()
	out.StorageClass = s3api.StorageClass(o.Class)
	out.ObjectLockLegalHoldStatus = s3api.ObjectLockLegalHoldStatus(o.Hold)
	if o.Retention != nil {
		out.ObjectLockMode, out.ObjectLockRetainUntilDate = s3api.ObjectLockMode(o.Retention.Mode), &o.Retention.Until
	}
	if len(o.Tags) > 0 {
		out.TagCount = new(int32(len(o.Tags)))
	}
	if in.ChecksumMode == s3api.ChecksumModeEnabled && out.ContentRange == nil {
		setSum(out, o.Sum)
	}
}

func override(p *string, def string) *string {
	if p != nil {
		return p
	}
	return aws.Some(def)
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// HeadObject answers what GetObject does, without the body.
func (s *Service) HeadObject(ctx context.Context, id aws.Identity, in *s3api.HeadObjectRequest) (*s3api.HeadObjectOutput, error) {
	get := s3api.GetObjectRequest(*in)
	_, o, _, err := s.read(ctx, id, &get)
	if err != nil {
		return nil, err
	}
	return &s3api.HeadObjectOutput{AcceptRanges: o.AcceptRanges, Expiration: o.Expiration, LastModified: o.LastModified,
		ContentLength: o.ContentLength, ETag: o.ETag, ChecksumCRC32: o.ChecksumCRC32, ChecksumCRC32C: o.ChecksumCRC32C,
		ChecksumCRC64NVME: o.ChecksumCRC64NVME, ChecksumSHA1: o.ChecksumSHA1, ChecksumSHA256: o.ChecksumSHA256,
		ChecksumSHA512: o.ChecksumSHA512, ChecksumMD5: o.ChecksumMD5, ChecksumXXHASH64: o.ChecksumXXHASH64,
		ChecksumXXHASH3: o.ChecksumXXHASH3, ChecksumXXHASH128: o.ChecksumXXHASH128,
		ChecksumType: o.ChecksumType, VersionId: o.VersionId, CacheControl: o.CacheControl, ContentDisposition: o.ContentDisposition,
		ContentEncoding: o.ContentEncoding, ContentLanguage: o.ContentLanguage, ContentType: o.ContentType, ContentRange: o.ContentRange,
		Expires: o.Expires, WebsiteRedirectLocation: o.WebsiteRedirectLocation, ServerSideEncryption: o.ServerSideEncryption,
		Metadata: o.Metadata, SSEKMSKeyId: o.SSEKMSKeyId, BucketKeyEnabled: o.BucketKeyEnabled, StorageClass: o.StorageClass,
		PartsCount: o.PartsCount, TagCount: o.TagCount, ObjectLockMode: o.ObjectLockMode,
		ObjectLockRetainUntilDate: o.ObjectLockRetainUntilDate, ObjectLockLegalHoldStatus: o.ObjectLockLegalHoldStatus}, nil
}
