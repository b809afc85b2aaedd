// Package jsonpath is JSONPath in the dialect of Jayway's JsonPath for Java, which API Gateway's $input and Step
// Functions use: https://github.com/json-path/JsonPath. It differs from RFC 9535: a path that can name only one place
// (a definite path) gives that value or an error, any other gives a list.
package jsonpath

import (
	"errors"
	"fmt"
	"slices"

	"github.com/brume-dev/brume/jsondoc"
)

// ErrNotFound is wrapped by the error of a definite path that names nothing.
var ErrNotFound = errors.New("jsonpath: no such path")

// Path is a compiled path. It is safe for concurrent use.
type Path struct {
	text     string
	steps    []step
	fn       *function
	definite bool
	plain    []access // instead of steps, when each goes to one member or element
}

// access goes to a member, or to an element when it has no name.
type access struct {
	name  string
	index int
	named bool
}

func newPath(text string, steps []step, fn *function) *Path {
	if fn != nil && fn.counts() && len(steps) > 0 {
		if _, deep := steps[0].(descend); deep { // Jayway counts what is in that which is found: "$..book.length()" are all books
			steps = append(steps, wildcard{})
		}
	}
	definite := true
	for _, s := range steps {
		definite = definite && s.definite()
	}
	p := &Path{text: text, steps: steps, fn: fn, definite: definite}
	if fn == nil {
		p.plain = plain(steps)
	}
	return p
}

// plain is the steps as accesses, nil when one of them is something else.
func plain(steps []step) []access {
	out := make([]access, len(steps))
	for i, s := range steps {
		switch s := s.(type) {
		case members:
			if len(s) != 1 {
				return nil
			}
			out[i] = access{name: s[0], named: true}
		case indexes:
			if len(s) != 1 {
				return nil
			}
			out[i] = access{index: s[0]}
		default:
			return nil
		}
	}
	return out
}

// Find is Eval for those who only want to know whether there is something: it makes no error, and nothing at all for a path
// of plain members and elements.
func (p *Path) Find(root any) (v any, found bool) {
	if p.plain == nil {
		v, err := p.eval(root, root)
		return v, err == nil
	}
	v = root
	for _, a := range p.plain {
		if a.named {
			o, ok := v.(*jsondoc.Object)
			if !ok {
				return nil, false
			}
			if v, ok = o.Get(a.name); !ok {
				return nil, false
			}
			continue
		}
		list, ok := v.(*jsondoc.Array)
		if !ok {
			return nil, false
		}
		i := a.index
		if i < 0 {
			i += len(list.Items)
		}
		if i < 0 || i >= len(list.Items) {
			return nil, false
		}
		v = list.Items[i]
	}
	return v, true
}

// String is the text that Compile was given.
func (p *Path) String() string { return p.text }

// Definite reports whether the path names one place at the most.
func (p *Path) Definite() bool { return p.definite || p.fn != nil }

// Eval evaluates the path on a document of package jsondoc. A definite path gives the value or an error that wraps
// ErrNotFound; any other path gives an *Array of all matches, which may be empty.
func (p *Path) Eval(root any) (any, error) { return p.eval(root, root) }

func (p *Path) eval(root, at any) (any, error) {
	if p.plain != nil {
		if v, ok := p.Find(at); ok {
			return v, nil
		}
	}
	nodes, err := p.nodes(root, at)
	if err != nil {
		return nil, err
	}
	var v any = &jsondoc.Array{Items: nodes}
	if p.definite {
		if len(nodes) == 0 {
			return nil, fmt.Errorf("%w: %s", ErrNotFound, p.text)
		}
		v = nodes[0]
	}
	if p.fn != nil {
		return p.fn.apply(v)
	}
	return v, nil
}

func (p *Path) nodes(root, at any) ([]any, error) {
	nodes := []any{at}
	definite := true // so far: there is one node, and the path asks for something in it
	for i, s := range p.steps {
		if definite && !applies(s, nodes[0]) {
			return nil, fmt.Errorf("%w: %s (at step %d)", ErrNotFound, p.text, i+1)
		}
		var next []any
		for _, n := range nodes {
			next = s.apply(root, n, next)
		}
		if len(next) == 0 && p.definite {
			return nil, fmt.Errorf("%w: %s (at step %d)", ErrNotFound, p.text, i+1)
		}
		nodes = next
		definite = definite && s.definite() && len(nodes) == 1
	}
	return nodes, nil
}

