package deploy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/brume-dev/brume/deploy"
	"github.com/brume-dev/brume/deploy/intrinsic"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

// scope is what every case sees: two resources, R and S, beside the parameters of its template.
func scope(t *testing.T, tpl *template.Template, given map[string]string) intrinsic.Scope {
	values, err := tpl.Values(given)
	if err != nil {
		t.Fatal(err)
	}
	s := intrinsic.Scope{Account: "111122223333", Region: "eu-west-1", StackName: "st", StackID: "arn:st", Parameters: map[string]any{}}
	for _, p := range tpl.Parameters {
		s.Parameters[p.ID] = values[p.ID]
		if p.IsList() {
			a := &jsondoc.Array{}
			for _, v := range template.SplitList(values[p.ID]) {
				a.Items = append(a.Items, v)
			}
			s.Parameters[p.ID] = a
		}
	}
	s.Ref = func(id string) (any, bool) { return "ref-" + id, tpl.Lookup(id) != nil }
	s.Attribute = func(id, name string) (any, bool) { return id + "/" + name, tpl.Lookup(id) != nil && name != "Nope" }
	s.Import = func(name string) (string, bool) { return "imported-" + name, name == "there" }
	s.Dynamic = func(service, ref string) (string, error) { return "<" + service + "|" + ref + ">", nil }
	return s
}

const frame = `
Parameters:
  P: {Type: String, Default: pv}
  L: {Type: CommaDelimitedList, Default: "a, b,c"}
Mappings:
  M: {k1: {k2: found, list: [x, y]}}
Conditions:
  Holds: !Equals [!Ref P, pv]
  Fails: !Not [{Condition: Holds}]
  Both: !And [{Condition: Holds}, !Or [{Condition: Fails}, {Condition: Holds}]]
Resources:
  R: {Type: A::B::C}
  S:
    Type: A::B::C
    Properties:
      V: `

func TestFunctions(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"!Ref P", `"pv"`},
		{"!Ref L", `["a","b","c"]`},
		{"!Ref R", `"ref-R"`},
		{"!Ref AWS::AccountId", `"111122223333"`},
		{"!GetAtt R.Arn", `"R/Arn"`},
		{"{Fn::GetAtt: [R, Outputs.X]}", `"R/Outputs.X"`},
		{"!Sub '${AWS::Region}-${P}-${R}-${R.Arn}-${!keep}'", `"eu-west-1-pv-ref-R-R/Arn-${keep}"`},
		{"!Sub ['${A}${P}', {A: !Ref R}]", `"ref-Rpv"`},
		{"!Join ['-', [a, !Ref P, !Ref AWS::NoValue, 3]]", `"a-pv-3"`},
		{"!Join [',', !Ref L]", `"a,b,c"`},
		{"!Split ['|', 'a|b']", `["a","b"]`},
		{"!Select [1, !Ref L]", `"b"`},
		{"!Select ['0', !Split [':', 'x:y']]", `"x"`},
		{"!FindInMap [M, k1, k2]", `"found"`},
		{"!FindInMap [M, k1, list]", `["x","y"]`},
		{"!If [Holds, a, b]", `"a"`},
		{"!If [Fails, a, !If [Both, c, d]]", `"c"`},
		{"{a: !If [Fails, x, !Ref AWS::NoValue], b: 1}", `{"b":1}`},
		{"!Base64 abc", `"YWJj"`},
		{"!GetAZs ''", `["eu-west-1a","eu-west-1b","eu-west-1c"]`},
		{"!ImportValue there", `"imported-there"`},
		{"!Cidr ['10.0.0.0/16', 3, 8]", `["10.0.0.0/24","10.0.1.0/24","10.0.2.0/24"]`},
		{"!Cidr ['10.0.0.0/16', 2, 12]", `["10.0.0.0/20","10.0.16.0/20"]`},
		{"!ToJsonString {a: !Ref P}", `"{\"a\":\"pv\"}"`},
		{"!Length [1, 2]", `2`},
		{"'x{{resolve:ssm:/a/b:1}}y'", `"x<ssm|/a/b:1>y"`},
		{"[012345678901, 2012-10-17, 1.50, yes, '5']", `["012345678901","2012-10-17",1.50,true,"5"]`},
		{"{Statement: [{Condition: {StringEquals: {a: !Ref P}}}]}", `{"Statement":[{"Condition":{"StringEquals":{"a":"pv"}}}]}`},
	} {
		p := planOf(t, frame+c.in)
		v, err := p.Scope.Resolve(p.Template.Lookup("S").Properties)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		got, _ := v.(*jsondoc.Object).Get("V")
		if text := jsondoc.Text(got); text != c.want {
			t.Errorf("%s: %s, want %s", c.in, text, c.want)
		}
	}
}

