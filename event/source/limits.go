package source

import "time"

// Limits of reading from SQS.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
const (
	// MaxConcurrency is how many batches of a queue are processed at a time at most, and by default.
	MaxConcurrency = 1000
	// FirstConcurrency is with how many the reading begins.
	FirstConcurrency = 5

	growth = 200 * time.Millisecond // between two steps of one batch more: 300 a minute

	receiveMax  = 10               // messages of one ReceiveMessage and of one DeleteMessageBatch
	receiveWait = 20 * time.Second // the longest long poll
)

// Limits of reading from DynamoDB Streams.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html
const (
	readMax  = 1000    // records of one GetRecords
	maxState = 1 << 20 // bytes of a tumbling window's state
)

// Our own.
const (
	patience       = 10 * time.Minute // of a read that finds nothing; an iterator lives for 15
	shortestPause  = time.Second      // after an error of the queue, doubling up to longestPause
	longestPause   = time.Minute
	shortestRetry  = 200 * time.Millisecond // before a batch that had no room is tried again, doubling up to longestRetry
	longestRetry   = 10 * time.Second
	deleteAttempts = 5
	erasers        = 8           // batches of one batch's messages that are deleted at a time
	visibilityLife = time.Minute // for which a queue's visibility timeout is remembered
)
