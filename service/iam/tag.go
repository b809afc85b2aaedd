package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
)

// newTags adds tags to those there are. Keys do not distinguish case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
func newTags(have []tag, add []iamapi.Tag) ([]tag, error) {
	out := slices.Clone(have)
	for i, t := range add {
		if aws.ReservedTag(t.Key) {
			return nil, &iamapi.InvalidInputException{Message: "Tag keys that begin with aws: are reserved: " + t.Key}
		}
		if slices.ContainsFunc(add[:i], func(o iamapi.Tag) bool { return strings.EqualFold(o.Key, t.Key) }) {
			return nil, &iamapi.InvalidInputException{Message: "Duplicate tag keys found. Please note that Tag keys are case insensitive."}
		}
		at := slices.IndexFunc(out, func(o tag) bool { return strings.EqualFold(o.Key, t.Key) })
		if at < 0 {
			out = append(out, tag{t.Key, t.Value})
		} else {
			out[at] = tag{t.Key, t.Value}
		}
	}
	if len(out) > maxTags {
		return nil, &iamapi.LimitExceededException{Message: "The number of tags has reached the maximum limit."}
	}
	return out, nil
}

func apiTags(ts []tag) []iamapi.Tag {
	var out []iamapi.Tag
	for _, t := range ts {
		out = append(out, iamapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// finder finds the entity that an operation on tags is about.
type finder func(*scope) (*entity, error)

func named(k *kind, name string) finder {
	return func(c *scope) (*entity, error) { return c.get(k, name) }
}

// tagEntity adds tags to an entity, or with names takes tags away.
func (s *Service) tagEntity(ctx context.Context, id aws.Identity, k *kind, find finder, add []iamapi.Tag, remove []string) error {
	_, err := update(ctx, s, id.Account, func(c *scope) (struct{}, error) {
		e, err := find(c)
		if err != nil {
			return struct{}{}, err
		}
		if e.Tags, err = newTags(e.Tags, add); err != nil {
			return struct{}{}, err
		}
		e.Tags = slices.DeleteFunc(e.Tags, func(t tag) bool {
			return slices.ContainsFunc(remove, func(r string) bool { return strings.EqualFold(r, t.Key) })
		})
		return struct{}{}, c.put(k, e)
	})
	return err
}

func (s *Service) listTags(ctx context.Context, id aws.Identity, find finder, p *page) ([]iamapi.Tag, error) {
	return view(ctx, s, id.Account, func(c *scope) ([]iamapi.Tag, error) {
		e, err := find(c)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(e.Tags, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
		from, to, err := p.slice(len(e.Tags), func(i int) string { return e.Tags[i].Key })
		return append([]iamapi.Tag{}, apiTags(e.Tags[from:to])...), err
	})
}

// TagUser tags a user.
func (s *Service) TagUser(ctx context.Context, id aws.Identity, in *iamapi.TagUserRequest) (*iamapi.TagUserOutput, error) {
	return &iamapi.TagUserOutput{}, s.tagEntity(ctx, id, kindUser, named(kindUser, in.UserName), in.Tags, nil)
}

// TagRole tags a role.
func (s *Service) TagRole(ctx context.Context, id aws.Identity, in *iamapi.TagRoleRequest) (*iamapi.TagRoleOutput, error) {
	return &iamapi.TagRoleOutput{}, s.tagEntity(ctx, id, kindRole, named(kindRole, in.RoleName), in.Tags, nil)
}

// TagInstanceProfile tags an instance profile.
func (s *Service) TagInstanceProfile(ctx context.Context, id aws.Identity, in *iamapi.TagInstanceProfileRequest) (*iamapi.TagInstanceProfileOutput, error) {
	return &iamapi.TagInstanceProfileOutput{}, s.tagEntity(ctx, id, kindProfile, named(kindProfile, in.InstanceProfileName), in.Tags, nil)
}

// TagPolicy tags a customer managed policy.
func (s *Service) TagPolicy(ctx context.Context, id aws.Identity, in *iamapi.TagPolicyRequest) (*iamapi.TagPolicyOutput, error) {
	r, err := ownPolicy(id, "TagPolicy", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return &iamapi.TagPolicyOutput{}, s.tagEntity(ctx, id, kindPolicy, r.get, in.Tags, nil)
}

// UntagUser takes tags from a user.
func (s *Service) UntagUser(ctx context.Context, id aws.Identity, in *iamapi.UntagUserRequest) (*iamapi.UntagUserOutput, error) {
	return &iamapi.UntagUserOutput{}, s.tagEntity(ctx, id, kindUser, named(kindUser, in.UserName), nil, in.TagKeys)
}

// UntagRole takes tags from a role.
func (s *Service) UntagRole(ctx context.Context, id aws.Identity, in *iamapi.UntagRoleRequest) (*iamapi.UntagRoleOutput, error) {
	return &iamapi.UntagRoleOutput{}, s.tagEntity(ctx, id, kindRole, named(kindRole, in.RoleName), nil, in.TagKeys)
}

// UntagInstanceProfile takes tags from an instance profile.
func (s *Service) UntagInstanceProfile(ctx context.Context, id aws.Identity, in *iamapi.UntagInstanceProfileRequest) (*iamapi.UntagInstanceProfileOutput, error) {
	return &iamapi.UntagInstanceProfileOutput{}, s.tagEntity(ctx, id, kindProfile, named(kindProfile, in.InstanceProfileName), nil, in.TagKeys)
}

// UntagPolicy takes tags from a customer managed policy.
func (s *Service) UntagPolicy(ctx context.Context, id aws.Identity, in *iamapi.UntagPolicyRequest) (*iamapi.UntagPolicyOutput, error) {
	r, err := ownPolicy(id, "UntagPolicy", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return &iamapi.UntagPolicyOutput{}, s.tagEntity(ctx, id, kindPolicy, r.get, nil, in.TagKeys)
}

// ListUserTags lists a user's tags.
func (s *Service) ListUserTags(ctx context.Context, id aws.Identity, in *iamapi.ListUserTagsRequest) (*iamapi.ListUserTagsResponse, error) {
	p := newPage(in.Marker, in.MaxItems)
	ts, err := s.listTags(ctx, id, named(kindUser, in.UserName), p)
	out := &iamapi.ListUserTagsResponse{Tags: ts}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}

// ListRoleTags lists a role's tags.
func (s *Service) ListRoleTags(ctx context.Context, id aws.Identity, in *iamapi.ListRoleTagsRequest) (*iamapi.ListRoleTagsResponse, error) {
	p := newPage(in.Marker, in.MaxItems)
	ts, err := s.listTags(ctx, id, named(kindRole, in.RoleName), p)
	out := &iamapi.ListRoleTagsResponse{Tags: ts}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}

// ListInstanceProfileTags lists an instance profile's tags.
func (s *Service) ListInstanceProfileTags(ctx context.Context, id aws.Identity, in *iamapi.ListInstanceProfileTagsRequest) (*iamapi.ListInstanceProfileTagsResponse, error) {
	p := newPage(in.Marker, in.MaxItems)
	ts, err := s.listTags(ctx, id, named(kindProfile, in.InstanceProfileName), p)
	out := &iamapi.ListInstanceProfileTagsResponse{Tags: ts}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}

// ListPolicyTags lists a policy's tags; AWS's own policies have none.
func (s *Service) ListPolicyTags(ctx context.Context, id aws.Identity, in *iamapi.ListPolicyTagsRequest) (*iamapi.ListPolicyTagsResponse, error) {
	r, err := parsePolicyARN(id.Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListPolicyTagsResponse{Tags: []iamapi.Tag{}}
	p := newPage(in.Marker, in.MaxItems)
	if r.from == fromOwn {
		out.Tags, err = s.listTags(ctx, id, r.get, p)
	}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}
