// Package xml writes structures as XML elements and reads them back, in the form that restXml bodies and the answers of
// Query have: https://smithy.io/2.0/spec/protocol-traits.html#xml-bindings.
package xml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// ErrSyntax is returned for everything that is not one well-formed XML element, and for document type declarations,
// which no AWS service takes.
var ErrSyntax = errors.New("malformed XML")

// Node is an XML element. Names are local: AWS ignores the namespaces of what it receives.
type Node struct {
	Name  string
	Text  string // the text directly in the element, concatenated
	Kids  []*Node
	attrs []xml.Attr
	text  []byte // Text until the element ends
}

// Parse reads a document.
func Parse(b []byte) (*Node, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	var root *Node
	var open []*Node
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, ErrSyntax
		}
		switch t := t.(type) {
		case xml.StartElement:
			n := &Node{Name: t.Name.Local, attrs: t.Attr}
			switch {
			case len(open) > 0:
				up := open[len(open)-1]
				up.Kids = append(up.Kids, n)
			case root != nil:
				return nil, ErrSyntax
			default:
				root = n
			}
			if open = append(open, n); len(open) > maxDepth {
				return nil, ErrSyntax
			}
		case xml.EndElement:
			n := open[len(open)-1]
			n.Text, n.text = string(n.text), nil
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				n := open[len(open)-1]
				n.text = append(n.text, t...)
			} else if len(bytes.TrimSpace(t)) > 0 {
				return nil, ErrSyntax
			}
		case xml.Directive:
			return nil, ErrSyntax
		}
	}
}

// maxDepth is how deeply elements may be nested; no shape of an API model comes near it.
const maxDepth = 512

// Attr returns the attribute called name, whose prefix is ignored.
func (n *Node) Attr(name string) (string, bool) {
	if _, local, ok := strings.Cut(name, ":"); ok {
		name = local
	}
	for _, a := range n.attrs {
		if a.Name.Local == name && a.Name.Space != "xmlns" {
			return a.Value, true
		}
	}
	return "", false
}

// Kid returns the first child called name, or nil.
func (n *Node) Kid(name string) *Node {
	for _, k := range n.Kids {
		if k.Name == name {
			return k
		}
	}
	return nil
}
