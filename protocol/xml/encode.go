package xml

import (
	"strconv"
	"strings"

	"github.com/brume-dev/brume/shape"
)

// Encoder writes structures as XML.
type Encoder struct {
	// Time is the format of timestamps whose member names none; the zero value is ISO8601.
	Time shape.TimeFormat
}

// AppendElement appends the structure v as an element. Members that are bound elsewhere in the message are left out when
// bound is set.
func (e Encoder) AppendElement(b []byte, name string, ns shape.Namespace, v shape.Value, bound bool) []byte {
	b = e.start(b, name, ns, v)
	b = e.AppendMembers(b, v, bound)
	return AppendEnd(b, name)
}

// AppendMembers appends the members of the structure v, without an element around them.
func (e Encoder) AppendMembers(b []byte, v shape.Value, bound bool) []byte {
	return e.AppendOther(b, v, func(m *shape.Member) bool { return bound && m.In != shape.Body })
}

// AppendOther appends the members of the structure v that skip does not name.
func (e Encoder) AppendOther(b []byte, v shape.Value, skip func(*shape.Member) bool) []byte {
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		if m.Attr || skip(m) {
			continue
		}
		if f, ok := v.Member(m); ok {
			b = e.member(b, f, m)
		}
	}
	return b
}

// start opens an element, with the attributes that v holds.
func (e Encoder) start(b []byte, name string, ns shape.Namespace, v shape.Value) []byte {
	b = append(append(b, '<'), name...)
	b = appendNamespace(b, ns)
	if v.Shape != nil && v.Shape.Kind == shape.Structure {
		for i := range v.Shape.Members {
			m := &v.Shape.Members[i]
			if !m.Attr {
				continue
			}
			if f, ok := v.Member(m); ok {
				b = append(append(append(b, ' '), m.XML...), `="`...)
				b = append(AppendText(b, string(f.AppendText(nil, m, e.Time))), '"')
			}
		}
	}
	return append(b, '>')
}

func appendNamespace(b []byte, ns shape.Namespace) []byte {
	if ns.URI == "" {
		return b
	}
	b = append(b, " xmlns"...)
	if ns.Prefix != "" {
		b = append(append(b, ':'), ns.Prefix...)
	}
	return append(AppendText(append(b, `="`...), ns.URI), '"')
}

// AppendStart appends the start tag of an element that declares ns.
func AppendStart(b []byte, name string, ns shape.Namespace) []byte {
	return Encoder{}.start(b, name, ns, shape.Value{})
}

// AppendEnd appends an end tag.
func AppendEnd(b []byte, name string) []byte {
	return append(append(append(b, "</"...), name...), '>')
}

// AppendString appends an element that holds text.
func AppendString(b []byte, name, text string) []byte {
	b = append(append(append(b, '<'), name...), '>')
	return AppendEnd(AppendText(b, text), name)
}

func (e Encoder) member(b []byte, v shape.Value, m *shape.Member) []byte {
	if !m.Flat {
		return e.value(b, m.XML, m.NS, v, m, m)
	}
	switch v.Shape.Kind {
	case shape.List:
		for i := range v.Len() {
			if x, ok := v.Index(i); ok {
				b = e.value(b, m.XML, m.NS, x, m, nil)
			}
		}
	case shape.Map:
		b = e.entries(b, m.XML, v, m, m)
	default:
		b = e.value(b, m.XML, m.NS, v, m, m)
	}
	return b
}

// value appends v as an element called name; see decoder.value for m and names.
func (e Encoder) value(b []byte, name string, ns shape.Namespace, v shape.Value, m, names *shape.Member) []byte {
	b = e.start(b, name, ns, v)
	switch v.Shape.Kind {
	case shape.Structure:
		b = e.AppendMembers(b, v, false)
	case shape.List:
		item := "member"
		if names != nil {
			item = names.Item
		}
		for i := range v.Len() {
			if x, ok := v.Index(i); ok {
				b = e.value(b, item, shape.Namespace{}, x, m, nil)
			}
		}
	case shape.Map:
		b = e.entries(b, "entry", v, m, names)
	case shape.String:
		b = AppendText(b, v.String())
	default:
		b = v.AppendText(b, m, e.Time)
	}
	return AppendEnd(b, name)
}

func (e Encoder) entries(b []byte, name string, v shape.Value, m, names *shape.Member) []byte {
	key, val := "key", "value"
	if names != nil {
		key, val = names.Key, names.Value
	}
	v.Range(func(k string, x shape.Value) error { //nolint:errcheck // the function never fails
		b = append(append(append(b, '<'), name...), '>')
		b = AppendString(b, key, k)
		b = e.value(b, val, shape.Namespace{}, x, m, nil)
		b = AppendEnd(b, name)
		return nil
	})
	return b
}

// AppendReadable is AppendString for texts that quote what a client sent: what XML 1.0 does not allow becomes U+FFFD, so
// that every parser can read why a request was refused.
func AppendReadable(b []byte, name, text string) []byte {
	return AppendString(b, name, strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, text))
}

// AppendText appends s so that it is safe in elements and attributes. Carriage returns are escaped, as XML would turn
// them into newlines. Control characters become references, which XML 1.0 does not allow: S3 answers so for keys that
// have them, and offers encoding-type=url to those who cannot read it.
func AppendText(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !mustEscape[c] {
			continue
		}
		b = append(b, s[start:i]...)
		switch start = i + 1; c {
		case '&':
			b = append(b, "&amp;"...)
		case '<':
			b = append(b, "&lt;"...)
		case '>':
			b = append(b, "&gt;"...)
		case '"':
			b = append(b, "&quot;"...)
		default:
			b = append(append(b, "&#x"...), strconv.FormatUint(uint64(c), 16)...)
			b = append(b, ';')
		}
	}
	return append(b, s[start:]...)
}

var mustEscape = func() (t [256]bool) {
	for c := range ' ' {
		t[c] = c != '\n' && c != '\t'
	}
	for _, c := range `&<>"` {
		t[c] = true
	}
	return t
}()
