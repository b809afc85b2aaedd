package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is a JSON value that keeps the order of its members, in which AWS reports the first thing that is wrong.
type node struct {
	kind   nodeKind
	text   string // of a string, number, boolean: its text
	items  []node // of an array
	fields []field
	// start and end are where an object lies in the text.
	start, end int
}

type field struct {
	name  string
	value node
}

type nodeKind uint8

const (
	nodeNull nodeKind = iota
	nodeString
	nodeNumber
	nodeBool
	nodeArray
	nodeObject
)

var (
	errJSON      = errors.New("not JSON")
	errDuplicate = errors.New("a member is there twice")
)

// readJSON parses one JSON value and nothing after it. Two members of one name are an error: which of them AWS would
// take is not documented, and a policy must not mean two things.
func readJSON(s string) (node, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	n, err := readValue(d, 0)
	if err != nil {
		return node{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return node{}, errJSON
	}
	return n, nil
}

func readValue(d *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, errJSON
	}
	t, err := d.Token()
	if err != nil {
		return node{}, fmt.Errorf("%w: %w", errJSON, err)
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return readObject(d, depth)
		}
		return readArray(d, depth)
	case string:
		return node{kind: nodeString, text: t}, nil
	case json.Number:
		return node{kind: nodeNumber, text: t.String()}, nil
	case bool:
		if t {
			return node{kind: nodeBool, text: "true"}, nil
		}
		return node{kind: nodeBool, text: "false"}, nil
	}
	return node{kind: nodeNull}, nil
}

func readObject(d *json.Decoder, depth int) (node, error) {
	n := node{kind: nodeObject, start: int(d.InputOffset()) - 1}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return node{}, fmt.Errorf("%w: %w", errJSON, err)
		}
		v, err := readValue(d, depth+1)
		if err != nil {
			return node{}, err
		}
		if _, twice := n.get(name.(string)); twice {
			return node{}, errDuplicate
		}
		n.fields = append(n.fields, field{name.(string), v})
	}
	if _, err := d.Token(); err != nil {
		return node{}, fmt.Errorf("%w: %w", errJSON, err)
	}
	n.end = int(d.InputOffset())
	return n, nil
}

func readArray(d *json.Decoder, depth int) (node, error) {
	n := node{kind: nodeArray}
	for d.More() {
		v, err := readValue(d, depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, v)
	}
	if _, err := d.Token(); err != nil {
		return node{}, fmt.Errorf("%w: %w", errJSON, err)
	}
	return n, nil
}

func (n node) get(name string) (node, bool) {
	for _, f := range n.fields {
		if f.name == name {
			return f.value, true
		}
	}
	return node{}, false
}

// strings returns the texts of a string or of a list of strings, the two forms that the grammar allows for most
// elements.
func (n node) strings() ([]string, bool) {
	switch n.kind {
	case nodeString:
		return []string{n.text}, true
	case nodeArray:
		out := make([]string, 0, len(n.items))
		for _, i := range n.items {
			if i.kind != nodeString {
				return nil, false
			}
			out = append(out, i.text)
		}
		return out, true
	}
	return nil, false
}

// scalars is strings for condition values, which may also be numbers and booleans.
func (n node) scalars() ([]string, bool) {
	items := []node{n}
	if n.kind == nodeArray {
		items = n.items
	}
	out := make([]string, 0, len(items))
	for _, i := range items {
		if i.kind != nodeString && i.kind != nodeNumber && i.kind != nodeBool {
			return nil, false
		}
		out = append(out, i.text)
	}
	return out, true
}
