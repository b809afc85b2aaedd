package choice

import (
	"encoding/json"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is the type of value that an operator compares.
type kind uint8

const (
	texts kind = iota
	numbers
	booleans
	instants
	presence // the Is… operators, which ask for the type
)

// needs is the type of JSON value that an operator of the kind takes.
func (k kind) needs() string {
	switch k {
	case numbers:
		return "Number"
	case booleans, presence:
		return "Boolean"
	default:
		return "String"
	}
}

// test is what an operator asks.
type test uint8

const (
	equals test = iota
	less
	greater
	lessOrEqual
	greaterOrEqual
	matches
	isNull
	isPresent
	isNumeric
	isString
	isBoolean
	isTimestamp
)

// operator is a comparison operator, taken apart.
type operator struct {
	kind kind
	test test
	path bool
}

// IsOperator reports whether name is that of a comparison operator.
func IsOperator(name string) bool {
	_, ok := parseOperator(name)
	return ok
}

// Needs is the JSON type of the value that a comparison operator takes: "String", "Number" or "Boolean".
func Needs(name string) string {
	op, _ := parseOperator(name)
	if op.path {
		return "String"
	}
	return op.kind.needs()
}

func parseOperator(name string) (operator, bool) {
	switch name {
	case "StringMatches":
		return operator{texts, matches, false}, true
	case "IsNull":
		return operator{presence, isNull, false}, true
	case "IsPresent":
		return operator{presence, isPresent, false}, true
	case "IsNumeric":
		return operator{presence, isNumeric, false}, true
	case "IsString":
		return operator{presence, isString, false}, true
	case "IsBoolean":
		return operator{presence, isBoolean, false}, true
	case "IsTimestamp":
		return operator{presence, isTimestamp, false}, true
	}
	var op operator
	switch {
	case cut(&name, "String"):
		op.kind = texts
	case cut(&name, "Numeric"):
		op.kind = numbers
	case cut(&name, "Boolean"):
		op.kind = booleans
	case cut(&name, "Timestamp"):
		op.kind = instants
	default:
		return operator{}, false
	}
	if n := len(name) - len("Path"); n >= 0 && name[n:] == "Path" {
		op.path, name = true, name[:n]
	}
	switch name {
	case "Equals":
		op.test = equals
	case "LessThan":
		op.test = less
	case "GreaterThan":
		op.test = greater
	case "LessThanEquals":
		op.test = lessOrEqual
	case "GreaterThanEquals":
		op.test = greaterOrEqual
	default:
		return operator{}, false
	}
	return op, op.kind != booleans || op.test == equals
}

func cut(s *string, prefix string) bool {
	if len(*s) < len(prefix) || (*s)[:len(prefix)] != prefix {
		return false
	}
	*s = (*s)[len(prefix):]
	return true
}

// holds says what an order of two values means to the operator.
func (op operator) holds(order int) bool {
	switch op.test {
	case equals:
		return order == 0
	case less:
		return order < 0
	case greater:
		return order > 0
	case lessOrEqual:
		return order <= 0
	default:
		return order >= 0
	}
}

// is says whether a value that is there is of the type that the operator asks for.
func (op operator) is(v any) bool {
	switch op.test {
	case isNull:
		return v == nil
	case isNumeric:
		_, ok := v.(json.Number)
		return ok
	case isString:
		_, ok := v.(string)
		return ok
	case isBoolean:
		_, ok := v.(bool)
		return ok
	default: // isTimestamp
		s, ok := v.(string)
		if ok {
			_, ok = Timestamp(s)
		}
		return ok
	}
}

func compareNumbers(a, b json.Number) int {
	i, err1 := a.Int64()
	j, err2 := b.Int64()
	if err1 == nil && err2 == nil {
		return order(i, j)
	}
	x, _ := a.Float64()
	y, _ := b.Float64()
	return order(x, y)
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareStrings orders by UTF-16 units, as Java does: only characters beyond the first plane differ from the order of bytes.
func compareStrings(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if i == len(a) || i == len(b) {
		return len(a) - len(b)
	}
	for i > 0 && !utf8.RuneStart(a[i]) {
		i--
	}
	x, _ := utf8.DecodeRuneInString(a[i:])
	y, _ := utf8.DecodeRuneInString(b[i:])
	return int(unit(x)) - int(unit(y))
}

// unit is the first UTF-16 unit of a character, with the second one's order kept below it.
func unit(r rune) int64 {
	if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
		return int64(high)<<16 | int64(low)
	}
	return int64(r) << 16
}

// like matches a string with a pattern of StringMatches: "*" is any characters, and a backslash takes the special meaning from
// "*" and from itself.
func like(s, pattern string) bool {
	star, mark := -1, 0 // where the last "*" of the pattern is, and what it has taken so far
	i, j := 0, 0
	for i < len(s) {
		if j < len(pattern) && pattern[j] == '*' {
			star, mark = j, i
			j++
			continue
		}
		c, n := literal(pattern, j)
		if n > 0 && c == s[i] {
			i, j = i+1, j+n
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		i, j = mark, star+1
	}
	for j < len(pattern) && pattern[j] == '*' {
		j++
	}
	return j == len(pattern)
}

// literal is the byte that a pattern stands for at j, and how many bytes of the pattern that takes: 0 at its end.
func literal(pattern string, j int) (byte, int) {
	if j >= len(pattern) {
		return 0, 0
	}
	if pattern[j] == '\\' && j+1 < len(pattern) && (pattern[j+1] == '*' || pattern[j+1] == '\\') {
		return pattern[j+1], 2
	}
	return pattern[j], 1
}

// Timestamp reads a timestamp of the language: RFC 3339 with "T" between date and time, and "Z" or an offset.
// https://states-language.net/#timestamps
func Timestamp(s string) (time.Time, bool) {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(s) < shortest || s[10] != 'T' || s[19] == ',' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}
