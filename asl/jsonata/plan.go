package jsonata

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/brume-dev/brume/jsondoc"
)

// plan is an expression that Go evaluates: paths from a variable down by names and literal indices, literals, operators,
// conditions, $exists, and constructors of objects and lists. What a plan does not know for sure, errors included, it leaves
// to the engine by ok = false; where it gives a value, the engine gives the same (TestPlansAgree, FuzzPlan).
type plan interface {
	eval(vars map[string]any) (v any, ok bool)
}

// undefined is JSONata's "nothing".
var undefined = nothing{}

type nothing struct{}

type literal struct{ v any }

func (l literal) eval(map[string]any) (any, bool) { return l.v, true }

// step of a path; the first is the variable.
type step struct {
	name    string
	indices []int
}

type path struct{ steps []step }

func (p *path) eval(vars map[string]any) (any, bool) {
	v, ok := vars[p.steps[0].name]
	if !ok {
		return nil, false // a function of the language, or an undefined variable
	}
	v = collapse(pick(v, false, p.steps[0].indices))
	for i := 1; i < len(p.steps); i++ {
		o, isObject := v.(*jsondoc.Object)
		if !isObject || len(p.steps[i].indices) > 0 {
			return walk(v, p.steps[i:]), true
		}
		if v, ok = o.Get(p.steps[i].name); !ok {
			return undefined, true
		}
	}
	return v, true
}

// walk goes on where lists come in: a step applies to each item and the results are flattened, by one level, into a
// sequence; a sequence of one is its item, unless the last step gave one list as it stands in the document.
func walk(v any, steps []step) any {
	if v == undefined {
		return undefined
	}
	in := []any{v}
	if a, ok := v.(*jsondoc.Array); ok {
		in = a.Items
	}
	for i, s := range steps {
		var got []any
		sequences := 0
		for _, item := range in {
			r, sequence := lookup(item, s.name)
			if sequence && len(r.(*jsondoc.Array).Items) < 2 {
				r, sequence = collapse(r, true), false
			}
			if len(s.indices) > 0 {
				r, sequence = pick(r, sequence, s.indices)
			}
			if r == undefined {
				continue
			}
			if sequence {
				sequences++
			}
			got = append(got, r)
		}
		if i == len(steps)-1 && len(got) == 1 && sequences == 0 {
			return got[0]
		}
		in = flatten(got)
		if len(in) == 0 {
			return undefined
		}
	}
	return collapse(&jsondoc.Array{Items: in}, true)
}

func flatten(in []any) []any {
	out := make([]any, 0, len(in))
	for _, v := range in {
		if a, ok := v.(*jsondoc.Array); ok {
			out = append(out, a.Items...)
		} else {
			out = append(out, v)
		}
	}
	return out
}

// lookup is the member of an object, or the sequence of the members of the objects in a list.
func lookup(v any, name string) (got any, sequence bool) {
	switch v := v.(type) {
	case *jsondoc.Object:
		if m, ok := v.Get(name); ok {
			return m, false
		}
	case *jsondoc.Array:
		out := &jsondoc.Array{}
		for _, item := range v.Items {
			m, _ := lookup(item, name)
			if a, ok := m.(*jsondoc.Array); ok {
				out.Items = append(out.Items, a.Items...)
			} else if m != undefined {
				out.Items = append(out.Items, m)
			}
		}
		return out, true
	}
	return undefined, false
}

// pick applies literal indices, one after the other. A list that is picked is a list of the document, anything else makes a
// sequence.
func pick(v any, sequence bool, indices []int) (any, bool) {
	for _, i := range indices {
		items := []any{v}
		if a, ok := v.(*jsondoc.Array); ok {
			items = a.Items
		}
		if i < 0 {
			i += len(items)
		}
		if i < 0 || i >= len(items) || items[i] == undefined {
			v, sequence = &jsondoc.Array{}, true
		} else if a, ok := items[i].(*jsondoc.Array); ok {
			v, sequence = a, false
		} else {
			v, sequence = &jsondoc.Array{Items: items[i : i+1 : i+1]}, true
		}
	}
	return v, sequence
}

// collapse makes of a sequence what it stands for.
func collapse(v any, sequence bool) any {
	if !sequence {
		return v
	}
	switch a := v.(*jsondoc.Array); len(a.Items) {
	case 0:
		return undefined
	case 1:
		return a.Items[0]
	}
	return v
}

type negation struct{ x plan }

func (n negation) eval(vars map[string]any) (any, bool) {
	v, ok := n.x.eval(vars)
	if !ok || v == undefined {
		return v, ok
	}
	f, ok := finite(v)
	return numberOf(-f), ok
}

type exists struct{ x plan }

