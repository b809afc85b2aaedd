package template

import (
	"errors"
	"strings"
	"testing"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

func document(t testing.TB, text string) any {
	doc, err := jsondoc.ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func scope(t testing.TB, input string) *path.Scope {
	context := document(t, `{"DayOfWeek":"TUESDAY"}`)
	return &path.Scope{Input: document(t, input), Context: func() any { return context },
		Variable: func(name string) (any, bool) { return "of " + name, name == "v" }}
}

func TestEval(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{`{"flagged":true,"parts":{"first.$":"$.vals[0]","last3.$":"$.vals[3:]"},"weekday.$":"$$.DayOfWeek","text.$":"States.Format('Today is {}', $$.DayOfWeek)"}`,
			`{"flagged":true,"parts":{"first":0,"last3":[30,40,50]},"weekday":"TUESDAY","text":"Today is TUESDAY"}`},
		{`{"a":[1,{"b.$":"$v","c":"$v"}],"d":"$.vals"}`, `{"a":[1,{"b":"of v","c":"$v"}],"d":"$.vals"}`},
		{`{"whole.$":"$"}`, `{"whole":{"flagged":7,"vals":[0,10,20,30,40,50]}}`},
		{`{}`, `{}`},
		{`["x",1]`, `["x",1]`},
	} {
		tpl, err := Compile(document(t, c.template))
		if err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		v, err := tpl.Eval(scope(t, `{"flagged":7,"vals":[0,10,20,30,40,50]}`))
		if err != nil || jsondoc.Text(v) != c.want {
			t.Errorf("%s: %v %v", c.template, v, err)
		}
	}
}

func TestEvalErrors(t *testing.T) {
	for _, c := range []struct{ template, input, name, cause string }{
		{`{"a":{"y.$":"$.x"}}`, `{"b":1}`, fault.Runtime, `The JSONPath '$.x' specified for the field 'y.$' could not be found in the input '{"b":1}'`},
		{`{"y.$":"States.Array($.x)"}`, `{}`, fault.Runtime, `The function 'States.Array($.x)' had the following error: The JsonPath argument for the field '$.x' could not be found in the input '{}'`},
		{`[{"y.$":"States.StringToJson('{')"}]`, `{}`, fault.IntrinsicFailure, `The function 'States.StringToJson('{')' had the following error: The argument is not valid JSON`},
	} {
		tpl, err := Compile(document(t, c.template))
		if err != nil {
			t.Fatal(err)
		}
		_, err = tpl.Eval(scope(t, c.input))
		if e, ok := err.(*fault.Error); !ok || e.Name != c.name || e.Cause != c.cause {
			t.Errorf("%s: %v", c.template, err)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, c := range []struct{ template, where, problem string }{
		{`{"a":[{"b.$":"x"}]}`, "/a[0]", "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call"},
		{`{"b.$":5}`, "", "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call"},
		{`{"b.$":"States.Nope()"}`, "", "The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call"},
		{`{"b.$":"$.x","b":1}`, "", "The field 'b' is defined twice: as 'b' and as 'b.$'"},
	} {
		_, err := Compile(document(t, c.template))
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Where != c.where || e.Problem != c.problem {
			t.Errorf("%s: %#v", c.template, err)
		}
	}
}

func TestCompileText(t *testing.T) {
	for text, good := range map[string]bool{"$.a": true, "$.a[0]": true, "States.Format('{}', $.a)": true, "States.UUID()": true,
		"$.a[*]": false, "States.Array()": false, "plain": false, "States.MathAdd(1,2)": false} {
		if _, err := CompileText(text); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestPaths(t *testing.T) {
	tpl, err := Compile(document(t, `{"a":[{"b.$":"$.b"}],"c.$":"States.Array($v, $$.d)","e":"$.e"}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for p := range tpl.Paths {
		got = append(got, p.String())
	}
	if strings.Join(got, " ") != "$.b $v $$.d" {
		t.Errorf("paths %v", got)
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`{"a":[{"b.$":"$.b"}],"c.$":"States.Array($v, $$.d)","e":"$.e"}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := jsondoc.ParseString(text)
		if err != nil {
			return
		}
		tpl, err := Compile(doc)
		if err != nil {
			return
		}
		if v, err := tpl.Eval(scope(t, `{"a":[1,{"b":null}]}`)); err == nil {
			_ = jsondoc.Text(v)
		}
	})
}

func BenchmarkFiveFields(b *testing.B) {
	tpl, err := Compile(document(b, `{"id.$":"$.order.id","total.$":"$.order.total","customer.$":"$.customer","kind":"order","first.$":"$.order.items[0]"}`))
	if err != nil {
		b.Fatal(err)
	}
	s := scope(b, `{"order":{"id":"o-17","total":99.5,"items":[{"sku":"a"}]},"customer":"Ada"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Eval(s); err != nil {
			b.Fatal(err)
		}
	}
}
