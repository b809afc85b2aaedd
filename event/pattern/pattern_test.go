package pattern

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestMatch runs testdata/match.txtar: each file is a pattern in its first line, then events, "+" before those that it
// matches and "-" before the others.
func TestMatch(t *testing.T) {
	b, err := os.ReadFile("testdata/match.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse(b).Files {
		t.Run(f.Name, func(t *testing.T) {
			var p *Pattern
			for _, line := range strings.Split(strings.TrimSpace(string(f.Data)), "\n") {
				if strings.HasPrefix(line, "#") || line == "" {
					continue
				}
				if line[0] == '{' {
					if p, err = Compile([]byte(line)); err != nil {
						t.Fatalf("%s: %v", line, err)
					}
					continue
				}
				event := strings.TrimSpace(line[1:])
				got, err := p.Matches([]byte(event))
				if err != nil {
					t.Fatalf("%s: %v", event, err)
				}
				if got != (line[0] == '+') {
					t.Errorf("%s: got %v", line, got)
				}
				if s := viaSet(t, p, event); s != got {
					t.Errorf("%s: the set says %v", line, s)
				}
			}
		})
	}
}

func viaSet(t *testing.T, p *Pattern, event string) bool {
	s := NewSet[string]()
	s.Add("p", p)
	found, err := s.Match([]byte(event))
	if err != nil {
		t.Fatal(err)
	}
	return len(found) == 1
}

// TestErrors runs testdata/errors.txtar: the name of each file is the reason, its contents the pattern. Line and column
// are in the name when they are the point.
func TestErrors(t *testing.T) {
	b, err := os.ReadFile("testdata/errors.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse(b).Files {
		src := strings.TrimSuffix(string(f.Data), "\n")
		want, place, placed := strings.Cut(f.Name, " @ ")
		_, err := Compile([]byte(src))
		if err == nil {
			t.Errorf("%s: compiles, want %s", src, want)
			continue
		}
		msg, ok := strings.CutPrefix(err.Error(), "Event pattern is not valid. Reason: ")
		reason, at, _ := strings.Cut(msg, "\n at ")
		if !ok || reason != want {
			t.Errorf("%s\n got %s\nwant %s", src, msg, want)
		}
		if line, col, _ := strings.Cut(place, ":"); placed && !strings.HasSuffix(at, "; line: "+line+", column: "+col+"]") {
			t.Errorf("%s\n got %s\nwant line %s, column %s", src, at, line, col)
		}
	}
}

func TestErrorText(t *testing.T) {
	// Recorded from EventBridge.
	_, err := Compile([]byte(`{"source": ["aws.health"], "detail": {}}`))
	want := `Event pattern is not valid. Reason: Empty objects are not allowed
 at [Source: (String)"{"source": ["aws.health"], "detail": {}}"; line: 1, column: 40]`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	_, err = Compile([]byte(`{"a": "` + strings.Repeat("x", 600) + `"}`))
	if !strings.Contains(err.Error(), `xxx"[truncated 109 chars]; line: 1, column: 8]`) {
		t.Errorf("got %v", err)
	}
}

func TestTooManyCombinations(t *testing.T) {
	or := func(i string) string {
		return `"` + i + `":{"$or":[{"a":[1]},{"b":[1]},{"c":[1]},{"d":[1]}]}`
	}
	ok := "{" + strings.Join([]string{or("1"), or("2"), or("3"), or("4")}, ",") + "}"
	if p, err := Compile([]byte(ok)); err != nil || len(p.branches) != 256 {
		t.Errorf("256 combinations: %v", err)
	}
	if _, err := Compile([]byte(strings.TrimSuffix(ok, "}") + "," + or("5") + "}")); err == nil {
		t.Error("1,024 combinations compile")
	}
}

func TestComplexity(t *testing.T) {
	for text, want := range map[string]int{"abc": 0, "*": 1, "a*": 1, "*abc": 2, "*aaaa": 5, "*abab*": 4} {
		ps, bad := compileWildcard(text)
		if got := complexity(ps); bad != "" || got != want {
			t.Errorf("%s: %d, want %d %s", text, got, want, bad)
		}
	}
	if _, err := Compile([]byte(`{"a":[{"wildcard":"*` + strings.Repeat("a", 120) + `"}]}`)); err == nil || !strings.Contains(err.Error(), "Rule is too complex") {
		t.Errorf("got %v", err)
	}
}

