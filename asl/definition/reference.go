package definition

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/asl/template"
	"github.com/brume-dev/brume/jsondoc"
)

// References are the variables that each state refers to, by the names of the states and in alphabetical order; states that refer
// to none are not there. What is assigned nowhere is no variable: JSONata's own functions and names begin with a dollar too.
// The definition is one that has been checked; otherwise the result is as good as can be.
//
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachine.html
func References(text []byte) map[string][]string {
	doc, err := jsondoc.Parse(text)
	if err != nil {
		return nil
	}
	top, ok := Root(doc, func(string, string) {})
	if !ok {
		return nil
	}
	r := references{assigned: map[string]bool{}, found: map[string][]string{}}
	top.JSONata = top.Language()
	r.assignments(top.Object)
	if len(r.assigned) > 0 {
		r.block(top)
	}
	if len(r.found) == 0 {
		return nil
	}
	return r.found
}

type references struct {
	assigned map[string]bool
	found    map[string][]string
}

// assignments finds the names that any Assign has.
func (r *references) assignments(v any) {
	switch v := v.(type) {
	case *jsondoc.Array:
		for _, item := range v.Items {
			r.assignments(item)
		}
	case *jsondoc.Object:
		for key, m := range v.All() {
			if o, ok := m.(*jsondoc.Object); ok && key == "Assign" {
				for name := range o.All() {
					r.assigned[strings.TrimSuffix(name, template.Suffix)] = true
				}
			}
			r.assignments(m)
		}
	}
}

// block looks at states; the language of those that do not say is the machine's, also within a state that has another.
func (r *references) block(n Node) {
	states, ok := n.Inner("States")
	if !ok {
		return
	}
	for name, v := range states.Object.All() {
		s, ok := states.Member(name, v)
		if !ok {
			continue
		}
		isJSONata := s.Language()
		var names []string
		for key, m := range s.Object.All() {
			switch key {
			case "Branches":
				for _, branch := range s.Items(key) {
					r.block(branch)
				}
			case "ItemProcessor", "Iterator":
				if inner, ok := s.Inner(key); ok {
					r.block(inner)
				}
			default:
				names = r.value(names, key, m, isJSONata)
			}
		}
		if slices.Sort(names); names != nil {
			r.found[name] = slices.Compact(names)
		}
	}
}

// value adds the variables that the value of a member refers to: in JSONPath the paths and functions, in JSONata the expressions.
func (r *references) value(names []string, key string, v any, isJSONata bool) []string {
	switch v := v.(type) {
	case string:
		dynamic := strings.HasSuffix(key, "Path") || strings.HasSuffix(key, template.Suffix) || key == "Variable"
		if isJSONata {
			dynamic = strings.HasPrefix(v, "{%")
		}
		if dynamic {
			return r.text(names, v)
		}
	case *jsondoc.Array:
		for _, item := range v.Items {
			names = r.value(names, key, item, isJSONata)
		}
	case *jsondoc.Object:
		for k, m := range v.All() {
			names = r.value(names, k, m, isJSONata)
		}
	}
	return names
}

// text adds the variables that a path, function or expression names outside of quotes and comments.
func (r *references) text(names []string, s string) []string {
	for len(s) > 0 {
		switch c := s[0]; {
		case c == '\'' || c == '"' || c == '`':
			s = afterQuote(s[1:], c)
		case strings.HasPrefix(s, "/*"):
			_, s, _ = strings.Cut(s[2:], "*/")
		case strings.HasPrefix(s, "$$"):
			s = s[2:]
		case c == '$':
			n := path.VariableLength(s[1:])
			if name := s[1 : 1+n]; r.assigned[name] {
				names = append(names, name)
			}
			s = s[1+n:]
		default:
			s = s[1:]
		}
	}
	return names
}

// afterQuote is what follows the closing quotation mark.
func afterQuote(s string, quote byte) string {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			return s[i+1:]
		}
	}
	return ""
}
