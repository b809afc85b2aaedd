// Package jsontext reads and writes JSON text (RFC 8259) one token at a time, without building anything. The plan-driven
// codec of package shape and the hand-written codecs of hot types are made of it.
package jsontext

import (
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deeply objects and arrays may be nested. AWS documents no number; DynamoDB, the deepest, allows 32
// levels in an item, each of which takes two objects.
const MaxDepth = 512

// ErrSyntax is returned for everything that is not JSON; ErrDepth for what is nested too deeply.
var (
	ErrSyntax = errors.New("malformed JSON")
	ErrDepth  = errors.New("JSON is nested too deeply")
)

// Scanner reads JSON values from a byte slice. It is strict: no comments, no trailing commas, no invalid UTF-8.
type Scanner struct {
	data    []byte
	pos     int
	depth   int
	scratch []byte // unescaped strings
}

// New returns a Scanner at the beginning of data, which must not change while it is used.
func New(data []byte) *Scanner { return &Scanner{data: data} }

// Rest returns what has not been read yet.
func (s *Scanner) Rest() []byte { return s.data[s.pos:] }

// Resume continues at rest, a suffix of the data.
func (s *Scanner) Resume(rest []byte) { s.pos = len(s.data) - len(rest) }

// End reports an error when anything but white space is left.
func (s *Scanner) End() error {
	if s.space(); s.pos != len(s.data) {
		return ErrSyntax
	}
	return nil
}

func (s *Scanner) space() {
	for s.pos < len(s.data) {
		if c := s.data[s.pos]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		s.pos++
	}
}

// Peek returns the first byte of the next token, skipping white space, with '0' for any number; 0 at the end.
func (s *Scanner) Peek() byte {
	s.space()
	if s.pos == len(s.data) {
		return 0
	}
	c := s.data[s.pos]
	if c == '-' || '0' <= c && c <= '9' {
		return '0'
	}
	return c
}

// Open reads c, which must be '{' or '['. Close is the job of Key and Element.
func (s *Scanner) Open(c byte) error {
	if s.Peek() != c {
		return ErrSyntax
	}
	if s.depth == MaxDepth {
		return ErrDepth
	}
	s.depth++
	s.pos++
	return nil
}

// Key reads the next member name of an object and its colon; first says that it is the first one. ok is false, and the
// object closed, when there is none. The name is good until the next call.
func (s *Scanner) Key(first bool) (name []byte, ok bool, err error) {
	if more, err := s.more(first, '}'); !more || err != nil {
		return nil, false, err
	}
	if name, err = s.String(); err != nil {
		return nil, false, err
	}
	if s.Peek() != ':' {
		return nil, false, ErrSyntax
	}
	s.pos++
	return name, true, nil
}

// Element moves to the next element of an array; ok is false, and the array closed, when there is none.
func (s *Scanner) Element(first bool) (ok bool, err error) { return s.more(first, ']') }

func (s *Scanner) more(first bool, end byte) (bool, error) {
	c := s.Peek()
	if c == end {
		s.pos++
		s.depth--
		return false, nil
	}
	if first {
		return true, nil
	}
	if c != ',' {
		return false, ErrSyntax
	}
	s.pos++
	if s.Peek() == end {
		return false, ErrSyntax // a trailing comma
	}
	return true, nil
}

// plain marks the bytes that may stand in a string as they are.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// String reads a string and returns its bytes, unescaped. They may alias the data and are good until the next call.
func (s *Scanner) String() ([]byte, error) {
	if s.Peek() != '"' {
		return nil, ErrSyntax
	}
	start := s.pos + 1
	high := false
	for i := start; i < len(s.data); i++ {
		c := s.data[i]
		if plain[c] {
			continue
		}
		switch {
		case c == '"':
			s.pos = i + 1
			if high && !utf8.Valid(s.data[start:i]) {
				return nil, ErrSyntax
			}
			return s.data[start:i], nil
		case c == '\\':
			return s.escaped(start, i, high)
		case c < 0x20:
			return nil, ErrSyntax
		default:
			high = true
		}
	}
	return nil, ErrSyntax
}

// escaped reads on in a string that began at start and has its first backslash at i. high says that there were bytes
// beyond ASCII.
func (s *Scanner) escaped(start, i int, high bool) ([]byte, error) {
	if s.scratch == nil {
		s.scratch = make([]byte, 0, 512)
	}
	out := append(s.scratch[:0], s.data[start:i]...)
	for i < len(s.data) {
		run := i
		for i < len(s.data) && plain[s.data[i]] {
			i++
		}
		out = append(out, s.data[run:i]...)
		if i == len(s.data) {
			break
		}
		switch c := s.data[i]; {
		case c == '"':
			s.pos, s.scratch = i+1, out
			if high && !utf8.Valid(out) {
				return nil, ErrSyntax
			}
			return out, nil
		case c == '\\':
			var err error
			if out, i, err = s.escape(out, i+1); err != nil {
				return nil, err
			}
		case c >= utf8.RuneSelf:
			out = append(out, c)
			high = true
			i++
		default:
			return nil, ErrSyntax
		}
	}
	return nil, ErrSyntax
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what follows a backslash.
func (s *Scanner) escape(out []byte, i int) ([]byte, int, error) {
	if i == len(s.data) {
		return nil, 0, ErrSyntax
	}
	if c := escapes[s.data[i]]; c != 0 {
		return append(out, c), i + 1, nil
	}
	r, ok := s.hex(i)
	if !ok {
		return nil, 0, ErrSyntax
	}
	i += 5
	if utf16.IsSurrogate(r) {
		r2, ok := rune(0), false
		if i < len(s.data) && s.data[i] == '\\' {
			r2, ok = s.hex(i + 1)
		}
		if pair := utf16.DecodeRune(r, r2); ok && pair != utf8.RuneError {
			r, i = pair, i+6
		} // a lone surrogate becomes U+FFFD
	}
	return utf8.AppendRune(out, r), i, nil
}

// hex reads uXXXX at i.
func (s *Scanner) hex(i int) (r rune, ok bool) {
	if i+5 > len(s.data) || s.data[i] != 'u' {
		return 0, false
	}
	for _, c := range s.data[i+1 : i+5] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Number reads a number and returns its text, which aliases the data. integer says that it has neither fraction nor
// exponent.
func (s *Scanner) Number() (text []byte, integer bool, err error) {
	s.space()
	start := s.pos
	s.accept('-')
	switch {
	case s.accept('0'):
	case s.digits() == 0:
		return nil, false, ErrSyntax
	}
	integer = true
	if s.accept('.') {
		integer = false
		if s.digits() == 0 {
			return nil, false, ErrSyntax
		}
	}
	if s.accept('e') || s.accept('E') {
		integer = false
		if !s.accept('+') {
			s.accept('-')
		}
		if s.digits() == 0 {
			return nil, false, ErrSyntax
		}
	}
	return s.data[start:s.pos], integer, nil
}

func (s *Scanner) accept(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *Scanner) digits() (n int) {
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
		n++
	}
	return n
}

// Literal reads word, one of true, false and null.
func (s *Scanner) Literal(word string) error {
	s.space()
	if len(s.data)-s.pos < len(word) || string(s.data[s.pos:s.pos+len(word)]) != word {
		return ErrSyntax
	}
	s.pos += len(word)
	return nil
}

// Skip reads one value of any kind and forgets it.
func (s *Scanner) Skip() error {
	switch s.Peek() {
	case '"':
		_, err := s.String()
		return err
	case '0':
		_, _, err := s.Number()
		return err
	case 't':
		return s.Literal("true")
	case 'f':
		return s.Literal("false")
	case 'n':
		return s.Literal("null")
	case '[':
		return s.skipArray()
	case '{':
		return s.skipObject()
	}
	return ErrSyntax
}

func (s *Scanner) skipArray() error {
	if err := s.Open('['); err != nil {
		return err
	}
	for first := true; ; first = false {
		if ok, err := s.Element(first); !ok || err != nil {
			return err
		}
		if err := s.Skip(); err != nil {
			return err
		}
	}
}

func (s *Scanner) skipObject() error {
	if err := s.Open('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		if _, ok, err := s.Key(first); !ok || err != nil {
			return err
		}
		if err := s.Skip(); err != nil {
			return err
		}
	}
}

// Raw reads one value and returns its text, which aliases the data.
func (s *Scanner) Raw() ([]byte, error) {
	s.space()
	start := s.pos
	if err := s.Skip(); err != nil {
		return nil, err
	}
	return s.data[start:s.pos], nil
}
