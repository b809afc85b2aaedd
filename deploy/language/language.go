// Package language is the transform AWS::LanguageExtensions: loops over collections, and functions where CloudFormation
// by itself takes none. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
package language

import (
	"regexp"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/intrinsic"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

// Name is what templates call the transform.
const Name = "AWS::LanguageExtensions"

// Limits of Fn::ForEach,
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
const (
	maxLoops  = 5      // one within the other
	maxMade   = 100000 // members of a template that loops may make: more is no template that CloudFormation takes
	loopName  = "Fn::ForEach::"
	outOfBody = "Fn::ForEach could not be resolved: "
)

var alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]+$`)

func failure(format string, args ...any) error {
	return aws.Errorf("ValidationError", 400, "Transform AWS::LanguageExtensions failed with: "+format, args...)
}

// Transform returns the template without loops, and with the policies of its resources as plain texts. scope has the
// parameters and the mappings.
func Transform(doc *jsondoc.Object, scope intrinsic.Scope) (*jsondoc.Object, error) {
	x := expander{scope: &scope}
	if m, ok := doc.Get("Mappings"); ok {
		scope.Mappings, _ = m.(*jsondoc.Object)
	}
	out := jsondoc.NewObject()
	for name, v := range doc.All() {
		switch name {
		case "Resources", "Outputs", "Conditions":
			expanded, err := x.expand(v, nil)
			if err != nil {
				return nil, err
			}
			v = expanded
		case "Transform":
			if v = without(v); v == nil {
				continue
			}
		}
		out.Set(name, v)
	}
	return out, x.policies(out)
}

// without is the list of transforms without this one.
func without(v any) any {
	a, ok := v.(*jsondoc.Array)
	if !ok {
		return nil
	}
	rest := &jsondoc.Array{}
	for _, t := range a.Items {
		if t != Name {
			rest.Items = append(rest.Items, t)
		}
	}
	if len(rest.Items) == 0 {
		return nil
	}
	return rest
}

// expander unrolls loops.
type expander struct {
	scope *intrinsic.Scope
	made  int // members that loops have made
}

// binding is the value of a loop's identifier.
type binding struct{ name, value string }

// expand returns v with its loops unrolled and the identifiers of those around it replaced.
func (x *expander) expand(v any, around []binding) (any, error) {
	switch v := v.(type) {
	case string:
		return substitute(v, around), nil
	case *jsondoc.Array:
		out := &jsondoc.Array{Items: make([]any, len(v.Items))}
		for i, item := range v.Items {
			var err error
			if out.Items[i], err = x.expand(item, around); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *jsondoc.Object:
		if name, arg, ok := intrinsic.Function(v); ok && name == "Ref" {
			for _, b := range around {
				if arg == b.name {
					return b.value, nil
				}
			}
		}
		out := jsondoc.NewObject()
		for key, m := range v.All() {
			if err := x.member(out, key, m, around); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// member adds one member of an object, or what its loop gives.
func (x *expander) member(out *jsondoc.Object, key string, v any, around []binding) error {
	if name, isLoop := strings.CutPrefix(key, loopName); isLoop {
		return x.loop(out, name, v, around)
	}
	expanded, err := x.expand(v, around)
	if err != nil {
		return err
	}
	if len(around) > 0 {
		if x.made++; x.made > maxMade {
			return failure("%sthe loops make too much", outOfBody)
		}
	}
	key = substitute(key, around)
	if _, twice := out.Get(key); twice {
		return failure("%sthe key %s is there twice", outOfBody, key)
	}
	out.Set(key, expanded)
	return nil
}

// loop adds the members of Fn::ForEach: identifier, collection, body.
func (x *expander) loop(out *jsondoc.Object, name string, v any, around []binding) error {
	a, ok := v.(*jsondoc.Array)
	if !ok || len(a.Items) != 3 || !alphanumeric.MatchString(name) {
		return failure("Fn::ForEach layout is incorrect")
	}
	identifier, ok := a.Items[0].(string)
	body, isObject := a.Items[2].(*jsondoc.Object)
	if !ok || !isObject || identifier == "" {
		return failure("Fn::ForEach layout is incorrect")
	}
	if len(around) >= maxLoops {
		return failure("%smore than %d loops within each other", outOfBody, maxLoops)
	}
	for _, b := range around {
		if b.name == identifier {
			return failure("%sthe identifier %s is used by a loop around it", outOfBody, identifier)
		}
	}
	values, err := x.collection(a.Items[1], around)
	if err != nil {
		return err
	}
	for _, value := range values {
		inner := append(append([]binding(nil), around...), binding{identifier, value})
		for key, m := range body.All() {
			if err := x.member(out, key, m, inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// collection resolves what a loop runs over.
func (x *expander) collection(v any, around []binding) ([]string, error) {
	v, err := x.expand(v, around)
	if err != nil {
		return nil, err
	}
	if v, err = x.scope.Resolve(v); err != nil {
		return nil, failure("%s%s", outOfBody, aws.InfoOf(err).Message)
	}
	a, ok := v.(*jsondoc.Array)
	if !ok {
		return nil, failure("%sthe collection is not a list", outOfBody)
	}
	var out []string
	for _, item := range a.Items {
		if inner, nested := item.(*jsondoc.Array); nested { // a list among the items stands for its own
			for _, i := range inner.Items {
				t, _ := template.Text(i)
				out = append(out, t)
			}
			continue
		}
		t, ok := template.Text(item)
		if !ok {
			return nil, failure("%sthe collection holds something that is no text", outOfBody)
		}
		out = append(out, t)
	}
	return out, nil
}

// substitute replaces ${Identifier}, and &{Identifier}, which leaves letters and digits only.
func substitute(text string, around []binding) string {
	if !strings.Contains(text, "{") {
		return text
	}
	for _, b := range around {
		text = strings.ReplaceAll(text, "${"+b.name+"}", b.value)
		text = strings.ReplaceAll(text, "&{"+b.name+"}", plain(b.value))
	}
	return text
}

func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, s)
}

// policies resolves DeletionPolicy and UpdateReplacePolicy, which may be functions of parameters here.
func (x *expander) policies(doc *jsondoc.Object) error {
	v, _ := doc.Get("Resources")
	all, ok := v.(*jsondoc.Object)
	if !ok {
		return nil
	}
	conditions, _ := doc.Get("Conditions")
	for id, r := range all.All() {
		o, ok := r.(*jsondoc.Object)
		if !ok {
			continue
		}
		for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			p, there := o.Get(name)
			if _, _, function := intrinsic.Function(p); !there || !function {
				continue
			}
			scope := *x.scope
			if c, ok := conditions.(*jsondoc.Object); ok {
				if err := scope.Evaluate(c); err != nil {
					return err
				}
			}
			value, err := scope.Resolve(p)
			if err != nil {
				return failure("%s of %s: %s", name, id, aws.InfoOf(err).Message)
			}
			if value == nil {
				o.Delete(name)
				continue
			}
			o.Set(name, value)
		}
	}
	return nil
}
