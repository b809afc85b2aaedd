package kms

// Limits of KMS, https://docs.aws.amazon.com/kms/latest/developerguide/limits.html and the documentation of the
// operations.
const (
	maxPolicyBytes  = 32 << 10
	maxTags         = 50
	maxAliases      = 50 // of one key
	listKeysLimit   = 100
	listAliasLimit  = 50
	listTagsLimit   = 50
	minWindowDays   = 7 // of ScheduleKeyDeletion
	maxWindowDays   = 30
	rotationDays    = 365 // between rotations, unless said otherwise
	maxRotations    = 25  // on demand, of one key
	maxGrants       = 50000
	listGrantsLimit = 50

	maxConstraintPairs = 8 // of the encryption context in a constraint of a grant
	maxConstraintSize  = 384

	keyBytes        = 32 // of key material: AES-256
	maxContextBytes = 8192
)