func (e exists) eval(vars map[string]any) (any, bool) {
	if _, shadowed := vars["exists"]; shadowed {
		return nil, false
	}
	v, ok := e.x.eval(vars)
	return v != undefined, ok
}

type not struct{ x plan }

func (n not) eval(vars map[string]any) (any, bool) {
	if _, shadowed := vars["not"]; shadowed {
		return nil, false
	}
	v, ok := n.x.eval(vars)
	if !ok || v == undefined {
		return nil, false
	}
	b, ok := truth(v)
	return !b, ok
}

type condition struct{ test, then, otherwise plan }

func (c condition) eval(vars map[string]any) (any, bool) {
	v, ok := c.test.eval(vars)
	if !ok {
		return nil, false
	}
	b, ok := truth(v)
	switch {
	case !ok:
		return nil, false
	case b:
		return c.then.eval(vars)
	case c.otherwise == nil:
		return undefined, true
	}
	return c.otherwise.eval(vars)
}

type objectPlan struct {
	names  []string
	values []plan
}

func (o *objectPlan) eval(vars map[string]any) (any, bool) {
	out := jsondoc.NewObject()
	for i, name := range o.names {
		v, ok := o.values[i].eval(vars)
		if !ok {
			return nil, false
		}
		if v != undefined {
			out.Set(name, v)
		}
	}
	return out, true
}

type arrayPlan struct{ items []plan }

func (a *arrayPlan) eval(vars map[string]any) (any, bool) {
	out := &jsondoc.Array{Items: []any{}}
	for _, item := range a.items {
		v, ok := item.eval(vars)
		if !ok {
			return nil, false
		}
		if v == undefined {
			continue
		}
		list, isList := v.(*jsondoc.Array)
		if _, constructed := item.(*arrayPlan); isList && !constructed {
			out.Items = append(out.Items, list.Items...)
			continue
		}
		out.Items = append(out.Items, v)
	}
	return out, true
}

type binary struct {
	op       string
	lhs, rhs plan
}

func (b *binary) eval(vars map[string]any) (any, bool) {
	l, ok := b.lhs.eval(vars)
	if !ok {
		return nil, false
	}
	if b.op == "and" || b.op == "or" {
		yes, ok := truth(l)
		if !ok {
			return nil, false
		}
		if yes == (b.op == "or") {
			return yes, true
		}
		r, ok := b.rhs.eval(vars)
		if !ok {
			return nil, false
		}
		yes, ok = truth(r)
		return yes, ok
	}
	r, ok := b.rhs.eval(vars)
	if !ok {
		return nil, false
	}
	switch b.op {
	case "=", "!=":
		if l == undefined || r == undefined {
			return false, true
		}
		same, ok := equal(l, r)
		return same == (b.op == "="), ok
	case "<", "<=", ">", ">=":
		return compare(b.op, l, r)
	case "&":
		return concatenate(l, r)
	}
	return calculate(b.op, l, r)
}

// finite is the number that v is; not ok when it is none, or infinite.
func finite(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(n), 64)
	return f, err == nil || !math.IsInf(f, 0)
}

func numberOf(f float64) any { return json.Number(formatNumber(f)) }

func calculate(op string, l, r any) (any, bool) {
	if l == undefined && r == undefined {
		return undefined, true
	}
	a, ok := finite(l)
	if !ok && l != undefined {
		return nil, false
	}
	b, ok := finite(r)
	if !ok && r != undefined {
		return nil, false
	}
	if l == undefined || r == undefined {
		return undefined, true
	}
	var f float64
	switch op {
	case "+":
		f = a + b
	case "-":
		f = a - b
	case "*":
		f = a * b
	case "/":
		f = a / b
	case "%":
		f = math.Mod(a, b)
	}
	// -0 would be written as 0, and so be lost to what comes after.
	negativeZero := f == 0 && math.Signbit(f)
	return numberOf(f), !math.IsInf(f, 0) && !math.IsNaN(f) && !negativeZero
}

func compare(op string, l, r any) (any, bool) {
	var order int
	switch l := l.(type) {
	case json.Number:
		a, ok1 := finite(l)
		b, ok2 := finite(r)
		if !ok1 || !ok2 {
			return nil, false
		}
		order = compareNumbers(a, b)
	case string:
		s, ok := r.(string)
		if !ok {
			return nil, false
		}
		order = compareText(l, s)
	default:
		return nil, false
	}
	switch op {
	case "<":
		return order < 0, true
	case "<=":
		return order <= 0, true
	case ">":
		return order > 0, true
	}
	return order >= 0, true
}

