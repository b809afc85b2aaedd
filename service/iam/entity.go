package iam

import (
	"fmt"
	"time"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// kind is a kind of entity.
type kind struct {
	name   string // in keys
	prefix string // of unique ids
	arn    string // of the resource in ARNs
	quota  string // in LimitExceeded
	limit  int64
	absent string // text of NoSuchEntity, with the name
	exists string // text of EntityAlreadyExists
	inline int    // quota of inline policies together, 0 for none
}

var (
	kindUser = &kind{name: "user", prefix: "AIDA", arn: "user", quota: "UsersPerAccount", limit: maxUsers,
		absent: "The user with name %s cannot be found.", exists: "User with name %s already exists.", inline: maxUserInline}
	kindGroup = &kind{name: "group", prefix: "AGPA", arn: "group", quota: "GroupsPerAccount", limit: maxGroups,
		absent: "The group with name %s cannot be found.", exists: "Group with name %s already exists.", inline: maxGroupInline}
	kindRole = &kind{name: "role", prefix: "AROA", arn: "role", quota: "RolesPerAccount", limit: maxRoles,
		absent: "The role with name %s cannot be found.", exists: "Role with name %s already exists.", inline: maxRoleInline}
	kindProfile = &kind{name: "profile", prefix: "AIPA", arn: "instance-profile", quota: "InstanceProfilesPerAccount",
		limit: maxProfiles, absent: "Instance Profile %s cannot be found.", exists: "Instance Profile %s already exists."}
	kindPolicy = &kind{name: "policy", prefix: "ANPA", arn: "policy", quota: "PoliciesPerAccount", limit: maxPolicies,
		absent: "Policy %s was not found.", exists: "A policy called %s already exists. Duplicate names are not allowed."}
)

func kindNamed(name string) *kind {
	for _, k := range []*kind{kindUser, kindGroup, kindRole, kindProfile, kindPolicy} {
		if k.name == name {
			return k
		}
	}
	return nil
}

const entityVersion = 1

// entity is the stored record of any entity.
type entity struct {
	Name    string    `cbor:"1,keyasint"`
	ID      string    `cbor:"2,keyasint"`
	Path    string    `cbor:"3,keyasint"`
	Created time.Time `cbor:"4,keyasint"`
	Tags    []tag     `cbor:"5,keyasint,omitempty"`
	// Boundary is the ARN of the permissions boundary of a user or role.
	Boundary string `cbor:"6,keyasint,omitempty"`
	// Description is that of a role or policy.
	Description string `cbor:"7,keyasint,omitempty"`
	// Trust and Session are a role's trust policy, as it was given, and its maximum session duration in seconds.
	Trust   string `cbor:"8,keyasint,omitempty"`
	Session int32  `cbor:"9,keyasint,omitempty"`
	// Role is the role in an instance profile.
	Role string `cbor:"10,keyasint,omitempty"`
	// Default and Latest are versions of a policy, Updated when it last got one.
	Default uint64    `cbor:"11,keyasint,omitempty"`
	Latest  uint64    `cbor:"12,keyasint,omitempty"`
	Updated time.Time `cbor:"13,keyasint,omitempty"`
}

type tag struct {
	Key   string `cbor:"1,keyasint"`
	Value string `cbor:"2,keyasint"`
}

// arn is the entity's ARN.
func (e *entity) arn(k *kind, account string) string { return entityARN(k, account, e.Path, e.Name) }

func entityARN(k *kind, account, path, name string) string {
	return "arn:" + aws.Partition + ":iam::" + account + ":" + k.arn + path + name
}

// find returns an entity, nil when there is none. Names are given in their own case.
func (c *scope) find(k *kind, name string) (*entity, error) {
	e, err := c.load(k, name)
	if err != nil || e == nil || e.Name != name {
		return nil, err
	}
	return e, nil
}

// get is find with NoSuchEntity.
func (c *scope) get(k *kind, name string) (*entity, error) {
	e, err := c.find(k, name)
	if err == nil && e == nil {
		err = &iamapi.NoSuchEntityException{Message: fmt.Sprintf(k.absent, name)}
	}
	return e, err
}

func (c *scope) put(k *kind, e *entity) error {
	return store.SetLarge(c.tx, c.entityKey(k, e.Name), record.Encode(entityVersion, e))
}

// load is find for a name in whichever case.
func (c *scope) load(k *kind, name string) (*entity, error) {
	v, ok, err := store.GetLarge(c, c.entityKey(k, name))
	if err != nil || !ok {
		return nil, err
	}
	e := &entity{}
	return e, record.Decode(v, entityVersion, e)
}

// byID returns the entity with a unique id, nil when there is none.
func (c *scope) byID(id string) (*kind, *entity, error) {
	v, ok, err := c.Get(c.idKey(id))
	if err != nil || !ok {
		return nil, nil, err
	}
	el := store.Decode(v, 0)
	k, name := kindNamed(el.Text()), el.Text()
	if k == nil || el.Err() != nil {
		return nil, nil, fmt.Errorf("iam: id %s: bad index entry", id)
	}
	e, err := c.load(k, name)
	return k, e, err
}

// index files the entity under its id.
func (c *scope) index(k *kind, e *entity) {
	c.tx.Set(c.idKey(e.ID), store.Tuple(nil).Text(k.name).Text(lowerName(e.Name)))
}

// create stores a new entity if its name is free and the account's quota is not used up.
func (c *scope) create(k *kind, e *entity) error {
	if err := c.free(k, e.Name); err != nil {
		return err
	}
	v, _, err := c.tx.Get(c.count(k.name))
	if err != nil {
		return err
	}
	if store.ReadCounter(v) >= k.limit {
		return &iamapi.LimitExceededException{Message: fmt.Sprintf("Cannot exceed quota for %s: %d", k.quota, k.limit)}
	}
	c.tx.Add(c.count(k.name), 1)
	e.Created = c.now()
	c.index(k, e)
	return c.put(k, e)
}

// free fails when an entity has the name, in whichever case.
func (c *scope) free(k *kind, name string) error {
	_, taken, err := c.Get(c.entityKey(k, name))
	if err == nil && taken {
		err = &iamapi.EntityAlreadyExistsException{Message: fmt.Sprintf(k.exists, name)}
	}
	return err
}

// remove deletes an entity.
func (c *scope) remove(k *kind, e *entity) error {
	c.tx.Add(c.count(k.name), -1)
	c.tx.Delete(c.idKey(e.ID))
	c.tx.Delete(c.usedKey(e.ID))
	return store.DeleteLarge(c.tx, c.entityKey(k, e.Name))
}

// rename gives a user or group another name, another path, or both.
func (c *scope) rename(k *kind, e *entity, name, path *string) error {
	e.Path = aws.Or(path, e.Path)
	if name != nil && *name != e.Name {
		if lowerName(*name) != lowerName(e.Name) {
			if err := c.free(k, *name); err != nil {
				return err
			}
		}
		if err := store.DeleteLarge(c.tx, c.entityKey(k, e.Name)); err != nil {
			return err
		}
		e.Name = *name
		c.index(k, e)
	}
	return c.put(k, e)
}

// now is the time of the transaction; IAM knows whole seconds.
func (c *scope) now() time.Time { return c.tx.Now().UTC().Truncate(time.Second) }

// any reports whether a range holds a key.
func (c *scope) any(t store.Tuple) (bool, error) { return store.Any(c, t.Range()) }

func conflict(text string) error { return &iamapi.DeleteConflictException{Message: text} }

func exceeds(quota string, n int) error {
	return &iamapi.LimitExceededException{Message: fmt.Sprintf("Cannot exceed quota for %s: %d", quota, n)}
}
