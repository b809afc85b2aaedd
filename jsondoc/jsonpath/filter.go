package jsonpath

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// predicate is the expression of a filter.
type predicate interface{ holds(root, at any) bool }

type (
	either   struct{ a, b predicate }
	both     struct{ a, b predicate }
	negation struct{ p predicate }
	exists   struct{ ref reference }
	compare  struct {
		left  operand
		op    string
		right operand
	}
)

func (e either) holds(root, at any) bool   { return e.a.holds(root, at) || e.b.holds(root, at) }
func (e both) holds(root, at any) bool     { return e.a.holds(root, at) && e.b.holds(root, at) }
func (e negation) holds(root, at any) bool { return !e.p.holds(root, at) }
func (e exists) holds(root, at any) bool {
	v, ok := e.ref.value(root, at)
	if a, list := v.(*jsondoc.Array); ok && list && !e.ref.path.Definite() {
		return len(a.Items) > 0
	}
	return ok
}

// operand is a side of a comparison. ok is false when it names nothing.
type operand interface {
	value(root, at any) (v any, ok bool)
}

type (
	literal   struct{ v any }
	list      []operand
	pattern   struct{ re *regexp.Regexp }
	reference struct {
		root bool
		path *Path
	}
)

func (l literal) value(_, _ any) (any, bool) { return l.v, true }
func (p pattern) value(_, _ any) (any, bool) { return p, true }

func (l list) value(root, at any) (any, bool) {
	a := &jsondoc.Array{}
	for _, o := range l {
		v, ok := o.value(root, at)
		if !ok {
			return nil, false
		}
		a.Items = append(a.Items, v)
	}
	return a, true
}

func (r reference) value(root, at any) (any, bool) {
	if r.root {
		at = root
	}
	v, err := r.path.eval(root, at)
	return v, err == nil
}

func (c compare) holds(root, at any) bool {
	l, okl := c.left.value(root, at)
	r, okr := c.right.value(root, at)
	switch c.op {
	case "==", "===":
		return okl && okr && jsondoc.Equal(l, r)
	case "!=", "!==":
		return !(okl && okr && jsondoc.Equal(l, r))
	}
	if !okl || !okr {
		return false
	}
	switch c.op {
	case "<", "<=", ">", ">=":
		return ordered(l, c.op, r)
	case "=~":
		return matches(l, r)
	case "contains":
		return contains(l, r)
	case "in":
		return contains(r, l)
	case "nin":
		return !contains(r, l)
	case "size":
		n, ok := length(l)
		return ok && jsondoc.Equal(json.Number(itoa(n)), r)
	case "empty":
		n, ok := length(l)
		want, isBool := r.(bool)
		return ok && isBool && (n == 0) == want
	}
	return sets(l, c.op, r)
}

func ordered(l any, op string, r any) bool {
	var c int
	switch a := l.(type) {
	case json.Number:
		b, ok := r.(json.Number)
		x, err1 := a.Float64()
		y, err2 := b.Float64()
		if !ok || err1 != nil || err2 != nil {
			return false
		}
		switch {
		case x < y:
			c = -1
		case x > y:
			c = 1
		}
	case string:
		b, ok := r.(string)
		if !ok {
			return false
		}
		c = strings.Compare(a, b)
	default:
		return false
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

func matches(l, r any) bool {
	p, ok := r.(pattern)
	if !ok {
		l, r = r, l
		if p, ok = r.(pattern); !ok {
			return false
		}
	}
	switch v := l.(type) {
	case string:
		return p.re.MatchString(v)
	case json.Number:
		return p.re.MatchString(string(v))
	}
	return false
}

func contains(whole, part any) bool {
	switch w := whole.(type) {
	case *jsondoc.Array:
		return slices.ContainsFunc(w.Items, func(v any) bool { return jsondoc.Equal(v, part) })
	case string:
		s, ok := part.(string)
		return ok && strings.Contains(w, s)
	}
	return false
}

func sets(l any, op string, r any) bool {
	a, ok1 := l.(*jsondoc.Array)
	b, ok2 := r.(*jsondoc.Array)
	if !ok1 || !ok2 {
		return false
	}
	in := func(v any) bool { return contains(b, v) }
	switch op {
	case "subsetof":
		return !slices.ContainsFunc(a.Items, func(v any) bool { return !in(v) })
	case "anyof":
		return slices.ContainsFunc(a.Items, in)
	default: // noneof
		return !slices.ContainsFunc(a.Items, in)
	}
}

func length(v any) (int, bool) {
	switch v := v.(type) {
	case *jsondoc.Array:
		return len(v.Items), true
	case *jsondoc.Object:
		return v.Len(), true
	case string:
		return len([]rune(v)), true
	}
	return 0, false
}
