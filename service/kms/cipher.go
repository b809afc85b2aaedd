package kms

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
)

// blob is a ciphertext: what it needs to be decrypted stands in it, but for the key and the encryption context.
//
//	1 byte   version, 1
//	2 bytes  length of the key's ARN, big endian, and the ARN
//	4 bytes  version of the key material, from 1
//	12 bytes nonce
//	rest     AES-256-GCM, with everything before and the encryption context as additional data
type blob struct {
	key     string // ARN
	version uint32
	nonce   []byte
	sealed  []byte
	head    []byte
}

const (
	blobVersion = 1
	nonceSize   = 12
)

var errNoBlob = errors.New("kms: not a ciphertext of this service")

func parseBlob(b []byte) (blob, error) {
	if len(b) < 3 || b[0] != blobVersion {
		return blob{}, errNoBlob
	}
	n := 3 + int(binary.BigEndian.Uint16(b[1:]))
	if len(b) < n+4+nonceSize {
		return blob{}, errNoBlob
	}
	return blob{key: string(b[3:n]), version: binary.BigEndian.Uint32(b[n:]), nonce: b[n+4 : n+4+nonceSize],
		sealed: b[n+4+nonceSize:], head: b[:n+4]}, nil
}

// additional is the data that is authenticated with the plaintext: the head and the context, sorted by name.
func additional(head []byte, context map[string]string) []byte {
	out := slices.Clone(head)
	for _, k := range slices.Sorted(maps.Keys(context)) {
		for _, s := range []string{k, context[k]} {
			out = append(binary.AppendUvarint(out, uint64(len(s))), s...)
		}
	}
	return out
}

func aead(material []byte) (cipher.AEAD, error) {
	c, err := aes.NewCipher(material)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(c)
}

func (s *Service) seal(k key, plaintext []byte, context map[string]string) ([]byte, error) {
	nonce, err := s.random(nonceSize)
	if err != nil {
		return nil, err
	}
	version := len(k.Materials)
	a, err := aead(k.Materials[version-1])
	if err != nil {
		return nil, err
	}
	arn := k.arn()
	head := binary.BigEndian.AppendUint16([]byte{blobVersion}, uint16(len(arn)))
	head = binary.BigEndian.AppendUint32(append(head, arn...), uint32(version))
	return a.Seal(append(slices.Clone(head), nonce...), nonce, plaintext, additional(head, context)), nil
}

func (b blob) open(k key, context map[string]string) ([]byte, error) {
	if b.version < 1 || int(b.version) > len(k.Materials) {
		return nil, errNoBlob
	}
	a, err := aead(k.Materials[b.version-1])
	if err != nil {
		return nil, err
	}
	return a.Open(nil, b.nonce, b.sealed, additional(b.head, context))
}

func checkContext(context map[string]string) error {
	size := 0
	for k, v := range context {
		size += len(k) + len(v)
	}
	if size > maxContextBytes {
		return invalid("EncryptionContext exceeds maximum length of %d", maxContextBytes)
	}
	return nil
}

func dryRun(asked *bool) error {
	if asked != nil && *asked {
		return &kmsapi.DryRunOperationException{Message: "The request would have succeeded, but the DryRun option is set."}
	}
	return nil
}

func onlySymmetric(algorithms ...kmsapi.EncryptionAlgorithmSpec) error {
	for _, a := range algorithms {
		if a != "" && a != kmsapi.EncryptionAlgorithmSpecSymmetricDefault {
			return &kmsapi.InvalidKeyUsageException{Message: "The key is not compatible with the encryption algorithm " + string(a) + "."}
		}
	}
	return nil
}

func noEnclave(r *kmsapi.RecipientInfo) error {
	if r != nil {
		return &kmsapi.UnsupportedOperationException{Message: "Brume has no Nitro enclaves: leave Recipient out."}
	}
	return nil
}

// usableKey finds a key to encrypt with.
func (s *Service) usableKey(ctx context.Context, id aws.Identity, named string, context map[string]string) (key, error) {
	if err := checkContext(context); err != nil {
		return key{}, err
	}
	k, err := s.use(ctx, id, named)
	if err != nil {
		return k, err
	}
	return k, k.usable()
}

