package pattern

import (
	"bytes"
	"errors"
)

// ErrNotJSON says that an event is not a JSON object.
var ErrNotJSON = errors.New("event: not a JSON object")

// facts holds the leaves of one event at the paths that patterns name.
type facts struct {
	leaves  [][]leaf // by path number
	touched []int    // the path numbers that have leaves
	scopes  []element
	arrays  int32
	tries   int
}

// element is an element of an array: everything in it lies in this scope. Scope 0 is the event itself.
type element struct {
	parent int32
	array  int32
}

// reset empties e for a tree with size path numbers.
func (e *facts) reset(size int) {
	for _, id := range e.touched {
		e.leaves[id] = e.leaves[id][:0]
	}
	e.touched = e.touched[:0]
	for len(e.leaves) < size {
		e.leaves = append(e.leaves, nil)
	}
	e.scopes = append(e.scopes[:0], element{-1, -1})
	e.arrays, e.tries = 0, 0
}

// read fills e from a JSON document.
func (e *facts) read(src []byte, t *fieldTree) error {
	e.reset(t.size)
	r := reader{src: src, e: e}
	if r.space() != '{' || !r.value(&t.root, 0, 0) {
		return ErrNotJSON
	}
	if r.space(); r.pos != len(src) {
		return ErrNotJSON
	}
	return nil
}

func (e *facts) add(n *node, l leaf) {
	if len(e.leaves[n.id]) == 0 {
		e.touched = append(e.touched, n.id)
	}
	e.leaves[n.id] = append(e.leaves[n.id], l)
}

// reader walks a JSON document and the tree of paths together. Below a path that no pattern names the node is nil, and
// the document is only checked.
type reader struct {
	src []byte
	pos int
	e   *facts
}

// space skips white space and returns the next byte, 0 at the end.
func (r *reader) space() byte {
	for r.pos < len(r.src) {
		switch c := r.src[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

func (r *reader) value(n *node, scope int32, depth int) bool {
	if depth > maxDepth {
		return false
	}
	wanted := n != nil && n.id >= 0
	switch c := r.space(); {
	case c == '{':
		return r.object(n, scope, depth)
	case c == '[':
		return r.array(n, scope, depth)
	case c == '"':
		raw, escaped, ok := r.quoted()
		if ok && wanted {
			text, valid := string(raw), true
			if escaped {
				text, valid = unquote(text)
			}
			r.e.add(n, leaf{kind: leafString, text: text, scope: scope})
			return valid
		}
		return ok
	case c == '-' || '0' <= c && c <= '9':
		return r.number(n, scope, wanted)
	case c == 't':
		return r.literal("true", n, leaf{kind: leafTrue, scope: scope}, wanted)
	case c == 'f':
		return r.literal("false", n, leaf{kind: leafFalse, scope: scope}, wanted)
	case c == 'n':
		return r.literal("null", n, leaf{kind: leafNull, scope: scope}, wanted)
	}
	return false
}

func (r *reader) literal(word string, n *node, l leaf, wanted bool) bool {
	if !bytes.HasPrefix(r.src[r.pos:], []byte(word)) {
		return false
	}
	r.pos += len(word)
	if wanted {
		r.e.add(n, l)
	}
	return true
}

func (r *reader) number(n *node, scope int32, wanted bool) bool {
	end := r.pos
	for end < len(r.src) && bytes.IndexByte([]byte("+-.eE0123456789"), r.src[end]) >= 0 {
		end++
	}
	text := string(r.src[r.pos:end])
	if k, ok := numberLength(text); !ok || k != len(text) || leadingZero(text) {
		return false
	}
	r.pos = end
	if wanted {
		d, fit := parseDecimal(text)
		r.e.add(n, leaf{kind: leafNumber, text: text, num: d, isNum: fit == fits, scope: scope})
	}
	return true
}

// quoted reads a string and returns what is between its quotes.
func (r *reader) quoted() (raw []byte, escaped, ok bool) {
	start := r.pos + 1
	for i := start; i < len(r.src); i++ {
		switch c := r.src[i]; {
		case c == '"':
			r.pos = i + 1
			return r.src[start:i], escaped, true
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, false, false
		}
	}
	return nil, false, false
}

func (r *reader) object(n *node, scope int32, depth int) bool {
	r.pos++
	if r.space() == '}' {
		r.pos++
		return true
	}
	for {
		if r.space() != '"' {
			return false
		}
		key, escaped, ok := r.quoted()
		if !ok || r.space() != ':' {
			return false
		}
		if escaped {
			s, valid := unquote(string(key))
			if !valid {
				return false
			}
			key = []byte(s)
		}
		r.pos++
		if !r.value(n.child(key), scope, depth+1) {
			return false
		}
		switch r.space() {
		case ',':
			r.pos++
		case '}':
			r.pos++
			return true
		default:
			return false
		}
	}
}

func (r *reader) array(n *node, scope int32, depth int) bool {
	r.pos++
	if r.space() == ']' {
		r.pos++
		return true
	}
	id := r.e.arrays
	r.e.arrays++
	for {
		// What an object or array in the array holds lies in a scope of its own; a plain value does not.
		inner := scope
		if c := r.space(); n != nil && (c == '{' || c == '[') {
			inner = int32(len(r.e.scopes))
			r.e.scopes = append(r.e.scopes, element{parent: scope, array: id})
		}
		if !r.value(n, inner, depth+1) {
			return false
		}
		switch r.space() {
		case ',':
			r.pos++
		case ']':
			r.pos++
			return true
		default:
			return false
		}
	}
}
