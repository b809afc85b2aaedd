package expression

import (
	"slices"

	"github.com/brume-dev/brume/item"
)

// The checks below need the placeholders' values. DynamoDB makes them in the order of the text and reports the first
// problem that it meets.

// function is what the checks know of a function.
type function struct {
	operands  int
	path      bool // the first operand must be a document path
	condition bool // may stand where a condition does
	operand   bool // may stand where a value does
	update    bool // of updates; else of conditions
}

var functions = map[string]function{
	"attribute_exists":     {operands: 1, path: true, condition: true},
	"attribute_not_exists": {operands: 1, path: true, condition: true},
	"attribute_type":       {operands: 2, path: true, condition: true},
	"begins_with":          {operands: 2, condition: true},
	"contains":             {operands: 2, condition: true},
	"size":                 {operands: 1, operand: true},
	"if_not_exists":        {operands: 2, path: true, operand: true, update: true},
	"list_append":          {operands: 2, operand: true, update: true},
	"+":                    {operands: 2, operand: true, update: true},
	"-":                    {operands: 2, operand: true, update: true},
}

// check makes all checks on b.
func (b *bound) check() error {
	if b.redundant {
		return b.kind.problem("The expression has redundant parentheses;")
	}
	if b.twice != "" {
		return b.kind.problem("The \"%s\" section can only be used once in an update expression;", b.twice)
	}
	if b.cond != nil {
		if err := b.checkNode(b.cond); err != nil {
			return err
		}
	}
	for i := range b.actions {
		if err := b.checkAction(&b.actions[i]); err != nil {
			return err
		}
	}
	for _, p := range b.paths {
		if err := b.checkPath(p); err != nil {
			return err
		}
	}
	return nil
}

func (b *bound) checkPath(p path) error {
	for i := range p {
		switch e := &p[i]; {
		case e.index >= 0:
		case e.alias < 0 && e.reserved:
			return b.kind.problem("Attribute name is a reserved keyword; reserved keyword: %s", e.name)
		case e.alias >= 0 && !b.names[e.alias].defined:
			return b.kind.problem("An expression attribute name used in the document path is not defined; attribute name: %s", b.aliases[e.alias])
		}
	}
	return nil
}

func (b *bound) checkNode(n *node) error {
	for _, sub := range n.subs {
		if err := b.checkNode(sub); err != nil {
			return err
		}
	}
	switch n.kind {
	case nodeAnd, nodeOr, nodeNot:
		return nil
	case nodeCall:
		return b.checkCall(n.op, n.args, true)
	}
	if n.kind == nodeIn && len(n.args)-1 > MaxInOperands {
		return b.kind.problem("The IN operator is provided with too many operands; number of operands: %d", len(n.args)-1)
	}
	ordered := n.kind == nodeBetween || n.op != "=" && n.op != "<>" && n.kind == nodeCompare
	for i := range n.args {
		if err := b.checkOperand(&n.args[i]); err != nil {
			return err
		}
		if v := b.constant(&n.args[i]); ordered && v.Kind() != item.None && !v.Kind().Ordered() {
			return b.operandType(n.op, v.Kind())
		}
	}
	if n.kind == nodeBetween {
		if err := b.checkBounds(b.constant(&n.args[1]), b.constant(&n.args[2])); err != nil {
			return err
		}
	}
	return b.checkDistinct(n.op, n.args)
}

// constant returns the value of an operand that is a :value, None for others.
func (b *bound) constant(o *operand) item.Value {
	if o.kind == operandValue {
		return b.vals[o.value]
	}
	return item.Value{}
}