// Encrypt encrypts up to 4,096 bytes.
func (s *Service) Encrypt(ctx context.Context, id aws.Identity, in *kmsapi.EncryptRequest) (*kmsapi.EncryptResponse, error) {
	if err := cmp.Or(onlySymmetric(in.EncryptionAlgorithm), checkTokens(in.GrantTokens)); err != nil {
		return nil, err
	}
	k, err := s.usableKey(ctx, id, in.KeyId, in.EncryptionContext)
	if err := cmp.Or(err, dryRun(in.DryRun)); err != nil {
		return nil, err
	}
	sealed, err := s.seal(k, in.Plaintext, in.EncryptionContext)
	arn := k.arn()
	return &kmsapi.EncryptResponse{CiphertextBlob: sealed, KeyId: &arn, EncryptionAlgorithm: kmsapi.EncryptionAlgorithmSpecSymmetricDefault}, err
}

// decrypt opens a ciphertext. expected, when not nil, names the key that it must have been made with.
func (s *Service) decrypt(ctx context.Context, id aws.Identity, sealed []byte, context map[string]string, expected *string) ([]byte, key, uint32, error) {
	b, err := parseBlob(sealed)
	if err != nil {
		return nil, key{}, 0, &kmsapi.InvalidCiphertextException{}
	}
	k, err := s.find(ctx, id, b.key)
	if aws.CodeOf(err) == "NotFoundException" { // deleted, or of another region
		err = aws.Errorf("AccessDeniedException", 400, "The ciphertext refers to a customer master key that does not exist, "+
			"does not exist in this region, or you are not allowed to access.")
	}
	if err != nil {
		return nil, k, 0, err
	}
	if expected != nil {
		other, err := s.find(ctx, id, *expected)
		if err != nil {
			return nil, k, 0, err
		}
		if other.arn() != k.arn() {
			return nil, k, 0, &kmsapi.IncorrectKeyException{Message: "The key ID in the request does not identify a CMK that can perform this operation."}
		}
	}
	if err := k.usable(); err != nil {
		return nil, k, 0, err
	}
	plain, err := b.open(k, context)
	if err != nil {
		return nil, k, 0, &kmsapi.InvalidCiphertextException{}
	}
	return plain, k, b.version, nil
}

// Decrypt decrypts what a key of this service encrypted, with the same encryption context.
func (s *Service) Decrypt(ctx context.Context, id aws.Identity, in *kmsapi.DecryptRequest) (*kmsapi.DecryptResponse, error) {
	if err := cmp.Or(onlySymmetric(in.EncryptionAlgorithm), noEnclave(in.Recipient), checkTokens(in.GrantTokens)); err != nil {
		return nil, err
	}
	plain, k, version, err := s.decrypt(ctx, id, in.CiphertextBlob, in.EncryptionContext, in.KeyId)
	if err := cmp.Or(err, dryRun(in.DryRun)); err != nil {
		return nil, err
	}
	arn, material := k.arn(), k.materialID(int(version))
	return &kmsapi.DecryptResponse{KeyId: &arn, Plaintext: plain, KeyMaterialId: &material,
		EncryptionAlgorithm: kmsapi.EncryptionAlgorithmSpecSymmetricDefault}, nil
}

