package partiql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/item"
	"github.com/brume-dev/brume/service/dynamodb/expression"
)

// Expressions are the expressions that say what a statement says, with their placeholders; nil ones are absent.
type Expressions struct {
	Condition, Update, Projection *string
	Names                         map[string]string
	Values                        item.Map
}

const noKey = expression.Problem("Where clause does not contain a mandatory equality on all key attributes")

// conjuncts are the conditions that must all hold.
func (st *Statement) conjuncts() []*node {
	var out []*node
	var walk func(n *node)
	walk = func(n *node) {
		if n.op == "AND" {
			for _, a := range n.args {
				walk(a)
			}
			return
		}
		out = append(out, n)
	}
	if st.where != nil {
		walk(st.where)
	}
	return out
}

// compares returns the operator and the values with which n compares the attribute; op is "" when it does something else.
// Equalities that OR joins are an IN.
func (n *node) compares(attribute string) (op string, values []item.Value) {
	args := n.args
	if op = n.op; op == "OR" {
		for _, a := range args {
			one, more := a.compares(attribute)
			if one != "=" && one != "IN" {
				return "", nil
			}
			values = append(values, more...)
		}
		return "IN", values
	}
	flipped := map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
	if flipped[op] != "" && len(args) == 2 && args[0].op == "value" {
		args, op = []*node{args[1], args[0]}, flipped[op]
	} else if flipped[op] == "" && op != "BETWEEN" && op != "begins_with" && op != "IN" {
		return "", nil
	}
	if len(args) < 2 || args[0].op != "path" || len(args[0].path) != 1 || args[0].path[0].Name != attribute {
		return "", nil
	}
	for _, a := range args[1:] {
		if a.op != "value" {
			return "", nil
		}
		values = append(values, a.value)
	}
	return op, values
}

// Key returns the key that the statement names by an equality for each of the key attributes, and as its Condition what
// else it demands.
func (st *Statement) Key(attributes ...string) (item.Map, Expressions, error) {
	rest := st.conjuncts()
	var key item.Map
	for _, name := range attributes {
		at := slices.IndexFunc(rest, func(n *node) bool { op, _ := n.compares(name); return op == "=" })
		if at < 0 {
			return nil, Expressions{}, noKey
		}
		_, values := rest[at].compares(name)
		key.Put(name, values[0])
		rest = slices.Delete(rest, at, at+1)
	}
	w := &writer{}
	e := Expressions{Condition: w.all(rest), Update: w.update(st.actions), Projection: w.columns(st.columns)}
	e.Names, e.Values = w.names, w.values
	return key, e, w.err
}

// Query is what a SELECT asks for.
type Query struct {
	// Hash are the values of the partition key, one list for each partition; nil: a scan.
	Hash [][]item.Value
	Sort expression.KeyCondition // the conditions on the sort key
	Desc bool
	Expressions
}

// Query takes a SELECT apart, on a table or index with the given key.
func (st *Statement) Query(hash, sort []string) (Query, error) {
	var q Query
	rest := st.conjuncts()
	take := func(name string, fits func(op string) bool) (op string, values []item.Value) {
		for i, n := range rest {
			if op, values = n.compares(name); op != "" && fits(op) {
				rest = slices.Delete(rest, i, i+1)
				return op, values
			}
		}
		return "", nil
	}
	all := slices.Clone(rest)
	one := make([]item.Value, 0, len(hash))
	for _, name := range hash {
		if op, values := take(name, func(op string) bool { return op == "=" || op == "IN" && len(hash) == 1 }); op == "=" {
			one = append(one, values[0])
		} else if op == "IN" {
			for _, v := range values {
				if !slices.ContainsFunc(q.Hash, func(h []item.Value) bool { return item.Equal(h[0], v) }) {
					q.Hash = append(q.Hash, []item.Value{v})
				}
			}
		}
	}
	if len(one) == len(hash) {
		q.Hash = [][]item.Value{one}
	}
	if len(q.Hash) > MaxPartitions {
		return q, expression.Problem(fmt.Sprintf("The IN operator is provided with too many operands; number of operands: %d", len(q.Hash)))
	}
	if q.Hash == nil {
		rest = all
	} else {
		for _, name := range sort {
			op, values := take(name, func(op string) bool { return op != "IN" })
			if op == "" {
				break
			}
			if q.Sort = append(q.Sort, expression.KeyPart{Attribute: name, Op: op, Values: values}); op != "=" {
				break
			}
		}
	}
	if err := q.setOrder(st.order, hash, sort); err != nil {
		return q, err
	}
	w := &writer{}
	q.Condition, q.Projection = w.all(rest), w.columns(st.columns)
	q.Names, q.Values = w.names, w.values
	return q, w.err
}

// setOrder takes ORDER BY: by the partition key, by the sort key, or by both.
func (q *Query) setOrder(by []order, hash, sort []string) error {
	if len(by) == 0 {
		return nil
	}
	if q.Hash == nil {
		return expression.Problem("Must have WHERE clause in the statement when using ORDER BY clause.")
	}
	for _, o := range by {
		switch {
		case len(sort) > 0 && o.name == sort[0]:
			q.Desc = o.desc
		case slices.Contains(hash, o.name):
			slices.SortStableFunc(q.Hash, func(a, b []item.Value) int {
				if a[0].Kind() != b[0].Kind() || !a[0].Kind().Ordered() {
					return 0
				}
				if o.desc {
					return item.Compare(b[0], a[0])
				}
				return item.Compare(a[0], b[0])
			})
		default:
			return expression.Problem("Variable reference " + o.name + " in ORDER BY clause must be part of the primary key")
		}
	}
	return nil
}

