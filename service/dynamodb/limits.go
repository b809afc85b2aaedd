package dynamodb

// Limits of tables, items and requests.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	minTableName    = 3
	maxTableName    = 255
	maxHashKey      = 2048 // bytes of a partition key value
	maxRangeKey     = 1024 // bytes of a sort key value
	maxPage         = 1 << 20
	maxListTables   = 100
	maxBatchGet     = 100
	maxBatchGetSize = 16 << 20
	maxBatchWrite   = 25
	maxTags         = 50
	maxThroughput   = 1_000_000_000_000
	maxPolicySize   = 20 << 10

	accountUnits = 80_000 // default quota of an account in a region, for reads and for writes
	tableUnits   = 40_000 // and of one table

	readUnit  = 4 << 10 // bytes
	writeUnit = 1 << 10

	// batchGroup is how many bytes of a BatchWriteItem are written in one transaction: the batch is not atomic, and
	// large ones would hold up others.
	batchGroup = 1 << 20
)
