package mapping

// Limits of event source mappings.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
const (
	maxEvent     = 6_291_456 // bytes of an event with all its records
	defaultBatch = 10
	maxReceive   = 10 // of a batch without a window
	maxFilters   = 5
	maxTags      = 50
	maxPage      = 100

	defaultStreamBatch = 100
	minRecordAge       = 60 // seconds
	unlimited          = -1 // age of records, and retries

	// In provisioned mode each poller makes up to ten invocations at a time.
	pollerConcurrency = 10
	minPollers        = 2
	defaultMaxPollers = 200
	maxPollers        = 2000
)
