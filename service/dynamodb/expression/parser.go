package expression

import (
	"fmt"
	"slices"
	"strconv"
)

// Problem is what DynamoDB says of an expression, or of a request that uses one.
type Problem string

func (p Problem) Error() string { return string(p) }

// problem returns "Invalid UpdateExpression: …".
func (k Kind) problem(format string, args ...any) error {
	return Problem("Invalid " + k.String() + ": " + fmt.Sprintf(format, args...))
}

// parser reads one expression by recursive descent. Its grammar is that of the pages below; texts of errors are AWS's.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
type parser struct {
	src  string
	toks []token
	i    int
	tree *tree
	err  error
}

// parse parses an expression of the given kind.
func parse(kind Kind, src string) (*tree, error) {
	if len(src) > MaxBytes {
		return nil, kind.problem("Expression size has exceeded the maximum allowed size; expression size: %d", len(src))
	}
	p := &parser{src: src, toks: lex(src), tree: &tree{kind: kind}}
	if p.peek().kind == tokEOF {
		return nil, kind.problem("The expression can not be empty;")
	}
	switch kind {
	case UpdateKind:
		p.update()
	case ProjectionKind:
		p.projection()
	default:
		p.tree.cond = p.condition()
	}
	if p.peek().kind != tokEOF {
		p.syntax()
	}
	if p.err != nil {
		return nil, p.err
	}
	if p.tree.operators > MaxOperators {
		return nil, kind.problem("The expression contains too many operators; operator count: %d", MaxOperators+1)
	}
	return p.tree, nil
}

func (p *parser) peek() token { return p.toks[p.i] }

// next consumes a token; the end is never passed.
func (p *parser) next() token {
	t := p.toks[p.i]
	if t.kind != tokEOF {
		p.i++
	}
	return t
}

// is reports whether the next token is the given punctuation or keyword.
func (p *parser) is(text string) bool {
	t := p.peek()
	return (t.kind == tokPunctuation || t.kind == tokKeyword) && t.text == text
}

// accept consumes the given punctuation or keyword, if it is next.
func (p *parser) accept(text string) bool {
	if !p.is(text) {
		return false
	}
	p.next()
	return true
}

// expect consumes the given punctuation or fails.
func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.syntax()
	}
}

// syntax fails at the next token. "near" is the text from the token before it to the one after it.
func (p *parser) syntax() {
	if p.err != nil {
		return
	}
	t := p.peek()
	start, end := t.start, t.end
	if p.i > 0 {
		start = p.toks[p.i-1].start
		if t.kind == tokEOF {
			end = p.toks[p.i-1].end
		}
	}
	if p.i+1 < len(p.toks) && p.toks[p.i+1].kind != tokEOF {
		end = p.toks[p.i+1].end
	}
	shown := t.text
	if t.kind == tokKeyword {
		shown = p.src[t.start:t.end]
	}
	p.err = p.tree.kind.problem("Syntax error; token: \"%s\", near: \"%s\"", shown, p.src[start:end])
	p.i = len(p.toks) - 1
}

// path reads a document path.
func (p *parser) path() path {
	var out path
	for p.err == nil {
		switch t := p.peek(); t.kind {
		case tokName:
			out = append(out, nameElement(t.text))
		case tokAlias:
			out = append(out, element{name: t.text, alias: intern(&p.tree.aliases, t.text), index: -1})
		default:
			p.syntax()
			return nil
		}
		p.next()
		for p.accept("[") {
			out = append(out, p.index())
			p.expect("]")
		}
		if !p.accept(".") {
			break
		}
	}
	if len(out) > MaxPathDepth && p.err == nil {
		p.err = p.tree.kind.problem("The document path has too many nesting elements; nesting levels: %d", len(out))
	}
	return out
}

func (p *parser) index() element {
	t := p.peek()
	if t.kind != tokNumber {
		p.syntax()
		return element{}
	}
	p.next()
	n, err := strconv.ParseInt(t.text, 10, 32)
	if err != nil && p.err == nil {
		p.err = p.tree.kind.problem("List index is not within the allowable range; index: [%s]", t.text)
	}
	return element{alias: -1, index: int(n)}
}

