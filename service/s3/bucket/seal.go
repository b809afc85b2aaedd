package bucket

import (
	"encoding/base64"
	"encoding/json"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
)

// Sealing says how an object is encrypted at rest. Brume keeps what S3 says about it and asks KMS as S3 does, so that
// whoever may not use the key can neither write nor read; the bytes on the disk are as they are.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
type Sealing struct {
	Algorithm string            `cbor:"1,keyasint,omitempty"`
	Key       string            `cbor:"2,keyasint,omitempty"` // ARN of the KMS key of an object; what was written of a default
	BucketKey bool              `cbor:"3,keyasint,omitempty"`
	Context   map[string]string `cbor:"4,keyasint,omitempty"`
	DataKey   []byte            `cbor:"5,keyasint,omitempty"` // encrypted: what reading asks KMS to decrypt
}

// ReadContext reads an encryption context: base64 of a JSON object of texts.
func ReadContext(s string) (m map[string]string, err error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return nil, fault.InvalidArgument("The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map",
			"x-amz-server-side-encryption-context", s)
	}
	return m, nil
}

// SealingContext is the encryption context of S3: the ARN of the object, or of the bucket when it has a bucket key.
func (e Sealing) SealingContext(b *Bucket, key string) map[string]string {
	m := map[string]string{}
	for k, v := range e.Context {
		m[k] = v
	}
	m["aws:s3:arn"] = b.Arn() + "/" + key
	if e.BucketKey {
		m["aws:s3:arn"] = b.Arn()
	}
	return m
}

// ContextHeader is the context as clients wrote it.
func (e Sealing) ContextHeader() *string {
	if len(e.Context) == 0 {
		return nil
	}
	b, err := json.Marshal(e.Context)
	if err != nil {
		return nil
	}
	return new(base64.StdEncoding.EncodeToString(b))
}

// KeyOf, bucketKeyOf are what answers say of a sealing.
func (e Sealing) KeyOf() *string { return aws.Some(e.Key) }

// BucketKeyOf says whether a bucket key is used; nil is no.
func (e Sealing) BucketKeyOf() *bool { return aws.Some(e.BucketKey) }
