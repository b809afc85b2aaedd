// Package table is how tables lie in the store: their records, items, indexes, expiry, streams, tags and policies, and what
// a change of an item does to all of them.
package table

import (
	"cmp"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/store"
)

// Record is what is stored of a table.
type Record = definition.Record

// Table is a Record made ready for use. It never changes.
type Table struct {
	Record
	Name  Name
	raw   []byte // the stored record
	cache *Cache // that it came from; nil: none

	hash, sort Attribute // sort.Name is "" when there is none
	Data       store.Tuple
	counts     store.Key // counters of the items, and of their bytes
	sizes      store.Key
	Items      store.Tuple
	Own        Space    // of the items
	Indexes    []*Index // those that writes keep: all but those that are being deleted
	Derived    bool     // writes have more to do than to write the item
	Limited    bool     // there is a throughput that may be used up
}

// Attribute is a key attribute of a table.
type Attribute struct {
	Name string
	Kind item.Kind
}

// New makes a record ready for use. raw is the record as it is stored, if it is.
func New(n Name, rec Record, raw []byte) *Table {
	data := DataOf(rec.ID)
	t := &Table{Record: rec, Name: n, raw: raw, Data: data, Items: data.Uint(familyItems), counts: store.Key(data.Uint(familyCount)), sizes: store.Key(data.Uint(familyBytes))}
	t.Own = Space{Prefix: t.Items, Hash: t.attributes(rec.Hash)}
	t.hash = t.Own.Hash[0]
	if rec.Sort != "" {
		t.Own.Sort = t.attributes(rec.Sort)
		t.sort = t.Own.Sort[0]
	}
	for i := range rec.Locals {
		t.Indexes = append(t.Indexes, t.newIndex(&rec.Locals[i], true))
	}
	for i := range rec.Globals {
		if rec.Globals[i].Status != definition.Deleting {
			t.Indexes = append(t.Indexes, t.newIndex(&rec.Globals[i], false))
		}
	}
	t.Limited = rec.Limited()
	t.Derived = len(t.Indexes) > 0 || rec.Stream.Enabled || rec.Expiry.Attribute != "" ||
		len(rec.Copies) > 0 || rec.Recovery.Enabled
	return t
}

// attributes makes key attributes of names.
func (t *Table) attributes(names ...string) []Attribute {
	out := make([]Attribute, len(names))
	for i, name := range names {
		out[i] = Attribute{name, item.KindOf(t.TypeOf(name))}
	}
	return out
}

// put stores the record of a table that came from a cache.
func (t *Table) put(tx store.Tx, rec *Record) { t.cache.Put(tx, t.Name, rec) }

// Counter reads one of the table's counters.
func (t *Table) Counter(r store.Reader, k store.Key) (int64, error) {
	v, _, err := r.Get(k)
	return store.ReadCounter(v), err
}

// Status is the status of a table that is there.
func (t *Table) Status() api.TableStatus {
	if t.Restored.Filling {
		return api.TableStatusCreating
	}
	if t.Changing() {
		return api.TableStatusUpdating
	}
	return api.TableStatusActive
}

// Describe renders the table as DescribeTable does.
func (t *Table) Describe(r store.Reader, status api.TableStatus) (*api.TableDescription, error) {
	var failed error
	counts := func(id uint64) (int64, int64) {
		items, err := t.Counter(r, t.CountKey(familyCount, id))
		size, err2 := t.Counter(r, t.CountKey(familyBytes, id))
		failed = cmp.Or(failed, err, err2)
		return items, size
	}
	d := t.Record.Describe(t.Name.Name, t.Name.ARN(), status, counts)
	return d, failed
}
