package intrinsic

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

// Names are those that the functions of a template may refer to.
type Names struct {
	Resource, Parameter func(name string) bool
	Condition           func(name string) bool
	Mappings            *jsondoc.Object
	// Block is the section that is looked at: Resources, Outputs or Conditions.
	Block string
	// Unresolved collects the names of Ref and Fn::Sub that are none.
	Unresolved []string
}

// functions are those that CloudFormation has, in the order in which it lists them.
var functions = []string{"Fn::Base64", "Fn::GetAtt", "Fn::GetAZs", "Fn::ImportValue", "Fn::Join", "Fn::Split", "Fn::FindInMap", "Fn::Select", "Ref",
	"Fn::Equals", "Fn::If", "Fn::Not", "Condition", "Fn::And", "Fn::Or", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::ValueOf",
	"Fn::ValueOfAll", "Fn::RefAll", "Fn::Sub", "Fn::Cidr"}

// extended are the functions that transforms take away or add.
var extended = []string{"Fn::Transform", "Fn::Length", "Fn::ToJsonString"}

// Check looks at every function in v without evaluating any: CloudFormation refuses a template whose functions have the wrong
// form or name what is not there before it does anything, whichever way the conditions turn out.
func (n *Names) Check(v any) error {
	name, arg, ok := Function(v)
	if ok && !strings.HasPrefix(name, "Fn::ForEach") {
		if err := n.function(name, arg); err != nil {
			return err
		}
		if name == "Ref" || name == "Condition" || name == "Fn::GetAtt" {
			return nil
		}
	}
	var err error
	each(v, func(child any) {
		if err == nil {
			err = n.Check(child)
		}
	})
	return err
}

func (n *Names) function(name string, arg any) error {
	switch name {
	case "Ref":
		id, ok := arg.(string)
		if !ok {
			return failure("every Ref object must have a single String value.")
		}
		n.refer(id)
		return nil
	case "Fn::GetAtt":
		return n.getAtt(arg)
	case "Fn::Sub":
		return n.sub(arg)
	case "Fn::If":
		a, ok := arg.(*jsondoc.Array)
		if !ok || len(a.Items) != 3 {
			return failure(ifForm)
		}
		return n.condition(a.Items[0], failure(ifForm))
	case "Condition":
		return n.condition(arg, nil)
	case "Fn::FindInMap":
		return n.findInMap(arg)
	case "Fn::ImportValue":
		if n.independent(arg) {
			break
		}
		return failure("the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs")
	}
	switch name {
	case "Fn::Base64", "Fn::ImportValue", "Fn::GetAZs":
		if _, isList := arg.(*jsondoc.Array); isList {
			return failure("every %s object must have a String-typed value.", name)
		}
		return nil
	case "Fn::Join":
		return pair(arg, joinForm)
	case "Fn::Split":
		return pair(arg, splitForm)
	case "Fn::Select":
		return n.selects(arg)
	}
	if !slices.Contains(functions, name) && !slices.Contains(extended, name) {
		return failure("Encountered unsupported function: %s Supported functions are: [%s]", name, strings.Join(functions, ", "))
	}
	return nil
}

// independent reports whether v refers to no resource, import or zone.
func (n *Names) independent(v any) bool {
	name, arg, ok := Function(v)
	id, _ := arg.(string)
	switch {
	case ok && name == "Ref":
		return !n.Resource(id)
	case ok && (name == "Fn::GetAtt" || name == "Fn::ImportValue" || name == "Fn::GetAZs"):
		return false
	case ok && name == "Fn::Sub":
		text, vars, err := subParts(arg)
		for _, part := range placeholders(text) {
			id, _, _ := strings.Cut(part.name, ".")
			if _, local := vars.Get(part.name); err == nil && !local && n.Resource(id) {
				return false
			}
		}
	}
	free := true
	each(v, func(child any) { free = free && n.independent(child) })
	return free
}

// pair is an argument of two elements, of which the first is a text and the second a list, a text or a function.
func pair(arg any, form string) error {
	a, ok := arg.(*jsondoc.Array)
	if !ok || len(a.Items) != 2 {
		return failure("%s", form)
	}
	if _, isText := a.Items[0].(string); !isText {
		return failure("%s", form)
	}
	_, isText := a.Items[1].(string)
	if isText && form == joinForm {
		return failure("%s", form)
	}
	return nil
}

func (n *Names) refer(name string) {
	if strings.HasPrefix(name, "AWS::") || n.Parameter(name) || n.Block != "Conditions" && n.Resource(name) || slices.Contains(n.Unresolved, name) {
		return
	}
	n.Unresolved = append(n.Unresolved, name)
}

func (n *Names) condition(v any, form error) error {
	name, ok := v.(string)
	if !ok {
		return form
	}
	if n.Condition(name) {
		return nil
	}
	if n.Block == "Conditions" {
		n.refer(name)
		return nil
	}
	return aws.Errorf("ValidationError", 400, "Template format error: Unresolved condition dependency %s in the %s block of the template", name, n.Block)
}

func (n *Names) getAtt(arg any) error {
	id, _, err := attributeOf(arg)
	switch {
	case err != nil:
		return err
	case n.Block == "Conditions":
		n.refer(id)
	case !n.Resource(id):
		return failure("instance of Fn::GetAtt references undefined resource %s", id)
	}
	return nil
}

// subName is what may stand in ${}.
var subName = regexp.MustCompile(`^[A-Za-z0-9_.:]+$`)

func (n *Names) sub(arg any) error {
	text, vars, err := subParts(arg)
	if err != nil {
		return err
	}
	for _, part := range placeholders(text) {
		if part.name == "" {
			continue
		}
		if !subName.MatchString(part.name) {
			return failure("variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons")
		}
		if _, local := vars.Get(part.name); local {
			continue
		}
		id, _, attribute := strings.Cut(part.name, ".")
		if attribute && !strings.HasPrefix(id, "AWS::") && !n.Resource(id) {
			return failure("instance of Fn::Sub references invalid resource attribute %s", part.name)
		}
		n.refer(id)
	}
	return nil
}

func (n *Names) findInMap(arg any) error {
	a, ok := arg.(*jsondoc.Array)
	if !ok || len(a.Items) < 3 || len(a.Items) > 4 {
		return failure(mapForm)
	}
	name, ok := a.Items[0].(string)
	if !ok || len(a.Items) == 4 {
		return nil
	}
	m, ok := n.Mappings.Get(name)
	if !ok {
		return failure("Mapping named '%s' is not present in the 'Mappings' section of template.", name)
	}
	first, ok1 := a.Items[1].(string)
	second, ok2 := a.Items[2].(string)
	if !ok1 || !ok2 {
		return nil
	}
	o, _ := m.(*jsondoc.Object)
	if o != nil {
		row, _ := o.Get(first)
		if o, _ = row.(*jsondoc.Object); o != nil {
			if _, ok := o.Get(second); ok {
				return nil
			}
		}
	}
	return failure("Unable to get mapping for %s::%s::%s", name, first, second)
}

func (n *Names) selects(arg any) error {
	a, ok := arg.(*jsondoc.Array)
	if !ok || len(a.Items) != 2 {
		return failure(selectForm)
	}
	text, plain := template.Text(a.Items[0])
	items, isList := a.Items[1].(*jsondoc.Array)
	if !plain || !isList {
		return nil
	}
	if i, err := strconv.Atoi(text); err != nil {
		return failure(selectForm)
	} else if i < 0 || i >= len(items.Items) {
		return failure("Fn::Select  cannot select nonexistent value at index %d", i)
	}
	return nil
}
