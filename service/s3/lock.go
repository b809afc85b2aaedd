package s3

import (
	"context"
	"net/http"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// PutObjectLockConfiguration says for how long new objects are kept; it also makes a bucket that keeps versions one that
// locks them, for good.
func (s *Service) PutObjectLockConfiguration(ctx context.Context, _ aws.Identity, in *s3api.PutObjectLockConfigurationRequest) (*s3api.PutObjectLockConfigurationOutput, error) {
	c := in.ObjectLockConfiguration
	if c == nil {
		return nil, fault.MissingBody()
	}
	if c.ObjectLockEnabled != s3api.ObjectLockEnabledEnabled {
		return nil, fault.MalformedXML()
	}
	rule, err := lockRule(c.Rule)
	if err != nil {
		return nil, err
	}
	return change[s3api.PutObjectLockConfigurationOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Tx, b *bucket.Bucket) error {
		if b.Versioning != string(s3api.BucketVersioningStatusEnabled) {
			return aws.Errorf("InvalidBucketState", http.StatusConflict, "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
		}
		b.Locking, b.LockRule = true, rule
		return nil
	})
}

func lockRule(r *s3api.ObjectLockRule) (*bucket.LockRule, error) {
	if r == nil {
		return nil, nil
	}
	d := r.DefaultRetention
	if d == nil || d.Mode == "" || (d.Days == nil) == (d.Years == nil) {
		return nil, fault.MalformedXML()
	}
	days, years := aws.Or(d.Days, 0), aws.Or(d.Years, 0)
	switch {
	case d.Days != nil && days < 1 || d.Years != nil && years < 1:
		return nil, fault.InvalidArgument("Default retention period must be a positive integer value.", "DefaultRetention", "")
	case days > maxRetentionDays || years > maxRetentionYears:
		return nil, fault.InvalidArgument("Default retention period too large", "DefaultRetention", "")
	}
	return &bucket.LockRule{Mode: string(d.Mode), Days: days, Years: years}, nil
}

// The longest default retention: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
const (
	maxRetentionDays  = 36_500
	maxRetentionYears = 100
)

// GetObjectLockConfiguration tells whether the bucket locks objects, and for how long.
func (s *Service) GetObjectLockConfiguration(ctx context.Context, _ aws.Identity, in *s3api.GetObjectLockConfigurationRequest) (*s3api.GetObjectLockConfigurationOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Reader, b *bucket.Bucket) (*s3api.GetObjectLockConfigurationOutput, error) {
		if !b.Locking {
			return nil, missing("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
		}
		c := &s3api.ObjectLockConfiguration{ObjectLockEnabled: s3api.ObjectLockEnabledEnabled}
		if r := b.LockRule; r != nil {
			c.Rule = &s3api.ObjectLockRule{DefaultRetention: &s3api.DefaultRetention{Mode: s3api.ObjectLockRetentionMode(r.Mode),
				Days: aws.Some(r.Days), Years: aws.Some(r.Years)}}
		}
		return &s3api.GetObjectLockConfigurationOutput{ObjectLockConfiguration: c}, nil
	})
}

// PutObjectRetention says until when a version is kept.
func (s *Service) PutObjectRetention(ctx context.Context, id aws.Identity, in *s3api.PutObjectRetentionRequest) (*s3api.PutObjectRetentionOutput, error) {
	var next *bucket.Retention
	switch r := in.Retention; {
	case r == nil:
		return nil, fault.MissingBody()
	case (r.Mode == "") != (r.RetainUntilDate == nil):
		return nil, fault.MalformedXML()
	case r.Mode != "":
		next = &bucket.Retention{Mode: string(r.Mode), Until: *r.RetainUntilDate}
	}
	bypass, err := s.bypass(ctx, id, in.Bucket, in.Key, in.BypassGovernanceRetention)
	if err != nil {
		return nil, err
	}
	_, err = update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) (struct{}, error) {
		return struct{}{}, b.Retain(tx, in.Key, in.VersionId, next, bypass)
	})
	if err != nil {
		return nil, err
	}
	return &s3api.PutObjectRetentionOutput{}, nil
}

// GetObjectRetention tells until when a version is kept.
func (s *Service) GetObjectRetention(ctx context.Context, _ aws.Identity, in *s3api.GetObjectRetentionRequest) (*s3api.GetObjectRetentionOutput, error) {
	return lockOf(ctx, s, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner, func(o *bucket.Object) *s3api.GetObjectRetentionOutput {
		if o.Retention == nil {
			return nil
		}
		return &s3api.GetObjectRetentionOutput{Retention: &s3api.ObjectLockRetention{
			Mode: s3api.ObjectLockRetentionMode(o.Retention.Mode), RetainUntilDate: &o.Retention.Until}}
	})
}

// PutObjectLegalHold puts a version under a legal hold, or frees it.
func (s *Service) PutObjectLegalHold(ctx context.Context, _ aws.Identity, in *s3api.PutObjectLegalHoldRequest) (*s3api.PutObjectLegalHoldOutput, error) {
	if in.LegalHold == nil {
		return nil, fault.MissingBody()
	}
	if in.LegalHold.Status == "" {
		return nil, fault.MalformedXML()
	}
	_, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) (struct{}, error) {
		return struct{}{}, b.Hold(tx, in.Key, in.VersionId, string(in.LegalHold.Status))
	})
	if err != nil {
		return nil, err
	}
	return &s3api.PutObjectLegalHoldOutput{}, nil
}

// GetObjectLegalHold tells whether a version is under a legal hold.
func (s *Service) GetObjectLegalHold(ctx context.Context, _ aws.Identity, in *s3api.GetObjectLegalHoldRequest) (*s3api.GetObjectLegalHoldOutput, error) {
	return lockOf(ctx, s, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner, func(o *bucket.Object) *s3api.GetObjectLegalHoldOutput {
		if o.Hold == "" {
			return nil
		}
		return &s3api.GetObjectLegalHoldOutput{LegalHold: &s3api.ObjectLockLegalHold{Status: s3api.ObjectLockLegalHoldStatus(o.Hold)}}
	})
}

// lockOf reads something about the lock of a version; nil is that there is none.
func lockOf[T any](ctx context.Context, s *Service, name, key string, version, expected *string, f func(*bucket.Object) *T) (*T, error) {
	return view(ctx, s, name, expected, func(r store.Reader, b *bucket.Bucket) (*T, error) {
		o, err := b.Find(r, key, version)
		if err != nil {
			return nil, err
		}
		if !b.Locking {
			return nil, bucket.NoLock()
		}
		if out := f(o); out != nil {
			return out, nil
		}
		return nil, missing("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
	})
}

// bypass reports whether a request asks to bypass retention of the mode GOVERNANCE, and may.
func (s *Service) bypass(ctx context.Context, id aws.Identity, name, key string, asked *bool) (bool, error) {
	if !aws.Or(asked, false) {
		return false, nil
	}
	return s.may(ctx, id, name, key, "BypassGovernanceRetention")
}
