package s3

import (
	"context"
	"net/http"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/shelf"
	"github.com/brume-dev/brume/store"
)

// before checks everything about a new object that needs no body: bucket, key, headers, condition.
func (s *Service) before(ctx context.Context, name, key string, expected *string) (*shelf.Bucket, error) {
	if err := shelf.CheckKey(key); err != nil {
		return nil, err
	}
	return view(ctx, s, name, expected, func(_ store.Reader, b *shelf.Bucket) (*shelf.Bucket, error) { return b, nil })
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
	if err := shelf.FirstError(checkACL(b, in.ACL, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWriteACP),
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
	if in.ContentLength != nil && *in.ContentLength > shelf.MaxPut {
		return nil, tooLarge(*in.ContentLength)
	}
	o.Sealed, err = s.seal(ctx, id, b, in.Key, wish{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, in.SSECustomerAlgorithm})
	if err != nil {
		return nil, err
	}
	got, err := s.receive(ctx, in.Body, e, shelf.Inline)
	if err != nil {
		return nil, err
	}
	o.Fill(got)
	done, err := s.commit(ctx, b, in.Key, o, got.Small, cond)
	if err != nil {
		s.abandon(ctx, got)
		return nil, err
	}
	out := &s3api.PutObjectOutput{ETag: shelf.Ptr(done.O.Quoted()), VersionId: done.O.VersionHeader(done.B), Expiration: done.Expiration,
		ServerSideEncryption: s3api.ServerSideEncryption(o.Sealed.Algorithm), SSEKMSKeyId: o.Sealed.KeyOf(),
		SSEKMSEncryptionContext: o.Sealed.ContextHeader(), BucketKeyEnabled: o.Sealed.BucketKeyOf()}
	setSum(out, o.Sum)
	return out, nil
}

// commit makes o the current version of key, if the condition holds.
func (s *Service) commit(ctx context.Context, b *shelf.Bucket, key string, o *shelf.Object, body []byte, cond shelf.WriteCondition) (shelf.Committed, error) {
	done, err := updateBucket(ctx, s, b, func(tx store.Tx, b *shelf.Bucket) (shelf.Committed, error) {
		o, c := *o, shelf.Committed{B: b}
		if err := cond.Check(tx, b, key); err != nil {
			return c, err
		}
		if err := b.Put(tx, key, &o, shelf.Content{Small: body}, &c.Garbage); err != nil {
			return c, err
		}
		nameBlob(tx, o.Blob)
		c.O = &o
		var err error
		c.Expiration, err = b.Expiration(tx, key, &o)
		return c, err
	})
	if err != nil {
		return done, err
	}
	s.discard(ctx, done.Garbage)
	return done, nil
}

// putRecord is what the headers of a PutObject say.
func putRecord(in *s3api.PutObjectRequest) (*shelf.Object, error) {
	o := &shelf.Object{Class: string(in.StorageClass), About: shelf.About{CacheControl: shelf.Or(in.CacheControl, ""),
		Disposition: shelf.Or(in.ContentDisposition, ""), Encoding: shelf.Or(in.ContentEncoding, ""), Language: shelf.Or(in.ContentLanguage, ""),
		Type: shelf.Or(in.ContentType, ""), Expires: shelf.Or(in.Expires, time.Time{}), Redirect: shelf.Or(in.WebsiteRedirectLocation, ""), Meta: in.Metadata}}
	if in.WriteOffsetBytes != nil {
		return nil, shelf.NotImplemented("appending is for directory buckets")
	}
	return o, o.Complete(in.Tagging)
}

// checkACL takes the access control lists that say nothing: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
func checkACL(b *shelf.Bucket, canned s3api.ObjectCannedACL, grants ...*string) error {
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
	return shelf.NotImplemented("Brume has no ACLs but private: use bucket policies")
}

func noLock(mode s3api.ObjectLockMode, hold s3api.ObjectLockLegalHoldStatus, until *time.Time) error {
	if mode != "" || hold != "" || until != nil {
		return shelf.InvalidRequest("Bucket is missing Object Lock Configuration")
	}
	return nil
}

func tooLarge(size int64) error {
	return &shelf.SizeError{Code: "EntityTooLarge", Message: "Your proposed upload exceeds the maximum allowed size", Size: shelf.Itoa(size), MaxSizeAllowed: shelf.Itoa(shelf.MaxPut)}
}