// ReEncrypt decrypts with one key and encrypts with another; the plaintext stays inside.
func (s *Service) ReEncrypt(ctx context.Context, id aws.Identity, in *kmsapi.ReEncryptRequest) (*kmsapi.ReEncryptResponse, error) {
	if err := cmp.Or(onlySymmetric(in.SourceEncryptionAlgorithm, in.DestinationEncryptionAlgorithm), checkTokens(in.GrantTokens)); err != nil {
		return nil, err
	}
	plain, from, version, err := s.decrypt(ctx, id, in.CiphertextBlob, in.SourceEncryptionContext, in.SourceKeyId)
	if err != nil {
		return nil, err
	}
	to, err := s.usableKey(ctx, id, in.DestinationKeyId, in.DestinationEncryptionContext)
	if err := cmp.Or(err, dryRun(in.DryRun)); err != nil {
		return nil, err
	}
	sealed, err := s.seal(to, plain, in.DestinationEncryptionContext)
	fromARN, toARN := from.arn(), to.arn()
	fromMaterial, toMaterial := from.materialID(int(version)), to.materialID(len(to.Materials))
	return &kmsapi.ReEncryptResponse{CiphertextBlob: sealed, SourceKeyId: &fromARN, KeyId: &toARN,
		SourceEncryptionAlgorithm:      kmsapi.EncryptionAlgorithmSpecSymmetricDefault,
		DestinationEncryptionAlgorithm: kmsapi.EncryptionAlgorithmSpecSymmetricDefault,
		SourceKeyMaterialId:            &fromMaterial, DestinationKeyMaterialId: &toMaterial}, err
}

// dataKey makes a data key and encrypts it.
func (s *Service) dataKey(ctx context.Context, id aws.Identity, in *kmsapi.GenerateDataKeyRequest) (*kmsapi.GenerateDataKeyResponse, error) {
	var n int
	switch {
	case (in.NumberOfBytes == nil) == (in.KeySpec == ""):
		return nil, invalid("Please specify either number of bytes or key spec.")
	case in.NumberOfBytes != nil:
		n = int(*in.NumberOfBytes)
	case in.KeySpec == kmsapi.DataKeySpecAes128:
		n = 16
	default:
		n = 32
	}
	k, err := s.usableKey(ctx, id, in.KeyId, in.EncryptionContext)
	if err := cmp.Or(err, noEnclave(in.Recipient), checkTokens(in.GrantTokens), dryRun(in.DryRun)); err != nil {
		return nil, err
	}
	plain, err := s.random(n)
	if err != nil {
		return nil, err
	}
	sealed, err := s.seal(k, plain, in.EncryptionContext)
	arn, material := k.arn(), k.materialID(len(k.Materials))
	return &kmsapi.GenerateDataKeyResponse{CiphertextBlob: sealed, Plaintext: plain, KeyId: &arn, KeyMaterialId: &material}, err
}

// GenerateDataKey makes a data key, in the clear and encrypted.
func (s *Service) GenerateDataKey(ctx context.Context, id aws.Identity, in *kmsapi.GenerateDataKeyRequest) (*kmsapi.GenerateDataKeyResponse, error) {
	return s.dataKey(ctx, id, in)
}

// GenerateDataKeyWithoutPlaintext makes a data key, encrypted only.
func (s *Service) GenerateDataKeyWithoutPlaintext(ctx context.Context, id aws.Identity, in *kmsapi.GenerateDataKeyWithoutPlaintextRequest) (*kmsapi.GenerateDataKeyWithoutPlaintextResponse, error) {
	out, err := s.dataKey(ctx, id, &kmsapi.GenerateDataKeyRequest{KeyId: in.KeyId, EncryptionContext: in.EncryptionContext,
		NumberOfBytes: in.NumberOfBytes, KeySpec: in.KeySpec, DryRun: in.DryRun, GrantTokens: in.GrantTokens})
	if err != nil {
		return nil, err
	}
	return &kmsapi.GenerateDataKeyWithoutPlaintextResponse{CiphertextBlob: out.CiphertextBlob, KeyId: out.KeyId, KeyMaterialId: out.KeyMaterialId}, nil
}

// GenerateRandom returns random bytes.
func (s *Service) GenerateRandom(_ context.Context, _ aws.Identity, in *kmsapi.GenerateRandomRequest) (*kmsapi.GenerateRandomResponse, error) {
	if in.NumberOfBytes == nil {
		return nil, invalid("NumberOfBytes is required.")
	}
	if in.CustomKeyStoreId != nil {
		return nil, &kmsapi.CustomKeyStoreNotFoundException{Message: *in.CustomKeyStoreId + " does not exist"}
	}
	b, err := s.random(int(*in.NumberOfBytes))
	return &kmsapi.GenerateRandomResponse{Plaintext: b}, cmp.Or(noEnclave(in.Recipient), err)
}
