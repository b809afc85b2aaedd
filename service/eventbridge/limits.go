package eventbridge

import "time"

// Quotas of EventBridge, https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const (
	maxBuses      = 100
	maxRules      = 300 // of a bus
	maxTargets    = 5   // of a rule
	maxReplays    = 10  // at a time
	maxPolicy     = 10_240
	maxTags       = 50
	maxRequest    = 1 << 20 // bytes of the entries of a PutEvents request
	timeSize      = 14      // bytes for which the Time of an entry counts
	listLimit     = 100
	replayKept    = 90 * 24 * time.Hour // for so long an ended replay is remembered
	maxEndpointID = 50
)

// Our own.
const (
	maxCached    = 1000    // compiled buses kept in memory
	inlineBytes  = 3 << 20 // deliveries above this go through promises of their own
	fanoutBytes  = 2 << 20 // of one of those
	replayEvents = 100     // in one transaction
	replayBytes  = 1 << 20
	expireEvents = 500 // in one transaction
)
