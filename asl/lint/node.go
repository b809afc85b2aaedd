package lint

import (
	"fmt"
	"strings"

	"github.com/brume-dev/brume/asl/choice"
	"github.com/brume-dev/brume/asl/definition"
	"github.com/brume-dev/brume/asl/jsonata"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// node is an object of the definition, with who collects what is wrong with it.
type node struct {
	definition.Node
	l *linter
}

// inner is a member that is an object.
func (n node) inner(key string) (node, bool) {
	in, ok := n.Inner(key)
	return node{in, n.l}, ok
}

// items is a member that is an array of objects. empty says that it may have none.
func (n node) items(key string, empty bool) []node {
	if !empty {
		n.NotEmpty(key)
	}
	var out []node
	for _, in := range n.Items(key) {
		out = append(out, node{in, n.l})
	}
	return out
}

// integer is a member that is a whole number from low to high; with JSONata it may be an expression.
func (n node) integer(key string, low, high float64) (float64, bool) {
	return n.number(key, "Integer", low, high, n.JSONata)
}

func (n node) number(key, kind string, low, high float64, expression bool) (float64, bool) {
	if v, _ := n.Object.Get(key); expression && n.expression(key, v) {
		return 0, false
	}
	return n.Number(key, kind, low, high)
}

// expression looks at a value that may be one JSONata expression, and says whether it is meant as one.
func (n node) expression(key string, v any) bool {
	s, ok := v.(string)
	if !ok || !strings.HasPrefix(s, "{%") {
		return false
	}
	n.l.expression(n.Within(key), s)
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
	v, ok := n.Object.Get(key)
	if !ok || v == nil && nullable {
		return
	}
	s, ok := v.(string)
	if !ok {
		n.Fail(key, "Expected value of type String")
		return
	}
	if _, err := path.Compile(s); err != nil {
		n.Fail(key, "Value must be a valid JSONPath.")
	}
}

// reference is a member that is a reference path, compiled by path.CompileReference or path.CompileTarget.
func (n node) reference(key string, nullable bool, compile func(string) (*path.Path, error)) {
	v, ok := n.Object.Get(key)
	if !ok || v == nil && nullable {
		return
	}
	s, ok := v.(string)
	switch {
	case !ok:
		n.Fail(key, "Expected value of type String")
	case !strings.HasPrefix(s, "$") && key != "Variable" && !choice.IsOperator(key):
		n.Fail(key, "Value must be a valid JSONPath.")
	default:
		if _, err := compile(s); err != nil {
			n.Fail(key, "Value is not a Reference Path: %v", err)
		}
	}
}

// data is a member that is a payload template, or with JSONata any value with expressions in it.
func (n node) data(key string) {
	v, ok := n.Object.Get(key)
	if !ok {
		return
	}
	if n.JSONata {
		n.l.expressions(n.Within(key), v)
		return
	}
	if _, ok := v.(*jsondoc.Object); !ok {
		n.Fail(key, "Expected value of type Object")
		return
	}
	n.l.template(n.Within(key), v)
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
			l.expressions(definition.Within(at, k), m)
		}
	}
}
