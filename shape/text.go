package shape

import (
	"fmt"
	"strconv"
)

// redacted is what AWS's Java classes print in place of a sensitive member.
const redacted = "*** Sensitive Data Redacted ***"

// appendText describes v as the toString of AWS's Java classes does: [a, b] for lists, {k=v} for maps, Name(m=v) for
// structures, null for what is absent.
func (v Value) appendText(b []byte) []byte {
	if v.Shape == nil {
		return append(b, "null"...)
	}
	switch v.Shape.Kind {
	case String:
		return append(b, v.rv.String()...)
	case Boolean:
		return strconv.AppendBool(b, v.Bool())
	case Integer, Long:
		return strconv.AppendInt(b, v.Int(), 10)
	case Float, Double:
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	case Blob:
		n := len(v.Bytes())
		return fmt.Appendf(b, "java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", n, n)
	case Document:
		return append(b, v.Bytes()...)
	case Timestamp:
		return v.Time().UTC().AppendFormat(b, "Mon Jan 02 15:04:05 UTC 2006")
	case Structure:
		return v.appendStructText(b)
	case List:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ", "...)
			}
			e, _ := v.Index(i)
			b = e.appendText(b)
		}
		return append(b, ']')
	case Map:
		b = append(b, '{')
		first := true
		v.Range(func(k string, e Value) error { //nolint:errcheck // the function never fails
			if !first {
				b = append(b, ", "...)
			}
			first = false
			b = e.appendText(append(append(b, k...), '='))
			return nil
		})
		return append(b, '}')
	case Custom:
		return v.Codec().AppendJSON(b)
	}
	return append(b, "..."...)
}

func (v Value) appendStructText(b []byte) []byte {
	b = append(append(b, v.Shape.Name...), '(')
	for i := range v.Shape.Members {
		if i > 0 {
			b = append(b, ", "...)
		}
		m := &v.Shape.Members[i]
		b = append(append(b, m.Path...), '=')
		f, ok := v.Member(m)
		switch {
		case !ok:
			b = append(b, "null"...)
		case m.Secret:
			b = append(b, redacted...)
		default:
			b = f.appendText(b)
		}
	}
	return append(b, ')')
}
