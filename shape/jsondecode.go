package shape

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"

	"github.com/brume-dev/brume/shape/jsontext"
)

// Decode fills v from b, which holds one JSON value or nothing, and reports to n what only the text can say.
func (j JSON) Decode(b []byte, v Value, n *Notes) error {
	d := jsonDecoder{JSON: j, Scanner: jsontext.New(b), notes: n}
	if v.Shape.Kind == Structure && d.Peek() == 0 {
		j.Seen.Finish(v.Shape, n)
		return nil
	}
	if err := d.value(v, nil, true); err != nil {
		return serialization(err)
	}
	return serialization(d.End())
}

type jsonDecoder struct {
	JSON
	*jsontext.Scanner
	notes *Notes
}

// value reads one value that is not null. m is the member that says how, or nil.
func (d *jsonDecoder) value(v Value, m *Member, top bool) error {
	switch v.Shape.Kind {
	case Structure:
		return d.structure(v, top)
	case List:
		return d.list(v, m)
	case Map:
		return d.mapping(v, m)
	case String:
		s, err := d.text(v.Shape)
		if err != nil {
			return err
		}
		if len(s) == 0 && v.Shape.enum != nil {
			d.notes.Blank("")
		}
		v.SetString(string(s))
		return nil
	case Boolean:
		return d.boolean(v)
	case Integer, Long:
		return d.integer(v)
	case Float, Double:
		return d.float(v)
	case Timestamp:
		return d.timestamp(v, m)
	case Blob, Stream:
		return d.blob(v)
	case Document:
		raw, err := d.Raw()
		v.SetBytes(bytes.Clone(raw))
		return err
	default:
		d.Peek()
		rest, err := v.Codec().DecodeJSON(d.Rest())
		if err == nil {
			d.Resume(rest)
		}
		return err
	}
}

func (d *jsonDecoder) structure(v Value, top bool) error {
	if d.Peek() != '{' {
		return d.mismatch(v.Shape)
	}
	if err := d.Open('{'); err != nil {
		return err
	}
	s := v.Shape
	var seen Seen
	if top {
		seen = d.Seen
	}
	for first, next := true, 0; ; first = false {
		name, ok, err := d.Key(first)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		var m *Member
		if next < len(s.Members) && s.Members[next].Name == string(name) {
			m = &s.Members[next] // clients write members in the model's order
		} else {
			m = s.byName[string(name)]
		}
		if m == nil && d.Lenient {
			m = s.byGo[string(name)]
		}
		if m == nil || top && d.Bound && m.In != Body {
			if err := d.Skip(); err != nil {
				return err
			}
			continue
		}
		next = m.order + 1
		if d.Peek() == 'n' {
			if err := d.Literal("null"); err != nil {
				return err
			}
			continue
		}
		seen.Add(m)
		mark := len(*d.notes)
		if err := d.value(v.Place(m), m, false); err != nil {
			return err
		}
		if len(*d.notes) > mark {
			d.notes.Under(mark, m.Path)
		}
	}
	if seen&s.required != s.required {
		seen.Finish(s, d.notes)
	}
	return nil
}

func (d *jsonDecoder) list(v Value, m *Member) error {
	if d.Peek() != '[' {
		return d.mismatch(v.Shape)
	}
	if err := d.Open('['); err != nil {
		return err
	}
	v.MakeList()
	for i := 0; ; i++ {
		if ok, err := d.Element(i == 0); !ok || err != nil {
			return err
		}
		mark := len(*d.notes)
		e := v.Append()
		if d.Peek() == 'n' {
			if err := d.Literal("null"); err != nil {
				return err
			}
			d.notes.Absent("")
		} else if err := d.value(e, m, false); err != nil {
			return err
		}
		d.notes.UnderIndex(mark, i)
	}
}

