package iam

import "github.com/brume-dev/brume/store"

const service = "iam"

// The layout, below Home(account, "") "iam". Names are in lower case; kinds are "user", "group", "role", "profile",
// "policy"; what belongs to an entity is filed under its unique id, so that renaming it moves nothing; a policy is
// named by where it is from, "aws" or "own", and its name.
//
//	entity  kind name            an entity: user, group, role, instance profile, customer managed policy
//	id      id                   its kind and name
//	inline  id policy            the document of an inline policy
//	version policy n             a version of a customer managed policy
//	attach  id from policy       the policy is attached to the entity
//	holder  from policy kind id  the same, seen from the policy
//	bound   from policy kind id  the policy is the entity's permissions boundary
//	count   what …               counters: entities by kind, attachments and boundaries by policy
//	member  group user           memberships, by ids
//	groups  user group           the same, seen from the user
//	profile role profile         the role is in the instance profile, by ids
//	key     id                   an access key
//	keys    user id              the user's access keys
//	used    id                   when an access key or a role was last used
//	alias                        the account's alias
//	ready                        Bootstrap has run
//
// In the global shard, below Global "iam":
//
//	alias   name                 the account that has the alias

func (c *scope) entities(k *kind) store.Tuple { return c.root.Text("entity").Text(k.name) }
func (c *scope) entityKey(k *kind, name string) store.Tuple {
	return c.entities(k).Text(lowerName(name))
}
func (c *scope) idKey(id string) store.Tuple        { return c.root.Text("id").Text(id) }
func (c *scope) inlines(id string) store.Tuple      { return c.root.Text("inline").Text(id) }
func (c *scope) attachments(id string) store.Tuple  { return c.root.Text("attach").Text(id) }
func (c *scope) members(group string) store.Tuple   { return c.root.Text("member").Text(group) }
func (c *scope) groupsOf(user string) store.Tuple   { return c.root.Text("groups").Text(user) }
func (c *scope) profilesOf(role string) store.Tuple { return c.root.Text("profile").Text(role) }
func (c *scope) accessKey(id string) store.Tuple    { return c.root.Text("key").Text(id) }
func (c *scope) keysOf(user string) store.Tuple     { return c.root.Text("keys").Text(user) }
func (c *scope) usedKey(id string) store.Tuple      { return c.root.Text("used").Text(id) }
func (c *scope) count(what string) store.Tuple      { return c.root.Text("count").Text(what) }
func (c *scope) alias() store.Tuple                 { return c.root.Text("alias") }
func (c *scope) ready() store.Tuple                 { return c.root.Text("ready") }

func (c *scope) versions(policy string) store.Tuple {
	return c.root.Text("version").Text(lowerName(policy))
}

func (c *scope) holders(p policyRef) store.Tuple { return p.key(c.root.Text("holder")) }
func (c *scope) bounded(p policyRef) store.Tuple { return p.key(c.root.Text("bound")) }

// attached and limiting count the entities that a policy is attached to and the boundary of.
func (c *scope) attached(p policyRef) store.Tuple { return p.key(c.count("attached")) }
func (c *scope) limiting(p policyRef) store.Tuple { return p.key(c.count("limiting")) }

func aliasKey(name string) store.Tuple { return store.Global().Text(service).Text("alias").Text(name) }
