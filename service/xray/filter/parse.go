package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxDepth bounds how deeply an expression nests.
const maxDepth = 100

// Parse reads an expression. An error says in words what cannot be read, or what of the language is not here: the
// keywords that ask for root causes.
//
//	expression = and {"OR" and}
//	and        = not {["AND"] not}
//	not        = ("!" | "NOT") not | primary
//	primary    = "(" expression ")" | "service" "(" [who] ")" [filter] | "edge" "(" [who "," who] ")" [filter] | term
//	filter     = "{" expression "}"
//	who        = string | "id" "(" attribute ":" string {"," attribute ":" string} ")"
//	attribute  = "name" | "type" | "account.id"
//	term       = keyword [operator value]
//	keyword    = name {"." name} | "annotation" "[" key "]"
func Parse(s string) (*Expression, error) {
	p := &parser{rest: s, whole: s}
	c, err := p.or()
	if err == nil && p.space() != "" {
		err = p.fail("unexpected %s", p.next())
	}
	if err != nil {
		return nil, err
	}
	return &Expression{c}, nil
}

type parser struct {
	whole, rest string
	depth       int
	inside      string // "service" or "edge" within the braces of one
}

func (p *parser) fail(format string, args ...any) error {
	return fmt.Errorf("%s at position %d", fmt.Sprintf(format, args...), len(p.whole)-len(p.rest)+1)
}

// next names what comes next, for error messages.
func (p *parser) next() string {
	if p.space() == "" {
		return "end of expression"
	}
	if w := word(p.rest); w != "" {
		return strconv.Quote(w)
	}
	for _, r := range p.rest {
		return strconv.QuoteRune(r)
	}
	return ""
}

func (p *parser) space() string {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	return p.rest
}

// take consumes a symbol if it comes next.
func (p *parser) take(symbol string) bool {
	rest, ok := strings.CutPrefix(p.space(), symbol)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *parser) want(symbol string) error {
	if !p.take(symbol) {
		return p.fail("expected %q but found %s", symbol, p.next())
	}
	return nil
}

// takeWord consumes a word, in any case, if it comes next.
func (p *parser) takeWord(w string) bool {
	got := word(p.space())
	if !strings.EqualFold(got, w) {
		return false
	}
	p.rest = p.rest[len(got):]
	return true
}

// word is the word that s begins with.
func word(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return !isWord(r) })
	if end < 0 {
		return s
	}
	return s[:end]
}

func isWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-'
}

func (p *parser) or() (condition, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("nested too deeply")
	}
	defer func() { p.depth-- }()
	a, err := p.and()
	for err == nil && p.takeWord("OR") {
		var b condition
		if b, err = p.and(); err == nil {
			a = or{a, b}
		}
	}
	return a, err
}

func (p *parser) and() (condition, error) {
	a, err := p.not()
	for err == nil {
		explicit := p.takeWord("AND")
		if !explicit && p.ends() {
			return a, nil
		}
		var b condition
		if b, err = p.not(); err == nil {
			a = and{a, b}
		}
	}
	return nil, err
}

// ends reports whether what comes next cannot begin another condition.
func (p *parser) ends() bool {
	s := p.space()
	return s == "" || strings.ContainsRune(")},", rune(s[0])) || strings.EqualFold(word(s), "OR")
}

func (p *parser) not() (condition, error) {
	negated := false
	for p.take("!") || p.takeWord("NOT") {
		negated = !negated
	}
	c, err := p.primary()
	if err == nil && negated {
		c = not{c}
	}
	return c, err
}

