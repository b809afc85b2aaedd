package intrinsic

// Limits of https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html.
const (
	// MaxNesting is how many functions may be nested in one field.
	MaxNesting = 10
	// MaxRange is how many elements States.ArrayRange may give.
	MaxRange = 1000
	// MaxText is how many characters States.Base64Encode, States.Base64Decode and States.Hash take.
	MaxText = 10_000
	// MaxNumber and MinNumber bound the integers that functions take.
	MaxNumber = 1<<31 - 1
	MinNumber = -1 << 31
)
