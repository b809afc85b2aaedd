package jsondoc

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestOrderAndNumbersSurvive(t *testing.T) {
	const in = `{"z":1.10,"a":[12345678901234567890,-0,1e3,{"b":null,"a":true}],"s":"\"\\\n\u0001é<>"}`
	v, err := Parse([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	if got := Text(v); got != in {
		t.Errorf("came back as %s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{"", "{", `{"a"}`, `[1,]`, "1 2", "nul", `{"a":1,}`} {
		if v, err := Parse([]byte(in)); err == nil {
			t.Errorf("%q gave %v", in, v)
		}
	}
	if _, err := Parse([]byte(strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1))); !errors.Is(err, ErrDepth) {
		t.Errorf("a document too deep gave %v", err)
	}
}

func TestObjectKeepsOrder(t *testing.T) {
	o := NewObject()
	for _, k := range []string{"c", "a", "b"} {
		o.Set(k, true)
	}
	o.Set("a", false)
	o.Delete("c")
	o.Set("c", nil)
	if got := Text(o); got != `{"a":false,"b":true,"c":null}` {
		t.Error(got)
	}
}

func TestEqual(t *testing.T) {
	a, _ := Parse([]byte(`{"a":1,"b":[1.0,"x"]}`))
	b, _ := Parse([]byte(`{"b":[1,"x"],"a":1e0}`))
	c, _ := Parse([]byte(`{"b":[1,"y"],"a":1}`))
	if !Equal(a, b) || Equal(a, c) {
		t.Error("equality is off")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"a":[1,{"b":"c"}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse([]byte(s))
		if err != nil {
			return
		}
		text := Append(nil, v)
		if !json.Valid(text) {
			t.Fatalf("%q became %q, which is not JSON", s, text)
		}
		w, err := Parse(text)
		if err != nil || !Equal(v, w) {
			t.Fatalf("%q became %q: %v", s, text, err)
		}
	})
}

func TestEqualTellsLargeIntegersApart(t *testing.T) {
	if Equal(json.Number("9007199254740993"), json.Number("9007199254740992")) || !Equal(json.Number("1e2"), json.Number("100")) {
		t.Error("9007199254740993 is 9007199254740992, or 1e2 is not 100")
	}
}
