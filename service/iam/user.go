package iam

import (
	"context"
	"net/http"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// CreateUser makes a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
func (s *Service) CreateUser(ctx context.Context, id aws.Identity, in *iamapi.CreateUserRequest) (*iamapi.CreateUserResponse, error) {
	e, err := s.newEntity(kindUser, in.UserName, in.Path, in.Tags)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.CreateUserResponse, error) {
		e := e // the closure may run again
		if err := s.setBoundary(c, kindUser, &e, in.PermissionsBoundary); err != nil {
			return nil, err
		}
		if err := c.create(kindUser, &e); err != nil {
			return nil, err
		}
		return &iamapi.CreateUserResponse{User: new(c.user(&e, true))}, nil
	})
}

// newEntity checks what the entities of all kinds are created from.
func (s *Service) newEntity(k *kind, name string, path *string, tags []iamapi.Tag) (entity, error) {
	ts, err := newTags(nil, tags)
	if err != nil {
		return entity{}, err
	}
	id, err := s.newID(k.prefix)
	return entity{Name: name, ID: id, Path: aws.Or(path, "/"), Tags: ts}, err
}

// user is the API's form; whole adds what listings leave out.
func (c *scope) user(e *entity, whole bool) iamapi.User {
	u := iamapi.User{Path: e.Path, UserName: e.Name, UserId: e.ID, Arn: e.arn(kindUser, c.account), CreateDate: e.Created}
	if whole {
		u.PermissionsBoundary, u.Tags = boundary(e), apiTags(e.Tags)
	}
	return u
}

// GetUser describes a user, without a name the caller.
func (s *Service) GetUser(ctx context.Context, id aws.Identity, in *iamapi.GetUserRequest) (*iamapi.GetUserResponse, error) {
	if in.UserName == nil && id.Kind == aws.Root {
		return &iamapi.GetUserResponse{User: &iamapi.User{Path: "/", UserId: id.Account, Arn: id.ARN, CreateDate: s.clock.Now()}}, nil
	}
	name, err := userOf(id, in.UserName)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.GetUserResponse, error) {
		e, err := c.get(kindUser, name)
		if err != nil {
			return nil, err
		}
		return &iamapi.GetUserResponse{User: new(c.user(e, true))}, nil
	})
}

// userOf is the user whom an operation is about: the one named, or the caller.
func userOf(id aws.Identity, name *string) (string, error) {
	if name != nil {
		return *name, nil
	}
	if id.Kind != aws.User {
		return "", aws.Errorf("ValidationError", http.StatusBadRequest, "Must specify userName when calling with non-User credentials")
	}
	return id.Name, nil
}

// ListUsers lists the users whose path begins with a prefix.
func (s *Service) ListUsers(ctx context.Context, id aws.Identity, in *iamapi.ListUsersRequest) (*iamapi.ListUsersResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListUsersResponse, error) {
		p := newPage(in.Marker, in.MaxItems)
		out := &iamapi.ListUsersResponse{Users: []iamapi.User{}}
		err := c.list(kindUser, p, in.PathPrefix, func(e *entity) error {
			out.Users = append(out.Users, c.user(e, false))
			return nil
		})
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

// UpdateUser renames a user or moves it to another path.
func (s *Service) UpdateUser(ctx context.Context, id aws.Identity, in *iamapi.UpdateUserRequest) (*iamapi.UpdateUserOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.UpdateUserOutput, error) {
		e, err := c.get(kindUser, in.UserName)
		if err != nil {
			return nil, err
		}
		if err := c.rename(kindUser, e, in.NewUserName, in.NewPath); err != nil {
			return nil, err
		}
		return &iamapi.UpdateUserOutput{}, nil
	})
}

// DeleteUser deletes a user that has nothing left.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
func (s *Service) DeleteUser(ctx context.Context, id aws.Identity, in *iamapi.DeleteUserRequest) (*iamapi.DeleteUserOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.DeleteUserOutput, error) {
		e, err := c.get(kindUser, in.UserName)
		if err != nil {
			return nil, err
		}
		err = c.empty(
			must{c.keysOf(e.ID), "Cannot delete entity, must delete access keys first."},
			must{c.groupsOf(e.ID), "Cannot delete entity, must remove users from group first."},
			must{c.attachments(e.ID), textDetachFirst},
			must{c.inlines(e.ID), textInlineFirst})
		if err != nil {
			return nil, err
		}
		if err := s.unsetBoundary(c, kindUser, e); err != nil {
			return nil, err
		}
		return &iamapi.DeleteUserOutput{}, c.remove(kindUser, e)
	})
}

const (
	textDetachFirst = "Cannot delete entity, must detach all policies first."
	textInlineFirst = "Cannot delete entity, must delete policies first."
)

// must is a range that must be empty before an entity may be deleted.
type must struct {
	keys store.Tuple
	text string
}

func (c *scope) empty(all ...must) error {
	for _, m := range all {
		if found, err := c.any(m.keys); err != nil {
			return err
		} else if found {
			return conflict(m.text)
		}
	}
	return nil
}
