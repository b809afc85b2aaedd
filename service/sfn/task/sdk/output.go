package sdk

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/shape"
)

// Output turns the document of op's output into a task's result: the SDK's names, timestamps as ISO 8601 texts, blobs as
// the text that they hold.
func (c *Catalogue) Output(op *aws.Operation, doc []byte) (any, error) {
	v, err := jsondoc.Parse(doc)
	if err != nil {
		return nil, err
	}
	return c.outward(output(op), v), nil
}

func (c *Catalogue) outward(s *shape.Shape, v any) any {
	switch v := v.(type) {
	case *jsondoc.Object:
		return c.object(s, v)
	case *jsondoc.Array:
		if s.Kind != shape.List {
			return v
		}
		for i, item := range v.Items {
			v.Items[i] = c.outward(s.Elem, item)
		}
	case string:
		switch s.Kind {
		case shape.Blob, shape.Stream:
			return textOf(v)
		case shape.Timestamp:
			return v
		}
	case json.Number:
		if s.Kind == shape.Timestamp {
			if t, ok := shape.ParseTime(v.String(), shape.UnixTime); ok {
				return string(shape.AppendTime(nil, t, shape.ISO8601))
			}
		}
	}
	return v
}

// textOf is what a blob's Base64 form holds, as text: what is not UTF-8 is lost, as on AWS.
func textOf(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return s
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

func (c *Catalogue) object(s *shape.Shape, o *jsondoc.Object) any {
	out := jsondoc.NewObject()
	switch {
	case s.Kind == shape.Structure:
		n := c.of(s)
		for name, item := range o.All() {
			m := s.Member(name)
			if m == nil || item == nil {
				continue
			}
			out.Set(n.shown[name], c.outward(m.Shape, item))
		}
	case s.Kind == shape.Map:
		for name, item := range o.All() {
			out.Set(name, c.outward(s.Elem, item))
		}
	case attribute(s):
		return shownAttribute(o)
	case s.Kind == shape.Custom:
		for name, item := range o.All() {
			if a, ok := item.(*jsondoc.Object); ok {
				item = shownAttribute(a)
			}
			out.Set(name, item)
		}
	default:
		return o // free JSON
	}
	return out
}

// shownAttribute is an attribute value with the SDK's names.
func shownAttribute(o *jsondoc.Object) any {
	out := jsondoc.NewObject()
	for name, item := range o.All() {
		for _, p := range attributeNames {
			if p[1] == name {
				out.Set(p[0], shownValue(name, item))
			}
		}
	}
	return out
}

func shownValue(kind string, v any) any {
	switch v := v.(type) {
	case *jsondoc.Object: // M
		out := jsondoc.NewObject()
		for name, item := range v.All() {
			if a, ok := item.(*jsondoc.Object); ok {
				item = shownAttribute(a)
			}
			out.Set(name, item)
		}
		return out
	case *jsondoc.Array:
		for i, item := range v.Items {
			switch item := item.(type) {
			case *jsondoc.Object:
				v.Items[i] = shownAttribute(item)
			case string:
				if kind == "BS" {
					v.Items[i] = textOf(item)
				}
			}
		}
	case string:
		if kind == "B" {
			return textOf(v)
		}
	}
	return v
}
