package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/jsondoc/jsonpath"
)

// condition is an expression over named values.
type condition interface{ holds(v values) bool }

// values looks a name up: a JSON selector, or a field of a space-delimited message.
type values func(name string) (any, bool)

type (
	or         struct{ a, b condition }
	and        struct{ a, b condition }
	comparison struct {
		name  string
		op    string // = != < <= > >= IS NOT
		text  string
		num   float64
		isNum bool
		re    *regexp.Regexp
	}
)

func (o or) holds(v values) bool  { return o.a.holds(v) || o.b.holds(v) }
func (a and) holds(v values) bool { return a.a.holds(v) && a.b.holds(v) }

func (c comparison) holds(get values) bool {
	v, ok := get(c.name)
	switch {
	case c.op == "NOT":
		return !ok
	case c.op == "IS":
		return ok && jsondoc.Text(v) == strings.ToLower(c.text)
	case !ok:
		return false
	}
	text := jsondoc.Text(v)
	if s, isText := v.(string); isText {
		text = s
	}
	if n, ok := number(text); c.isNum && ok {
		return compare(n, c.op, c.num)
	}
	switch c.op {
	case "=":
		return c.equal(text)
	case "!=":
		return !c.equal(text)
	}
	return false // an order between texts is no order
}

// number reads a decimal number; words that Go takes for numbers, such as inf and nan, are text.
func number(s string) (float64, bool) {
	if strings.Trim(s, "+-.0123456789eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

func (c comparison) equal(text string) bool {
	if c.re != nil {
		return c.re.MatchString(text)
	}
	return text == c.text
}

func compare(a float64, op string, b float64) bool {
	switch op {
	case "=":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	default:
		return a >= b
	}
}

// parser reads conditions; name reads what stands on the left of a comparison.
type parser struct {
	s     string
	depth int
	name  func(p *parser) (string, error)
}

func (p *parser) space() { p.s = strings.TrimLeft(p.s, " \t\r\n") }

func (p *parser) take(lit string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.s, lit)
	if ok {
		p.s = rest
	}
	return ok
}

func (p *parser) or() (condition, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, errors.New("nested too deeply")
	}
	defer func() { p.depth-- }()
	left, err := p.and()
	for err == nil && p.take("||") {
		var right condition
		if right, err = p.and(); err == nil {
			left = or{left, right}
		}
	}
	return left, err
}

func (p *parser) and() (condition, error) {
	left, err := p.primary()
	for err == nil && p.take("&&") {
		var right condition
		if right, err = p.primary(); err == nil {
			left = and{left, right}
		}
	}
	return left, err
}

func (p *parser) primary() (condition, error) {
	if p.take("(") {
		c, err := p.or()
		if err == nil && !p.take(")") {
			err = errors.New("a parenthesis is not closed")
		}
		return c, err
	}
	p.space()
	name, err := p.name(p)
	if err != nil {
		return nil, err
	}
	return p.comparison(name)
}

func (p *parser) comparison(name string) (condition, error) {
	if p.take("IS") {
		for _, word := range []string{"NULL", "TRUE", "FALSE"} {
			if p.take(word) {
				return comparison{name: name, op: "IS", text: word}, nil
			}
		}
		return nil, errors.New("IS needs NULL, TRUE or FALSE")
	}
	if p.take("NOT") {
		if !p.take("EXISTS") {
			return nil, errors.New("NOT needs EXISTS")
		}
		return comparison{name: name, op: "NOT"}, nil
	}
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.take(op) {
			return p.value(comparison{name: name, op: op})
		}
	}
	return nil, fmt.Errorf("an operator is missing after %s", name)
}

func (p *parser) value(c comparison) (condition, error) {
	p.space()
	var err error
	switch {
	case strings.HasPrefix(p.s, `"`):
		c.text, p.s, err = quoted(p.s)
	case strings.HasPrefix(p.s, "%"):
		end := strings.IndexByte(p.s[1:], '%')
		if end < 0 {
			return nil, errors.New("a regular expression has no closing %")
		}
		c.re, err = regexp.Compile(p.s[1 : 1+end])
		p.s = p.s[end+2:]
		return c, err
	default:
		end := strings.IndexAny(p.s, " \t\r\n)&|},]")
		if end < 0 {
			end = len(p.s)
		}
		if end == 0 {
			return nil, errors.New("a value is missing")
		}
		c.text, p.s = p.s[:end], p.s[end:]
	}
	if n, ok := number(c.text); ok {
		c.num, c.isNum = n, true
	} else if strings.Contains(c.text, "*") {
		c.re = wildcard(c.text)
	}
	if !c.isNum && c.op != "=" && c.op != "!=" {
		return nil, fmt.Errorf("%s needs a number", c.op)
	}
	return c, err
}

// wildcard is a text in which * stands for anything.
func wildcard(s string) *regexp.Regexp {
	parts := strings.Split(s, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, ".*") + "$")
}

// jsonPattern is { condition } over the selectors of a JSON message.
type jsonPattern struct {
	c     condition
	paths map[string]*jsonpath.Path
}

func parseJSON(s string) (matcher, error) {
	j := jsonPattern{paths: map[string]*jsonpath.Path{}}
	p := &parser{s: s[1:], name: func(p *parser) (string, error) {
		end := 0
		for depth := 0; end < len(p.s); end++ {
			c := p.s[end]
			if c == '[' {
				depth++
			} else if c == ']' {
				depth--
			} else if depth == 0 && strings.IndexByte(" \t=!<>)", c) >= 0 {
				break
			}
		}
		name := p.s[:end]
		path, err := jsonpath.Compile(name)
		if err != nil {
			return "", fmt.Errorf("%q is no selector", name)
		}
		p.s = p.s[end:]
		j.paths[name] = path
		return name, nil
	}}
	var err error
	if j.c, err = p.or(); err != nil {
		return nil, err
	}
	if !p.take("}") || strings.TrimSpace(p.s) != "" {
		return nil, errors.New("the closing brace is missing")
	}
	return j, nil
}

func (j jsonPattern) matches(message string) bool {
	doc, err := jsondoc.Parse([]byte(message))
	if err != nil {
		return false
	}
	return j.c.holds(func(name string) (any, bool) {
		v, err := j.paths[name].Eval(doc)
		if _, isNumber := v.(json.Number); err == nil && isNumber {
			return v, true
		}
		return v, err == nil
	})
}
