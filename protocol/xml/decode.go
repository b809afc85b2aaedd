package xml

import (
	"fmt"
	"strings"

	"github.com/brume-dev/brume/shape"
)

// ValueError is a text that is not of the form that its member wants.
type ValueError struct {
	Member *shape.Member
	Text   string
}

func (e *ValueError) Error() string { return fmt.Sprintf("%s: %q is malformed", e.Member.Path, e.Text) }

// Decode fills the structure v from n, whose name does not matter, leaving out members that are bound elsewhere in the
// message when bound is set. Unknown elements are skipped. The error, if any, is a *ValueError.
func Decode(n *Node, v shape.Value, bound bool, notes *shape.Notes) error {
	d := decoder{notes}
	return d.structure(n, v, bound, 0)
}

// DecodeSeen is Decode for a structure of which other parts of a message have already supplied the members in seen.
func DecodeSeen(n *Node, v shape.Value, seen shape.Seen, notes *shape.Notes) error {
	d := decoder{notes}
	return d.structure(n, v, true, seen)
}

type decoder struct{ notes *shape.Notes }

func (d decoder) structure(n *Node, v shape.Value, bound bool, seen shape.Seen) error {
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		if bound && m.In != shape.Body {
			continue
		}
		mark := len(*d.notes)
		found, err := d.member(n, v, m)
		if err != nil {
			return err
		}
		if found {
			seen.Add(m)
			d.notes.Under(mark, m.Path)
		}
	}
	seen.Finish(v.Shape, d.notes)
	return nil
}

// member looks for m in n.
func (d decoder) member(n *Node, v shape.Value, m *shape.Member) (found bool, err error) {
	if m.Attr {
		text, ok := n.Attr(m.XML)
		if ok {
			err = d.scalar(text, v.Place(m), m)
		}
		return ok, err
	}
	if m.Flat {
		return d.flat(n, v, m)
	}
	k := n.Kid(m.XML)
	if k == nil {
		return false, nil
	}
	return true, d.value(k, v.Place(m), m, m)
}

// flat reads a list or map whose elements stand directly in n.
func (d decoder) flat(n *Node, v shape.Value, m *shape.Member) (found bool, err error) {
	var place shape.Value
	var entries shape.Entries
	for _, k := range n.Kids {
		if k.Name != m.XML {
			continue
		}
		if !found {
			found = true
			place = v.Place(m)
			if place.Shape.Kind == shape.Map {
				place.MakeMap()
				entries = place.Entries()
			} else {
				place.MakeList()
			}
		}
		if place.Shape.Kind == shape.Map {
			err = d.entry(k, &entries, m, m)
		} else {
			err = d.element(k, place, m)
		}
		if err != nil {
			return true, err
		}
	}
	return found, nil
}

// value reads n into v. m supplies formats and is named in errors; names supplies the names of list elements and map
// entries, and is nil below a list or map, where the defaults hold.
func (d decoder) value(n *Node, v shape.Value, m, names *shape.Member) error {
	switch v.Shape.Kind {
	case shape.Structure:
		return d.structure(n, v, false, 0)
	case shape.List:
		return d.list(n, v, m, names)
	case shape.Map:
		return d.mapping(n, v, m, names)
	}
	return d.scalar(n.Text, v, m)
}

func (d decoder) list(n *Node, v shape.Value, m, names *shape.Member) error {
	item := "member"
	if names != nil {
		item = names.Item
	}
	v.MakeList()
	for _, k := range n.Kids {
		if k.Name != item {
			continue
		}
		if err := d.element(k, v, m); err != nil {
			return err
		}
	}
	return nil
}

func (d decoder) element(n *Node, list shape.Value, m *shape.Member) error {
	mark := len(*d.notes)
	if err := d.value(n, list.Append(), m, nil); err != nil {
		return err
	}
	d.notes.UnderIndex(mark, list.Len()-1)
	return nil
}

func (d decoder) mapping(n *Node, v shape.Value, m, names *shape.Member) error {
	v.MakeMap()
	entries := v.Entries()
	for _, k := range n.Kids {
		if k.Name != "entry" {
			continue
		}
		if err := d.entry(k, &entries, m, names); err != nil {
			return err
		}
	}
	return nil
}

func (d decoder) entry(n *Node, entries *shape.Entries, m, names *shape.Member) error {
	keyName, valueName := "key", "value"
	if names != nil {
		keyName, valueName = names.Key, names.Value
	}
	key, val := n.Kid(keyName), n.Kid(valueName)
	if key == nil || val == nil {
		return &ValueError{m, n.Text}
	}
	mark := len(*d.notes)
	e := entries.Next()
	if err := d.value(val, e, m, nil); err != nil {
		return err
	}
	entries.Put(key.Text, e)
	d.notes.UnderKey(mark, key.Text)
	return nil
}

func (d decoder) scalar(s string, v shape.Value, m *shape.Member) error {
	switch v.Shape.Kind {
	case shape.String:
		if s == "" && v.Shape.Enum != nil {
			d.notes.Blank("")
		}
	default:
		s = strings.TrimSpace(s)
	}
	if !v.SetText(s, m, shape.ISO8601) {
		return &ValueError{m, s}
	}
	return nil
}