func (p *parser) primary() (condition, error) {
	switch {
	case p.take("("):
		c, err := p.or()
		if err == nil {
			err = p.want(")")
		}
		return c, err
	case p.takeWord("service"):
		return p.service()
	case p.takeWord("edge"):
		return p.edge()
	case strings.EqualFold(word(p.space()), "annotation") && strings.HasPrefix(p.rest[len("annotation"):], "["):
		p.rest = p.rest[len("annotation["):]
		key, rest, ok := strings.Cut(p.rest, "]")
		if key = strings.Trim(strings.TrimSpace(key), `"'`); !ok || key == "" {
			return nil, p.fail("annotation[ is not followed by a key and ]")
		}
		p.rest = rest
		return p.annotation(key)
	}
	w := word(p.space())
	if w == "" {
		return nil, p.fail("expected a keyword but found %s", p.next())
	}
	if key, ok := strings.CutPrefix(w, "annotation."); ok && key != "" {
		p.rest = p.rest[len(w):]
		return p.annotation(key)
	}
	return p.keyword(strings.ToLower(w), len(w))
}

func (p *parser) keyword(w string, length int) (condition, error) {
	if get := booleans(w); get != nil {
		p.rest = p.rest[length:]
		return p.boolean(get)
	}
	if get := numbers(w); get != nil {
		p.rest = p.rest[length:]
		op, err := p.operator(w, equal, unequal, less, lessEqual, more, moreEqual)
		if err != nil {
			return nil, err
		}
		v, err := p.number()
		return number{get, op, v}, err
	}
	if slices.Contains(keywords(), Keyword(w)) {
		p.rest = p.rest[length:]
		op, err := p.operator(w, equal, unequal, contains, beginsWith, endsWith)
		if err != nil {
			return nil, err
		}
		v, err := p.string()
		return text{Keyword(w), op, v}, err
	}
	switch first, _, _ := strings.Cut(w, "."); {
	case slices.Contains([]string{"first", "last", "remote", "root", "index", "coverage", "entity", "rootcause", "client_impacting"}, first),
		strings.Contains(w, "rootcause"):
		return nil, p.fail("keyword %q asks for root causes, which this X-Ray does not analyze", w)
	}
	return nil, p.fail("unknown keyword %q", w)
}

func booleans(w string) func(*Facts) bool {
	switch w {
	case "ok":
		return func(f *Facts) bool { return f.OK }
	case "error":
		return func(f *Facts) bool { return f.Error }
	case "throttle":
		return func(f *Facts) bool { return f.Throttle }
	case "fault":
		return func(f *Facts) bool { return f.Fault }
	case "partial":
		return func(f *Facts) bool { return f.Partial }
	case "inferred":
		return func(f *Facts) bool { return f.Inferred }
	}
	return nil
}

func numbers(w string) func(*Facts) (float64, bool) {
	switch w {
	case "responsetime":
		return func(f *Facts) (float64, bool) { return f.ResponseTime, true }
	case "duration":
		return func(f *Facts) (float64, bool) { return f.Duration, true }
	case "http.status":
		return func(f *Facts) (float64, bool) { return float64(f.Status), f.Status != 0 }
	}
	return nil
}

func (p *parser) boolean(get func(*Facts) bool) (condition, error) {
	op := p.peekOperator()
	if op == "" {
		return flag(get), nil
	}
	if op != equal && op != unequal {
		return nil, p.fail("operator %s does not apply to a boolean keyword", op)
	}
	p.takeOperator(op)
	v, err := p.bool()
	if err != nil {
		return nil, err
	}
	if v == (op == equal) {
		return flag(get), nil
	}
	return not{flag(get)}, nil
}

func (p *parser) annotation(key string) (condition, error) {
	op := p.peekOperator()
	if op == "" {
		return annotation{key: key}, nil
	}
	p.takeOperator(op)
	var v any
	var err error
	switch s := p.space(); {
	case strings.HasPrefix(s, `"`), strings.HasPrefix(s, "'"):
		if slices.Contains([]operator{less, lessEqual, more, moreEqual}, op) {
			return nil, p.fail("operator %s does not apply to a string", op)
		}
		v, err = p.string()
	case strings.EqualFold(word(s), "true"), strings.EqualFold(word(s), "false"):
		if op != equal && op != unequal {
			return nil, p.fail("operator %s does not apply to a boolean", op)
		}
		v, err = p.bool()
	default:
		if slices.Contains([]operator{contains, beginsWith, endsWith}, op) {
			return nil, p.fail("operator %s needs a string", op)
		}
		v, err = p.number()
	}
	return annotation{key, op, v}, err
}

