package bucket

import (
	"time"
)

// The limits of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html,
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html and the pages of the operations.
const (
	MaxKey        = 1024 // bytes of UTF-8
	maxMetadata   = 2048 // bytes of all user-defined metadata: names and values
	maxObject     = 5 << 40
	MaxPut        = 5 << 30 // of one PutObject, UploadPart or copy
	minPart       = 5 << 20 // of every part but the last
	MaxPart       = 10_000  // the highest part number
	MaxPage       = 1000    // keys, versions, uploads or parts that a list gives at once
	MaxDelete     = 1000    // keys of one DeleteObjects
	MaxObjectTags = 10
	MaxBucketTags = 50
	maxTagKey     = 128
	maxTagValue   = 256
	maxPolicy     = 20 << 10
	MaxRules      = 1000 // of a lifecycle
	maxRuleID     = 255
	MaxBuckets    = 10_000 // of an account
)

// Limits of our own.
const (
	// inline is the size of the largest body that lies in the store itself and shares its sync.
	Inline = 32 << 10
	// chunk is how many keys one transaction of background work looks at.
	chunk = 200
	// reopen is how often a read starts again because the object was replaced under it.
	Reopen = 5
	// day is the unit of lifecycles.
	day = 24 * time.Hour
)
