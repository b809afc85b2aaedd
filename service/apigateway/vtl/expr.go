package vtl

import (
	"strconv"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// expr is an expression; a nil value is Velocity's null.
type expr interface {
	eval(r *renderer) (any, error)
}

type (
	literal  struct{ v any }
	interp   struct{ body block } // "text with $references"
	listExpr []expr
	rangeOf  struct{ from, to expr }
	mapExpr  []struct{ key, value expr }
	notExpr  struct{ e expr }
	negative struct{ e expr }
	binary   struct {
		op   string
		a, b expr
	}
)

// levels are the binary operators from the weakest to the strongest, with their spellings.
var levels = [][]struct{ spelling, op string }{
	{{"||", "||"}, {"or", "||"}},
	{{"&&", "&&"}, {"and", "&&"}},
	{{"==", "=="}, {"!=", "!="}, {"eq", "=="}, {"ne", "!="}},
	{{"<=", "<="}, {">=", ">="}, {"<", "<"}, {">", ">"}, {"le", "<="}, {"ge", ">="}, {"lt", "<"}, {"gt", ">"}},
	{{"+", "+"}, {"-", "-"}},
	{{"*", "*"}, {"/", "/"}, {"%", "%"}},
}

func (p *parser) expression() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.errorf("nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	return p.level(0)
}

func (p *parser) level(n int) (expr, error) {
	if n == len(levels) {
		return p.unary()
	}
	left, err := p.level(n + 1)
	for err == nil {
		p.space()
		op := p.operator(n)
		if op == "" {
			return left, nil
		}
		var right expr
		if right, err = p.level(n + 1); err == nil {
			left = binary{op, left, right}
		}
	}
	return nil, err
}

func (p *parser) operator(n int) string {
	for _, o := range levels[n] {
		rest := p.rest()
		if !strings.HasPrefix(rest, o.spelling) {
			continue
		}
		if isLetter(o.spelling[0]) && len(rest) > len(o.spelling) && isName(rest[len(o.spelling)]) {
			continue
		}
		p.pos += len(o.spelling)
		return o.op
	}
	return ""
}

func (p *parser) unary() (expr, error) {
	p.space()
	not := p.peek() == '!' && !strings.HasPrefix(p.rest(), "!=")
	if not {
		p.pos++
	} else if strings.HasPrefix(p.rest(), "not") && len(p.rest()) > 3 && !isName(p.rest()[3]) {
		p.pos += 3
		not = true
	}
	if !not {
		return p.primary()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, p.errorf("nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	e, err := p.unary()
	return notExpr{e}, err
}

func (p *parser) primary() (expr, error) {
	switch c := p.peek(); {
	case c == '(':
		p.pos++
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(")") {
			return nil, p.errorf(") is missing")
		}
		return e, nil
	case c == '$':
		ref, err := p.reference()
		if err == nil && ref == nil {
			err = p.errorf("$ begins no reference")
		}
		return ref, err
	case c == '\'' || c == '"':
		return p.quoted(c)
	case c == '[':
		return p.list()
	case c == '{':
		return p.mapLiteral()
	case c == '-' && p.pos+1 < len(p.s) && p.s[p.pos+1] == '$':
		p.pos++
		ref, err := p.primary()
		return negative{ref}, err
	case isDigit(c) || c == '-':
		return p.number()
	}
	switch word := p.name(); word {
	case "true", "false":
		return literal{word == "true"}, nil
	case "null":
		return literal{nil}, nil
	default:
		p.pos -= len(word)
		return nil, p.errorf("a value is missing")
	}
}

// quoted reads a string. The quote itself is written twice; text in double quotes is rendered.
func (p *parser) quoted(q byte) (expr, error) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.s); i++ {
		if p.s[i] != q {
			b.WriteByte(p.s[i])
			continue
		}
		if i+1 < len(p.s) && p.s[i+1] == q {
			b.WriteByte(q)
			i++
			continue
		}
		p.pos = i + 1
		if q == '\'' || !strings.ContainsAny(b.String(), "$#") {
			return literal{b.String()}, nil
		}
		inner := &parser{s: b.String(), depth: p.depth}
		body, end, err := inner.block()
		if err != nil || end != "" {
			return nil, p.errorf("in a string: %v %s", err, end)
		}
		return interp{body}, nil
	}
	return nil, p.errorf("the string has no end")
}

func (p *parser) list() (expr, error) {
	p.pos++ // [
	start := p.pos
	p.space()
	if p.take("]") {
		return listExpr{}, nil
	}
	first, err := p.expression()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.take("..") {
		last, err := p.expression()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take("]") {
			return nil, p.errorf("] is missing")
		}
		return rangeOf{first, last}, nil
	}
	p.pos = start
	items, err := p.arguments("]", true)
	return listExpr(items), err
}

func (p *parser) mapLiteral() (expr, error) {
	p.pos++ // {
	var m mapExpr
	for {
		p.space()
		if p.take("}") {
			return m, nil
		}
		if len(m) > 0 && !p.take(",") {
			return nil, p.errorf("} or a comma is missing")
		}
		k, err := p.expression()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(":") {
			return nil, p.errorf(": is missing")
		}
		v, err := p.expression()
		if err != nil {
			return nil, err
		}
		m = append(m, struct{ key, value expr }{k, v})
	}
}

func (p *parser) number() (expr, error) {
	start := p.pos
	p.take("-")
	for isDigit(p.peek()) {
		p.pos++
	}
	isFloat := false
	if p.peek() == '.' && p.pos+1 < len(p.s) && isDigit(p.s[p.pos+1]) {
		isFloat = true
		for p.pos++; isDigit(p.peek()); p.pos++ {
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		at := p.pos
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if isDigit(p.peek()) {
			isFloat = true
			for isDigit(p.peek()) {
				p.pos++
			}
		} else {
			p.pos = at
		}
	}
	s := p.s[start:p.pos]
	if !isFloat {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return literal{n}, nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, p.errorf("%q is no number", s)
	}
	return literal{f}, nil
}

func (l literal) eval(*renderer) (any, error) { return l.v, nil }

func (s interp) eval(r *renderer) (any, error) { return r.nested(s.body) }

func (l listExpr) eval(r *renderer) (any, error) {
	a := &jsondoc.Array{Items: make([]any, 0, len(l))}
	for _, e := range l {
		v, err := e.eval(r)
		if err != nil {
			return nil, err
		}
		a.Items = append(a.Items, v)
	}
	return a, nil
}

func (x rangeOf) eval(r *renderer) (any, error) {
	a, err := x.from.eval(r)
	if err != nil {
		return nil, err
	}
	b, err := x.to.eval(r)
	if err != nil {
		return nil, err
	}
	from, ok1 := a.(int64)
	to, ok2 := b.(int64)
	if !ok1 || !ok2 {
		return nil, nil
	}
	step := int64(1)
	if to < from {
		step = -1
	}
	out := &jsondoc.Array{}
	for i := from; len(out.Items) <= MaxIterations; i += step {
		out.Items = append(out.Items, i)
		if i == to {
			break
		}
	}
	return out, nil
}

func (m mapExpr) eval(r *renderer) (any, error) {
	o := jsondoc.NewObject()
	for _, e := range m {
		k, err := e.key.eval(r)
		if err != nil {
			return nil, err
		}
		v, err := e.value.eval(r)
		if err != nil {
			return nil, err
		}
		o.Set(Text(k), v)
	}
	return o, nil
}

func (n notExpr) eval(r *renderer) (any, error) {
	v, err := n.e.eval(r)
	return !truth(v), err
}

func (n negative) eval(r *renderer) (any, error) {
	v, err := n.e.eval(r)
	if err != nil {
		return nil, err
	}
	return arithmetic("-", int64(0), v), nil
}

// source is how an expression without value is written: a reference, or null.
func source(e expr) any {
	if ref, ok := e.(*reference); ok {
		return ref.source
	}
	return nil
}

func (b binary) eval(r *renderer) (any, error) {
	x, err := b.a.eval(r)
	if err != nil {
		return nil, err
	}
	switch {
	case b.op == "&&" && !truth(x):
		return false, nil
	case b.op == "||" && truth(x):
		return true, nil
	}
	y, err := b.b.eval(r)
	if err != nil {
		return nil, err
	}
	switch b.op {
	case "&&", "||":
		return truth(y), nil
	case "==":
		return same(x, y), nil
	case "!=":
		return !same(x, y), nil
	case "<", "<=", ">", ">=":
		return less(b.op, x, y), nil
	}
	if b.op == "+" { // where one side is text, a reference without value stands for itself
		_, text1 := x.(string)
		_, text2 := y.(string)
		if x == nil && text2 {
			x = source(b.a)
		} else if y == nil && text1 {
			y = source(b.b)
		}
	}
	v := arithmetic(b.op, x, y)
	return v, bounded(v)
}
