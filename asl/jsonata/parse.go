package jsonata

import (
	"encoding/json"
	"slices"
	"strings"
)

// parsePlan reads an expression of the kind that plan.go evaluates, or returns nil. It reads JSONata's grammar and binding
// powers exactly, and gives up at whatever it does not know.
func parsePlan(text string) plan {
	p := &parser{rest: text}
	p.next()
	x := p.expression(0)
	if p.failed || p.token.kind != tokenEnd {
		return nil
	}
	return x
}

type kind uint8

const (
	tokenEnd kind = iota
	tokenOperator
	tokenName
	tokenVariable
	tokenString
	tokenQuoted // a name in `...`
	tokenNumber
)

type token struct {
	kind kind
	text string
}

type parser struct {
	rest   string
	token  token
	depth  int
	failed bool
}

// power is how strongly an infix operator binds (jsonata.js, operators).
var power = map[string]int{
	".": 75, "[": 80, "(": 80, "{": 70, "*": 60, "/": 60, "%": 60, "+": 50, "-": 50, "&": 50,
	"=": 40, "!=": 40, "<": 40, "<=": 40, ">": 40, ">=": 40, "and": 30, "or": 25, "?": 20,
}

// inherited are the names that every object has in JavaScript: looking one up finds a function.
var inherited = []string{"constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString",
	"toString", "valueOf", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"}

func (p *parser) fail() plan {
	p.failed = true
	p.token = token{}
	return nil
}

// next reads the token that follows; at what it does not know the parser fails.
func (p *parser) next() {
	p.rest = strings.TrimLeft(p.rest, " \t\n\r\v")
	if p.rest == "" || p.failed {
		p.token = token{}
		return
	}
	switch c := p.rest[0]; {
	case c == '"' || c == '\'':
		p.quoted(c, tokenString)
	case c == '`':
		p.quoted(c, tokenQuoted)
	case c >= '0' && c <= '9':
		p.number()
	case c == '$':
		n := nameLength(p.rest[1:])
		p.token = token{tokenVariable, p.rest[1 : 1+n]}
		p.rest = p.rest[1+n:]
		p.bounded()
		if n == 0 {
			p.fail()
		}
	case nameLength(p.rest) > 0:
		n := nameLength(p.rest)
		p.token = token{tokenName, p.rest[:n]}
		p.rest = p.rest[n:]
		p.bounded()
		if p.token.text == "and" || p.token.text == "or" {
			p.token.kind = tokenOperator
		} else if p.token.text == "in" {
			p.fail()
		}
	default:
		p.operator()
	}
}

// operators are all that the language has; those without power here, and comments, are not for plans.
var operators = []string{"/*", "..", ":=", "!=", "<=", ">=", "**", "~>", ".", "[", "]", "{", "}", "(", ")", ",", ":",
	"?", "+", "-", "*", "/", "%", "=", "<", ">", "&"}

func (p *parser) operator() {
	for _, op := range operators {
		if !strings.HasPrefix(p.rest, op) {
			continue
		}
		switch op {
		case "/*", "..", ":=", "**", "~>":
			p.fail()
			return
		}
		p.token = token{tokenOperator, op}
		p.rest = p.rest[len(op):]
		return
	}
	p.fail()
}

// bounded fails when a name goes on with a character that this parser does not take for one.
func (p *parser) bounded() {
	if p.rest != "" && (p.rest[0] >= 0x80 || strings.IndexByte("$`'\"\\#@;^~|!", p.rest[0]) >= 0 || p.rest[0] < ' ' &&
		strings.IndexByte("\t\n\r\v", p.rest[0]) < 0) {
		p.fail()
	}
}

func nameLength(s string) int {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || i > 0 && c >= '0' && c <= '9' {
			continue
		}
		return i
	}
	return len(s)
}

func (p *parser) quoted(quote byte, k kind) {
	end := strings.IndexByte(p.rest[1:], quote)
	if end < 0 || strings.IndexByte(p.rest[1:1+end], '\\') >= 0 {
		p.fail() // escapes are the engine's
		return
	}
	p.token = token{k, p.rest[1 : 1+end]}
	p.rest = p.rest[end+2:]
}

// number reads JSONata's numbers: those of JSON, without sign.
func (p *parser) number() {
	i := digits(p.rest, 0)
	if p.rest[0] == '0' {
		i = 1
	}
	if i < len(p.rest) && p.rest[i] == '.' {
		if j := digits(p.rest, i+1); j > i+1 {
			i = j
		}
	}
	if i < len(p.rest) && (p.rest[i] == 'e' || p.rest[i] == 'E') {
		j := i + 1
		if j < len(p.rest) && (p.rest[j] == '+' || p.rest[j] == '-') {
			j++
		}
		if k := digits(p.rest, j); k > j {
			i = k
		}
	}
	p.token = token{tokenNumber, p.rest[:i]}
	p.rest = p.rest[i:]
}

