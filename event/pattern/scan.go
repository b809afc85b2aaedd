package pattern

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads a pattern token by token. It stops where Jackson, the parser that EventBridge uses, stops, because its
// errors say the line and column that it has come to: strings are read only when somebody asks for their text, and
// a field name takes the first character of its value along.
type scanner struct {
	src        string
	pos        int
	scopes     []scope
	tok        tokenKind
	name       string    // of tokField
	value      tokenKind // the token after tokField
	raw        string    // of tokNumber
	incomplete bool      // a string was begun and not read
	text       string    // of tokString once read
}

type scope struct {
	array bool
	start int
	count int
}

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokObject
	tokObjectEnd
	tokArray
	tokArrayEnd
	tokField
	tokString
	tokNumber
	tokTrue
	tokFalse
	tokNull
)

// Error says why a pattern is not valid, in the words of EventBridge's InvalidEventPatternException.
type Error struct{ Reason string }

func (e *Error) Error() string { return "Event pattern is not valid. Reason: " + e.Reason }

// fail makes an error at the present position.
func (s *scanner) fail(format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...) + "\n at " + s.location(s.pos)}
}

// location renders a position as Jackson does; lines and columns count from 1, columns in UTF-16 units.
func (s *scanner) location(pos int) string {
	before := s.src[:pos]
	line := 1 + strings.Count(before, "\n")
	row := before[strings.LastIndexByte(before, '\n')+1:]
	var b strings.Builder
	b.WriteString(`[Source: (String)"`)
	snippet := utf16.Encode([]rune(s.src))
	rest := max(0, len(snippet)-maxSnippet)
	for _, r := range string(utf16.Decode(snippet[:len(snippet)-rest])) {
		if unicode.IsControl(r) && r != '\n' && r != '\r' {
			fmt.Fprintf(&b, `\u%04X`, r)
			continue
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	if rest > 0 {
		fmt.Fprintf(&b, "[truncated %d chars]", rest)
	}
	fmt.Fprintf(&b, "; line: %d, column: %d]", line, len(utf16.Encode([]rune(row)))+1)
	return b.String()
}

// next returns the next token.
func (s *scanner) next() (tokenKind, error) {
	t, err := s.advance()
	s.tok = t
	return t, err
}

func (s *scanner) advance() (tokenKind, error) {
	if s.tok == tokField {
		return s.open(s.value), nil
	}
	if s.incomplete {
		if _, err := s.readText(); err != nil {
			return tokEnd, err
		}
	}
	if s.space(); s.pos == len(s.src) {
		if n := len(s.scopes); n > 0 {
			return tokEnd, s.endOfInput(": expected close marker for " + s.scopeName() + " (start marker at " +
				s.location(s.scopes[n-1].start) + ")")
		}
		return tokEnd, nil
	}
	c := s.src[s.pos]
	s.pos++
	if c == ']' || c == '}' {
		return s.close(c)
	}
	if n := len(s.scopes); n > 0 {
		if s.scopes[n-1].count > 0 {
			if c != ',' {
				return tokEnd, s.unexpected("was expecting comma to separate " + s.scopeName() + " entries")
			}
			var err error
			if c, err = s.skip(); err != nil {
				return tokEnd, err
			}
		}
		s.scopes[n-1].count++
		if !s.scopes[n-1].array {
			return s.field(c)
		}
	}
	t, err := s.begin(c)
	if err != nil {
		return tokEnd, err
	}
	return s.open(t), nil
}

// field reads a name, its colon and the beginning of its value.
func (s *scanner) field(c byte) (tokenKind, error) {
	if c != '"' {
		return tokEnd, s.unexpected("was expecting double-quote to start field name")
	}
	name, err := s.quoted(" in field name")
	if err != nil {
		return tokEnd, err
	}
	if c, err = s.skip(); err != nil {
		return tokEnd, err
	}
	if c != ':' {
		return tokEnd, s.unexpected("was expecting a colon to separate field name and value")
	}
	if c, err = s.skip(); err != nil {
		return tokEnd, err
	}
	t, err := s.begin(c)
	s.name, s.value = name, t
	return tokField, err
}

// begin reads the beginning of the value whose first byte is c.
func (s *scanner) begin(c byte) (tokenKind, error) {
	switch {
	case c == '"':
		s.incomplete = true
		return tokString, nil
	case c == '{':
		return tokObject, nil
	case c == '[':
		return tokArray, nil
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	}
	for i, word := range []string{"true", "false", "null"} {
		if c == word[0] {
			return []tokenKind{tokTrue, tokFalse, tokNull}[i], s.literal(word)
		}
	}
	r, n := utf8.DecodeRuneInString(s.src[s.pos-1:])
	if unicode.IsLetter(r) || r == '_' || r == '$' {
		return tokEnd, s.badLiteral(s.pos - 1)
	}
	s.pos += n - 1
	return tokEnd, s.unexpected("expected a valid value (" + validValues + ")")
}

const validValues = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"

func (s *scanner) literal(word string) error {
	start := s.pos - 1
	if !strings.HasPrefix(s.src[start:], word) || len(s.src) > start+len(word) && isWord(rune(s.src[start+len(word)])) {
		return s.badLiteral(start)
	}
	s.pos = start + len(word)
	return nil
}

func (s *scanner) badLiteral(start int) error {
	end := start
	for end < len(s.src) {
		r, n := utf8.DecodeRuneInString(s.src[end:])
		if !isWord(r) {
			break
		}
		end += n
	}
	s.pos = end
	return s.fail("Unrecognized token '%s': was expecting (%s)", s.src[start:end], validValues)
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '$' }

// open notes that an object or array begins.
func (s *scanner) open(t tokenKind) tokenKind {
	if t == tokObject || t == tokArray {
		s.scopes = append(s.scopes, scope{array: t == tokArray, start: s.pos - 1})
	}
	return t
}

func (s *scanner) close(c byte) (tokenKind, error) {
	n := len(s.scopes)
	if n == 0 {
		return tokEnd, s.unexpected("expected a valid value (" + validValues + ")")
	}
	top := s.scopes[n-1]
	if top.array != (c == ']') {
		want := byte('}')
		if top.array {
			want = ']'
		}
		return tokEnd, s.fail("Unexpected close marker '%c': expected '%c' (for %s starting at %s)", c, want, s.scopeName(),
			s.location(top.start))
	}
	s.scopes = s.scopes[:n-1]
	if c == ']' {
		return tokArrayEnd, nil
	}
	return tokObjectEnd, nil
}

func (s *scanner) scopeName() string {
	switch n := len(s.scopes); {
	case n == 0:
		return "root"
	case s.scopes[n-1].array:
		return "Array"
	}
	return "Object"
}

func (s *scanner) space() {
	for s.pos < len(s.src) && strings.IndexByte(" \t\r\n", s.src[s.pos]) >= 0 {
		s.pos++
	}
}

// skip returns the next byte that is not white space, and goes past it.
func (s *scanner) skip() (byte, error) {
	if s.space(); s.pos == len(s.src) {
		return 0, s.endOfInput(" within/between " + s.scopeName() + " entries")
	}
	s.pos++
	return s.src[s.pos-1], nil
}

func (s *scanner) unexpected(want string) error {
	r, _ := utf8.DecodeLastRuneInString(s.src[:s.pos])
	desc := fmt.Sprintf("'%c' (code %d)", r, r)
	if unicode.IsControl(r) {
		desc = fmt.Sprintf("(CTRL-CHAR, code %d)", r)
	}
	return s.fail("Unexpected character (%s): %s", desc, want)
}

func (s *scanner) endOfInput(where string) error {
	return s.fail("%s", "Unexpected end-of-input"+where)
}

// number reads a number; JSON allows no leading zero.
func (s *scanner) number() (tokenKind, error) {
	start := s.pos - 1
	n, ok := numberLength(s.src[start:])
	if !ok {
		s.pos = min(len(s.src), start+n+1)
		if start+n >= len(s.src) {
			return tokEnd, s.endOfInput(" in a Number value")
		}
		return tokEnd, s.unexpected("expected digit (0-9) to follow")
	}
	s.pos = start + n
	s.raw = s.src[start:s.pos]
	if leadingZero(s.raw) {
		return tokEnd, s.fail("Invalid numeric value: Leading zeroes not allowed")
	}
	return tokNumber, nil
}

func leadingZero(number string) bool {
	d := strings.TrimPrefix(number, "-")
	return len(d) > 1 && d[0] == '0' && '0' <= d[1] && d[1] <= '9'
}

// numberLength returns how many bytes at the beginning of s are a number; when ok is false, the byte there is wrong.
func numberLength(s string) (n int, ok bool) {
	digits := func() bool {
		from := n
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		return n > from
	}
	if s[0] == '-' {
		n++
	}
	if !digits() {
		return n, false
	}
	if n < len(s) && s[n] == '.' {
		n++
		if !digits() {
			return n, false
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		n++
		if n < len(s) && (s[n] == '+' || s[n] == '-') {
			n++
		}
		if !digits() {
			return n, false
		}
	}
	return n, true
}

// readText returns the text of a string token and goes to its end.
func (s *scanner) readText() (string, error) {
	if s.incomplete {
		s.incomplete = false
		t, err := s.quoted(": was expecting closing quote for a string value")
		if err != nil {
			return "", err
		}
		s.text = t
	}
	return s.text, nil
}

// quoted reads the rest of a string whose opening quote has been read.
func (s *scanner) quoted(atEnd string) (string, error) {
	start := s.pos
	for i := s.pos; i < len(s.src); i++ {
		switch c := s.src[i]; {
		case c == '"':
			s.pos = i + 1
			t, ok := unquote(s.src[start:i])
			if !ok {
				return "", s.fail("Unexpected character: expected a hex-digit for character escape sequence")
			}
			return t, nil
		case c == '\\':
			i++
			if i < len(s.src) && strings.IndexByte(`"\/bfnrtu`, s.src[i]) < 0 {
				r, n := utf8.DecodeRuneInString(s.src[i:])
				s.pos = i + n
				return "", s.fail("Unrecognized character escape '%c' (code %d)", r, r)
			}
		case c < ' ':
			s.pos = i + 1
			return "", s.fail("Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in %s",
				c, map[bool]string{true: "name", false: "string value"}[strings.Contains(atEnd, "name")])
		}
	}
	s.pos = len(s.src)
	return "", s.endOfInput(atEnd)
}

// unquote resolves the escapes of a JSON string.
func unquote(s string) (string, bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, true
	}
	var t string
	err := json.Unmarshal([]byte(`"`+s+`"`), &t)
	return t, err == nil
}
