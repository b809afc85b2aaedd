package jsondoc

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Parse reads one JSON document. Anything but white space after it is an error. Of members with the same name the last
// counts. Bytes that are no UTF-8 become U+FFFD.
func Parse(b []byte) (any, error) { return ParseString(string(b)) }

// ParseString is Parse of a text. The strings of the document may share its memory.
func ParseString(s string) (any, error) {
	p := parser{s: s}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(p.s) {
		return nil, &SyntaxError{p.pos, "data after the document"}
	}
	return v, nil
}

// SyntaxError says where a text is not JSON.
type SyntaxError struct {
	Offset  int
	Problem string
}

// Error is the problem and the offset. It says nothing of this package: services show it to those who sent the text.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at offset %d", e.Problem, e.Offset)
}

// parser reads from left to right; pos is the next byte.
type parser struct {
	s   string
	pos int
}

func (p *parser) space() {
	for p.pos < len(p.s) {
		switch p.s[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek is the next byte that is no white space, 0 at the end.
func (p *parser) peek() byte {
	p.space()
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

func (p *parser) unexpected() error {
	if p.pos >= len(p.s) {
		return &SyntaxError{len(p.s), "Unexpected end-of-input"}
	}
	r, _ := utf8.DecodeRuneInString(p.s[p.pos:])
	return &SyntaxError{p.pos, fmt.Sprintf("Unexpected character ('%c' (code %d))", r, r)}
}

func (p *parser) value(depth int) (any, error) {
	switch c := p.peek(); c {
	case '{', '[':
		if depth >= MaxDepth {
			return nil, ErrDepth
		}
		p.pos++
		if c == '[' {
			return p.array(depth + 1)
		}
		return p.object(depth + 1)
	case '"':
		return p.text()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		return p.number()
	}
}

func (p *parser) word(w string) error {
	if !strings.HasPrefix(p.s[p.pos:], w) {
		return p.unexpected()
	}
	p.pos += len(w)
	return nil
}

func (p *parser) array(depth int) (any, error) {
	a := &Array{Items: []any{}}
	if p.peek() == ']' {
		p.pos++
		return a, nil
	}
	for {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		a.Items = append(a.Items, v)
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return a, nil
		default:
			return nil, p.unexpected()
		}
	}
}

func (p *parser) object(depth int) (any, error) {
	o := NewObject()
	if p.peek() == '}' {
		p.pos++
		return o, nil
	}
	for {
		if p.peek() != '"' {
			return nil, p.unexpected()
		}
		k, err := p.text()
		if err != nil {
			return nil, err
		}
		if p.peek() != ':' {
			return nil, p.unexpected()
		}
		p.pos++
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		o.Set(k, v)
		switch p.peek() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return o, nil
		default:
			return nil, p.unexpected()
		}
	}
}

// number reads -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?
func (p *parser) number() (any, error) {
	start := p.pos
	p.skip("-")
	if !p.skip("0") && !p.digits() {
		return nil, p.unexpected()
	}
	if p.skip(".") && !p.digits() {
		return nil, p.unexpected()
	}
	if p.skip("eE") {
		p.skip("+-")
		if !p.digits() {
			return nil, p.unexpected()
		}
	}
	return json.Number(p.s[start:p.pos]), nil
}

// skip takes the next byte if it is one of chars.
func (p *parser) skip(chars string) bool {
	if p.pos < len(p.s) && strings.IndexByte(chars, p.s[p.pos]) >= 0 {
		p.pos++
		return true
	}
	return false
}

func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.s) && p.s[p.pos] >= '0' && p.s[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

// text reads a string; pos is at its quote. One without escapes is a part of the document's text.
func (p *parser) text() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.s) {
		switch c := p.s[p.pos]; {
		case c == '"':
			s := p.s[start:p.pos]
			p.pos++
			return s, nil
		case c == '\\' || c >= utf8.RuneSelf:
			return p.escaped(start)
		case c < 0x20:
			return "", p.unexpected()
		default:
			p.pos++
		}
	}
	return "", p.unexpected()
}

// escaped reads the rest of a string in which there is more than plain ASCII.
func (p *parser) escaped(start int) (string, error) {
	var b strings.Builder
	b.WriteString(p.s[start:p.pos])
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		switch {
		case c == '"':
			p.pos++
			return b.String(), nil
		case c == '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		case c < 0x20:
			return "", p.unexpected()
		case c < utf8.RuneSelf:
			b.WriteByte(c)
			p.pos++
		default:
			r, n := utf8.DecodeRuneInString(p.s[p.pos:])
			b.WriteRune(r)
			p.pos += n
		}
	}
	return "", p.unexpected()
}

func (p *parser) escape(b *strings.Builder) error {
	if p.pos++; p.pos >= len(p.s) {
		return p.unexpected()
	}
	const from, to = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(from, p.s[p.pos]); i >= 0 {
		b.WriteByte(to[i])
		p.pos++
		return nil
	}
	r, ok := p.unit()
	if !ok {
		return p.unexpected()
	}
	if utf16.IsSurrogate(r) {
		was := p.pos
		low := rune(-1)
		if p.skip(`\`) {
			low, _ = p.unit()
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError { // half a pair: the rest is read by itself
			p.pos = was
		}
	}
	b.WriteRune(r)
	return nil
}

// unit reads the uXXXX of an escape.
func (p *parser) unit() (rune, bool) {
	if p.pos+5 > len(p.s) || p.s[p.pos] != 'u' {
		return -1, false
	}
	n, err := strconv.ParseUint(p.s[p.pos+1:p.pos+5], 16, 16)
	if err != nil {
		return -1, false
	}
	p.pos += 5
	return rune(n), true
}