func digits(s string, from int) int {
	for from < len(s) && s[from] >= '0' && s[from] <= '9' {
		from++
	}
	return from
}

func (p *parser) take(op string) bool {
	if p.token.kind != tokenOperator || p.token.text != op {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(op string) {
	if !p.take(op) {
		p.fail()
	}
}

// expression is Pratt's: what binds more strongly than right belongs to it.
func (p *parser) expression(right int) plan {
	if p.depth++; p.depth > maxPlanDepth {
		return p.fail()
	}
	depth := p.depth
	left := p.prefix()
	for !p.failed && p.token.kind == tokenOperator && power[p.token.text] > right {
		if p.depth++; p.depth > maxPlanDepth { // chains nest to the left
			return p.fail()
		}
		left = p.infix(left)
	}
	p.depth = depth - 1
	return left
}

func (p *parser) prefix() plan {
	t := p.token
	p.next()
	switch t.kind {
	case tokenString:
		return literal{t.text}
	case tokenNumber:
		if _, ok := finite(json.Number(t.text)); !ok {
			return p.fail()
		}
		return literal{json.Number(t.text)}
	case tokenVariable:
		return p.variable(t.text)
	case tokenName:
		return p.constant(t.text)
	case tokenOperator:
		switch t.text {
		case "-":
			return p.negative()
		case "(":
			x := p.expression(0)
			p.expect(")")
			return group{x}
		case "{":
			return p.object()
		case "[":
			return p.array()
		}
	}
	return p.fail()
}

// group keeps a parenthesised expression from being taken for what is in it.
type group struct{ plan }

func (p *parser) constant(name string) plan {
	switch name {
	case "true":
		return literal{true}
	case "false":
		return literal{false}
	case "null":
		return literal{nil}
	}
	return p.fail() // a name that is looked up in nothing
}

func (p *parser) variable(name string) plan {
	if p.token.kind != tokenOperator || p.token.text != "(" {
		return &path{steps: []step{{name: name}}}
	}
	p.next()
	x := p.expression(0)
	p.expect(")")
	switch name {
	case "exists":
		return exists{x}
	case "not":
		return not{x}
	}
	return p.fail()
}

func (p *parser) negative() plan {
	x := p.expression(70)
	if n, ok := x.(literal); ok {
		f, isNumber := finite(n.v)
		if !isNumber || f == 0 {
			return p.fail()
		}
		return literal{numberOf(-f)}
	}
	return negation{x}
}

func (p *parser) infix(left plan) plan {
	op := p.token.text
	p.next()
	switch op {
	case ".":
		return p.step(left)
	case "[":
		return p.index(left)
	case "?":
		c := condition{test: left, then: p.expression(0)}
		if p.take(":") {
			c.otherwise = p.expression(0)
		}
		return c
	case "(", "{":
		return p.fail()
	}
	return &binary{op: op, lhs: left, rhs: p.expression(power[op])}
}

// step reads a name after a point, with the indices that belong to it.
func (p *parser) step(left plan) plan {
	to, ok := left.(*path)
	t := p.token
	if !ok || t.kind != tokenName && t.kind != tokenString && t.kind != tokenQuoted || slices.Contains(inherited, t.text) {
		return p.fail()
	}
	if t.kind == tokenName && (t.text == "true" || t.text == "false" || t.text == "null") {
		return p.fail()
	}
	p.next()
	to.steps = append(to.steps, step{name: t.text})
	return to
}

// index reads a literal index. Indices bind more strongly than points: they belong to the last step.
func (p *parser) index(left plan) plan {
	to, ok := left.(*path)
	sign := 1
	if p.take("-") {
		sign = -1
	}
	t := p.token
	if !ok || t.kind != tokenNumber || !plainInteger(t.text) || len(t.text) > 9 {
		return p.fail()
	}
	p.next()
	p.expect("]")
	n := 0
	for _, c := range t.text {
		n = 10*n + int(c-'0')
	}
	last := &to.steps[len(to.steps)-1]
	last.indices = append(last.indices, sign*n)
	return to
}

func (p *parser) object() plan {
	o := &objectPlan{}
	if p.take("}") {
		return o
	}
	for {
		t := p.token
		p.next()
		if t.kind != tokenString || slices.Contains(o.names, t.text) || slices.Contains(inherited, t.text) ||
			t.text != "" && t.text[0] >= '0' && t.text[0] <= '9' {
			return p.fail()
		}
		p.expect(":")
		o.names = append(o.names, t.text)
		o.values = append(o.values, p.expression(0))
		if p.failed {
			return nil
		}
		if p.take("}") {
			return o
		}
		p.expect(",")
	}
}

func (p *parser) array() plan {
	a := &arrayPlan{}
	if p.take("]") {
		return a
	}
	for {
		a.items = append(a.items, p.expression(0))
		if p.failed {
			return nil
		}
		if p.take("]") {
			return a
		}
		p.expect(",")
	}
}
