package s3

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// before checks everything about a new object that needs no body: bucket, key, headers, condition.
func (s *Service) before(ctx context.Context, name, key string, expected *string) (*bucket.Bucket, error) {
	if err := bucket.CheckKey(key); err != nil {
		return nil, err
	}
	return view(ctx, s, name, expected, func(_ store.Reader, b *bucket.Bucket) (*bucket.Bucket, error) { return b, nil })
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
	if err := cmp.Or(checkACL(b, in.ACL, in.GrantFullControl, in.GrantRead, in.GrantReadACP, in.GrantWriteACP),
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
	if in.ContentLength != nil && *in.ContentLength > bucket.MaxPut {
		return nil, tooLarge(*in.ContentLength)
	}
	o.Sealed, err = s.seal(ctx, id, b, in.Key, wish{in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext, in.BucketKeyEnabled, in.SSECustomerAlgorithm})
	if err != nil {
		return nil, err
	}
	got, err := s.receive(ctx, in.Body, e, bucket.Inline)
	if err != nil {
		return nil, err
	}
	o.Fill(got)
	done, err := s.commit(ctx, b, in.Key, o, got.Small, cond)
	if err != nil {
		s.abandon(ctx, got)
		return nil, err
	}
	out := &s3api.PutObjectOutput{ETag: new(done.O.Quoted()), VersionId: done.O.VersionHeader(done.B), Expiration: done.Expiration,
		ServerSideEncryption: s3api.ServerSideEncryption(o.Sealed.Algorithm), SSEKMSKeyId: o.Sealed.KeyOf(),
		SSEKMSEncryptionContext: o.Sealed.ContextHeader(), BucketKeyEnabled: o.Sealed.BucketKeyOf()}
	setSum(out, o.Sum)
	return out, nil
}

// commit makes o the current version of key, if the condition holds.
func (s *Service) commit(ctx context.Context, b *bucket.Bucket, key string, o *bucket.Object, body []byte, cond bucket.WriteCondition) (bucket.Committed, error) {
	done, err := updateBucket(ctx, s, b, func(tx store.Tx, b *bucket.Bucket) (bucket.Committed, error) {
		o, c := *o, bucket.Committed{B: b}
		if err := cond.Check(tx, b, key); err != nil {
			return c, err
		}
		if err := b.Put(tx, key, &o, bucket.Content{Small: body}, &c.Garbage); err != nil {
			return c, err
		}
		o.Blob.Name(tx)
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
func putRecord(in *s3api.PutObjectRequest) (*bucket.Object, error) {
	o := &bucket.Object{Class: string(in.StorageClass), About: bucket.About{CacheControl: aws.Or(in.CacheControl, ""),
		Disposition: aws.Or(in.ContentDisposition, ""), Encoding: aws.Or(in.ContentEncoding, ""), Language: aws.Or(in.ContentLanguage, ""),
		Type: aws.Or(in.ContentType, ""), Expires: aws.Or(in.Expires, time.Time{}), Redirect: aws.Or(in.WebsiteRedirectLocation, ""), Meta: in.Metadata}}
	if in.WriteOffsetBytes != nil {
		return nil, fault.NotImplemented("appending is for directory buckets")
	}
	return o, o.Complete(in.Tagging)
}

// checkACL takes the access control lists that say nothing: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
func checkACL(b *bucket.Bucket, canned s3api.ObjectCannedACL, grants ...*string) error {
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
	return fault.NotImplemented("Brume has no ACLs but private: use bucket policies")
}

func noLock(mode s3api.ObjectLockMode, hold s3api.ObjectLockLegalHoldStatus, until *time.Time) error {
	if mode != "" || hold != "" || until != nil {
		return fault.InvalidRequest("Bucket is missing Object Lock Configuration")
	}
	return nil
}

func tooLarge(size int64) error {
	return &fault.SizeError{Code: "EntityTooLarge", Message: "Your proposed upload exceeds the maximum allowed size", Size: strconv.FormatInt(size, 10), MaxSizeAllowed: strconv.FormatInt(bucket.MaxPut, 10)}
}

func writeConditionOf(match, none *string) (bucket.WriteCondition, error) {
	if none != nil && strings.Trim(*none, `"`) != "*" {
		return bucket.WriteCondition{}, fault.NotImplemented("If-None-Match takes * only")
	}
	if none != nil && match != nil {
		return bucket.WriteCondition{}, fault.NotImplemented("If-Match and If-None-Match exclude each other")
	}
	return bucket.WriteCondition{Match: match, None: none != nil}, nil
}
