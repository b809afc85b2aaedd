// Package item holds DynamoDB's attribute values and items: their JSON, the compact form in which they are stored, the
// order of keys, their sizes, and DynamoDB's arithmetic. The generated package dynamodbapi uses its types wherever
// the API model says AttributeValue or a map of them.
//
// Values are immutable once made: they may be shared between goroutines and between items. A Map is a sorted slice
// and is not shared while it is being changed.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
package item

import (
	"slices"
	"strings"
)

// Kind is the datatype of a Value.
type Kind uint8

// The datatypes, by DynamoDB's descriptors.
const (
	None Kind = iota // no value: the zero Value, and what JSON {} gives
	S                // string
	N                // number
	B                // binary
	BOOL
	NULL
	M  // map
	L  // list
	SS // string set
	NS // number set
	BS // binary set
	bad
)

var kindNames = [...]string{"", "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS", ""}

// String returns DynamoDB's descriptor of k: "S", "BOOL"; "" for None.
func (k Kind) String() string { return kindNames[k] }

// KindOf is the inverse of String. It returns None for what is no descriptor.
func KindOf(s string) Kind {
	switch s {
	case "S":
		return S
	case "N":
		return N
	case "B":
		return B
	case "BOOL":
		return BOOL
	case "NULL":
		return NULL
	case "M":
		return M
	case "L":
		return L
	case "SS":
		return SS
	case "NS":
		return NS
	case "BS":
		return BS
	}
	return None
}

// Value is an AttributeValue. The zero Value is of Kind None. A Value that came from JSON may be invalid in a way that
// is no fault of the JSON, such as a number with 39 digits; Problem says so, and such a value has Kind None.
type Value struct {
	s    string // S; N in normal form; B; bad: the problem
	c    *compound
	kind Kind
	flag bool // BOOL
}

// compound holds what is not one string; only the field of its kind is set.
type compound struct {
	m    Map
	list []Value
	set  []string // sorted: SS and BS by bytes, NS by value
}

// String returns a value of type S.
func String(s string) Value { return Value{kind: S, s: s} }

// Binary returns a value of type B. It copies b.
func Binary(b []byte) Value { return Value{kind: B, s: string(b)} }

// Bool returns a value of type BOOL.
func Bool(b bool) Value { return Value{kind: BOOL, flag: b} }

// Null returns the value of type NULL.
func Null() Value { return Value{kind: NULL} }

// List returns a value of type L that holds vs.
func List(vs ...Value) Value { return Value{kind: L, c: &compound{list: vs}} }

// MapOf returns a value of type M that holds m.
func MapOf(m Map) Value { return Value{kind: M, c: &compound{m: m}} }

// Set returns a value of the set type k (SS, NS or BS) with the given members, and what DynamoDB says when they do not
// make one: empty, duplicate or not a number.
func Set(k Kind, members ...string) (Value, string) {
	v := makeSet(k, slices.Clone(members))
	return v, v.Problem(Current)
}

// Kind returns the datatype of v.
func (v Value) Kind() Kind {
	if v.kind == bad {
		return None
	}
	return v.kind
}

// IsZero reports whether v is no value at all, so that encoders leave it out.
func (v Value) IsZero() bool { return v.kind == None }

// Text returns the string of an S, the bytes of a B or the normal form of an N, and "" for other types.
func (v Value) Text() string {
	if v.kind == bad {
		return ""
	}
	return v.s
}

// Bool returns the value of a BOOL, and false for other types.
func (v Value) Bool() bool { return v.flag }

// List returns the elements of an L, which must not be changed.
func (v Value) List() []Value {
	if v.kind != L {
		return nil
	}
	return v.c.list
}

// Map returns the members of an M, which must not be changed.
func (v Value) Map() Map {
	if v.kind != M {
		return nil
	}
	return v.c.m
}

// Members returns the members of a set in their order: normal forms for NS, bytes for BS. They must not be changed.
func (v Value) Members() []string {
	if v.kind != SS && v.kind != NS && v.kind != BS {
		return nil
	}
	return v.c.set
}

// Field is a named value of a Map.
type Field struct {
	Name  string
	Value Value
}

// Map is an item, a key, or the members of an M: fields sorted by the bytes of their names, each name once. nil is the
// absent map; an empty one is not nil.
type Map []Field

// NewMap returns a Map of the given fields, in any order. Of several with one name the last counts.
func NewMap(fields ...Field) Map {
	m := append(make(Map, 0, len(fields)), fields...)
	return m.normal()
}

// F returns a Field: NewMap(F("id", String("1"))).
func F(name string, v Value) Field { return Field{Name: name, Value: v} }

// normal sorts m, which it may change, and drops all but the last of equal names.
func (m Map) normal() Map {
	sorted := true
	for i := 1; i < len(m); i++ {
		if m[i-1].Name >= m[i].Name {
			sorted = false
			break
		}
	}
	if sorted {
		return m
	}
	slices.SortStableFunc(m, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	out := m[:0]
	for i := range m {
		if i+1 < len(m) && m[i+1].Name == m[i].Name {
			continue
		}
		out = append(out, m[i])
	}
	clear(m[len(out):])
	return out
}

// find returns where name is, or would be.
func (m Map) find(name string) (int, bool) {
	if len(m) <= 8 {
		for i := range m {
			if m[i].Name >= name {
				return i, m[i].Name == name
			}
		}
		return len(m), false
	}
	return slices.BinarySearchFunc(m, name, func(f Field, n string) int { return strings.Compare(f.Name, n) })
}

// Get returns the value called name. The zero Value, of Kind None, says that there is none.
func (m Map) Get(name string) Value {
	if i, ok := m.find(name); ok {
		return m[i].Value
	}
	return Value{}
}

// Has reports whether m has a field called name.
func (m Map) Has(name string) bool {
	_, ok := m.find(name)
	return ok
}

// Put sets the field called name.
func (m *Map) Put(name string, v Value) {
	i, ok := m.find(name)
	if ok {
		(*m)[i].Value = v
		return
	}
	*m = slices.Insert(*m, i, Field{Name: name, Value: v})
}

// Remove deletes the field called name, if there is one.
func (m *Map) Remove(name string) {
	if i, ok := m.find(name); ok {
		*m = slices.Delete(*m, i, i+1)
	}
}

// Clone returns a copy of m that can be changed; the values, being immutable, are shared.
func (m Map) Clone() Map {
	if m == nil {
		return nil
	}
	return append(make(Map, 0, len(m)+1), m...)
}
