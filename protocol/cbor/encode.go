package cbor

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/brume-dev/brume/shape"
)

func appendHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func appendText(b []byte, s string) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, majorNint, uint64(-1-n))
	}
	return appendHead(b, majorUint, uint64(n))
}

func appendDouble(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, majorOther<<5|27), math.Float64bits(f))
}

// appendValue appends v. It fails for shapes that have no form in CBOR.
func appendValue(b []byte, v shape.Value) ([]byte, error) {
	switch v.Shape.Kind {
	case shape.Structure:
		return appendStructure(b, v, nil)
	case shape.List:
		b = appendHead(b, majorArray, uint64(v.Len()))
		for i := range v.Len() {
			x, ok := v.Index(i)
			if !ok {
				b = append(b, 0xf6)
				continue
			}
			var err error
			if b, err = appendValue(b, x); err != nil {
				return nil, err
			}
		}
		return b, nil
	case shape.Map:
		return appendMap(b, v)
	case shape.String:
		return appendText(b, v.String()), nil
	case shape.Boolean:
		if v.Bool() {
			return append(b, 0xf5), nil
		}
		return append(b, 0xf4), nil
	case shape.Integer, shape.Long:
		return appendInt(b, v.Int()), nil
	case shape.Float:
		return binary.BigEndian.AppendUint32(append(b, majorOther<<5|26), math.Float32bits(float32(v.Float()))), nil
	case shape.Double:
		return appendDouble(b, v.Float()), nil
	case shape.Blob:
		return append(appendHead(b, majorBytes, uint64(len(v.Bytes()))), v.Bytes()...), nil
	case shape.Timestamp:
		b = append(b, majorTag<<5|1)
		if ms := v.Time().UnixMilli(); ms%1000 != 0 {
			return appendDouble(b, float64(ms)/1000), nil
		}
		return appendInt(b, v.Time().Unix()), nil
	}
	return nil, fmt.Errorf("cbor: %v has no form in CBOR", v.Shape.Type)
}

func appendMap(b []byte, v shape.Value) ([]byte, error) {
	n := 0
	if err := v.Range(func(string, shape.Value) error { n++; return nil }); err != nil {
		return nil, err
	}
	b = appendHead(b, majorMap, uint64(n))
	err := v.Range(func(k string, x shape.Value) (err error) {
		b, err = appendValue(appendText(b, k), x)
		return err
	})
	return b, err
}

// appendStructure appends v as a map that begins with the given entries.
func appendStructure(b []byte, v shape.Value, first [][2]string) ([]byte, error) {
	n := len(first)
	for i := range v.Shape.Members {
		if _, ok := v.Member(&v.Shape.Members[i]); ok {
			n++
		}
	}
	b = appendHead(b, majorMap, uint64(n))
	for _, e := range first {
		b = appendText(appendText(b, e[0]), e[1])
	}
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		f, ok := v.Member(m)
		if !ok {
			continue
		}
		var err error
		if b, err = appendValue(appendText(b, m.Name), f); err != nil {
			return nil, err
		}
	}
	return b, nil
}
