package ssm

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
)

// defaultKey is the key for a SecureString that names none: the AWS managed key of the account.
const defaultKey = "alias/aws/ssm"

// viaService is what policies know Parameter Store by when it calls KMS for its caller.
const viaService = "ssm.amazonaws.com"

// sealContext binds a ciphertext to its parameter.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
func sealContext(arn string) map[string]string { return map[string]string{"PARAMETER_ARN": arn} }

// seal encrypts the value of a SecureString, as the caller: who has no permission for the key gets KMS's error. Values of the
// standard tier are encrypted by the key itself, those of the advanced tier, which may be too large for that, by a data
// key of their own.
func (s *Service) seal(ctx context.Context, id aws.Identity, key, arn, tier, value string) (*sealed, error) {
	id.ViaService = viaService
	if tier == string(ssmapi.ParameterTierStandard) {
		out, err := s.kms.Encrypt(ctx, id, &kmsapi.EncryptRequest{KeyId: key, Plaintext: []byte(value), EncryptionContext: sealContext(arn)})
		if err != nil {
			return nil, keyError(key, err)
		}
		return &sealed{Key: out.CiphertextBlob}, nil
	}
	out, err := s.kms.GenerateDataKey(ctx, id, &kmsapi.GenerateDataKeyRequest{KeyId: key, KeySpec: kmsapi.DataKeySpecAes256,
		EncryptionContext: sealContext(arn)})
	if err != nil {
		return nil, keyError(key, err)
	}
	gcm, err := newGCM(out.Plaintext)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize()) // a data key encrypts once
	return &sealed{Key: out.CiphertextBlob, Body: gcm.Seal(nil, nonce, []byte(value), []byte(arn))}, nil
}

// open is the inverse of seal.
func (s *Service) open(ctx context.Context, id aws.Identity, key, arn string, box *sealed) (string, error) {
	id.ViaService = viaService
	out, err := s.kms.Decrypt(ctx, id, &kmsapi.DecryptRequest{CiphertextBlob: box.Key, EncryptionContext: sealContext(arn)})
	if err != nil {
		return "", keyError(key, err)
	}
	if box.Body == nil {
		return string(out.Plaintext), nil
	}
	gcm, err := newGCM(out.Plaintext)
	if err != nil {
		return "", err
	}
	value, err := gcm.Open(nil, make([]byte, gcm.NonceSize()), box.Body, []byte(arn))
	if err != nil {
		return "", fmt.Errorf("ssm: open %s: %w", arn, err)
	}
	return string(value), nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("ssm: data key: %w", err)
	}
	return cipher.NewGCM(block)
}

// keyError is what Parameter Store makes of KMS's complaints about a key; refusals of permission stay as they are.
func keyError(key string, err error) error {
	var missing *kmsapi.NotFoundException
	if errors.As(err, &missing) {
		return &ssmapi.InvalidKeyId{Message: "Invalid keyId " + key}
	}
	switch aws.CodeOf(err) {
	case "DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException", "InvalidArnException":
		return &ssmapi.InvalidKeyId{Message: aws.InfoOf(err).Message}
	}
	return err
}

// value returns the value of a version as a read shows it: a SecureString in the clear when the caller asks for that, else its
// ciphertext.
func (s *Service) value(ctx context.Context, id aws.Identity, arn string, v *version, decrypt *bool) (string, error) {
	if v.Sealed == nil {
		return v.Value, nil
	}
	if decrypt == nil || !*decrypt {
		return base64.StdEncoding.EncodeToString(append(append([]byte(nil), v.Sealed.Key...), v.Sealed.Body...)), nil
	}
	return s.open(ctx, id, v.KeyID, arn, v.Sealed)
}
