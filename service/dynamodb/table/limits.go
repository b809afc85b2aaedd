package table

import (
	"time"

	"github.com/brume-dev/brume/service/dynamodb/expression"
)

// Limits of tables and items.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	// MinName is the least length of a table's name.
	MinName = 3
	maxName = 255

	maxHashKey    = 2048     // bytes of a partition key value
	maxRangeKey   = 1024     // bytes of a sort key value
	maxCollection = 10 << 30 // bytes of an item collection of a table with local indexes

	readUnit  = 4 << 10 // bytes
	writeUnit = 1 << 10
)

// Bounds of what promises do in one transaction.
const (
	fillItems  = 200       // looked at
	fillBytes  = 512 << 10 // and their bytes
	sweepEvery = time.Minute
	sweepItems = 50      // deleted
	sweepBytes = 2 << 20 // written, with what follows from them
	// ttlOldest is how long ago a time may be to count: AWS takes what is older for a mistake.
	ttlOldest = 5 * 365 * 24 * time.Hour
)

// problem is what DynamoDB says of a request that it does not take.
type problem = expression.Problem

const invalidValues = "One or more parameter values were invalid: "
