package shape

import (
	"encoding/base64"
	"math"
	"strconv"
)

// SetText sets a scalar from text, as XML, Query, headers, labels and query strings carry it, and reports whether it is
// of the right form. format is that of timestamps when m does not say; m may be nil.
func (v Value) SetText(s string, m *Member, format TimeFormat) bool {
	switch v.Shape.Kind {
	case String:
		v.SetString(s)
		return true
	case Boolean:
		v.SetBool(s == "true")
		return s == "true" || s == "false"
	case Integer, Long:
		n, err := strconv.ParseInt(s, 10, 64)
		return err == nil && v.SetInt(n)
	case Float, Double:
		f, ok := parseSpecialFloat(s)
		if !ok {
			var err error
			f, err = strconv.ParseFloat(s, v.Shape.Type.Bits())
			ok = err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
		}
		v.SetFloat(f)
		return ok
	case Timestamp:
		if m != nil && m.Time != DefaultTime {
			format = m.Time
		}
		t, ok := ParseTime(s, format)
		v.SetTime(t)
		return ok
	case Blob:
		b, err := base64.StdEncoding.DecodeString(s)
		v.SetBytes(b)
		return err == nil
	}
	return false
}

// AppendText appends a scalar as SetText reads it.
func (v Value) AppendText(b []byte, m *Member, format TimeFormat) []byte {
	switch v.Shape.Kind {
	case String:
		return append(b, v.rv.String()...)
	case Boolean:
		return strconv.AppendBool(b, v.Bool())
	case Integer, Long:
		return strconv.AppendInt(b, v.Int(), 10)
	case Float, Double:
		return appendFloatText(b, v.Float(), v.Shape.Type.Bits())
	case Timestamp:
		if m != nil && m.Time != DefaultTime {
			format = m.Time
		}
		return AppendTime(b, v.Time(), format)
	case Blob, Document:
		return base64.StdEncoding.AppendEncode(b, v.Bytes())
	}
	return b
}

func appendFloatText(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'E', -1, bits)
	}
	b = strconv.AppendFloat(b, f, 'f', -1, bits)
	if f == math.Trunc(f) {
		b = append(b, ".0"...)
	}
	return b
}

// parseSpecialFloat reads the values that JSON and XML write as words.
func parseSpecialFloat(s string) (float64, bool) {
	switch s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}
