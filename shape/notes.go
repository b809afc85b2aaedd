package shape

import "strconv"

// Notes is what a decoder saw that the decoded Go value cannot say: required scalars that were absent (they are zero
// in Go), enum values that were there but empty (in Go "" is absent), and null list elements. It is nil for nearly every
// request, and a request with a note never passes validation.
//
// Protocols fill it in while they decode; Validate reads it.
type Notes []Note

// Note is one such finding. Path is in the form of validation messages: "entries.1.member.id".
type Note struct {
	Path  string
	Blank bool // an empty enum value rather than an absent member
}

// maxNotes bounds the notes of one request: any one of them makes it fail, and nobody reads so many.
const maxNotes = 1000

// Absent notes that the value at path was not there.
func (n *Notes) Absent(path string) { n.add(Note{Path: path}) }

// Blank notes that the enum value at path was there and empty.
func (n *Notes) Blank(path string) { n.add(Note{Path: path, Blank: true}) }

func (n *Notes) add(x Note) {
	if len(*n) < maxNotes {
		*n = append(*n, x)
	}
}

// Under puts the prefix before the paths of all notes from mark on: the decoder of a member calls it with the length
// that n had when it began.
func (n Notes) Under(mark int, prefix string) {
	for i := mark; i < len(n); i++ {
		if n[i].Path == "" {
			n[i].Path = prefix
		} else {
			n[i].Path = prefix + "." + n[i].Path
		}
	}
}

// UnderIndex is Under for element i of a list, counted from 0.
func (n Notes) UnderIndex(mark, i int) {
	if len(n) > mark {
		n.Under(mark, strconv.Itoa(i+1)+".member")
	}
}

// UnderKey is Under for the map value of key.
func (n Notes) UnderKey(mark int, key string) {
	if len(n) > mark {
		n.Under(mark, key+".member")
	}
}

// byPath returns the notes by their paths.
func (n Notes) byPath() map[string]Note {
	m := make(map[string]Note, len(n))
	for _, x := range n {
		m[x.Path] = x
	}
	return m
}

// Seen is the set of members that a decoder met in one structure, as far as Notes need it.
type Seen uint64

// Add says that m was there.
func (s *Seen) Add(m *Member) { *s |= m.bit }

// Finish notes the required members of sh that were not seen.
func (s Seen) Finish(sh *Shape, n *Notes) {
	if s&sh.required == sh.required {
		return
	}
	for i := range sh.Members {
		if m := &sh.Members[i]; m.bit != 0 && s&m.bit == 0 {
			n.Absent(m.Path)
		}
	}
}
