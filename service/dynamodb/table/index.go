package table

import (
	"fmt"
	"slices"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/store"
)

// Index is a secondary index that writes keep.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/SecondaryIndexes.html
type Index struct {
	*definition.Index
	Space
	Local bool
	Keep  []string // the attributes that are projected, sorted; nil: all
	Count store.Key
	bytes store.Key
}

func (t *Table) newIndex(x *definition.Index, local bool) *Index {
	family := uint64(familyGlobal)
	if local {
		family = familyLocal
	}
	out := &Index{Index: x, Local: local, Count: t.CountKey(familyCount, x.ID), bytes: t.CountKey(familyBytes, x.ID),
		Space: Space{Index: x.Name, Prefix: t.Data.Uint(family).Uint(x.ID), Hash: t.attributes(x.Hash...), Sort: t.attributes(x.Sort...)}}
	if x.Projection != "ALL" {
		out.Keep = slices.Concat([]string{t.Hash}, x.Hash, x.Sort, x.NonKey)
		if t.Sort != "" {
			out.Keep = append(out.Keep, t.Sort)
		}
		slices.Sort(out.Keep)
		out.Keep = slices.Compact(out.Keep)
	}
	return out
}

// Projects reports whether the index has the attribute.
func (x *Index) Projects(name string) bool {
	if x.Keep == nil {
		return true
	}
	_, ok := slices.BinarySearch(x.Keep, name)
	return ok
}

// Project returns what the index keeps of an item.
func (x *Index) Project(m item.Map) item.Map {
	if x.Keep == nil {
		return m
	}
	out := make(item.Map, 0, len(x.Keep))
	for _, name := range x.Keep {
		if v := m.Get(name); v.Kind() != item.None {
			out = append(out, item.F(name, v))
		}
	}
	return out
}

// IndexNamed returns the index with the given name as Query and Scan may use it.
func (t *Table) IndexNamed(name string) (*Index, error) {
	for _, x := range t.Indexes {
		if x.Name != name {
			continue
		}
		if x.Status == definition.Creating {
			return nil, problem("Cannot read from backfilling global secondary index: " + name)
		}
		return x, nil
	}
	return nil, problem("The table does not have the specified index: " + name)
}

// KeyOf returns the attributes that say where in the index an item is: those of both keys.
func (x *Index) KeyOf(t *Table, m item.Map) item.Map {
	key := t.KeyOf(m)
	for _, as := range [...][]Attribute{x.Space.Hash, x.Space.Sort} {
		for _, a := range as {
			key.Put(a.Name, m.Get(a.Name))
		}
	}
	return key
}

// Covers reports whether an item has all key attributes of the index, in their types and sizes: only such items are
// in it.
func (x *Index) Covers(m item.Map) bool {
	for i, as := range [...][]Attribute{x.Space.Hash, x.Space.Sort} {
		size := 0
		for _, a := range as {
			v := m.Get(a.Name)
			if v.Kind() != a.Kind || a.Kind != item.N && v.Text() == "" {
				return false
			}
			size += keySize(v)
		}
		if checkKeySize(i, size) != nil {
			return false
		}
	}
	return true
}

func keySize(v item.Value) int {
	if v.Kind() == item.N {
		return v.Size()
	}
	return len(v.Text())
}

// Place returns where an item is in the index.
func (x *Index) Place(t *Table, m item.Map) store.Key {
	var room [4]item.Value
	values := room[:0]
	for _, a := range x.Space.Hash {
		values = append(values, m.Get(a.Name))
	}
	b := appendPartition(append(make([]byte, 0, 256), x.Prefix...), values...)
	for _, a := range x.Space.Sort {
		b = m.Get(a.Name).AppendKey(b)
	}
	key := m.Get(t.hash.Name).AppendKey(nil)
	if t.sort.Name != "" {
		key = m.Get(t.sort.Name).AppendKey(key)
	}
	return appendShort(b, key, maxEntryKey)
}

// entry is what an index has of an item; key is nil when it has nothing.
type entry struct {
	Key  store.Key
	item item.Map // the projection
	Size int
}

func (x *Index) entryOf(t *Table, m item.Map) entry {
	if m == nil || !x.Covers(m) {
		return entry{}
	}
	e := entry{Key: x.Place(t, m), item: x.Project(m)}
	e.Size = e.item.Size()
	return e
}

// roomy is how much of a transaction may be copies of items in indexes; what comes after it is read from the table.
const roomy = 4 << 20

