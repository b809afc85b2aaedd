package kms

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// page is one answer of a listing by name; its marker is the last name of the answer before.
type page struct {
	limit int
	after string
	next  *string
	more  bool
}

func newPage(limit *int32, marker *string, usual int) *page {
	p := &page{limit: usual}
	if limit != nil {
		p.limit = int(*limit)
	}
	if marker != nil {
		p.after = *marker
	}
	return p
}

// read lists the names that extend prefix.
func (p *page) read(r store.Reader, prefix store.Tuple) (names []string, err error) {
	rng := prefix.Range()
	if p.after != "" {
		rng = prefix.Text(p.after).After(rng)
	}
	pairs, done := r.Scan(rng, store.ScanOpt{Limit: p.limit + 1})
	for kv := range pairs {
		names = append(names, store.Decode(kv.Key, len(prefix)).Text())
	}
	return p.cut(names), done()
}

// cut leaves one page of names, which are in order and after the marker.
func (p *page) cut(names []string) []string {
	if len(names) > p.limit {
		names = names[:p.limit]
		p.more, p.next = true, &names[p.limit-1]
	}
	return names
}

// ListKeys lists all keys of the account and region.
func (s *Service) ListKeys(ctx context.Context, id aws.Identity, in *kmsapi.ListKeysRequest) (*kmsapi.ListKeysResponse, error) {
	pg := newPage(in.Limit, in.Marker, listKeysLimit)
	out := &kmsapi.ListKeysResponse{Keys: []kmsapi.KeyListEntry{}}
	err := s.shard(id.Account, id.Region).View(ctx, func(_ context.Context, r store.Reader) error {
		names, err := pg.read(r, keyPrefix(id.Account, id.Region))
		for _, n := range names {
			arn := keyARN(id.Account, id.Region, n)
			out.Keys = append(out.Keys, kmsapi.KeyListEntry{KeyId: &n, KeyArn: &arn})
		}
		return err
	})
	out.NextMarker, out.Truncated = pg.next, &pg.more
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
		return firstError(k.customer(), k.pending())
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
		if strings.HasPrefix(strings.ToLower(t.TagKey), "aws:") {
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
		return firstError(k.customer(), k.pending(), addTags(k.Tags, in.Tags))
	})
	return &kmsapi.TagResourceOutput{}, err
}

// UntagResource takes tags from a key.
func (s *Service) UntagResource(ctx context.Context, id aws.Identity, in *kmsapi.UntagResourceRequest) (*kmsapi.UntagResourceOutput, error) {
	_, err := s.change(ctx, id, in.KeyId, func(_ store.Tx, k *key) error {
		for _, t := range in.TagKeys {
			delete(k.Tags, t)
		}
		return firstError(k.customer(), k.pending())
	})
	return &kmsapi.UntagResourceOutput{}, err
}

// ListResourceTags lists a key's tags.
func (s *Service) ListResourceTags(ctx context.Context, id aws.Identity, in *kmsapi.ListResourceTagsRequest) (*kmsapi.ListResourceTagsResponse, error) {
	k, err := s.find(ctx, id, in.KeyId)
	if err != nil {
		return nil, err
	}
	pg := newPage(in.Limit, in.Marker, listTagsLimit)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(k.Tags)), func(n string) bool { return n <= pg.after })
	out := &kmsapi.ListResourceTagsResponse{Tags: []kmsapi.Tag{}}
	for _, n := range pg.cut(names) {
		out.Tags = append(out.Tags, kmsapi.Tag{TagKey: n, TagValue: k.Tags[n]})
	}
	out.NextMarker, out.Truncated = pg.next, &pg.more
	return out, nil
}
