package dynamodb

import (
	"math"
	"slices"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/item"
)

// Capacity units, by the rules of
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html

// cost is what an operation cost of one table.
type cost struct {
	table   float64
	indexes []indexCost
	kind    costKind
}

// costKind says how a cost is shown: transactions say whether they read or wrote.
type costKind uint8

const (
	costPlain costKind = iota
	costRead           // of a TransactGetItems
	costWrite          // of a TransactWriteItems
)

type indexCost struct {
	name  string
	local bool
	units float64
}

// cost is what a write cost.
func (w *written) cost() cost {
	c := cost{table: w.effects.Units}
	for i, units := range w.effects.Indexes {
		if units > 0 {
			x := w.t.Indexes[i]
			c.indexes = append(c.indexes, indexCost{x.Name, x.Local, units})
		}
	}
	return c
}

// consumed renders what a write cost, if the request asked for it.
func (w *written) consumed(asked api.ReturnConsumedCapacity, table string) *api.ConsumedCapacity {
	if asked == "" || asked == api.ReturnConsumedCapacityNone {
		return nil
	}
	c := w.cost()
	return c.consumed(asked, table)
}

// add adds what another operation on the table cost.
func (c *cost) add(other cost) {
	c.table += other.table
	for _, o := range other.indexes {
		i := slices.IndexFunc(c.indexes, func(x indexCost) bool { return x.name == o.name })
		if i < 0 {
			c.indexes = append(c.indexes, indexCost{o.name, o.local, 0})
			i = len(c.indexes) - 1
		}
		c.indexes[i].units += o.units
	}
}

func (c *cost) total() float64 {
	sum := c.table
	for _, x := range c.indexes {
		sum += x.units
	}
	return sum
}

func (k costKind) capacity(units float64) api.Capacity {
	out := api.Capacity{CapacityUnits: &units}
	switch k {
	case costRead:
		out.ReadCapacityUnits = &units
	case costWrite:
		out.WriteCapacityUnits = &units
	}
	return out
}

// consumed renders what an operation cost, if the request asked for it.
func consumed(asked api.ReturnConsumedCapacity, table string, units float64) *api.ConsumedCapacity {
	if asked == "" || asked == api.ReturnConsumedCapacityNone {
		return nil
	}
	return (&cost{table: units}).consumed(asked, table)
}

// consumed is consumed of tables with indexes.
func (c *cost) consumed(asked api.ReturnConsumedCapacity, table string) *api.ConsumedCapacity {
	if asked == "" || asked == api.ReturnConsumedCapacityNone {
		return nil
	}
	all := c.kind.capacity(c.total())
	out := &api.ConsumedCapacity{TableName: &table, CapacityUnits: all.CapacityUnits,
		ReadCapacityUnits: all.ReadCapacityUnits, WriteCapacityUnits: all.WriteCapacityUnits}
	if asked != api.ReturnConsumedCapacityIndexes {
		return out
	}
	own := c.kind.capacity(c.table)
	out.Table = &own
	for _, x := range c.indexes {
		of := &out.GlobalSecondaryIndexes
		if x.local {
			of = &out.LocalSecondaryIndexes
		}
		if *of == nil {
			*of = map[string]api.Capacity{}
		}
		(*of)[x.name] = c.kind.capacity(x.units)
	}
	return out
}

// collectionMetrics renders the size of the item collection that a write changed, if it was asked for and there is one.
func (w *write) collectionMetrics(asked api.ReturnItemCollectionMetrics, done *written) *api.ItemCollectionMetrics {
	if asked != api.ReturnItemCollectionMetricsSize || len(done.t.Locals) == 0 {
		return nil
	}
	hash := done.t.Hash
	key := w.key
	if w.kind == writePut {
		key = w.item
	}
	low := math.Floor(float64(done.effects.Collection) / gigabyte)
	return &api.ItemCollectionMetrics{ItemCollectionKey: item.NewMap(item.F(hash, key.Get(hash))), SizeEstimateRangeGB: []float64{low, low + 1}}
}
