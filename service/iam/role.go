package iam

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

// CreateRole makes a role.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
func (s *Service) CreateRole(ctx context.Context, id aws.Identity, in *iamapi.CreateRoleRequest) (*iamapi.CreateRoleResponse, error) {
	if strings.HasPrefix(aws.Or(in.Path, "/"), linkedPath) {
		return nil, &iamapi.InvalidInputException{Message: "The path " + linkedPath + " is reserved for service-linked roles."}
	}
	e, err := s.newEntity(kindRole, in.RoleName, in.Path, in.Tags)
	if err != nil {
		return nil, err
	}
	e.Description, e.Session = aws.Or(in.Description, ""), aws.Or(in.MaxSessionDuration, defaultSession)
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.CreateRoleResponse, error) {
		e := e // the closure may run again
		if err := c.setTrust(&e, in.AssumeRolePolicyDocument); err != nil {
			return nil, err
		}
		if err := s.setBoundary(c, kindRole, &e, in.PermissionsBoundary); err != nil {
			return nil, err
		}
		if err := c.create(kindRole, &e); err != nil {
			return nil, err
		}
		return &iamapi.CreateRoleResponse{Role: new(c.role(&e, true))}, nil
	})
}

// setTrust checks a trust policy and gives it to the role. The users and roles of the account that it names must exist.
func (c *scope) setTrust(e *entity, document string) error {
	d, err := parse(policy.Trust, document)
	if err != nil {
		return err
	}
	if policy.Size(document) > maxTrustSize {
		return exceeds("ACLSizePerRole", maxTrustSize)
	}
	for _, arn := range d.PrincipalARNs() {
		a, err := aws.ParseARN(arn)
		if err != nil || a.Service != "iam" || a.Account != c.account {
			continue
		}
		k, name := kindOf(a)
		if k == nil {
			continue
		}
		if found, err := c.find(k, name); err != nil {
			return err
		} else if found == nil || found.arn(k, c.account) != arn {
			return &iamapi.MalformedPolicyDocumentException{Message: fmt.Sprintf("Invalid principal in policy: \"AWS\":\"%s\"", arn)}
		}
	}
	e.Trust = document
	return nil
}

// kindOf returns the kind and name of the user or role that an ARN names.
func kindOf(a aws.ARN) (*kind, string) {
	what, rest, ok := strings.Cut(a.Resource, "/")
	if !ok {
		return nil, ""
	}
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	switch what {
	case "user":
		return kindUser, name
	case "role":
		return kindRole, name
	}
	return nil, ""
}

// parse is policy.Parse with IAM's error.
func parse(k policy.Kind, document string) (*policy.Document, error) {
	d, err := policy.Parse(k, document)
	if err != nil {
		return nil, &iamapi.MalformedPolicyDocumentException{Message: err.Error()}
	}
	return d, nil
}

// escape is how IAM returns policy documents: percent-encoded by RFC 3986.
func escape(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// role is the API's form; whole adds what listings leave out.
func (c *scope) role(e *entity, whole bool) iamapi.Role {
	r := iamapi.Role{Path: e.Path, RoleName: e.Name, RoleId: e.ID, Arn: e.arn(kindRole, c.account), CreateDate: e.Created,
		AssumeRolePolicyDocument: new(escape(e.Trust)), MaxSessionDuration: new(e.Session)}
	if e.Description != "" {
		r.Description = new(e.Description)
	}
	if whole {
		r.PermissionsBoundary, r.Tags = boundary(e), apiTags(e.Tags)
	}
	return r
}

// GetRole describes a role.
func (s *Service) GetRole(ctx context.Context, id aws.Identity, in *iamapi.GetRoleRequest) (*iamapi.GetRoleResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.GetRoleResponse, error) {
		e, err := c.get(kindRole, in.RoleName)
		if err != nil {
			return nil, err
		}
		r := c.role(e, true)
		r.RoleLastUsed = &iamapi.RoleLastUsed{}
		u, err := s.lastUsed(c, e.ID)
		if err == nil && u != nil {
			r.RoleLastUsed = &iamapi.RoleLastUsed{LastUsedDate: new(u.Time), Region: new(u.Region)}
		}
		return &iamapi.GetRoleResponse{Role: &r}, err
	})
}