func (d *jsonDecoder) mapping(v Value, m *Member) error {
	if d.Peek() != '{' {
		return d.mismatch(v.Shape)
	}
	if err := d.Open('{'); err != nil {
		return err
	}
	v.MakeMap()
	entries := v.Entries()
	for first := true; ; first = false {
		name, ok, err := d.Key(first)
		if !ok || err != nil {
			return err
		}
		key := string(name)
		if d.Peek() == 'n' {
			if err := d.Literal("null"); err != nil {
				return err
			}
			continue
		}
		mark := len(*d.notes)
		e := entries.Next()
		if err := d.value(e, m, false); err != nil {
			return err
		}
		entries.Put(key, e)
		d.notes.UnderKey(mark, key)
	}
}

func (d *jsonDecoder) text(s *Shape) ([]byte, error) {
	if d.Peek() != '"' {
		return nil, d.mismatch(s)
	}
	return d.String()
}

func (d *jsonDecoder) boolean(v Value) error {
	switch d.Peek() {
	case 't':
		v.SetBool(true)
		return d.Literal("true")
	case 'f':
		v.SetBool(false)
		return d.Literal("false")
	}
	return d.mismatch(v.Shape)
}

// integer cuts fractions off, as AWS does.
func (d *jsonDecoder) integer(v Value) error {
	if d.Peek() != '0' {
		return d.mismatch(v.Shape)
	}
	text, whole, err := d.Number()
	if err != nil {
		return err
	}
	var n int64
	if whole {
		n, err = strconv.ParseInt(string(text), 10, 64)
	} else {
		var f float64
		f, err = strconv.ParseFloat(string(text), 64)
		if math.Abs(f) >= 1<<63 {
			err = strconv.ErrRange
		}
		n = int64(f)
	}
	if err != nil || !v.SetInt(n) {
		return d.inconvertible("NUMBER_VALUE", v.Shape)
	}
	return nil
}

func (d *jsonDecoder) float(v Value) error {
	switch d.Peek() {
	case '0':
		text, _, err := d.Number()
		if err != nil {
			return err
		}
		f, err := strconv.ParseFloat(string(text), v.Shape.Type.Bits())
		if err != nil && !math.IsInf(f, 0) {
			return jsontext.ErrSyntax
		}
		v.SetFloat(f)
		return nil
	case '"':
		s, err := d.String()
		if err != nil {
			return err
		}
		f, ok := parseSpecialFloat(string(s))
		if !ok {
			return d.inconvertible("STRING_VALUE", v.Shape)
		}
		v.SetFloat(f)
		return nil
	}
	return d.mismatch(v.Shape)
}

func (d *jsonDecoder) timestamp(v Value, m *Member) error {
	format := UnixTime
	if m != nil && m.Time != DefaultTime {
		format = m.Time
	}
	switch c := d.Peek(); {
	case c == '0' && (format == UnixTime || d.Lenient):
		text, _, err := d.Number()
		if err != nil {
			return err
		}
		t, ok := ParseTime(string(text), UnixTime)
		if !ok {
			return d.inconvertible("NUMBER_VALUE", v.Shape)
		}
		v.SetTime(t)
		return nil
	case c == '"' && (format != UnixTime || d.Lenient):
		s, err := d.String()
		if err != nil {
			return err
		}
		if format == UnixTime {
			format = ISO8601
		}
		t, ok := ParseTime(string(s), format)
		if !ok {
			return d.inconvertible("STRING_VALUE", v.Shape)
		}
		v.SetTime(t)
		return nil
	}
	return d.mismatch(v.Shape)
}

func (d *jsonDecoder) blob(v Value) error {
	s, err := d.text(v.Shape)
	if err != nil {
		return err
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Decode(b, s)
	if err != nil {
		return d.inconvertible("STRING_VALUE", v.Shape)
	}
	if v.Shape.Kind == Stream {
		v.SetStream(bytes.NewReader(b[:n]))
	} else {
		v.SetBytes(b[:n])
	}
	return nil
}
