package execute

import "time"

// Limits of serving an API,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html.
const (
	maxPayload    = 10 << 20 // of a request, and of what an integration answers
	maxCached     = 10_000   // APIs and stages whose programs are kept in memory
	accountRate   = 10_000   // requests a second of an account and region
	accountBurst  = 5_000
	fullTimeout   = 29 * time.Second
	maxLogged     = 1024    // bytes of a text in the execution log
	maxAccessLine = 1 << 20 // bytes of a line of the access log
	logPause      = 300 * time.Millisecond
	maxWaiting    = 50_000 // lines that wait to be written; what comes above is dropped and counted
	maxBatch      = 5_000  // lines of one PutLogEvents
	maxBatchBytes = 900_000
	maxSegments   = 50 // of one PutTraceSegments
)
