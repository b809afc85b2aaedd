package table

import (
	"bytes"
	"sync"

	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Cache keeps tables by name, in two ways. Transactions use Get, which compares the stored record with that of the cached
// table, so that they see the table that they would have decoded. Requests that only ask what stands use Standing, which
// reads nothing: a change of a table empties it before the change is acknowledged. The zero Cache is empty.
type Cache struct {
	mu       sync.RWMutex
	tables   map[Name]cachedTable
	standing map[Name]*Standing
	changes  uint64 // counts the calls of forget
}

type cachedTable struct {
	key store.Key
	t   *Table
}

// Standing is a table, and what decides who may use it, as of the last change that was acknowledged.
type Standing struct {
	*Table
	ARN    string
	Policy string // the resource policy; "" when there is none
	Shard  store.Shard
}

// maxCachedTables bounds the cache; at the bound it starts anew.
const maxCachedTables = 10_000

// Get returns the table n as r sees it, nil when there is none.
func (c *Cache) Get(r store.Reader, n Name) (*Table, error) {
	c.mu.RLock()
	had, cached := c.tables[n]
	c.mu.RUnlock()
	if !cached {
		had.key = n.Key()
	}
	raw, ok, err := r.Get(had.key)
	if err != nil || !ok {
		return nil, err
	}
	if cached && bytes.Equal(raw, had.t.raw) {
		return had.t, nil
	}
	var rec Record
	if err := record.Decode(raw, definition.Version, &rec); err != nil {
		return nil, err
	}
	had.t = New(n, rec, bytes.Clone(raw))
	had.t.cache = c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tables == nil || len(c.tables) >= maxCachedTables {
		c.tables = make(map[Name]cachedTable)
	}
	c.tables[n] = had
	return had.t, nil
}

// Standing returns the table n, nil when it is not kept; then Learn finds it.
func (c *Cache) Standing(n Name) *Standing {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.standing[n]
}

// Learn reads what Standing keeps, in a View of the shard that read runs its function in; nil when there is no table n.
// What was read before a change is not kept.
func (c *Cache) Learn(n Name, shard store.Shard, read func(func(store.Reader) error) error) (*Standing, error) {
	c.mu.RLock()
	before := c.changes
	c.mu.RUnlock()
	st := &Standing{ARN: n.ARN(), Shard: shard}
	err := read(func(r store.Reader) (err error) {
		if st.Table, err = c.Get(r, n); err != nil || st.Table == nil || !st.HasPolicy {
			return err
		}
		p, err := st.Table.Policy(r)
		st.Policy = p.Document
		return err
	})
	if err != nil || st.Table == nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != before {
		return st, nil
	}
	if c.standing == nil || len(c.standing) >= maxCachedTables {
		c.standing = make(map[Name]*Standing)
	}
	c.standing[n] = st
	return st, nil
}

// forget is called before a change of n is acknowledged.
func (c *Cache) forget(n Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.standing, n)
	c.changes++
}

// Put stores the record of the table n.
func (c *Cache) Put(tx store.Tx, n Name, rec *Record) {
	tx.Set(n.Key(), record.Encode(definition.Version, rec))
	c.changed(tx, n)
}

// Delete deletes the record of the table n.
func (c *Cache) Delete(tx store.Tx, n Name) {
	tx.Delete(n.Key())
	c.changed(tx, n)
}

func (c *Cache) changed(tx store.Tx, n Name) { tx.OnCommit(func(store.Commit) { c.forget(n) }) }
