package s3

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
)

// sealing says how an object is encrypted at rest. Brume keeps what S3 says about it and asks KMS as S3 does, so that
// whoever may not use the key can neither write nor read; the bytes on the disk are as they are.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
type sealing struct {
	Algorithm string            `cbor:"1,keyasint,omitempty"`
	Key       string            `cbor:"2,keyasint,omitempty"` // ARN of the KMS key of an object; what was written of a default
	BucketKey bool              `cbor:"3,keyasint,omitempty"`
	Context   map[string]string `cbor:"4,keyasint,omitempty"`
	DataKey   []byte            `cbor:"5,keyasint,omitempty"` // encrypted: what reading asks KMS to decrypt
}

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
func (s *Service) seal(ctx context.Context, id aws.Identity, b *bucket, key string, w wish) (sealing, error) {
	if err := w.check(); err != nil {
		return sealing{}, err
	}
	out := sealing{Algorithm: string(w.algorithm), Key: or(w.key, "")}
	if out.Algorithm == "" {
		out = sealing{Algorithm: b.Sealing.Algorithm, Key: b.Sealing.Key, BucketKey: b.Sealing.BucketKey}
	} else if out.Algorithm == b.Sealing.Algorithm {
		out.BucketKey = b.Sealing.BucketKey
	}
	if w.bucketKey != nil {
		out.BucketKey = *w.bucketKey
	}
	if out.Algorithm != sealKMS {
		return sealing{Algorithm: sealS3}, nil
	}
	if w.context != nil {
		var err error
		if out.Context, err = readContext(*w.context); err != nil {
			return sealing{}, err
		}
	}
	if out.Key == "" {
		out.Key = "alias/aws/s3"
	}
	made, err := kmsapi.NewClient(s.Caller).GenerateDataKey(ctx, via(id), &kmsapi.GenerateDataKeyRequest{
		KeyId: out.Key, KeySpec: kmsapi.DataKeySpecAes256, EncryptionContext: out.sealingContext(b, key)})
	if err != nil {
		return sealing{}, kmsError(err)
	}
	out.Key, out.DataKey = or(made.KeyId, out.Key), made.CiphertextBlob
	return out, nil
}

func (w wish) check() error {
	switch {
	case w.customer != nil:
		return notImplemented("Brume has no encryption with keys that customers provide (SSE-C)")
	case w.algorithm == "" || w.algorithm == sealS3 || w.algorithm == sealKMS:
	case w.algorithm == s3api.ServerSideEncryptionAwsKmsDsse:
		return notImplemented("Brume has no dual-layer encryption (aws:kms:dsse)")
	default:
		return invalidArgument("The encryption method specified is not supported", "x-amz-server-side-encryption", string(w.algorithm))
	}
	if w.key != nil && w.algorithm != sealKMS {
		return invalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
			"x-amz-server-side-encryption", string(w.algorithm))
	}
	return nil
}

func readContext(s string) (m map[string]string, err error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return nil, invalidArgument("The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map",
			"x-amz-server-side-encryption-context", s)
	}
	return m, nil
}

// sealingContext is the encryption context of S3: the ARN of the object, or of the bucket when it has a bucket key.
func (e sealing) sealingContext(b *bucket, key string) map[string]string {
	m := map[string]string{}
	for k, v := range e.Context {
		m[k] = v
	}
	m["aws:s3:arn"] = b.arn() + "/" + key
	if e.BucketKey {
		m["aws:s3:arn"] = b.arn()
	}
	return m
}

// contextHeader is the context as clients wrote it.
func (e sealing) contextHeader() *string {
	if len(e.Context) == 0 {
		return nil
	}
	b, err := json.Marshal(e.Context)
	if err != nil {
		return nil
	}
	return ptr(base64.StdEncoding.EncodeToString(b))
}

// unseal asks KMS for leave to read an object.
func (s *Service) unseal(ctx context.Context, id aws.Identity, b *bucket, key string, e sealing) error {
	if e.Algorithm != sealKMS {
		return nil
	}
	_, err := kmsapi.NewClient(s.Caller).Decrypt(ctx, via(id), &kmsapi.DecryptRequest{CiphertextBlob: e.DataKey,
		KeyId: &e.Key, EncryptionContext: e.sealingContext(b, key)})
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

// keyOf, bucketKeyOf are what answers say of a sealing.
func (e sealing) keyOf() *string { return some(e.Key) }

func (e sealing) bucketKeyOf() *bool { return some(e.BucketKey) }
