package sqs

import "time"

// Limits of Amazon SQS.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-quotas.html
const (
	maxName         = 80
	maxMessage      = 1 << 20 // bytes of a message, and of a batch
	minMessage      = 1024    // smallest MaximumMessageSize
	maxBatch        = 10      // entries of a batch, and messages of a receive
	maxTrace        = 1024    // bytes of a trace header that is taken from a request; our own
	maxBatchID      = 80
	maxAttributes   = 10  // of a message
	maxAttribute    = 256 // characters of the name or the type of a message attribute
	maxToken        = 128 // characters of a group, a deduplication id, an attempt id
	maxDelay        = 900
	maxVisibility   = 43_200
	minRetention    = 60
	maxRetention    = 1_209_600
	maxWait         = 20
	minKeyReuse     = 60
	maxKeyReuse     = 86_400
	maxReceives     = 1000    // largest maxReceiveCount
	maxSourceQueues = 10      // of a RedriveAllowPolicy
	maxFlying       = 120_000 // messages in flight, of standard and FIFO queues alike
	maxTags         = 50
	maxTagKey       = 128
	maxTagValue     = 256
	maxActions      = 7 // of a statement that AddPermission writes
	maxStatements   = 20
	listLimit       = 1000
	maxTaskRate     = 500
	maxTasks        = 10 // that are listed, and kept
)

// Times of Amazon SQS.
const (
	dedupWindow   = 5 * time.Minute // also of a ReceiveRequestAttemptId
	nameRest      = time.Minute     // between the deletion of a queue and the next of its name
	purgeRest     = time.Minute     // between two purges
	maxTaskLength = 36 * time.Hour  // of a message move task
)

// Sizes of our own transactions.
const (
	sweepBatch = 500 // messages deleted at a time
	taskBatch  = 250 // messages that a move task takes at a time, as long as they are small
	receipts   = 50  // turns of a receive that finds only messages to be taken out
)
