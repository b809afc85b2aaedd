package iam

import (
	"context"
	"fmt"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, id aws.Identity, in *iamapi.CreateGroupRequest) (*iamapi.CreateGroupResponse, error) {
	e, err := s.newEntity(kindGroup, in.GroupName, in.Path, nil)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.CreateGroupResponse, error) {
		e := e // the closure may run again
		if err := c.create(kindGroup, &e); err != nil {
			return nil, err
		}
		return &iamapi.CreateGroupResponse{Group: new(c.group(&e))}, nil
	})
}

func (c *scope) group(e *entity) iamapi.Group {
	return iamapi.Group{Path: e.Path, GroupName: e.Name, GroupId: e.ID, Arn: e.arn(kindGroup, c.account), CreateDate: e.Created}
}

// GetGroup describes a group and lists its users.
func (s *Service) GetGroup(ctx context.Context, id aws.Identity, in *iamapi.GetGroupRequest) (*iamapi.GetGroupResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.GetGroupResponse, error) {
		e, err := c.get(kindGroup, in.GroupName)
		if err != nil {
			return nil, err
		}
		p := newPage(in.Marker, in.MaxItems)
		out := &iamapi.GetGroupResponse{Group: new(c.group(e)), Users: []iamapi.User{}}
		err = c.listByID(c.members(e.ID), p, func(u *entity) error {
			out.Users = append(out.Users, c.user(u, false))
			return nil
		})
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

// ListGroups lists the groups whose path begins with a prefix.
func (s *Service) ListGroups(ctx context.Context, id aws.Identity, in *iamapi.ListGroupsRequest) (*iamapi.ListGroupsResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListGroupsResponse, error) {
		p := newPage(in.Marker, in.MaxItems)
		out := &iamapi.ListGroupsResponse{Groups: []iamapi.Group{}}
		err := c.list(kindGroup, p, in.PathPrefix, func(e *entity) error {
			out.Groups = append(out.Groups, c.group(e))
			return nil
		})
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

// ListGroupsForUser lists the groups that a user is in.
func (s *Service) ListGroupsForUser(ctx context.Context, id aws.Identity, in *iamapi.ListGroupsForUserRequest) (*iamapi.ListGroupsForUserResponse, error) {
	return view(ctx, s, id.Account, func(c *scope) (*iamapi.ListGroupsForUserResponse, error) {
		u, err := c.get(kindUser, in.UserName)
		if err != nil {
			return nil, err
		}
		p := newPage(in.Marker, in.MaxItems)
		out := &iamapi.ListGroupsForUserResponse{Groups: []iamapi.Group{}}
		err = c.listByID(c.groupsOf(u.ID), p, func(e *entity) error {
			out.Groups = append(out.Groups, c.group(e))
			return nil
		})
		out.IsTruncated, out.Marker = p.result()
		return out, err
	})
}

// UpdateGroup renames a group or moves it to another path.
func (s *Service) UpdateGroup(ctx context.Context, id aws.Identity, in *iamapi.UpdateGroupRequest) (*iamapi.UpdateGroupOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.UpdateGroupOutput, error) {
		e, err := c.get(kindGroup, in.GroupName)
		if err != nil {
			return nil, err
		}
		return &iamapi.UpdateGroupOutput{}, c.rename(kindGroup, e, in.NewGroupName, in.NewPath)
	})
}

// DeleteGroup deletes a group without users and policies.
func (s *Service) DeleteGroup(ctx context.Context, id aws.Identity, in *iamapi.DeleteGroupRequest) (*iamapi.DeleteGroupOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.DeleteGroupOutput, error) {
		e, err := c.get(kindGroup, in.GroupName)
		if err != nil {
			return nil, err
		}
		err = c.empty(
			must{c.members(e.ID), "Cannot delete entity, must remove users from group first."},
			must{c.attachments(e.ID), textDetachFirst},
			must{c.inlines(e.ID), textInlineFirst})
		if err != nil {
			return nil, err
		}
		return &iamapi.DeleteGroupOutput{}, c.remove(kindGroup, e)
	})
}

// AddUserToGroup adds a user to a group; one who is in it stays in it.
func (s *Service) AddUserToGroup(ctx context.Context, id aws.Identity, in *iamapi.AddUserToGroupRequest) (*iamapi.AddUserToGroupOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.AddUserToGroupOutput, error) {
		u, g, member, err := c.membership(in.UserName, in.GroupName)
		if err != nil || member {
			return &iamapi.AddUserToGroupOutput{}, err
		}
		n, err := c.number(c.groupsOf(u.ID))
		if err != nil {
			return nil, err
		}
		if n >= maxGroupsPerUser {
			return nil, exceeds("GroupsPerUser", maxGroupsPerUser)
		}
		c.tx.Set(c.members(g.ID).Text(u.ID), nil)
		c.tx.Set(c.groupsOf(u.ID).Text(g.ID), nil)
		return &iamapi.AddUserToGroupOutput{}, nil
	})
}

// RemoveUserFromGroup takes a user out of a group.
func (s *Service) RemoveUserFromGroup(ctx context.Context, id aws.Identity, in *iamapi.RemoveUserFromGroupRequest) (*iamapi.RemoveUserFromGroupOutput, error) {
	return update(ctx, s, id.Account, func(c *scope) (*iamapi.RemoveUserFromGroupOutput, error) {
		u, g, member, err := c.membership(in.UserName, in.GroupName)
		if err != nil {
			return nil, err
		}
		if !member {
			return nil, &iamapi.NoSuchEntityException{Message: fmt.Sprintf(kindUser.absent, in.UserName)}
		}
		c.tx.Delete(c.members(g.ID).Text(u.ID))
		c.tx.Delete(c.groupsOf(u.ID).Text(g.ID))
		return &iamapi.RemoveUserFromGroupOutput{}, nil
	})
}

func (c *scope) membership(user, group string) (u, g *entity, member bool, err error) {
	if g, err = c.get(kindGroup, group); err != nil {
		return nil, nil, false, err
	}
	if u, err = c.get(kindUser, user); err != nil {
		return nil, nil, false, err
	}
	_, member, err = c.Get(c.members(g.ID).Text(u.ID))
	return u, g, member, err
}

// number counts the keys below t, which a quota keeps few.
func (c *scope) number(t store.Tuple) (int, error) {
	kvs, done := c.Scan(t.Range(), store.ScanOpt{})
	n := 0
	for range kvs {
		n++
	}
	return n, done()
}
