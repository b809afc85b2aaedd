package s3

import (
	"context"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
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

// GetBucketReplication tells that nothing is replicated.
func (s *Service) GetBucketReplication(ctx context.Context, _ aws.Identity, in *s3api.GetBucketReplicationRequest) (*s3api.GetBucketReplicationOutput, error) {
	return never[s3api.GetBucketReplicationOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, nil,
		missing("ReplicationConfigurationNotFoundError", "The replication configuration was not found"))
}

// GetBucketRequestPayment tells that the owner pays.
func (s *Service) GetBucketRequestPayment(ctx context.Context, _ aws.Identity, in *s3api.GetBucketRequestPaymentRequest) (*s3api.GetBucketRequestPaymentOutput, error) {
	return never(ctx, s, in.Bucket, in.ExpectedBucketOwner, &s3api.GetBucketRequestPaymentOutput{Payer: s3api.PayerBucketOwner}, nil)
}
