package partiql

import (
	"slices"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
)

// bind puts the parameters in and makes values of what is constant.
func (st *Statement) bind(params []item.Value) error {
	for i := range params {
		if text := params[i].Problem(item.Current); text != "" {
			return expression.Problem(text)
		}
	}
	roots := []*node{st.value, st.where}
	for i := range st.actions {
		roots = append(roots, st.actions[i].value)
	}
	for _, n := range roots {
		if n == nil {
			continue
		}
		if err := n.bind(params); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) bind(params []item.Value) error {
	for _, a := range n.args {
		if err := a.bind(params); err != nil {
			return err
		}
	}
	switch n.op {
	case "param":
		n.op, n.value = "value", params[n.param]
	case "list", "set", "map":
		return n.fold()
	}
	return nil
}

// fold makes a value of a list, set or map.
func (n *node) fold() error {
	if slices.ContainsFunc(n.args, func(a *node) bool { return a.op != "value" }) {
		return malformed("the members of a list, set or map must be values")
	}
	var v item.Value
	switch n.op {
	case "list":
		vs := make([]item.Value, len(n.args))
		for i, a := range n.args {
			vs[i] = a.value
		}
		v = item.List(vs...)
	case "map":
		var fields []item.Field
		for i := 0; i < len(n.args); i += 2 {
			fields = append(fields, item.F(n.args[i].value.Text(), n.args[i+1].value))
		}
		v = item.MapOf(item.NewMap(fields...))
	default:
		kind := item.None
		var members []string
		for _, a := range n.args {
			if kind == item.None {
				kind = a.value.Kind()
			} else if kind != a.value.Kind() {
				return malformed("the members of a set must be of one type")
			}
			members = append(members, a.value.Text())
		}
		sets := map[item.Kind]item.Kind{item.S: item.SS, item.N: item.NS, item.B: item.BS}
		if sets[kind] == item.None {
			return malformed("a set has strings, numbers or binaries")
		}
		var problem string
		if v, problem = item.Set(sets[kind], members...); problem != "" {
			return expression.Problem(problem)
		}
	}
	n.op, n.args, n.value = "value", nil, v
	return nil
}

// Item returns the item of an INSERT.
func (st *Statement) Item() (item.Map, error) {
	if st.value == nil || st.value.op != "value" || st.value.value.Kind() != item.M {
		return nil, malformed("the VALUE of an INSERT must be a map")
	}
	return st.value.value.Map(), nil
}
