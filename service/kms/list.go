package kms

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/page"
)

// newPage is a page of a listing by name.
func newPage(limit *int32, marker *string, usual int) (*page.Page, error) {
	p, err := page.New(page.Size(limit, usual), marker)
	if err != nil {
		return nil, &kmsapi.InvalidMarkerException{Message: "The marker is not one that this operation gave."}
	}
	return p, nil
}

// listed are Truncated and NextMarker of an answer.
func listed(p *page.Page) (*bool, *string) {
	more := p.More()
	return &more, p.Token()
}

// ListKeys lists all keys of the account and region.
func (s *Service) ListKeys(ctx context.Context, id aws.Identity, in *kmsapi.ListKeysRequest) (*kmsapi.ListKeysResponse, error) {
	pg, err := newPage(in.Limit, in.Marker, listKeysLimit)
	if err != nil {
		return nil, err
	}
	out := &kmsapi.ListKeysResponse{Keys: []kmsapi.KeyListEntry{}}
	err = s.shard(id.Account, id.Region).View(ctx, func(_ context.Context, r store.Reader) error {
		return pg.Each(r, keyPrefix(id.Account, id.Region), func(name string, _ store.Value) (bool, error) {
			arn := keyARN(id.Account, id.Region, name)
			out.Keys = append(out.Keys, kmsapi.KeyListEntry{KeyId: &name, KeyArn: &arn})
			return true, nil
		})
	})
	out.Truncated, out.NextMarker = listed(pg)
	return out, err
}

// policyName is the only name that a key's policy may have.
const policyName = "default"

// GetKeyPolicy returns a key's policy.
func (s *Service) GetKeyPolicy(ctx context.Context, id aws.Identity, in *kmsapi.GetKeyPolicyRequest) (*kmsapi.GetKeyPolicyResponse, error) {
	name := policyName
	if in.PolicyName != nil && *in.PolicyName != name {
		return nil, notFound("No such policy exists")
	}
	k, err := s.find(ctx, id, in.KeyId)
	return &kmsapi.GetKeyPolicyResponse{Policy: &k.Policy, PolicyName: &name}, err
}

// PutKeyPolicy replaces a key's policy.
func (s *Service) PutKeyPolicy(ctx context.Context, id aws.Identity, in *kmsapi.PutKeyPolicyRequest) (*kmsapi.PutKeyPolicyOutput, error) {
	if in.PolicyName != nil && *in.PolicyName != policyName {
		return nil, notFound("No such policy exists")
	}
	if err := s.checkPolicy(id, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, id, in.KeyId, func(_ store.Tx, k *key) error {
		k.Policy = in.Policy
		return cmp.Or(k.customer(), k.pending())
	})
	return &kmsapi.PutKeyPolicyOutput{}, err
}

// ListKeyPolicies lists the names of a key's policies: there is one.
func (s *Service) ListKeyPolicies(ctx context.Context, id aws.Identity, in *kmsapi.ListKeyPoliciesRequest) (*kmsapi.ListKeyPoliciesResponse, error) {
	_, err := s.find(ctx, id, in.KeyId)
	return &kmsapi.ListKeyPoliciesResponse{PolicyNames: []string{policyName}, Truncated: new(bool)}, err
}

// addTags adds tags to those that are there.
func addTags(all map[string]string, tags []kmsapi.Tag) error {
	for _, t := range tags {
		if aws.ReservedTag(t.TagKey) {
			return &kmsapi.TagException{Message: "Tag keys beginning with aws: are reserved for AWS use"}
		}
		all[t.TagKey] = t.TagValue
	}
	if len(all) > maxTags {
		return &kmsapi.LimitExceededException{Message: "Too many tags"}
	}
	return nil
}

// TagResource adds tags to a key.
func (s *Service) TagResource(ctx context.Context, id aws.Identity, in *kmsapi.TagResourceRequest) (*kmsapi.TagResourceOutput, error) {
	_, err := s.change(ctx, id, in.KeyId, func(_ store.Tx, k *key) error {
		if k.Tags == nil {
			k.Tags = map[string]string{}
		}
		return cmp.Or(k.customer(), k.pending(), addTags(k.Tags, in.Tags))
	})
	return &kmsapi.TagResourceOutput{}, err
}

// UntagResource takes tags from a key.
func (s *Service) UntagResource(ctx context.Context, id aws.Identity, in *kmsapi.UntagResourceRequest) (*kmsapi.UntagResourceOutput, error) {
	_, err := s.change(ctx, id, in.KeyId, func(_ store.Tx, k *key) error {
		for _, t := range in.TagKeys {
			delete(k.Tags, t)
		}
		return cmp.Or(k.customer(), k.pending())
	})
	return &kmsapi.UntagResourceOutput{}, err
}

// ListResourceTags lists a key's tags.
func (s *Service) ListResourceTags(ctx context.Context, id aws.Identity, in *kmsapi.ListResourceTagsRequest) (*kmsapi.ListResourceTagsResponse, error) {
	k, err := s.find(ctx, id, in.KeyId)
	if err != nil {
		return nil, err
	}
	pg, err := newPage(in.Limit, in.Marker, listTagsLimit)
	if err != nil {
		return nil, err
	}
	out := &kmsapi.ListResourceTagsResponse{Tags: []kmsapi.Tag{}}
	for _, n := range page.Slice(pg, slices.Sorted(maps.Keys(k.Tags)), func(n string) string { return n }) {
		out.Tags = append(out.Tags, kmsapi.Tag{TagKey: n, TagValue: k.Tags[n]})
	}
	out.Truncated, out.NextMarker = listed(pg)
	return out, nil
}
