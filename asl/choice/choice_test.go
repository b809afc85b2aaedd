package choice

import (
	"fmt"
	"testing"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

func rule(t testing.TB, text string) *Rule {
	doc, err := jsondoc.ParseString(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	r, err := Compile(doc.(*jsondoc.Object))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

func scope(t testing.TB, input string) *path.Scope {
	doc, err := jsondoc.ParseString(input)
	if err != nil {
		t.Fatal(err)
	}
	return &path.Scope{Input: doc, Variable: func(name string) (any, bool) { return "b", name == "v" }}
}

const input = `{"s":"b","other":"b","n":5,"m":5.0,"big":9007199254740993,"t":true,"f":false,"null":null,
 "ts":"2016-08-18T17:33:00Z","same":"2016-08-18T19:33:00+02:00","frac":"2016-08-18T17:33:00.250Z","log":"log-2024.txt","star":"a*b\\c"}`

func TestOperators(t *testing.T) {
	for _, c := range []struct {
		variable, op, value string
		want                bool
	}{
		{"$.s", "StringEquals", `"b"`, true}, {"$.s", "StringEquals", `"B"`, false}, {"$.n", "StringEquals", `"5"`, false},
		{"$.s", "StringLessThan", `"c"`, true}, {"$.s", "StringGreaterThan", `"a"`, true}, {"$.s", "StringLessThanEquals", `"b"`, true},
		{"$.s", "StringGreaterThanEquals", `"c"`, false}, {"$.s", "StringEqualsPath", `"$.other"`, true}, {"$.s", "StringLessThanPath", `"$.other"`, false},
		{"$.s", "StringEqualsPath", `"$v"`, true}, {"$v", "StringEquals", `"b"`, true}, {"$.s", "StringEqualsPath", `"$.n"`, false},
		{"$.n", "NumericEquals", `5`, true}, {"$.n", "NumericEquals", `5.0`, true}, {"$.s", "NumericEquals", `5`, false},
		{"$.n", "NumericLessThan", `5.5`, true}, {"$.n", "NumericGreaterThan", `5`, false}, {"$.n", "NumericLessThanEquals", `5`, true},
		{"$.n", "NumericGreaterThanEquals", `6`, false}, {"$.n", "NumericEqualsPath", `"$.m"`, true}, {"$.n", "NumericGreaterThanPath", `"$.s"`, false},
		{"$.big", "NumericEquals", `9007199254740992`, false},
		{"$.t", "BooleanEquals", `true`, true}, {"$.t", "BooleanEquals", `false`, false}, {"$.s", "BooleanEquals", `true`, false}, {"$.t", "BooleanEqualsPath", `"$.f"`, false},
		{"$.ts", "TimestampEquals", `"2016-08-18T17:33:00Z"`, true}, {"$.ts", "TimestampEqualsPath", `"$.same"`, true}, {"$.frac", "TimestampGreaterThanPath", `"$.ts"`, true},
		{"$.ts", "TimestampLessThan", `"2016-08-18T17:33:00.001Z"`, true}, {"$.s", "TimestampLessThan", `"2016-08-18T17:33:00Z"`, false},
		{"$.ts", "TimestampGreaterThanEquals", `"2016-08-18T18:33:00+01:00"`, true},
		{"$.log", "StringMatches", `"log-*.txt"`, true}, {"$.log", "StringMatches", `"log-*.csv"`, false}, {"$.log", "StringMatches", `"*"`, true},
		{"$.log", "StringMatches", `"*2024*t"`, true}, {"$.star", "StringMatches", `"a\\*b\\\\*"`, true}, {"$.log", "StringMatches", `"log-\\*.txt"`, false}, {"$.n", "StringMatches", `"*"`, false},
		{"$.null", "IsNull", `true`, true}, {"$.s", "IsNull", `true`, false}, {"$.s", "IsNull", `false`, true},
		{"$.s", "IsPresent", `true`, true}, {"$.nope", "IsPresent", `true`, false}, {"$.nope", "IsPresent", `false`, true}, {"$.null", "IsPresent", `true`, true}, {"$w", "IsPresent", `false`, true},
		{"$.n", "IsNumeric", `true`, true}, {"$.s", "IsNumeric", `false`, true}, {"$.s", "IsString", `true`, true}, {"$.n", "IsString", `true`, false},
		{"$.t", "IsBoolean", `true`, true}, {"$.null", "IsBoolean", `true`, false},
		{"$.ts", "IsTimestamp", `true`, true}, {"$.s", "IsTimestamp", `true`, false}, {"$.n", "IsTimestamp", `false`, true},
	} {
		text := fmt.Sprintf(`{"Variable":%q,"%s":%s,"Next":"X"}`, c.variable, c.op, c.value)
		if got, err := rule(t, text).Match(scope(t, input)); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestEveryOperatorIsKnown(t *testing.T) {
	all := Operators()
	if len(all) != 2*(3*5+1)+7 {
		t.Errorf("there are %d operators", len(all))
	}
	for _, name := range all {
		value := map[string]string{"String": `"$.s"`, "Number": "1", "Boolean": "true"}[Needs(name)]
		if name[:4] == "Time" && name[len(name)-4:] != "Path" {
			value = `"2016-08-18T17:33:00Z"`
		}
		if !IsOperator(name) {
			t.Errorf("%s is no operator", name)
		}
		rule(t, fmt.Sprintf(`{"Variable":"$.s","%s":%s}`, name, value))
	}
	for _, name := range []string{"BooleanLessThan", "Equals", "StringEqualsPathPath", "IsNullPath", "StringMatchesPath", "NumericMatches", ""} {
		if IsOperator(name) {
			t.Errorf("%s is an operator", name)
		}
	}
}

func TestCombinations(t *testing.T) {
	const yes, no, bad = `{"Variable":"$.t","BooleanEquals":true}`, `{"Variable":"$.t","BooleanEquals":false}`, `{"Variable":"$.nope","IsNull":true}`
	for _, c := range []struct {
		text string
		want bool
	}{
		{`{"Not":` + no + `}`, true}, {`{"Not":` + yes + `}`, false},
		{`{"And":[` + yes + `,` + yes + `]}`, true}, {`{"And":[` + yes + `,` + no + `,` + bad + `]}`, false},
		{`{"Or":[` + no + `,` + yes + `,` + bad + `]}`, true}, {`{"Or":[` + no + `]}`, false},
		{`{"And":[{"Not":` + no + `},{"Or":[` + no + `,` + yes + `]}]}`, true},
	} {
		if got, err := rule(t, c.text).Match(scope(t, input)); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.text, got, err)
		}
	}
	for text, where := range map[string]string{
		bad: "$.nope", `{"Not":` + bad + `}`: "$.nope", `{"And":[` + yes + `,` + bad + `]}`: "$.nope", `{"Variable":"$.s","StringEqualsPath":"$.gone"}`: "$.gone",
	} {
		_, err := rule(t, text).Match(scope(t, input))
		want := "Invalid path '" + where + "': The choice state's condition path references an invalid value."
		if e, ok := err.(*fault.Error); !ok || e.Name != fault.Runtime || e.Cause != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	deep := `{"Variable":"$.a","IsNull":true}`
	for range MaxDepth {
		deep = `{"Not":` + deep + `}`
	}
	for _, text := range []string{deep, `{}`, `{"Variable":"$.a"}`, `{"IsNull":true}`, `{"Variable":"$.a","IsNull":true,"IsString":true}`, `{"Variable":"a","IsNull":true}`,
		`{"Variable":"$.a[*]","IsNull":true}`, `{"Variable":"$.a","IsNull":"true"}`, `{"Variable":"$.a","StringEquals":1}`, `{"Variable":"$.a","NumericEquals":"1"}`,
		`{"Variable":"$.a","TimestampEquals":"2016"}`, `{"Variable":"$.a","TimestampEquals":1}`, `{"Variable":"$.a","StringEqualsPath":"b"}`, `{"And":[]}`, `{"And":{}}`, `{"Not":[]}`, `{"Or":[1]}`,
		`{"Not":{"Variable":"$.a","IsNull":true},"Variable":"$.a"}`, `{"And":[{}]}`} {
		doc, err := jsondoc.ParseString(text)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := Compile(doc.(*jsondoc.Object)); err == nil {
			t.Errorf("%.80s compiled: %+v", text, r)
		}
	}
}

func TestTimestamp(t *testing.T) {
	for s, want := range map[string]bool{"2016-03-14T01:59:00Z": true, "2016-03-14T01:59:00.123456789Z": true, "2016-03-14T01:59:00-08:00": true,
		"2016-03-14t01:59:00Z": false, "2016-03-14T01:59:00z": false, "2016-03-14 01:59:00Z": false, "2016-03-14T01:59:00": false, "2016-02-30T01:59:00Z": false, "2016-03-14T01:59:00,5Z": false, "": false} {
		if _, ok := Timestamp(s); ok != want {
			t.Errorf("%s: %v", s, ok)
		}
	}
}

func TestStringsAreOrderedAsInJava(t *testing.T) {
	for _, c := range []struct{ a, b string }{{"a", "b"}, {"a", "ab"}, {"\U0001F600", "\uFFFD"}, {"é", "中"}, {"x\U0001F600", "x\U0001F601"}, {"", "a"}} {
		if compareStrings(c.a, c.b) >= 0 || compareStrings(c.b, c.a) <= 0 || compareStrings(c.a, c.a) != 0 {
			t.Errorf("%q is not before %q", c.a, c.b)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`{"And":[{"Variable":"$.s","StringMatches":"a\\*b*"},{"Not":{"Variable":"$.n","NumericLessThanPath":"$.m"}}]}`)
	f.Add(`{"Variable":"$.ts","TimestampGreaterThan":"2016-08-18T17:33:00+01:00"}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, _ := jsondoc.ParseString(text)
		o, ok := doc.(*jsondoc.Object)
		if !ok {
			return
		}
		r, err := Compile(o)
		if err != nil {
			return
		}
		if _, err := r.Match(scope(t, input)); err != nil {
			if e, ok := err.(*fault.Error); !ok || e.Name != fault.Runtime {
				t.Fatalf("%s failed with %v", text, err)
			}
		}
	})
}

func FuzzLike(f *testing.F) {
	f.Add("log-1.txt", "log-*.txt")
	f.Add(`a*b\`, `a\*b\\`)
	f.Fuzz(func(t *testing.T, s, pattern string) {
		if len(s)+len(pattern) > 40 {
			return
		}
		if got, want := like(s, pattern), slowLike(s, pattern); got != want {
			t.Fatalf("%q like %q: %v, want %v", s, pattern, got, want)
		}
	})
}

// slowLike is what a pattern means, said simply.
func slowLike(s, pattern string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		for i := range len(s) + 1 {
			if slowLike(s[i:], pattern[1:]) {
				return true
			}
		}
		return false
	}
	c, n := literal(pattern, 0)
	return s != "" && s[0] == c && slowLike(s[1:], pattern[n:])
}

func BenchmarkThreeRules(b *testing.B) {
	rules := []*Rule{
		rule(b, `{"Variable":"$.n","NumericGreaterThan":100,"Next":"A"}`),
		rule(b, `{"And":[{"Variable":"$.s","StringEquals":"x"},{"Variable":"$.t","BooleanEquals":true}],"Next":"B"}`),
		rule(b, `{"Variable":"$.log","StringMatches":"log-*.txt","Next":"C"}`),
	}
	s := scope(b, input)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range rules {
			if _, err := r.Match(s); err != nil {
				b.Fatal(err)
			}
		}
	}
}
