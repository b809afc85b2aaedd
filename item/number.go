package item

import (
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// What DynamoDB says of numbers that it does not take.
const (
	notNumeric = "The parameter cannot be converted to a numeric value"
	tooPrecise = "Attempting to store more than 38 significant digits in a Number"
	overflow   = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	underflow  = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
)

// Number returns the value of type N that text stands for, in DynamoDB's normal form: no exponent, no leading or
// trailing zeros, no sign of zero. The second result is what DynamoDB says when text is no number, or out of range.
func Number(text string) (Value, string) {
	v := number(text)
	if v.kind == bad {
		return v, v.s
	}
	return v, ""
}

// Int returns a value of type N.
func Int(n int64) Value { return Value{kind: N, s: strconv.FormatInt(n, 10)} }

// isNormal reports whether s is surely in normal form already, as nearly all numbers that clients send are.
func isNormal(s string) bool {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	digits := s[i:]
	if len(digits) == 0 || len(digits) > MaxDigits || digits[0] == '0' {
		return s == "0"
	}
	point := -1
	for j := 0; j < len(digits); j++ {
		if c := digits[j]; c < '0' || c > '9' {
			if c != '.' || point >= 0 || j == 0 {
				return false
			}
			point = j
		}
	}
	return point < 0 || digits[len(digits)-1] >= '1'
}

// number reads text as Number does; what is no number gives an invalid value.
func number(text string) Value {
	if isNormal(text) {
		return Value{kind: N, s: text}
	}
	var d decimal
	switch ok := d.parse(text); {
	case text == "":
		return invalidOlder(notNumeric+": ", notNumeric)
	case !ok:
		return invalid(notNumeric + ": " + text)
	case d.lead > MaxExponent:
		return invalid(overflow)
	case d.lead < MinExponent:
		return invalid(underflow)
	case len(d.digits) > MaxDigits:
		return invalid(tooPrecise)
	}
	return Value{kind: N, s: d.String()}
}

// decimal is a number taken apart: digits[0].digits[1]… × 10^lead, without zeros at either end; no digits is zero.
type decimal struct {
	neg    bool
	lead   int
	digits []byte
	room   [MaxDigits + 2]byte
}

// parse reads what Java's BigDecimal reads: sign, digits with at most one point among them, exponent.
func (d *decimal) parse(s string) bool {
	d.digits, d.lead, d.neg = d.room[:0], 0, false
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		d.neg = s[i] == '-'
		i++
	}
	seen, point, zeros := 0, false, 0 // zeros: those since the last other digit
	intDigits := 0                    // digits before the point from the first that is not zero; negative: zeros after it
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if point {
				return false
			}
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		seen++
		switch {
		case c != '0':
			for ; zeros > 0 && len(d.digits) > 0; zeros-- {
				d.digits = append(d.digits, '0')
			}
			zeros = 0
			d.digits = append(d.digits, c)
			if !point {
				intDigits++
			}
		case len(d.digits) > 0:
			zeros++
			if !point {
				intDigits++
			}
		case point:
			intDigits--
		}
	}
	if seen == 0 {
		return false
	}
	exp, ok := parseExponent(s[i:])
	if !ok {
		return false
	}
	d.lead = intDigits - 1 + exp
	if len(d.digits) == 0 { // zero is held to the range by the exponent that it is written with
		d.neg, d.lead = false, exp
	}
	return true
}

// parseExponent reads an exponent of at most 64 bits. It stays far from the ends of int, which the caller adds to.
func parseExponent(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	n, err := strconv.ParseInt(s[1:], 10, 64)
	return int(max(-1<<40, min(n, 1<<40))), err == nil
}

// String returns the normal form.
func (d *decimal) String() string {
	if len(d.digits) == 0 {
		return "0"
	}
	var b strings.Builder
	if d.neg {
		b.WriteByte('-')
	}
	switch n := len(d.digits); {
	case d.lead < 0:
		b.WriteString("0.")
		for i := d.lead + 1; i < 0; i++ {
			b.WriteByte('0')
		}
		b.Write(d.digits)
	case d.lead+1 >= n:
		b.Write(d.digits)
		for i := n; i <= d.lead; i++ {
			b.WriteByte('0')
		}
	default:
		b.Write(d.digits[:d.lead+1])
		b.WriteByte('.')
		b.Write(d.digits[d.lead+1:])
	}
	return b.String()
}

// compareNumbers orders two normal forms by value.
func compareNumbers(a, b string) int {
	an, bn := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case an && bn:
		return compareMagnitudes(b[1:], a[1:])
	case an:
		return -1
	case bn:
		return 1
	}
	return compareMagnitudes(a, b)
}

func compareMagnitudes(a, b string) int {
	ai, af, _ := strings.Cut(a, ".")
	bi, bf, _ := strings.Cut(b, ".")
	if len(ai) != len(bi) {
		if len(ai) < len(bi) {
			return -1
		}
		return 1
	}
	if c := strings.Compare(ai, bi); c != 0 {
		return c
	}
	return strings.Compare(af, bf)
}

// Add returns a+b, or a-b when negate is set, for two values of type N, and what DynamoDB says when the result has no
// place in a number.
func Add(a, b Value, negate bool) (Value, string) {
	if len(a.s) < 18 && len(b.s) < 18 {
		x, errX := strconv.ParseInt(a.s, 10, 64)
		y, errY := strconv.ParseInt(b.s, 10, 64)
		if errX == nil && errY == nil {
			if negate {
				y = -y
			}
			return Int(x + y), ""
		}
	}
	var x, y, sum apd.Decimal
	if _, _, err := x.SetString(a.s); err != nil {
		return Value{}, notNumeric + ": " + a.s
	}
	if _, _, err := y.SetString(b.s); err != nil {
		return Value{}, notNumeric + ": " + b.s
	}
	if negate {
		y.Neg(&y)
	}
	// Any two numbers of the range add up exactly in the digits between 1E+126 and 1E-168.
	exact := apd.BaseContext.WithPrecision(400)
	if _, err := exact.Add(&sum, &x, &y); err != nil {
		return Value{}, overflow
	}
	return Number(sum.Text('f'))
}
