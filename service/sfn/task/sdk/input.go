package sdk

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/shape"
)

// Input turns a task's arguments into the document of op's input, and says what is wrong with them in Step Functions'
// words. token fills the operation's idempotency token when the arguments have none.
func (c *Catalogue) Input(op *aws.Operation, arguments any, token string) (doc []byte, problems []string) {
	in := &inward{Catalogue: c}
	s := input(op)
	out, ok := in.value(s, "", arguments).(*jsondoc.Object)
	if !ok {
		return nil, append(in.problems, "The arguments of a task must be an object")
	}
	for i := range s.Members {
		m := &s.Members[i]
		_, given := out.Get(m.Name)
		switch {
		case given:
		case m.Token && token != "":
			out.Set(m.Name, token)
		case m.Required && m.In == shape.Label: // the SDK finds out itself; the rest is for the service to say
			in.problem("The field '%s' is required but was missing", Name(m.Name))
		}
	}
	if in.problems != nil {
		return nil, in.problems
	}
	return jsondoc.Append(nil, out), nil
}

// Supports says what is wrong with the names of the fields that a definition gives op, as it is told when a machine is
// created.
func (c *Catalogue) Supports(op *aws.Operation, fields []string) (problems []string) {
	n := c.of(input(op))
	for _, f := range fields {
		if n.members[f] == nil {
			problems = append(problems, Unsupported(f))
		}
	}
	return problems
}

// Unsupported is the text for a field that an integration does not know.
func Unsupported(field string) string {
	return fmt.Sprintf(`The field "%s" is not supported by Step Functions`, field)
}

type inward struct {
	*Catalogue
	problems []string
}

func (in *inward) problem(format string, args ...any) any {
	in.problems = append(in.problems, fmt.Sprintf(format, args...))
	return nil
}

func (in *inward) must(field, kind string) any {
	return in.problem("The value for the field '%s' must be %s", field, kind)
}

func (in *inward) value(s *shape.Shape, field string, v any) any {
	if v == nil {
		return nil
	}
	switch s.Kind {
	case shape.Structure:
		return in.structure(s, field, v)
	case shape.List:
		a, ok := v.(*jsondoc.Array)
		if !ok {
			return in.must(field, "an ARRAY")
		}
		out := &jsondoc.Array{Items: make([]any, len(a.Items))}
		for i, item := range a.Items {
			out.Items[i] = in.value(s.Elem, field, item)
		}
		return out
	case shape.Map:
		return in.each(s.Elem, field, v)
	case shape.String, shape.Timestamp:
		if _, ok := v.(string); !ok && !(s.Kind == shape.Timestamp && number(v)) {
			return in.must(field, "a STRING")
		}
	case shape.Boolean:
		if _, ok := v.(bool); !ok {
			return in.must(field, "a BOOLEAN")
		}
	case shape.Integer, shape.Long, shape.Float, shape.Double:
		if !number(v) {
			return in.must(field, "a NUMBER")
		}
	case shape.Blob, shape.Stream:
		return base64.StdEncoding.EncodeToString(bytesOf(v))
	case shape.Custom:
		if attribute(s) {
			return in.attribute(field, v)
		}
		return in.each(nil, field, v)
	}
	return v
}

func number(v any) bool {
	_, ok := v.(json.Number)
	return ok
}

// bytesOf is what a blob is made of: a string's UTF-8, or the JSON text of anything else.
func bytesOf(v any) []byte {
	if s, ok := v.(string); ok {
		return []byte(s)
	}
	return jsondoc.Append(nil, v)
}

func (in *inward) structure(s *shape.Shape, field string, v any) any {
	o, ok := v.(*jsondoc.Object)
	if !ok {
		return in.must(field, "an OBJECT")
	}
	n, out := in.of(s), jsondoc.NewObject()
	for name, item := range o.All() {
		m := n.members[name]
		if m == nil {
			in.problem("%s", Unsupported(name))
			continue
		}
		if item != nil {
			out.Set(m.Name, in.value(m.Shape, name, item))
		}
	}
	return out
}

// each turns the values of a map; elem nil is an attribute value.
func (in *inward) each(elem *shape.Shape, field string, v any) any {
	o, ok := v.(*jsondoc.Object)
	if !ok {
		return in.must(field, "an OBJECT")
	}
	out := jsondoc.NewObject()
	for name, item := range o.All() {
		if elem == nil {
			out.Set(name, in.attribute(name, item))
		} else {
			out.Set(name, in.value(elem, name, item))
		}
	}
	return out
}

// attributeNames are the types of attribute values in the SDK and in the API.
var attributeNames = [][2]string{{"S", "S"}, {"N", "N"}, {"B", "B"}, {"Ss", "SS"}, {"Ns", "NS"}, {"Bs", "BS"}, {"M", "M"}, {"L", "L"},
	{"Bool", "BOOL"}, {"Nul", "NULL"}}

// attribute turns an attribute value. The API's own names are taken too: they mean nothing else.
func (in *inward) attribute(field string, v any) any {
	o, ok := v.(*jsondoc.Object)
	if !ok {
		return in.must(field, "an OBJECT")
	}
	out := jsondoc.NewObject()
	for name, item := range o.All() {
		i := slices.IndexFunc(attributeNames, func(p [2]string) bool { return p[0] == name || p[1] == name })
		if i < 0 {
			in.problem("%s", Unsupported(name))
			continue
		}
		out.Set(attributeNames[i][1], in.attributeValue(attributeNames[i][1], name, item))
	}
	return out
}

func (in *inward) attributeValue(kind, field string, v any) any {
	switch list, isList := v.(*jsondoc.Array); {
	case kind == "M":
		return in.each(nil, field, v)
	case kind == "B":
		return base64.StdEncoding.EncodeToString(bytesOf(v))
	case kind == "L" && isList, kind == "BS" && isList:
		out := &jsondoc.Array{Items: make([]any, len(list.Items))}
		for i, item := range list.Items {
			if out.Items[i] = base64.StdEncoding.EncodeToString(bytesOf(item)); kind == "L" {
				out.Items[i] = in.attribute(field, item)
			}
		}
		return out
	}
	return v
}
