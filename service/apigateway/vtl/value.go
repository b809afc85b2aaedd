package vtl

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// reference is $name with what follows it.
type reference struct {
	name    string
	parts   []part
	quiet   bool   // $!name: nothing where there is no value
	slashes int    // backslashes before it
	source  string // as written
}

// part is .name, .name(args) or [index].
type part struct {
	name  string
	call  bool
	args  []expr
	index expr
}

func (ref *reference) eval(r *renderer) (any, error) {
	v := Normal(r.vars[ref.name])
	for i := range ref.parts {
		if v == nil {
			return nil, nil
		}
		var err error
		if v, err = ref.parts[i].of(r, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (p *part) of(r *renderer, v any) (any, error) {
	if l, ok := v.(lazy); ok {
		s, err := r.nested(l.body)
		if err != nil {
			return nil, err
		}
		v = s
	}
	switch {
	case p.index != nil:
		i, err := p.index.eval(r)
		if err != nil {
			return nil, err
		}
		return at(v, i), nil
	case !p.call:
		return property(v, p.name), nil
	}
	args := make([]any, len(p.args))
	for i, a := range p.args {
		arg, err := a.eval(r)
		if err != nil {
			return nil, err
		}
		args[i] = arg
	}
	out, err := invoke(v, p.name, args)
	if errors.Is(err, ErrNoMethod) {
		return nil, nil
	}
	if err == nil {
		err = bounded(out)
	}
	return Normal(out), err
}

// bounded refuses text that has grown too large, so that a template cannot fill the memory.
func bounded(v any) error {
	if s, ok := v.(string); ok && len(s) > MaxOutput {
		return fmt.Errorf("%w: a text of %d bytes", ErrLimit, len(s))
	}
	return nil
}

// assign sets the reference: a variable, a member of a map, or an element of a list.
func (ref *reference) assign(r *renderer, v any) error {
	if len(ref.parts) == 0 {
		r.vars[ref.name] = v
		return nil
	}
	holder := *ref
	holder.parts = ref.parts[:len(ref.parts)-1]
	h, err := holder.eval(r)
	if err != nil {
		return err
	}
	last := ref.parts[len(ref.parts)-1]
	var key any = last.name
	if last.index != nil {
		if key, err = last.index.eval(r); err != nil {
			return err
		}
	}
	switch h := h.(type) {
	case *jsondoc.Object:
		if !last.call {
			h.Set(Text(key), v)
		}
	case *jsondoc.Array:
		if i, ok := key.(int64); ok && i >= 0 && i < int64(len(h.Items)) {
			h.Items[i] = v
		}
	}
	return nil
}

// Normal turns what a document holds into what the language works with: numbers into int64 or float64.
func Normal(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil && strings.ContainsAny(string(n), ".eE") {
		return f
	}
	return string(n) // too large for a long: its digits
}

func at(v, i any) any {
	switch c := v.(type) {
	case *jsondoc.Array:
		n, ok := i.(int64)
		if !ok {
			return nil
		}
		if n < 0 {
			n += int64(len(c.Items))
		}
		if n < 0 || n >= int64(len(c.Items)) {
			return nil
		}
		return Normal(c.Items[n])
	case *jsondoc.Object:
		m, _ := c.Get(Text(i))
		return Normal(m)
	case Object:
		return property(c, Text(i))
	}
	return nil
}

func property(v any, name string) any {
	switch c := v.(type) {
	case *jsondoc.Object:
		if m, ok := c.Get(name); ok {
			return Normal(m)
		}
		if name == "empty" {
			return c.Len() == 0
		}
	case *jsondoc.Array:
		if name == "empty" {
			return len(c.Items) == 0
		}
	case string:
		if name == "empty" {
			return c == ""
		}
	case Object:
		if m, ok := c.Property(name); ok {
			return Normal(m)
		}
	}
	return nil
}

// truth is Velocity's: false and null are false, everything else is true.
func truth(v any) bool {
	b, ok := v.(bool)
	return v != nil && (!ok || b)
}

// elements are what a #foreach goes through: a list's elements, a map's values.
func elements(v any) []any {
	var out []any
	switch c := v.(type) {
	case *jsondoc.Array:
		for _, item := range c.Items {
			out = append(out, Normal(item))
		}
	case *jsondoc.Object:
		for _, m := range c.All() {
			out = append(out, Normal(m))
		}
	}
	return out
}

// same is ==: numbers by value, documents by content, values of different kinds by their text.
func same(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	x, ok1 := number(a)
	y, ok2 := number(b)
	if ok1 && ok2 {
		return x == y
	}
	return Text(a) == Text(b)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// less is a comparison of numbers; with anything else it is false, as Velocity has it.
func less(op string, a, b any) bool {
	x, ok1 := number(a)
	y, ok2 := number(b)
	if !ok1 || !ok2 {
		return false
	}
	switch op {
	case "<":
		return x < y
	case "<=":
		return x <= y
	case ">":
		return x > y
	default:
		return x >= y
	}
}

// arithmetic is + - * / %. Integers stay integers while they fit; a division by zero and operands that are no numbers
// give null; + joins text.
func arithmetic(op string, a, b any) any {
	_, text1 := a.(string)
	_, text2 := b.(string)
	if op == "+" && (text1 || text2) && a != nil && b != nil {
		return Text(a) + Text(b)
	}
	i, ok1 := a.(int64)
	j, ok2 := b.(int64)
	if ok1 && ok2 {
		return integers(op, i, j)
	}
	x, ok1 := number(a)
	y, ok2 := number(b)
	if !ok1 || !ok2 {
		return nil
	}
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	}
	if y == 0 {
		return nil
	}
	if op == "/" {
		return x / y
	}
	return math.Mod(x, y)
}

func integers(op string, i, j int64) any {
	switch op {
	case "+":
		return i + j
	case "-":
		return i - j
	case "*":
		return i * j
	}
	if j == 0 {
		return nil
	}
	if op == "/" {
		return i / j
	}
	return i % j
}

// Text is Java's toString of a value: [1, 2] for a list, {a=1} for a map, 1.0E10 for a large double.
func Text(v any) string {
	var b strings.Builder
	appendText(&b, v)
	return b.String()
}

func appendText(b *strings.Builder, v any) {
	switch v := Normal(v).(type) {
	case nil:
		b.WriteString("null")
	case string:
		b.WriteString(v)
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(double(v))
	case *jsondoc.Array:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			appendText(b, item)
		}
		b.WriteByte(']')
	case *jsondoc.Object:
		b.WriteByte('{')
		first := true
		for k, m := range v.All() {
			if !first {
				b.WriteString(", ")
			}
			first = false
			b.WriteString(k)
			b.WriteByte('=')
			appendText(b, m)
		}
		b.WriteByte('}')
	case entry:
		b.WriteString(v.key + "=")
		appendText(b, v.value)
	case interface{ String() string }:
		b.WriteString(v.String())
	}
}

// double is Java's Double.toString.
func double(f float64) string {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case abs == 0 || abs >= 1e-3 && abs < 1e7:
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent) // FormatFloat writes nothing else there
	return mantissa + "E" + strconv.Itoa(n)
}
