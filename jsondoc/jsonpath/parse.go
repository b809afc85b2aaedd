package jsonpath

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxLength is the length of a path in bytes.
const MaxLength = 4096

// maxNesting bounds filters within filters.
const maxNesting = 32

// parser reads a path from left to right; pos is the next byte.
type parser struct {
	s     string
	pos   int
	depth int
}

// Compile parses a path. The error says where it goes wrong.
func Compile(path string) (*Path, error) {
	if len(path) > MaxLength {
		return nil, fmt.Errorf("jsonpath: longer than %d bytes", MaxLength)
	}
	p := &parser{s: path}
	if !p.take("$") {
		return nil, p.errorf("a path begins with $")
	}
	steps, fn, err := p.steps()
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.s) {
		return nil, p.errorf("unexpected %q", p.s[p.pos:])
	}
	return newPath(path, steps, fn), nil
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("jsonpath: %q at %d: %s", p.s, p.pos, fmt.Sprintf(format, args...))
}

func (p *parser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

func (p *parser) take(lit string) bool {
	if strings.HasPrefix(p.s[p.pos:], lit) {
		p.pos += len(lit)
		return true
	}
	return false
}

func (p *parser) space() {
	for p.pos < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.pos]) >= 0 {
		p.pos++
	}
}

// steps reads what follows $ or @, up to something that cannot continue a path.
func (p *parser) steps() ([]step, *function, error) {
	var steps []step
	for {
		var s step
		var err error
		switch {
		case p.take(".."):
			steps = append(steps, descend{})
			if p.peek() != '[' {
				s, err = p.name()
				break
			}
			if s, err = p.bracket(); err != nil {
				break
			}
			if f, ok := s.(filter); ok { // what holds an object is gone through too: each is asked once, by itself
				s = filter{f.p, true}
			}
		case p.take("."):
			if fn, ok := p.function(); ok {
				return eachOf(steps), fn, nil
			}
			s, err = p.name()
		case p.peek() == '[':
			s, err = p.bracket()
		default:
			return eachOf(steps), nil, nil
		}
		if err != nil {
			return nil, nil, err
		}
		steps = append(steps, s)
	}
}

// eachOf makes several names each select by itself where the path goes on after them.
func eachOf(steps []step) []step {
	for i := range max(len(steps)-1, 0) {
		if m, ok := steps[i].(members); ok && len(m) > 1 {
			steps[i] = each(m)
		}
	}
	return steps
}

// name reads a member name in dot notation, or *.
func (p *parser) name() (step, error) {
	if p.take("*") {
		return wildcard{}, nil
	}
	start, end := p.pos, " \t\r\n.[](),'\""
	if p.depth > 0 {
		end += "=!<>&|" // operators of the filter
	}
	for p.pos < len(p.s) {
		r, n := utf8.DecodeRuneInString(p.s[p.pos:])
		if strings.ContainsRune(end, r) {
			break
		}
		p.pos += n
	}
	if p.pos == start {
		return nil, p.errorf("a member name is missing")
	}
	return members{p.s[start:p.pos]}, nil
}

// function reads "length()" and its kind after a dot; it must end the path.
func (p *parser) function() (*function, bool) {
	rest := p.s[p.pos:]
	open := strings.IndexByte(rest, '(')
	if open <= 0 || !strings.HasPrefix(rest[open:], "()") {
		return nil, false
	}
	f, ok := functions[rest[:open]]
	if !ok {
		return nil, false
	}
	p.pos += open + 2
	return &function{name: rest[:open], apply: f}, true
}

func (p *parser) bracket() (step, error) {
	p.pos++ // [
	p.space()
	var s step
	var err error
	switch c := p.peek(); {
	case p.take("*"):
		s = wildcard{}
	case c == '?':
		p.pos++
		s, err = p.filter()
	case c == '\'' || c == '"':
		s, err = p.quotedNames()
	default:
		s, err = p.indices()
	}
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.take("]") {
		return nil, p.errorf("] is missing")
	}
	return s, nil
}

func (p *parser) quotedNames() (step, error) {
	var names members
	for {
		p.space()
		n, err := p.quoted()
		if err != nil {
			return nil, err
		}
		names = append(names, n)
		p.space()
		if !p.take(",") {
			return names, nil
		}
	}
}

func (p *parser) quoted() (string, error) {
	q := p.peek()
	if q != '\'' && q != '"' {
		return "", p.errorf("a quoted name is missing")
	}
	var b strings.Builder
	for i := p.pos + 1; i < len(p.s); i++ {
		switch c := p.s[i]; {
		case c == '\\' && i+1 < len(p.s):
			i++
			switch p.s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			default:
				b.WriteByte(p.s[i])
			}
		case c == q:
			p.pos = i + 1
			return b.String(), nil
		default:
			b.WriteByte(c)
		}
	}
	return "", p.errorf("the string has no end")
}

