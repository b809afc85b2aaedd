package dynamodb

import (
	api "github.com/brume-dev/brume/api/dynamodbapi"
)

// Capacity units, by the rules of
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html

// readUnits is what reading size bytes costs: a unit for every 4 KB begun, half of that unless consistent.
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+readUnit-1)/readUnit))
	if !consistent {
		units /= 2
	}
	return units
}

// writeUnits is what a write costs that leaves an item of one of the sizes in place of one of the other: a unit for
// every KB begun of the larger.
func writeUnits(before, after int) float64 {
	return float64(max(1, (max(before, after)+writeUnit-1)/writeUnit))
}

// consumed renders what an operation cost, if the request asked for it.
func consumed(asked api.ReturnConsumedCapacity, table string, units float64) *api.ConsumedCapacity {
	if asked == "" || asked == api.ReturnConsumedCapacityNone {
		return nil
	}
	c := &api.ConsumedCapacity{TableName: &table, CapacityUnits: &units}
	if asked == api.ReturnConsumedCapacityIndexes {
		c.Table = &api.Capacity{CapacityUnits: &units}
	}
	return c
}
