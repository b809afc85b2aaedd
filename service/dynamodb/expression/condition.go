package expression

import (
	"strings"
	"unicode/utf8"

	"github.com/brume-dev/brume/item"
)

// Condition is a condition or filter that can be asked of items. It is safe for concurrent use.
type Condition struct{ b *bound }

// Holds reports whether the condition is true of m; a nil m is the item that does not exist.
func (c *Condition) Holds(m item.Map) bool { return c.b.holds(c.b.cond, m) }

// Attributes returns the names of the top-level attributes that the condition reads, with repetitions.
func (c *Condition) Attributes() []string {
	var out []string
	c.b.attributes(c.b.cond, func(name string) { out = append(out, name) })
	return out
}

func (b *bound) holds(n *node, m item.Map) bool {
	switch n.kind {
	case nodeAnd:
		for _, sub := range n.subs {
			if !b.holds(sub, m) {
				return false
			}
		}
		return true
	case nodeOr:
		for _, sub := range n.subs {
			if b.holds(sub, m) {
				return true
			}
		}
		return false
	case nodeNot:
		return !b.holds(n.subs[0], m)
	case nodeCall:
		return b.calls(n, m)
	}
	first := b.value(&n.args[0], m)
	if first.Kind() == item.None {
		return n.op == "<>" // what is not there differs from everything
	}
	switch n.kind {
	case nodeCompare:
		return compares(n.op, first, b.value(&n.args[1], m))
	case nodeBetween:
		return compares(">=", first, b.value(&n.args[1], m)) && compares("<=", first, b.value(&n.args[2], m))
	}
	for i := range n.args[1:] {
		if item.Equal(first, b.value(&n.args[i+1], m)) {
			return true
		}
	}
	return false
}

// compares applies a comparator. Values of different types, or of types without an order, are in none.
func compares(op string, x, y item.Value) bool {
	switch op {
	case "=":
		return item.Equal(x, y)
	case "<>":
		return !item.Equal(x, y)
	}
	if x.Kind() != y.Kind() || !x.Kind().Ordered() {
		return false
	}
	c := item.Compare(x, y)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

// calls applies a function that is a condition.
func (b *bound) calls(n *node, m item.Map) bool {
	first := b.value(&n.args[0], m)
	switch n.op {
	case "attribute_exists":
		return first.Kind() != item.None
	case "attribute_not_exists":
		return first.Kind() == item.None
	}
	second := b.value(&n.args[1], m)
	switch n.op {
	case "attribute_type":
		return first.Kind() != item.None && first.Kind() == item.KindOf(second.Text())
	case "begins_with":
		return (first.Kind() == item.S || first.Kind() == item.B) && first.Kind() == second.Kind() &&
			strings.HasPrefix(first.Text(), second.Text())
	default: // contains
		return second.Kind() != item.None && item.Contains(first, second)
	}
}

// value returns what an operand of a condition is, None when it is not there.
func (b *bound) value(o *operand, m item.Map) item.Value {
	switch o.kind {
	case operandPath:
		return b.lookup(o.path, m)
	case operandValue:
		return b.vals[o.value]
	default: // size
		return size(b.value(&o.args[0], m))
	}
}

// lookup returns what lies at p in m, None when nothing does.
func (b *bound) lookup(p path, m item.Map) item.Value {
	v := m.Get(b.nameOf(&p[0]))
	for i := range p[1:] {
		e := &p[i+1]
		switch {
		case e.index < 0:
			v = v.Map().Get(b.nameOf(e))
		case e.index < len(v.List()):
			v = v.List()[e.index]
		default:
			return item.Value{}
		}
	}
	return v
}

// size is the function of that name: characters, bytes or elements. Numbers, booleans and NULL have no size.
func size(v item.Value) item.Value {
	switch v.Kind() {
	case item.S:
		return item.Int(int64(utf8.RuneCountInString(v.Text())))
	case item.B:
		return item.Int(int64(len(v.Text())))
	case item.M:
		return item.Int(int64(len(v.Map())))
	case item.L:
		return item.Int(int64(len(v.List())))
	case item.SS, item.NS, item.BS:
		return item.Int(int64(len(v.Members())))
	}
	return item.Value{}
}
