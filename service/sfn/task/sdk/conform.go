package sdk

import (
	"fmt"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/shape"
)

// Conforms says what is wrong with v as a result of op: members that it does not have, values of another type and, when
// strict, required members that lack. plain says that members have the model's names rather than the SDK's.
func (c *Catalogue) Conforms(op *aws.Operation, v any, strict, plain bool) []string {
	k := &conformity{Catalogue: c, strict: strict, plain: plain}
	k.look(output(op), "", v)
	return k.problems
}

type conformity struct {
	*Catalogue
	strict, plain bool
	problems      []string
}

func (k *conformity) problem(format string, args ...any) {
	k.problems = append(k.problems, fmt.Sprintf(format, args...))
}

func (k *conformity) look(s *shape.Shape, field string, v any) {
	want := ""
	switch s.Kind {
	case shape.Structure:
		if o, ok := v.(*jsondoc.Object); ok {
			k.structure(s, o)
			return
		}
		want = "an OBJECT"
	case shape.List:
		if a, ok := v.(*jsondoc.Array); ok {
			for _, item := range a.Items {
				k.look(s.Elem, field, item)
			}
			return
		}
		want = "an ARRAY"
	case shape.Map:
		if o, ok := v.(*jsondoc.Object); ok {
			for _, m := range o.All() {
				k.look(s.Elem, field, m)
			}
			return
		}
		want = "an OBJECT"
	case shape.String:
		if _, ok := v.(string); !ok {
			want = "a STRING"
		}
	case shape.Boolean:
		if _, ok := v.(bool); !ok {
			want = "a BOOLEAN"
		}
	case shape.Integer, shape.Long, shape.Float, shape.Double:
		if !number(v) {
			want = "a NUMBER"
		}
	case shape.Custom:
		if _, ok := v.(*jsondoc.Object); !ok {
			want = "an OBJECT"
		}
	}
	if want != "" {
		k.problem("The value for the field '%s' must be %s", field, want)
	}
}

func (k *conformity) structure(s *shape.Shape, o *jsondoc.Object) {
	n := k.of(s)
	for name, v := range o.All() {
		m := n.members[name]
		if k.plain {
			m = s.Member(name)
			if m == nil {
				m = n.members[name]
			}
		}
		switch {
		case m == nil:
			k.problem("The field '%s' is not a member of %s", name, s.Name)
		case v != nil:
			k.look(m.Shape, name, v)
		}
	}
	if !k.strict {
		return
	}
	for i := range s.Members {
		m := &s.Members[i]
		name := n.shown[m.Name]
		if _, there := o.Get(name); m.Required && !there {
			if _, there := o.Get(m.Name); !k.plain || !there {
				k.problem("The field '%s' is required but was missing", name)
			}
		}
	}
}
