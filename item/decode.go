package item

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// few is how many fields are collected on the stack, so that they are moved once when they are put in order.
const few = 16

// attributes reads an object of attribute values at the given level of nesting.
func (d *decoder) attributes(depth int) Map {
	switch c := d.peek(); {
	case c == 'n' && d.literal("null"):
		return nil
	case c != '{':
		d.mistaken(c, "Map")
		return nil
	}
	d.i++
	if d.peek() == '}' {
		d.i++
		return Map{}
	}
	var room [few]Field
	n := 0
	var more Map
	for d.err == nil {
		name := d.text()
		d.want(':')
		v := d.value(depth)
		if n < few {
			room[n] = Field{Name: name, Value: v}
			n++
		} else {
			more = append(more, Field{Name: name, Value: v})
		}
		if d.peek() == ',' {
			d.i++
			continue
		}
		d.want('}')
		break
	}
	if more != nil {
		return append(append(make(Map, 0, n+len(more)), room[:]...), more...).normal()
	}
	return inOrder(room[:n])
}

// inOrder makes a Map of at most few fields. Of several with one name the last counts.
func inOrder(fields []Field) Map {
	var order [few]uint8
	for i := range fields {
		j := i
		for ; j > 0 && fields[order[j-1]].Name > fields[i].Name; j-- {
			order[j] = order[j-1]
		}
		order[j] = uint8(i)
	}
	m := make(Map, 0, len(fields))
	for i, k := range order[:len(fields)] {
		if i+1 < len(fields) && fields[order[i+1]].Name == fields[k].Name {
			continue
		}
		m = append(m, fields[k])
	}
	return m
}

// value reads an AttributeValue at the given level of nesting.
func (d *decoder) value(depth int) Value {
	switch c := d.peek(); {
	case c == 'n' && d.literal("null"):
		return Value{}
	case c != '{':
		d.mistaken(c, "AttributeValue")
		return Value{}
	}
	if depth > MaxDepth {
		d.skip()
		return invalid(TooDeep)
	}
	d.i++
	var v Value
	if d.peek() == '}' {
		d.i++
		return v
	}
	types := 0
	for d.err == nil {
		name := d.text()
		d.want(':')
		if one := d.member(name, depth); one.kind != None {
			if types++; v.kind != bad {
				v = one
			}
		}
		if d.peek() == ',' {
			d.i++
			continue
		}
		d.want('}')
		break
	}
	if types > 1 && v.kind != bad {
		v = invalid(manyTypes)
	}
	return v
}

// member reads the member called name of an AttributeValue. null and members that are unknown give None.
func (d *decoder) member(name string, depth int) Value {
	kind := KindOf(name)
	if kind == None {
		d.skip()
		return Value{}
	}
	if d.peek() == 'n' && d.literal("null") {
		return Value{}
	}
	switch kind {
	case S:
		return Value{kind: S, s: d.text()}
	case N:
		return number(d.text())
	case B:
		return Value{kind: B, s: d.blob()}
	case BOOL:
		return Value{kind: BOOL, flag: d.boolean()}
	case NULL:
		if !d.boolean() {
			return invalid(nullFalse)
		}
		return Value{kind: NULL}
	case M:
		return MapOf(d.attributes(depth + 1))
	case L:
		vs := make([]Value, 0, 4)
		d.list(func() { vs = append(vs, d.value(depth+1)) })
		return List(vs...)
	default:
		members := make([]string, 0, 4)
		d.list(func() {
			if kind == BS {
				members = append(members, d.blob())
			} else {
				members = append(members, d.text())
			}
		})
		return makeSet(kind, members)
	}
}

func (d *decoder) boolean() bool {
	switch c := d.peek(); {
	case c == 't' && d.literal("true"):
		return true
	case c == 'f' && d.literal("false"):
		return false
	default:
		d.mistaken(c, "Boolean")
		return false
	}
}

// blob reads a base64 string.
func (d *decoder) blob() string {
	if c := d.peek(); c != '"' {
		d.mistaken(c, "Blob")
		return ""
	}
	text := d.text()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		if len(text)%4 != 0 {
			d.fail("Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(text)))
		} else {
			d.fail("Invalid base64 encoded string")
		}
	}
	return string(b)
}

// text reads a string. Without escapes it is a piece of the source.
func (d *decoder) text() string {
	if c := d.peek(); c != '"' {
		d.mistaken(c, "String")
		return ""
	}
	d.i++
	start := d.i
	i := start
	for i < len(d.src) && plain[d.src[i]] {
		i++
	}
	d.i = i
	switch {
	case i < len(d.src) && d.src[i] == '"':
		d.i++
		return d.src[start:i]
	case i < len(d.src) && d.src[i] == '\\':
		return d.escaped(start)
	}
	d.fail("")
	return ""
}

// plain are the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return t
}()

// escaped reads the rest of a string that began at start and has a backslash at d.i.
func (d *decoder) escaped(start int) string {
	var b strings.Builder
	for d.i < len(d.src) {
		switch c := d.src[d.i]; {
		case c == '"':
			b.WriteString(d.src[start:d.i])
			d.i++
			return b.String()
		case c < ' ':
			d.fail("")
			return ""
		case c == '\\':
			b.WriteString(d.src[start:d.i])
			b.WriteRune(d.escape())
			start = d.i
		default:
			d.i++
		}
	}
	d.fail("")
	return ""
}

// escape reads one escape sequence. A surrogate without its other half gives U+FFFD.
func (d *decoder) escape() rune {
	if d.i+1 >= len(d.src) {
		d.fail("")
		return 0
	}
	c := d.src[d.i+1]
	if c != 'u' {
		k := strings.IndexByte(`"\/bfnrt`, c)
		if k < 0 {
			d.fail("")
			return 0
		}
		d.i += 2
		return rune("\"\\/\b\f\n\r\t"[k])
	}
	r, ok := d.hex4(d.i)
	if !ok {
		d.fail("")
		return 0
	}
	d.i += 6
	if utf16.IsSurrogate(r) {
		if low, ok := d.hex4(d.i); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				d.i += 6
				return both
			}
		}
		return utf8.RuneError
	}
	return r
}

// hex4 reads the four digits of the \u sequence that begins at i.
func (d *decoder) hex4(i int) (rune, bool) {
	if i+6 > len(d.src) || d.src[i] != '\\' || d.src[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(d.src[i+2 : i+6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// skip passes over one JSON value without recursion. That it is well formed is checked only as far as brackets and
// strings go: nothing of it is kept.
func (d *decoder) skip() {
	depth := 0
	for d.err == nil {
		switch c := d.peek(); c {
		case 0:
			d.fail("")
		case '"':
			d.text()
		case '{', '[':
			depth++
			d.i++
			continue
		case '}', ']':
			if depth == 0 {
				return
			}
			depth--
			d.i++
		case ',', ':':
			if depth == 0 {
				return
			}
			d.i++
			continue
		default:
			for d.i < len(d.src) && !strings.ContainsRune(" \n\t\r,:]}", rune(d.src[d.i])) {
				d.i++
			}
		}
		if depth == 0 {
			return
		}
	}
}
