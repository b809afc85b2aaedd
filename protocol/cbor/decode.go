package cbor

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
	"unicode/utf8"

	"github.com/brume-dev/brume/shape"
)

var (
	errSyntax = errors.New("malformed CBOR")
	errDepth  = errors.New("CBOR is nested too deeply")
)

// maxDepth is how deeply arrays, maps and tags may be nested.
const maxDepth = 512

// The major types of RFC 8949, section 3.1.
const (
	majorUint  = 0
	majorNint  = 1
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
	majorTag   = 6
	majorOther = 7
)

// decoder reads CBOR data items. All lengths are checked against what is left before anything is allocated.
type decoder struct {
	b     []byte
	depth int
	notes *shape.Notes
}

// head is the beginning of an item.
type head struct {
	major      byte
	info       byte
	arg        uint64
	indefinite bool
}

func (d *decoder) peek() (byte, error) {
	if len(d.b) == 0 {
		return 0, errSyntax
	}
	return d.b[0], nil
}

func (d *decoder) head() (h head, err error) {
	c, err := d.peek()
	if err != nil {
		return h, err
	}
	h = head{major: c >> 5, info: c & 31}
	d.b = d.b[1:]
	switch {
	case h.info < 24:
		h.arg = uint64(h.info)
	case h.info < 28:
		n := 1 << (h.info - 24)
		if len(d.b) < n {
			return h, errSyntax
		}
		var full [8]byte
		copy(full[8-n:], d.b)
		h.arg = binary.BigEndian.Uint64(full[:])
		d.b = d.b[n:]
	case h.info == 31 && h.major >= majorBytes && h.major <= majorMap:
		h.indefinite = true
	default:
		return h, errSyntax // 28 to 30 are reserved, a break stands nowhere by itself
	}
	return h, nil
}

func (d *decoder) enter() error {
	if d.depth++; d.depth > maxDepth {
		return errDepth
	}
	return nil
}

// null reads null or undefined, if that is what comes next.
func (d *decoder) null() bool {
	if len(d.b) > 0 && (d.b[0] == 0xf6 || d.b[0] == 0xf7) {
		d.b = d.b[1:]
		return true
	}
	return false
}

// more reports whether a container has another item; n counts those of a definite one down.
func (d *decoder) more(h head, n *uint64) (bool, error) {
	if !h.indefinite {
		if *n == 0 {
			return false, nil
		}
		*n--
		return true, nil
	}
	c, err := d.peek()
	if err == nil && c == 0xff {
		d.b = d.b[1:]
		return false, nil
	}
	return err == nil, err
}

// bytes reads a byte or text string whose head was read. The result may alias the input.
func (d *decoder) bytes(h head) ([]byte, error) {
	if !h.indefinite {
		if uint64(len(d.b)) < h.arg {
			return nil, errSyntax
		}
		s := d.b[:h.arg]
		d.b = d.b[h.arg:]
		return s, nil
	}
	var all []byte
	for {
		if ok, err := d.more(h, nil); !ok {
			return all, err
		}
		c, err := d.head()
		if err != nil || c.major != h.major || c.indefinite {
			return nil, errSyntax
		}
		s, err := d.bytes(c)
		if err != nil {
			return nil, err
		}
		all = append(all, s...)
	}
}

func (d *decoder) text(h head) (string, error) {
	b, err := d.bytes(h)
	if err == nil && !utf8.Valid(b) {
		err = errSyntax
	}
	return string(b), err
}

// skip reads an item and forgets it.
func (d *decoder) skip() error {
	h, err := d.head()
	if err != nil {
		return err
	}
	switch h.major {
	case majorBytes, majorText:
		_, err = d.bytes(h)
		return err
	case majorArray, majorMap:
		if err := d.enter(); err != nil {
			return err
		}
		defer func() { d.depth-- }()
		for n := h.arg; ; {
			if ok, err := d.more(h, &n); !ok {
				return err
			}
			if err := d.skip(); err != nil {
				return err
			}
			if h.major == majorMap {
				if err := d.skip(); err != nil {
					return err
				}
			}
		}
	case majorTag:
		if err := d.enter(); err != nil {
			return err
		}
		defer func() { d.depth-- }()
		return d.skip()
	}
	return nil
}

// value reads one item that is not null into v.
func (d *decoder) value(v shape.Value) error {
	h, err := d.head()
	if err != nil {
		return err
	}
	switch v.Shape.Kind {
	case shape.Structure:
		return d.structure(h, v)
	case shape.List:
		return d.list(h, v)
	case shape.Map:
		return d.mapping(h, v)
	case shape.String:
		return d.str(h, v)
	case shape.Blob:
		if h.major != majorBytes {
			return mismatch(h, v.Shape)
		}
		b, err := d.bytes(h)
		v.SetBytes(append([]byte{}, b...))
		return err
	case shape.Boolean:
		if h.major != majorOther || h.info != 20 && h.info != 21 {
			return mismatch(h, v.Shape)
		}
		v.SetBool(h.info == 21)
		return nil
	case shape.Timestamp:
		return d.timestamp(h, v)
	}
	return d.number(h, v)
}

func (d *decoder) str(h head, v shape.Value) error {
	if h.major != majorText {
		return mismatch(h, v.Shape)
	}
	s, err := d.text(h)
	if s == "" && v.Shape.Enum != nil {
		d.notes.Blank("")
	}
	v.SetString(s)
	return err
}