func compareNumbers(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareText orders by UTF-16 code units, as JavaScript does.
func compareText(a, b string) int {
	if isASCII(a) || isASCII(b) {
		return strings.Compare(a, b) // the first difference is at, or against, a character below 0x80
	}
	x, y := utf16.Encode([]rune(a)), utf16.Encode([]rune(b))
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return int(x[i]) - int(y[i])
		}
	}
	return len(x) - len(y)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func concatenate(l, r any) (any, bool) {
	a, ok1 := text(l)
	b, ok2 := text(r)
	return a + b, ok1 && ok2
}

// text is $string.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case nothing:
		return "", true
	case string:
		return v, true
	case json.Number:
		s, ok := rounded(v)
		return s, ok
	case nil:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// rounded writes a number with 15 digits; one that has more, the engine rounds.
func rounded(n json.Number) (string, bool) {
	f, ok := finite(n)
	if !ok {
		return "", false
	}
	digits := strings.TrimLeft(strconv.FormatFloat(math.Abs(f), 'e', -1, 64), "0")
	if e := strings.IndexByte(digits, 'e'); e > 16 { // 15 digits and the point
		return "", false
	}
	return formatNumber(f), true
}

// truth is $boolean, of undefined: false.
func truth(v any) (yes, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		return v != "", true
	case json.Number:
		f, ok := finite(v)
		return f != 0, ok
	case *jsondoc.Object:
		return v.Len() > 0, true
	case *jsondoc.Array:
		for _, item := range v.Items {
			one, ok := truth(item)
			if !ok {
				return false, false
			}
			yes = yes || one
		}
	}
	return yes, true
}

// equal is "=": deep, numbers by value.
func equal(a, b any) (same, ok bool) {
	switch a := a.(type) {
	case json.Number:
		x, ok := finite(a)
		if !ok {
			return false, false
		}
		if _, isNumber := b.(json.Number); !isNumber {
			return false, true
		}
		y, ok := finite(b)
		return x == y, ok
	case *jsondoc.Array:
		o, isArray := b.(*jsondoc.Array)
		if !isArray {
			_, isObject := b.(*jsondoc.Object)
			return false, !isObject // by their properties a list and an object can be the same
		}
		if len(a.Items) != len(o.Items) {
			return false, true
		}
		for i := range a.Items {
			if same, ok := equal(a.Items[i], o.Items[i]); !same || !ok {
				return same, ok
			}
		}
		return true, true
	case *jsondoc.Object:
		o, isObject := b.(*jsondoc.Object)
		if !isObject {
			_, isArray := b.(*jsondoc.Array)
			return false, !isArray
		}
		if a.Len() != o.Len() {
			return false, true
		}
		for k, m := range a.All() {
			n, there := o.Get(k)
			if !there {
				return false, true
			}
			if same, ok := equal(m, n); !same || !ok {
				return same, ok
			}
		}
		return true, true
	}
	return a == b, true
}

// normal gives v as it looks after its way through the engine: numbers as JavaScript writes them. Objects with members that look like
// numbers would come out in another order: not ok.
func normal(v any) (any, bool) {
	out, _, ok := normalized(v)
	return out, ok
}

func normalized(v any) (out any, changed, ok bool) {
	switch v := v.(type) {
	case json.Number:
		if len(v) < 16 && plainInteger(string(v)) {
			return v, false, true
		}
		f, ok := finite(v)
		n := json.Number(formatNumber(f))
		return n, n != v, ok
	case *jsondoc.Array:
		for i, item := range v.Items {
			n, changed, ok := normalized(item)
			if !ok {
				return nil, false, false
			}
			if changed {
				return normalArray(v, i, n)
			}
		}
	case *jsondoc.Object:
		for k, m := range v.All() {
			if k != "" && k[0] >= '0' && k[0] <= '9' {
				return nil, false, false
			}
			_, changed, ok := normalized(m)
			if !ok {
				return nil, false, false
			}
			if changed {
				return normalObject(v)
			}
		}
	}
	return v, false, true
}

func normalArray(a *jsondoc.Array, from int, first any) (any, bool, bool) {
	out := &jsondoc.Array{Items: append([]any(nil), a.Items...)}
	out.Items[from] = first
	for i := from + 1; i < len(out.Items); i++ {
		n, _, ok := normalized(out.Items[i])
		if !ok {
			return nil, false, false
		}
		out.Items[i] = n
	}
	return out, true, true
}

func normalObject(o *jsondoc.Object) (any, bool, bool) {
	out := jsondoc.NewObject()
	for k, m := range o.All() {
		n, _, ok := normalized(m)
		if !ok || k != "" && k[0] >= '0' && k[0] <= '9' {
			return nil, false, false
		}
		out.Set(k, n)
	}
	return out, true, true
}
