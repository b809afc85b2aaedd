package intrinsic

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// Compile reads a call. The error says where it goes wrong.
func Compile(text string) (*Call, error) {
	p := parser{s: text}
	p.space()
	c, err := p.call(1)
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(p.s) {
		return nil, p.errorf("unexpected %q", p.s[p.pos:])
	}
	c.text = text
	return c, nil
}

// parser reads a call from left to right; pos is the next byte.
type parser struct {
	s   string
	pos int
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s at %d of '%s'", fmt.Sprintf(format, args...), p.pos, p.s)
}

func (p *parser) space() {
	for p.pos < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

// word reads a function's name, or a constant such as true and -1.5.
func (p *parser) word() string {
	start := p.pos
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._+-", c) >= 0 {
			p.pos++
			continue
		}
		break
	}
	return p.s[start:p.pos]
}

func (p *parser) call(depth int) (*Call, error) {
	start := p.pos
	name := p.word()
	if p.peek() != '(' {
		return nil, p.errorf("a function call is missing")
	}
	return p.arguments(start, name, depth)
}

// arguments reads the rest of a call; pos is at its parenthesis.
func (p *parser) arguments(start int, name string, depth int) (*Call, error) {
	fn := find(name)
	if fn == nil {
		return nil, p.errorf("'%s' is not an intrinsic function", name)
	}
	if depth > MaxNesting {
		return nil, p.errorf("more than %d functions are nested", MaxNesting)
	}
	c := &Call{fn: fn}
	p.pos++ // (
	for p.space(); p.peek() != ')'; p.space() {
		if len(c.args) > 0 {
			if p.peek() != ',' {
				return nil, p.errorf("a comma or ')' is missing")
			}
			p.pos++
			p.space()
		}
		a, err := p.argument(depth)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, a)
	}
	p.pos++
	if n := len(c.args); n < fn.min || fn.max >= 0 && n > fn.max {
		return nil, p.errorf("%s does not take %d arguments", name, n)
	}
	c.text = p.s[start:p.pos]
	return c, nil
}

func (p *parser) argument(depth int) (argument, error) {
	switch p.peek() {
	case '\'':
		return p.literal()
	case '$':
		return p.path()
	case 0:
		return argument{}, p.errorf("')' is missing")
	}
	start := p.pos
	word := p.word()
	if p.peek() == '(' {
		c, err := p.arguments(start, word, depth+1)
		return argument{call: c}, err
	}
	switch word {
	case "null":
		return argument{}, nil
	case "true", "false":
		return argument{value: word == "true"}, nil
	}
	if v, err := jsondoc.ParseString(word); err == nil {
		if n, ok := v.(json.Number); ok {
			return argument{value: n}, nil
		}
	}
	return argument{}, p.errorf("%q is no argument", word)
}

// literal reads a string between apostrophes. A backslash takes the special meaning from ' { } and \.
func (p *parser) literal() (argument, error) {
	start := p.pos + 1
	for i := start; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			i++
		case '\'':
			raw := p.s[start:i]
			p.pos = i + 1
			return argument{value: unescape(raw), raw: raw, isRaw: true}, nil
		}
	}
	return argument{}, p.errorf("a string has no end")
}

// unescape reads a string's escapes; a backslash before any other character stands for itself.
func unescape(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' && i+1 < len(raw) && strings.IndexByte(`'{}\`, raw[i+1]) >= 0 {
			i++
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}

// path reads a path up to the comma or parenthesis that ends the argument, past those in its own brackets and strings.
func (p *parser) path() (argument, error) {
	start, open := p.pos, 0
	var quote byte
	for ; p.pos < len(p.s); p.pos++ {
		c := p.s[p.pos]
		switch {
		case c == '\\':
			p.pos++
			continue
		case quote != 0:
			if c == quote {
				quote = 0
			}
			continue
		case open > 0 && (c == '\'' || c == '"'):
			quote = c
		case c == '[' || c == '(':
			open++
		case open > 0 && (c == ']' || c == ')'):
			open--
		case open == 0 && (c == ',' || c == ')'):
			return p.compiled(start)
		}
	}
	p.pos = min(p.pos, len(p.s))
	return p.compiled(start)
}

func (p *parser) compiled(start int) (argument, error) {
	text := strings.TrimRight(p.s[start:p.pos], " \t\r\n")
	compiled, err := path.Compile(text)
	if err != nil {
		return argument{}, p.errorf("%q is not a JSONPath: %v", text, err)
	}
	return argument{path: compiled}, nil
}
