package pattern

// Limits of patterns. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const (
	// MaxLength is the number of characters of an event pattern that PutRule takes, from the API model.
	MaxLength = 2048
	// MaxCombinations bounds the combinations that the alternatives of $or multiply to.
	MaxCombinations = 1000
	// MaxComplexity bounds how many beginnings of wildcards of one field one value can match at a time. AWS enforces
	// such a bound and does not publish its figure; this one lets 30 to 50 wildcards of the usual form pass.
	MaxComplexity = 100
	// maxDepth bounds the nesting of patterns and events that is followed; Jackson's own limit is the same.
	maxDepth = 1000
	// maxSnippet is how much of the pattern an error repeats.
	maxSnippet = 500
	// maxTries bounds the search for a consistent choice of array elements in events whose keys collide.
	maxTries = 10_000
)