func (d *decoder) structure(h head, v shape.Value) error {
	if h.major != majorMap {
		return mismatch(h, v.Shape)
	}
	if err := d.enter(); err != nil {
		return err
	}
	var seen shape.Seen
	for n := h.arg; ; {
		ok, err := d.more(h, &n)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		name, err := d.key()
		if err != nil {
			return err
		}
		m := v.Shape.Member(name)
		if m == nil {
			if err := d.skip(); err != nil {
				return err
			}
			continue
		}
		if d.null() {
			continue
		}
		seen.Add(m)
		mark := len(*d.notes)
		if err := d.value(v.Place(m)); err != nil {
			return err
		}
		d.notes.Under(mark, m.Path)
	}
	d.depth--
	seen.Finish(v.Shape, d.notes)
	return nil
}

func (d *decoder) key() (string, error) {
	h, err := d.head()
	if err != nil || h.major != majorText {
		return "", errSyntax
	}
	return d.text(h)
}

func (d *decoder) list(h head, v shape.Value) error {
	if h.major != majorArray {
		return mismatch(h, v.Shape)
	}
	if err := d.enter(); err != nil {
		return err
	}
	v.MakeList()
	i := 0
	for n := h.arg; ; i++ {
		ok, err := d.more(h, &n)
		if err != nil {
			return err
		}
		if !ok {
			d.depth--
			return nil
		}
		mark := len(*d.notes)
		e := v.Append()
		if d.null() {
			d.notes.Absent("")
		} else if err := d.value(e); err != nil {
			return err
		}
		d.notes.UnderIndex(mark, i)
	}
}

func (d *decoder) mapping(h head, v shape.Value) error {
	if h.major != majorMap {
		return mismatch(h, v.Shape)
	}
	if err := d.enter(); err != nil {
		return err
	}
	v.MakeMap()
	entries := v.Entries()
	for n := h.arg; ; {
		ok, err := d.more(h, &n)
		if err != nil {
			return err
		}
		if !ok {
			d.depth--
			return nil
		}
		key, err := d.key()
		if err != nil {
			return err
		}
		if d.null() {
			continue
		}
		mark := len(*d.notes)
		e := entries.Next()
		if err := d.value(e); err != nil {
			return err
		}
		entries.Put(key, e)
		d.notes.UnderKey(mark, key)
	}
}

// timestamp reads tag 1 with any number, RFC 8949 section 3.4.2.
func (d *decoder) timestamp(h head, v shape.Value) error {
	if h.major != majorTag || h.arg != 1 {
		return mismatch(h, v.Shape)
	}
	h, err := d.head()
	if err != nil {
		return err
	}
	if n, ok := integer(h); ok {
		v.SetTime(time.Unix(n, 0).UTC())
		return nil
	}
	f, ok := float(h)
	if !ok || math.IsNaN(f) || math.Abs(f) > 1<<40 {
		return mismatch(h, v.Shape)
	}
	v.SetTime(time.UnixMilli(int64(math.Round(f * 1000))).UTC())
	return nil
}

func (d *decoder) number(h head, v shape.Value) error {
	switch v.Shape.Kind {
	case shape.Integer, shape.Long, shape.Float, shape.Double:
	default:
		return shape.SerializationError("%s has no form in CBOR", v.Shape.Type)
	}
	whole := v.Shape.Kind == shape.Integer || v.Shape.Kind == shape.Long
	if n, ok := integer(h); ok {
		if !whole {
			v.SetFloat(float64(n))
		} else if !v.SetInt(n) {
			return mismatch(h, v.Shape)
		}
		return nil
	}
	f, ok := float(h)
	switch {
	case !ok:
		return mismatch(h, v.Shape)
	case !whole:
		v.SetFloat(f)
		return nil
	case math.IsNaN(f) || math.Abs(f) >= 1<<63 || !v.SetInt(int64(f)):
		return mismatch(h, v.Shape)
	}
	return nil
}

func integer(h head) (int64, bool) {
	switch {
	case h.major == majorUint && h.arg <= math.MaxInt64:
		return int64(h.arg), true
	case h.major == majorNint && h.arg <= math.MaxInt64:
		return -1 - int64(h.arg), true
	}
	return 0, false
}

func float(h head) (float64, bool) {
	if h.major != majorOther {
		return 0, false
	}
	switch h.info {
	case 25:
		return half(uint16(h.arg)), true
	case 26:
		return float64(math.Float32frombits(uint32(h.arg))), true
	case 27:
		return math.Float64frombits(h.arg), true
	}
	return 0, false
}

// half reads a float of 16 bits, RFC 8949 appendix D.
func half(b uint16) float64 {
	exp, mant := int(b>>10)&31, float64(b&1023)
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(mant, -24)
	case 31:
		if f = math.Inf(1); mant != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(mant+1024, exp-25)
	}
	if b&0x8000 != 0 {
		return -f
	}
	return f
}

// mismatch is the error of an item that is not of the kind of s.
func mismatch(h head, s *shape.Shape) error {
	token := "NUMBER_VALUE"
	switch h.major {
	case majorArray:
		return shape.SerializationError("Start of list found where not expected")
	case majorMap:
		return shape.SerializationError("Start of structure or map found where not expected.")
	case majorText:
		token = "STRING_VALUE"
	case majorBytes:
		token = "BLOB_VALUE"
	case majorTag:
		token = "TAG_VALUE"
	case majorOther:
		switch h.info {
		case 20:
			token = "FALSE_VALUE"
		case 21:
			token = "TRUE_VALUE"
		}
	}
	return shape.NotConvertible(token, s)
}
