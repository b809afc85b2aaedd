package s3

import (
	"context"
	"net/http"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
)

const (
	sealS3  = "AES256"
	sealKMS = "aws:kms"
)

// wish is what a request says about encryption.
type wish struct {
	algorithm s3api.ServerSideEncryption
	key       *string
	context   *string
	bucketKey *bool
	customer  *string // of SSE-C
}

// seal obtains the data key of a new object, and with it KMS's leave to encrypt.
func (s *Service) seal(ctx context.Context, id aws.Identity, b *bucket.Bucket, key string, w wish) (bucket.Sealing, error) {
	if err := w.check(); err != nil {
		return bucket.Sealing{}, err
	}
	out := bucket.Sealing{Algorithm: string(w.algorithm), Key: aws.Or(w.key, "")}
	if out.Algorithm == "" {
		out = bucket.Sealing{Algorithm: b.Sealing.Algorithm, Key: b.Sealing.Key, BucketKey: b.Sealing.BucketKey}
	} else if out.Algorithm == b.Sealing.Algorithm {
		out.BucketKey = b.Sealing.BucketKey
	}
	if w.bucketKey != nil {
		out.BucketKey = *w.bucketKey
	}
	if out.Algorithm != sealKMS {
		return bucket.Sealing{Algorithm: sealS3}, nil
	}
	if w.context != nil {
		var err error
		if out.Context, err = bucket.ReadContext(*w.context); err != nil {
			return bucket.Sealing{}, err
		}
	}
	if out.Key == "" {
		out.Key = "alias/aws/s3"
	}
	made, err := kmsapi.NewClient(s.Caller).GenerateDataKey(ctx, via(id), &kmsapi.GenerateDataKeyRequest{
		KeyId: out.Key, KeySpec: kmsapi.DataKeySpecAes256, EncryptionContext: out.SealingContext(b, key)})
	if err != nil {
		return bucket.Sealing{}, kmsError(err)
	}
	out.Key, out.DataKey = aws.Or(made.KeyId, out.Key), made.CiphertextBlob
	return out, nil
}

func (w wish) check() error {
	switch {
	case w.customer != nil:
		return fault.NotImplemented("Brume has no encryption with keys that customers provide (SSE-C)")
	case w.algorithm == "" || w.algorithm == sealS3 || w.algorithm == sealKMS:
	case w.algorithm == s3api.ServerSideEncryptionAwsKmsDsse:
		return fault.NotImplemented("Brume has no dual-layer encryption (aws:kms:dsse)")
	default:
		return fault.InvalidArgument("The encryption method specified is not supported", "x-amz-server-side-encryption", string(w.algorithm))
	}
	if w.key != nil && w.algorithm != sealKMS {
		return fault.InvalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
			"x-amz-server-side-encryption", string(w.algorithm))
	}
	return nil
}

// unseal asks KMS for leave to read an object.
func (s *Service) unseal(ctx context.Context, id aws.Identity, b *bucket.Bucket, key string, e bucket.Sealing) error {
	if e.Algorithm != sealKMS {
		return nil
	}
	_, err := kmsapi.NewClient(s.Caller).Decrypt(ctx, via(id), &kmsapi.DecryptRequest{CiphertextBlob: e.DataKey,
		KeyId: &e.Key, EncryptionContext: e.SealingContext(b, key)})
	return kmsError(err)
}

// via is the caller, by way of S3.
func via(id aws.Identity) aws.Identity {
	id.ViaService = "s3." + id.Region + ".amazonaws.com"
	return id
}

// kmsError is how S3 passes on what KMS says.
func kmsError(err error) error {
	if err == nil {
		return nil
	}
	info := aws.InfoOf(err)
	switch info.Code {
	case "AccessDeniedException", "AccessDenied":
		return aws.Errorf("AccessDenied", http.StatusForbidden, "%s", info.Message)
	case "NotFoundException", "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException", "InvalidArnException":
		return aws.Errorf("KMS."+info.Code, http.StatusBadRequest, "%s", info.Message)
	}
	return err
}
