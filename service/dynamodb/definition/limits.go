package definition

import "time"

// Limits of table definitions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	MaxLocals       = 5
	MaxGlobals      = 20
	maxProjected    = 100 // attributes that the INCLUDE projections of a table name, all together
	maxKeyParts     = 4   // attributes of the partition key, and of the sort key, of a global index
	maxThroughput   = 1_000_000_000_000
	onDemandRead    = 12_000 // what a table on demand can serve at once from the beginning
	onDemandWrite   = 4_000
	tableKeySchema  = 2
	freeDecreases   = 4         // of provisioned throughput, in a day of UTC
	decreaseEvery   = time.Hour // from then on
	maxRecoveryDays = 35
)
