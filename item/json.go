package item

import (
	"encoding/base64"
	"unicode/utf8"

	"github.com/brume-dev/brume/shape"
)

// AppendJSON appends v as {"S":"…"} to b. It implements shape.JSONCodec.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case S:
		b = appendString(append(b, `{"S":`...), v.s)
	case N:
		b = append(append(append(b, `{"N":"`...), v.s...), '"')
	case B:
		b = appendBase64(append(b, `{"B":`...), v.s)
	case BOOL:
		if v.flag {
			return append(b, `{"BOOL":true}`...)
		}
		return append(b, `{"BOOL":false}`...)
	case NULL:
		return append(b, `{"NULL":true}`...)
	case M:
		b = v.c.m.AppendJSON(append(b, `{"M":`...))
	case L:
		b = append(b, `{"L":[`...)
		for i := range v.c.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.c.list[i].AppendJSON(b)
		}
		b = append(b, ']')
	case SS, NS, BS:
		b = append(append(append(b, `{"`...), kindNames[v.kind]...), `":[`...)
		for i, s := range v.c.set {
			if i > 0 {
				b = append(b, ',')
			}
			if v.kind == BS {
				b = appendBase64(b, s)
			} else {
				b = appendString(b, s)
			}
		}
		b = append(b, ']')
	default:
		b = append(b, '{')
	}
	return append(b, '}')
}

// AppendJSON appends m as a JSON object to b. It implements shape.JSONCodec.
func (m Map) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	for i := range m {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, m[i].Name)
		b = append(b, ':')
		b = m[i].Value.AppendJSON(b)
	}
	return append(b, '}')
}

func appendBase64(b []byte, s string) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, []byte(s))
	return append(b, '"')
}

const hex = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if plain[c] {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(b, s[start:]...), '"')
}

// DecodeJSON reads one JSON value from the front of b, and returns what follows it. Its errors are DynamoDB's
// SerializationException; a value that is wrong in any other way is read, and known by Problem. JSON null gives the
// zero Value. It implements shape.JSONCodec.
func (v *Value) DecodeJSON(b []byte) (rest []byte, err error) {
	d, rest, err := newDecoder(b)
	if err != nil {
		return nil, err
	}
	*v = d.value(1)
	return rest, d.finish()
}

// DecodeJSON reads a JSON object of attribute values from the front of b, as Value.DecodeJSON does. JSON null gives
// nil.
func (m *Map) DecodeJSON(b []byte) (rest []byte, err error) {
	d, rest, err := newDecoder(b)
	if err != nil {
		return nil, err
	}
	*m = d.attributes(1)
	return rest, d.finish()
}

func serialization(text string) error { return shape.SerializationError("%s", text) }

// decoder reads one JSON value. src is a copy of its text in one piece, which the decoded strings share.
type decoder struct {
	src string
	i   int
	err error
}

// newDecoder finds the end of the value that b begins with, so that exactly this is copied, once.
func newDecoder(b []byte) (decoder, []byte, error) {
	i, depth := 0, 0
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	start := i
scan:
	for ; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				break scan // the end of what a bare literal lies in
			}
			if depth--; depth == 0 {
				i++
				break scan
			}
		case ',':
			if depth == 0 {
				break scan
			}
		}
	}
	if i > len(b) || depth > 0 || i == start {
		return decoder{}, nil, serialization("")
	}
	text := b[start:i]
	if !utf8.Valid(text) {
		return decoder{}, nil, serialization("")
	}
	return decoder{src: string(text)}, b[i:], nil
}

// finish reports the first error, which may be that something follows the value.
func (d *decoder) finish() error {
	if d.err == nil && d.peek() != 0 {
		d.fail("")
	}
	return d.err
}

func (d *decoder) fail(text string) {
	if d.err == nil {
		d.err = serialization(text)
	}
	d.i = len(d.src)
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// peek returns the next byte that is no white space, 0 at the end.
func (d *decoder) peek() byte {
	for d.i < len(d.src) {
		if c := d.src[d.i]; !isSpace(c) {
			return c
		}
		d.i++
	}
	return 0
}

// want consumes c.
func (d *decoder) want(c byte) {
	if d.peek() != c {
		d.fail("")
		return
	}
	d.i++
}

// literal consumes word if it is next.
func (d *decoder) literal(word string) bool {
	if len(d.src)-d.i >= len(word) && d.src[d.i:d.i+len(word)] == word {
		d.i += len(word)
		return true
	}
	return false
}

// javaClasses are what DynamoDB calls the types that a list is no value of.
var javaClasses = map[string]string{"String": "java.lang.String", "Boolean": "java.lang.Boolean", "Blob": "java.nio.ByteBuffer",
	"AttributeValue": "com.amazonaws.dynamodb.v20120810.AttributeValue", "Map": "java.util.Map"}

// mistaken fails with what DynamoDB says when c begins something else than the type wanted.
func (d *decoder) mistaken(c byte, want string) {
	token := ""
	switch {
	case c == '[':
		d.fail("Unrecognized collection type class " + javaClasses[want])
		return
	case c == '{':
		d.fail("Start of structure or map found where not expected.")
		return
	case c == '"':
		token = "STRING_VALUE"
	case c == 't' && d.literal("true"):
		token = "TRUE_VALUE"
	case c == 'f' && d.literal("false"):
		token = "FALSE_VALUE"
	case c == '-' || c >= '0' && c <= '9':
		token = "NUMBER_VALUE"
	}
	switch {
	case token == "":
		d.fail("")
	case want == "Blob":
		d.fail("only base-64-encoded strings are convertible to bytes")
	case want == "AttributeValue" || want == "Map":
		d.fail("Unexpected field type")
	default:
		d.fail(token + " cannot be converted to " + want)
	}
}

// list reads a JSON array and calls each at the start of every element. It reports whether there was one: null
// counts as absent.
func (d *decoder) list(each func()) bool {
	switch c := d.peek(); {
	case c == 'n' && d.literal("null"):
		return false
	case c == '{':
		d.fail("Start of structure or map found where not expected.")
		return false
	case c != '[':
		d.fail("Unexpected field type")
		return false
	}
	d.i++
	if d.peek() == ']' {
		d.i++
		return true
	}
	for d.err == nil {
		each()
		if d.peek() == ',' {
			d.i++
			continue
		}
		d.want(']')
		return d.err == nil
	}
	return false
}
