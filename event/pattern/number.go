package pattern

import "strings"

// decimal is a number as patterns compare it: millionths. Patterns know numbers from -5.0e9 to 5.0e9 with six digits
// after the point; any other number equals only its own spelling.
type decimal int64

const (
	decimalPlaces = 6
	maxDecimal    = decimal(5_000_000_000 * 1_000_000)
)

type decimalFit uint8

const (
	fits decimalFit = iota
	tooFine
	tooLarge
)

// parseDecimal reads a JSON number.
func parseDecimal(s string) (decimal, decimalFit) {
	neg := strings.HasPrefix(s, "-")
	mantissa := strings.TrimPrefix(s, "-")
	exp := 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		exp = exponent(mantissa[i+1:])
		mantissa = mantissa[:i]
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	frac = strings.TrimRight(frac, "0")
	digits := strings.TrimLeft(whole+frac, "0")
	// The value is digits × 10^scale.
	scale := exp - len(frac)
	trimmed := strings.TrimRight(digits, "0")
	scale += len(digits) - len(trimmed)
	if trimmed == "" {
		return 0, fits
	}
	if scale < -decimalPlaces {
		return 0, tooFine
	}
	if len(trimmed)+scale > 10 { // 5,000,000,000 has ten digits
		return 0, tooLarge
	}
	v := decimal(0)
	for i := 0; i < len(trimmed); i++ {
		v = v*10 + decimal(trimmed[i]-'0')
	}
	for range scale + decimalPlaces {
		v *= 10
	}
	if v > maxDecimal {
		return 0, tooLarge
	}
	if neg {
		v = -v
	}
	return v, fits
}

// exponent reads an exponent, cut off where it cannot matter any more.
func exponent(s string) int {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(strings.TrimLeft(s, "+-"), "0")
	e := 0
	for i := 0; i < len(s) && e < 1_000_000; i++ {
		e = e*10 + int(s[i]-'0')
	}
	if neg {
		return -e
	}
	return e
}
