package jsonata

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/brume-dev/brume/jsondoc"
)

// agree evaluates a text by its plan, if it has one that does not give up, and by the engine: the outcome is one.
func agree(t *testing.T, text string, vars map[string]any) (planned bool) {
	t.Helper()
	p := parsePlan(text)
	if p == nil {
		return false
	}
	v, ok := p.eval(vars)
	if ok && v != undefined {
		v, ok = normal(v)
	}
	if !ok {
		return false
	}
	x := &Expr{text: text}
	w, defined, err := x.evalEngine(t.Context(), vars, env)
	switch {
	case err != nil:
		t.Fatalf("%s: the plan gave %v, the engine %v", text, v, err)
	case defined != (v != undefined):
		t.Fatalf("%s: the plan gave %v, the engine %v", text, v, w)
	case defined && jsondoc.Text(v) != jsondoc.Text(w):
		t.Fatalf("%s: the plan gave %s, the engine %s", text, jsondoc.Text(v), jsondoc.Text(w))
	}
	return true
}

func TestPlans(t *testing.T) {
	vars := variables(t)
	for _, text := range []string{
		`$states.context`, `$states.input.n`, `$states.input.objs.o.z`, `$states.input.objs[0]`, `$states.input.objs[-1].o`, `$x.k`, `$x[1].k[0]`,
		`$states.input.nested.a`, `$states.input.nested[0].a`, `$states.input.one.v`, `$states.input.one.v[0]`, `$states.input.empty`,
		`$states.input.empty.a`, `$states.input.none`, `$states.input.none.a`, `$states.input.missing[0].b`, `$states.input.f`,
		`$states.input.e`, `$states.input."s"`, "$states.input.`s`", `"a" & 1.50 & true & null & $states.input.missing`,
		`$states.input.n + 1 * 2 - -3`, `7 % 4`, `$states.input.n = 5.0`, `$states.input.objs[0] != $states.input.objs[1]`,
		`$v < "zzz"`, `$i <= 3`, `$states.input.t and $states.input.n > 4 or false`, `$exists($states.input.missing)`, `$not($v)`,
		`$states.input.t ? "yes" : "no"`, `$states.input.missing ? 1`, `{"a": $states.input.n, "b": [$states.input.arr, [4]], "c": $states.input.missing}`,
		`[$states.input.objs.o.z, [], [[1]]]`, `-$i`, `-(2)`, `($v)`, `$states.input.list`, `'single'`, `$states.context.Execution.Id`,
		`$states.result.ok = false`, `[-1.5e3, 0.1]`, `$states.input.objs = $states.input.objs`, `[]`, `{}`, `$states.input.mixed[1] = "a"`,
	} {
		if !agree(t, text, vars) {
			t.Errorf("%s has no plan", text)
		}
	}
	for _, text := range []string{`$$`, `$`, `a.b`, `$sum($x)`, `$x.toString`, `$x[k=1]`, `$x[]`, `($x)[0]`, `"\n"`, `$x.(k)`, `$x.*`, `1..2`,
		`$x ~> $sum`, `$y := 1`, `/* c */ 1`, `$x^(k)`, `$x@$y.k`, `$x{k: 1}`, `true.a`, "`true`", `1 in [1]`, `$x.k.%`, `[1..2]`} {
		if parsePlan(text) != nil {
			t.Errorf("%s has a plan", text)
		}
	}
	if agree(t, `$states.input.big & ""`, vars) || agree(t, `1/0`, vars) || agree(t, `$states.input`, map[string]any{"states": document(t, `{"input":{"10":1,"9":2}}`)}) {
		t.Error("left to the engine: digits beyond 15, infinity, members that look like numbers")
	}
}

// random makes texts and documents from few names, so that they meet.
type random struct{ *rand.Rand }

func (r random) of(list ...string) string { return list[r.IntN(len(list))] }

func (r random) document(depth int) string {
	switch n := r.IntN(10); {
	case depth > 0 && n < 3:
		parts := make([]string, r.IntN(4))
		for i := range parts {
			parts[i] = r.document(depth - 1)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case depth > 0 && n < 8:
		var parts []string
		for _, k := range []string{"a", "b", "c", "items", "é"} {
			if r.IntN(2) == 0 {
				parts = append(parts, fmt.Sprintf("%q:%s", k, r.document(depth-1)))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return r.of("0", "1", "-1", "2.50", "1e3", "-0", "null", "true", "false", `""`, `"a"`, `"b"`, `"é"`, `"😀"`, `"\uffff"`, "9007199254740993", "0.1", "1e400", "100000000000000.5")
}

func (r random) path() string {
	s := r.of("$states.input", "$states.result", "$x", "$y", "$states")
	for range r.IntN(4) {
		if r.IntN(4) == 0 {
			s += r.of("[0]", "[1]", "[-1]", "[-2]")
		}
		s += "." + r.of(r.of("a", "b", "c", "items"), "`é`", `"a"`)
	}
	if r.IntN(4) == 0 {
		s += r.of("[0]", "[1][0]", "[-1]")
	}
	return s
}

func (r random) expression(depth int) string {
	if depth == 0 || r.IntN(5) == 0 {
		return r.of(r.path(), r.path(), r.path(), `"a"`, "'é'", "1", "0", "2.5e1", "true", "null", "false", "[]", "{}")
	}
	x := func() string { return r.expression(depth - 1) }
	switch r.IntN(9) {
	case 0:
		return "(" + x() + ")"
	case 1:
		return x() + r.of(" ? ", "?") + x() + " : " + x()
	case 2:
		return "$exists(" + x() + ")"
	case 3:
		return "$not(" + x() + ")"
	case 4:
		return "[" + x() + ", " + x() + "]"
	case 5:
		return `{"a": ` + x() + `, "b":` + x() + "}"
	case 6:
		return "-" + x()
	}
	return x() + " " + r.of("+", "-", "*", "/", "%", "&", "=", "!=", "<", "<=", ">", ">=", "and", "or", "=", "&", ">") + " " + x()
}

func (r random) variables(t testing.TB) map[string]any {
	return map[string]any{"x": document(t, r.document(3)), "y": document(t, r.document(2)),
		"states": document(t, `{"input":`+r.document(4)+`,"result":`+r.document(3)+`}`)}
}

// TestPlansAgree tries plans against the engine on random expressions and documents.
func TestPlansAgree(t *testing.T) {
	const rounds = 3000
	r := random{rand.New(rand.NewPCG(4, 2))}
	planned := 0
	for range rounds {
		vars := r.variables(t)
		if agree(t, r.expression(3), vars) {
			planned++
		}
	}
	if planned < rounds/4 {
		t.Errorf("of %d expressions only %d were evaluated by a plan", rounds, planned)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(`$x.a[0].b = 1`, `[{"a":[{"b":1}]}]`)
	f.Add(`$exists($x) ? {"k": $x & "é"} : [-1, $x[-1]]`, `"s"`)
	f.Add(`$x.a.b < 2 and $x or $y`, `{"a":{"b":1.0}}`)
	f.Fuzz(func(t *testing.T, text, doc string) {
		v, err := jsondoc.Parse([]byte(doc))
		if err != nil || len(text) > 200 {
			return
		}
		agree(t, text, map[string]any{"x": v, "states": v})
	})
}
