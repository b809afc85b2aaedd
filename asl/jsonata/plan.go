package jsonata

import "github.com/brume-dev/brume/jsondoc"

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
