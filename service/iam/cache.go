package iam

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/store"
)

// cache holds what decisions need of each account: whole entities, and access keys. A change to an account's IAM empties
// it before the change is acknowledged (see update), and what was read before that is not kept: see fill.
type cache struct {
	mu       sync.RWMutex
	change   uint64 // counts the calls of forget
	accounts map[string]*known

	docMu sync.RWMutex
	docs  map[document]*policy.Document
}

// known is what is known of one account. A nil entity or key is one that does not exist.
type known struct {
	entities map[string]*policy.Entity // by ARN
	keys     map[string]*grant
}

// grant is what an access key gives: credentials and who has them.
type grant struct {
	creds aws.Credentials
	id    aws.Identity
}

// document is the text of a policy, as the compiled ones are kept by.
type document struct {
	kind policy.Kind
	text string
}

const (
	maxKnown = 20_000 // entities, or keys, of an account that are kept
	maxDocs  = 4096   // session, trust and resource policies that are kept compiled
)

func (c *cache) init() {
	c.accounts = map[string]*known{}
	c.docs = map[document]*policy.Document{}
}

func (c *cache) forget(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.change++
	delete(c.accounts, account)
}

// fill keeps v unless something changed since the count was change.
func fill[T any](c *cache, account string, change uint64, pick func(*known) map[string]T, k string, v T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.change != change {
		return
	}
	a := c.accounts[account]
	if a == nil {
		a = &known{entities: map[string]*policy.Entity{}, keys: map[string]*grant{}}
		c.accounts[account] = a
	}
	m := pick(a)
	if len(m) >= maxKnown {
		clear(m)
	}
	m[k] = v
}

// lookup returns what is kept, or the count to hand to fill.
func lookup[T any](c *cache, account string, pick func(*known) map[string]T, k string) (v T, ok bool, change uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if a := c.accounts[account]; a != nil {
		v, ok = pick(a)[k]
	}
	return v, ok, c.change
}

func entitiesOf(a *known) map[string]*policy.Entity { return a.entities }
func keysIn(a *known) map[string]*grant             { return a.keys }

// Entity returns the user or role with an ARN and all policies that bear on it, nil when there is none. The result is
// exact: a change that was acknowledged before the call is in it.
func (s *Service) Entity(ctx context.Context, arn string) (*policy.Entity, error) {
	account := accountIn(arn)
	e, ok, change := lookup(&s.cache, account, entitiesOf, arn)
	if ok {
		return e, nil
	}
	a, err := aws.ParseARN(arn)
	if err != nil {
		return nil, nil
	}
	k, name := kindOf(a)
	if k == nil || a.Service != service {
		return nil, nil
	}
	e, err = view(ctx, s, a.Account, func(c *scope) (*policy.Entity, error) {
		e, err := c.find(k, name)
		if err != nil || e == nil || e.arn(k, a.Account) != arn {
			return nil, err
		}
		return s.gather(c, k, e)
	})
	if err != nil {
		return nil, err
	}
	fill(&s.cache, account, change, entitiesOf, arn, e)
	return e, nil
}

// accountIn cuts the account out of an ARN of IAM, arn:aws:iam::ACCOUNT:…
func accountIn(arn string) string {
	const before, digits = len("arn:aws:iam::"), 12
	if len(arn) < before+digits {
		return ""
	}
	return arn[before : before+digits]
}

// gather reads everything that bears on an entity's requests.
func (s *Service) gather(c *scope, k *kind, e *entity) (*policy.Entity, error) {
	out := &policy.Entity{Account: c.account, ARN: e.arn(k, c.account), ID: e.ID, Name: e.Name, Trust: e.Trust,
		MaxSession: time.Duration(e.Session) * time.Second}
	if len(e.Tags) > 0 {
		out.Tags = make(map[string]string, len(e.Tags))
		for _, t := range e.Tags {
			out.Tags[t.Key] = t.Value
		}
	}
	if err := s.gatherPolicies(c, e, &out.Identity); err != nil {
		return nil, err
	}
	if k == kindUser {
		err := c.eachID(c.groupsOf(e.ID), func(id string) error {
			_, g, err := c.byID(id)
			if err != nil || g == nil {
				return err
			}
			return s.gatherPolicies(c, g, &out.Identity)
		})
		if err != nil {
			return nil, err
		}
	}
	if e.Boundary == "" {
		return out, nil
	}
	r, err := parsePolicyARN(c.account, e.Boundary)
	if err != nil {
		return nil, err
	}
	out.Boundary, err = s.managedDocument(c, r.from, lowerName(r.name))
	return out, err
}

