package iam

import (
	"context"
	"fmt"
	"strings"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// attachable finds a managed policy that is to be attached.
func (s *Service) attachable(c *scope, arn string) (policyRef, error) {
	r, err := parsePolicyARN(c.account, arn)
	if err != nil {
		return r, err
	}
	found := r.from == fromAWS && s.awsPolicy(r) != nil
	if r.from == fromOwn {
		e, err := c.find(kindPolicy, r.name)
		if err != nil {
			return r, err
		}
		found = e != nil && e.arn(kindPolicy, c.account) == arn
	}
	if !found {
		return r, &iamapi.NoSuchEntityException{Message: "Policy " + arn + " does not exist or is not attachable."}
	}
	return r, nil
}

// attach attaches a managed policy to a user, group or role; one that is attached stays so.
func (s *Service) attach(ctx context.Context, id aws.Identity, k *kind, name, arn string) error {
	_, err := update(ctx, s, id.Account, func(c *scope) (struct{}, error) {
		e, err := c.changeable(k, name)
		if err != nil {
			return struct{}{}, err
		}
		r, err := s.attachable(c, arn)
		if err != nil {
			return struct{}{}, err
		}
		key := r.key(c.attachments(e.ID))
		if _, there, err := c.Get(key); err != nil || there {
			return struct{}{}, err
		}
		n, err := c.number(c.attachments(e.ID))
		if err != nil {
			return struct{}{}, err
		}
		if n >= maxAttached {
			return struct{}{}, exceeds("PoliciesPer"+strings.ToUpper(k.name[:1])+k.name[1:], maxAttached)
		}
		c.tx.Set(key, nil)
		c.tx.Set(c.holders(r).Text(k.name).Text(e.ID), nil)
		c.tx.Add(c.attached(r), 1)
		return struct{}{}, nil
	})
	return err
}

func (s *Service) detach(ctx context.Context, id aws.Identity, k *kind, name, arn string) error {
	_, err := update(ctx, s, id.Account, func(c *scope) (struct{}, error) {
		e, err := c.changeable(k, name)
		if err != nil {
			return struct{}{}, err
		}
		r, err := parsePolicyARN(c.account, arn)
		if err != nil {
			return struct{}{}, err
		}
		key := r.key(c.attachments(e.ID))
		if _, there, err := c.Get(key); err != nil {
			return struct{}{}, err
		} else if !there {
			return struct{}{}, r.absent()
		}
		c.tx.Delete(key)
		c.tx.Delete(c.holders(r).Text(k.name).Text(e.ID))
		c.tx.Add(c.attached(r), -1)
		return struct{}{}, nil
	})
	return err
}

// listAttached lists the managed policies of an entity.
func (s *Service) listAttached(ctx context.Context, id aws.Identity, k *kind, name string, prefix *string, p *page) ([]iamapi.AttachedPolicy, error) {
	return view(ctx, s, id.Account, func(c *scope) ([]iamapi.AttachedPolicy, error) {
		e, err := c.get(k, name)
		if err != nil {
			return nil, err
		}
		out := []iamapi.AttachedPolicy{}
		err = c.keys(c.attachments(e.ID), p, func(el *store.Elements, _ store.Value) (bool, error) {
			name, path, arn, err := s.managedPolicy(c, el.Text(), el.Text())
			if err != nil || !strings.HasPrefix(path, aws.Or(prefix, "/")) {
				return false, err
			}
			out = append(out, iamapi.AttachedPolicy{PolicyName: new(name), PolicyArn: new(arn)})
			return true, nil
		})
		return out, err
	})
}

// managedPolicy returns the name, path and ARN of a policy that something in the store refers to.
func (s *Service) managedPolicy(c *scope, from, lower string) (name, path, arn string, err error) {
	if from == fromAWS {
		if m := s.managed.Named(lower); m != nil {
			return m.Name, m.Path, m.ARN(), nil
		}
	} else if e, err := c.load(kindPolicy, lower); err != nil || e != nil {
		if err != nil {
			return "", "", "", err
		}
		return e.Name, e.Path, e.arn(kindPolicy, c.account), nil
	}
	return "", "", "", fmt.Errorf("iam: attached policy %s %s does not exist", from, lower)
}

// AttachUserPolicy attaches a managed policy to a user.
func (s *Service) AttachUserPolicy(ctx context.Context, id aws.Identity, in *iamapi.AttachUserPolicyRequest) (*iamapi.AttachUserPolicyOutput, error) {
	return &iamapi.AttachUserPolicyOutput{}, s.attach(ctx, id, kindUser, in.UserName, in.PolicyArn)
}

// AttachGroupPolicy attaches a managed policy to a group.
func (s *Service) AttachGroupPolicy(ctx context.Context, id aws.Identity, in *iamapi.AttachGroupPolicyRequest) (*iamapi.AttachGroupPolicyOutput, error) {
	return &iamapi.AttachGroupPolicyOutput{}, s.attach(ctx, id, kindGroup, in.GroupName, in.PolicyArn)
}

// AttachRolePolicy attaches a managed policy to a role.
func (s *Service) AttachRolePolicy(ctx context.Context, id aws.Identity, in *iamapi.AttachRolePolicyRequest) (*iamapi.AttachRolePolicyOutput, error) {
	return &iamapi.AttachRolePolicyOutput{}, s.attach(ctx, id, kindRole, in.RoleName, in.PolicyArn)
}

// DetachUserPolicy detaches a managed policy from a user.
func (s *Service) DetachUserPolicy(ctx context.Context, id aws.Identity, in *iamapi.DetachUserPolicyRequest) (*iamapi.DetachUserPolicyOutput, error) {
	return &iamapi.DetachUserPolicyOutput{}, s.detach(ctx, id, kindUser, in.UserName, in.PolicyArn)
}

// DetachGroupPolicy detaches a managed policy from a group.
func (s *Service) DetachGroupPolicy(ctx context.Context, id aws.Identity, in *iamapi.DetachGroupPolicyRequest) (*iamapi.DetachGroupPolicyOutput, error) {
	return &iamapi.DetachGroupPolicyOutput{}, s.detach(ctx, id, kindGroup, in.GroupName, in.PolicyArn)
}

// DetachRolePolicy detaches a managed policy from a role.
func (s *Service) DetachRolePolicy(ctx context.Context, id aws.Identity, in *iamapi.DetachRolePolicyRequest) (*iamapi.DetachRolePolicyOutput, error) {
	return &iamapi.DetachRolePolicyOutput{}, s.detach(ctx, id, kindRole, in.RoleName, in.PolicyArn)
}

// ListAttachedUserPolicies lists a user's managed policies.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, id aws.Identity, in *iamapi.ListAttachedUserPoliciesRequest) (*iamapi.ListAttachedUserPoliciesResponse, error) {
	p := newPage(in.Marker, in.MaxItems)
	ps, err := s.listAttached(ctx, id, kindUser, in.UserName, in.PathPrefix, p)
	out := &iamapi.ListAttachedUserPoliciesResponse{AttachedPolicies: ps}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}