// peekOperator returns the operator that comes next, or "".
func (p *parser) peekOperator() operator {
	s := p.space()
	for _, op := range []operator{unequal, lessEqual, moreEqual, equal, less, more} {
		if strings.HasPrefix(s, string(op)) {
			return op
		}
	}
	for _, op := range []operator{contains, beginsWith, endsWith} {
		if strings.EqualFold(word(s), string(op)) {
			return op
		}
	}
	return ""
}

func (p *parser) takeOperator(op operator) { p.rest = p.space()[len(op):] }

func (p *parser) operator(keyword string, allowed ...operator) (operator, error) {
	op := p.peekOperator()
	if op == "" {
		return "", p.fail("keyword %q needs an operator and a value", keyword)
	}
	if !slices.Contains(allowed, op) {
		return "", p.fail("operator %s does not apply to keyword %q", op, keyword)
	}
	p.takeOperator(op)
	return op, nil
}

func (p *parser) number() (float64, error) {
	s := p.space()
	end := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("+-.0123456789eE", r) })
	if end < 0 {
		end = len(s)
	}
	v, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return 0, p.fail("expected a number but found %s", p.next())
	}
	p.rest = s[end:]
	return v, nil
}

func (p *parser) bool() (bool, error) {
	switch {
	case p.takeWord("true"):
		return true, nil
	case p.takeWord("false"):
		return false, nil
	}
	return false, p.fail("expected true or false but found %s", p.next())
}

// string reads a text in quotes, in which a backslash takes the next character as it is.
func (p *parser) string() (string, error) {
	s := p.space()
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return "", p.fail("expected a string in quotes but found %s", p.next())
	}
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			p.rest = s[i+1:]
			return out.String(), nil
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		out.WriteByte(s[i])
	}
	return "", p.fail("string without an end")
}

func (p *parser) service() (condition, error) {
	var c service
	err := p.want("(")
	if err == nil && !p.take(")") {
		if c.who, err = p.who(); err == nil {
			err = p.want(")")
		}
	}
	if err == nil {
		c.inner, err = p.filter("service")
	}
	return c, err
}

func (p *parser) edge() (condition, error) {
	var c edge
	err := p.want("(")
	if err == nil && !p.take(")") {
		c.from, err = p.who()
		if err == nil {
			err = p.want(",")
		}
		if err == nil {
			c.to, err = p.who()
		}
		if err == nil {
			err = p.want(")")
		}
	}
	if err == nil {
		c.inner, err = p.filter("edge")
	}
	return c, err
}

// filter reads what is asked of a service or an edge.
func (p *parser) filter(what string) (condition, error) {
	if p.inside != "" {
		return nil, p.fail("%s() within %s()", what, p.inside)
	}
	if !p.take("{") {
		return always{}, nil
	}
	p.inside = what
	c, err := p.or()
	p.inside = ""
	if err == nil {
		err = p.want("}")
	}
	return c, err
}

func (p *parser) who() (w who, err error) {
	if !p.takeWord("id") {
		w.name, err = p.string()
		return w, err
	}
	for err = p.want("("); err == nil; err = p.want(",") {
		attribute := word(p.space())
		p.rest = p.rest[len(attribute):]
		if err = p.want(":"); err != nil {
			break
		}
		value, err := p.string()
		if err != nil {
			return w, err
		}
		switch attribute {
		case "name":
			w.name = value
		case "type":
			w.kind = value
		case "account.id":
			w.account = value
		default:
			return w, p.fail("unknown attribute %q of id()", attribute)
		}
		if p.take(")") {
			return w, nil
		}
	}
	return w, err
}
