package shape

import (
	"io"
	"strconv"

	"github.com/brume-dev/brume/shape/jsontext"
)

// Append appends v to dst.
func (j JSON) Append(dst []byte, v Value) ([]byte, error) {
	e := jsonEncoder{JSON: j}
	dst = e.value(dst, v, nil, true)
	return dst, e.err
}

// AppendMembers appends the members of the structure v to dst, an object that was opened with '{' and may have members
// already; it does not close it. Errors begin this way, with __type before their members.
func (j JSON) AppendMembers(dst []byte, v Value, skip func(*Member) bool) ([]byte, error) {
	e := jsonEncoder{JSON: j}
	dst = e.members(dst, v, true, skip)
	return dst, e.err
}

type jsonEncoder struct {
	JSON
	err error
}

func (e *jsonEncoder) value(b []byte, v Value, m *Member, top bool) []byte {
	switch v.Shape.Kind {
	case Structure:
		return append(e.members(append(b, '{'), v, top, nil), '}')
	case List:
		return e.list(b, v, m)
	case Map:
		return e.mapping(b, v, m)
	case String:
		return jsontext.AppendString(b, v.rv.String())
	case Boolean:
		return strconv.AppendBool(b, v.Bool())
	case Integer, Long:
		return strconv.AppendInt(b, v.Int(), 10)
	case Float:
		return jsontext.AppendFloat(b, v.Float(), 32)
	case Double:
		return jsontext.AppendFloat(b, v.Float(), 64)
	case Timestamp:
		if m == nil || m.Time == DefaultTime || m.Time == UnixTime {
			return jsontext.AppendUnix(b, v.Time())
		}
		return append(AppendTime(append(b, '"'), v.Time(), m.Time), '"')
	case Blob:
		return jsontext.AppendBase64(b, v.Bytes())
	case Document:
		return append(b, v.Bytes()...)
	case Stream:
		return e.stream(b, v)
	default:
		return v.Codec().AppendJSON(b)
	}
}

func (e *jsonEncoder) members(b []byte, v Value, top bool, skip func(*Member) bool) []byte {
	s := v.Shape
	for i := range s.Members {
		m := &s.Members[i]
		if top && e.Bound && m.In != Body || skip != nil && skip(m) {
			continue
		}
		f, ok := v.Member(m)
		if !ok {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(b, s.json[i]...)
		b = e.value(b, f, m, false)
	}
	return b
}

func (e *jsonEncoder) list(b []byte, v Value, m *Member) []byte {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		if x, ok := v.Index(i); ok {
			b = e.value(b, x, m, false)
		} else {
			b = append(b, "null"...)
		}
	}
	return append(b, ']')
}

func (e *jsonEncoder) mapping(b []byte, v Value, m *Member) []byte {
	b = append(b, '{')
	open := len(b)
	v.Range(func(k string, x Value) error { //nolint:errcheck // the function never fails
		if len(b) > open {
			b = append(b, ',')
		}
		b = append(jsontext.AppendString(b, k), ':')
		b = e.value(b, x, m, false)
		return nil
	})
	return append(b, '}')
}

func (e *jsonEncoder) stream(b []byte, v Value) []byte {
	data, err := io.ReadAll(v.Stream())
	if err != nil && e.err == nil {
		e.err = err
	}
	return jsontext.AppendBase64(b, data)
}
