package lint

import (
	"fmt"
	"strings"

	"github.com/brume-dev/brume/asl/definition"
	"github.com/brume-dev/brume/asl/intrinsic"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/asl/template"
	"github.com/brume-dev/brume/jsondoc"
)

// template looks at a payload template.
func (l *linter) template(at string, v any) {
	switch v := v.(type) {
	case *jsondoc.Array:
		for i, item := range v.Items {
			l.template(fmt.Sprintf("%s[%d]", at, i), item)
		}
	case *jsondoc.Object:
		for key, m := range v.All() {
			l.member(at, v, key, m)
		}
	}
}

func (l *linter) member(at string, o *jsondoc.Object, key string, v any) {
	text, isText := v.(string)
	name, dynamic := strings.CutSuffix(key, template.Suffix)
	if !dynamic {
		if isText && looksDynamic(text) {
			l.report(NoDollar, definition.Within(at, key), "No '.$' on a field that appears to be a JSONPath or Intrinsic Function: '%s'", key)
		}
		l.template(definition.Within(at, key), v)
		return
	}
	if _, twice := o.Get(name); twice {
		l.schema(at, "Duplicate field '%s'", name)
	}
	if _, err := template.CompileValue(text); !isText || err != nil {
		l.schema(at, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", key)
	}
}

// looksLikePath reports whether a constant was probably meant as a path.
func looksLikePath(s string) bool {
	if !strings.HasPrefix(s, "$") {
		return false
	}
	p, err := path.Compile(s)
	return err == nil && p.Variable() == ""
}

func looksDynamic(s string) bool {
	if looksLikePath(s) {
		return true
	}
	if !intrinsic.Is(s) {
		return false
	}
	_, err := intrinsic.Compile(s)
	return err == nil
}

// static warns of paths in what is taken as it stands.
func (l *linter) static(at string, v any) bool {
	found := false
	switch v := v.(type) {
	case string:
		found = looksDynamic(v)
	case *jsondoc.Array:
		for _, item := range v.Items {
			found = found || l.static(at, item)
		}
		return found
	case *jsondoc.Object:
		for _, m := range v.All() {
			found = found || l.static(at, m)
		}
		return found
	}
	if found {
		l.report(PassResultIsStatic, at, "Attempt to use a path in the result of a pass state")
	}
	return found
}

// assign looks at the variables that a state, rule or catcher sets.
func (n node) assign() {
	in, ok := n.inner("Assign")
	if !ok {
		return
	}
	for key := range in.Object.All() {
		name := key
		if !n.JSONata {
			name = strings.TrimSuffix(key, template.Suffix)
		}
		at := in.Within(key)
		switch {
		case name == "states":
			n.l.report(ReservedVariableName, at, "Cannot assign to reserved variable '$states'.")
		case len([]rune(name)) > path.MaxVariableLength:
			n.l.report(InvalidVariableName, at, "Invalid variable name '%s': the variable name exceeds the %d-character limit.", name, path.MaxVariableLength)
		case !path.IsVariableName(name):
			n.l.report(InvalidVariableName, at, "Invalid variable name '%s': the variable name contains invalid characters.", name)
		}
	}
	n.data("Assign")
}