// indices reads 0 | 0,1,2 | a:b | a: | :b | : and a step "a:b:c", which Jayway refuses too.
func (p *parser) indices() (step, error) {
	end := strings.IndexByte(p.s[p.pos:], ']')
	if end < 0 {
		return nil, p.errorf("] is missing")
	}
	text := strings.TrimSpace(p.s[p.pos : p.pos+end])
	fail := func() (step, error) { return nil, p.errorf("%q is no index", text) }
	if from, to, ok := strings.Cut(text, ":"); ok {
		var s slice
		var err1, err2 error
		s.from, err1 = optionalInt(from)
		s.to, err2 = optionalInt(to)
		if err1 != nil || err2 != nil {
			return fail()
		}
		p.pos += end
		return s, nil
	}
	var out indexes
	for _, part := range strings.Split(text, ",") {
		i, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil {
			return fail()
		}
		out = append(out, i)
	}
	p.pos += end
	return out, nil
}

func optionalInt(s string) (*int, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	i, err := strconv.Atoi(s)
	return &i, err
}

// filter reads (expression) after ?.
func (p *parser) filter() (step, error) {
	p.space()
	if !p.take("(") {
		return nil, p.errorf("( is missing")
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.take(")") {
		return nil, p.errorf(") is missing")
	}
	return filter{e, false}, nil
}

func (p *parser) or() (predicate, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.errorf("nested too deeply")
	}
	defer func() { p.depth-- }()
	left, err := p.and()
	for err == nil {
		p.space()
		if !p.take("||") {
			return left, nil
		}
		var right predicate
		if right, err = p.and(); err == nil {
			left = either{left, right}
		}
	}
	return nil, err
}

func (p *parser) and() (predicate, error) {
	left, err := p.not()
	for err == nil {
		p.space()
		if !p.take("&&") {
			return left, nil
		}
		var right predicate
		if right, err = p.not(); err == nil {
			left = both{left, right}
		}
	}
	return nil, err
}

func (p *parser) not() (predicate, error) {
	p.space()
	if p.peek() == '!' {
		p.pos++
		if p.depth++; p.depth > maxNesting {
			return nil, p.errorf("nested too deeply")
		}
		defer func() { p.depth-- }()
		e, err := p.not()
		return negation{e}, err
	}
	if p.take("(") {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(")") {
			return nil, p.errorf(") is missing")
		}
		return e, nil
	}
	return p.comparison()
}

// operators in the order in which they are tried: longer ones first.
var operators = []string{"===", "!==", "==", "!=", "=~", "<=", ">=", "<", ">",
	"in", "nin", "subsetof", "anyof", "noneof", "contains", "size", "empty"}

func (p *parser) comparison() (predicate, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.space()
	for _, op := range operators {
		rest := p.s[p.pos:]
		if !strings.HasPrefix(rest, op) {
			continue
		}
		if isWord(op) && len(rest) > len(op) && strings.IndexByte(" \t'\"[$@(", rest[len(op)]) < 0 {
			continue
		}
		p.pos += len(op)
		p.space()
		right, err := p.operand()
		if err != nil {
			return nil, err
		}
		return compare{left: left, op: op, right: right}, nil
	}
	if ref, ok := left.(reference); ok {
		return exists{ref}, nil
	}
	return nil, p.errorf("an operator is missing")
}

func isWord(op string) bool { return op[0] >= 'a' && op[0] <= 'z' }

func (p *parser) operand() (operand, error) {
	p.space()
	switch c := p.peek(); {
	case c == '@' || c == '$':
		p.pos++
		steps, fn, err := p.steps()
		if err != nil {
			return nil, err
		}
		return reference{root: c == '$', path: newPath("", steps, fn)}, nil
	case c == '\'' || c == '"':
		s, err := p.quoted()
		return literal{s}, err
	case c == '/':
		return p.regex()
	case c == '[':
		return p.list()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case p.take("true"):
		return literal{true}, nil
	case p.take("false"):
		return literal{false}, nil
	case p.take("null"):
		return literal{nil}, nil
	}
	return nil, p.errorf("a value is missing")
}

func (p *parser) number() (operand, error) {
	start := p.pos
	for p.pos < len(p.s) && strings.IndexByte("+-.eE0123456789", p.s[p.pos]) >= 0 {
		p.pos++
	}
	text := p.s[start:p.pos]
	if !json.Valid([]byte(text)) {
		return nil, p.errorf("%q is no number", text)
	}
	return literal{json.Number(text)}, nil
}

func (p *parser) list() (operand, error) {
	p.pos++ // [
	if p.depth++; p.depth > maxNesting {
		return nil, p.errorf("nested too deeply")
	}
	defer func() { p.depth-- }()
	var items list
	for p.space(); !p.take("]"); p.space() {
		if len(items) > 0 && !p.take(",") {
			return nil, p.errorf(", is missing")
		}
		v, err := p.operand()
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	return items, nil
}

func (p *parser) regex() (operand, error) {
	for i := p.pos + 1; i < len(p.s); i++ {
		if p.s[i] == '\\' {
			i++
			continue
		}
		if p.s[i] != '/' {
			continue
		}
		text := strings.ReplaceAll(p.s[p.pos+1:i], `\/`, "/")
		p.pos = i + 1
		if p.take("i") {
			text = "(?i)" + text
		}
		re, err := regexp.Compile("^(?:" + text + ")$") // Jayway matches the whole value
		if err != nil {
			return nil, p.errorf("%v", err)
		}
		return pattern{re}, nil
	}
	return nil, p.errorf("the expression has no end")
}
