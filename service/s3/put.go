package s3

import (
	"context"
	"net/http"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// before checks everything about a new object that needs no body: bucket, key, headers, condition.
func (s *Service) before(ctx context.Context, name, key string, expected *string) (*bucket, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return view(ctx, s, name, expected, func(_ store.Reader, b *bucket) (*bucket, error) { return b, nil })
}

// PutObject writes an object. The body is durable, or in the transaction, before the object's name is.
func (s *Service) PutObject(ctx context.Context, id aws.Identity, in *s3api.PutObjectRequest) (*s3api.PutObjectOutput, error) {
	b, err := s.before(ctx, in.Bucket, in.Key, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	o, err := putRecord(in)
	if err != nil {
		return nil, err
	}
	if err := firstError(checkACL(b, in.ACL, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWriteACP),
		noLock(in.ObjectLockMode, in.ObjectLockLegalHoldStatus, in.ObjectLockRetainUntilDate)); err != nil {
		return nil, err
	}
	cond, err := writeConditionOf(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	e, err := expect(in, in.ContentMD5, in.ChecksumAlgorithm)
	if err != nil {
		return nil, err
	}
	if in.ContentLength != nil && *in.ContentLength > maxPut {
		return nil, tooLarge(*in.ContentLength)
	}
	o.Sealed, err = s.seal(ctx, id, b, in.Key, wish{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, in.SSECustomerAlgorithm})
	if err != nil {
		return nil, err
	}
	got, err := s.receive(ctx, in.Body, e, inline)
	if err != nil {
		return nil, err
	}
	o.fill(got)
	done, err := s.commit(ctx, b, in.Key, o, got.small, cond)
	if err != nil {
		s.abandon(ctx, got)
		return nil, err
	}
	out := &s3api.PutObjectOutput{ETag: ptr(done.o.etag()), VersionId: done.o.versionHeader(done.b), Expiration: done.expiration,
		ServerSideEncryption: s3api.ServerSideEncryption(o.Sealed.Algorithm), SSEKMSKeyId: o.Sealed.keyOf(),
		SSEKMSEncryptionContext: o.Sealed.contextHeader(), BucketKeyEnabled: o.Sealed.bucketKeyOf()}
	setSum(out, o.Sum)
	return out, nil
}

// fill says of a new object what its body is.
func (o *object) fill(got received) {
	o.Size, o.ETag, o.Sum, o.Blob, o.Inline = got.size, got.etag, got.sum, got.blob, got.blob.Blob == "" && got.size > 0
}

// committed is an object that has been written.
type committed struct {
	b          *bucket
	o          *object
	expiration *string
	garbage    garbage
}

// commit makes o the current version of key, if the condition holds.
func (s *Service) commit(ctx context.Context, b *bucket, key string, o *object, body []byte, cond writeCondition) (committed, error) {
	done, err := updateBucket(ctx, s, b, func(tx store.Tx, b *bucket) (committed, error) {
		o, c := *o, committed{b: b}
		if err := cond.check(tx, b, key); err != nil {
			return c, err
		}
		if err := b.put(tx, key, &o, content{small: body}, &c.garbage); err != nil {
			return c, err
		}
		nameBlob(tx, o.Blob)
		c.o = &o
		var err error
		c.expiration, err = b.expiration(tx, key, &o)
		return c, err
	})
	if err != nil {
		return done, err
	}
	s.discard(ctx, done.garbage)
	return done, nil
}

// putRecord is what the headers of a PutObject say.
func putRecord(in *s3api.PutObjectRequest) (*object, error) {
	o := &object{Class: string(in.StorageClass), About: about{CacheControl: or(in.CacheControl, ""),
		Disposition: or(in.ContentDisposition, ""), Encoding: or(in.ContentEncoding, ""), Language: or(in.ContentLanguage, ""),
		Type: or(in.ContentType, ""), Expires: or(in.Expires, time.Time{}), Redirect: or(in.WebsiteRedirectLocation, ""), Meta: in.Metadata}}
	if in.WriteOffsetBytes != nil {
		return nil, notImplemented("appending is for directory buckets")
	}
	return o, o.complete(in.Tagging)
}

// complete checks what a client says of a new object and fills in what it does not say.
func (o *object) complete(tagging *string) (err error) {
	if o.About.Type == "" {
		o.About.Type = "binary/octet-stream"
	}
	size := 0
	for k, v := range o.About.Meta {
		size += len(k) + len(v)
	}
	if size > maxMetadata {
		return &metadataTooLarge{size, maxMetadata}
	}
	if err := checkRedirect(o.About.Redirect); err != nil {
		return err
	}
	if err := checkClass(&o.Class); err != nil {
		return err
	}
	if tagging != nil {
		o.Tags, err = tagHeader(*tagging)
	}
	return err
}

type metadataTooLarge struct {
	Size           int `aws:"Size"`
	MaxSizeAllowed int `aws:"MaxSizeAllowed"`
}

func (e *metadataTooLarge) Error() string { return "MetadataTooLarge" }

// ErrorInfo implements aws.Error.
func (e *metadataTooLarge) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "MetadataTooLarge", Status: http.StatusBadRequest,
		Message: "Your metadata headers exceed the maximum allowed metadata size"}
}

// checkClass keeps STANDARD as "". Classes only show: every object can be read at once.
func checkClass(class *string) error {
	switch s3api.StorageClass(*class) {
	case "", s3api.StorageClassStandard:
		*class = ""
		return nil
	case s3api.StorageClassReducedRedundancy, s3api.StorageClassStandardIa, s3api.StorageClassOnezoneIa,
		s3api.StorageClassIntelligentTiering, s3api.StorageClassGlacierIr:
		return nil
	case s3api.StorageClassGlacier, s3api.StorageClassDeepArchive:
		return notImplemented("Brume has no archives to restore from: storage class " + *class)
	}
	return aws.Errorf("InvalidStorageClass", http.StatusBadRequest, "The storage class you specified is not valid")
}

func checkRedirect(to string) error {
	if to == "" || to[0] == '/' || len(to) > 7 && (to[:7] == "http://" || to[:min(8, len(to))] == "https://") {
		return nil
	}
	return aws.Errorf("InvalidRedirectLocation", http.StatusBadRequest, "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.")
}

// checkACL takes the access control lists that say nothing: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
func checkACL(b *bucket, canned s3api.ObjectCannedACL, grants ...*string) error {
	granted := false
	for _, g := range grants {
		granted = granted || g != nil
	}
	switch {
	case !granted && (canned == "" || canned == s3api.ObjectCannedACLPrivate && b.Ownership != string(s3api.ObjectOwnershipBucketOwnerEnforced) ||
		canned == s3api.ObjectCannedACLBucketOwnerFullControl):
		return nil
	case b.Ownership == string(s3api.ObjectOwnershipBucketOwnerEnforced):
		return aws.Errorf("AccessControlListNotSupported", http.StatusBadRequest, "The bucket does not allow ACLs")
	}
	return notImplemented("Brume has no ACLs but private: use bucket policies")
}

func noLock(mode s3api.ObjectLockMode, hold s3api.ObjectLockLegalHoldStatus, until *time.Time) error {
	if mode != "" || hold != "" || until != nil {
		return invalidRequest("Bucket is missing Object Lock Configuration")
	}
	return nil
}

func tooLarge(size int64) error {
	return &sizeError{"EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", itoa(size), itoa(maxPut)}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
