package execution

import "time"

// Limits of executions. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
const (
	MaxEvents   = 25_000               // of an execution's history
	MaxOpen     = 365 * 24 * time.Hour // how long an execution may run
	Redrivable  = 14 * 24 * time.Hour  // after its end
	Retention   = 90 * 24 * time.Hour  // how long a closed execution is there
	MaxRedrives = 1_000                // of an execution
	maxTokens   = 10                   // client tokens of redrives that are remembered
	tokenLife   = 15 * time.Minute     // and for how long
	maxDetail   = 248 << 10            // bytes of input and output in an event of EventBridge
)

// Our own.
const (
	inline       = 1024     // bytes of a document up to which it lies in a record
	chunkItems   = 64       // items of a Map state in one value
	chunkBytes   = 32 << 10 // bytes after which a chunk takes no more
	maxStepBytes = 4 << 20  // of the events of a step; above it, it is cut into smaller ones
	fewStates    = 4        // that a step goes through then
	maxJoin      = 4 << 20  // bytes of outputs that are put together
	callsAtOnce  = 1000     // requests to one destination
	shortestPoll = 100 * time.Millisecond
	longestPoll  = time.Minute            // between questions for a job
	watchPoll    = 15 * time.Minute       // for one that tells of its end
	longCall     = 250 * time.Millisecond // after which the history shows that a request is being made
	sweepEvery   = 24 * time.Hour
	sweepChunk   = 100 // executions that one transaction forgets
)
