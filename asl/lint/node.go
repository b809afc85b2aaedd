package lint

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/brume-dev/brume/asl/choice"
	"github.com/brume-dev/brume/asl/jsonata"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// node is an object of the definition with its place and the query language that holds there.
type node struct {
	l       *linter
	at      string
	o       *jsondoc.Object
	jsonata bool
}

// within is the place of a member.
func within(at, key string) string {
	if strings.ContainsAny(key, "~/") {
		key = strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
	}
	return at + "/" + key
}

func (l *linter) object(v any, at string) (node, bool) {
	o, ok := v.(*jsondoc.Object)
	if !ok {
		l.schema(at, "Expected value of type Object")
		return node{}, false
	}
	return node{l: l, at: at, o: o}, true
}

func (n node) has(key string) bool {
	_, ok := n.o.Get(key)
	return ok
}

func (n node) fail(key, format string, args ...any) { n.l.schema(within(n.at, key), format, args...) }

// text is a member that must be a string if it is there; "" otherwise.
func (n node) text(key string) string {
	v, ok := n.o.Get(key)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		n.fail(key, "Expected value of type String")
	}
	return s
}

// filled is a member that must be a string with something in it, if it is there.
func (n node) filled(key string) string {
	s := n.text(key)
	if v, ok := n.o.Get(key); ok && v == "" {
		n.fail(key, "Value cannot be empty")
	}
	return s
}

func (n node) bool(key string) bool {
	v, ok := n.o.Get(key)
	b, isBool := v.(bool)
	if ok && !isBool {
		n.fail(key, "Expected value of type Boolean")
	}
	return b
}

// oneOf is a member that must be one of some words.
func (n node) oneOf(key string, words ...string) string {
	s := n.text(key)
	if v, ok := n.o.Get(key); ok && v == s && !has(strings.Join(words, " "), s) {
		n.fail(key, "Value should be one of the following: [%s]", strings.Join(words, ", "))
	}
	return s
}

// inner is a member that is an object.
func (n node) inner(key string) (node, bool) {
	v, ok := n.o.Get(key)
	if !ok {
		return node{}, false
	}
	in, ok := n.l.object(v, within(n.at, key))
	in.jsonata = n.jsonata
	return in, ok
}

// items is a member that is an array of objects. empty says that it may have none.
func (n node) items(key string, empty bool) []node {
	v, ok := n.o.Get(key)
	if !ok {
		return nil
	}
	a, ok := v.(*jsondoc.Array)
	if !ok {
		n.fail(key, "Expected value of type Array")
		return nil
	}
	if len(a.Items) == 0 && !empty {
		n.fail(key, "Value cannot be empty")
	}
	var out []node
	for i, item := range a.Items {
		if in, ok := n.l.object(item, fmt.Sprintf("%s[%d]", within(n.at, key), i)); ok {
			in.jsonata = n.jsonata
			out = append(out, in)
		}
	}
	return out
}

// unbounded is the maximum of numbers that have none.
var unbounded = math.Inf(1)

// integer is a member that is a whole number from low to high; with JSONata it may be an expression.
func (n node) integer(key string, low, high float64) (float64, bool) {
	return n.number(key, "Integer", low, high, n.jsonata)
}

func (n node) number(key, kind string, low, high float64, expression bool) (float64, bool) {
	v, ok := n.o.Get(key)
	if !ok || expression && n.expression(key, v) {
		return 0, false
	}
	text, _ := v.(json.Number)
	f, err := text.Float64()
	switch {
	case err != nil || kind == "Integer" && (f != math.Trunc(f) || math.Abs(f) > 1<<53):
		n.fail(key, "Expected value of type %s", kind)
		return 0, false
	case f < low:
		n.fail(key, "Minimum value is %v", low)
		return 0, false
	case f > high:
		n.fail(key, "Maximum value is %.0f", high)
		return 0, false
	}
	return f, true
}

// expression looks at a value that may be one JSONata expression, and says whether it is meant as one.
func (n node) expression(key string, v any) bool {
	s, ok := v.(string)
	if !ok || !strings.HasPrefix(s, "{%") {
		return false
	}
	n.l.expression(within(n.at, key), s)
	return true
}

func (l *linter) expression(at, s string) {
	if !strings.HasPrefix(s, "{%") {
		return
	}
	if !jsonata.Is(s) {
		l.schema(at, "JSONata string must start with {%% and end with %%}")
		return
	}
	if _, err := jsonata.Compile(jsonata.Inner(s)); err != nil {
		l.schema(at, "%v", err)
	}
}

// path is a member that is a path; null is allowed where it discards.
func (n node) path(key string, nullable bool) {
	v, ok := n.o.Get(key)
	if !ok || v == nil && nullable {
		return
	}
	s, ok := v.(string)
	if !ok {
		n.fail(key, "Expected value of type String")
		return
	}
	if _, err := path.Compile(s); err != nil {
		n.fail(key, "Value must be a valid JSONPath.")
	}
}

// reference is a member that is a reference path, compiled by path.CompileReference or path.CompileTarget.
func (n node) reference(key string, nullable bool, compile func(string) (*path.Path, error)) {
	v, ok := n.o.Get(key)
	if !ok || v == nil && nullable {
		return
	}
	s, ok := v.(string)
	switch {
	case !ok:
		n.fail(key, "Expected value of type String")
	case !strings.HasPrefix(s, "$") && key != "Variable" && !choice.IsOperator(key):
		n.fail(key, "Value must be a valid JSONPath.")
	default:
		if _, err := compile(s); err != nil {
			n.fail(key, "Value is not a Reference Path: %v", err)
		}
	}
}

// data is a member that is a payload template, or with JSONata any value with expressions in it.
func (n node) data(key string) {
	v, ok := n.o.Get(key)
	if !ok {
		return
	}
	if n.jsonata {
		n.l.expressions(within(n.at, key), v)
		return
	}
	if _, ok := v.(*jsondoc.Object); !ok {
		n.fail(key, "Expected value of type Object")
		return
	}
	n.l.template(within(n.at, key), v)
}

func (l *linter) expressions(at string, v any) {
	switch v := v.(type) {
	case string:
		l.expression(at, v)
	case *jsondoc.Array:
		for i, item := range v.Items {
			l.expressions(fmt.Sprintf("%s[%d]", at, i), item)
		}
	case *jsondoc.Object:
		for k, m := range v.All() {
			l.expressions(within(at, k), m)
		}
	}
}
