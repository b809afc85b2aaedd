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
	"github.com/brume-dev/brume/service/s3/notice"
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
	lock := bucket.Lock{Mode: in.ObjectLockMode, Until: in.ObjectLockRetainUntilDate, Hold: in.ObjectLockLegalHoldStatus}
	if err := cmp.Or(listed(b, id, acl.Given{Canned: string(in.ACL), Full: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, WriteACP: in.GrantWriteACP}, o),
		lock.Apply(b, o, s.Clock.Now())); err != nil {
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
	done, err := s.commit(ctx, b, in.Key, o, got.Small, cond, howPut(id))
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

// made is how an object is made, for those who are told of it.
type made struct {
	event  s3api.Event
	reason string
	by     notice.Cause
}

// howPut is how PutObject makes objects.
func howPut(id aws.Identity) made {
	if id.Request.Form {
		return made{s3api.EventS3ObjectCreatedPost, "POST Object", notice.By(id)}
	}
	return made{s3api.EventS3ObjectCreatedPut, "PutObject", notice.By(id)}
}

// commit makes o the current version of key, if the condition holds.
func (s *Service) commit(ctx context.Context, b *bucket.Bucket, key string, o *bucket.Object, body []byte, cond bucket.WriteCondition, how made) (bucket.Committed, error) {
	done, err := updateBucket(ctx, s, b, func(tx store.Tx, b *bucket.Bucket) (bucket.Committed, error) {
		o, c := *o, bucket.Committed{B: b}
		if err := cond.Check(tx, b, key); err != nil {
			return c, err
		}
		if err := b.Put(tx, key, &o, bucket.Content{Small: body}, &c.Garbage); err != nil {
			return c, err
		}
		o.Blob.Name(tx)
		if err := b.Created(tx, key, &o, how.event, how.reason, how.by); err != nil {
			return c, err
		}
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

func tooLarge(size int64) error {
	return &fault.SizeError{Code: "EntityTooLarge", Message: "Your proposed upload exceeds the maximum allowed size", Size: strconv.FormatInt(size, 10), MaxSizeAllowed: strconv.FormatInt(bucket.MaxPut, 10)}
}

func writeConditionOf(match, none *string) (bucket.WriteCondition, error) {
	if none != nil && strings.Trim(*none, `"`) != "*" {
		return bucket.WriteCondition{}, fault.Header("If-None-Match", "We don't accept the provided value of If-None-Match header for this API")
	}
	if none != nil && match != nil {
		return bucket.WriteCondition{}, fault.Header("If-None-Match,If-Match", "Multiple conditional request headers present in the request")
	}
	return bucket.WriteCondition{Match: match, None: none != nil}, nil
}
