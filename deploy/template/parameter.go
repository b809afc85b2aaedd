package template

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// Parameter is a member of Parameters.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
type Parameter struct {
	ID                    string
	Type                  string
	Default               *string
	NoEcho                bool
	Description           string
	AllowedValues         []string
	AllowedPattern        string
	ConstraintDescription string
	MinLength, MaxLength  *int
	MinValue, MaxValue    *string
}

// SSM reports whether the parameter's value names a parameter of Systems Manager, whose value takes its place; list says
// that that value is a list.
func (p *Parameter) SSM() (list, ok bool) {
	inner, ok := strings.CutPrefix(p.Type, "AWS::SSM::Parameter::Value<")
	if !ok {
		return false, false
	}
	inner = strings.TrimSuffix(inner, ">")
	return inner == "CommaDelimitedList" || strings.HasPrefix(inner, "List<"), true
}

// IsList reports whether the value is a list of comma-separated texts.
func (p *Parameter) IsList() bool {
	list, _ := p.SSM()
	return list || p.Type == "CommaDelimitedList" || strings.HasPrefix(p.Type, "List<")
}

var parameterType = regexp.MustCompile(`^(String|Number|CommaDelimitedList|List<Number>|List<String>|AWS::SSM::Parameter::Name|` +
	`AWS::SSM::Parameter::Value<(String|CommaDelimitedList|List<String>|(List<)?AWS::[A-Za-z0-9:]+>?)>|` +
	`(List<)?AWS::(EC2|Route53)::[A-Za-z0-9:]+>?)$`)

func (t *Template) readParameters(doc *jsondoc.Object) error {
	all, err := section(doc, "Parameters")
	if err != nil {
		return err
	}
	if all.Len() > MaxParameters {
		return invalid("Number of parameters, %d, is greater than maximum allowed, %d", all.Len(), MaxParameters)
	}
	for id, v := range all.All() {
		if !logicalID.MatchString(id) {
			return invalid("Parameter name %s is non alphanumeric.", id)
		}
		o, err := object(v)
		if err != nil {
			return invalid("Any Parameters member must be an object.")
		}
		p, err := readParameter(id, o)
		if err != nil {
			return err
		}
		t.Parameters = append(t.Parameters, p)
	}
	return nil
}

func readParameter(id string, o *jsondoc.Object) (Parameter, error) {
	p := Parameter{ID: id}
	for k, v := range o.All() {
		s, isScalar := Text(v)
		ok := isScalar
		switch k {
		case "Type":
			p.Type = s
		case "Default":
			p.Default = &s
			if !isScalar {
				return p, invalid("Every Default member must be a string.")
			}
		case "NoEcho":
			p.NoEcho = s == "true"
		case "Description":
			p.Description = s
		case "AllowedPattern":
			p.AllowedPattern = s
		case "ConstraintDescription":
			p.ConstraintDescription = s
		case "AllowedValues":
			ok = true
			for _, a := range listOf(v) {
				text, isText := Text(a)
				ok = ok && isText
				p.AllowedValues = append(p.AllowedValues, text)
			}
		case "MinLength":
			p.MinLength, ok = number(s)
		case "MaxLength":
			p.MaxLength, ok = number(s)
		case "MinValue":
			p.MinValue = &s
		case "MaxValue":
			p.MaxValue = &s
		default:
			return p, invalid("Invalid template parameter property '%s'", k)
		}
		if !ok {
			return p, invalid("[/Parameters/%s/%s] has the wrong type", id, k)
		}
	}
	if p.Type == "" {
		return p, invalid("Every Parameters object must contain a Type member.")
	}
	if !parameterType.MatchString(p.Type) {
		return p, invalid("Unrecognized parameter type: %s", p.Type)
	}
	return p, nil
}

func number(s string) (*int, bool) {
	n, err := strconv.Atoi(s)
	return &n, err == nil
}

// Values gives each parameter its value: what the caller says, else the default. Lists stay text with commas. Errors are
// CloudFormation's.
func (t *Template) Values(given map[string]string) (map[string]string, error) {
	var missing, unknown []string
	for id := range given {
		if !t.hasParameter(id) {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		return nil, aws.Errorf("ValidationError", 400, "Parameters: [%s] do not exist in the template", joined(unknown))
	}
	out := map[string]string{}
	for i := range t.Parameters {
		p := &t.Parameters[i]
		v, ok := given[p.ID]
		if !ok && p.Default != nil {
			v, ok = *p.Default, true
		}
		if !ok {
			missing = append(missing, p.ID)
			continue
		}
		out[p.ID] = v
	}
	if len(missing) > 0 {
		return nil, aws.Errorf("ValidationError", 400, "Parameters: [%s] must have values", joined(missing))
	}
	for i := range t.Parameters {
		p := &t.Parameters[i]
		if err := p.check(out[p.ID]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *Template) hasParameter(id string) bool {
	for i := range t.Parameters {
		if t.Parameters[i].ID == id {
			return true
		}
	}
	return false
}

// check holds a value against the constraints of its parameter; for lists, each element.
func (p *Parameter) check(value string) error {
	values := []string{value}
	if _, ssm := p.SSM(); p.IsList() && !ssm {
		values = SplitList(value)
	}
	for _, v := range values {
		if why := p.violation(v); why != "" {
			if p.ConstraintDescription != "" {
				why = fmt.Sprintf("Parameter %s failed to satisfy constraint: %s", p.ID, p.ConstraintDescription)
			}
			return aws.Errorf("ValidationError", 400, "%s", why)
		}
	}
	return nil
}

// SplitList takes the text of a list parameter apart.
func SplitList(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func (p *Parameter) violation(v string) string {
	numeric := p.Type == "Number" || p.Type == "List<Number>"
	value, isNumber := new(big.Float).SetString(v)
	length := utf8.RuneCountInString(v)
	switch {
	case numeric && !isNumber:
		return fmt.Sprintf("Parameter '%s' must be a number.", p.ID)
	case len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, v):
		return fmt.Sprintf("Parameter '%s' must be one of AllowedValues", p.ID)
	case p.AllowedPattern != "" && !fullMatch(p.AllowedPattern, v):
		return fmt.Sprintf("Parameter '%s' must match pattern %s", p.ID, p.AllowedPattern)
	case p.MinLength != nil && length < *p.MinLength:
		return fmt.Sprintf("Parameter '%s' must contain at least %d characters", p.ID, *p.MinLength)
	case p.MaxLength != nil && length > *p.MaxLength:
		return fmt.Sprintf("Parameter '%s' must contain at most %d characters", p.ID, *p.MaxLength)
	case numeric && p.MinValue != nil && compare(value, *p.MinValue) < 0:
		return fmt.Sprintf("Parameter '%s' must be a number not less than %s", p.ID, *p.MinValue)
	case numeric && p.MaxValue != nil && compare(value, *p.MaxValue) > 0:
		return fmt.Sprintf("Parameter '%s' must be a number not greater than %s", p.ID, *p.MaxValue)
	}
	return ""
}

func compare(v *big.Float, bound string) int {
	b, ok := new(big.Float).SetString(bound)
	if !ok {
		return 0
	}
	return v.Cmp(b)
}

// fullMatch matches the whole value. A pattern that Go's regular expressions lack (look-around) lets everything pass.
func fullMatch(pattern, v string) bool {
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	return err != nil || re.MatchString(v)
}

func joined(ids []string) string {
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}
