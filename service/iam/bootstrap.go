package iam

import (
	"context"

	"github.com/brume-dev/brume/aws"
)

// The user with which a new platform can be used at once.
const (
	AdminUser   = "admin"
	AdminKey    = "test"
	AdminSecret = "test"
)

// Bootstrap makes the user admin with AdministratorAccess and the access key test/test in the default account, once in
// the life of a store: what is deleted later stays deleted.
func (s *Service) Bootstrap(ctx context.Context) error {
	e, err := s.newEntity(kindUser, AdminUser, nil, nil)
	if err != nil {
		return err
	}
	_, err = update(ctx, s, s.account, func(c *scope) (struct{}, error) {
		if _, done, err := c.Get(c.ready()); err != nil || done {
			return struct{}{}, err
		}
		c.tx.Set(c.ready(), nil)
		e := e // the closure may run again
		if err := c.create(kindUser, &e); err != nil {
			return struct{}{}, err
		}
		r := policyRef{from: fromAWS, name: "AdministratorAccess"}
		c.tx.Set(r.key(c.attachments(e.ID)), nil)
		c.tx.Set(c.holders(r).Text(kindUser.name).Text(e.ID), nil)
		c.tx.Add(c.attached(r), 1)
		c.putKey(&key{ID: AdminKey, User: e.ID, Secret: AdminSecret, Created: e.Created})
		return struct{}{}, nil
	})
	return err
}

// accountOf returns the account in which an access key id is looked up.
func (s *Service) accountOf(accessKeyID string) string {
	if _, account, _, ok := aws.ParseAccessKeyID(accessKeyID); ok {
		return account
	}
	return s.account
}
