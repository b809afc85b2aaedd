package iam

import (
	"context"
	"fmt"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
)

// CreateInstanceProfile makes an instance profile, the container in which a role is passed to a virtual machine.
func (s *Service) CreateInstanceProfile(ctx context.Context, id aws.Identity, in *iamapi.CreateInstanceProfileRequest) (*iamapi.CreateInstanceProfileResponse, error) {
	e, err := s.newEntity(kindProfile, in.InstanceProfileName, in.Path, in.Tags)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.CreateInstanceProfileResponse, error) {
		e := e // the closure may run again
		if err := c.create(kindProfile, &e); err != nil {
			return nil, err
		}
		p, err := c.profile(&e, true)
		return &iamapi.CreateInstanceProfileResponse{InstanceProfile: p}, err
	})
}

func (c *scope) profile(e *entity, whole bool) (*iamapi.InstanceProfile, error) {
	p := &iamapi.InstanceProfile{Path: e.Path, InstanceProfileName: e.Name, InstanceProfileId: e.ID,
		Arn: e.arn(kindProfile, c.account), CreateDate: e.Created, Roles: []iamapi.Role{}}
	if whole {
		p.Tags = append([]iamapi.Tag{}, apiTags(e.Tags)...)
	}
	if e.Role == "" {
		return p, nil
	}
	_, r, err := c.byID(e.Role)
	if err == nil && r != nil {
		p.Roles = append(p.Roles, c.role(r, false))
	}
	return p, err
}

// GetInstanceProfile describes an instance profile and its role.
func (s *Service) GetInstanceProfile(ctx context.Context, id aws.Identity, in *iamapi.GetInstanceProfileRequest) (*iamapi.GetInstanceProfileResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.GetInstanceProfileResponse, error) {
		e, err := c.get(kindProfile, in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		p, err := c.profile(e, true)
		return &iamapi.GetInstanceProfileResponse{InstanceProfile: p}, err
	})
}

// ListInstanceProfiles lists the instance profiles whose path begins with a prefix.
func (s *Service) ListInstanceProfiles(ctx context.Context, id aws.Identity, in *iamapi.ListInstanceProfilesRequest) (*iamapi.ListInstanceProfilesResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListInstanceProfilesResponse, error) {
		p := newPage(in.Marker, in.MaxItems)
		out := &iamapi.ListInstanceProfilesResponse{InstanceProfiles: []iamapi.InstanceProfile{}}
		err := c.list(kindProfile, p, in.PathPrefix, func(e *entity) error { return c.addProfile(&out.InstanceProfiles, e) })
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

// ListInstanceProfilesForRole lists the instance profiles that a role is in.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, id aws.Identity, in *iamapi.ListInstanceProfilesForRoleRequest) (*iamapi.ListInstanceProfilesForRoleResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListInstanceProfilesForRoleResponse, error) {
		r, err := c.get(kindRole, in.RoleName)
		if err != nil {
			return nil, err
		}
		p := newPage(in.Marker, in.MaxItems)
		out := &iamapi.ListInstanceProfilesForRoleResponse{InstanceProfiles: []iamapi.InstanceProfile{}}
		err = c.listByID(c.profilesOf(r.ID), p, func(e *entity) error { return c.addProfile(&out.InstanceProfiles, e) })
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

func (c *scope) addProfile(to *[]iamapi.InstanceProfile, e *entity) error {
	p, err := c.profile(e, false)
	*to = append(*to, *p)
	return err
}

// AddRoleToInstanceProfile puts a role into an instance profile, which holds one.
func (s *Service) AddRoleToInstanceProfile(ctx context.Context, id aws.Identity, in *iamapi.AddRoleToInstanceProfileRequest) (*iamapi.AddRoleToInstanceProfileOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.AddRoleToInstanceProfileOutput, error) {
		e, err := c.get(kindProfile, in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		r, err := c.ownRole(in.RoleName)
		if err != nil {
			return nil, err
		}
		if e.Role != "" {
			return nil, exceeds("InstanceSessionsPerInstanceProfile", maxRolesPerProfile)
		}
		e.Role = r.ID
		c.tx.Set(c.profilesOf(r.ID).Text(e.ID), nil)
		return &iamapi.AddRoleToInstanceProfileOutput{}, c.put(kindProfile, e)
	})
}

// RemoveRoleFromInstanceProfile takes the role out of an instance profile.
func (s *Service) RemoveRoleFromInstanceProfile(ctx context.Context, id aws.Identity, in *iamapi.RemoveRoleFromInstanceProfileRequest) (*iamapi.RemoveRoleFromInstanceProfileOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.RemoveRoleFromInstanceProfileOutput, error) {
		e, err := c.get(kindProfile, in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		r, err := c.ownRole(in.RoleName)
		if err != nil {
			return nil, err
		}
		if e.Role != r.ID {
			return nil, &iamapi.NoSuchEntityException{Message: fmt.Sprintf(kindRole.absent, in.RoleName)}
		}
		e.Role = ""
		c.tx.Delete(c.profilesOf(r.ID).Text(e.ID))
		return &iamapi.RemoveRoleFromInstanceProfileOutput{}, c.put(kindProfile, e)
	})
}

// DeleteInstanceProfile deletes an instance profile without a role.
func (s *Service) DeleteInstanceProfile(ctx context.Context, id aws.Identity, in *iamapi.DeleteInstanceProfileRequest) (*iamapi.DeleteInstanceProfileOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.DeleteInstanceProfileOutput, error) {
		e, err := c.get(kindProfile, in.InstanceProfileName)
		if err != nil {
			return nil, err
		}
		if e.Role != "" {
			return nil, conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		return &iamapi.DeleteInstanceProfileOutput{}, c.remove(kindProfile, e)
	})
}
