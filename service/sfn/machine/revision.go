package machine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Revision is a definition of a state machine with its settings, ready to run. It never changes.
type Revision struct {
	Spot
	Key        string // of the revision, in the machine's own shard: what an execution remembers
	Shown      string // the revision id that the API shows, "" before the first update
	Express    bool
	Definition string
	Role       string
	Logging    Logging
	Tracing    bool
	Updated    time.Time
	// Machine is the definition, parsed.
	Machine *asl.Machine

	encryption encryption
	dataKey    []byte // encrypted by the key that it was given: who sees the definition must be able to decrypt it
}

// Target is what an ARN stands for when an execution starts: a revision, and how it was chosen.
type Target struct {
	*Revision
	Version int64  // 0: none was named
	Alias   string // "": none was named
}

// VersionARN is the ARN of the version that was chosen, or "".
func (t Target) VersionARN() string {
	if t.Version == 0 {
		return ""
	}
	return t.version(t.Version)
}

// AliasARN is the ARN of the alias that was named, or "".
func (t Target) AliasARN() string {
	if t.Alias == "" {
		return ""
	}
	return t.Qualified(t.Alias)
}

// entry is what a name stands for, at one generation of the machine.
type entry struct {
	gen    int64
	rec    machineRecord // ID 0: it does not exist
	routes []target      // of the version or alias; nil: the current revision
}

type target struct {
	route
	revision string
}

// cache holds what names stand for, and revisions. What it gives is never older than the last change that was acknowledged
// before it was asked: it compares generations, which changes of a machine count up in their transactions.
type cache struct {
	mu        sync.Mutex
	entries   map[Name]*entry
	revisions map[string]*Revision
	bytes     int
}

func (c *cache) entry(n Name) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[n]
}

func (c *cache) put(n Name, e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= maxCached {
		c.entries = map[Name]*entry{}
	}
	if old := c.entries[n]; old == nil || old.gen < e.gen {
		c.entries[n] = e
	}
}

func (c *cache) revision(key string) *Revision {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revisions[key]
}

func (c *cache) keep(r *Revision) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.revisions == nil || c.bytes+len(r.Definition) > maxCachedBytes {
		c.revisions, c.bytes = map[string]*Revision{}, 0
	}
	if c.revisions[r.Key] == nil {
		c.bytes += len(r.Definition)
	}
	c.revisions[r.Key] = r
}

// find returns what a name stands for now. An entry without an id says that there is no such machine.
func (m *Machines) find(ctx context.Context, n Name) (*entry, error) {
	known := m.cache.entry(n)
	found, err := store.View(ctx, m.home(n.Place), func(_ context.Context, r store.Reader) (*entry, error) {
		gen, err := readCount(r, n.gen())
		if err != nil || known != nil && known.gen == gen {
			return known, err
		}
		return load(r, n, gen)
	})
	if err == nil && found != known && found.gen > 0 {
		m.cache.put(n, found)
	}
	return found, err
}

