package path

import (
	"testing"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
)

func document(t testing.TB, text string) any {
	doc, err := jsondoc.ParseString(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func scope(t testing.TB, input string) *Scope {
	return &Scope{
		Input:   document(t, input),
		Context: func() any { return document(t, `{"Execution":{"Id":"arn:e"}}`) },
		Variable: func(name string) (any, bool) {
			return document(t, `{"deep":[1,2]}`), name == "größe_1"
		},
	}
}

func TestGet(t *testing.T) {
	const input = `{"a":{"b":[1,2,{"c":"x"}]},"a.b":7,"n":null}`
	for _, c := range []struct{ path, want string }{
		{"$", input},
		{"$.a.b[2].c", `"x"`},
		{"$['a.b']", "7"},
		{"$.a.b[0,1]", "[1,2]"},
		{"$..c", `["x"]`},
		{"$.a.b[-1].c", `"x"`},
		{"$.n", "null"},
		{"$$", `{"Execution":{"Id":"arn:e"}}`},
		{"$$.Execution.Id", `"arn:e"`},
		{"$größe_1", `{"deep":[1,2]}`},
		{"$größe_1.deep[1]", "2"},
		{"$größe_1['deep'][*]", "[1,2]"},
	} {
		p, err := Compile(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		v, err := p.Get(scope(t, input), "InputPath")
		if err != nil || jsondoc.Text(v) != c.want {
			t.Errorf("%s: %v, %v, want %s", c.path, v, err, c.want)
		}
	}
}

func TestGetOfNothing(t *testing.T) {
	for _, c := range []struct{ path, input, cause string }{
		{"$.x", `{"a":1}`, `The JSONPath '$.x' specified for the field 'y.$' could not be found in the input '{"a":1}'`},
		{"$$.x", `{"a":1}`, `The JSONPath '$$.x' specified for the field 'y.$' could not be found in the input '{"Execution":{"Id":"arn:e"}}'`},
		{"$other", `{"a":1}`, `The JSONPath '$other' specified for the field 'y.$' could not be found in the input '{}'`},
		{"$", `null`, "Unable to apply Path transformation to null or empty input."},
	} {
		p, err := Compile(c.path)
		if err != nil {
			t.Fatal(err)
		}
		v, err := p.Get(scope(t, c.input), "y.$")
		if e, ok := err.(*fault.Error); !ok || e.Name != fault.Runtime || e.Cause != c.cause {
			t.Errorf("%s: %v, %v", c.path, v, err)
		}
	}
}

func TestReferences(t *testing.T) {
	for _, c := range []struct{ path, input, want string }{
		{`$.store\.book`, `{"store.book":1}`, "1"},
		{`$.\stor\e.boo\k`, `{"store":{"book":2}}`, "2"},
		{`$.foo\@bar.baz\[\[.\?pretty`, `{"foo@bar":{"baz[[":{"?pretty":3}}}`, "3"},
		{`$.&Ж中`, `{"&Ж中":4}`, "4"},
		{`$.ledgers[0][1].foo`, `{"ledgers":[[0,{"foo":5}]]}`, "5"},
		{`$['store'][0]["bo'ok"]`, `{"store":[{"bo'ok":6}]}`, "6"},
		{`$['it\'s']`, `{"it's":7}`, "7"},
		{`$$.Execution.Id`, `{}`, `"arn:e"`},
		{`$größe_1.deep[0]`, `{}`, `1`},
	} {
		p, err := CompileReference(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if v, ok := p.Find(scope(t, c.input)); !ok || jsondoc.Text(v) != c.want {
			t.Errorf("%s: %v, %v", c.path, v, ok)
		}
	}
	for _, bad := range []string{"", "a", "$.", "$a-b", "$.a[*]", "$..a", "$.a[?(@.b)]", "$.a[0,1]", "$.a[1:2]", "$['a','b']", "$['a'", "$[-1]", "$[+1]", "$.a.b()", "$.a b", "$.a[99999999999]", "$[]"} {
		if p, err := CompileReference(bad); err == nil {
			t.Errorf("%q is a reference path: %+v", bad, p)
		}
	}
	for _, bad := range []string{"$$.a", "$v"} {
		if _, err := CompileTarget(bad); err == nil {
			t.Errorf("%q is a place for a result", bad)
		}
	}
}

func TestPut(t *testing.T) {
	for _, c := range []struct{ path, input, want string }{
		{"$", `{"a":1}`, `6`},
		{"$.master.detail", `{"master":{"detail":[1,2,3]}}`, `{"master":{"detail":6}}`},
		{"$.master.result.sum", `{"master":{"detail":[1]}}`, `{"master":{"detail":[1],"result":{"sum":6}}}`},
		{"$.b.greeting", `{"a":1}`, `{"a":1,"b":{"greeting":6}}`},
		{"$.a[1]", `{"a":[1,2,3]}`, `{"a":[1,6,3]}`},
		{"$.a[1].b", `{"a":[1,{}]}`, `{"a":[1,{"b":6}]}`},
	} {
		p, err := CompileTarget(c.path)
		if err != nil {
			t.Fatal(err)
		}
		doc := document(t, c.input)
		out, err := p.Put(doc, document(t, "6"))
		if err != nil || jsondoc.Text(out) != c.want {
			t.Errorf("%s: %v, %v, want %s", c.path, out, err, c.want)
		}
		if jsondoc.Text(doc) != c.input {
			t.Errorf("%s: the input became %s", c.path, jsondoc.Text(doc))
		}
	}
	for _, c := range []struct{ path, input string }{
		{"$.x", `"foo"`}, {"$.x", `null`}, {"$.x", `[]`}, {"$.a.b", `{"a":1}`}, {"$.a.b", `{"a":null}`}, {"$.a[3]", `{"a":[1,2,3]}`}, {"$.a[0]", `{}`},
	} {
		p, _ := CompileTarget(c.path)
		_, err := p.Put(document(t, c.input), true)
		want := "Unable to apply ReferencePath " + c.path + " to input " + c.input
		if e, ok := err.(*fault.Error); !ok || e.Name != fault.ResultPathMatchFailure || e.Cause != want {
			t.Errorf("%s in %s: %v", c.path, c.input, err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"$.a['b'][0].c", "$$.x", "$v.x[1:2]", `$.a\.b`, "$..a[?(@.b)]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := scope(t, `{"a":{"b":[1,{"c":null}]}}`)
		if p, err := Compile(text); err == nil {
			_, _ = p.Get(s, "f")
		}
		ref, err := CompileReference(text)
		if err != nil {
			return
		}
		if v, found := ref.Find(s); found && ref.Definite() {
			_ = jsondoc.Text(v)
		}
		target, err := CompileTarget(text)
		if err != nil {
			return
		}
		out, err := target.Put(s.Input, "put here")
		if err != nil {
			return
		}
		if v, found := target.Find(&Scope{Input: out}); !found || v != "put here" {
			t.Fatalf("%q: put, but found %v", text, v)
		}
	})
}
