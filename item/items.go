package item

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"unsafe"
)

// Items is a list of items of an answer: the items, or their JSON as it was made of what is stored, without decoding it. The zero
// Items is absent.
type Items struct {
	maps []Map
	json []byte // the elements with commas between them
	n    int
}

// ItemsOf returns the list of the given items.
func ItemsOf(ms []Map) Items {
	if ms == nil {
		ms = []Map{}
	}
	return Items{maps: ms, n: len(ms)}
}

// Len is the number of items.
func (l Items) Len() int { return l.n }

// All returns the items.
func (l Items) All() []Map {
	if l.maps != nil || l.json == nil {
		return l.maps
	}
	out := make([]Map, 0, l.n)
	for rest := l.json; len(rest) > 0; {
		var m Map
		var err error
		if rest, err = m.DecodeJSON(rest); err != nil {
			panic("item: a list is not what it was made as: " + err.Error())
		}
		out = append(out, m)
		rest = bytes.TrimPrefix(rest, []byte{','})
	}
	return out
}

// AppendJSON appends the list as a JSON array. It implements shape.JSONCodec.
func (l Items) AppendJSON(b []byte) []byte {
	b = append(b, '[')
	if l.json != nil {
		return append(append(b, l.json...), ']')
	}
	for i := range l.maps {
		if i > 0 {
			b = append(b, ',')
		}
		b = l.maps[i].AppendJSON(b)
	}
	return append(b, ']')
}

// DecodeJSON reads a JSON array of items. JSON null gives the absent list. It implements shape.JSONCodec.
func (l *Items) DecodeJSON(b []byte) (rest []byte, err error) {
	d, rest, err := newDecoder(b)
	if err != nil {
		return nil, err
	}
	ms := []Map{}
	if d.list(func() { ms = append(ms, d.attributes(1)) }) {
		*l = ItemsOf(ms)
	} else {
		*l = Items{}
	}
	return rest, d.finish()
}

// Writer makes Items of what is stored.
type Writer struct {
	b []byte
	n int
}

// NewWriter returns a Writer that works in room, which may be used again once Items has been called.
func NewWriter(room []byte) *Writer { return &Writer{b: room[:0]} }

// Add adds an item in its stored form.
func (w *Writer) Add(stored []byte) error {
	if w.n > 0 {
		w.b = append(w.b, ',')
	}
	w.n++
	var err error
	w.b, err = AppendStored(w.b, stored)
	return err
}

// Items returns the list of what has been added, and the room.
func (w *Writer) Items() (l Items, room []byte) {
	if w.n == 0 {
		return ItemsOf(nil), w.b
	}
	return Items{json: bytes.Clone(w.b), n: w.n}, w.b
}

// AppendStored appends the JSON of an item in its stored form: what Decode and AppendJSON give together.
func AppendStored(b, stored []byte) ([]byte, error) {
	if len(stored) == 0 || stored[0] != version {
		return b, errStored
	}
	t := transcoder{s: stored[1:], b: b}
	t.attributes(0)
	if t.bad || len(t.s) > 0 {
		return t.b, errStored
	}
	return t.b, nil
}

// transcoder turns stored values at the front of s into JSON at the end of b.
type transcoder struct {
	s   []byte
	b   []byte
	bad bool
}

func (t *transcoder) fail() { t.s, t.bad = nil, true }

// count reads a varint that counts things of at least one byte each.
func (t *transcoder) count() int {
	if len(t.s) > 0 && t.s[0] < 0x80 && int(t.s[0]) < len(t.s) {
		n := int(t.s[0])
		t.s = t.s[1:]
		return n
	}
	n, size := binary.Uvarint(t.s)
	if size <= 0 || n > uint64(len(t.s)-size) {
		t.fail()
		return 0
	}
	t.s = t.s[size:]
	return int(n)
}

func (t *transcoder) text() []byte {
	n := t.count()
	text := t.s[:n]
	t.s = t.s[n:]
	return text
}

// quoted appends the next text as a JSON string. The string that is made of it is not used any longer than the text is there.
func (t *transcoder) quoted() {
	text := t.text()
	t.b = appendString(t.b, unsafe.String(unsafe.SliceData(text), len(text)))
}

func (t *transcoder) base64() {
	t.b = append(t.b, '"')
	t.b = base64.StdEncoding.AppendEncode(t.b, t.text())
	t.b = append(t.b, '"')
}

func (t *transcoder) attributes(depth int) {
	t.b = append(t.b, '{')
	for i := range t.count() {
		if i > 0 {
			t.b = append(t.b, ',')
		}
		t.quoted()
		t.b = append(t.b, ':')
		t.value(depth + 1)
	}
	t.b = append(t.b, '}')
}

func (t *transcoder) value(depth int) {
	if len(t.s) == 0 || depth > MaxDepth {
		t.fail()
		return
	}
	tag := t.s[0]
	t.s = t.s[1:]
	switch tag {
	case tagS:
		t.b = append(t.b, `{"S":`...)
		t.quoted()
	case tagN:
		t.b = append(append(append(t.b, `{"N":"`...), t.text()...), '"')
	case tagB:
		t.b = append(t.b, `{"B":`...)
		t.base64()
	case tagTrue:
		t.b = append(t.b, `{"BOOL":true`...)
	case tagFalse:
		t.b = append(t.b, `{"BOOL":false`...)
	case tagNull:
		t.b = append(t.b, `{"NULL":true`...)
	case tagM:
		t.b = append(t.b, `{"M":`...)
		t.attributes(depth)
	case tagL:
		t.b = append(t.b, `{"L":[`...)
		for i := range t.count() {
			if i > 0 {
				t.b = append(t.b, ',')
			}
			t.value(depth + 1)
		}
		t.b = append(t.b, ']')
	case tagSS, tagNS, tagBS:
		t.set(SS + Kind(tag-tagSS))
	default:
		t.fail()
	}
	t.b = append(t.b, '}')
}

func (t *transcoder) set(k Kind) {
	t.b = append(append(append(t.b, `{"`...), kindNames[k]...), `":[`...)
	for i := range t.count() {
		if i > 0 {
			t.b = append(t.b, ',')
		}
		if k == BS {
			t.base64()
		} else {
			t.quoted()
		}
	}
	t.b = append(t.b, ']')
}
