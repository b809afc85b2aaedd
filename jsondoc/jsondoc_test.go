package jsondoc

import (
	"encoding/json"
	"errors"
	"reflect"
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

// FuzzParseAsTheStandardLibrary compares with encoding/json, whose rules these are.
func FuzzParseAsTheStandardLibrary(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"\u00e9\ud83d\ude00\ud83d\n"}]}`, ` -0.5e+3 `, `"\x"`, `01`, `[1,]`, "\"\xff\"", `"\ud83dx"`, `{"a":1,"a":2}`, `"\u12"`, "\"\x01\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseString(s)
		if errors.Is(err, ErrDepth) {
			return
		}
		if got, want := err == nil, json.Valid([]byte(s)); got != want {
			t.Fatalf("%q: %v, but the standard library says %v", s, err, want)
		}
		if err != nil {
			return
		}
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := Plain(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, want %#v", s, got, want)
		}
	})
}

func TestObjectsOfAnySize(t *testing.T) {
	for _, n := range []int{few - 1, few, few + 1, 3 * few} {
		o := NewObject()
		for i := range n {
			o.Set(string(rune('a'+i)), i)
		}
		c := o.Clone()
		for i := 0; i < n; i += 2 {
			if v, ok := o.Delete(string(rune('a' + i))); !ok || v != i {
				t.Fatalf("deleting %d of %d gave %v", i, n, v)
			}
		}
		for i := range n {
			v, ok := o.Get(string(rune('a' + i)))
			if ok != (i%2 == 1) || ok && v != i {
				t.Errorf("%d of %d is %v, %v", i, n, v, ok)
			}
			if v, ok := c.Get(string(rune('a' + i))); !ok || v != i {
				t.Errorf("the clone's %d of %d is %v, %v", i, n, v, ok)
			}
		}
		if o.Len() != n/2 || c.Len() != n {
			t.Errorf("%d and %d members are left of %d", o.Len(), c.Len(), n)
		}
	}
}

func TestMembersMayGoWhileTheyAreGoneThrough(t *testing.T) {
	v, _ := Parse([]byte(`{"a":1,"b":2,"c":3}`))
	o, seen := v.(*Object), ""
	for k, m := range o.All() {
		o.Delete(k)
		seen += k + string(m.(json.Number))
	}
	if seen != "a1b2c3" || o.Len() != 0 {
		t.Errorf("saw %s, %d left", seen, o.Len())
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(`{"order":{"id":"o-17","total":99.5,"items":[{"sku":"a","n":1},{"sku":"b","n":2}]},"customer":"Ada","paid":true}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
