package jsonata

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
)

func document(t testing.TB, text string) any {
	t.Helper()
	v, err := jsondoc.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func variables(t testing.TB) map[string]any {
	return map[string]any{
		"states": document(t, `{"input":{"n":5,"s":"abc","objs":[{"o":{"z":1}},{"o":{"z":2}}],"arr":[1,2,3],"mixed":[1,"a"],
			"nested":[[{"a":[[1]]}],[{"a":2},{"a":null}]],"one":[{"v":[7]}],"empty":[],"none":null,"big":12345678901234567890,
			"f":1.10,"e":1e2,"t":true,"10":{"a":1},"é":"ü","list":[{"b":1,"a":2.0}]},
			"context":{"Execution":{"Id":"arn:x","Input":{"q":1}},"State":{"Name":"S"}},"result":{"ok":false}}`),
		"x": document(t, `[{"k":1},{"k":[2,3]},{"m":0}]`),
		"v": document(t, `"text"`),
		"i": document(t, `-3`),
	}
}

var env = Env{Now: time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC), Seed: [2]uint64{1, 2}}

// TestFunctions are Step Functions' own, with values that AWS gave.
func TestFunctions(t *testing.T) {
	for expr, want := range map[string]string{
		`$parse("{\"a\":1}").a`:             `1`,
		`$partition([1,2,3,4,5], 2)`:        `[[1,2],[3,4],[5]]`,
		`$range(0, 6, 2)`:                   `[0,2,4,6]`,
		`$range(-1.7, 2, 1)`:                `[-1,0,1,2]`,
		`$range(3, 1, -1)`:                  `[3,2,1]`,
		`$hash("input", "SHA-1")`:           `"140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"`,
		`$random(42)`:                       `0.7275636800328681`,
		`$uuid()`:                           `"86ad05dc-987f-4062-b0a1-3ca07796da76"`,
		`$random() < 1`:                     `true`,
		`$count($range(1, 200000, 1))`:      `200000`,
		`$now()`:                            `"2026-11-22T04:00:00.000Z"`,
		`$millis()`:                         `1795320000000`,
		`$base64decode($base64encode("a"))`: `"a"`,
		`[1/0]`:                             `["Infinity"]`,
		`$string($states.input)`:            ``,
		`$map($states.input.arr, function($v) { $v * 2 })`: `[2,4,6]`,
		`$count([1..873782])`:                              `873782`,
		`{"__proto__": 1, "a": 2}`:                         `{"__proto__":1,"a":2}`,
		`$states.input.big`:                                `12345678901234567000`,
		`$sum($states.input.objs.o.z)`:                     `3`,
		`$states.input.arr[$ > 1]`:                         `[2,3]`,
	} {
		x, err := Compile(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		v, defined, err := x.Eval(t.Context(), variables(t), env)
		if err != nil || !defined || want != "" && jsondoc.Text(v) != want {
			t.Errorf("%s = %s, %v, %v; want %s", expr, jsondoc.Text(v), defined, err, want)
		}
	}
}

// TestCauses are AWS's own words, as TestState has given them.
func TestCauses(t *testing.T) {
	const threw = `specified for the field 'Output/r' threw an error during evaluation`
	memory := threw + `: Expression evaluation memory limit exceeded: Check for excessive memory usage`
	deep := threw + `: Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive.`
	for expr, want := range map[string]string{
		`$eval("1+1")`:                threw + `. T1006: Attempted to invoke a non-function`,
		`[1..900000] ~> $count()`:     memory,
		`$count([1..873783])`:         memory,
		`$length($pad("x", 9000000))`: memory,
		`($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $length($p("x", 23)))`: memory,
		strings.Repeat("1+", 200) + "1":                  deep,
		`($f := function($x) { 1 + $f($x + 1) }; $f(1))`: deep,
		`$sum($states.input.mixed)`:                      threw + `. T0412: Argument 1 of function "sum" must be an array of "numbers"`,
		`$states.input.missing`:                          `specified for the field 'Output/r' returned nothing (undefined).`,
		`$$`:                                             `specified for the field 'Output/r' returned nothing (undefined).`,
		`$sum`:                                           `specified for the field 'Output/r' returned an unsupported result type.`,
		`function($x) { $x }`:                            `specified for the field 'Output/r' returned an unsupported result type.`,
		`$states.input.s - 1`:                            threw + `. T2001: The left side of the "-" operator must evaluate to a number`,
		`$states.input.s < 1`:                            threw + `. T2009: The values "abc" and 1 either side of operator "<" must be of the same data type`,
		`$partition([1], -1)`:                            threw + `: The chunk size must be a positive integer`,
	} {
		x, err := Compile(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		_, err = x.EvalField(t.Context(), "Output/r", variables(t), env)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Name != fault.QueryEvaluationError || f.Cause != "The JSONata expression '"+expr+"' "+want {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for text, want := range map[string]string{
		`a[1,2)`:                     `S0202: Expected "]", got ","`,
		`"unterminated`:              `S0101: String literal must be terminated by a matching quote`,
		`1 +`:                        `S0207: Unexpected end of expression`,
		`$match("a", /abc`:           `S0302: No terminating / in regular expression`,
		`$x :=`:                      `S0207: Unexpected end of expression`,
		strings.Repeat("(", 100_000): `: ` + errDepth.Message,
	} {
		_, err := Compile(text)
		s, ok := errors.AsType[*SyntaxError](err)
		if !ok || s.Code+": "+s.Message != want {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

// TestEndless: what does not end is ended, and the next evaluation does not notice.
func TestEndless(t *testing.T) {
	x, err := Compile(`($f := function($x){ $f($x+1) }; $f(1))`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, _, err := x.Eval(ctx, nil, env); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	after, _ := Compile(`$sum([1,2])`)
	if v, _, err := after.Eval(t.Context(), nil, env); err != nil || jsondoc.Text(v) != "3" {
		t.Errorf("afterwards %v, %v", v, err)
	}
}

// TestNothingIsShared: an expression cannot leave anything behind for the next one.
func TestNothingIsShared(t *testing.T) {
	for _, text := range []string{
		`$states.input.(__defineGetter__("leak", function() { 1 }))`,
		`$states.input.__proto__.(__defineGetter__("leak", $uuid))`,
		`{} ~> | $.__proto__ | {"leak": 1} |`,
		`($leak := 1; $leak)`,
	} {
		x, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		_, _, _ = x.Eval(t.Context(), variables(t), env)
	}
	for _, text := range []string{`{}.leak`, `$leak`, `[{}].leak`} {
		x, _ := Compile(text)
		if v, defined, err := x.Eval(t.Context(), variables(t), env); defined || err != nil {
			t.Errorf("%s = %v, %v", text, v, err)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	x, err := Compile(`$map($states.input.arr, function($v) { $v + $i })`)
	if err != nil {
		t.Fatal(err)
	}
	vars := variables(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if v, _, err := x.Eval(context.Background(), vars, env); err != nil || jsondoc.Text(v) != "[-2,-1,0]" {
					t.Errorf("%v, %v", v, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestTemplate(t *testing.T) {
	tpl, err := ParseTemplate(document(t, `{"a":["{% $states.input.n %}",{"b":"{%$v%}","c":" {% x %}"}],"d":1.0,"e":{"f":[]}}`))
	if err != nil {
		t.Fatal(err)
	}
	v, err := tpl.Eval(t.Context(), "Output", variables(t), env)
	if err != nil || jsondoc.Text(v) != `{"a":[5,{"b":"text","c":" {% x %}"}],"d":1.0,"e":{"f":[]}}` {
		t.Errorf("%v, %v", jsondoc.Text(v), err)
	}
	if constant, _ := ParseTemplate(document(t, `{"a":["b"]}`)); !constant.Constant() || tpl.Constant() {
		t.Error("Constant is off")
	}
	bad, err := ParseTemplate(document(t, `{"a":[0,{"b":"{% $none %}"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = bad.Eval(t.Context(), "Arguments", variables(t), env)
	if f := fault.Of(err); f.Cause != "The JSONata expression '$none' specified for the field 'Arguments/a[1]/b' returned nothing (undefined)." {
		t.Error(err)
	}
	_, err = ParseTemplate(document(t, `{"a":[0,"{% 1 + %}"]}`))
	if f, ok := errors.AsType[*FieldError](err); !ok || f.Field != "/a[1]" || f.Text != "1 +" {
		t.Errorf("%#v", err)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{`{"a":"{% $states.input %}"}`, `["{% $sum([1,2]) %}"]`, `"{%%}"`, `"{% /(/ %}"`, `"{% $x[0].k ? 1 : -2e3 %}"`} {
		f.Add(s)
	}
	vars := variables(f)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := jsondoc.Parse([]byte(s))
		if err != nil {
			return
		}
		tpl, err := ParseTemplate(v)
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if v, err := tpl.Eval(ctx, "Output", vars, env); err == nil {
			if _, err := jsondoc.Parse(jsondoc.Append(nil, v)); err != nil {
				t.Errorf("%q gave %v", s, err)
			}
		}
	})
}

func BenchmarkPlan(b *testing.B) {
	for _, text := range []string{`$states.input.objs[1].o.z`, `$states.input.n > 3 and $exists($states.input.s)`,
		`{"id": $states.input.n, "text": "n is " & $states.input.n}`} {
		b.Run(text, func(b *testing.B) { benchmark(b, text) })
	}
}

func BenchmarkEngine(b *testing.B) {
	for _, text := range []string{`$sum($states.input.arr)`, `$map($states.input.objs, function($o) { {"z": $o.o.z} })`,
		`$states.input.objs[o.z > 1]`} {
		b.Run(text, func(b *testing.B) { benchmark(b, text) })
	}
}

func benchmark(b *testing.B, text string) {
	x, err := Compile(text)
	if err != nil {
		b.Fatal(err)
	}
	vars := variables(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, defined, err := x.Eval(b.Context(), vars, env); !defined || err != nil {
			b.Fatal(defined, err)
		}
	}
}
