package asl

import "github.com/brume-dev/brume/jsondoc"

// doc is a document as text, as value, or both: each is made from the other when it is first needed, so that what passes
// through a state untouched is neither parsed nor written.
type doc struct {
	text  []byte
	value any
	known bool // value has been parsed or given
}

func textDoc(text []byte) *doc { return &doc{text: text} }
func valueDoc(v any) *doc      { return &doc{value: v, known: true} }

// get is the value. Texts come from drivers, who have checked them; one that is not JSON is null.
func (d *doc) get() any {
	if !d.known {
		d.value, _ = jsondoc.Parse(d.text)
		d.known = true
	}
	return d.value
}

func (d *doc) json() []byte {
	if d.text == nil {
		d.text = jsondoc.Append(nil, d.value)
	}
	return d.text
}
