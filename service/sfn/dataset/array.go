package dataset

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/brume-dev/brume/asl"
)

// array are the items of a JSON array, or the members of a JSON object, that may be larger than memory.
type array struct {
	body    io.Closer
	in      *bufio.Reader
	offset  int64
	pointer string
	keyed   bool
	begun   bool // the cursor is behind an item
}

func openArray(body io.ReadCloser, pointer string, at Cursor) *array {
	return &array{body: body, in: bufio.NewReaderSize(body, 64<<10), offset: at.Offset, pointer: pointer, keyed: at.Keyed, begun: at.Offset > 0}
}

func (a *array) mark(c *Cursor) { c.Offset, c.Keyed = a.offset, a.keyed }
func (a *array) close()         { a.body.Close() }

func (a *array) next() (key string, value []byte, err error) {
	end := byte(']')
	first := !a.begun
	if first {
		if err := a.enter(); err != nil {
			return "", nil, unended(err)
		}
		a.begun = true
	}
	if a.keyed {
		end = '}'
	}
	c, err := a.token()
	switch {
	case err != nil:
		return "", nil, unended(err)
	case c == end:
		return "", nil, io.EOF
	case first:
		a.unread()
	case c != ',':
		return "", nil, a.unexpected(c)
	}
	if a.keyed {
		if key, err = a.member(); err != nil {
			return "", nil, unended(err)
		}
	}
	value, err = a.value(true)
	return key, value, unended(err)
}

// unended says that a file ends too early.
func unended(err error) error {
	if errors.Is(err, io.EOF) {
		return wrongf("the JSON ends too early")
	}
	return err
}

func (a *array) unexpected(c byte) error {
	return wrongf("unexpected %q at byte %d of the JSON", c, a.offset-1)
}

// enter goes to where the items are.
func (a *array) enter() error {
	if mark, _ := a.in.Peek(3); string(mark) == "\ufeff" {
		_, _ = a.in.Discard(3)
		a.offset = 3
	}
	for _, name := range pointerParts(a.pointer) {
		if err := a.descend(name); err != nil {
			return err
		}
	}
	c, err := a.token()
	if err != nil {
		return err
	}
	if a.keyed = c == '{'; !a.keyed && c != '[' {
		return wrongf("attempting to map over a value that is neither an array nor an object")
	}
	return nil
}

// pointerParts reads a JSON pointer (RFC 6901).
func pointerParts(p string) []string {
	if p == "" || p == "/" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for i := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(parts[i])
	}
	return parts
}

// descend goes to a member of the object, or item of the array, that follows.
func (a *array) descend(name string) error {
	c, err := a.token()
	if err != nil {
		return err
	}
	index, numeric := strconv.Atoi(name)
	if c != '{' && (c != '[' || numeric != nil || index < 0) {
		return wrongf("the ItemsPointer %s points at nothing", a.pointer)
	}
	for i := 0; ; i++ {
		next, err := a.token()
		if err != nil {
			return err
		}
		if next == c+2 { // '}' and ']' stand two behind '{' and '['
			return wrongf("the ItemsPointer %s points at nothing", a.pointer)
		}
		if i == 0 {
			a.unread()
		} else if next != ',' {
			return a.unexpected(next)
		}
		if c == '{' {
			key, err := a.member()
			if err != nil {
				return err
			}
			if key == name {
				return nil
			}
		} else if i == index {
			return nil
		}
		if _, err := a.value(false); err != nil {
			return err
		}
	}
}

func (a *array) byte() (byte, error) {
	c, err := a.in.ReadByte()
	if err == nil {
		a.offset++
	}
	return c, err
}

func (a *array) unread() {
	_ = a.in.UnreadByte() // always after byte
	a.offset--
}

// token is the next byte that is no white space.
func (a *array) token() (byte, error) {
	for {
		c, err := a.byte()
		if err != nil || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c, err
		}
	}
}

// member reads a name and the colon behind it.
func (a *array) member() (key string, err error) {
	c, err := a.token()
	if err != nil {
		return "", err
	}
	if c != '"' {
		return "", a.unexpected(c)
	}
	a.unread()
	text, err := a.value(true)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, &key); err != nil {
		return "", wrongf("a name before byte %d is not valid: %v", a.offset, err)
	}
	if c, err = a.token(); err == nil && c != ':' {
		err = a.unexpected(c)
	}
	return key, err
}

// value reads one value; what it does not keep is not checked closely.
func (a *array) value(keep bool) ([]byte, error) {
	c, err := a.token()
	if err != nil {
		return nil, err
	}
	a.unread()
	if c == ',' || c == ']' || c == '}' || c == ':' {
		return nil, a.unexpected(c)
	}
	var text []byte
	depth, quoted, escaped := 0, false, false
	for {
		c, err := a.byte()
		if errors.Is(err, io.EOF) && depth == 0 && !quoted && len(text) > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		if depth == 0 && !quoted && strings.IndexByte(",]} \t\r\n:", c) >= 0 {
			a.unread()
			break
		}
		if keep {
			if text = append(text, c); len(text) > asl.MaxData {
				return nil, wrongf("an item exceeds the maximum of %d bytes", asl.MaxData)
			}
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth == 0 && !quoted && (c == '}' || c == ']' || c == '"') {
			break
		}
	}
	if keep && (!json.Valid(text) || !utf8.Valid(text)) {
		return nil, wrongf("the value that ends at byte %d is not valid JSON", a.offset)
	}
	return text, nil
}
