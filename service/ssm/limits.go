package ssm

// Limits of Parameter Store.
// https://docs.aws.amazon.com/general/latest/gr/ssm.html#parameter-store-quotas
const (
	maxStandard      = 10_000  // standard parameters of an account and region
	maxAdvanced      = 100_000 // advanced ones
	maxStandardValue = 4 << 10 // bytes
	maxAdvancedValue = 8 << 10
	maxVersions      = 100 // kept of a parameter; the oldest goes when one more is made
	maxLevels        = 15  // of a hierarchy
	maxARN           = 1011
	maxLabels        = 10  // of a version
	maxSelector      = 128 // characters of a label or version behind a name
	maxPolicies      = 10  // of an advanced parameter
	maxTags          = 50

	// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html and its siblings
	defaultByPath   = 10
	defaultDescribe = 10
	defaultHistory  = 50

	// maxScanned is our own: how many parameters a page of a filtered listing looks at. AWS says that a page may
	// end early, with a token to go on.
	maxScanned = 1000
	// maxAttempts is our own: how often a SecureString is sealed again when the parameter changes meanwhile.
	maxAttempts = 5
)
