// Package template is the payload templates of the query language JSONPath (Parameters, ResultSelector, ItemSelector, Assign,
// BatchInput …), compiled once: members whose name ends in ".$" are replaced by what their path or intrinsic function gives.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-inputpath-params.html
package template

import (
	"fmt"
	"strings"

	"github.com/brume-dev/brume/asl/intrinsic"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// Value is a compiled path or intrinsic function: what stands behind a name that ends in ".$", and what ErrorPath and CausePath
// take. It is safe for concurrent use.
type Value struct {
	path *path.Path
	call *intrinsic.Call
}

// CompileValue reads a path, or a call of an intrinsic function.
func CompileValue(text string) (*Value, error) {
	if strings.HasPrefix(text, "$") {
		p, err := path.Compile(text)
		if err != nil {
			return nil, err
		}
		return &Value{path: p}, nil
	}
	c, err := intrinsic.Compile(text)
	if err != nil {
		return nil, err
	}
	return &Value{call: c}, nil
}

// CompileText is CompileValue for ErrorPath and CausePath, which take a reference path or a function that gives a string.
func CompileText(text string) (*Value, error) {
	if strings.HasPrefix(text, "$") {
		p, err := path.CompileReference(text)
		if err != nil {
			return nil, err
		}
		return &Value{path: p}, nil
	}
	v, err := CompileValue(text)
	if err == nil && !v.call.ReturnsString() {
		return nil, fmt.Errorf("'%s' does not give a string", text)
	}
	return v, err
}

// Get evaluates the value; field is the name of the field that it stands in, for the error, a *fault.Error.
func (v *Value) Get(s *path.Scope, field string) (any, error) {
	if v.path != nil {
		return v.path.Get(s, field)
	}
	return v.call.Eval(s)
}

// Paths yields the paths of the value.
func (v *Value) Paths(yield func(*path.Path) bool) {
	if v.path != nil {
		yield(v.path)
		return
	}
	v.call.Paths(yield)
}

// Template is a compiled template. It is safe for concurrent use.
type Template struct{ root node }

// node is a part of a template.
type node interface {
	eval(s *path.Scope) (any, error)
}

type (
	constant struct{ v any }
	dynamic  struct {
		field string // with its ".$"
		value *Value
	}
	object []member
	list   []node
	member struct {
		name string
		node node
	}
)

// Suffix marks the names of members whose values are paths or functions.
const Suffix = ".$"

// Error is what is wrong with a template. Where is the JSON pointer, within the template, of the object that holds Field.
type Error struct{ Where, Field, Problem string }

// Error is the problem in AWS's words.
func (e *Error) Error() string { return e.Problem }

// Compile reads a template: any document. Its constant parts become parts of the payloads, so doc must not be changed any
// more. The error is an *Error.
func Compile(doc any) (*Template, error) {
	n, err := compile(doc, "")
	if err != nil {
		return nil, err
	}
	return &Template{root: n}, nil
}

func compile(doc any, where string) (node, error) {
	switch d := doc.(type) {
	case *jsondoc.Array:
		return compileList(d, where)
	case *jsondoc.Object:
		return compileObject(d, where)
	}
	return constant{doc}, nil
}

func compileList(a *jsondoc.Array, where string) (node, error) {
	out, fixed := make(list, len(a.Items)), true
	for i, item := range a.Items {
		n, err := compile(item, fmt.Sprintf("%s[%d]", where, i))
		if err != nil {
			return nil, err
		}
		_, constantItem := n.(constant)
		fixed = fixed && constantItem
		out[i] = n
	}
	if fixed {
		return constant{a}, nil
	}
	return out, nil
}

func compileObject(o *jsondoc.Object, where string) (node, error) {
	out, fixed := make(object, 0, o.Len()), true
	for key, v := range o.All() {
		name, isDynamic := strings.CutSuffix(key, Suffix)
		if !isDynamic {
			n, err := compile(v, where+"/"+key)
			if err != nil {
				return nil, err
			}
			_, constantMember := n.(constant)
			fixed = fixed && constantMember
			out = append(out, member{key, n})
			continue
		}
		if _, twice := o.Get(name); twice {
			return nil, &Error{where, key, fmt.Sprintf("The field '%s' is defined twice: as '%s' and as '%s'", name, name, key)}
		}
		text, ok := v.(string)
		value, err := CompileValue(text)
		if !ok || err != nil {
			return nil, &Error{where, key, fmt.Sprintf("The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", key)}
		}
		fixed = false
		out = append(out, member{name, dynamic{key, value}})
	}
	if fixed {
		return constant{o}, nil
	}
	return out, nil
}

// Eval gives the payload. It shares parts with the template and with the documents of the scope: none of them may be changed
// afterwards. The error is a *fault.Error.
func (t *Template) Eval(s *path.Scope) (any, error) { return t.root.eval(s) }

func (c constant) eval(*path.Scope) (any, error)  { return c.v, nil }
func (d dynamic) eval(s *path.Scope) (any, error) { return d.value.Get(s, d.field) }

func (l list) eval(s *path.Scope) (any, error) {
	out := &jsondoc.Array{Items: make([]any, len(l))}
	for i, n := range l {
		v, err := n.eval(s)
		if err != nil {
			return nil, err
		}
		out.Items[i] = v
	}
	return out, nil
}

func (o object) eval(s *path.Scope) (any, error) {
	out := jsondoc.SizedObject(len(o))
	for _, m := range o {
		v, err := m.node.eval(s)
		if err != nil {
			return nil, err
		}
		out.Set(m.name, v)
	}
	return out, nil
}

// Paths yields the paths of the template, those in functions too.
func (t *Template) Paths(yield func(*path.Path) bool) { each(t.root, yield) }

func each(n node, yield func(*path.Path) bool) bool {
	more := true
	switch n := n.(type) {
	case dynamic:
		n.value.Paths(func(p *path.Path) bool { more = yield(p); return more })
	case list:
		for i := 0; more && i < len(n); i++ {
			more = each(n[i], yield)
		}
	case object:
		for i := 0; more && i < len(n); i++ {
			more = each(n[i].node, yield)
		}
	}
	return more
}
