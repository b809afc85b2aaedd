package language_test

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/deploy/intrinsic"
	"github.com/brume-dev/brume/deploy/language"
	"github.com/brume-dev/brume/deploy/template"
	"github.com/brume-dev/brume/jsondoc"
)

func scope() intrinsic.Scope {
	return intrinsic.Scope{Parameters: map[string]any{"Names": &jsondoc.Array{Items: []any{"a.b", "c"}}, "Stage": "prod", "Keep": "Retain"}}
}

func transform(t *testing.T, text string) (string, error) {
	t.Helper()
	doc, err := template.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := language.Transform(doc, scope())
	if err != nil {
		return "", err
	}
	return jsondoc.Text(out), nil
}

func TestTransform(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"loop": {`
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Topics:
    - N
    - [x, y]
    - Topic${N}: {Type: T, Properties: {Name: !Ref N, Full: !Sub "${N}.${AWS::Region}", To: !GetAtt "Other${N}.Arn"}}
  Other: {Type: T}`,
			`{"Resources":{"Topicx":{"Type":"T","Properties":{"Name":"x","Full":{"Fn::Sub":"x.${AWS::Region}"},"To":{"Fn::GetAtt":["Otherx","Arn"]}}},` +
				`"Topicy":{"Type":"T","Properties":{"Name":"y","Full":{"Fn::Sub":"y.${AWS::Region}"},"To":{"Fn::GetAtt":["Othery","Arn"]}}},"Other":{"Type":"T"}}}`},
		"parameter, plain names": {`
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Resources:
  "Fn::ForEach::L": [N, !Ref Names, {"R&{N}": {Type: T, Properties: {Name: "${N}"}}}]`,
			`{"Transform":["AWS::Serverless-2016-10-31"],"Resources":{"Rab":{"Type":"T","Properties":{"Name":"a.b"}},"Rc":{"Type":"T","Properties":{"Name":"c"}}}}`},
		"nested": {`
Transform: AWS::LanguageExtensions
Resources:
  "Fn::ForEach::A":
    - X
    - ["1", "2"]
    - "Fn::ForEach::B":
        - Y
        - [a, "b${X}"]
        - "R${X}${Y}": {Type: T}`,
			`{"Resources":{"R1a":{"Type":"T"},"R1b1":{"Type":"T"},"R2a":{"Type":"T"},"R2b2":{"Type":"T"}}}`},
		"in properties, conditions and outputs": {`
Transform: AWS::LanguageExtensions
Conditions:
  "Fn::ForEach::C": [N, [x, y], {"Is${N}": !Equals [!Ref Stage, !Ref N]}]
Resources:
  R: {Type: T, Properties: {"Fn::ForEach::P": [N, [x, y], {"Key${N}": "${N}"}]}}
Outputs:
  "Fn::ForEach::O": [N, [x], {"Out${N}": {Value: !Ref N}}]`,
			`{"Conditions":{"Isx":{"Fn::Equals":[{"Ref":"Stage"},"x"]},"Isy":{"Fn::Equals":[{"Ref":"Stage"},"y"]}},` +
				`"Resources":{"R":{"Type":"T","Properties":{"Keyx":"x","Keyy":"y"}}},"Outputs":{"Outx":{"Value":"x"}}}`},
		"policies": {`
Transform: AWS::LanguageExtensions
Conditions: {Prod: !Equals [!Ref Stage, prod]}
Resources:
  A: {Type: T, DeletionPolicy: !If [Prod, Retain, Delete], UpdateReplacePolicy: !Ref Keep}
  B: {Type: T, DeletionPolicy: !If [Prod, !Ref AWS::NoValue, Delete]}`,
			`{"Conditions":{"Prod":{"Fn::Equals":[{"Ref":"Stage"},"prod"]}},` +
				`"Resources":{"A":{"Type":"T","DeletionPolicy":"Retain","UpdateReplacePolicy":"Retain"},"B":{"Type":"T"}}}`},
	} {
		got, err := transform(t, c.in)
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, c.want)
		}
	}
}

func TestTransformRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"layout":    {`{Resources: {"Fn::ForEach::A": [N, [x]]}}`, "layout is incorrect"},
		"no name":   {`{Resources: {"Fn::ForEach::": [N, [x], {"R${N}": {Type: T}}]}}`, "layout is incorrect"},
		"twice":     {`{Resources: {"Fn::ForEach::A": [N, [x, y], {R: {Type: T}}]}}`, "R is there twice"},
		"no list":   {`{Resources: {"Fn::ForEach::A": [N, !Ref Stage, {"R${N}": {Type: T}}]}}`, "not a list"},
		"nothing":   {`{Resources: {"Fn::ForEach::A": [N, !Ref Nothing, {"R${N}": {Type: T}}]}}`, "Nothing"},
		"shadowing": {`{Resources: {"Fn::ForEach::A": [N, [x], {"Fn::ForEach::B": [N, [y], {"R${N}": {Type: T}}]}]}}`, "identifier N"},
	} {
		if got, err := transform(t, c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s %v, want %s", name, got, err, c.want)
		}
	}
}

func FuzzTransform(f *testing.F) {
	f.Add(`{"Resources":{"Fn::ForEach::A":["N",["x","y"],{"R${N}":{"Type":"T","Properties":{"P":{"Ref":"N"}}}}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := template.Read([]byte(text))
		if err != nil {
			return
		}
		out, err := language.Transform(doc, scope())
		if err == nil && out == nil {
			t.Error("nothing, and no error")
		}
	})
}
