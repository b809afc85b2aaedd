package vtl

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/brume-dev/brume/jsondoc"
)

// invoke calls a method of a value. ErrNoMethod leaves the reference unresolved.
func invoke(v any, method string, args []any) (any, error) {
	if len(args) == 0 {
		switch method {
		case "toString":
			return Text(v), nil
		case "hashCode":
			return hash(Text(v)), nil
		}
	}
	if method == "equals" && len(args) == 1 {
		return sameKind(v, args[0]) && same(v, args[0]), nil
	}
	switch c := v.(type) {
	case string:
		return stringMethod(c, method, args)
	case *jsondoc.Array:
		return listMethod(c, method, args)
	case *jsondoc.Object:
		return mapMethod(c, method, args)
	case int64, float64:
		return numberMethod(c, method, args)
	case bool:
		if method == "booleanValue" {
			return c, nil
		}
	case entry:
		return c.call(method)
	case Object:
		return c.Call(method, args)
	}
	return nil, ErrNoMethod
}

func sameKind(a, b any) bool { return fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b) }

// hash is Java's String.hashCode.
func hash(s string) int64 {
	var h int32
	for _, c := range utf16of(s) {
		h = 31*h + int32(c)
	}
	return int64(h)
}

// arguments read one by one; ok turns false when one is missing or of another kind.
type arguments struct {
	list []any
	ok   bool
}

func (a *arguments) next() any {
	if len(a.list) == 0 {
		a.ok = false
		return nil
	}
	v := a.list[0]
	a.list = a.list[1:]
	return v
}

func (a *arguments) str() string {
	s, ok := a.next().(string)
	a.ok = a.ok && ok
	return s
}

func (a *arguments) int() int {
	n, ok := a.next().(int64)
	a.ok = a.ok && ok
	return int(n)
}

func (a *arguments) done() bool { return a.ok && len(a.list) == 0 }

// stringMethods are those of java.lang.String by name and number of arguments. A regular expression is Go's, which has
// Java's syntax but for look-around and back references.
var stringMethods = map[string]func(s string, a *arguments) (any, error){
	"length/0":  func(s string, _ *arguments) (any, error) { return int64(len(utf16of(s))), nil },
	"isEmpty/0": func(s string, _ *arguments) (any, error) { return s == "", nil },
	"isBlank/0": func(s string, _ *arguments) (any, error) { return strings.TrimSpace(s) == "", nil },
	"trim/0": func(s string, _ *arguments) (any, error) {
		return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }), nil
	},
	"strip/0":            func(s string, _ *arguments) (any, error) { return strings.TrimSpace(s), nil },
	"toLowerCase/0":      func(s string, _ *arguments) (any, error) { return strings.ToLower(s), nil },
	"toUpperCase/0":      func(s string, _ *arguments) (any, error) { return strings.ToUpper(s), nil },
	"intern/0":           func(s string, _ *arguments) (any, error) { return s, nil },
	"concat/1":           func(s string, a *arguments) (any, error) { return s + a.str(), nil },
	"contains/1":         func(s string, a *arguments) (any, error) { return strings.Contains(s, a.str()), nil },
	"startsWith/1":       func(s string, a *arguments) (any, error) { return strings.HasPrefix(s, a.str()), nil },
	"endsWith/1":         func(s string, a *arguments) (any, error) { return strings.HasSuffix(s, a.str()), nil },
	"equalsIgnoreCase/1": func(s string, a *arguments) (any, error) { return strings.EqualFold(s, a.str()), nil },
	"compareTo/1":        func(s string, a *arguments) (any, error) { return compareTo(s, a.str()), nil },
	"indexOf/1":          func(s string, a *arguments) (any, error) { return chars(s, strings.Index(s, a.str())), nil },
	"indexOf/2":          indexFrom,
	"lastIndexOf/1":      func(s string, a *arguments) (any, error) { return chars(s, strings.LastIndex(s, a.str())), nil },
	"replace/2":          replaceText,
	"repeat/1":           repeat,
	"charAt/1":           func(s string, a *arguments) (any, error) { i := a.int(); return substring(s, i, i+1) },
	"substring/1": func(s string, a *arguments) (any, error) {
		return substring(s, a.int(), len(utf16of(s)))
	},
	"substring/2":    func(s string, a *arguments) (any, error) { return substring(s, a.int(), a.int()) },
	"matches/1":      func(s string, a *arguments) (any, error) { return matches(s, a.str()) },
	"replaceAll/2":   func(s string, a *arguments) (any, error) { return replace(s, a.str(), a.str(), -1) },
	"replaceFirst/2": func(s string, a *arguments) (any, error) { return replace(s, a.str(), a.str(), 1) },
	"split/1":        func(s string, a *arguments) (any, error) { return split(s, a.str(), 0) },
	"split/2":        func(s string, a *arguments) (any, error) { return split(s, a.str(), a.int()) },
}

func stringMethod(s, method string, args []any) (any, error) {
	f := stringMethods[method+"/"+strconv.Itoa(len(args))]
	if f == nil {
		return nil, ErrNoMethod
	}
	a := &arguments{args, true}
	v, err := f(s, a)
	if !a.done() {
		return nil, ErrNoMethod // Java finds no method for arguments of another type
	}
	return v, err
}

