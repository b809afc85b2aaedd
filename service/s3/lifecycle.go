package s3

import (
	"cmp"
	"context"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// PutBucketLifecycleConfiguration says when objects, versions and uploads end. Transitions are kept but move nothing: every
// storage class is read at once here.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
func (s *Service) PutBucketLifecycleConfiguration(ctx context.Context, _ aws.Identity, in *s3api.PutBucketLifecycleConfigurationRequest) (*s3api.PutBucketLifecycleConfigurationOutput, error) {
	if in.LifecycleConfiguration == nil || len(in.LifecycleConfiguration.Rules) == 0 || len(in.LifecycleConfiguration.Rules) > bucket.MaxRules {
		return nil, fault.MalformedXML()
	}
	rules := in.LifecycleConfiguration.Rules
	if err := bucket.CheckRules(rules); err != nil {
		return nil, err
	}
	minimum := in.TransitionDefaultMinimumObjectSize
	if minimum == "" {
		minimum = s3api.TransitionDefaultMinimumObjectSizeAllStorageClasses128k
	}
	_, err := change[struct{}](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		b.Lifecycle = true
		if err := b.WriteSetting(tx, bucket.SettingLifecycle, bucket.Lifecycle{Rules: rules, Minimum: string(minimum)}); err != nil {
			return err
		}
		return setRound(tx, roundArgs{N: b.N, Name: b.Name}, bucket.Midnight(tx.Now()))
	})
	return &s3api.PutBucketLifecycleConfigurationOutput{TransitionDefaultMinimumObjectSize: minimum}, err
}

// GetBucketLifecycleConfiguration tells the rules.
func (s *Service) GetBucketLifecycleConfiguration(ctx context.Context, _ aws.Identity, in *s3api.GetBucketLifecycleConfigurationRequest) (*s3api.GetBucketLifecycleConfigurationOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.GetBucketLifecycleConfigurationOutput, error) {
		l, err := b.Rules(r)
		if err != nil || l == nil {
			return nil, cmp.Or(err, missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"))
		}
		return &s3api.GetBucketLifecycleConfigurationOutput{Rules: l.Rules,
			TransitionDefaultMinimumObjectSize: s3api.TransitionDefaultMinimumObjectSize(l.Minimum)}, nil
	})
}

// DeleteBucketLifecycle takes the rules away.
func (s *Service) DeleteBucketLifecycle(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketLifecycleRequest) (*s3api.DeleteBucketLifecycleOutput, error) {
	return change[s3api.DeleteBucketLifecycleOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		b.Lifecycle = false
		return cmp.Or(b.WriteSetting(tx, bucket.SettingLifecycle, nil), cancelRound(tx, b.N))
	})
}
