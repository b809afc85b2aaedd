package dynamodb

// Limits of tables, items and requests.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxPage         = 1 << 20
	maxListTables   = 100
	maxBatchGet     = 100
	maxBatchGetSize = 16 << 20
	maxBatchWrite   = 25

	accountUnits = 80_000 // default quota of an account in a region, for reads and for writes
	tableUnits   = 40_000 // and of one table

	gigabyte = 1 << 30

	maxTransactionSize = 4 << 20 // bytes of their items
	transactionFactor  = 2       // units of the table for each unit of the same outside of a transaction; indexes cost the same
	tokenMinutes       = 10      // for which a client token is remembered

	// batchGroup is how many bytes of a BatchWriteItem are written in one transaction: the batch is not atomic, and
	// large ones would hold up others.
	batchGroup = 1 << 20
)
