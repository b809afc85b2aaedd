package item

// Limits of DynamoDB's datatypes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	MaxDigits   = 38        // significant digits of a number
	MaxExponent = 125       // of the first digit of a number: 9.99…E+125
	MinExponent = -130      // 1E-130
	MaxDepth    = 32        // levels of nesting of a value
	MaxName     = 65535     // bytes of the name of an attribute
	MaxSize     = 400 << 10 // bytes of an item, names and values
)
