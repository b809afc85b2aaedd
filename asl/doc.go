package asl

import (
	"sync"

	"github.com/brume-dev/brume/jsondoc"
)

// doc is a document as text, as value, or both: each is made from the other when it is first needed, so that what passes
// through a state untouched is neither parsed nor written.
type doc struct {
	text  []byte
	value any
	known bool // value has been parsed or given
	// recent, if not nil, may have parsed the text for somebody else.
	recent *Recent
}

func textDoc(text []byte) *doc { return &doc{text: text} }
func valueDoc(v any) *doc      { return &doc{value: v, known: true} }

// get is the value. Texts come from drivers, who have checked them; one that is not JSON is null.
func (d *doc) get() any {
	if !d.known {
		d.value, d.known = d.recent.parse(d.text), true
	}
	return d.value
}

func (d *doc) json() []byte {
	if d.text == nil {
		d.text = jsondoc.Append(nil, d.value)
	}
	return d.text
}

// recentDocs is how many documents a Recent remembers.
const recentDocs = 8

// Recent remembers the last documents of parents that were parsed for their children. A driver that steps many children of the same
// parent, whose Outer are the same threads, gives one to all of them: then the parent's input is parsed once and not 100,000
// times. It may be used by many at once; its zero value is ready.
type Recent struct {
	mu   sync.Mutex
	docs [recentDocs]struct {
		text  *byte // the place of the text, which keeps it alive
		size  int
		value any
	}
	next int
}

// parse is the value of a text; documents are never changed, so it is shared. Nil remembers nothing.
func (r *Recent) parse(text []byte) any {
	if r == nil || len(text) == 0 {
		v, _ := jsondoc.Parse(text)
		return v
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.docs {
		if d := &r.docs[i]; d.text == &text[0] && d.size == len(text) {
			return d.value
		}
	}
	v, _ := jsondoc.Parse(text)
	d := &r.docs[r.next]
	d.text, d.size, d.value = &text[0], len(text), v
	r.next = (r.next + 1) % recentDocs
	return v
}
