package kms

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
)

// Access says what an operation needs: an action on the key, whose policy must itself allow it. Operations on aliases
// need it on alias and key both.
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	w := wish{action: op}
	switch in := in.(type) {
	case *kmsapi.ReEncryptRequest:
		return s.reEncryptAccess(ctx, id, in)
	case *kmsapi.DecryptRequest:
		w.context = in.EncryptionContext
		blob, err := parseBlob(in.CiphertextBlob)
		switch {
		case err == nil:
			return s.onKey(ctx, id, blob.key, textOr(in.KeyId, blob.key), w)
		case in.KeyId != nil:
			return s.onKey(ctx, id, *in.KeyId, *in.KeyId, w)
		}
		return nil, nil
	case *kmsapi.CreateAliasRequest:
		out, err := s.onKey(ctx, id, in.TargetKeyId, in.TargetKeyId, w)
		return append(out, onAlias(id, op, in.AliasName)), err
	case *kmsapi.UpdateAliasRequest: // on the key that loses the name too
		to, err := s.onKey(ctx, id, in.TargetKeyId, in.TargetKeyId, w)
		from, fromErr := s.onKey(ctx, id, in.AliasName, in.AliasName, w)
		return append(append(to, from...), onAlias(id, op, in.AliasName)), cmp.Or(err, fromErr)
	case *kmsapi.DeleteAliasRequest:
		out, err := s.onKey(ctx, id, in.AliasName, in.AliasName, w)
		return append(out, onAlias(id, op, in.AliasName)), err
	case *kmsapi.RetireGrantRequest:
		return s.retireAccess(ctx, id, in)
	case *kmsapi.CreateKeyRequest:
		return createAccess(in), nil
	case *kmsapi.CreateGrantRequest:
		w.grant = in
		return s.onKey(ctx, id, in.KeyId, in.KeyId, w)
	}
	key, context, onKey := keyOf(in)
	if !onKey {
		return []aws.Access{{Action: service + ":" + op, Resource: "*"}}, nil
	}
	w.context = context
	return s.onKey(ctx, id, key, key, w)
}

// onKey is what a caller needs to do something with a key; named is the KeyId as the request has it.
func (s *Service) onKey(ctx context.Context, id aws.Identity, key, named string, w wish) ([]aws.Access, error) {
	a := aws.Access{Action: service + ":" + w.action, Resource: "*"}
	k, err := s.find(ctx, id, key)
	switch {
	case err == nil:
		a.Resource, a.ResourceAccount, a.Decisive = k.arn(), k.account, true
		if a.ResourcePolicy, err = s.granted(ctx, id, k, w); err != nil {
			return nil, err
		}
		a.Context = conditions(id, named, w)
		for name, v := range k.Tags {
			a.Context["aws:ResourceTag/"+name] = []string{v}
		}
	case aws.CodeOf(err) == "InternalFailure":
		return nil, err
	default:
		account, region, name, err := where(id, key)
		if err != nil || account != id.Account || !strings.HasPrefix(name, reserved) {
			break
		}
		// An AWS managed key that its first use will make: what its policy will say counts.
		a.Resource = aws.MakeARN(service, region, account, name).String()
		a.ResourceAccount, a.ResourcePolicy, a.Decisive = account, managedPolicy(id, strings.TrimPrefix(name, reserved)), true
		a.Context = conditions(id, named, w)
	}
	return []aws.Access{a}, nil
}

func (s *Service) reEncryptAccess(ctx context.Context, id aws.Identity, in *kmsapi.ReEncryptRequest) ([]aws.Access, error) {
	var out []aws.Access
	if source, err := parseBlob(in.CiphertextBlob); err == nil {
		from, err := s.onKey(ctx, id, source.key, textOr(in.SourceKeyId, source.key), wish{action: "ReEncryptFrom", context: in.SourceEncryptionContext})
		if err != nil {
			return nil, err
		}
		out = from
	}
	to, err := s.onKey(ctx, id, in.DestinationKeyId, in.DestinationKeyId, wish{action: "ReEncryptTo", context: in.DestinationEncryptionContext})
	return append(out, to...), err
}