func (b *bound) operandType(op string, k item.Kind) error {
	return b.kind.problem("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, k)
}

// checkBounds checks the bounds of BETWEEN that are both known.
func (b *bound) checkBounds(low, high item.Value) error {
	show := func(v item.Value) string { return "AttributeValue: {" + v.Kind().String() + ":" + v.Text() + "}" }
	switch {
	case low.Kind() == item.None || high.Kind() == item.None:
	case low.Kind() != high.Kind():
		return b.kind.problem("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: %s, upper bound operand: %s",
			show(low), show(high))
	case item.Compare(low, high) > 0:
		return b.kind.problem("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: %s, upper bound operand: %s",
			show(low), show(high))
	}
	return nil
}

// checkDistinct refuses operands that are the path that the first operand is.
func (b *bound) checkDistinct(op string, args []operand) error {
	if args[0].kind != operandPath {
		return nil
	}
	for i := range args[1:] {
		if o := &args[i+1]; o.kind == operandPath && b.same(o.path, args[0].path) {
			return b.kind.problem("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s",
				op, b.show(o.path))
		}
	}
	return nil
}

func (b *bound) checkOperand(o *operand) error {
	switch o.kind {
	case operandPath:
		return b.checkPath(o.path)
	case operandCall:
		return b.checkCall(o.op, o.args, false)
	}
	if b.vals[o.value].Kind() == item.None {
		return b.kind.problem("An expression attribute value used in expression is not defined; attribute value: %s", b.values[o.value])
	}
	return nil
}

// checkCall checks a function, an operator of updates included, that stands where a condition or a value does.
func (b *bound) checkCall(op string, args []operand, condition bool) error {
	f, known := functions[op]
	switch {
	case !known:
		return b.kind.problem("Invalid function name; function: %s", op)
	case f.update && b.kind != UpdateKind:
		return b.kind.problem("The function is not allowed in a condition expression; function: %s", op)
	case !f.update && b.kind == UpdateKind:
		return b.kind.problem("The function is not allowed in an update expression; function: %s", op)
	case condition && !f.condition || !condition && !f.operand:
		return b.kind.problem("The function is not allowed to be used this way in an expression; function: %s", op)
	case len(args) != f.operands:
		return b.kind.problem("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", op, len(args))
	}
	for i := range args {
		if err := b.checkOperand(&args[i]); err != nil {
			return err
		}
		if i == 0 && f.path && args[0].kind != operandPath {
			return b.kind.problem("Operator or function requires a document path; operator or function: %s", op)
		}
		if k := b.constant(&args[i]).Kind(); k != item.None && !takes(op, i, k) {
			return b.operandType(op, k)
		}
	}
	if op == "attribute_type" {
		if t := b.constant(&args[1]); t.Kind() != item.None && item.KindOf(t.Text()) == item.None {
			return b.kind.problem("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", t.Text())
		}
	}
	if condition {
		return b.checkDistinct(op, args)
	}
	return nil
}

// takes reports whether a function may have a :value of kind k as operand i.
func takes(op string, i int, k item.Kind) bool {
	switch op {
	case "attribute_type":
		return i == 0 || k == item.S
	case "begins_with":
		return k == item.S || k == item.B
	case "contains":
		return i == 1 || k != item.N && k != item.BOOL && k != item.NULL && k != item.M
	case "size":
		return k != item.N && k != item.BOOL && k != item.NULL
	case "list_append":
		return k == item.L
	case "+", "-":
		return k == item.N
	}
	return true
}

// typeNames are the names of datatypes in the errors of ADD and DELETE.
var typeNames = [...]string{item.S: "STRING", item.N: "NUMBER", item.B: "BINARY", item.BOOL: "BOOLEAN", item.NULL: "NULL",
	item.M: "MAP", item.L: "LIST", item.SS: "STRING_SET", item.NS: "NUMBER_SET", item.BS: "BINARY_SET"}

func isSet(k item.Kind) bool { return k == item.SS || k == item.NS || k == item.BS }

func (b *bound) checkAction(a *action) error {
	if err := b.checkPath(a.path); err != nil {
		return err
	}
	if a.kind == actionRemove {
		return nil
	}
	if err := b.checkOperand(&a.operand); err != nil {
		return err
	}
	if a.kind == actionSet {
		return nil
	}
	if k := b.constant(&a.operand).Kind(); !isSet(k) && (a.kind == actionDelete || k != item.N) {
		return b.kind.problem("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND",
			a.kind, typeNames[k], a.kind)
	}
	return nil
}

// attributes calls f for the first element of every path of a condition.
func (b *bound) attributes(n *node, f func(name string)) {
	for _, sub := range n.subs {
		b.attributes(sub, f)
	}
	var operands func([]operand)
	operands = func(os []operand) {
		for i := range os {
			if os[i].kind == operandPath {
				f(b.nameOf(&os[i].path[0]))
			}
			operands(os[i].args)
		}
	}
	operands(n.args)
}

// uses reports whether the expression has the placeholder.
func (t *tree) uses(placeholder string) bool {
	return slices.Contains(t.aliases, placeholder) || slices.Contains(t.values, placeholder)
}