// intern returns the place of s in list, where it puts it if it is not there.
func intern(list *[]string, s string) int {
	if i := slices.Index(*list, s); i >= 0 {
		return i
	}
	*list = append(*list, s)
	return len(*list) - 1
}

// value reads a :value.
func (p *parser) value() operand {
	t := p.peek()
	if t.kind != tokValue {
		p.syntax()
		return operand{}
	}
	p.next()
	return operand{kind: operandValue, value: intern(&p.tree.values, t.text)}
}

// operand reads a path, a value or a call. In parentheses it may be a sum (of updates).
func (p *parser) operand() operand {
	switch t := p.peek(); {
	case t.kind == tokValue:
		return p.value()
	case t.kind == tokName && p.toks[p.i+1].kind == tokPunctuation && p.toks[p.i+1].text == "(":
		return p.call()
	case p.is("("):
		return p.parenthesised()
	}
	return operand{kind: operandPath, path: p.path()}
}

func (p *parser) parenthesised() operand {
	p.next()
	double := p.is("(")
	var o operand
	if p.tree.kind == UpdateKind {
		o = p.sum()
	} else {
		o = p.operand()
	}
	p.close(double)
	return o
}

// close consumes the end of a parenthesis. double says that another one opened right after it: when that one also
// closed right before, ((a = b)) but not ((a = b) OR (c = d)), one of the two is redundant.
func (p *parser) close(double bool) {
	if double && p.err == nil && p.is(")") && p.wraps() {
		p.tree.redundant = true
	}
	p.expect(")")
}

// wraps reports whether the last token closes a parenthesis that opened right after another one.
func (p *parser) wraps() bool {
	depth := 0
	for i := p.i - 1; i >= 0; i-- {
		if p.toks[i].kind != tokPunctuation {
			if i == p.i-1 {
				return false
			}
			continue
		}
		switch p.toks[i].text {
		case ")":
			depth++
		case "(":
			depth--
		}
		if depth == 0 {
			return i < p.i-1 && i > 0 && p.toks[i-1].kind == tokPunctuation && p.toks[i-1].text == "("
		}
	}
	return false
}

// call reads a function and its operands.
func (p *parser) call() operand {
	o := operand{kind: operandCall, op: p.next().text}
	p.next()
	p.tree.operators++
	for p.err == nil {
		o.args = append(o.args, p.operand())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return o
}

func (p *parser) projection() {
	for p.err == nil {
		p.tree.paths = append(p.tree.paths, p.path())
		if !p.accept(",") {
			break
		}
	}
}

func (p *parser) update() {
	seen := [4]bool{}
	for p.err == nil && p.peek().kind != tokEOF {
		kind := actionKind(0)
		switch {
		case p.accept("SET"):
			kind = actionSet
		case p.accept("REMOVE"):
			kind = actionRemove
		case p.accept("ADD"):
			kind = actionAdd
		case p.accept("DELETE"):
			kind = actionDelete
		default:
			p.syntax()
			return
		}
		if seen[kind] && p.tree.twice == "" {
			p.tree.twice = kind.String()
		}
		seen[kind] = true
		for p.err == nil {
			p.tree.actions = append(p.tree.actions, p.action(kind))
			if !p.accept(",") {
				break
			}
		}
	}
}

func (p *parser) action(kind actionKind) action {
	a := action{kind: kind, path: p.path()}
	switch kind {
	case actionSet:
		p.expect("=")
		a.operand = p.sum()
	case actionAdd, actionDelete:
		p.tree.operators++
		a.operand = p.value()
	}
	return a
}

// sum reads an operand, or two with + or - between them.
func (p *parser) sum() operand {
	left := p.operand()
	for _, op := range [...]string{"+", "-"} {
		if p.accept(op) {
			p.tree.operators++
			return operand{kind: operandCall, op: op, args: []operand{left, p.operand()}}
		}
	}
	return left
}
