package vtl

import (
	"fmt"
	"strings"
)

// parser reads a template from left to right; pos is the next byte.
type parser struct {
	s     string
	pos   int
	depth int
}

func (p *parser) errorf(format string, args ...any) error {
	before := p.s[:min(p.pos, len(p.s))]
	line := strings.Count(before, "\n") + 1
	column := len(before) - strings.LastIndexByte(before, '\n')
	return fmt.Errorf("vtl: line %d, column %d: %s", line, column, fmt.Sprintf(format, args...))
}

func (p *parser) rest() string { return p.s[p.pos:] }

func (p *parser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

func (p *parser) take(lit string) bool {
	if strings.HasPrefix(p.rest(), lit) {
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

// lineEnd eats the rest of a line that is blank, with its end: what Velocity does after a directive.
func (p *parser) lineEnd() {
	i := p.pos
	for i < len(p.s) && (p.s[i] == ' ' || p.s[i] == '\t') {
		i++
	}
	if strings.HasPrefix(p.s[i:], "\r\n") {
		p.pos = i + 2
	} else if i < len(p.s) && p.s[i] == '\n' {
		p.pos = i + 1
	}
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isName(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' || c == '-' }

// name reads an identifier, or "" when there is none.
func (p *parser) name() string {
	start := p.pos
	if c := p.peek(); !isLetter(c) && c != '_' {
		return ""
	}
	for p.pos < len(p.s) && isName(p.s[p.pos]) {
		p.pos++
	}
	return p.s[start:p.pos]
}

// block reads up to the end of the template or to a directive that closes or divides the block, which it names: "end",
// "else", "elseif".
func (p *parser) block() (b block, end string, err error) {
	if p.depth++; p.depth > maxDepth {
		return nil, "", p.errorf("nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	var pending strings.Builder
	flush := func() {
		if pending.Len() > 0 {
			b = append(b, text(pending.String()))
			pending.Reset()
		}
	}
	for p.pos < len(p.s) {
		next := strings.IndexAny(p.rest(), "$#\\")
		if next < 0 {
			pending.WriteString(p.rest())
			p.pos = len(p.s)
			break
		}
		pending.WriteString(p.rest()[:next])
		p.pos += next
		var n node
		switch p.peek() {
		case '$':
			n, err = p.referenceOrText()
		case '\\':
			n, err = p.escaped()
		default:
			n, end, err = p.hash(&pending)
		}
		if err != nil {
			return nil, "", err
		}
		if t, ok := n.(text); ok {
			pending.WriteString(string(t))
			continue
		}
		flush()
		if end != "" {
			return b, end, nil
		}
		if n != nil {
			b = append(b, n)
		}
	}
	flush()
	return b, "", nil
}

// referenceOrText reads a reference; a $ that begins none is text.
func (p *parser) referenceOrText() (node, error) {
	ref, err := p.reference()
	if err != nil {
		return nil, err
	}
	if ref == nil {
		p.pos++
		return text("$"), nil
	}
	return ref, nil
}

// escaped reads backslashes: before a reference they escape it when it is defined, before a directive always.
func (p *parser) escaped() (node, error) {
	start := p.pos
	for p.peek() == '\\' {
		p.pos++
	}
	n := p.pos - start
	switch p.peek() {
	case '$':
		ref, err := p.reference()
		if err != nil {
			return nil, err
		}
		if ref != nil {
			ref.slashes = n
			return ref, nil
		}
	case '#':
		at := p.pos
		p.pos++
		p.take("{")
		name := p.name()
		p.pos = at
		if directive(name) != nil || closers[name] {
			if n%2 == 1 {
				p.pos = at + 1 // the # is text
				return text(strings.Repeat(`\`, n/2) + "#"), nil
			}
			return text(strings.Repeat(`\`, n/2)), nil
		}
	}
	return text(p.s[start:p.pos]), nil
}

var closers = map[string]bool{"end": true, "else": true, "elseif": true}

// hash reads what begins with #: a comment, a directive, a macro's call, or text. pending is the text before it.
func (p *parser) hash(pending *strings.Builder) (n node, end string, err error) {
	switch {
	case p.take("##"):
		if i := strings.IndexByte(p.rest(), '\n'); i >= 0 {
			p.pos += i + 1
		} else {
			p.pos = len(p.s)
		}
		return nil, "", nil
	case p.take("#*"):
		i := strings.Index(p.rest(), "*#")
		if i < 0 {
			return nil, "", p.errorf("the comment has no end")
		}
		p.pos += i + 2
		return nil, "", nil
	case p.take("#[["):
		i := strings.Index(p.rest(), "]]#")
		if i < 0 {
			return nil, "", p.errorf("#[[ has no ]]#")
		}
		s := p.rest()[:i]
		p.pos += i + 3
		return text(s), "", nil
	}
	start := p.pos
	p.pos++
	withBody := p.take("@")
	braced := p.take("{")
	name := p.name()
	if name == "" || braced && !p.take("}") {
		p.pos = start + 1
		return text("#"), "", nil
	}
	if closers[name] && !withBody {
		if name != "elseif" {
			p.lineEnd()
		}
		return nil, name, nil
	}
	if read := directive(name); read != nil && !withBody {
		if name == "set" {
			trimBlanks(pending)
		}
		n, err = read(p)
		return n, "", err
	}
	return p.macroCall(start, name, withBody)
}

// trimBlanks takes the blanks before a #set away, as its token in Velocity's grammar does.
func trimBlanks(b *strings.Builder) {
	s := strings.TrimRight(b.String(), " \t")
	b.Reset()
	b.WriteString(s)
}

// reference reads $name…, $!name…, ${name…}, or returns nil and stays where it is.
func (p *parser) reference() (*reference, error) {
	start := p.pos
	p.pos++ // $
	ref := &reference{quiet: p.take("!")}
	braced := p.take("{")
	ref.name = p.name()
	if ref.name == "" {
		p.pos = start
		return nil, nil
	}
	for {
		part, err := p.refPart()
		if err != nil {
			return nil, err
		}
		if part == nil {
			break
		}
		ref.parts = append(ref.parts, *part)
	}
	if braced && !p.take("}") {
		p.pos = start
		return nil, nil
	}
	ref.source = p.s[start:p.pos]
	return ref, nil
}

// refPart reads .name, .name(args) or [index] of a reference, or nothing.
func (p *parser) refPart() (*part, error) {
	if p.peek() == '.' && p.pos+1 < len(p.s) && (isLetter(p.s[p.pos+1]) || p.s[p.pos+1] == '_') {
		p.pos++
		out := &part{name: p.name()}
		if p.take("(") {
			args, err := p.arguments(")", true)
			if err != nil {
				return nil, err
			}
			out.call, out.args = true, args
		}
		return out, nil
	}
	if p.peek() == '[' {
		start := p.pos
		p.pos++
		e, err := p.expression()
		if err == nil {
			p.space()
		}
		if err != nil || !p.take("]") {
			p.pos = start // "$name[" is text when no index follows
			return nil, nil
		}
		return &part{index: e}, nil
	}
	return nil, nil
}

// arguments reads expressions up to close, with commas between them; a macro's call may leave them out.
func (p *parser) arguments(close string, commas bool) ([]expr, error) {
	var args []expr
	for {
		p.space()
		if p.take(close) {
			return args, nil
		}
		if len(args) > 0 && !p.take(",") && commas {
			return nil, p.errorf("%q or a comma is missing", close)
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
}
