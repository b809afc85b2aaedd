// Package fit turns what templates write into what APIs take: a template knows few types, and has tags in two forms.
package fit

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/shape"
)

// Input turns a template's value into what an API takes: numbers and booleans may be text there and text may be a number
// or a policy document, tags come as lists or maps, and members that the input lacks are left out.
func Input(v any, s *shape.Shape) any {
	switch s.Kind {
	case shape.Structure:
		o, ok := v.(*jsondoc.Object)
		if !ok {
			return v
		}
		return structure(o, s)
	case shape.List:
		return list(v, s)
	case shape.Map:
		if a, ok := v.(*jsondoc.Array); ok {
			v = Map(a)
		}
		o, ok := v.(*jsondoc.Object)
		if !ok {
			return v
		}
		out := jsondoc.NewObject()
		for k, m := range o.All() {
			out.Set(k, Input(m, s.Elem))
		}
		return out
	case shape.String:
		switch v.(type) {
		case *jsondoc.Object, *jsondoc.Array:
			return jsondoc.Text(v)
		}
		return scalarOr(v)
	case shape.Integer, shape.Long, shape.Float, shape.Double:
		if t, ok := v.(string); ok && json.Valid([]byte(t)) {
			return json.Number(strings.TrimSpace(t))
		}
	case shape.Boolean:
		if t, ok := v.(string); ok {
			switch strings.ToLower(t) {
			case "true":
				return true
			case "false":
				return false
			}
		}
	}
	return v
}

func structure(o *jsondoc.Object, s *shape.Shape) any {
	out := jsondoc.NewObject()
	for i := range s.Members {
		m := &s.Members[i]
		for _, name := range []string{m.Go, m.Name, Lowered(m.Go), strings.TrimPrefix(m.Go, "Tag"), strings.Replace(m.Go, "KMS", "Kms", 1)} {
			v, ok := o.Get(name)
			if ok && v != nil {
				out.Set(m.Name, Input(v, m.Shape))
				break
			}
		}
	}
	return out
}

// Lowered is a name with a small letter in front, as JSON members of some APIs begin.
func Lowered(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

func list(v any, s *shape.Shape) any {
	if o, ok := v.(*jsondoc.Object); ok && s.Elem.Kind == shape.Structure {
		a := &jsondoc.Array{} // tags as a map
		for k, m := range o.All() {
			a.Items = append(a.Items, tag(k, m))
		}
		v = a
	}
	a, ok := v.(*jsondoc.Array)
	if !ok {
		return v
	}
	out := &jsondoc.Array{Items: make([]any, len(a.Items))}
	for i, item := range a.Items {
		out.Items[i] = Input(item, s.Elem)
	}
	return out
}

// Text is a scalar as text, "" for anything else.
func Text(v any) string {
	t, _ := template.Text(v)
	return t
}

func scalarOr(v any) any {
	if t, ok := template.Text(v); ok {
		return t
	}
	return v
}

// Map reads tags in either of the forms in which templates write them: a list of Key and Value, or an object.
func Map(v any) *jsondoc.Object {
	out := jsondoc.NewObject()
	switch v := v.(type) {
	case *jsondoc.Object:
		for k, m := range v.All() {
			out.Set(k, Text(m))
		}
	case *jsondoc.Array:
		for _, item := range v.Items {
			if o, ok := item.(*jsondoc.Object); ok {
				out.Set(member(o, "Key"), member(o, "Value"))
			}
		}
	}
	return out
}

func member(o *jsondoc.Object, name string) string {
	v, _ := o.Get(name)
	return Text(v)
}

func tag(key string, value any) *jsondoc.Object {
	o := jsondoc.NewObject()
	o.Set("Key", key)
	if value != nil && value != "" {
		o.Set("Value", value)
	}
	return o
}
