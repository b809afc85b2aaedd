// Package kms is the AWS Key Management Service: symmetric keys with their policies, aliases and rotation, and what is
// done with them. https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
//
// Key material lies in the store like everything else: what protects it is what protects the data folder.
package kms

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store store.Store
	Timer *timer.Runner
	Rand  io.Reader // crypto/rand.Reader
}

// Service implements kmsapi.Handler.
type Service struct{ Config }

var _ kmsapi.Handler = (*Service)(nil)

// The kinds of promises of this service; their ID is that of the key.
const (
	kindDelete = "kms.delete" // the waiting period of a deletion has ended
	kindRotate = "kms.rotate" // a key is due for new material
)

// New returns the service and registers its promises with the timer.
func New(c Config) (*Service, error) {
	s := &Service{c}
	c.Timer.Handle(kindDelete, s.deleteKey, timer.Policy{})
	c.Timer.Handle(kindRotate, s.rotate, timer.Policy{})
	return s, nil
}

func (s *Service) shard(account, region string) store.Shard {
	return s.Store.Shard(store.Home(account, region))
}

func (s *Service) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.Rand, b); err != nil {
		return nil, fmt.Errorf("kms: read random bytes: %w", err)
	}
	return b, nil
}

// Access says what an operation needs: an action on the key, whose policy must itself allow it. Operations on aliases
// need it on alias and key both.
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	var out []aws.Access
	add := func(action, key, named string, context map[string]string) error {
		a := aws.Access{Action: service + ":" + action, Resource: "*"}
		if k, err := s.find(ctx, id, key); err == nil {
			a.Resource, a.ResourceAccount, a.ResourcePolicy, a.Decisive = k.arn(), k.account, k.Policy, true
			a.Context = conditions(id, named, context)
		} else if aws.CodeOf(err) == "InternalFailure" {
			return err
		} else if account, region, name, err := where(id, key); err == nil && account == id.Account && strings.HasPrefix(name, reserved) {
			// An AWS managed key that its first use will make: what its policy will say counts.
			a.Resource = aws.MakeARN(service, region, account, name).String()
			a.ResourceAccount, a.ResourcePolicy, a.Decisive = account, managedPolicy(id, strings.TrimPrefix(name, reserved)), true
			a.Context = conditions(id, named, context)
		}
		out = append(out, a)
		return nil
	}
	var err error
	switch in := in.(type) {
	case *kmsapi.ReEncryptRequest:
		source, readErr := parseBlob(in.CiphertextBlob)
		if readErr == nil {
			err = add("ReEncryptFrom", source.key, textOr(in.SourceKeyId, source.key), in.SourceEncryptionContext)
		}
		if err == nil {
			err = add("ReEncryptTo", in.DestinationKeyId, in.DestinationKeyId, in.DestinationEncryptionContext)
		}
	case *kmsapi.DecryptRequest:
		blob, readErr := parseBlob(in.CiphertextBlob)
		switch {
		case readErr == nil:
			err = add(op, blob.key, textOr(in.KeyId, blob.key), in.EncryptionContext)
		case in.KeyId != nil:
			err = add(op, *in.KeyId, *in.KeyId, in.EncryptionContext)
		}
	case *kmsapi.CreateAliasRequest:
		err = add(op, in.TargetKeyId, in.TargetKeyId, nil)
		out = append(out, onAlias(id, op, in.AliasName))
	case *kmsapi.UpdateAliasRequest: // on the key that loses the name too
		err = firstError(add(op, in.TargetKeyId, in.TargetKeyId, nil), add(op, in.AliasName, in.AliasName, nil))
		out = append(out, onAlias(id, op, in.AliasName))
	case *kmsapi.DeleteAliasRequest:
		err = add(op, in.AliasName, in.AliasName, nil)
		out = append(out, onAlias(id, op, in.AliasName))
	default:
		key, context, onKey := keyOf(in)
		if !onKey {
			return []aws.Access{{Action: service + ":" + op, Resource: "*"}}, nil
		}
		err = add(op, key, key, context)
	}
	return out, err
}

// onAlias is what the operations on aliases need beside the key.
func onAlias(id aws.Identity, op, alias string) aws.Access {
	return aws.Access{Action: service + ":" + op, Resource: aliasARN(id.Account, id.Region, alias)}
}

func textOr(s *string, absent string) string {
	if s == nil {
		return absent
	}
	return *s
}

// conditions are the condition keys that KMS adds; named is the KeyId as the request has it.
func conditions(id aws.Identity, named string, context map[string]string) map[string][]string {
	out := map[string][]string{"kms:CallerAccount": {id.Account}, "kms:KeySpec": {string(kmsapi.KeySpecSymmetricDefault)},
		"kms:KeyUsage": {string(kmsapi.KeyUsageTypeEncryptDecrypt)}, "kms:KeyOrigin": {string(kmsapi.OriginTypeAwsKms)}}
	if isAlias(named) {
		out["kms:RequestAlias"] = []string{aliasOf(named)}
	}
	for name, v := range context {
		out["kms:EncryptionContext:"+name] = []string{v}
		out["kms:EncryptionContextKeys"] = append(out["kms:EncryptionContextKeys"], name)
	}
	return out
}

// keyOf finds the key that a request is about, and its encryption context.
func keyOf(in any) (key string, context map[string]string, onKey bool) {
	switch in := in.(type) {
	case *kmsapi.EncryptRequest:
		return in.KeyId, in.EncryptionContext, true
	case *kmsapi.GenerateDataKeyRequest:
		return in.KeyId, in.EncryptionContext, true
	case *kmsapi.GenerateDataKeyWithoutPlaintextRequest:
		return in.KeyId, in.EncryptionContext, true
	case *kmsapi.DescribeKeyRequest:
		return in.KeyId, nil, true
	case *kmsapi.CancelKeyDeletionRequest:
		return in.KeyId, nil, true
	case *kmsapi.ScheduleKeyDeletionRequest:
		return in.KeyId, nil, true
	case *kmsapi.EnableKeyRequest:
		return in.KeyId, nil, true
	case *kmsapi.DisableKeyRequest:
		return in.KeyId, nil, true
	case *kmsapi.EnableKeyRotationRequest:
		return in.KeyId, nil, true
	case *kmsapi.DisableKeyRotationRequest:
		return in.KeyId, nil, true
	case *kmsapi.GetKeyRotationStatusRequest:
		return in.KeyId, nil, true
	case *kmsapi.GetKeyPolicyRequest:
		return in.KeyId, nil, true
	case *kmsapi.PutKeyPolicyRequest:
		return in.KeyId, nil, true
	case *kmsapi.ListKeyPoliciesRequest:
		return in.KeyId, nil, true
	case *kmsapi.ListResourceTagsRequest:
		return in.KeyId, nil, true
	case *kmsapi.TagResourceRequest:
		return in.KeyId, nil, true
	case *kmsapi.UntagResourceRequest:
		return in.KeyId, nil, true
	case *kmsapi.UpdateKeyDescriptionRequest:
		return in.KeyId, nil, true
	}
	return "", nil, false
}