// Attributes are the names of the top-level attributes that the statement mentions.
func (st *Statement) Attributes() []string {
	var out []string
	add := func(p Path) {
		if len(p) > 0 {
			out = append(out, p[0].Name)
		}
	}
	var walk func(n *node)
	walk = func(n *node) {
		if n == nil {
			return
		}
		add(n.path)
		for _, a := range n.args {
			walk(a)
		}
	}
	for _, p := range st.columns {
		add(p)
	}
	for i := range st.actions {
		add(st.actions[i].path)
		walk(st.actions[i].value)
	}
	walk(st.where)
	if m, err := st.Item(); err == nil {
		for i := range m {
			out = append(out, m[i].Name)
		}
	}
	return out
}

// Leading returns the values with which the statement compares the attribute for equality, or that it inserts.
func (st *Statement) Leading(attribute string) []item.Value {
	if m, err := st.Item(); err == nil {
		return []item.Value{m.Get(attribute)}
	}
	for _, n := range st.conjuncts() {
		if op, values := n.compares(attribute); op == "=" || op == "IN" {
			return values
		}
	}
	return nil
}

// Whole reports whether a SELECT chooses all attributes.
func (st *Statement) Whole() bool { return st.columns == nil }

// writer writes expressions and collects their placeholders.
type writer struct {
	names  map[string]string
	values item.Map
	err    error
}

func (w *writer) name(s string) string {
	for alias, n := range w.names {
		if n == s {
			return alias
		}
	}
	if w.names == nil {
		w.names = map[string]string{}
	}
	alias := "#n" + strconv.Itoa(len(w.names))
	w.names[alias] = s
	return alias
}

func (w *writer) literal(v item.Value) string {
	alias := ":v" + strconv.Itoa(len(w.values))
	w.values.Put(alias, v)
	return alias
}

func (w *writer) path(p Path) string {
	var b strings.Builder
	for i, e := range p {
		switch {
		case e.Index >= 0:
			b.WriteString("[" + strconv.Itoa(e.Index) + "]")
		case i > 0:
			b.WriteString("." + w.name(e.Name))
		default:
			b.WriteString(w.name(e.Name))
		}
	}
	return b.String()
}

func (w *writer) columns(paths []Path) *string {
	if len(paths) == 0 {
		return nil
	}
	var parts []string
	for _, p := range paths {
		parts = append(parts, w.path(p))
	}
	s := strings.Join(parts, ", ")
	return &s
}

func (w *writer) all(conditions []*node) *string {
	if len(conditions) == 0 {
		return nil
	}
	var parts []string
	for _, n := range conditions {
		parts = append(parts, w.condition(n, len(conditions) > 1))
	}
	s := strings.Join(parts, " AND ")
	return &s
}

// condition writes a condition; inside says that it is a part of another.
func (w *writer) condition(n *node, inside bool) string {
	switch n.op {
	case "AND", "OR":
		var parts []string
		for _, a := range n.args {
			parts = append(parts, w.condition(a, true))
		}
		s := strings.Join(parts, " "+n.op+" ")
		if inside {
			return "(" + s + ")"
		}
		return s
	case "NOT":
		return "NOT " + w.condition(n.args[0], true)
	case "=", "<>", "<", "<=", ">", ">=":
		return w.operand(n.args[0]) + " " + n.op + " " + w.operand(n.args[1])
	case "BETWEEN":
		return w.operand(n.args[0]) + " BETWEEN " + w.operand(n.args[1]) + " AND " + w.operand(n.args[2])
	case "IN":
		var parts []string
		for _, a := range n.args[1:] {
			parts = append(parts, w.operand(a))
		}
		return w.operand(n.args[0]) + " IN (" + strings.Join(parts, ", ") + ")"
	case "MISSING":
		return "attribute_not_exists(" + w.operand(n.args[0]) + ")"
	case "NULL":
		return "attribute_type(" + w.operand(n.args[0]) + ", " + w.literal(item.String("NULL")) + ")"
	case "begins_with", "contains", "attribute_type":
		return w.operand(n)
	}
	w.fail("a condition is missing or %s is none", n.op)
	return ""
}

func (w *writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = malformed(format, args...)
	}
}

func (w *writer) operand(n *node) string {
	switch n.op {
	case "value":
		return w.literal(n.value)
	case "path":
		return w.path(n.path)
	case "+", "-":
		return w.operand(n.args[0]) + " " + n.op + " " + w.operand(n.args[1])
	case "begins_with", "contains", "attribute_type", "size", "list_append", "if_not_exists":
		var parts []string
		for _, a := range n.args {
			parts = append(parts, w.operand(a))
		}
		return n.op + "(" + strings.Join(parts, ", ") + ")"
	}
	w.fail("%s is no function of a value", n.op)
	return ""
}

// update writes the actions of an UPDATE, section by section.
func (w *writer) update(actions []action) *string {
	sections := map[string][]string{}
	add := func(section, text string) { sections[section] = append(sections[section], text) }
	for _, a := range actions {
		path := w.path(a.path)
		switch v := a.value; {
		case v == nil:
			add("REMOVE", path)
		case v.op == "set_add" || v.op == "set_delete":
			if len(v.args) != 2 || v.args[0].op != "path" || fmt.Sprint(v.args[0].path) != fmt.Sprint(a.path) || v.args[1].op != "value" {
				w.fail("%s takes the attribute that is set and a set", v.op)
				continue
			}
			section := "ADD"
			if v.op == "set_delete" {
				section = "DELETE"
			}
			add(section, path+" "+w.literal(v.args[1].value))
		default:
			add("SET", path+" = "+w.operand(v))
		}
	}
	var parts []string
	for _, section := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if texts := sections[section]; len(texts) > 0 {
			parts = append(parts, section+" "+strings.Join(texts, ", "))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	s := strings.Join(parts, " ")
	return &s
}
