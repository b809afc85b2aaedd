package iam

import (
	"context"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
)

// boundary is the API's form of an entity's permissions boundary.
func boundary(e *entity) *iamapi.AttachedPermissionsBoundary {
	if e.Boundary == "" {
		return nil
	}
	// The documented type is "PermissionsBoundaryPolicy"; what IAM answers is "Policy".
	return &iamapi.AttachedPermissionsBoundary{PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: new(e.Boundary)}
}

// setBoundary gives an entity a permissions boundary, nil for none to give. The entity is not stored here.
func (s *Service) setBoundary(c *scope, k *kind, e *entity, arn *string) error {
	if arn == nil {
		return nil
	}
	r, err := s.attachable(c, *arn)
	if err != nil {
		return err
	}
	if err := s.unsetBoundary(c, k, e); err != nil {
		return err
	}
	e.Boundary = *arn
	c.tx.Set(c.bounded(r).Text(k.name).Text(e.ID), nil)
	c.tx.Add(c.limiting(r), 1)
	return nil
}

// unsetBoundary takes the boundary from an entity.
func (s *Service) unsetBoundary(c *scope, k *kind, e *entity) error {
	if e.Boundary == "" {
		return nil
	}
	r, err := parsePolicyARN(c.account, e.Boundary)
	if err != nil {
		return err
	}
	e.Boundary = ""
	c.tx.Delete(c.bounded(r).Text(k.name).Text(e.ID))
	c.tx.Add(c.limiting(r), -1)
	return nil
}

func (s *Service) changeBoundary(ctx context.Context, id aws.Identity, k *kind, name string, arn *string) error {
	_, err := update(ctx, s, id.Account, func(c *scope) (struct{}, error) {
		e, err := c.changeable(k, name)
		if err != nil {
			return struct{}{}, err
		}
		if arn == nil {
			err = s.unsetBoundary(c, k, e)
		} else {
			err = s.setBoundary(c, k, e, arn)
		}
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, c.put(k, e)
	})
	return err
}

// PutUserPermissionsBoundary sets the boundary of a user.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, id aws.Identity, in *iamapi.PutUserPermissionsBoundaryRequest) (*iamapi.PutUserPermissionsBoundaryOutput, error) {
	return &iamapi.PutUserPermissionsBoundaryOutput{}, s.changeBoundary(ctx, id, kindUser, in.UserName, &in.PermissionsBoundary)
}

// PutRolePermissionsBoundary sets the boundary of a role.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, id aws.Identity, in *iamapi.PutRolePermissionsBoundaryRequest) (*iamapi.PutRolePermissionsBoundaryOutput, error) {
	return &iamapi.PutRolePermissionsBoundaryOutput{}, s.changeBoundary(ctx, id, kindRole, in.RoleName, &in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary takes the boundary from a user.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, id aws.Identity, in *iamapi.DeleteUserPermissionsBoundaryRequest) (*iamapi.DeleteUserPermissionsBoundaryOutput, error) {
	return &iamapi.DeleteUserPermissionsBoundaryOutput{}, s.changeBoundary(ctx, id, kindUser, in.UserName, nil)
}

// DeleteRolePermissionsBoundary takes the boundary from a role.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, id aws.Identity, in *iamapi.DeleteRolePermissionsBoundaryRequest) (*iamapi.DeleteRolePermissionsBoundaryOutput, error) {
	return &iamapi.DeleteRolePermissionsBoundaryOutput{}, s.changeBoundary(ctx, id, kindRole, in.RoleName, nil)
}
