package query

import (
	"github.com/brume-dev/brume/shape"
)

// decoder reads structures out of forms. Names of members, lists and maps differ between Query and ec2Query.
type decoder struct {
	ec2   bool
	notes *shape.Notes
}

func (d decoder) structure(n node, v shape.Value) error {
	var seen shape.Seen
	for i := range v.Shape.Members {
		m := &v.Shape.Members[i]
		name := m.XML
		if d.ec2 {
			name = m.EC2
		}
		c, ok := n.child(name)
		if !ok {
			continue
		}
		mark := len(*d.notes)
		if err := d.value(c, v.Place(m), m, m); err != nil {
			return err
		}
		seen.Add(m)
		d.notes.Under(mark, m.Path)
	}
	seen.Finish(v.Shape, d.notes)
	return nil
}

// value reads n into v. m supplies formats and is named in errors; names supplies the names of list elements and map
// entries, and is nil below a list or map, where the defaults hold.
func (d decoder) value(n node, v shape.Value, m, names *shape.Member) error {
	switch v.Shape.Kind {
	case shape.Structure:
		return d.structure(n, v)
	case shape.List:
		return d.list(n, v, m, names)
	case shape.Map:
		return d.mapping(n, v, m, names)
	}
	s, ok := n.value()
	if !ok {
		return malformedInput(m)
	}
	if s == "" && v.Shape.Enum != nil {
		d.notes.Blank("")
	}
	if !v.SetText(s, m, shape.ISO8601) {
		return malformedInput(m)
	}
	return nil
}

func (d decoder) list(n node, v shape.Value, m, names *shape.Member) error {
	v.MakeList()
	if !d.ec2 && (names == nil || !names.Flat) {
		item := "member"
		if names != nil {
			item = names.Item
		}
		n, _ = n.child(item)
	} else if s, ok := n.value(); ok && s != "" {
		// SQS takes AttributeName=All for AttributeName.1=All.
		return d.value(n, v.Append(), m, nil)
	}
	for i, c := range n.elements() {
		mark := len(*d.notes)
		if err := d.value(c, v.Append(), m, nil); err != nil {
			return err
		}
		d.notes.UnderIndex(mark, i)
	}
	return nil
}

func (d decoder) mapping(n node, v shape.Value, m, names *shape.Member) error {
	keyName, valueName := "key", "value"
	if names != nil {
		keyName, valueName = names.Key, names.Value
	}
	if names == nil || !names.Flat {
		n, _ = n.child("entry")
	}
	v.MakeMap()
	entries := v.Entries()
	for _, c := range n.elements() {
		k, ok := c.child(keyName)
		if !ok {
			return malformedInput(m)
		}
		key, _ := k.value()
		val, ok := c.child(valueName)
		if !ok {
			return malformedInput(m)
		}
		mark := len(*d.notes)
		e := entries.Next()
		if err := d.value(val, e, m, nil); err != nil {
			return err
		}
		entries.Put(key, e)
		d.notes.UnderKey(mark, key)
	}
	return nil
}
