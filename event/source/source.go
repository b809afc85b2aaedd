// Package source reads the events of a queue or a stream in batches, for those who process them: Lambda's event source
// mappings and EventBridge's pipes. It is the other side of package target, which pushes.
//
// A Queue waits by one long poll while nothing comes, and reads and processes as many batches at a time as AWS would
// while something does. A message is deleted only when it has been processed, or when the filter does not want it; else it
// comes back when its visibility timeout ends, and after enough receives SQS moves it to its dead-letter queue. Nothing
// is kept here, so that nothing is lost with the process.
//
// A Stream reads the shards of a stream in their order, and has its owner keep after each batch how far it is.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
package source

import (
	"context"
	"errors"
	"time"
)

// Record is one event of a batch.
type Record struct {
	// ID is by what the consumer names an event that failed: the message id, or the sequence number in a stream.
	ID string
	// JSON is the event as functions and pipes get it.
	JSON []byte
	// Trace is the X-Amzn-Trace-Id that came with the event, or "".
	Trace string
	// At is when the event came into its stream.
	At time.Time

	group   string // message group
	receipt string
	look    []byte    // what filters look at
	key     uint64    // by which a stream deals its records out
	got     time.Time // when it was read
}

// Process handles a batch. It returns the IDs of those records that failed; an error means that all have failed. An error
// that wraps ErrNoRoom says that nothing has been tried: the same batch is handed over again, until its messages are
// visible to others.
type Process func(ctx context.Context, batch []Record) (failed []string, err error)

// ErrNoRoom says that a batch could not be processed at this time: the consumer is throttled.
var ErrNoRoom = errors.New("source: no room for a batch")

// ErrPartial marks an error of a batch whose consumer tells failed records apart: it does not slow the reading down.
var ErrPartial = errors.New("source: batch failed")
