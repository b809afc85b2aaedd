package logbook

import "time"

// Limits of PutLogEvents.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
const (
	maxBatchBytes  = 1_048_576
	maxBatchEvents = 10_000
	eventOverhead  = 26 // bytes that each event counts beside its text
)

// maxTail is the size of the log in the answer of Invoke.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_ResponseSyntax
const maxTail = 4096

// Our own.
const (
	maxPending = 4 << 20                // bytes of a stream that wait to be written; more is dropped
	interval   = 200 * time.Millisecond // between looks at what waits
	writers    = 8                      // streams that are written at the same time
	lastCall   = 3 * time.Second        // for what waits when the platform stops
)
