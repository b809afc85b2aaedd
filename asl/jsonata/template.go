package jsonata

import (
	"context"
	"strconv"

	"github.com/brume-dev/brume/jsondoc"
)

// Template is a JSON value in which strings that begin with "{%" and end with "%}" are expressions, at any depth. It may be
// used by many at once.
type Template struct {
	value any // a document; what holds expressions has been replaced by *Expr, *object and *array
}

type (
	object struct {
		names   []string
		members []any
	}
	array struct{ items []any }
)

// FieldError says in which part of a template an expression is wrong.
type FieldError struct {
	// Field is the way down from the template, as "/names[0]"; empty when the template is itself the expression.
	Field string
	Text  string
	Err   error
}

// Error is the text of what is wrong.
func (e *FieldError) Error() string { return e.Err.Error() }

// Unwrap returns the *SyntaxError.
func (e *FieldError) Unwrap() error { return e.Err }

// ParseTemplate compiles the expressions in v. The error is a *FieldError.
func ParseTemplate(v any) (*Template, error) {
	value, err := compileIn(v, "")
	if err != nil {
		return nil, err
	}
	return &Template{value: value}, nil
}

func compileIn(v any, field string) (any, error) {
	switch v := v.(type) {
	case string:
		if !Is(v) {
			return v, nil
		}
		x, err := Compile(Inner(v))
		if err != nil {
			return nil, &FieldError{Field: field, Text: Inner(v), Err: err}
		}
		return x, nil
	case *jsondoc.Object:
		o, live := &object{names: v.Keys()}, false
		for k, m := range v.All() {
			c, err := compileIn(m, field+"/"+k)
			if err != nil {
				return nil, err
			}
			live = live || !isDocument(c)
			o.members = append(o.members, c)
		}
		if !live {
			return v, nil
		}
		return o, nil
	case *jsondoc.Array:
		a, live := &array{}, false
		for i, item := range v.Items {
			c, err := compileIn(item, field+"["+strconv.Itoa(i)+"]")
			if err != nil {
				return nil, err
			}
			live = live || !isDocument(c)
			a.items = append(a.items, c)
		}
		if !live {
			return v, nil
		}
		return a, nil
	}
	return v, nil
}

func isDocument(v any) bool {
	switch v.(type) {
	case *Expr, *object, *array:
		return false
	}
	return true
}

// Constant reports whether the template holds no expression.
func (t *Template) Constant() bool { return isDocument(t.value) }

// Expr returns the expression when the template is nothing but one, else nil.
func (t *Template) Expr() *Expr {
	x, _ := t.value.(*Expr)
	return x
}

// Eval evaluates the template as the field of a state called field: "Output", "Choices[0]/Condition". Parts without
// expressions are those of the document that the template was made of: the result must not be changed. Errors are those of
// Expr.EvalField.
func (t *Template) Eval(ctx context.Context, field string, vars map[string]any, env Env) (any, error) {
	n := uint64(0)
	return evalIn(ctx, t.value, field, vars, env, &n)
}

// evalIn counts the expressions, so that each has randomness of its own.
func evalIn(ctx context.Context, v any, field string, vars map[string]any, env Env, n *uint64) (any, error) {
	switch v := v.(type) {
	case *Expr:
		env.Seed[1] += *n
		*n++
		return v.EvalField(ctx, field, vars, env)
	case *object:
		out := jsondoc.NewObject()
		for i, name := range v.names {
			m, err := evalIn(ctx, v.members[i], field+"/"+name, vars, env, n)
			if err != nil {
				return nil, err
			}
			out.Set(name, m)
		}
		return out, nil
	case *array:
		out := &jsondoc.Array{Items: make([]any, len(v.items))}
		for i, item := range v.items {
			m, err := evalIn(ctx, item, field+"["+strconv.Itoa(i)+"]", vars, env, n)
			if err != nil {
				return nil, err
			}
			out.Items[i] = m
		}
		return out, nil
	}
	return v, nil
}