// ListAttachedGroupPolicies lists a group's managed policies.
func (s *Service) ListAttachedGroupPolicies(ctx context.Context, id aws.Identity, in *iamapi.ListAttachedGroupPoliciesRequest) (*iamapi.ListAttachedGroupPoliciesResponse, error) {
	p := newPage(in.Marker, in.MaxItems)
	ps, err := s.listAttached(ctx, id, kindGroup, in.GroupName, in.PathPrefix, p)
	out := &iamapi.ListAttachedGroupPoliciesResponse{AttachedPolicies: ps}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}

// ListAttachedRolePolicies lists a role's managed policies.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, id aws.Identity, in *iamapi.ListAttachedRolePoliciesRequest) (*iamapi.ListAttachedRolePoliciesResponse, error) {
	p := newPage(in.Marker, in.MaxItems)
	ps, err := s.listAttached(ctx, id, kindRole, in.RoleName, in.PathPrefix, p)
	out := &iamapi.ListAttachedRolePoliciesResponse{AttachedPolicies: ps}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}

// ListEntitiesForPolicy lists the users, groups and roles that a managed policy is attached to or the boundary of.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, id aws.Identity, in *iamapi.ListEntitiesForPolicyRequest) (*iamapi.ListEntitiesForPolicyResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListEntitiesForPolicyResponse, error) {
		r, err := s.attachable(c, in.PolicyArn)
		if err != nil {
			return nil, r.absent()
		}
		out := &iamapi.ListEntitiesForPolicyResponse{PolicyGroups: []iamapi.PolicyGroup{}, PolicyUsers: []iamapi.PolicyUser{},
			PolicyRoles: []iamapi.PolicyRole{}}
		p := newPage(in.Marker, in.MaxItems)
		t := c.holders(r)
		if in.PolicyUsageFilter == iamapi.PolicyUsageTypePermissionsBoundary {
			t = c.bounded(r)
		}
		err = c.keys(t, p, func(el *store.Elements, _ store.Value) (bool, error) {
			el.Text()
			k, e, err := c.byID(el.Text())
			if err != nil || e == nil || !strings.HasPrefix(e.Path, aws.Or(in.PathPrefix, "/")) {
				return false, err
			}
			return addHolder(out, in.EntityFilter, k, e), nil
		})
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

// addHolder adds an entity to the answer unless the filter leaves out its kind.
func addHolder(out *iamapi.ListEntitiesForPolicyResponse, filter iamapi.EntityType, k *kind, e *entity) bool {
	want := func(t iamapi.EntityType) bool { return filter == "" || filter == t }
	switch {
	case k == kindUser && want(iamapi.EntityTypeUser):
		out.PolicyUsers = append(out.PolicyUsers, iamapi.PolicyUser{UserName: new(e.Name), UserId: new(e.ID)})
	case k == kindGroup && want(iamapi.EntityTypeGroup):
		out.PolicyGroups = append(out.PolicyGroups, iamapi.PolicyGroup{GroupName: new(e.Name), GroupId: new(e.ID)})
	case k == kindRole && want(iamapi.EntityTypeRole):
		out.PolicyRoles = append(out.PolicyRoles, iamapi.PolicyRole{RoleName: new(e.Name), RoleId: new(e.ID)})
	default:
		return false
	}
	return true
}
