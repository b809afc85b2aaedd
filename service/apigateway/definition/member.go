package definition

import (
	"encoding/json"
	"iter"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// The functions below read members of an object that may be nil or of another kind: they give nothing then.

func get(o *jsondoc.Object, name string) any {
	if o == nil {
		return nil
	}
	v, _ := o.Get(name)
	return v
}

func str(o *jsondoc.Object, name string) string {
	s, _ := get(o, name).(string)
	return s
}

// scalar is str for numbers and booleans too.
func scalar(o *jsondoc.Object, name string) string {
	switch v := get(o, name).(type) {
	case string:
		return v
	case json.Number:
		return string(v)
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

func boolean(o *jsondoc.Object, name string) bool { return strings.EqualFold(scalar(o, name), "true") }

func obj(o *jsondoc.Object, name string) *jsondoc.Object {
	v, _ := get(o, name).(*jsondoc.Object)
	return v
}

func list(o *jsondoc.Object, name string) []any {
	if a, ok := get(o, name).(*jsondoc.Array); ok {
		return a.Items
	}
	return nil
}

func strs(o *jsondoc.Object, name string) (out []string) {
	for _, v := range list(o, name) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// texts is a map of texts.
func texts(o *jsondoc.Object, name string) map[string]string {
	m := obj(o, name)
	if m == nil {
		return nil
	}
	out := map[string]string{}
	for k := range m.All() {
		out[k] = scalar(m, k)
		if v := get(m, k); out[k] == "" && v != nil {
			if _, isText := v.(string); !isText {
				out[k] = jsondoc.Text(v)
			}
		}
	}
	return out
}

// members yields the members that are objects.
func members(o *jsondoc.Object, name string) iter.Seq2[string, *jsondoc.Object] {
	return func(yield func(string, *jsondoc.Object) bool) {
		m := obj(o, name)
		if m == nil {
			return
		}
		for k, v := range m.All() {
			if member, ok := v.(*jsondoc.Object); ok && !yield(k, member) {
				return
			}
		}
	}
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
