package journal

import "time"

// maxText is how long an input or output may be, escaped; the rest is cut off.
// https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-payload
const maxText = 248 << 10

// Our own limits of log events, within those of PutLogEvents.
const (
	maxBatch   = 256 << 10      // bytes of events in one promise, above which the next goes into another
	maxAge     = 24 * time.Hour // of events that Logs does not take; after that they are dropped
	maxStreams = 1000           // that are remembered
)

// Our own limits of segments; all but the first are of express executions.
const (
	maxStates  = 200              // that a segment shows: its document may have 64 KB
	maxWaiting = 1000             // segments that wait to be sent; more are lost
	senders    = 4                // segments that are sent at once
	lastCall   = 3 * time.Second  // for what waits when the platform stops
	maxRunning = 1000             // executions under way, beyond which those are forgotten that had no end:
	longest    = 10 * time.Minute // an execution may take half of it
)