// applies reports whether a step can be asked of a node that the path reached by definite steps. Where it can not, Jayway
// gives no empty list but the error of a path that names nothing.
func applies(s step, node any) bool {
	o, isObject := node.(*jsondoc.Object)
	_, isArray := node.(*jsondoc.Array)
	switch s := s.(type) {
	case members:
		if !isObject || len(s) > 1 {
			return isObject
		}
		_, has := o.Get(s[0])
		return has
	case each:
		return isObject
	case indexes, slice:
		return isArray
	case filter:
		return isObject || isArray
	default:
		return true
	}
}

// step is one part of a path: it appends to out what it selects from node.
type step interface {
	apply(root, node any, out []any) []any
	definite() bool
}

// members selects by name: ['a'] or .a, and ['a','b'], which gives an object of those that are there.
type members []string

func (m members) definite() bool { return true }

func (m members) apply(_, node any, out []any) []any {
	o, ok := node.(*jsondoc.Object)
	if !ok {
		return out
	}
	if len(m) == 1 {
		if v, ok := o.Get(m[0]); ok {
			out = append(out, v)
		}
		return out
	}
	picked := jsondoc.NewObject()
	for _, k := range m {
		if v, ok := o.Get(k); ok {
			picked.Set(k, v)
		}
	}
	return append(out, picked)
}

// each selects the members of several names one by one: ['a','b'] where the path goes on.
type each []string

func (each) definite() bool { return false }

func (e each) apply(_, node any, out []any) []any {
	if o, ok := node.(*jsondoc.Object); ok {
		for _, k := range e {
			if v, ok := o.Get(k); ok {
				out = append(out, v)
			}
		}
	}
	return out
}

// indexes selects array elements; a negative index counts from the end.
type indexes []int

func (x indexes) definite() bool { return len(x) == 1 }

func (x indexes) apply(_, node any, out []any) []any {
	a, ok := node.(*jsondoc.Array)
	if !ok {
		return out
	}
	for _, i := range x {
		if i < 0 {
			i += len(a.Items)
		}
		if i >= 0 && i < len(a.Items) {
			out = append(out, a.Items[i])
		}
	}
	return out
}

// slice selects a half-open interval of array elements.
type slice struct{ from, to *int }

func (slice) definite() bool { return false }

func (s slice) apply(_, node any, out []any) []any {
	a, ok := node.(*jsondoc.Array)
	if !ok {
		return out
	}
	bound := func(p *int, absent int) int {
		if p == nil {
			return absent
		}
		i := *p
		if i < 0 {
			i += len(a.Items)
		}
		return min(max(i, 0), len(a.Items))
	}
	from, to := bound(s.from, 0), bound(s.to, len(a.Items))
	if from < to {
		out = append(out, a.Items[from:to]...)
	}
	return out
}

// wildcard selects all children.
type wildcard struct{}

func (wildcard) definite() bool { return false }

func (wildcard) apply(_, node any, out []any) []any { return children(node, out) }

func children(node any, out []any) []any {
	switch n := node.(type) {
	case *jsondoc.Array:
		out = append(out, n.Items...)
	case *jsondoc.Object:
		for _, v := range n.All() {
			out = append(out, v)
		}
	}
	return out
}

// descend selects the node and everything below it, parents first; the step after it picks.
type descend struct{}

func (descend) definite() bool { return false }

func (d descend) apply(root, node any, out []any) []any {
	out = append(out, node)
	for _, c := range children(node, nil) {
		switch c.(type) {
		case *jsondoc.Array, *jsondoc.Object:
			out = d.apply(root, c, out)
		}
	}
	return out
}

// filter selects the elements of an array, or the object itself, for which the predicate holds.
type filter struct {
	p      predicate
	itself bool // after "..": only the node, not the elements of an array, which come by themselves
}

func (filter) definite() bool { return false }

func (f filter) apply(root, node any, out []any) []any {
	switch n := node.(type) {
	case *jsondoc.Array:
		if f.itself {
			return out
		}
		return append(out, slices.DeleteFunc(slices.Clone(n.Items), func(v any) bool { return !f.p.holds(root, v) })...)
	case *jsondoc.Object:
		if f.p.holds(root, n) {
			out = append(out, n)
		}
	}
	return out
}
