package shape

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"time"
)

// Value is a place in memory together with its shape: a structure, one of its members, an element of a list. It is what
// the protocols read and write. Its methods panic when they do not fit the shape's kind.
type Value struct {
	Shape *Shape
	rv    reflect.Value // addressable, of type Shape.Type
}

// ValueOf returns the structure that v points to. v must be a non-nil pointer to a struct of an API model.
func ValueOf(v any) Value {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		panic(fmt.Sprintf("shape: %T is not a pointer to a structure", v))
	}
	rv = rv.Elem()
	return Value{Of(rv.Type()), rv}
}

// Interface returns a pointer to the value.
func (v Value) Interface() any { return v.rv.Addr().Interface() }

// Member returns member m of a structure, false when it is absent. A required list or map that is nil counts as
// present and empty: that is how answers say "none".
func (v Value) Member(m *Member) (Value, bool) {
	f := v.rv.Field(m.index)
	if m.Pointer {
		if f.IsNil() {
			return Value{}, false
		}
		return Value{m.Shape, f.Elem()}, true
	}
	ok := true
	switch m.Shape.Kind {
	case String:
		ok = m.Shape.enum == nil || f.Len() > 0
	case List, Map:
		ok = m.Required || !f.IsNil()
	case Blob, Document, Stream:
		ok = !f.IsNil()
	case Custom:
		ok = !f.IsZero()
	}
	return Value{m.Shape, f}, ok
}

// isNil reports whether a nilable member (see Member.nilable) is absent, required lists and maps included.
func (v Value) isNil(m *Member) bool {
	f := v.rv.Field(m.index)
	if !m.Pointer && m.Shape.Kind == String {
		return f.Len() == 0
	}
	return f.IsNil()
}

// Place returns the place of member m to be filled, allocating what it points to.
func (v Value) Place(m *Member) Value {
	f := v.rv.Field(m.index)
	if m.Pointer {
		if f.IsNil() {
			f.Set(reflect.New(m.Shape.Type))
		}
		f = f.Elem()
	}
	return Value{m.Shape, f}
}

// String returns a String. On other kinds it describes v for messages, as AWS's Java toString does.
func (v Value) String() string {
	if v.Shape != nil && v.Shape.Kind == String {
		return v.rv.String()
	}
	return string(v.appendText(nil))
}

// SetString sets a String.
func (v Value) SetString(s string) { v.rv.SetString(s) }

// Bool returns a Boolean.
func (v Value) Bool() bool { return v.rv.Bool() }

// SetBool sets a Boolean.
func (v Value) SetBool(b bool) { v.rv.SetBool(b) }

// Int returns an Integer or Long.
func (v Value) Int() int64 { return v.rv.Int() }

// SetInt sets an Integer or Long and reports whether n fits.
func (v Value) SetInt(n int64) bool {
	if v.rv.OverflowInt(n) {
		return false
	}
	v.rv.SetInt(n)
	return true
}

// Float returns a Float or Double.
func (v Value) Float() float64 { return v.rv.Float() }

// SetFloat sets a Float or Double.
func (v Value) SetFloat(f float64) { v.rv.SetFloat(f) }

// Bytes returns a Blob or Document.
func (v Value) Bytes() []byte { return v.rv.Bytes() }

// SetBytes sets a Blob or Document, which keeps b.
func (v Value) SetBytes(b []byte) { v.rv.SetBytes(b) }

// Time returns a Timestamp.
func (v Value) Time() time.Time { return *v.rv.Addr().Interface().(*time.Time) }

// SetTime sets a Timestamp.
func (v Value) SetTime(t time.Time) { *v.rv.Addr().Interface().(*time.Time) = t }

// Stream returns a Stream; it may be nil.
func (v Value) Stream() io.Reader { return *v.rv.Addr().Interface().(*io.Reader) }

// SetStream sets a Stream.
func (v Value) SetStream(r io.Reader) { *v.rv.Addr().Interface().(*io.Reader) = r }

// Codec returns a Custom value.
func (v Value) Codec() JSONCodec { return v.rv.Addr().Interface().(JSONCodec) }

// Len returns the length of a List or Map.
func (v Value) Len() int { return v.rv.Len() }