// ListRoles lists the roles whose path begins with a prefix.
func (s *Service) ListRoles(ctx context.Context, id aws.Identity, in *iamapi.ListRolesRequest) (*iamapi.ListRolesResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListRolesResponse, error) {
		p := newPage(in.Marker, in.MaxItems)
		out := &iamapi.ListRolesResponse{Roles: []iamapi.Role{}}
		err := c.list(kindRole, p, in.PathPrefix, func(e *entity) error {
			out.Roles = append(out.Roles, c.role(e, false))
			return nil
		})
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

// ownRole is get for a role that the account may change: service-linked roles belong to their services.
func (c *scope) ownRole(name string) (*entity, error) {
	e, err := c.get(kindRole, name)
	if err == nil && strings.HasPrefix(e.Path, linkedPath) {
		err = &iamapi.UnmodifiableEntityException{Message: fmt.Sprintf(
			"Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", name)}
	}
	return e, err
}

// changeRole runs a change on a role in one transaction.
func changeRole[T any](ctx context.Context, s *Service, id aws.Identity, name string, fn func(*scope, *entity) (T, error)) (T, error) {
	return update(ctx, s, id.Account, func(c *scope) (T, error) {
		var zero T
		e, err := c.ownRole(name)
		if err != nil {
			return zero, err
		}
		out, err := fn(c, e)
		if err != nil {
			return zero, err
		}
		return out, c.put(kindRole, e)
	})
}

// UpdateRole changes a role's description and session duration. An absent duration means the default, as at AWS.
func (s *Service) UpdateRole(ctx context.Context, id aws.Identity, in *iamapi.UpdateRoleRequest) (*iamapi.UpdateRoleResponse, error) {
	return changeRole(ctx, s, id, in.RoleName, func(_ *scope, e *entity) (*iamapi.UpdateRoleResponse, error) {
		e.Description, e.Session = aws.Or(in.Description, e.Description), aws.Or(in.MaxSessionDuration, defaultSession)
		return &iamapi.UpdateRoleResponse{}, nil
	})
}

// UpdateRoleDescription changes a role's description.
func (s *Service) UpdateRoleDescription(ctx context.Context, id aws.Identity, in *iamapi.UpdateRoleDescriptionRequest) (*iamapi.UpdateRoleDescriptionResponse, error) {
	return changeRole(ctx, s, id, in.RoleName, func(c *scope, e *entity) (*iamapi.UpdateRoleDescriptionResponse, error) {
		e.Description = in.Description
		return &iamapi.UpdateRoleDescriptionResponse{Role: new(c.role(e, true))}, nil
	})
}

// UpdateAssumeRolePolicy changes who may assume a role.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, id aws.Identity, in *iamapi.UpdateAssumeRolePolicyRequest) (*iamapi.UpdateAssumeRolePolicyOutput, error) {
	return changeRole(ctx, s, id, in.RoleName, func(c *scope, e *entity) (*iamapi.UpdateAssumeRolePolicyOutput, error) {
		return &iamapi.UpdateAssumeRolePolicyOutput{}, c.setTrust(e, in.PolicyDocument)
	})
}

// DeleteRole deletes a role that has nothing left.
func (s *Service) DeleteRole(ctx context.Context, id aws.Identity, in *iamapi.DeleteRoleRequest) (*iamapi.DeleteRoleOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.DeleteRoleOutput, error) {
		e, err := c.ownRole(in.RoleName)
		if err != nil {
			return nil, err
		}
		return &iamapi.DeleteRoleOutput{}, s.deleteRole(c, e)
	})
}

func (s *Service) deleteRole(c *scope, e *entity) error {
	err := c.empty(
		must{c.profilesOf(e.ID), "Cannot delete entity, must remove roles from instance profile first."},
		must{c.attachments(e.ID), textDetachFirst},
		must{c.inlines(e.ID), textInlineFirst})
	if err != nil {
		return err
	}
	if err := s.unsetBoundary(c, kindRole, e); err != nil {
		return err
	}
	return c.remove(kindRole, e)
}
