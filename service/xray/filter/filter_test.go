package filter

import (
	"strings"
	"testing"
)

func sample() *Trace {
	api := &Service{Name: "api.example.com", Type: "AWS::EC2::Instance", Account: "111122223333",
		Facts: Facts{OK: true, ResponseTime: 3, Status: 200, Texts: map[Keyword][]string{Name: {"api.example.com"}}}}
	back := &Service{Name: "backend", Type: "remote", Facts: Facts{Fault: true, Inferred: true, ResponseTime: 1, Status: 503}}
	return &Trace{
		Facts: Facts{OK: true, ResponseTime: 3, Duration: 7.5, Status: 200,
			Texts:       map[Keyword][]string{URL: {"http://api.example.com/v2/x"}, User: {"ann", "bob"}, GroupName: {"Default"}},
			Annotations: map[string][]any{"account": {"12345", float64(7)}, "age": {float64(30)}, "vip": {false}, "a.b": {"x"}}},
		Services: []*Service{api, back},
		Edges:    []Edge{{From: api, To: back, Facts: Facts{Fault: true, Duration: 1}}},
	}
}

func TestMatch(t *testing.T) {
	trace := sample()
	for _, c := range []struct {
		expression string
		want       bool
	}{
		{`ok`, true}, {`!ok`, false}, {`NOT ok`, false}, {`!!ok`, true}, {`ok = true`, true}, {`ok != true`, false}, {`fault = false`, true},
		{`error`, false}, {`throttle`, false}, {`partial`, false},
		{`responsetime > 5`, false}, {`duration >= 5 AND duration <= 8`, true}, {`duration >= 7.5 duration < 7.5`, false},
		{`http.status = 200`, true}, {`http.status != 200`, false}, {`http.status>=200and http.status<300`, true},
		{`http.url BEGINSWITH "http://api.example.com/" AND http.url CONTAINS "/v2/" AND !service("api.example.com")`, false},
		{`http.url ENDSWITH "/x"`, true}, {`http.url = 'http://api.example.com/v2/x'`, true}, {`http.method = "GET"`, false},
		{`user = "bob"`, true}, {`user != "ann"`, true}, {`user = "eve"`, false},
		{`annotation.account = "12345"`, true}, {`annotation[account] = 7`, true}, {`annotation[age] > 29`, true}, {`annotation["age"] <= 29`, false},
		{`annotation.vip`, true}, {`annotation.vip = true`, false}, {`annotation[vip] != true`, true}, {`!annotation.none`, true},
		{`annotation[a.b] BEGINSWITH "x"`, true}, {`annotation.a.b = "y"`, false}, {`annotation.age = "30"`, false},
		{`service("api.example.com")`, true}, {`service("x")`, false}, {`service() { fault }`, true}, {`service("api.example.com") { fault = true OR responsetime > 2.5 } AND annotation.account = "12345"`, true},
		{`service(id(name: "backend", type:"remote")) { inferred http.status = 503 }`, true}, {`service(id(account.id:"111122223333"))`, true},
		{`service(id(account.id:"9"))`, false}, {`service(id(type:"remote")) { ok }`, false},
		{`edge("api.example.com", "backend")`, true}, {`edge("backend", "api.example.com")`, false}, {`edge("api.example.com", id(type:"remote")) { fault = true }`, true},
		{`edge() { ok }`, false}, {`edge(){fault}`, true},
		{`ok !partial duration <8`, true}, {`error OR fault OR ok`, true}, {`(error OR ok) AND fault`, false}, {`error AND fault OR ok`, true},
		{`group.name = "Default"`, true}, {`user = "a\"nn"`, false},
	} {
		e, err := Parse(c.expression)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
		} else if got := e.Match(trace); got != c.want {
			t.Errorf("%s is %t, want %t", c.expression, got, c.want)
		}
	}
}

func TestParseFails(t *testing.T) {
	for _, c := range [][2]string{
		{``, "expected a keyword but found end of expression at position 1"},
		{`colour = "red"`, `unknown keyword "colour"`},
		{`ok AND`, "expected a keyword but found end"},
		{`responsetime`, "needs an operator"},
		{`responsetime = "x"`, "expected a number"},
		{`responsetime CONTAINS 5`, "does not apply"},
		{`http.url > "x"`, "does not apply"},
		{`http.url = 5`, "expected a string in quotes"},
		{`http.url = "x`, "string without an end"},
		{`ok = 5`, "expected true or false"},
		{`ok < true`, "boolean keyword"},
		{`(ok`, `expected ")"`},
		{`ok)`, `unexpected ')'`},
		{`service("a") { service("b") }`, "service() within service()"},
		{`service("a") { ok`, `expected "}"`},
		{`service(id(colour: "red"))`, "unknown attribute"},
		{`edge("a")`, `expected ","`},
		{`annotation[`, "annotation["},
		{`annotation.a CONTAINS 5`, "needs a string"},
		{`annotation.a < "5"`, "does not apply to a string"},
		{`annotation.a < true`, "does not apply to a boolean"},
		{`rootcause.fault.entity { name = "x" }`, "root causes"},
		{`responsetime.rootcause.json = "x"`, "root causes"},
		{strings.Repeat("(", 500), "nested too deeply"},
	} {
		if _, err := Parse(c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%.40q: error %v, want %q", c[0], err, c[1])
		}
	}
}

// FuzzParse checks that no expression breaks the parser, and that one that parses means the opposite when it is negated.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`ok !partial duration <3`, `service(id(name:"a",type:"b")){fault OR responsetime>2.5}`, `edge("a","b")`,
		`annotation[k] = 5 AND NOT user BEGINSWITH 'x\''`, `((`, `"`, `!`} {
		f.Add(s)
	}
	trace := sample()
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			return
		}
		negated, err := Parse("!(" + s + ")")
		if err != nil {
			if strings.Contains(err.Error(), "nested too deeply") {
				return
			}
			t.Fatalf("!(%s): %v", s, err)
		}
		if e.Match(trace) == negated.Match(trace) {
			t.Fatalf("%s and its negation are both %t", s, e.Match(trace))
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	e, err := Parse(`service("api.example.com") { fault = true OR responsetime > 2.5 } AND annotation.account = "12345"`)
	if err != nil {
		b.Fatal(err)
	}
	trace := sample()
	for b.Loop() {
		if !e.Match(trace) {
			b.Fatal("no match")
		}
	}
}