func TestMissed(t *testing.T) {
	p, err := Compile([]byte(`{"source":["a"],"detail":{"$or":[{"x":[1],"y":[1]},{"z":[{"exists":false}]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for event, want := range map[string]string{
		`{"source":"a","detail":{}}`:            "",
		`{"source":"a","detail":{"z":1}}`:       "detail.z",
		`{"source":"b","detail":{"x":1,"y":1}}`: "source",
	} {
		if got, err := p.Missed([]byte(event)); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %q %v", event, got, err)
		}
	}
}

func TestNotJSON(t *testing.T) {
	p, err := Compile([]byte(`{"a":[1]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"", "x", "[]", "1", `{"a":1`, `{"a":1}}`, `{"a":01}`, `{"a":1.}`, `{"b":tru}`, `{"a"1}`, `{"a":"\q"}`, `{a:1}`,
		"{\"a\":\"\n\"}", `{"a":[1,]}`, `{"a":1,}`, strings.Repeat(`{"a":`, 2000)} {
		if ok, err := p.Matches([]byte(event)); err == nil {
			t.Errorf("%q: %v without an error", event, ok)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		in   string
		want decimal
		fit  decimalFit
	}{
		{"0", 0, fits}, {"-0", 0, fits}, {"0.000", 0, fits}, {"0e99", 0, fits},
		{"1", 1_000_000, fits}, {"301.8", 301_800_000, fits}, {"3.018e2", 301_800_000, fits}, {"3018E-1", 301_800_000, fits},
		{"-0.000001", -1, fits}, {"0.0000010", 1, fits}, {"0.0000001", 0, tooFine}, {"1e-7", 0, tooFine},
		{"5000000000", maxDecimal, fits}, {"-5.0e9", -maxDecimal, fits}, {"5000000000.000001", 0, tooLarge}, {"5e10", 0, tooLarge},
		{"1e999999999999", 0, tooLarge}, {"1e-999999999999", 0, tooFine},
	} {
		if got, fit := parseDecimal(c.in); got != c.want || fit != c.fit {
			t.Errorf("%s: %d %d", c.in, got, fit)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(`{"source":["a",1,null,{"prefix":"b"}],"detail":{"$or":[{"x":[{"numeric":[">",0,"<=",5]}]},{"y":[{"cidr":"10.0.0.0/8"}]}]}}`)
	f.Add(`{"a":[{"anything-but":{"wildcard":["*a","b\\*"]}},{"suffix":{"equals-ignore-case":"X"}},{"exists":false}]}`)
	f.Add(`{"a":[{"anything-but":["x"]},{"anything-but":3},{"wildcard":"a*b"},{"equals-ignore-case":"é"}]}`)
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > MaxLength {
			return
		}
		p, err := Compile([]byte(src))
		if err != nil {
			if _, ok := err.(*Error); !ok {
				t.Errorf("error of type %T", err)
			}
			return
		}
		if ok, err := p.Matches([]byte(`{"a":[{"b":1},"x"],"source":"a","detail":{"x":3,"y":"10.1.1.1"}}`)); err != nil {
			t.Errorf("%v %v", ok, err)
		}
	})
}

// FuzzEvent compares what the reader takes for JSON with what encoding/json takes for it.
func FuzzEvent(f *testing.F) {
	f.Add(`{"a":[1,{"b":"cé"}],"c.d":-1.5e3,"e":{"f":null,"g":[true,false]}}`)
	p, err := Compile([]byte(`{"a":{"b":["x"]},"c":{"d":[1]},"e":{"f":[null],"g":[true]}}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, event string) {
		_, err := p.Matches([]byte(event))
		var v map[string]any
		want := json.Unmarshal([]byte(event), &v)
		if err == nil && want != nil {
			t.Errorf("%q was taken: %v", event, want)
		}
		if err != nil && want == nil && v != nil && len(event) < 500 {
			t.Errorf("%q was refused", event)
		}
	})
}