func planOf(t *testing.T, text string) *deploy.Plan {
	t.Helper()
	p, err := newPlan(t, text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return p
}

func newPlan(t *testing.T, text string) (*deploy.Plan, error) {
	doc, err := template.Read([]byte(text))
	if err != nil {
		return nil, err
	}
	tpl, err := template.New(doc)
	if err != nil {
		return nil, err
	}
	return deploy.NewPlan(tpl, scope(t, tpl, nil))
}

func TestTemplateErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "unsupported structure"},
		{"[1]", "unsupported structure"},
		{"{", "JSON not well-formed"},
		{"a: [", "YAML not well-formed"},
		{"Resources: {}", "At least one Resources member must be defined"},
		{"Resources: {A: x}", "Any Resources member must be an object"},
		{"Resources: {A: {Properties: {}}}", "must contain a Type member"},
		{"Resources: {A-b: {Type: x}}", "non alphanumeric"},
		{"Resources: {A: {Type: x}}\nNope: 1", "Invalid template property or properties [Nope]"},
		{"AWSTemplateFormatVersion: '2011'\nResources: {A: {Type: x}}", "AWSTemplateFormatVersion"},
		{"x: &a 1\nResources: *a", "aliases are not allowed"},
		{"Resources: {A: {Type: x, Properties: {V: !Nope 1}}}", "unsupported tag"},
		{frame + "!Ref Q", "Unresolved resource dependencies [Q]"},
		{frame + "!GetAtt Q.Arn", "Template error: instance of Fn::GetAtt references undefined resource Q"},
		{frame + "!Sub '${Q.Arn}'", "Template error: instance of Fn::Sub references invalid resource attribute Q.Arn"},
		{frame + "!Sub '${a b}'", "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons"},
		{frame + "!Sub []", "One or more Fn::Sub intrinsic functions don't specify expected arguments"},
		{frame + "{'Fn::Nope': 1}", "Template error: Encountered unsupported function: Fn::Nope Supported functions are: [Fn::Base64, Fn::GetAtt"},
		{frame + "!Base64 [a]", "every Fn::Base64 object must have a String-typed value."},
		{frame + "!FindInMap [M, k1, zz]", "Template error: Unable to get mapping for M::k1::zz"},
		{frame + "!FindInMap [N, k1, zz]", "Template error: Mapping named 'N' is not present in the 'Mappings' section of template."},
		{frame + "!FindInMap [M, k1]", "every Fn::FindInMap object requires three parameters"},
		{frame + "!Select [9, [a]]", "cannot select nonexistent value at index 9"},
		{frame + "!Join ['-', a]", "every Fn::Join object requires"},
		{frame + "!If [Fails, !Ref Q, 2]", "Unresolved resource dependencies [Q]"},
		{frame + "!If [Fails, 1]", "Fn::If requires a list argument with the first element being a condition"},
		{frame + "1\nOutputs: {O: {Value: !Ref Q}}", "Unresolved resource dependencies [Q] in the Outputs block of the template"},
		{"Conditions: {C: !Equals [!Ref A, 1]}\nResources: {A: {Type: x}}",
			"Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template"},
		{"Resources: {A: {Type: x, DependsOn: [B, C]}}", "Unresolved resource dependencies [B, C] in the Resources block of the template"},
		{"Resources: {A: {Type: x, Nope: 1}}", "ValidationError: Invalid template resource property 'Nope'"},
		{"Mappings: {M: {a: {b: {c: d}}}}\nResources: {A: {Type: x}}", "Every Mappings attribute must be a String or a List."},
		{"Description: " + strings.Repeat("x", 1025) + "\nResources: {A: {Type: x}}", "'Description' length is greater than 1024."},
		{frame + "!Sub '${Q}'", "Unresolved resource dependencies [Q]"},
		{frame + "!Ref S", "Circular dependency between resources: [S]"},
		{frame + "!If [Q, 1, 2]", "Q"},
		{"Conditions: {A: {Condition: B}, B: {Condition: A}}\nResources: {A: {Type: x}}", "Circular dependency between conditions"},
		{"Conditions: {A: text}\nResources: {A: {Type: x}}", "must contain a condition function"},
		{"Resources: {A: {Type: x, Condition: Q}}", "Q"},
		{"Parameters: {P: {Type: Strange}}\nResources: {A: {Type: x}}", "Unrecognized parameter type: Strange"},
		{"Parameters: {P: {Default: x}}\nResources: {A: {Type: x}}", "must contain a Type member"},
	} {
		p, err := newPlan(t, c.in)
		if err == nil {
			s := p.Template.Lookup("S")
			if s == nil {
				t.Errorf("%s: no error", c.in)
				continue
			}
			_, err = p.Scope.Resolve(s.Properties)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  gave %v\n  want %s", c.in, err, c.want)
		}
	}
}

func TestFunctionErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"!GetAtt R.Nope", "does not support attribute type Nope"},
		{"!FindInMap [M, !Ref P, zz]", "Unable to get mapping for M::pv::zz"},
		{"!Select [!Ref P, [a]]", "every Fn::Select object requires"},
		{"!ImportValue gone", "No export named gone found"},
		{"!Cidr [nope, 1, 8]", "every Fn::Cidr"},
		{"!Cidr ['10.0.0.0/24', 3, 8]", "do not fit"},
		{"!Split ['', a]", "every Fn::Split"},
	} {
		p := planOf(t, frame+c.in)
		if _, err := p.Scope.Resolve(p.Template.Lookup("S").Properties); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.in, err, c.want)
		}
	}
}

func TestParameterValues(t *testing.T) {
	doc, err := template.Read([]byte(`
Parameters:
  S: {Type: String, AllowedPattern: '[a-z]+', MinLength: 2, MaxLength: 3}
  N: {Type: Number, MinValue: 1, MaxValue: 9, Default: 5}
  A: {Type: String, AllowedValues: [x, 'y'], Default: x}
  C: {Type: String, AllowedValues: [x], Default: x, ConstraintDescription: only x}
Resources: {R: {Type: T}}`))
	if err != nil {
		t.Fatal(err)
	}
	tpl, err := template.New(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		given map[string]string
		want  string
	}{
		{map[string]string{"S": "ab"}, ""},
		{nil, "Parameters: [S] must have values"},
		{map[string]string{"S": "ab", "Z": "1"}, "Parameters: [Z] do not exist in the template"},
		{map[string]string{"S": "a"}, "Parameter 'S' must contain at least 2 characters"},
		{map[string]string{"S": "abcd"}, "Parameter 'S' must contain at most 3 characters"},
		{map[string]string{"S": "A1"}, "Parameter 'S' must match pattern [a-z]+"},
		{map[string]string{"S": "ab", "N": "x"}, "Parameter 'N' must be a number"},
		{map[string]string{"S": "ab", "N": "0"}, "Parameter 'N' must be a number not less than 1"},
		{map[string]string{"S": "ab", "N": "10"}, "Parameter 'N' must be a number not greater than 9"},
		{map[string]string{"S": "ab", "A": "z"}, "Parameter 'A' must be one of AllowedValues"},
		{map[string]string{"S": "ab", "C": "z"}, "Parameter C failed to satisfy constraint: only x"},
	} {
		_, err := tpl.Values(c.given)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.given, err, c.want)
		}
	}
}

func TestOrder(t *testing.T) {
	p := planOf(t, `
Conditions: {Never: !Equals [a, b]}
Resources:
  C: {Type: T, DependsOn: B}
  B: {Type: T, Properties: {V: !Sub '${A}'}}
  A: {Type: T}
  D: {Type: T, Condition: Never, Properties: {V: !Ref A}}
Outputs:
  O: {Value: !Ref A}
  P: {Value: !Ref D, Condition: Never}`)
	if got := strings.Join(p.Needs("C"), ",") + "|" + strings.Join(p.Needs("B"), ",") + "|" + strings.Join(p.NeededBy("A"), ","); got != "B|A|B" {
		t.Error(got)
	}
	if len(p.Active) != 3 || len(p.Outputs()) != 1 {
		t.Errorf("%d active resources, %d outputs", len(p.Active), len(p.Outputs()))
	}
}

func TestJobsExampleReads(t *testing.T) {
	text, err := os.ReadFile("../examples/jobs/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if p := planOf(t, string(text)); len(p.Active) < 20 {
		t.Errorf("%d resources", len(p.Active))
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add(frame + "!Sub ['${A}', {A: !Ref P}]")
	f.Add(`{"Resources": {"A": {"Type": "x", "Properties": {"Fn::If": ["c", 1, {"Ref": "AWS::NoValue"}]}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := template.Read([]byte(text))
		if err != nil {
			return
		}
		tpl, err := template.New(doc)
		if err != nil {
			return
		}
		p, err := deploy.NewPlan(tpl, intrinsic.Scope{Ref: func(string) (any, bool) { return "r", true }})
		if err != nil {
			return
		}
		for _, r := range p.Active {
			_, _ = p.Scope.Resolve(r.Properties)
		}
	})
}
