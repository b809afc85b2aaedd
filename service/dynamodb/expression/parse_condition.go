package expression

// condition reads a condition: OR binds less than AND, AND less than NOT.
func (p *parser) condition() *node {
	n := p.or()
	if p.err == nil && n.kind == nodeCall && n.op == "" {
		p.syntax() // an operand alone
	}
	return n
}

func (p *parser) or() *node {
	return p.chain("OR", nodeOr, func() *node { return p.chain("AND", nodeAnd, p.not) })
}

// chain reads what parts are joined by the keyword op.
func (p *parser) chain(op string, kind nodeKind, part func() *node) *node {
	n := part()
	if !p.is(op) {
		return n
	}
	p.mustBeCondition(n)
	out := &node{kind: kind, op: op, subs: []*node{n}}
	for p.err == nil && p.accept(op) {
		sub := part()
		p.mustBeCondition(sub)
		out.subs = append(out.subs, sub)
	}
	return out
}

// mustBeCondition fails when n is an operand that nothing was done with.
func (p *parser) mustBeCondition(n *node) {
	if p.err == nil && n.kind == nodeCall && n.op == "" {
		p.syntax()
	}
}

func (p *parser) not() *node {
	if p.accept("NOT") {
		n := p.not()
		p.mustBeCondition(n)
		return &node{kind: nodeNot, op: "NOT", subs: []*node{n}}
	}
	return p.comparison()
}

// comparison reads a condition without AND, OR and NOT outside of parentheses. What turns out to be an operand alone,
// which is right only inside of parentheses, is a call without a name.
func (p *parser) comparison() *node {
	var left operand
	if p.is("(") {
		p.next()
		double := p.is("(")
		n := p.or()
		p.close(double)
		switch {
		case p.err != nil || n.kind != nodeCall || n.op != "" && !p.compares():
			return n
		case n.op != "":
			left = operand{kind: operandCall, op: n.op, args: n.args} // (size(a)) = :n
		default:
			left = n.args[0]
		}
	} else {
		left = p.operand()
	}
	return p.compared(left)
}

// compares reports whether the next token compares the operand before it.
func (p *parser) compares() bool {
	t := p.peek()
	return t.kind == tokPunctuation && isComparator(t.text) || p.is("BETWEEN") || p.is("IN")
}

// compared reads what follows the operand left.
func (p *parser) compared(left operand) *node {
	t := p.peek()
	switch {
	case p.err != nil:
	case t.kind == tokPunctuation && isComparator(t.text):
		p.next()
		p.tree.operators++
		return &node{kind: nodeCompare, op: t.text, args: []operand{left, p.operand()}}
	case p.accept("BETWEEN"):
		p.tree.operators++
		low := p.operand()
		p.expect("AND")
		return &node{kind: nodeBetween, op: "BETWEEN", args: []operand{left, low, p.operand()}}
	case p.accept("IN"):
		p.tree.operators++
		p.expect("(")
		n := &node{kind: nodeIn, op: "IN", args: []operand{left}}
		for p.err == nil {
			n.args = append(n.args, p.operand())
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
		return n
	case left.kind == operandCall:
		return &node{kind: nodeCall, op: left.op, args: left.args}
	case t.kind != tokPunctuation || t.text != ")":
		p.syntax()
	}
	return &node{kind: nodeCall, args: []operand{left}}
}

func isComparator(s string) bool {
	switch s {
	case "=", "<>", "<", "<=", ">", ">=":
		return true
	}
	return false
}
