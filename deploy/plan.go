// Package deploy turns templates into ordered calls: a template and its parameters become a Plan, which says at any moment
// what can be done next. It holds no state and makes no calls: service/cloudformation stores each step and drives
// it by promises, so that a stack in progress goes on after a crash. Its subfolders: template (text to structure),
// intrinsic (functions and conditions), sam (the Serverless transform), resource (what creates, changes and deletes
// each kind of resource).
package deploy

import (
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/intrinsic"
	"github.com/brume-dev/brume/deploy/template"
)

// Plan is a template with its parameters and conditions, and the order in which its resources depend on each other.
type Plan struct {
	Template *template.Template
	// Scope has the parameters and the conditions. Ref and Attribute are for the caller to fill in on a copy.
	Scope intrinsic.Scope
	// Active are the resources whose condition holds, in the template's order.
	Active []*template.Resource
	// needs holds, for each active resource, the active resources that it refers to or names in DependsOn.
	needs map[string][]string
}

// NewPlan checks the template, evaluates the conditions and orders the resources. Its errors are CloudFormation's
// ValidationErrors: references to nothing, circular dependencies, unknown conditions.
func NewPlan(t *template.Template, scope intrinsic.Scope) (*Plan, error) {
	if err := Check(t); err != nil {
		return nil, err
	}
	return Lay(t, scope)
}

// Lay is NewPlan of a template that has been checked before.
func Lay(t *template.Template, scope intrinsic.Scope) (*Plan, error) {
	p := &Plan{Template: t, Scope: scope, needs: map[string][]string{}}
	p.Scope.Mappings = t.Mappings
	if err := p.Scope.Evaluate(t.Conditions); err != nil {
		return nil, err
	}
	for _, r := range t.Resources {
		if r.Condition == "" || p.Scope.Conditions[r.Condition] {
			p.Active = append(p.Active, r)
		}
	}
	for _, r := range p.Active {
		if err := p.connect(r); err != nil {
			return nil, err
		}
	}
	return p, p.findCycle()
}

func formatError(format string, args ...any) error {
	return aws.Errorf("ValidationError", 400, "Template format error: "+format, args...)
}

func (p *Plan) active(id string) bool {
	return slices.ContainsFunc(p.Active, func(r *template.Resource) bool { return r.ID == id })
}

func (p *Plan) connect(r *template.Resource) error {
	names, err := p.Scope.References(r.Properties)
	if err != nil {
		return err
	}
	for _, n := range append(names, r.DependsOn...) {
		if p.active(n) && !slices.Contains(p.needs[r.ID], n) {
			p.needs[r.ID] = append(p.needs[r.ID], n)
		}
	}
	return nil
}

// Needs are the active resources that must be there before the resource can be made.
func (p *Plan) Needs(id string) []string { return p.needs[id] }

// NeededBy are the active resources that need the resource: they must be gone before it can be deleted.
func (p *Plan) NeededBy(id string) (ids []string) {
	for _, r := range p.Active {
		if slices.Contains(p.needs[r.ID], id) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// Outputs are the outputs whose condition holds.
func (p *Plan) Outputs() (outs []template.Output) {
	for _, o := range p.Template.Outputs {
		if o.Condition == "" || p.Scope.Conditions[o.Condition] {
			outs = append(outs, o)
		}
	}
	return outs
}

// findCycle takes resources away as their needs are met; what is left depends on itself.
func (p *Plan) findCycle() error {
	done := map[string]bool{}
	for progress := true; progress; {
		progress = false
		for _, r := range p.Active {
			if !done[r.ID] && !slices.ContainsFunc(p.needs[r.ID], func(n string) bool { return !done[n] }) {
				done[r.ID], progress = true, true
			}
		}
	}
	var left []string
	for _, r := range p.Active {
		if !done[r.ID] {
			left = append(left, r.ID)
		}
	}
	if len(left) > 0 {
		return aws.Errorf("ValidationError", 400, "Circular dependency between resources: [%s]", strings.Join(left, ", "))
	}
	return nil
}