func load(r store.Reader, n Name, gen int64) (*entry, error) {
	e := &entry{gen: gen}
	rec, there, err := read[machineRecord](r, n.key())
	if err != nil || !there {
		return e, err
	}
	e.rec = rec
	if n.Qualifier == "" {
		return e, nil
	}
	e.routes = []target{}
	at := Spot{n.Ref, rec.ID}
	if v, ok := IsVersion(n.Qualifier); ok {
		return e, e.add(r, at, route{v, 100})
	}
	a, _, err := read[aliasRecord](r, at.alias(n.Qualifier))
	if err != nil {
		return nil, err
	}
	for _, to := range a.Routes {
		if err := e.add(r, at, to); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// add adds a version to the routes, if it is there.
func (e *entry) add(r store.Reader, at Spot, to route) error {
	v, there, err := read[versionRecord](r, at.versionKey(to.Version))
	if err == nil && there {
		e.routes = append(e.routes, target{to, v.Revision})
	}
	return err
}

// Target returns what an execution runs that is started by an ARN: of a machine, a version, or an alias, which is decided
// by its weights. Errors are those of StartExecution.
func (m *Machines) Target(ctx context.Context, arn string) (Target, error) {
	n, err := ParseARN(arn)
	if err != nil {
		return Target{}, err
	}
	if n.Label != "" {
		return Target{}, Labelled(arn)
	}
	e, err := m.find(ctx, n)
	switch {
	case err != nil:
		return Target{}, err
	case e.rec.ID == 0 || e.routes != nil && len(e.routes) == 0:
		return Target{}, NotFound(arn)
	case e.rec.Deleting:
		return Target{}, Deleting(arn)
	}
	t, key := Target{}, e.rec.Revision
	if e.routes != nil {
		chosen := m.choose(e.routes)
		t.Version, key = chosen.Version, chosen.revision
		if _, version := IsVersion(n.Qualifier); !version {
			t.Alias = n.Qualifier
		}
	}
	t.Revision, err = m.Revision(ctx, Spot{n.Ref, e.rec.ID}, key)
	return t, err
}

// choose takes a route by the weights.
func (m *Machines) choose(routes []target) target {
	if len(routes) > 1 && m.percent() >= routes[0].Weight {
		return routes[1]
	}
	return routes[0]
}

// Current returns a machine as it is: what ListExecutions and the like need to know of it. Errors are StateMachineDoesNotExist
// and InvalidArn; one that is being deleted is there.
func (m *Machines) Current(ctx context.Context, n Name) (at Spot, express bool, err error) {
	n.Qualifier, n.Label = "", ""
	e, err := m.find(ctx, n)
	if err != nil {
		return Spot{}, false, err
	}
	if e.rec.ID == 0 {
		return Spot{}, false, NotFound(n.ARN())
	}
	return Spot{n.Ref, e.rec.ID}, e.rec.Express, nil
}

// ErrGone says that there is no such revision any more.
var ErrGone = errors.New("it is not there any more")

// Revision returns a revision of a machine by its key. It may be ErrGone.
func (m *Machines) Revision(ctx context.Context, at Spot, key string) (*Revision, error) {
	if r := m.cache.revision(key); r != nil {
		return r, nil
	}
	rec, err := store.View(ctx, m.Store.Shard(store.Key(at.Resource())), func(_ context.Context, r store.Reader) (rec revisionRecord, err error) {
		b, there, err := store.GetLarge(r, at.revision(key))
		if err != nil || !there {
			return rec, err
		}
		return rec, record.Decode(b, version, &rec)
	})
	if err != nil {
		return nil, err
	}
	if rec.Definition == "" {
		return nil, fmt.Errorf("sfn: revision %s of %s: %w", key, at.ARN(), ErrGone)
	}
	rev := rec.revision(at, key)
	if rev.Machine, err = asl.Parse([]byte(rec.Definition)); err != nil {
		return nil, fmt.Errorf("sfn: revision %s of %s: %w", key, at.ARN(), err) // it was checked when it was made
	}
	m.cache.keep(rev)
	return rev, nil
}

func (r *revisionRecord) revision(at Spot, key string) *Revision {
	return &Revision{Spot: at, Key: key, Shown: r.Shown, Express: r.Express, Definition: r.Definition, Role: r.Role,
		Logging: r.Logging, Tracing: r.Tracing, Updated: r.Created, encryption: r.Encryption, dataKey: r.DataKey}
}

func (v *Revision) record() revisionRecord {
	return revisionRecord{Definition: v.Definition, Role: v.Role, Logging: v.Logging, Tracing: v.Tracing,
		Encryption: v.encryption, Created: v.Updated, Express: v.Express, Shown: v.Shown, DataKey: v.dataKey}
}

// Identity is the service acting for the machine.
func (v *Revision) Identity(r aws.Request) aws.Identity {
	return aws.ForService(Principal, v.Account, v.Region, v.ARN(), r)
}