// Index returns element i of a List; ok is false for a nil pointer.
func (v Value) Index(i int) (e Value, ok bool) {
	f := v.rv.Index(i)
	if v.Shape.ElemPointer {
		if f.IsNil() {
			return Value{}, false
		}
		f = f.Elem()
	}
	return Value{v.Shape.Elem, f}, true
}

// MakeList makes a List empty but not nil.
func (v Value) MakeList() { v.rv.Set(reflect.MakeSlice(v.Shape.Type, 0, 0)) }

// Append adds an element to a List and returns its place, which is good until the next Append.
func (v Value) Append() Value {
	n := v.rv.Len()
	if n == v.rv.Cap() {
		v.rv.Grow(max(1, n))
	}
	v.rv.SetLen(n + 1)
	f := v.rv.Index(n)
	if v.Shape.ElemPointer {
		f.Set(reflect.New(v.Shape.Elem.Type))
		f = f.Elem()
	} else {
		f.SetZero() // the slice may have been longer once
	}
	return Value{v.Shape.Elem, f}
}

// MakeMap makes a Map empty but not nil.
func (v Value) MakeMap() { v.rv.Set(reflect.MakeMap(v.Shape.Type)) }

// Entries fills the Map m one entry after the other: Next gives a place for a value, Put moves it into the map.
type Entries struct {
	m    Value
	slot reflect.Value // of the map's element type
	key  reflect.Value // of its key type
	strs *map[string]string
}

// Entries returns a filler for the Map v.
func (v Value) Entries() Entries {
	e := Entries{m: v}
	if e.strs, _ = v.rv.Addr().Interface().(*map[string]string); e.strs == nil {
		e.slot = reflect.New(v.Shape.Type.Elem()).Elem()
		e.key = reflect.New(v.Shape.Type.Key()).Elem()
	}
	return e
}

// Next returns an empty place, good until the next call.
func (e *Entries) Next() Value {
	s := e.m.Shape
	switch {
	case e.strs != nil:
		return Value{s.Elem, reflect.New(s.Elem.Type).Elem()}
	case s.ElemPointer:
		e.slot.Set(reflect.New(s.Elem.Type))
		return Value{s.Elem, e.slot.Elem()}
	}
	e.slot.SetZero()
	return Value{s.Elem, e.slot}
}

// Put stores v, which Next returned, under key, in place of what was there.
func (e *Entries) Put(key string, v Value) {
	if e.strs != nil {
		(*e.strs)[key] = v.rv.String()
		return
	}
	e.key.SetString(key)
	e.m.rv.SetMapIndex(e.key, e.slot)
}

// Range calls f for each entry of the Map v in order of the keys, so that the same value always gives the same bytes,
// and stops at the first error. Nil pointers are left out.
func (v Value) Range(f func(key string, e Value) error) error {
	if v.rv.IsNil() {
		return nil
	}
	if m, ok := v.rv.Addr().Interface().(*map[string]string); ok {
		return v.rangeStrings(*m, f)
	}
	keys := make([]string, 0, v.rv.Len())
	for it := v.rv.MapRange(); it.Next(); {
		keys = append(keys, it.Key().String())
	}
	slices.Sort(keys)
	slot := reflect.New(v.Shape.Type.Elem()).Elem()
	key := reflect.New(v.Shape.Type.Key()).Elem()
	for _, k := range keys {
		key.SetString(k)
		slot.Set(v.rv.MapIndex(key))
		e := Value{v.Shape.Elem, slot}
		if v.Shape.ElemPointer {
			if slot.IsNil() {
				continue
			}
			e.rv = slot.Elem()
		}
		if err := f(k, e); err != nil {
			return err
		}
	}
	return nil
}

func (v Value) rangeStrings(m map[string]string, f func(key string, e Value) error) error {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var s string
	e := Value{v.Shape.Elem, reflect.ValueOf(&s).Elem()}
	for _, k := range keys {
		s = m[k]
		if err := f(k, e); err != nil {
			return err
		}
	}
	return nil
}

// One returns the only member that a union has set, or nil when it has none or several.
func (v Value) One() *Member {
	var one *Member
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		if _, ok := v.Member(m); ok {
			if one != nil {
				return nil
			}
			one = m
		}
	}
	return one
}
