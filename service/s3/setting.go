package s3

import (
	"context"
	"net/http"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/acl"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// change runs f, which changes a bucket's record, and saves it.
func change[T any](ctx context.Context, s *Service, name string, expected *string, f func(store.Tx, *bucket.Bucket) error) (*T, error) {
	return update(ctx, s, name, expected, func(tx store.Tx, b *bucket.Bucket) (*T, error) {
		if err := f(tx, b); err != nil {
			return nil, err
		}
		b.Save(tx)
		return new(T), nil
	})
}

func missing(code, text string) error { return aws.Errorf(code, http.StatusNotFound, "%s", text) }

// PutPublicAccessBlock forbids that the bucket becomes public, or is.
func (s *Service) PutPublicAccessBlock(ctx context.Context, _ aws.Identity, in *s3api.PutPublicAccessBlockRequest) (*s3api.PutPublicAccessBlockOutput, error) {
	return change[s3api.PutPublicAccessBlockOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Tx, b *bucket.Bucket) error {
		c := in.PublicAccessBlockConfiguration
		b.Block = bucket.PublicBlock{BlockACLs: aws.Or(c.BlockPublicAcls, false), IgnoreACLs: aws.Or(c.IgnorePublicAcls, false), Block: aws.Or(c.BlockPublicPolicy, false), Restrict: aws.Or(c.RestrictPublicBuckets, false)}
		b.Blocked = true
		return nil
	})
}

// GetPublicAccessBlock tells the public access block.
func (s *Service) GetPublicAccessBlock(ctx context.Context, _ aws.Identity, in *s3api.GetPublicAccessBlockRequest) (*s3api.GetPublicAccessBlockOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Reader, b *bucket.Bucket) (*s3api.GetPublicAccessBlockOutput, error) {
		if !b.Blocked {
			return nil, missing("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
		}
		return &s3api.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &s3api.PublicAccessBlockConfiguration{
			BlockPublicAcls: &b.Block.BlockACLs, IgnorePublicAcls: &b.Block.IgnoreACLs, BlockPublicPolicy: &b.Block.Block,
			RestrictPublicBuckets: &b.Block.Restrict}}, nil
	})
}

// DeletePublicAccessBlock takes the public access block away.
func (s *Service) DeletePublicAccessBlock(ctx context.Context, _ aws.Identity, in *s3api.DeletePublicAccessBlockRequest) (*s3api.DeletePublicAccessBlockOutput, error) {
	return change[s3api.DeletePublicAccessBlockOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Tx, b *bucket.Bucket) error {
		b.Block, b.Blocked = bucket.PublicBlock{}, false
		return nil
	})
}

// PutBucketOwnershipControls says who owns the objects that other accounts write.
func (s *Service) PutBucketOwnershipControls(ctx context.Context, _ aws.Identity, in *s3api.PutBucketOwnershipControlsRequest) (*s3api.PutBucketOwnershipControlsOutput, error) {
	if len(in.OwnershipControls.Rules) != 1 {
		return nil, fault.MalformedXML()
	}
	return change[s3api.PutBucketOwnershipControlsOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Tx, b *bucket.Bucket) error {
		b.Ownership = string(in.OwnershipControls.Rules[0].ObjectOwnership)
		if b.Ownership == enforced && acl.Beyond(b.Grants, bucket.CanonicalID(b.Account)) {
			return aws.Errorf("InvalidBucketAclWithObjectOwnership", http.StatusBadRequest, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
		}
		return nil
	})
}

// GetBucketOwnershipControls tells the ownership controls.
func (s *Service) GetBucketOwnershipControls(ctx context.Context, _ aws.Identity, in *s3api.GetBucketOwnershipControlsRequest) (*s3api.GetBucketOwnershipControlsOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Reader, b *bucket.Bucket) (*s3api.GetBucketOwnershipControlsOutput, error) {
		if b.Ownership == "" {
			return nil, missing("OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
		}
		return &s3api.GetBucketOwnershipControlsOutput{OwnershipControls: &s3api.OwnershipControls{
			Rules: []s3api.OwnershipControlsRule{{ObjectOwnership: s3api.ObjectOwnership(b.Ownership)}}}}, nil
	})
}

// DeleteBucketOwnershipControls takes the ownership controls away.
func (s *Service) DeleteBucketOwnershipControls(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketOwnershipControlsRequest) (*s3api.DeleteBucketOwnershipControlsOutput, error) {
	return change[s3api.DeleteBucketOwnershipControlsOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Tx, b *bucket.Bucket) error {
		b.Ownership = ""
		return nil
	})
}

// PutBucketEncryption says how objects are encrypted that do not say it.
func (s *Service) PutBucketEncryption(ctx context.Context, _ aws.Identity, in *s3api.PutBucketEncryptionRequest) (*s3api.PutBucketEncryptionOutput, error) {
	c := in.ServerSideEncryptionConfiguration
	if len(c.Rules) != 1 {
		return nil, fault.MalformedXML()
	}
	rule := c.Rules[0]
	e := bucket.Sealing{Algorithm: sealS3, BucketKey: aws.Or(rule.BucketKeyEnabled, false)}
	if d := rule.ApplyServerSideEncryptionByDefault; d != nil {
		e.Algorithm, e.Key = string(d.SSEAlgorithm), aws.Or(d.KMSMasterKeyID, "")
	}
	switch {
	case e.Algorithm == sealS3 && e.Key != "":
		return nil, fault.InvalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse", "KMSMasterKeyID", e.Key)
	case e.Algorithm != sealS3 && e.Algorithm != sealKMS:
		return nil, wish{algorithm: s3api.ServerSideEncryption(e.Algorithm)}.check()
	case rule.BlockedEncryptionTypes != nil && !noneBlocked(rule.BlockedEncryptionTypes):
		return nil, fault.NotImplemented("Brume has no SSE-C that could be blocked")
	}
	return change[s3api.PutBucketEncryptionOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Tx, b *bucket.Bucket) error {
		b.Sealing = e
		return nil
	})
}

// noneBlocked reports whether only SSE-C is blocked, which is refused in any case.
func noneBlocked(t *s3api.BlockedEncryptionTypes) bool {
	for _, one := range t.EncryptionType {
		if one != s3api.EncryptionTypeNone && one != s3api.EncryptionTypeSseC {
			return false
		}
	}
	return true
}

// GetBucketEncryption tells the default encryption; every bucket has one.
func (s *Service) GetBucketEncryption(ctx context.Context, _ aws.Identity, in *s3api.GetBucketEncryptionRequest) (*s3api.GetBucketEncryptionOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Reader, b *bucket.Bucket) (*s3api.GetBucketEncryptionOutput, error) {
		return &s3api.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: &s3api.ServerSideEncryptionConfiguration{
			Rules: []s3api.ServerSideEncryptionRule{{BucketKeyEnabled: &b.Sealing.BucketKey,
				ApplyServerSideEncryptionByDefault: &s3api.ServerSideEncryptionByDefault{
					SSEAlgorithm: s3api.ServerSideEncryption(b.Sealing.Algorithm), KMSMasterKeyID: b.Sealing.KeyOf()}}}}}, nil
	})
}

// DeleteBucketEncryption makes AES256 the default again.
func (s *Service) DeleteBucketEncryption(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketEncryptionRequest) (*s3api.DeleteBucketEncryptionOutput, error) {
	return change[s3api.DeleteBucketEncryptionOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Tx, b *bucket.Bucket) error {
		b.Sealing = bucket.Sealing{Algorithm: sealS3}
		return nil
	})
}
