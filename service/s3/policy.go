package s3

import (
	"cmp"
	"context"
	"net/http"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/store"
)

// PutBucketPolicy gives the bucket a policy.
func (s *Service) PutBucketPolicy(ctx context.Context, id aws.Identity, in *s3api.PutBucketPolicyRequest) (*s3api.PutBucketPolicyOutput, error) {
	return change[s3api.PutBucketPolicyOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		public, err := b.CheckPolicy(in.Policy)
		if err != nil {
			return err
		}
		if public && b.Block.Block {
			return aws.Errorf("AccessDenied", http.StatusForbidden, "User: %s is not authorized to perform: s3:PutBucketPolicy on resource: %q because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", id.ARN, b.Arn())
		}
		b.HasPolicy, b.Public = true, public
		return b.WriteSetting(tx, bucket.SettingPolicy, in.Policy)
	})
}

func noPolicy() error { return missing("NoSuchBucketPolicy", "The bucket policy does not exist") }

// GetBucketPolicy returns the policy as it was written.
func (s *Service) GetBucketPolicy(ctx context.Context, _ aws.Identity, in *s3api.GetBucketPolicyRequest) (*s3api.GetBucketPolicyOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.GetBucketPolicyOutput, error) {
		out := &s3api.GetBucketPolicyOutput{Policy: new(string)}
		if ok, err := b.ReadSetting(r, bucket.SettingPolicy, out.Policy); err != nil || !ok {
			return nil, cmp.Or(err, noPolicy())
		}
		return out, nil
	})
}

// GetBucketPolicyStatus says whether the policy makes the bucket public.
func (s *Service) GetBucketPolicyStatus(ctx context.Context, _ aws.Identity, in *s3api.GetBucketPolicyStatusRequest) (*s3api.GetBucketPolicyStatusOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Reader, b *bucket.Bucket) (*s3api.GetBucketPolicyStatusOutput, error) {
		if !b.HasPolicy {
			return nil, noPolicy()
		}
		return &s3api.GetBucketPolicyStatusOutput{PolicyStatus: &s3api.PolicyStatus{IsPublic: new(b.Public && !b.Block.Restrict)}}, nil
	})
}

// DeleteBucketPolicy takes the policy away.
func (s *Service) DeleteBucketPolicy(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketPolicyRequest) (*s3api.DeleteBucketPolicyOutput, error) {
	return change[s3api.DeleteBucketPolicyOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		b.HasPolicy, b.Public = false, false
		return b.WriteSetting(tx, bucket.SettingPolicy, nil)
	})
}
