package deploy

import (
	"strings"

	"github.com/brume-dev/brume/deploy/intrinsic"
	"github.com/brume-dev/brume/deploy/template"
)

// Check looks at what a template says of itself, without the values of its parameters: the form of its functions, and that
// what they name is there, also where no condition lets it be used. Its errors are CloudFormation's ValidationErrors.
func Check(t *template.Template) error {
	parameters := map[string]bool{}
	for _, p := range t.Parameters {
		parameters[p.ID] = true
	}
	names := intrinsic.Names{Mappings: t.Mappings,
		Resource:  func(name string) bool { return t.Lookup(name) != nil },
		Parameter: func(name string) bool { return parameters[name] },
		Condition: func(name string) bool { _, ok := t.Conditions.Get(name); return ok }}
	for _, check := range []func(*template.Template, intrinsic.Names) error{checkConditions, checkResources, checkOutputs} {
		if err := check(t, names); err != nil {
			return err
		}
	}
	return nil
}

func checkConditions(t *template.Template, names intrinsic.Names) error {
	names.Block = "Conditions"
	for _, c := range t.Conditions.All() {
		if err := names.Check(c); err != nil {
			return err
		}
	}
	if len(names.Unresolved) > 0 {
		return formatError("Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template", strings.Join(names.Unresolved, ", "))
	}
	return nil
}

func checkResources(t *template.Template, names intrinsic.Names) error {
	names.Block = "Resources"
	for _, r := range t.Resources {
		if r.Condition != "" && !names.Condition(r.Condition) {
			return formatError("Unresolved condition dependency %s in the Resources block of the template", r.Condition)
		}
		for _, d := range r.DependsOn {
			if !names.Resource(d) {
				names.Unresolved = append(names.Unresolved, d)
			}
		}
		if err := names.Check(r.Properties); err != nil {
			return err
		}
	}
	return unresolved(names)
}

func checkOutputs(t *template.Template, names intrinsic.Names) error {
	names.Block = "Outputs"
	for _, o := range t.Outputs {
		if o.Condition != "" && !names.Condition(o.Condition) {
			return formatError("Unresolved condition dependency %s in the Outputs block of the template", o.Condition)
		}
		for _, v := range []any{o.Value, o.ExportName} {
			if err := names.Check(v); err != nil {
				return err
			}
		}
	}
	return unresolved(names)
}

func unresolved(names intrinsic.Names) error {
	if len(names.Unresolved) == 0 {
		return nil
	}
	return formatError("Unresolved resource dependencies [%s] in the %s block of the template", strings.Join(names.Unresolved, ", "), names.Block)
}
