package asl

// AWS's numbers: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html and
// https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html.
const (
	// MaxData is how many bytes the input, output or result of a state may have.
	MaxData = 256 << 10
	// MaxAssign is how many bytes one variable, and all variables of one Assign together, may have.
	MaxAssign = 256 << 10
	// MaxVariables is how many bytes all variables may have that a thread can see.
	MaxVariables = 10 << 20
	// MaxName is how many characters the name of a state may have.
	MaxName = 80
	// MaxSeconds is the largest number of seconds of a time-out, wait or retry interval.
	MaxSeconds = 99_999_999
	// MaxRetryDelay is the largest MaxDelaySeconds.
	MaxRetryDelay = 31_622_400
	// MaxLabel is how long the Label of a distributed Map may be.
	MaxLabel = 40
	// MaxBatchBytes is the bound of MaxInputBytesPerBatch.
	MaxBatchBytes = 256 << 10
	// MaxInlineConcurrency is how many iterations of an inline Map run at once at the most.
	MaxInlineConcurrency = 40
	// MaxMapConcurrency is how many child executions of a distributed Map run at once at the most.
	MaxMapConcurrency = 10_000
)

// Our own numbers: a Step yields when it has gone through this many states, or made this many bytes of events, so that it
// fits into one transaction.
const (
	MaxStatesPerStep = 200
	maxBytesPerStep  = 2 << 20
	// manyEvents is room for the events of a Step that goes through a few states.
	manyEvents = 12
)
