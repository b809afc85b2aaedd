package xray

import "time"

// Limits of X-Ray, https://docs.aws.amazon.com/general/latest/gr/xray.html,
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html and the documentation of the operations.
const (
	maxDocument    = 64 << 10 // bytes of a segment document
	maxTrace       = 500_000  // bytes of the documents of a trace
	maxName        = 200      // characters of a segment's name
	maxAnnotations = 50       // indexed annotations of a trace
	maxBatch       = 5        // traces of one BatchGetTraces call
	maxFilter      = 2000     // characters of a filter expression
	maxRange       = 24 * time.Hour
	retention      = 30 * 24 * time.Hour

	defaultPriority  = 10000 // of the sampling rule Default
	defaultReservoir = 1     // requests a second
	defaultRate      = 0.05  // of the others
	reportInterval   = 10    // seconds between two calls of GetSamplingTargets
)

// What Brume does at a time.
const (
	putBytes   = 1 << 20 // documents of one transaction
	pageTraces = 250     // traces that one GetTraceSummaries call looks at
	pageBytes  = 2 << 20 // documents likewise
	sweepBatch = 100     // traces deleted by one transaction
)