// put writes an entry: as an item is Stored, or, when it is large, only where the item is:
//
//	0x03 size key     size is that of the projection, key the item's key as item.Map.Append gives it
func (x *Index) put(tx store.Tx, t *Table, e entry, lean bool) {
	enc := encodeSized(e.item, e.Size)
	if len(enc.Value) > store.MaxValue || lean || tx.Size() > roomy {
		key := t.KeyOf(e.item)
		enc = encodeSized(key, e.Size)
		enc.Value[0] = storedElsewhere
	}
	tx.Set(e.Key, enc.Value)
}

// update brings the index from what it has of one item to what it is to have of the next, and returns what that costs.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
func (x *Index) update(tx store.Tx, t *Table, c *Change) (units float64, grown int, err error) {
	before, after := x.entryOf(t, c.Before), x.entryOf(t, c.After)
	if x.Status == definition.Creating && before.Key != nil { // it may not have been filled in yet
		_, there, err := tx.Get(before.Key)
		if err != nil {
			return 0, 0, err
		}
		if !there {
			before = entry{}
		}
	}
	grown = after.Size - before.Size
	switch {
	case before.Key == nil && after.Key == nil:
		return 0, 0, nil
	case before.Key != nil && after.Key != nil && string(before.Key) == string(after.Key):
		if item.EqualMaps(before.item, after.item) {
			return 0, 0, nil
		}
		x.put(tx, t, after, c.Lean)
		units = WriteUnits(before.Size, after.Size)
	case before.Key == nil:
		x.put(tx, t, after, c.Lean)
		tx.Add(x.Count, 1)
		units = WriteUnits(0, after.Size)
	case after.Key == nil:
		tx.Delete(before.Key)
		tx.Add(x.Count, -1)
		units = WriteUnits(before.Size, 0)
	default:
		tx.Delete(before.Key)
		x.put(tx, t, after, c.Lean)
		units = WriteUnits(before.Size, 0) + WriteUnits(0, after.Size)
	}
	if grown != 0 {
		tx.Add(x.bytes, int64(grown))
	}
	return units, grown, nil
}

// CheckIndexKeys checks the key attributes of indexes in an item that is put.
func (t *Table) CheckIndexKeys(m item.Map) error {
	for _, x := range t.Indexes {
		for i, as := range [...][]Attribute{x.Space.Hash, x.Space.Sort} {
			size := 0
			for _, a := range as {
				v := m.Get(a.Name)
				switch {
				case v.Kind() == item.None:
				case v.Kind() != a.Kind:
					return problem(fmt.Sprintf("%sType mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s",
						invalidValues, a.Name, a.Kind, v.Kind(), x.Name))
				case a.Kind != item.N && v.Text() == "":
					return problem(fmt.Sprintf(notValid+"A value specified for a secondary index key is not supported. "+
						"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", emptyWords[a.Kind], x.Name, a.Name))
				default:
					size += keySize(v)
				}
			}
			if err := checkKeySize(i, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckIndexUpdate checks the key attributes of indexes that an update has changed.
func (t *Table) CheckIndexUpdate(old, now item.Map) error {
	for _, x := range t.Indexes {
		for i, as := range [...][]Attribute{x.Space.Hash, x.Space.Sort} {
			size, changed := 0, false
			for _, a := range as {
				v := now.Get(a.Name)
				size += keySize(v)
				if v.Kind() == item.None || item.Equal(v, old.Get(a.Name)) {
					continue
				}
				changed = true
				switch {
				case v.Kind() != a.Kind:
					return problem("The update expression attempted to update the secondary index key to unsupported type")
				case a.Kind != item.N && v.Text() == "":
					return problem(notValid + "The update expression attempted to update a secondary index key to a value that is not supported. " +
						"The AttributeValue for a key attribute cannot contain an empty " + emptyWords[a.Kind] + " value.")
				}
			}
			if changed && checkKeySize(i, size) != nil {
				return problem("The update expression attempted to update the secondary index key beyond allowed size limits")
			}
		}
	}
	return nil
}

var emptyWords = map[item.Kind]string{item.S: "string", item.B: "binary"}

// checkKeySize checks the size of a partition (0) or sort key (1).
func checkKeySize(which, size int) error {
	switch {
	case which == 0 && size > maxHashKey:
		return problem(invalidValues + "Size of hashkey has exceeded the maximum size limit of2048 bytes") // sic
	case which == 1 && size > maxRangeKey:
		return problem(invalidValues + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}
