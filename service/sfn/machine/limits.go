package machine

import "time"

// Limits of Step Functions. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
const (
	maxMachines   = 10_000
	maxVersions   = 1_000
	maxAliases    = 100
	maxTags       = 50
	maxDefinition = 1 << 20
	defaultPage   = 100
	defaultReuse  = 300 // seconds that a data key is used
)

// Our own.
const (
	maxCached      = 10_000                 // targets that are remembered
	maxCachedBytes = 64 << 20               // of definitions that are kept ready to run
	shortestLook   = 200 * time.Millisecond // between looks whether the executions of a machine that is deleted have ended
	longestLook    = 30 * time.Second
	eraseChunk     = 500 // versions and aliases that one transaction deletes
)
