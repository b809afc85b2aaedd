package kms

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// keyRecord is a KMS key.
type keyRecord struct {
	Created     time.Time         `cbor:"1,keyasint"`
	State       string            `cbor:"2,keyasint"`
	Description string            `cbor:"3,keyasint,omitempty"`
	Policy      string            `cbor:"4,keyasint"`
	Tags        map[string]string `cbor:"5,keyasint,omitempty"`
	Materials   [][]byte          `cbor:"6,keyasint"` // the last is the current one
	Deletion    time.Time         `cbor:"7,keyasint,omitzero"`
	Window      int32             `cbor:"8,keyasint,omitempty"` // days of the deletion that is scheduled
	Rotates     bool              `cbor:"9,keyasint,omitempty"`
	Period      int32             `cbor:"10,keyasint,omitempty"` // days between rotations
	NextRotated time.Time         `cbor:"11,keyasint,omitzero"`
	AWSManaged  bool              `cbor:"12,keyasint,omitempty"`
	Rotations   []rotation        `cbor:"13,keyasint,omitempty"` // the first made Materials[1]
	Grants      int               `cbor:"14,keyasint,omitempty"` // how many
}

// rotation is how a key came to new material.
type rotation struct {
	Date     time.Time `cbor:"1,keyasint"`
	OnDemand bool      `cbor:"2,keyasint,omitempty"`
}

const keyVersion = 1

// key is a key with its name.
type key struct {
	account, region, id string
	keyRecord
}

func (k key) arn() string { return keyARN(k.account, k.region, k.id) }

func keyARN(account, region, id string) string {
	return aws.MakeARN(service, region, account, "key/"+id).String()
}

// materialID names a version of the key material as KMS does: 64 hexadecimal digits.
func (k key) materialID(version int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s/%d", k.arn(), version))
	return hex.EncodeToString(h[:])
}

