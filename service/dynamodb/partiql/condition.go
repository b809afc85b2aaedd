package partiql

import (
	"strings"

	"github.com/brume-dev/brume/item"
)

// deeper guards recursion.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxDepth {
		p.fail(malformed("too deeply nested"))
	}
	return func() { p.depth-- }
}

func (p *parser) or() *node  { return p.chain("OR", p.and) }
func (p *parser) and() *node { return p.chain("AND", p.not) }

func (p *parser) chain(op string, part func() *node) *node {
	defer p.deeper()()
	n := part()
	if !p.isWord(op) {
		return n
	}
	out := &node{op: op, args: []*node{n}}
	for p.err == nil && p.word(op) {
		out.args = append(out.args, part())
	}
	return out
}

func (p *parser) not() *node {
	defer p.deeper()()
	if p.word("NOT") {
		return &node{op: "NOT", args: []*node{p.not()}}
	}
	return p.comparison()
}

// comparison reads a condition without AND, OR and NOT outside of parentheses.
func (p *parser) comparison() *node {
	var left *node
	if p.accept("(") {
		n := p.or()
		p.must(")")
		if !n.isOperand() {
			return n
		}
		left = n
	} else {
		left = p.sum()
	}
	negated := p.isWord("NOT")
	if negated {
		p.next()
	}
	n := p.compared(left)
	if negated {
		return &node{op: "NOT", args: []*node{n}}
	}
	return n
}

// compared reads what follows the operand of a condition. A function alone is a condition too.
func (p *parser) compared(left *node) *node {
	t := p.peek()
	if t.kind == tokSign {
		switch op := t.text; op {
		case "=", "<>", "!=", "<", "<=", ">", ">=":
			p.next()
			if op == "!=" {
				op = "<>"
			}
			return &node{op: op, args: []*node{left, p.sum()}}
		}
	}
	switch {
	case p.word("BETWEEN"):
		low := p.sum()
		p.mustWord("AND")
		return &node{op: "BETWEEN", args: []*node{left, low, p.sum()}}
	case p.word("IN"):
		return &node{op: "IN", args: append([]*node{left}, p.members()...)}
	case p.word("IS"):
		not := p.word("NOT")
		n := &node{op: "NULL", args: []*node{left}}
		if p.word("MISSING") {
			n.op = "MISSING"
		} else {
			p.mustWord("NULL")
		}
		if not {
			return &node{op: "NOT", args: []*node{n}}
		}
		return n
	}
	return left
}

// members reads the list of IN, in brackets of either kind.
func (p *parser) members() []*node {
	end := ")"
	if p.accept("[") {
		end = "]"
	} else {
		p.must("(")
	}
	return p.list(end)
}

// list reads values up to the sign end.
func (p *parser) list(end string) []*node {
	var out []*node
	for p.err == nil && !p.accept(end) {
		if len(out) > 0 {
			p.must(",")
		}
		out = append(out, p.sum())
	}
	return out
}

// sum reads a value, or several with + or - between them.
func (p *parser) sum() *node {
	n := p.value()
	for p.err == nil {
		switch {
		case p.accept("+"):
			n = &node{op: "+", args: []*node{n, p.value()}}
		case p.accept("-"):
			n = &node{op: "-", args: []*node{n, p.value()}}
		default:
			return n
		}
	}
	return n
}

// value reads a literal, a parameter, a path or a call.
func (p *parser) value() *node {
	defer p.deeper()()
	t := p.peek()
	switch {
	case t.kind == tokString:
		p.next()
		return constant(item.String(t.text))
	case t.kind == tokNumber:
		p.next()
		return p.number(t.text)
	case p.accept("-"):
		return p.number("-" + p.next().text)
	case p.accept("+"):
		return p.number(p.next().text)
	case p.accept("?"):
		p.params++
		return &node{op: "param", param: p.params - 1}
	case p.accept("["):
		return &node{op: "list", args: p.list("]")}
	case p.accept("<<"):
		return &node{op: "set", args: p.list(">>")}
	case p.accept("{"):
		return p.fields()
	case p.word("TRUE"):
		return constant(item.Bool(true))
	case p.word("FALSE"):
		return constant(item.Bool(false))
	case p.word("NULL"):
		return constant(item.Null())
	case (t.kind == tokWord || t.kind == tokQuoted) && p.toks[p.i+1].text == "(" && p.toks[p.i+1].kind == tokSign:
		p.next()
		p.next()
		return &node{op: strings.ToLower(t.text), args: p.list(")")}
	}
	return &node{op: "path", path: p.path()}
}

func constant(v item.Value) *node { return &node{op: "value", value: v} }

func (p *parser) number(text string) *node {
	v, problem := item.Number(text)
	if problem != "" {
		p.fail(malformed("%s", problem))
	}
	return constant(v)
}

// fields reads a map after its brace.
func (p *parser) fields() *node {
	n := &node{op: "map"}
	for p.err == nil && !p.accept("}") {
		if len(n.args) > 0 {
			p.must(",")
		}
		t := p.next()
		if t.kind != tokString && t.kind != tokQuoted {
			p.i--
			p.unexpected("a name in quotes")
			break
		}
		p.must(":")
		n.args = append(n.args, constant(item.String(t.text)), p.sum())
	}
	return n
}

// isOperand reports whether n is a value rather than a condition.
func (n *node) isOperand() bool {
	switch n.op {
	case "value", "path", "param", "list", "set", "map", "+", "-", "size":
		return true
	}
	return false
}
