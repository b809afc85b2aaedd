package expression

import (
	"strconv"
	"strings"

	"github.com/brume-dev/brume/item"
)

// Kind is which of a request's expressions something is; its name begins the texts of errors.
type Kind uint8

// The kinds of expressions.
const (
	ConditionKind Kind = iota
	FilterKind
	KeyConditionKind
	UpdateKind
	ProjectionKind
)

// String returns the name of the request parameter.
func (k Kind) String() string {
	return [...]string{"ConditionExpression", "FilterExpression", "KeyConditionExpression", "UpdateExpression",
		"ProjectionExpression"}[k]
}

// tree is an expression as it was parsed: placeholders are not yet replaced, so that one tree serves every request with
// the same text. It never changes.
type tree struct {
	kind    Kind
	cond    *node    // condition, filter, key condition
	actions []action // update, in the order of the text
	paths   []path   // projection

	aliases   []string // the #names used, each once
	values    []string // the :values used, each once
	redundant bool     // ((a = b))
	operators int
	twice     string // the keyword of an update section that comes twice
}

// nodeKind is what a node of a condition does.
type nodeKind uint8

const (
	nodeAnd nodeKind = iota
	nodeOr
	nodeNot
	nodeCompare // op, two operands
	nodeBetween // three operands
	nodeIn      // the first operand and those it is compared with
	nodeCall    // a function, or what is used as one: op is its name
)

// node is a condition.
type node struct {
	kind nodeKind
	op   string // "=", "<", "BETWEEN", "attribute_exists"; "AND", "OR", "NOT"
	subs []*node
	args []operand
}

// operandKind says which fields of an operand count.
type operandKind uint8

const (
	operandPath operandKind = iota
	operandValue
	operandCall // a function, or + or -: op and args
)

// operand is what conditions compare and updates assign.
type operand struct {
	kind  operandKind
	path  path
	value int // index in the values
	op    string
	args  []operand
}

// path is a document path.
type path []element

// element is a step of a path: a name, an alias for one, or an index in a list.
type element struct {
	name     string
	alias    int // index in the aliases; -1: name is the name itself
	index    int // -1: not an index
	reserved bool
}

func nameElement(name string) element {
	return element{name: name, alias: -1, index: -1, reserved: isReserved(name)}
}

// actionKind is the section that an action of an update stands in.
type actionKind uint8

const (
	actionSet actionKind = iota
	actionRemove
	actionAdd
	actionDelete
)

func (k actionKind) String() string { return [...]string{"SET", "REMOVE", "ADD", "DELETE"}[k] }

// action is a part of an update: path = operand, path, or path operand.
type action struct {
	kind    actionKind
	path    path
	operand operand
	lenient bool // made of AttributeUpdates, whose values may be of other types
}

// bound is a tree with the placeholders of one request.
type bound struct {
	*tree
	names []boundName  // by alias
	vals  []item.Value // by value; None: not defined
}

// boundName is what an alias stands for.
type boundName struct {
	name    string
	defined bool
}

// nameOf returns the attribute name that e stands for.
func (b *bound) nameOf(e *element) string {
	if e.alias >= 0 {
		return b.names[e.alias].name
	}
	return e.name
}

// show renders a path as errors do: [a, b, [0]].
func (b *bound) show(p path) string {
	var s strings.Builder
	s.WriteByte('[')
	for i := range p {
		if i > 0 {
			s.WriteString(", ")
		}
		if p[i].index >= 0 {
			s.WriteString("[" + strconv.Itoa(p[i].index) + "]")
		} else {
			s.WriteString(b.nameOf(&p[i]))
		}
	}
	s.WriteByte(']')
	return s.String()
}

// same reports whether two paths name the same place.
func (b *bound) same(p, q path) bool {
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if !b.sameElement(&p[i], &q[i]) {
			return false
		}
	}
	return true
}

func (b *bound) sameElement(x, y *element) bool {
	if x.index >= 0 || y.index >= 0 {
		return x.index == y.index
	}
	return b.nameOf(x) == b.nameOf(y)
}