func notFound(format string, args ...any) error {
	return &kmsapi.NotFoundException{Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationException", 400, format, args...)
}

// where says which account, region and key or alias a KeyId names: a key id, an alias name, or the ARN of either.
func where(id aws.Identity, named string) (account, region, name string, err error) {
	if !strings.HasPrefix(named, "arn:") {
		return id.Account, id.Region, named, nil
	}
	a, err := aws.ParseARN(named)
	if err != nil || a.Service != service {
		return "", "", "", &kmsapi.InvalidArnException{Message: named + " is not a valid ARN"}
	}
	if a.Region != id.Region {
		return "", "", "", &kmsapi.NotFoundException{Message: "Invalid arn " + a.Region}
	}
	if rest, ok := strings.CutPrefix(a.Resource, "key/"); ok {
		return a.Account, a.Region, rest, nil
	}
	return a.Account, a.Region, a.Resource, nil
}

func isAlias(named string) bool {
	return strings.HasPrefix(named, "alias/") || strings.Contains(named, ":alias/")
}

// aliasOf is the alias name, "alias/x", in a KeyId that is one.
func aliasOf(named string) string { return named[strings.Index(named, "alias/"):] }

// find looks up the key that a KeyId names.
func (s *Service) find(ctx context.Context, id aws.Identity, named string) (key, error) {
	account, region, name, err := where(id, named)
	if err != nil {
		return key{}, err
	}
	return store.View(ctx, s.shard(account, region), func(_ context.Context, r store.Reader) (key, error) {
		return readKey(r, account, region, name)
	})
}

// readKey reads a key by its id or by one of its aliases.
func readKey(r store.Reader, account, region, name string) (key, error) {
	k := key{account: account, region: region, id: name}
	if isAlias(name) {
		a, ok, err := readAlias(r, account, region, name)
		if err != nil {
			return k, err
		}
		if !ok {
			return k, notFound("Alias %s is not found.", aliasARN(account, region, name))
		}
		k.id = a.Key
	} else if _, err := uuid.Parse(name); err != nil {
		return k, notFound("Invalid keyId '%s'", name)
	}
	v, ok, err := r.Get(keyPrefix(account, region).Text(k.id))
	if err != nil {
		return k, err
	}
	if !ok {
		return k, notFound("Key '%s' does not exist", k.arn())
	}
	return k, record.Decode(v, keyVersion, &k.keyRecord)
}

func writeKey(tx store.Tx, k key) {
	tx.Set(keyPrefix(k.account, k.region).Text(k.id), record.Encode(keyVersion, k.keyRecord))
}

// change reads a key, lets f change it and writes it back. Only ids and key ARNs name keys here, as KMS has it.
func (s *Service) change(ctx context.Context, id aws.Identity, named string, f func(store.Tx, *key) error) (key, error) {
	account, region, name, err := where(id, named)
	if err != nil {
		return key{}, err
	}
	if account != id.Account {
		return key{}, aws.Errorf("AccessDeniedException", 400, "%s is in another account: this operation has no cross-account use", named)
	}
	if isAlias(name) {
		return key{}, &kmsapi.InvalidArnException{Message: "Invalid keyId '" + named + "'"}
	}
	return store.Update(ctx, s.shard(account, region), func(_ context.Context, tx store.Tx) (key, error) {
		k, err := readKey(tx, account, region, name)
		if err != nil {
			return k, err
		}
		if err := f(tx, &k); err != nil {
			return k, err
		}
		writeKey(tx, k)
		return k, nil
	})
}

// customer refuses to change a key that AWS manages.
func (k *key) customer() error {
	if k.AWSManaged {
		return aws.Errorf("AccessDeniedException", 400, "%s is an AWS managed key, which only its service may change", k.arn())
	}
	return nil
}

// pending refuses what cannot be done to a key that waits for its deletion.
func (k *key) pending() error {
	if k.State == string(kmsapi.KeyStatePendingDeletion) {
		return &kmsapi.KMSInvalidStateException{Message: k.arn() + " is pending deletion."}
	}
	return nil
}

// usable refuses a key that is not enabled.
func (k *key) usable() error {
	if k.State == string(kmsapi.KeyStateDisabled) {
		return &kmsapi.DisabledException{Message: k.arn() + " is disabled."}
	}
	return k.pending()
}

// CreateKey makes a symmetric key.
func (s *Service) CreateKey(ctx context.Context, id aws.Identity, in *kmsapi.CreateKeyRequest) (*kmsapi.CreateKeyResponse, error) {
	if err := supported(in); err != nil {
		return nil, err
	}
	tags := map[string]string{}
	if err := addTags(tags, in.Tags); err != nil {
		return nil, err
	}
	doc := defaultPolicy(id.Account)
	if in.Policy != nil {
		doc = *in.Policy
		if err := s.checkPolicy(id, doc, in.BypassPolicyLockoutSafetyCheck); err != nil {
			return nil, err
		}
	}
	k, err := s.newKey(id, doc)
	if err != nil {
		return nil, err
	}
	k.Tags = tags
	if in.Description != nil {
		k.Description = *in.Description
	}
	k, err = store.Update(ctx, s.shard(k.account, k.region), func(_ context.Context, tx store.Tx) (key, error) {
		k := k
		k.Created = tx.Now()
		writeKey(tx, k)
		return k, nil
	})
	if err != nil {
		return nil, err
	}
	return &kmsapi.CreateKeyResponse{KeyMetadata: k.metadata()}, nil
}

// supported refuses the kinds of keys that are not there.
func supported(in *kmsapi.CreateKeyRequest) error {
	spec := string(in.KeySpec)
	if spec == "" {
		spec = string(in.CustomerMasterKeySpec)
	}
	usage := in.KeyUsage
	switch {
	case spec != "" && spec != string(kmsapi.KeySpecSymmetricDefault):
		return &kmsapi.UnsupportedOperationException{Message: "Brume has keys of the spec SYMMETRIC_DEFAULT only, not " + spec + "."}
	case usage != "" && usage != kmsapi.KeyUsageTypeEncryptDecrypt:
		return invalid("KeyUsage %s is not compatible with KeySpec SYMMETRIC_DEFAULT", usage)
	case in.Origin != "" && in.Origin != kmsapi.OriginTypeAwsKms, in.CustomKeyStoreId != nil, in.XksKeyId != nil:
		return &kmsapi.UnsupportedOperationException{Message: "Brume has keys of the origin AWS_KMS only."}
	case in.MultiRegion != nil && *in.MultiRegion:
		return &kmsapi.UnsupportedOperationException{Message: "Brume has no multi-Region keys."}
	}
	return nil
}

func (s *Service) newKey(id aws.Identity, policy string) (key, error) {
	name, err := uuid.NewRandomFromReader(s.Rand)
	if err != nil {
		return key{}, err
	}
	material, err := s.random(keyBytes)
	return key{id.Account, id.Region, name.String(), keyRecord{State: string(kmsapi.KeyStateEnabled), Policy: policy,
		Materials: [][]byte{material}}}, err
}

func (k key) metadata() *kmsapi.KeyMetadata {
	arn, enabled, single, material := k.arn(), k.State == string(kmsapi.KeyStateEnabled), false, k.materialID(len(k.Materials))
	m := &kmsapi.KeyMetadata{AWSAccountId: &k.account, KeyId: k.id, Arn: &arn, CreationDate: &k.Created, Enabled: &enabled,
		Description: &k.Description, KeyUsage: kmsapi.KeyUsageTypeEncryptDecrypt, KeyState: kmsapi.KeyState(k.State),
		Origin: kmsapi.OriginTypeAwsKms, KeyManager: kmsapi.KeyManagerTypeCustomer,
		CustomerMasterKeySpec: kmsapi.CustomerMasterKeySpecSymmetricDefault, KeySpec: kmsapi.KeySpecSymmetricDefault,
		EncryptionAlgorithms: []kmsapi.EncryptionAlgorithmSpec{kmsapi.EncryptionAlgorithmSpecSymmetricDefault},
		MultiRegion:          &single, CurrentKeyMaterialId: &material}
	if k.AWSManaged {
		m.KeyManager = kmsapi.KeyManagerTypeAws
	}
	if !k.Deletion.IsZero() {
		m.DeletionDate = &k.Deletion
	}
	return m
}

// DescribeKey tells about a key, which may be named by an alias.
func (s *Service) DescribeKey(ctx context.Context, id aws.Identity, in *kmsapi.DescribeKeyRequest) (*kmsapi.DescribeKeyResponse, error) {
	k, err := s.use(ctx, id, in.KeyId)
	if err := cmp.Or(err, checkTokens(in.GrantTokens)); err != nil {
		return nil, err
	}
	return &kmsapi.DescribeKeyResponse{KeyMetadata: k.metadata()}, nil
}

// EnableKey lets a key be used again.
func (s *Service) EnableKey(ctx context.Context, id aws.Identity, in *kmsapi.EnableKeyRequest) (*kmsapi.EnableKeyOutput, error) {
	return &kmsapi.EnableKeyOutput{}, s.setState(ctx, id, in.KeyId, kmsapi.KeyStateEnabled)
}

// DisableKey keeps a key from being used.
func (s *Service) DisableKey(ctx context.Context, id aws.Identity, in *kmsapi.DisableKeyRequest) (*kmsapi.DisableKeyOutput, error) {
	return &kmsapi.DisableKeyOutput{}, s.setState(ctx, id, in.KeyId, kmsapi.KeyStateDisabled)
}

func (s *Service) setState(ctx context.Context, id aws.Identity, named string, state kmsapi.KeyState) error {
	_, err := s.change(ctx, id, named, func(_ store.Tx, k *key) error {
		if err := cmp.Or(k.customer(), k.pending()); err != nil {
			return err
		}
		k.State = string(state)
		return nil
	})
	return err
}

// UpdateKeyDescription changes a key's description.
func (s *Service) UpdateKeyDescription(ctx context.Context, id aws.Identity, in *kmsapi.UpdateKeyDescriptionRequest) (*kmsapi.UpdateKeyDescriptionOutput, error) {
	_, err := s.change(ctx, id, in.KeyId, func(_ store.Tx, k *key) error {
		k.Description = in.Description
		return cmp.Or(k.customer(), k.pending())
	})
	return &kmsapi.UpdateKeyDescriptionOutput{}, err
}

// ScheduleKeyDeletion has a key deleted after a waiting period, during which it cannot be used.
func (s *Service) ScheduleKeyDeletion(ctx context.Context, id aws.Identity, in *kmsapi.ScheduleKeyDeletionRequest) (*kmsapi.ScheduleKeyDeletionResponse, error) {
	days := int32(maxWindowDays)
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	if days < minWindowDays || days > maxWindowDays {
		return nil, invalid("PendingWindowInDays must be between %d and %d inclusive", minWindowDays, maxWindowDays)
	}
	k, err := s.change(ctx, id, in.KeyId, func(tx store.Tx, k *key) error {
		if err := cmp.Or(k.customer(), k.pending()); err != nil {
			return err
		}
		k.State = string(kmsapi.KeyStatePendingDeletion)
		k.Deletion, k.Window = tx.Now().AddDate(0, 0, int(days)), days
		return setPromise(tx, kindDelete, *k, k.Deletion)
	})
	if err != nil {
		return nil, err
	}
	arn := k.arn()
	return &kmsapi.ScheduleKeyDeletionResponse{KeyId: &arn, DeletionDate: &k.Deletion, KeyState: kmsapi.KeyStatePendingDeletion,
		PendingWindowInDays: &days}, nil
}

// CancelKeyDeletion keeps a key that waits for its deletion; it is disabled then.
func (s *Service) CancelKeyDeletion(ctx context.Context, id aws.Identity, in *kmsapi.CancelKeyDeletionRequest) (*kmsapi.CancelKeyDeletionResponse, error) {
	k, err := s.change(ctx, id, in.KeyId, func(tx store.Tx, k *key) error {
		if k.pending() == nil {
			return &kmsapi.KMSInvalidStateException{Message: k.arn() + " is not pending deletion."}
		}
		k.State, k.Deletion, k.Window = string(kmsapi.KeyStateDisabled), time.Time{}, 0
		_, err := timer.Cancel(tx, kindDelete, k.arn())
		return err
	})
	arn := k.arn()
	return &kmsapi.CancelKeyDeletionResponse{KeyId: &arn}, err
}

// checkPolicy refuses a document that is none, and one that would lock its author out.
func (s *Service) checkPolicy(id aws.Identity, doc string, bypass *bool) error {
	if len(doc) > maxPolicyBytes {
		return &kmsapi.LimitExceededException{Message: fmt.Sprintf("Policy exceeds maximum length of %d", maxPolicyBytes)}
	}
	d, err := policy.Parse(policy.Resource, doc)
	if err != nil {
		return &kmsapi.MalformedPolicyDocumentException{Message: err.Error()}
	}
	if bypass != nil && *bypass {
		return nil
	}
	may := policy.Evaluate(&policy.Policies{Resource: d, Decisive: true}, &policy.Request{Identity: &id, Action: "kms:PutKeyPolicy", Resource: "*"})
	root := aws.Identity{Kind: aws.Root, Account: id.Account, Region: id.Region, ARN: "arn:aws:iam::" + id.Account + ":root"}
	delegates := policy.Evaluate(&policy.Policies{Resource: d, Decisive: true}, &policy.Request{Identity: &root, Action: "kms:PutKeyPolicy", Resource: "*"})
	if !may.Allowed && !delegates.Allowed {
		return &kmsapi.MalformedPolicyDocumentException{Message: "The new key policy will not allow you to update the key policy in the future."}
	}
	return nil
}

// defaultPolicy gives the account full access, and so lets its IAM policies decide.
func defaultPolicy(account string) string {
	return `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}]}`
}
