package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Tuple builds keys. Each method appends one element in a subset of the FoundationDB tuple encoding, so that encoded
// keys compare as the tuples do, element by element: integers by value, text and bytes lexically, every integer after
// every text. It is used by value, as append is: a prefix may be kept and extended many times.
//
//	bytes   0x01 b… 0x00      each 0x00 in b is followed by 0xff
//	text    0x02 b… 0x00      likewise
//	int     0x14±n, n big-endian bytes of the magnitude (ones' complement when negative), n = 0…8
//	stamp   0x33 12 bytes
//
// https://github.com/apple/foundationdb/blob/main/design/tuple.md
type Tuple []byte

const (
	tagBytes = 0x01
	tagText  = 0x02
	tagZero  = 0x14
	tagStamp = 0x33
)

// Text appends a text element.
func (t Tuple) Text(s string) Tuple {
	t = append(t.grow(len(s)+2), tagText)
	for i := 0; i < len(s); i++ {
		t = append(t, s[i])
		if s[i] == 0 {
			t = append(t, 0xff)
		}
	}
	return append(t, 0)
}

// Bytes appends a bytes element.
func (t Tuple) Bytes(b []byte) Tuple {
	t = append(t.grow(len(b)+2), tagBytes)
	for _, c := range b {
		t = append(t, c)
		if c == 0 {
			t = append(t, 0xff)
		}
	}
	return append(t, 0)
}

// Uint appends an integer element.
func (t Tuple) Uint(v uint64) Tuple {
	n := (bits.Len64(v) + 7) / 8
	t = append(t.grow(9), byte(tagZero+n))
	for i := n - 1; i >= 0; i-- {
		t = append(t, byte(v>>(8*i)))
	}
	return t
}

// Int appends an integer element that may be negative.
func (t Tuple) Int(v int64) Tuple {
	if v >= 0 {
		return t.Uint(uint64(v))
	}
	m := uint64(-(v + 1)) + 1
	n := (bits.Len64(m) + 7) / 8
	t = append(t.grow(9), byte(tagZero-n))
	for i := n - 1; i >= 0; i-- {
		t = append(t, ^byte(m>>(8*i))+0)
	}
	return t
}

// Stamp appends a stamp element. To have the store fill one in, give StampPrefix to SetStampedKey.
func (t Tuple) Stamp(s Stamp) Tuple { return append(append(t.grow(1+StampSize), tagStamp), s[:]...) }

// StampPrefix appends the tag of a stamp element, so that SetStampedKey(t.StampPrefix(), suffix, v) makes the key
// t.Stamp(s) followed by suffix.
func (t Tuple) StampPrefix() Tuple { return append(t.grow(1), tagStamp) }

// Raw appends bytes that are already encoded.
func (t Tuple) Raw(b []byte) Tuple { return append(t.grow(len(b)), b...) }

// grow returns t with room for n more bytes and never shares spare capacity with another extension of t.
func (t Tuple) grow(n int) Tuple {
	out := make(Tuple, len(t), len(t)+n+24)
	copy(out, t)
	return out
}

// Range is the interval of all keys that extend t by at least one element.
func (t Tuple) Range() Range {
	return Range{Begin: append(t.grow(1), 0x00), End: append(t.grow(1), 0xff)}
}

// After is the interval of keys above t and its extensions, up to the end of the range r. It continues a listing
// after the key t.
func (t Tuple) After(r Range) Range { return Range{Begin: append(t.grow(1), 0xff), End: r.End} }

// Elements reads the elements of an encoded key, in order. The first error sticks and is given by Err.
type Elements struct {
	b   []byte
	err error
}

// Decode reads k after its first skip bytes, which are usually a known prefix.
func Decode(k Key, skip int) *Elements {
	if skip > len(k) {
		return &Elements{err: errors.New("key: shorter than its prefix")}
	}
	return &Elements{b: k[skip:]}
}

// Err is the first error.
func (e *Elements) Err() error { return e.err }

// More reports whether elements are left.
func (e *Elements) More() bool { return e.err == nil && len(e.b) > 0 }

func (e *Elements) fail(want string) {
	if e.err == nil {
		e.err = fmt.Errorf("key: no %s element at %x", want, e.b)
	}
}

func (e *Elements) escaped(tag byte, want string) []byte {
	if e.err != nil || len(e.b) == 0 || e.b[0] != tag {
		e.fail(want)
		return nil
	}
	var out []byte
	for i := 1; i < len(e.b); i++ {
		if e.b[i] != 0 {
			out = append(out, e.b[i])
			continue
		}
		if i+1 < len(e.b) && e.b[i+1] == 0xff {
			out = append(out, 0)
			i++
			continue
		}
		e.b = e.b[i+1:]
		return out
	}
	e.fail(want)
	return nil
}

// Text reads a text element.
func (e *Elements) Text() string { return string(e.escaped(tagText, "text")) }

// Bytes reads a bytes element.
func (e *Elements) Bytes() []byte { return e.escaped(tagBytes, "bytes") }

// Int reads an integer element.
func (e *Elements) Int() int64 {
	if e.err != nil || len(e.b) == 0 || e.b[0] < tagZero-8 || e.b[0] > tagZero+8 {
		e.fail("integer")
		return 0
	}
	n := int(e.b[0]) - tagZero
	neg := n < 0
	if neg {
		n = -n
	}
	if len(e.b) < 1+n {
		e.fail("integer")
		return 0
	}
	var buf [8]byte
	for i, c := range e.b[1 : 1+n] {
		if neg {
			c = ^c
		}
		buf[8-n+i] = c
	}
	e.b = e.b[1+n:]
	v := binary.BigEndian.Uint64(buf[:])
	if neg {
		return -int64(v)
	}
	return int64(v)
}

// Uint reads an integer element that is not negative.
func (e *Elements) Uint() uint64 { return uint64(e.Int()) }

// Stamp reads a stamp element.
func (e *Elements) Stamp() (s Stamp) {
	if e.err != nil || len(e.b) < 1+StampSize || e.b[0] != tagStamp {
		e.fail("stamp")
		return s
	}
	copy(s[:], e.b[1:])
	e.b = e.b[1+StampSize:]
	return s
}

// Home is the resource under which the names, attributes and lists of an account and region live, and the data of
// services that are small. Global holds what no account or region names: bucket names, access key ids, API ids.
func Home(account, region string) Tuple { return Tuple(nil).Text("home").Text(account).Text(region) }

// Global is the resource of platform-wide directories.
func Global() Tuple { return Tuple(nil).Text("global") }

// ReadCounter decodes a value kept by Tx.Add; an absent value is 0.
func ReadCounter(v Value) int64 {
	if len(v) != 8 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(v))
}
