package jsonata

import (
	"encoding/json"

	"github.com/brume-dev/brume/jsondoc"
)

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
