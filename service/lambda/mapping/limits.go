package mapping

// Limits of event source mappings.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
const (
	maxEvent     = 6_291_456 // bytes of an event with all its records
	defaultBatch = 10
	maxReceive   = 10 // of a batch without a window
	maxFilters   = 10
	maxTags      = 50
	maxPage      = 100

	// In provisioned mode each poller makes up to ten invocations at a time.
	pollerConcurrency = 10
	minPollers        = 2
	defaultMaxPollers = 200
	maxPollers        = 2000
)
