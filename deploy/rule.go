package deploy

import (
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// CheckRules evaluates the Rules of the template: every assertion of a rule whose condition holds must be true.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
func (p *Plan) CheckRules() error {
	for name, v := range p.Template.Rules.All() {
		rule, ok := v.(*jsondoc.Object)
		if !ok {
			return formatError("[/Rules/%s] must be an object", name)
		}
		if condition, ok := rule.Get("RuleCondition"); ok {
			holds, err := p.Scope.Resolve(condition)
			if err != nil {
				return err
			}
			if holds != true {
				continue
			}
		}
		if err := p.checkAssertions(name, rule); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) checkAssertions(name string, rule *jsondoc.Object) error {
	v, _ := rule.Get("Assertions")
	all, ok := v.(*jsondoc.Array)
	if !ok {
		return formatError("[/Rules/%s/Assertions] must be a list", name)
	}
	var broken []string
	for _, item := range all.Items {
		a, ok := item.(*jsondoc.Object)
		if !ok {
			return formatError("[/Rules/%s/Assertions] must be a list of objects", name)
		}
		assert, _ := a.Get("Assert")
		holds, err := p.Scope.Resolve(assert)
		if err != nil {
			return err
		}
		if holds != true {
			text, _ := a.Get("AssertDescription")
			description, _ := text.(string)
			broken = append(broken, description)
		}
	}
	if len(broken) > 0 {
		return aws.Errorf("ValidationError", 400, "Template validation error: Rule %s failed: %s", name, strings.Join(broken, "; "))
	}
	return nil
}
