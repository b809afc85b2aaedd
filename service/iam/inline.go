package iam

import (
	"context"
	"fmt"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/store"
)

// putInline embeds a policy in a user, group or role, in place of one of that name.
func (s *Service) putInline(ctx context.Context, id aws.Identity, k *kind, entity, name, document string) error {
	if _, err := parse(policy.Inline, document); err != nil {
		return err
	}
	_, err := update(ctx, s, id.Account, func(c *scope) (struct{}, error) {
		e, err := c.changeable(k, entity)
		if err != nil {
			return struct{}{}, err
		}
		size := policy.Size(document)
		err = c.eachInline(e, func(other, d string) error {
			if other != name {
				size += policy.Size(d)
			}
			return nil
		})
		if err != nil {
			return struct{}{}, err
		}
		if size > k.inline {
			return struct{}{}, &iamapi.LimitExceededException{Message: fmt.Sprintf(
				"Maximum policy size of %d bytes exceeded for %s %s", k.inline, k.name, entity)}
		}
		return struct{}{}, store.SetLarge(c.tx, c.inlines(e.ID).Text(name), []byte(document))
	})
	return err
}

// changeable is get for an entity that the account may change.
func (c *scope) changeable(k *kind, name string) (*entity, error) {
	if k == kindRole {
		return c.ownRole(name)
	}
	return c.get(k, name)
}

// eachInline calls f with the inline policies of an entity, which their quota keeps few, in order of their names.
func (c *scope) eachInline(e *entity, f func(name, document string) error) error {
	t := c.inlines(e.ID)
	kvs, done := c.Scan(t.Range(), store.ScanOpt{})
	for kv := range kvs {
		el := store.Decode(kv.Key, len(t))
		name := el.Text()
		if el.More() {
			continue // a further piece
		}
		d, _, err := store.GetLarge(c, t.Text(name))
		if err != nil {
			return err
		}
		if err := f(name, string(d)); err != nil {
			return err
		}
	}
	return done()
}

func (s *Service) getInline(ctx context.Context, id aws.Identity, k *kind, entity, name string) (string, error) {
	return view(ctx, s, id.Account, func(c *scope) (string, error) {
		e, err := c.get(k, entity)
		if err != nil {
			return "", err
		}
		d, ok, err := store.GetLarge(c, c.inlines(e.ID).Text(name))
		if err == nil && !ok {
			err = noInline(k, name)
		}
		return escape(string(d)), err
	})
}

func noInline(k *kind, name string) error {
	return &iamapi.NoSuchEntityException{Message: fmt.Sprintf("The %s policy with name %s cannot be found.", k.name, name)}
}

func (s *Service) deleteInline(ctx context.Context, id aws.Identity, k *kind, entity, name string) error {
	_, err := update(ctx, s, id.Account, func(c *scope) (struct{}, error) {
		e, err := c.changeable(k, entity)
		if err != nil {
			return struct{}{}, err
		}
		key := c.inlines(e.ID).Text(name)
		if _, ok, err := c.Get(key); err != nil {
			return struct{}{}, err
		} else if !ok {
			return struct{}{}, noInline(k, name)
		}
		return struct{}{}, store.DeleteLarge(c.tx, key)
	})
	return err
}

func (s *Service) listInline(ctx context.Context, id aws.Identity, k *kind, entity string, p *page) ([]string, error) {
	return view(ctx, s, id.Account, func(c *scope) ([]string, error) {
		names := []string{}
		e, err := c.get(k, entity)
		if err != nil {
			return nil, err
		}
		err = c.keys(c.inlines(e.ID), p, func(el *store.Elements, _ store.Value) (bool, error) {
			name := el.Text()
			if el.More() {
				return false, el.Err()
			}
			names = append(names, name)
			return true, el.Err()
		})
		return names, err
	})
}

// PutUserPolicy embeds a policy in a user.
func (s *Service) PutUserPolicy(ctx context.Context, id aws.Identity, in *iamapi.PutUserPolicyRequest) (*iamapi.PutUserPolicyOutput, error) {
	return &iamapi.PutUserPolicyOutput{}, s.putInline(ctx, id, kindUser, in.UserName, in.PolicyName, in.PolicyDocument)
}

// PutGroupPolicy embeds a policy in a group.
func (s *Service) PutGroupPolicy(ctx context.Context, id aws.Identity, in *iamapi.PutGroupPolicyRequest) (*iamapi.PutGroupPolicyOutput, error) {
	return &iamapi.PutGroupPolicyOutput{}, s.putInline(ctx, id, kindGroup, in.GroupName, in.PolicyName, in.PolicyDocument)
}

