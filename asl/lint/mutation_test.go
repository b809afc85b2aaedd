package lint

import (
	"encoding/json"

	"github.com/brume-dev/brume/jsondoc"
)

// mutations are the definitions that differ from one in a single place.
func mutations(definition string) []string {
	doc, err := jsondoc.ParseString(definition)
	if err != nil {
		return nil
	}
	var out []string
	add := func() { out = append(out, jsondoc.Text(doc)) }
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case *jsondoc.Object:
			for _, key := range append([]string(nil), v.Keys()...) {
				was, _ := v.Get(key)
				for _, other := range strange() {
					v.Set(key, other)
					add()
				}
				v.Set(key, was)
				walk(was)
				taken := v.Clone()
				v.Delete(key)
				add()
				*v = *taken
			}
		case *jsondoc.Array:
			for i, was := range v.Items {
				for _, other := range strange() {
					v.Items[i] = other
					add()
				}
				v.Items[i] = was
				walk(was)
			}
		}
	}
	walk(doc)
	return out
}

// strange are values that most fields cannot have.
func strange() []any {
	return []any{nil, true, "", "$.a", "$.a[*]", "$v", "{% 1 %}", "States.UUID()", json.Number("-1"), json.Number("0"), json.Number("1.5"), json.Number("1e12"), &jsondoc.Array{}, jsondoc.NewObject()}
}
