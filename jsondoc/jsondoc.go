// Package jsondoc holds JSON documents as a program may look at them and change them: members keep their order and
// numbers their text, so that what passes through untouched comes out as it went in.
//
// A document is nil, bool, string, json.Number, *Array or *Object.
package jsondoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"unicode/utf8"
)

// MaxDepth is how deep a document may be nested.
const MaxDepth = 1000

// ErrDepth is wrapped by Parse's error for a document that is nested deeper than MaxDepth.
var ErrDepth = errors.New("jsondoc: nested too deeply")

// Array is a JSON array. Holders of the pointer see each other's changes.
type Array struct{ Items []any }

// Object is a JSON object whose members keep the order in which they were first set.
type Object struct {
	keys   []string
	values []any
	places map[string]int // by name; only when there are more than few members
}

// few members are found sooner by going through them than by a map, and cost no map.
const few = 12

// NewObject returns an empty object.
func NewObject() *Object { return &Object{} }

// SizedObject returns an empty object with room for n members.
func SizedObject(n int) *Object {
	return &Object{keys: make([]string, 0, n), values: make([]any, 0, n)}
}

func (o *Object) place(key string) int {
	if o.places != nil {
		if i, ok := o.places[key]; ok {
			return i
		}
		return -1
	}
	return slices.Index(o.keys, key)
}

// Get returns the member called key.
func (o *Object) Get(key string) (any, bool) {
	i := o.place(key)
	if i < 0 {
		return nil, false
	}
	return o.values[i], true
}

// Set adds or replaces a member; a replaced one keeps its place.
func (o *Object) Set(key string, v any) {
	if i := o.place(key); i >= 0 {
		o.values[i] = v
		return
	}
	o.keys, o.values = append(o.keys, key), append(o.values, v)
	if o.places != nil {
		o.places[key] = len(o.keys) - 1
	} else if len(o.keys) > few {
		o.index()
	}
}

func (o *Object) index() {
	o.places = make(map[string]int, 2*len(o.keys))
	for i, k := range o.keys {
		o.places[k] = i
	}
}

// Delete removes a member and returns what it was.
func (o *Object) Delete(key string) (any, bool) {
	i := o.place(key)
	if i < 0 {
		return nil, false
	}
	v := o.values[i]
	o.keys = append(o.keys[:i:i], o.keys[i+1:]...) // somebody may be going through them
	o.values = append(o.values[:i:i], o.values[i+1:]...)
	if o.places != nil {
		o.index()
	}
	return v, true
}

// Clone returns an object with the same members, which are not copied themselves.
func (o *Object) Clone() *Object {
	return &Object{keys: slices.Clone(o.keys), values: slices.Clone(o.values), places: maps.Clone(o.places)}
}

// Len is the number of members.
func (o *Object) Len() int { return len(o.keys) }

// Keys returns the names of the members in order. The slice must not be changed.
func (o *Object) Keys() []string { return o.keys }

// All yields the members in order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		values := o.values
		for i, k := range o.keys {
			if !yield(k, values[i]) {
				return
			}
		}
	}
}

// Append appends the compact JSON text of v to dst. Characters are escaped only where JSON requires it.
func Append(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case json.Number:
		return append(dst, v...)
	case string:
		return AppendString(dst, v)
	case *Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = Append(dst, item)
		}
		return append(dst, ']')
	case *Object:
		dst = append(dst, '{')
		for i, k := range v.keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendString(dst, k), ':')
			dst = Append(dst, v.values[i])
		}
		return append(dst, '}')
	default:
		panic(fmt.Sprintf("jsondoc: %T is not a document", v))
	}
}

// Text is the compact JSON text of v.
func Text(v any) string { return string(Append(nil, v)) }

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// Plain converts v to what encoding/json makes with UseNumber: map[string]any and []any. Libraries that know nothing of
// this package take that.
func Plain(v any) any {
	switch v := v.(type) {
	case *Array:
		out := make([]any, len(v.Items))
		for i, item := range v.Items {
			out[i] = Plain(item)
		}
		return out
	case *Object:
		out := make(map[string]any, len(v.keys))
		for k, m := range v.All() {
			out[k] = Plain(m)
		}
		return out
	default:
		return v
	}
}

// Equal reports whether two documents are the same: objects by their members in any order, numbers by value.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		bn, ok := b.(json.Number)
		return ok && sameNumber(a, bn)
	case *Array:
		bv, ok := b.(*Array)
		if !ok || len(a.Items) != len(bv.Items) {
			return false
		}
		for i := range a.Items {
			if !Equal(a.Items[i], bv.Items[i]) {
				return false
			}
		}
		return true
	case *Object:
		bv, ok := b.(*Object)
		if !ok || a.Len() != bv.Len() {
			return false
		}
		for k, m := range a.All() {
			n, ok := bv.Get(k)
			if !ok || !Equal(m, n) {
				return false
			}
		}
		return true
	default:
		return a == b
	}
}

func sameNumber(a, b json.Number) bool {
	if a == b {
		return true
	}
	i, err1 := a.Int64()
	j, err2 := b.Int64()
	if err1 == nil && err2 == nil { // which a float64 may not tell apart
		return i == j
	}
	x, err1 := a.Float64()
	y, err2 := b.Float64()
	return err1 == nil && err2 == nil && x == y
}
