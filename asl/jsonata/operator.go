package jsonata

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/brume-dev/brume/jsondoc"
)

// binary is an operator between two operands.
type binary struct {
	op       string
	lhs, rhs plan
}

func (b *binary) eval(vars map[string]any) (any, bool) {
	l, ok := b.lhs.eval(vars)
	if !ok {
		return nil, false
	}
	if b.op == "and" || b.op == "or" {
		yes, ok := truth(l)
		if !ok {
			return nil, false
		}
		if yes == (b.op == "or") {
			return yes, true
		}
		r, ok := b.rhs.eval(vars)
		if !ok {
			return nil, false
		}
		yes, ok = truth(r)
		return yes, ok
	}
	r, ok := b.rhs.eval(vars)
	if !ok {
		return nil, false
	}
	switch b.op {
	case "=", "!=":
		if l == undefined || r == undefined {
			return false, true
		}
		same, ok := equal(l, r)
		return same == (b.op == "="), ok
	case "<", "<=", ">", ">=":
		return compare(b.op, l, r)
	case "&":
		return concatenate(l, r)
	}
	return calculate(b.op, l, r)
}

// finite is the number that v is; not ok when it is none, or infinite.
func finite(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(n), 64)
	return f, err == nil || !math.IsInf(f, 0)
}

func numberOf(f float64) any { return json.Number(formatNumber(f)) }

func calculate(op string, l, r any) (any, bool) {
	if l == undefined && r == undefined {
		return undefined, true
	}
	a, ok := finite(l)
	if !ok && l != undefined {
		return nil, false
	}
	b, ok := finite(r)
	if !ok && r != undefined {
		return nil, false
	}
	if l == undefined || r == undefined {
		return undefined, true
	}
	var f float64
	switch op {
	case "+":
		f = a + b
	case "-":
		f = a - b
	case "*":
		f = a * b
	case "/":
		f = a / b
	case "%":
		f = math.Mod(a, b)
	}
	// -0 would be written as 0, and so be lost to what comes after.
	negativeZero := f == 0 && math.Signbit(f)
	return numberOf(f), !math.IsInf(f, 0) && !math.IsNaN(f) && !negativeZero
}

func compare(op string, l, r any) (any, bool) {
	var order int
	switch l := l.(type) {
	case json.Number:
		a, ok1 := finite(l)
		b, ok2 := finite(r)
		if !ok1 || !ok2 {
			return nil, false
		}
		order = compareNumbers(a, b)
	case string:
		s, ok := r.(string)
		if !ok {
			return nil, false
		}
		order = compareText(l, s)
	default:
		return nil, false
	}
	switch op {
	case "<":
		return order < 0, true
	case "<=":
		return order <= 0, true
	case ">":
		return order > 0, true
	}
	return order >= 0, true
}

func compareNumbers(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareText orders by UTF-16 code units, as JavaScript does.
func compareText(a, b string) int {
	if isASCII(a) || isASCII(b) {
		return strings.Compare(a, b) // the first difference is at, or against, a character below 0x80
	}
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return int(x[i]) - int(y[i])
		}
	}
	return len(x) - len(y)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func concatenate(l, r any) (any, bool) {
	a, ok1 := text(l)
	b, ok2 := text(r)
	return a + b, ok1 && ok2
}

// text is $string.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case nothing:
		return "", true
	case string:
		return v, true
	case json.Number:
		s, ok := rounded(v)
		return s, ok
	case nil:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// rounded writes a number with 15 digits; one that has more, the engine rounds.
func rounded(n json.Number) (string, bool) {
	f, ok := finite(n)
	if !ok {
		return "", false
	}
	digits := strings.TrimLeft(strconv.FormatFloat(math.Abs(f), 'e', -1, 64), "0")
	if e := strings.IndexByte(digits, 'e'); e > 16 { // 15 digits and the point
		return "", false
	}
	return formatNumber(f), true
}

// truth is $boolean, of undefined: false.
func truth(v any) (yes, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		return v != "", true
	case json.Number:
		f, ok := finite(v)
		return f != 0, ok
	case *jsondoc.Object:
		return v.Len() > 0, true
	case *jsondoc.Array:
		for _, item := range v.Items {
			one, ok := truth(item)
			if !ok {
				return false, false
			}
			yes = yes || one
		}
	}
	return yes, true
}

// equal is "=": deep, numbers by value.
func equal(a, b any) (same, ok bool) {
	switch a := a.(type) {
	case json.Number:
		x, ok := finite(a)
		if !ok {
			return false, false
		}
		if _, isNumber := b.(json.Number); !isNumber {
			return false, true
		}
		y, ok := finite(b)
		return x == y, ok
	case *jsondoc.Array:
		o, isArray := b.(*jsondoc.Array)
		if !isArray {
			_, isObject := b.(*jsondoc.Object)
			return false, !isObject // by their properties a list and an object can be the same
		}
		if len(a.Items) != len(o.Items) {
			return false, true
		}
		for i := range a.Items {
			if same, ok := equal(a.Items[i], o.Items[i]); !same || !ok {
				return same, ok
			}
		}
		return true, true
	case *jsondoc.Object:
		o, isObject := b.(*jsondoc.Object)
		if !isObject {
			_, isArray := b.(*jsondoc.Array)
			return false, !isArray
		}
		if a.Len() != o.Len() {
			return false, true
		}
		for k, m := range a.All() {
			n, there := o.Get(k)
			if !there {
				return false, true
			}
			if same, ok := equal(m, n); !same || !ok {
				return same, ok
			}
		}
		return true, true
	}
	return a == b, true
}
