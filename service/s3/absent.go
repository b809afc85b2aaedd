package s3

import (
	"context"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
)

// What clients read of every bucket and Brume cannot set answers as a bucket does that was never given it.

// never answers with out, or err, for a bucket that exists.
func never[T any](ctx context.Context, s *Service, name string, expected *string, out *T, err error) (*T, error) {
	if _, found := s.find(ctx, name, expected); found != nil {
		return nil, found
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetBucketAccelerateConfiguration tells that transfers are not accelerated.
func (s *Service) GetBucketAccelerateConfiguration(ctx context.Context, _ aws.Identity, in *s3api.GetBucketAccelerateConfigurationRequest) (*s3api.GetBucketAccelerateConfigurationOutput, error) {
	return never(ctx, s, in.Bucket, in.ExpectedBucketOwner, &s3api.GetBucketAccelerateConfigurationOutput{}, nil)
}

// GetBucketLogging tells that accesses are not logged.
func (s *Service) GetBucketLogging(ctx context.Context, _ aws.Identity, in *s3api.GetBucketLoggingRequest) (*s3api.GetBucketLoggingOutput, error) {
	return never(ctx, s, in.Bucket, in.ExpectedBucketOwner, &s3api.GetBucketLoggingOutput{}, nil)
}

// GetBucketNotificationConfiguration tells that nobody is notified.
func (s *Service) GetBucketNotificationConfiguration(ctx context.Context, _ aws.Identity, in *s3api.GetBucketNotificationConfigurationRequest) (*s3api.NotificationConfiguration, error) {
	return never(ctx, s, in.Bucket, in.ExpectedBucketOwner, &s3api.NotificationConfiguration{}, nil)
}

// GetBucketReplication tells that nothing is replicated.
func (s *Service) GetBucketReplication(ctx context.Context, _ aws.Identity, in *s3api.GetBucketReplicationRequest) (*s3api.GetBucketReplicationOutput, error) {
	return never[s3api.GetBucketReplicationOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, nil,
		missing("ReplicationConfigurationNotFoundError", "The replication configuration was not found"))
}

// GetBucketRequestPayment tells that the owner pays.
func (s *Service) GetBucketRequestPayment(ctx context.Context, _ aws.Identity, in *s3api.GetBucketRequestPaymentRequest) (*s3api.GetBucketRequestPaymentOutput, error) {
	return never(ctx, s, in.Bucket, in.ExpectedBucketOwner, &s3api.GetBucketRequestPaymentOutput{Payer: s3api.PayerBucketOwner}, nil)
}

// GetBucketWebsite tells that the bucket is no website.
func (s *Service) GetBucketWebsite(ctx context.Context, _ aws.Identity, in *s3api.GetBucketWebsiteRequest) (*s3api.GetBucketWebsiteOutput, error) {
	return never[s3api.GetBucketWebsiteOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, nil,
		missing("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"))
}

// GetObjectLockConfiguration tells that objects are not locked.
func (s *Service) GetObjectLockConfiguration(ctx context.Context, _ aws.Identity, in *s3api.GetObjectLockConfigurationRequest) (*s3api.GetObjectLockConfigurationOutput, error) {
	return never[s3api.GetObjectLockConfigurationOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, nil,
		missing("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"))
}

// private is the access control list of everything here: the owner has full control.
func private(account string) []s3api.Grant {
	return []s3api.Grant{{Permission: s3api.PermissionFullControl,
		Grantee: &s3api.Grantee{Type: s3api.TypeCanonicalUser, ID: new(bucket.CanonicalID(account))}}}
}

// GetBucketAcl tells that the owner has full control.
func (s *Service) GetBucketAcl(ctx context.Context, _ aws.Identity, in *s3api.GetBucketAclRequest) (*s3api.GetBucketAclOutput, error) {
	b, err := s.find(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3api.GetBucketAclOutput{Owner: bucket.Owner(b.Account), Grants: private(b.Account)}, nil
}

// GetObjectAcl tells that the owner has full control.
func (s *Service) GetObjectAcl(ctx context.Context, _ aws.Identity, in *s3api.GetObjectAclRequest) (*s3api.GetObjectAclOutput, error) {
	f, err := s.look(ctx, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3api.GetObjectAclOutput{Owner: bucket.Owner(f.b.Account), Grants: private(f.b.Account)}, nil
}
