package jsonata

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/dop251/goja"

	"github.com/brume-dev/brume/jsondoc"
)

// bindings makes the variables that s reads.
func (e *engine) bindings(s *script, vars map[string]any) (goja.Value, error) {
	b := e.vm.NewObject()
	for _, name := range s.names {
		v, ok := vars[name]
		if !ok {
			continue
		}
		if err := b.Set(name, e.value(v)); err != nil {
			return nil, fmt.Errorf("jsonata: binding %s: %w", name, err)
		}
	}
	if s.states == nil {
		return b, nil
	}
	all, ok := vars["states"].(*jsondoc.Object)
	if !ok || len(s.states) == 0 {
		return b, nil
	}
	part := e.vm.NewObject()
	for _, name := range s.states {
		v, ok := all.Get(name)
		if !ok {
			continue
		}
		if err := part.Set(name, e.value(v)); err != nil {
			return nil, fmt.Errorf("jsonata: binding states: %w", err)
		}
	}
	return b, b.Set("states", part)
}

// value makes a JavaScript value of a document.
func (e *engine) value(v any) goja.Value {
	switch v := v.(type) {
	case nil:
		return goja.Null()
	case json.Number:
		return e.number(v)
	case *jsondoc.Array:
		items := make([]any, len(v.Items))
		for i, item := range v.Items {
			items[i] = e.value(item)
		}
		return e.vm.NewArray(items...)
	case *jsondoc.Object:
		o := e.vm.NewObject()
		for k, m := range v.All() {
			// Object.prototype has no accessors left (glue.js): Set cannot fail, and makes a member of any name.
			_ = o.Set(k, e.value(m))
		}
		return o
	default:
		return e.vm.ToValue(v)
	}
}

func (e *engine) number(n json.Number) goja.Value {
	if len(n) < 16 && plainInteger(string(n)) {
		i, _ := strconv.ParseInt(string(n), 10, 64)
		return e.vm.ToValue(i)
	}
	f, _ := strconv.ParseFloat(string(n), 64) // out of range is infinite, as in JSON.parse
	return e.vm.ToValue(f)
}

// document makes a document of what an evaluation returned.
func (e *engine) document(v goja.Value, depth int) (any, error) {
	if depth > jsondoc.MaxDepth {
		return nil, errDepth
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return e.scalar(v)
	}
	switch o.ClassName() {
	case "Function":
		return nil, errUnsupported
	case "Array":
		n := int(o.Get("length").ToInteger())
		a := &jsondoc.Array{Items: make([]any, n)}
		for i := range n {
			item, err := e.document(o.Get(strconv.Itoa(i)), depth+1)
			if err != nil {
				return nil, err
			}
			a.Items[i] = item
		}
		return a, nil
	}
	out := jsondoc.NewObject()
	for _, k := range o.Keys() {
		if k == "_jsonata_lambda" || k == "_jsonata_function" {
			return nil, errUnsupported
		}
		m := o.Get(k)
		if goja.IsUndefined(m) {
			continue
		}
		d, err := e.document(m, depth+1)
		if err != nil {
			return nil, err
		}
		out.Set(k, d)
	}
	return out, nil
}

func (e *engine) scalar(v goja.Value) (any, error) {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return nil, nil
	}
	switch x := v.Export().(type) {
	case bool:
		return x, nil
	case string:
		return x, nil
	case int64:
		return json.Number(strconv.FormatInt(x, 10)), nil
	case float64:
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return v.String(), nil // "Infinity": AWS has no better way to write 1/0 either
		}
		return json.Number(formatNumber(x)), nil
	}
	return nil, errUnsupported
}

// formatNumber writes a number as JavaScript does (ECMA-262, Number::toString; encoding/json follows it too).
func formatNumber(f float64) string {
	if f == 0 {
		return "0" // -0 too
	}
	b, err := json.Marshal(f)
	if err != nil {
		return "null" // callers have taken infinite ones out
	}
	return string(b)
}

// plainInteger reports whether s is an integer as JavaScript would write it.
func plainInteger(s string) bool {
	digits := s
	if s != "" && s[0] == '-' {
		digits = s[1:]
	}
	if digits == "" || digits[0] == '0' && s != "0" {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// TypeOf names the type of a document as AWS's messages do.
func TypeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		return "number"
	case *jsondoc.Array:
		return "array"
	default:
		return "object"
	}
}
