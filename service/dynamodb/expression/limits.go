package expression

// Limits of expressions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
const (
	MaxBytes       = 4096 // of an expression, as it was sent
	MaxOperators   = 300  // operators and functions of an expression
	MaxInOperands  = 100  // values of IN
	MaxPathDepth   = 32   // elements of a document path
	MaxPlaceholder = 255  // bytes of a placeholder, its # or : included
	maxCached      = 4096 // parsed expressions that a Cache keeps
)
