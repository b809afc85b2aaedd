package intrinsic

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

// Evaluate works out every condition of a template, in whatever order they refer to each other, and keeps them in
// s.Conditions.
func (s *Scope) Evaluate(conditions *jsondoc.Object) error {
	s.Conditions = map[string]bool{}
	for name := range conditions.All() {
		if _, err := s.evaluate(conditions, name, nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scope) evaluate(all *jsondoc.Object, name string, path []string) (bool, error) {
	if v, done := s.Conditions[name]; done {
		return v, nil
	}
	def, ok := all.Get(name)
	if !ok {
		return false, aws.Errorf("ValidationError", 400, "Template format error: Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template", name)
	}
	if slices.Contains(path, name) {
		return false, failure("Circular dependency between conditions: %v", append(path, name))
	}
	path = append(path, name)
	for _, other := range conditionsIn(def) {
		if _, err := s.evaluate(all, other, path); err != nil {
			return false, err
		}
	}
	v, err := s.Resolve(def)
	if err != nil {
		return false, err
	}
	holds, ok := truth(v)
	if !ok {
		return false, failure("every Conditions member must contain a condition function, %s does not", name)
	}
	s.Conditions[name] = holds
	return holds, nil
}

// conditionsIn are the names of the conditions that a value refers to.
func conditionsIn(v any) (names []string) {
	if name, arg, ok := Function(v); ok {
		switch name {
		case "Condition":
			return []string{arg.(string)} // Function has checked it
		case "Fn::If":
			if a, ok := arg.(*jsondoc.Array); ok && len(a.Items) > 0 {
				if n, ok := a.Items[0].(string); ok {
					names = append(names, n)
				}
			}
		}
	}
	each(v, func(child any) { names = append(names, conditionsIn(child)...) })
	return names
}

// each calls f with the direct children of v.
func each(v any, f func(any)) {
	switch v := v.(type) {
	case *jsondoc.Array:
		for _, item := range v.Items {
			f(item)
		}
	case *jsondoc.Object:
		for _, m := range v.All() {
			f(m)
		}
	}
}

func truth(v any) (value, ok bool) {
	switch v {
	case true, "true":
		return true, true
	case false, "false":
		return false, true
	}
	return false, false
}

func (s *Scope) condition(name string, arg any) (any, error) {
	switch name {
	case "Condition":
		v, ok := s.Conditions[arg.(string)] // Function has checked it
		if !ok {
			return nil, failure("Unresolved condition %s", arg)
		}
		return v, nil
	case "Fn::Equals":
		args, err := s.list(arg, 2, 2, "every Fn::Equals object requires a list of 2 string parameters.")
		if err != nil {
			return nil, err
		}
		a, ok1 := template.Text(args[0])
		b, ok2 := template.Text(args[1])
		if ok1 && ok2 {
			return a == b, nil
		}
		return jsondoc.Equal(args[0], args[1]), nil
	case "Fn::Not":
		args, err := s.truths(arg, 1, 1, "every Fn::Not object requires a list of 1 boolean parameter.")
		if err != nil {
			return nil, err
		}
		return !args[0], nil
	case "Fn::And":
		args, err := s.truths(arg, 2, 10, "every Fn::And object requires a list of at least 2 and at most 10 boolean parameters.")
		return !slices.Contains(args, false), err
	default:
		args, err := s.truths(arg, 2, 10, "every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters.")
		return slices.Contains(args, true), err
	}
}

func (s *Scope) truths(arg any, min, max int, complaint string) ([]bool, error) {
	args, err := s.list(arg, min, max, complaint)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(args))
	for i, a := range args {
		v, ok := truth(a)
		if !ok {
			return nil, failure("%s", complaint)
		}
		out[i] = v
	}
	return out, nil
}

// Imports evaluates every Fn::ImportValue in v that the known conditions do not rule out, and returns the first error.
func (s *Scope) Imports(v any) (err error) {
	name, arg, ok := Function(v)
	a, isList := arg.(*jsondoc.Array)
	switch {
	case ok && name == "Fn::ImportValue":
		_, err = s.Resolve(v)
		return err
	case ok && name == "Fn::If" && isList && len(a.Items) == 3:
		if n, isText := a.Items[0].(string); isText && s.Conditions[n] {
			return s.Imports(a.Items[1])
		}
		return s.Imports(a.Items[2])
	}
	each(v, func(child any) {
		if err == nil {
			err = s.Imports(child)
		}
	})
	return err
}

// References are the names that v refers to by Ref, Fn::GetAtt and Fn::Sub: resources, parameters and pseudo
// parameters, each once. Branches of Fn::If that the known conditions rule out do not count.
func (s *Scope) References(v any) ([]string, error) {
	seen := map[string]bool{}
	var names []string
	err := s.references(v, func(n string) {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	})
	return names, err
}

func (s *Scope) references(v any, found func(string)) (err error) {
	name, arg, ok := Function(v)
	if !ok {
		each(v, func(child any) {
			if err == nil {
				err = s.references(child, found)
			}
		})
		return err
	}
	switch name {
	case "Ref":
		if id, ok := arg.(string); ok {
			found(id)
		}
		return nil
	case "Fn::GetAtt":
		id, _, err := attributeOf(arg)
		if err == nil {
			found(id)
		}
		return err
	case "Fn::Sub":
		return s.subReferences(arg, found)
	case "Fn::If":
		a, ok := arg.(*jsondoc.Array)
		if !ok || len(a.Items) != 3 {
			return failure(ifForm)
		}
		if n, ok := a.Items[0].(string); ok {
			if holds, known := s.Conditions[n]; known && holds {
				return s.references(a.Items[1], found)
			} else if known {
				return s.references(a.Items[2], found)
			}
		}
	}
	return s.references(arg, found)
}

func (s *Scope) subReferences(arg any, found func(string)) error {
	text, vars, err := subParts(arg)
	if err != nil {
		return err
	}
	for _, part := range placeholders(text) {
		if _, isLocal := vars.Get(part.name); part.name == "" || isLocal {
			continue
		}
		id, _, _ := strings.Cut(part.name, ".")
		found(id)
	}
	return s.references(vars, found)
}
