package item

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The stored form of a value, in which an item is what an M is without its tag. Counts and lengths are varints.
//
//	tag        then
//	S N B      length, bytes; a number in its normal form
//	true false NULL
//	M          count, (length, name, value)… in the order of the names
//	L          count, value…
//	SS NS BS   count, (length, bytes)… in their order
//
// The encoding of equal values is equal. A version byte precedes an item.
const (
	version  = 1
	tagS     = 1
	tagN     = 2
	tagB     = 3
	tagTrue  = 4
	tagFalse = 5
	tagNull  = 6
	tagM     = 7
	tagL     = 8
	tagSS    = 9
	tagNS    = 10
	tagBS    = 11
)

var setTags = [...]byte{SS: tagSS, NS: tagNS, BS: tagBS}

// Append appends the stored form of m to b. m must have no Problem.
func (m Map) Append(b []byte) []byte { return m.append(append(b, version)) }

func (m Map) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for i := range m {
		b = appendText(b, m[i].Name)
		b = m[i].Value.append(b)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (v Value) append(b []byte) []byte {
	switch v.kind {
	case S:
		return appendText(append(b, tagS), v.s)
	case N:
		return appendText(append(b, tagN), v.s)
	case B:
		return appendText(append(b, tagB), v.s)
	case BOOL:
		if v.flag {
			return append(b, tagTrue)
		}
		return append(b, tagFalse)
	case NULL:
		return append(b, tagNull)
	case M:
		return v.c.m.append(append(b, tagM))
	case L:
		b = binary.AppendUvarint(append(b, tagL), uint64(len(v.c.list)))
		for i := range v.c.list {
			b = v.c.list[i].append(b)
		}
		return b
	case SS, NS, BS:
		b = binary.AppendUvarint(append(b, setTags[v.kind]), uint64(len(v.c.set)))
		for _, s := range v.c.set {
			b = appendText(b, s)
		}
		return b
	default:
		panic("item: a value without a type cannot be stored")
	}
}

var errStored = errors.New("item: the stored form is damaged")

// Decode is the inverse of Map.Append. The result keeps no reference to b.
func Decode(b []byte) (Map, error) { return DecodeText(string(b)) }

// DecodeText is Decode of a string, whose memory the item shares.
func DecodeText(s string) (Map, error) {
	if s == "" || s[0] != version {
		return nil, fmt.Errorf("item: stored in version %x, want %d", s[:min(len(s), 1)], version)
	}
	r := reader{s: s[1:]}
	m := r.attributes(0)
	if r.s != "" {
		r.err = errStored
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// DecodeAll decodes several stored items that lie one after another in s: the items share its memory. ends are where each
// of them ends.
func DecodeAll(s string, ends []int) ([]Map, error) {
	out := make([]Map, len(ends))
	begin := 0
	r := reader{slab: []Field{}}
	for i, end := range ends {
		if end <= begin || end > len(s) || s[begin] != version {
			return nil, errStored
		}
		r.s = s[begin+1 : end]
		out[i] = r.attributes(0)
		if r.s != "" || r.err != nil {
			return nil, errStored
		}
		begin = end
	}
	return out, nil
}

// reader reads stored values; the strings that it gives share s.
type reader struct {
	s    string
	err  error
	slab []Field // room for the fields of the next maps
}

// slabFields is how many fields are allocated at once when there are many small maps.
const slabFields = 128

// fields returns room for n fields, which nothing else shares.
func (r *reader) fields(n int) Map {
	if r.slab == nil || n > slabFields/4 {
		return make(Map, n)
	}
	if n > len(r.slab) {
		r.slab = make([]Field, slabFields)
	}
	m := r.slab[:n:n]
	r.slab = r.slab[n:]
	return m
}

func (r *reader) fail() {
	r.s, r.err = "", errStored
}

// count reads a varint that counts things of at least one byte each.
func (r *reader) count() int {
	var n uint64
	for shift := 0; shift < 35 && shift/7 < len(r.s); shift += 7 {
		c := r.s[shift/7]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			r.s = r.s[shift/7+1:]
			if n > uint64(len(r.s)) {
				break
			}
			return int(n)
		}
	}
	r.fail()
	return 0
}

func (r *reader) text() string {
	n := r.count()
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) attributes(depth int) Map {
	m := r.fields(r.count())
	for i := range m {
		m[i].Name = r.text()
		m[i].Value = r.value(depth + 1)
	}
	return m
}

func (r *reader) value(depth int) Value {
	if r.s == "" || depth > MaxDepth {
		r.fail()
		return Value{}
	}
	tag := r.s[0]
	r.s = r.s[1:]
	switch tag {
	case tagS:
		return Value{kind: S, s: r.text()}
	case tagN:
		return Value{kind: N, s: r.text()}
	case tagB:
		return Value{kind: B, s: r.text()}
	case tagTrue:
		return Value{kind: BOOL, flag: true}
	case tagFalse:
		return Value{kind: BOOL}
	case tagNull:
		return Value{kind: NULL}
	case tagM:
		return MapOf(r.attributes(depth))
	case tagL:
		n := r.count()
		vs := make([]Value, n)
		for i := range vs {
			vs[i] = r.value(depth + 1)
		}
		return List(vs...)
	case tagSS, tagNS, tagBS:
		n := r.count()
		set := make([]string, n)
		for i := range set {
			set[i] = r.text()
		}
		return Value{kind: SS + Kind(tag-tagSS), c: &compound{set: set}}
	default:
		r.fail()
		return Value{}
	}
}