func indexFrom(s string, a *arguments) (any, error) {
	part, from := a.str(), a.int()
	all := utf16of(s)
	from = min(max(from, 0), len(all))
	rest := string(utf16.Decode(all[from:]))
	if i := strings.Index(rest, part); i >= 0 {
		return int64(from) + chars(rest, i), nil
	}
	return int64(-1), nil
}

// chars turns a place in bytes into one in Java's chars; -1 stays -1.
func chars(s string, i int) int64 {
	if i < 0 {
		return -1
	}
	return int64(len(utf16of(s[:i])))
}

// compareTo is the difference of the first chars that differ, or of the lengths.
func compareTo(s, t string) int64 {
	a, b := utf16of(s), utf16of(t)
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return int64(a[i]) - int64(b[i])
		}
	}
	return int64(len(a) - len(b))
}

// parseNumber serves the static methods of Java's number classes, which templates reach by way of any number:
// #set($Integer = 0)$Integer.parseInt("12").
func parseNumber(method string, arg any) (any, error) {
	switch method {
	case "parseInt", "parseLong":
		s, ok := arg.(string)
		n, err := strconv.ParseInt(s, 10, 64)
		if !ok {
			return nil, ErrNoMethod
		}
		if err != nil {
			return nil, fmt.Errorf("vtl: %s: for input string: %q", method, s)
		}
		return n, nil
	case "parseDouble", "parseFloat":
		s, ok := arg.(string)
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if !ok {
			return nil, ErrNoMethod
		}
		if err != nil {
			return nil, fmt.Errorf("vtl: %s: for input string: %q", method, s)
		}
		return f, nil
	}
	return nil, ErrNoMethod
}

func repeat(s string, a *arguments) (any, error) {
	n := a.int()
	if n < 0 || len(s) > 0 && n > MaxOutput/len(s) {
		return nil, fmt.Errorf("%w: repeat(%d)", ErrLimit, n)
	}
	return strings.Repeat(s, n), nil
}

func replaceText(s string, a *arguments) (any, error) {
	old, with := a.str(), a.str()
	if n := strings.Count(s, old); len(with) > 0 && n > MaxOutput/len(with) {
		return nil, fmt.Errorf("%w: a replacement", ErrLimit)
	}
	return strings.ReplaceAll(s, old, with), nil
}

func compileRegexp(expr string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("vtl: %w", err)
	}
	return re, nil
}

func matches(s, expr string) (any, error) {
	re, err := compileRegexp("^(?:" + expr + ")$")
	if err != nil {
		return nil, err
	}
	return re.MatchString(s), nil
}

// javaGroup is how Java names a group in a replacement: $1.
var javaGroup = regexp.MustCompile(`\\(.)|\$(\d)|\$`)

func replace(s, expr, with string, n int) (any, error) {
	re, err := compileRegexp(expr)
	if err != nil {
		return nil, err
	}
	template := javaGroup.ReplaceAllStringFunc(with, func(m string) string {
		switch {
		case m[0] == '\\':
			return strings.ReplaceAll(m[1:], "$", "$$")
		case len(m) == 2:
			return "${" + m[1:] + "}"
		}
		return "$$"
	})
	var out []byte
	last := 0
	for _, loc := range re.FindAllStringSubmatchIndex(s, n) {
		out = append(out, s[last:loc[0]]...)
		out = re.ExpandString(out, template, s, loc)
		last = loc[1]
		if len(out) > MaxOutput {
			return nil, fmt.Errorf("%w: a replacement", ErrLimit)
		}
	}
	return string(append(out, s[last:]...)), nil
}

// split is Java's: empty strings at the end are dropped when limit is 0.
func split(s, expr string, limit int) (any, error) {
	re, err := compileRegexp(expr)
	if err != nil {
		return nil, err
	}
	n := limit
	if limit <= 0 {
		n = -1
	}
	parts := re.Split(s, n)
	for limit == 0 && len(parts) > 1 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	a := &jsondoc.Array{}
	for _, part := range parts {
		a.Items = append(a.Items, part)
	}
	return a, nil
}

// numberMethod serves Integer, Long and Double.
func numberMethod(v any, method string, args []any) (any, error) {
	f, _ := number(v)
	i, isInt := v.(int64)
	if !isInt {
		i = int64(f)
	}
	switch {
	case method == "compareTo" && len(args) == 1:
		g, ok := number(args[0])
		if !ok {
			return nil, ErrNoMethod
		}
		return int64(cmp.Compare(f, g)), nil
	case method == "valueOf" && len(args) == 1:
		if _, isText := args[0].(string); !isText {
			return args[0], nil
		}
		if isInt {
			return parseNumber("parseInt", args[0])
		}
		return parseNumber("parseDouble", args[0])
	case len(args) == 1:
		return parseNumber(method, args[0])
	case len(args) > 0:
		return nil, ErrNoMethod
	}
	switch method {
	case "intValue":
		return int64(int32(i)), nil
	case "longValue":
		return i, nil
	case "doubleValue", "floatValue":
		return f, nil
	case "isNaN":
		return math.IsNaN(f), nil
	}
	return nil, ErrNoMethod
}