// gatherPolicies adds the inline and attached policies of an entity.
func (s *Service) gatherPolicies(c *scope, e *entity, to *[]*policy.Document) error {
	err := c.eachInline(e, func(_, document string) error {
		d, err := policy.Parse(policy.Inline, document)
		if err == nil {
			*to = append(*to, d)
		}
		return err
	})
	if err != nil {
		return err
	}
	t := c.attachments(e.ID)
	kvs, done := c.Scan(t.Range(), store.ScanOpt{})
	for kv := range kvs {
		el := store.Decode(kv.Key, len(t))
		d, err := s.managedDocument(c, el.Text(), el.Text())
		if err != nil {
			return err
		}
		*to = append(*to, d)
	}
	return done()
}

// managedDocument returns the default version of a managed policy.
func (s *Service) managedDocument(c *scope, from, lower string) (*policy.Document, error) {
	if from == fromAWS {
		if m := s.managed.Named(lower); m != nil {
			return m.Compiled(), nil
		}
	}
	e, err := c.load(kindPolicy, lower)
	if err != nil || e == nil {
		return emptyDocument(), err
	}
	v, err := c.version(e.Name, e.Default)
	if err != nil || v == nil {
		return emptyDocument(), err
	}
	return policy.Parse(policy.Managed, v.Document)
}

// emptyDocument allows nothing. It stands for a managed policy that a newer Brume had and this one has not.
func emptyDocument() *policy.Document { return &policy.Document{} }

// eachID calls f with the last elements of the keys below t, which a quota keeps few.
func (c *scope) eachID(t store.Tuple, f func(id string) error) error {
	kvs, done := c.Scan(t.Range(), store.ScanOpt{})
	for kv := range kvs {
		if err := f(store.Decode(kv.Key, len(t)).Text()); err != nil {
			return err
		}
	}
	return done()
}

// compile returns a policy document that came with a request: it is parsed once.
func (c *cache) compile(kind policy.Kind, text string) (*policy.Document, error) {
	k := document{kind, text}
	c.docMu.RLock()
	d := c.docs[k]
	c.docMu.RUnlock()
	if d != nil {
		return d, nil
	}
	d, err := policy.Parse(kind, text)
	if err != nil {
		return nil, err
	}
	c.docMu.Lock()
	defer c.docMu.Unlock()
	if len(c.docs) >= maxDocs {
		clear(c.docs)
	}
	c.docs[k] = d
	return d, nil
}

// Key says who an access key of a user proves to be. An inactive key is known, with a token that no request has: it is
// refused, and not taken for a stranger's. Keys of sessions (ASIA…) are STS's.
func (s *Service) Key(ctx context.Context, accessKeyID, _ string) (aws.Credentials, aws.Identity, bool, error) {
	if strings.HasPrefix(accessKeyID, "ASIA") {
		return aws.Credentials{}, aws.Identity{}, false, nil
	}
	account := s.accountOf(accessKeyID)
	g, ok, change := lookup(&s.cache, account, keysIn, accessKeyID)
	if !ok {
		var err error
		if g, err = s.readKey(ctx, account, accessKeyID); err != nil {
			return aws.Credentials{}, aws.Identity{}, false, err
		}
		fill(&s.cache, account, change, keysIn, accessKeyID, g)
	}
	if g == nil {
		return aws.Credentials{}, aws.Identity{}, false, nil
	}
	return g.creds, g.id, true, nil
}

func (s *Service) readKey(ctx context.Context, account, accessKeyID string) (*grant, error) {
	return view(ctx, s, account, func(c *scope) (*grant, error) {
		k, err := c.key(accessKeyID)
		if err != nil || k == nil {
			return nil, err
		}
		_, u, err := c.byID(k.User)
		if err != nil || u == nil {
			return nil, err
		}
		g := &grant{creds: aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret},
			id: aws.Identity{Kind: aws.User, Account: account, ARN: u.arn(kindUser, account), PrincipalID: u.ID, Name: u.Name}}
		if k.Inactive {
			g.creds.SessionToken = "inactive"
		}
		if len(u.Tags) > 0 {
			g.id.Tags = make(map[string]string, len(u.Tags))
			for _, t := range u.Tags {
				g.id.Tags[t.Key] = t.Value
			}
		}
		return g, nil
	})
}
