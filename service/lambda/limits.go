package lambda

import (
	"time"

	"github.com/brume-dev/brume/timer"
)

// Limits of Lambda. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxSync         = 6_291_456 // bytes of a synchronous payload
	maxAsync        = 1_048_576 // of an asynchronous one
	maxTags         = 50        // of a function
	maxTimeout      = 900       // seconds
	maxMemoryMB     = 10_240
	concurrentLimit = 1000 // concurrent executions of an account and region
	minUnreserved   = 100  // of them that cannot be reserved

	defaultTimeout  = 3 // seconds
	defaultMemoryMB = 128
	defaultTmpMB    = 512

	maxAsyncAge     = 21_600 // seconds that an event may wait, also the default
	maxAsyncRetries = 2      // after an error of the function, also the default

	maxPage = 50 // items of a page of any list
)

// Waits of asynchronous invocation. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	firstRetryWait   = time.Minute
	laterRetryWait   = 2 * time.Minute
	shortestThrottle = time.Second
	longestThrottle  = 5 * time.Minute
	parallelAsync    = concurrentLimit // events of one function at a time
)

// Our own.
const (
	prepareWait   = 10 * time.Second // for a function that is being created, when it is invoked
	sparePassword = time.Minute      // credentials are fresh for this much longer than a function may run
	maxErrorText  = 1024             // bytes of the error message in a message to a dead-letter queue
)

// The request itself must fit into a promise: its payload, and what surrounds it.
const _ = uint(timer.MaxArgs - maxAsync - 64<<10)