// PutRolePolicy embeds a policy in a role.
func (s *Service) PutRolePolicy(ctx context.Context, id aws.Identity, in *iamapi.PutRolePolicyRequest) (*iamapi.PutRolePolicyOutput, error) {
	return &iamapi.PutRolePolicyOutput{}, s.putInline(ctx, id, kindRole, in.RoleName, in.PolicyName, in.PolicyDocument)
}

// GetUserPolicy returns a policy embedded in a user.
func (s *Service) GetUserPolicy(ctx context.Context, id aws.Identity, in *iamapi.GetUserPolicyRequest) (*iamapi.GetUserPolicyResponse, error) {
	d, err := s.getInline(ctx, id, kindUser, in.UserName, in.PolicyName)
	return &iamapi.GetUserPolicyResponse{UserName: in.UserName, PolicyName: in.PolicyName, PolicyDocument: d}, err
}

// GetGroupPolicy returns a policy embedded in a group.
func (s *Service) GetGroupPolicy(ctx context.Context, id aws.Identity, in *iamapi.GetGroupPolicyRequest) (*iamapi.GetGroupPolicyResponse, error) {
	d, err := s.getInline(ctx, id, kindGroup, in.GroupName, in.PolicyName)
	return &iamapi.GetGroupPolicyResponse{GroupName: in.GroupName, PolicyName: in.PolicyName, PolicyDocument: d}, err
}

// GetRolePolicy returns a policy embedded in a role.
func (s *Service) GetRolePolicy(ctx context.Context, id aws.Identity, in *iamapi.GetRolePolicyRequest) (*iamapi.GetRolePolicyResponse, error) {
	d, err := s.getInline(ctx, id, kindRole, in.RoleName, in.PolicyName)
	return &iamapi.GetRolePolicyResponse{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: d}, err
}

// DeleteUserPolicy deletes a policy embedded in a user.
func (s *Service) DeleteUserPolicy(ctx context.Context, id aws.Identity, in *iamapi.DeleteUserPolicyRequest) (*iamapi.DeleteUserPolicyOutput, error) {
	return &iamapi.DeleteUserPolicyOutput{}, s.deleteInline(ctx, id, kindUser, in.UserName, in.PolicyName)
}

// DeleteGroupPolicy deletes a policy embedded in a group.
func (s *Service) DeleteGroupPolicy(ctx context.Context, id aws.Identity, in *iamapi.DeleteGroupPolicyRequest) (*iamapi.DeleteGroupPolicyOutput, error) {
	return &iamapi.DeleteGroupPolicyOutput{}, s.deleteInline(ctx, id, kindGroup, in.GroupName, in.PolicyName)
}

// DeleteRolePolicy deletes a policy embedded in a role.
func (s *Service) DeleteRolePolicy(ctx context.Context, id aws.Identity, in *iamapi.DeleteRolePolicyRequest) (*iamapi.DeleteRolePolicyOutput, error) {
	return &iamapi.DeleteRolePolicyOutput{}, s.deleteInline(ctx, id, kindRole, in.RoleName, in.PolicyName)
}

// ListUserPolicies names the policies embedded in a user.
func (s *Service) ListUserPolicies(ctx context.Context, id aws.Identity, in *iamapi.ListUserPoliciesRequest) (*iamapi.ListUserPoliciesResponse, error) {
	p := newPage(in.Marker, in.MaxItems)
	names, err := s.listInline(ctx, id, kindUser, in.UserName, p)
	out := &iamapi.ListUserPoliciesResponse{PolicyNames: names}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}

// ListGroupPolicies names the policies embedded in a group.
func (s *Service) ListGroupPolicies(ctx context.Context, id aws.Identity, in *iamapi.ListGroupPoliciesRequest) (*iamapi.ListGroupPoliciesResponse, error) {
	p := newPage(in.Marker, in.MaxItems)
	names, err := s.listInline(ctx, id, kindGroup, in.GroupName, p)
	out := &iamapi.ListGroupPoliciesResponse{PolicyNames: names}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}

// ListRolePolicies names the policies embedded in a role.
func (s *Service) ListRolePolicies(ctx context.Context, id aws.Identity, in *iamapi.ListRolePoliciesRequest) (*iamapi.ListRolePoliciesResponse, error) {
	p := newPage(in.Marker, in.MaxItems)
	names, err := s.listInline(ctx, id, kindRole, in.RoleName, p)
	out := &iamapi.ListRolePoliciesResponse{PolicyNames: names}
	out.IsTruncated, out.Marker = p.result()
	return out, err
}
