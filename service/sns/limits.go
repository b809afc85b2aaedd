package sns

import "time"

// Limits of SNS. https://docs.aws.amazon.com/general/latest/gr/sns.html
const (
	maxTopicName         = 256
	maxTopics            = 100_000 // standard topics of an account and region
	maxFIFOTopics        = 1_000
	maxSubscriptions     = 12_500_000 // of a standard topic
	maxFIFOSubscriptions = 100
	maxFilters           = 200 // filter policies of a topic
	maxTags              = 50
	listPage             = 100

	// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
	maxBatch    = 10 // messages of a batch
	maxBatchID  = 80
	maxEndpoint = 2048 // characters of a URL or address
	maxDisplay  = 100
	maxKeyID    = 2048     // characters of KmsMasterKeyId
	maxPolicy   = 30 << 10 // bytes of a topic's policy
	maxMasking  = 30_720   // characters of a data protection policy

	// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
	dedupWindow = 5 * time.Minute
	// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html: tokens are valid for two days.
	tokenLife = 48 * time.Hour
	// https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html
	postTimeout = 15 * time.Second
)

// Our own.
const (
	inlineMessage = 16 << 10 // bytes up to which a FIFO delivery holds its message itself
	fanParallel   = 512      // messages of one topic on their way to its subscriptions at a time
	fanChunk      = 500      // subscriptions that one step of a message goes to
	fanBytes      = 4 << 20  // bytes of promises in one transaction
	replayChunk   = 100      // archived messages that one step of a replay reads
	replayBytes   = 2 << 20
	sweepChunk    = 500 // archived messages that one transaction deletes
	expiredChunk  = 4   // deduplication ids that a publish forgets
	sweepEvery    = 24 * time.Hour
	maxCached     = 1000             // topics that are kept compiled
	callTimeout   = 30 * time.Second // of a call of SQS or Lambda
	mailTimeout   = 60 * time.Second
	answerBytes   = 64 << 10
	jitterShare   = 0.1 // of a wait, by which it may be longer
)
