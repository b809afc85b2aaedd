package intrinsic

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

func scope(t testing.TB, input string) *path.Scope {
	doc, err := jsondoc.ParseString(input)
	if err != nil {
		t.Fatal(err)
	}
	context, _ := jsondoc.ParseString(`{"Execution":{"Name":"run-1"}}`)
	return &path.Scope{
		Input:    doc,
		Context:  func() any { return context },
		Variable: func(name string) (any, bool) { return "value of " + name, name == "v" },
		Random:   rand.NewPCG(1, 2),
	}
}

const input = `{"name":"Ada","n":4,"list":[1,2,3,4,5,6,7,8,9],"o":{"a":{"a1":1,"a2":2},"b":2},"p":{"a":{"a3":1},"c":3},
 "s":"This.is+a,test=string","cuts":".+,=","t":"Hello, {}","json":"{\"x\":[1]}","mixed":[1,"a",1,{"k":1},{"k":1},null,null],"b":"SGVsbG8="}`

func TestEval(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`States.Format('Welcome to {} {}\'s playlist.', $.name, $.n)`, `"Welcome to Ada 4's playlist."`},
		{`States.Format('\{{}\} \\ {}', $.o.b, null)`, `"{2} \\ null"`},
		{`States.Format($.t, $.name)`, `"Hello, Ada"`},
		{`States.Format('{} {}', $$.Execution.Name, $v)`, `"run-1 value of v"`},
		{`States.Format('none')`, `"none"`},
		{`States.Format('{}', $.o)`, `"{\"a\":{\"a1\":1,\"a2\":2},\"b\":2}"`},
		{`States.StringToJson($.json)`, `{"x":[1]}`},
		{`States.StringToJson('\{"a":1\}')`, `{"a":1}`},
		{`States.JsonToString($.p)`, `"{\"a\":{\"a3\":1},\"c\":3}"`},
		{`States.Array()`, `[]`},
		{`States.Array($.n, 'x', 1.50, -2, null, true, States.Array($.name))`, `[4,"x",1.50,-2,null,true,["Ada"]]`},
		{`States.ArrayPartition($.list, 4)`, `[[1,2,3,4],[5,6,7,8],[9]]`},
		{`States.ArrayPartition($.list, 3.6)`, `[[1,2,3,4],[5,6,7,8],[9]]`},
		{`States.ArrayContains($.list, 5)`, `true`},
		{`States.ArrayContains($.list, 'a')`, `false`},
		{`States.ArrayContains($.mixed, $.mixed[3])`, `true`},
		{`States.ArrayRange(1, 9, 2)`, `[1,3,5,7,9]`},
		{`States.ArrayRange(3, -3, -3)`, `[3,0,-3]`},
		{`States.ArrayRange(2, 1, 1)`, `[]`},
		{`States.ArrayGetItem($.list, 5)`, `6`},
		{`States.ArrayLength($.list)`, `9`},
		{`States.ArrayUnique($.mixed)`, `[1,"a",{"k":1},null]`},
		{`States.Base64Encode('Hello')`, `"SGVsbG8="`},
		{`States.Base64Decode($.b)`, `"Hello"`},
		{`States.Hash('input data', 'SHA-1')`, `"aaff4a450a104cd177d28d18d74485e8cae074b7"`},
		{`States.Hash('', 'MD5')`, `"d41d8cd98f00b204e9800998ecf8427e"`},
		{`States.JsonMerge($.o, $.p, false)`, `{"a":{"a3":1},"b":2,"c":3}`},
		{`States.MathAdd($.n, -7)`, `-3`},
		{`States.MathAdd(2147483647, 0.5)`, `2147483648`},
		{`States.MathAdd(-1.5, 0)`, `-1`},
		{`States.StringSplit('1,2,,3', ',')`, `["1","2","3"]`},
		{`States.StringSplit($.s, $.cuts)`, `["This","is","a","test","string"]`},
		{`States.MathRandom(1, 1000, 42)`, `126`},
		{`  States.ArrayLength( $.list[?(@ > 3 && @ != ')')] ) `, `6`},
		{`States.ArrayGetItem(States.StringSplit($['s'], '.'), 0)`, `"This"`},
	} {
		call, err := Compile(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		v, err := call.Eval(scope(t, input))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := jsondoc.Text(v); got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestRandomness(t *testing.T) {
	call, _ := Compile("States.UUID()")
	v, err := call.Eval(scope(t, `{}`))
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(v.(string)) {
		t.Errorf("UUID %v, %v", v, err)
	}
	if again, _ := call.Eval(scope(t, `{}`)); again != v {
		t.Errorf("the same source gave %v and %v", v, again)
	}
	call, _ = Compile("States.MathRandom(-2, 1)")
	s, seen := scope(t, `{}`), map[string]bool{}
	for range 200 {
		v, err := call.Eval(s)
		if err != nil {
			t.Fatal(err)
		}
		seen[jsondoc.Text(v)] = true
	}
	if len(seen) != 3 || !seen["-2"] || !seen["0"] {
		t.Errorf("saw %v", seen)
	}
	call, _ = Compile("States.MathRandom(-2147483648, 2147483647, 7)")
	if v, err := call.Eval(s); err != nil {
		t.Errorf("the widest range: %v, %v", v, err)
	}
}

func TestErrors(t *testing.T) {
	const wrong = "The function '%' had the following error: "
	for _, c := range []struct{ text, name, cause string }{
		{"States.Array($.nope)", fault.Runtime, wrong + "The JsonPath argument for the field '$.nope' could not be found in the input '{\"a\":1}'"},
		{"States.Array(States.ArrayLength($.x))", fault.Runtime, wrong + "The JsonPath argument for the field '$.x' could not be found in the input '{\"a\":1}'"},
		{"States.Format('{}{}', $.a)", fault.IntrinsicFailure, wrong + "The number of occurrences of {} (2) must match the number of arguments to be placed there (1)"},
		{"States.Format('}', $.a)", fault.IntrinsicFailure, wrong + "The character '}' must be escaped"},
		{"States.Format($.a)", fault.IntrinsicFailure, wrong + "The first argument must be a string"},
		{"States.StringToJson('nope')", fault.IntrinsicFailure, wrong + "The argument is not valid JSON"},
		{"States.ArrayGetItem(States.Array(1), 1)", fault.IntrinsicFailure, wrong + "Index 1 out of bounds for length 1"},
		{"States.ArrayGetItem(States.Array(1), -1)", fault.IntrinsicFailure, wrong + "Index -1 out of bounds for length 1"},
		{"States.ArrayRange(1, 1000, 1)", "", ""},
		{"States.ArrayRange(1, 1001, 1)", fault.IntrinsicFailure, wrong + "The array must not have more than 1000 elements"},
		{"States.ArrayRange(1, 2, 0)", fault.IntrinsicFailure, wrong + "The third argument must not be zero"},
		{"States.ArrayPartition(States.Array(1), 0)", fault.IntrinsicFailure, wrong + "The second argument must be a positive integer"},
		{"States.MathAdd(2147483648, 1)", fault.IntrinsicFailure, wrong + "The first argument must be an integer in the range -2147483648 to 2147483647"},
		{"States.MathAdd(1, 'x')", fault.IntrinsicFailure, wrong + "The second argument must be a number"},
		{"States.MathRandom(5, 5)", fault.IntrinsicFailure, wrong + "The first argument must be less than the second argument"},
		{"States.JsonMerge(1, 2, false)", fault.IntrinsicFailure, wrong + "The first argument must be a JSON object"},
		{"States.JsonMerge($, $, true)", fault.IntrinsicFailure, wrong + "The third argument must be false: the deep merging mode is not supported"},
		{"States.Hash('a', 'CRC')", fault.IntrinsicFailure, wrong + "The second argument must be one of: MD5, SHA-1, SHA-256, SHA-384, SHA-512"},
		{"States.Base64Decode('*')", fault.IntrinsicFailure, wrong + "The argument is not a valid Base64 string"},
		{"States.Base64Encode('" + strings.Repeat("x", MaxText+1) + "')", fault.IntrinsicFailure, wrong + "The first argument must not have more than 10000 characters"},
	} {
		call, err := Compile(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		_, err = call.Eval(scope(t, `{"a":1}`))
		if c.name == "" && err == nil {
			continue
		}
		want := strings.Replace(c.cause, "%", c.text, 1)
		if e, ok := err.(*fault.Error); !ok || e.Name != c.name || e.Cause != want {
			t.Errorf("%.60s: %v, want %s: %s", c.text, err, c.name, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	nested := strings.Repeat("States.Array(", MaxNesting) + strings.Repeat(")", MaxNesting)
	if _, err := Compile(nested); err != nil {
		t.Errorf("nested %d times: %v", MaxNesting, err)
	}
	for _, text := range []string{"", "States.Format", "States.Format(", "States.Format()", "States.Nope()", "Other.Format('a')", "States.Format('a'",
		"States.Format('a", "States.Format('a' 'b')", "States.Array(1,)", "States.Array(,1)", "States.Array(a)", "States.Array(01)", "States.UUID(1)",
		"States.Hash('a')", "States.Array() x", "States.Array($.)", "States.Array($x-y)", `States.Format('a\')`, "States.Array(" + nested + ")", "States.Array($"} {
		if c, err := Compile(text); err == nil {
			t.Errorf("%q compiled: %+v", text, c)
		}
	}
}

func TestPaths(t *testing.T) {
	c, err := Compile("States.Array($.a, States.Format('{}', $v.b), $$.c)")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	c.Paths(func(p *path.Path) bool { got = append(got, p.String()); return true })
	if strings.Join(got, " ") != "$.a $v.b $$.c" {
		t.Errorf("paths %v", got)
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`States.Format('\{{}\} {}', $.a[?(@.b == ')')], States.Array(1, null, 'x'))`)
	f.Add(`States.ArrayGetItem(States.StringSplit($v, '/'), 2)`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Compile(text)
		if err != nil {
			return
		}
		if _, err := c.Eval(scope(t, `{"a":[1,"x",{"b":null}]}`)); err != nil {
			if e, ok := err.(*fault.Error); !ok || e.Name != fault.Runtime && e.Name != fault.IntrinsicFailure {
				t.Fatalf("%q failed with %v", text, err)
			}
		}
	})
}

func BenchmarkFormat(b *testing.B) {
	c, err := Compile(`States.Format('Order {} of {}', $.n, $.name)`)
	if err != nil {
		b.Fatal(err)
	}
	s := scope(b, input)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Eval(s); err != nil {
			b.Fatal(err)
		}
	}
}