// retireAccess asks the grant, not the key, who may retire it.
func (s *Service) retireAccess(ctx context.Context, id aws.Identity, in *kmsapi.RetireGrantRequest) ([]aws.Access, error) {
	a := aws.Access{Action: service + ":RetireGrant", Resource: "*"}
	named, grantID, err := retired(in)
	if err != nil {
		return []aws.Access{a}, nil
	}
	g, err := s.findGrant(ctx, id, named, grantID)
	switch {
	case err == nil:
		a.Resource, a.ResourceAccount, a.Decisive = g.key.arn(), g.key.account, true
		a.ResourcePolicy, err = g.retirePolicy()
	case aws.CodeOf(err) != "InternalFailure":
		err = nil // the operation will tell
	}
	return []aws.Access{a}, err
}

// createAccess is what CreateKey needs, and the tags that it gives.
func createAccess(in *kmsapi.CreateKeyRequest) []aws.Access {
	more := map[string][]string{}
	for _, t := range in.Tags {
		more["aws:RequestTag/"+t.TagKey] = []string{t.TagValue}
		more["aws:TagKeys"] = append(more["aws:TagKeys"], t.TagKey)
	}
	out := []aws.Access{{Action: service + ":CreateKey", Resource: "*", Context: more}}
	if len(in.Tags) > 0 {
		out = append(out, aws.Access{Action: service + ":TagResource", Resource: "*", Context: more})
	}
	return out
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
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
func conditions(id aws.Identity, named string, w wish) map[string][]string {
	out := map[string][]string{"kms:CallerAccount": {id.Account}, "kms:KeySpec": {string(kmsapi.KeySpecSymmetricDefault)},
		"kms:KeyUsage": {string(kmsapi.KeyUsageTypeEncryptDecrypt)}, "kms:KeyOrigin": {string(kmsapi.OriginTypeAwsKms)}}
	if id.ViaService != "" {
		out["kms:ViaService"] = []string{endpointOf(id.ViaService, id.Region)}
	}
	if isAlias(named) {
		out["kms:RequestAlias"] = []string{aliasOf(named)}
	}
	for name, v := range w.context {
		out["kms:EncryptionContext:"+name] = []string{v}
		out["kms:EncryptionContextKeys"] = append(out["kms:EncryptionContextKeys"], name)
	}
	if g := w.grant; g != nil {
		grantConditions(out, id, g)
	}
	return out
}

// endpointOf is how kms:ViaService names a service, by its endpoint, "ssm.eu-west-1.amazonaws.com".
func endpointOf(principal, region string) string {
	name, _, _ := strings.Cut(principal, ".")
	return name + "." + region + ".amazonaws.com"
}

// grantConditions are those of CreateGrant.
func grantConditions(out map[string][]string, id aws.Identity, in *kmsapi.CreateGrantRequest) {
	out["kms:GrantIsForAWSResource"] = []string{strconv.FormatBool(id.ViaService != "")}
	for _, op := range in.Operations {
		out["kms:GrantOperations"] = append(out["kms:GrantOperations"], string(op))
	}
	if in.GranteePrincipal != nil {
		out["kms:GranteePrincipal"] = []string{*in.GranteePrincipal}
	}
	if in.RetiringPrincipal != nil {
		out["kms:RetiringPrincipal"] = []string{*in.RetiringPrincipal}
	}
	c := in.Constraints
	if c == nil {
		return
	}
	for kind, context := range map[string]map[string]string{"EncryptionContextSubset": c.EncryptionContextSubset, "EncryptionContextEquals": c.EncryptionContextEquals} {
		if context != nil {
			out["kms:GrantConstraintType"] = append(out["kms:GrantConstraintType"], kind)
		}
		for name, v := range context {
			out["kms:EncryptionContext:"+name] = []string{v}
		}
	}
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
	case *kmsapi.ListGrantsRequest:
		return in.KeyId, nil, true
	case *kmsapi.RevokeGrantRequest:
		return in.KeyId, nil, true
	case *kmsapi.ListKeyRotationsRequest:
		return in.KeyId, nil, true
	case *kmsapi.RotateKeyOnDemandRequest:
		return in.KeyId, nil, true
	case *kmsapi.UpdateKeyDescriptionRequest:
		return in.KeyId, nil, true
	}
	return "", nil, false
}
