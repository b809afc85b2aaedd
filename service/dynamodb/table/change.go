package table

import (
	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/store"
)

// Change is what a write does to one item, and with it to the table's indexes, stream and expiry.
type Change struct {
	Suffix []byte
	Old    Stored
	New    Encoded  // of an item that is put; the zero Encoded deletes
	Before item.Map // nil: there was none, or it has not been decoded
	After  item.Map // nil: there is none
	// Expired says that time to live deletes the item.
	Expired bool
	// Lean says that no item may be written more than once, since the transaction would be too large.
	Lean bool

	newImage uint64 // of After; 0: none
	madeOld  bool   // Old had no image before the change
}

// Effects are what a change cost.
type Effects struct {
	Units      float64   // of the table
	Size       int       // bytes of the larger of what was there and what is there
	Indexes    []float64 // of each index, in their order; nil: nothing
	Collection int64     // bytes of the item collection after it, when there are local indexes
}

// Apply makes the change, with all that follows from it.
func (t *Table) Apply(tx store.Tx, c *Change) (Effects, error) {
	out := Effects{Units: WriteUnits(c.Old.Size, c.New.Size), Size: max(c.Old.Size, c.New.Size)}
	if t.Derived {
		if c.Before == nil && c.Old.There {
			var err error
			if c.Before, err = c.Old.Decode(); err != nil {
				return out, err
			}
		}
		if c.Lean {
			if err := t.images(tx, c); err != nil {
				return out, err
			}
		}
		if err := t.derive(tx, c, &out); err != nil {
			return out, err
		}
		if c.madeOld { // its image is not the item's
			c.Old.image = 0
		}
	}
	if c.New.Value == nil {
		return out, t.remove(tx, c.Suffix, c.Old)
	}
	return out, t.save(tx, c.Suffix, c.New, c.Old)
}

// derive brings what follows from items to what it is after c.
func (t *Table) derive(tx store.Tx, c *Change, out *Effects) error {
	if len(t.Indexes) > 0 {
		out.Indexes = make([]float64, len(t.Indexes))
		grown := c.New.Size - c.Old.Size
		local := 0
		for i, x := range t.Indexes {
			units, more, err := x.update(tx, t, c)
			if err != nil {
				return err
			}
			out.Indexes[i] = units
			if x.Local {
				grown += more
				if c.After != nil {
					local += x.entryOf(t, c.After).Size
				}
			}
		}
		if len(t.Locals) > 0 {
			if c.New.Size+local > item.MaxSize {
				return problem("Item size has exceeded the maximum allowed size")
			}
			var err error
			if out.Collection, err = t.growCollection(tx, c, grown); err != nil {
				return err
			}
		}
	}
	if len(t.Copies) > 0 {
		if err := t.keepForCopies(tx, c); err != nil {
			return err
		}
	}
	if t.Recovery.Enabled && (c.Before != nil || c.After != nil) {
		History(t.ID).Append(tx, "OLD_IMAGE", stream.Change{Keys: c.key(t), Old: c.Before, New: c.After, OldImage: c.Old.image})
	}
	if t.Expiry.Attribute != "" {
		if err := t.deriveExpiry(tx, c); err != nil {
			return err
		}
	}
	if t.Stream.Enabled && (c.Before == nil || c.After == nil || !item.EqualMaps(c.Before, c.After)) && (c.Before != nil || c.After != nil) {
		stream.LogOf(t.ID, t.Stream.Number).Append(tx, t.Stream.View,
			stream.Change{Keys: c.key(t), Old: c.Before, New: c.After, Expired: c.Expired, OldImage: c.Old.image, NewImage: c.newImage})
	}
	return nil
}

// key is the key of the item that is changed.
func (c *Change) key(t *Table) item.Map {
	if c.After != nil {
		return t.KeyOf(c.After)
	}
	return t.KeyOf(c.Before)
}

// growCollection counts the bytes of the item collection of a change. Only tables with local indexes have collections.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ItemCollections
func (t *Table) growCollection(tx store.Tx, c *Change, grown int) (int64, error) {
	m := c.After
	if m == nil {
		m = c.Before
	}
	if m == nil {
		return 0, nil
	}
	key := t.Data.Uint(familyCollection).Raw(appendPartition(nil, m.Get(t.hash.Name)))
	size, err := t.Counter(tx, store.Key(key))
	if err != nil {
		return 0, err
	}
	if size += int64(grown); grown > 0 && size > maxCollection {
		return 0, &api.ItemCollectionSizeLimitExceededException{Message: "Collection size exceeded."}
	}
	if grown != 0 {
		tx.Add(store.Key(key), int64(grown))
	}
	return size, nil
}
