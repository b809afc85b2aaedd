// Package path is how states of the query language JSONPath look at data: paths over the input ("$"), the context object
// ("$$") and variables ("$name") in Jayway's dialect, and reference paths, which name one place and can also be written.
// Paths are compiled once and are safe for concurrent use. Documents are those of package jsondoc and are never changed:
// what a path is set in is copied along the way.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
package path

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/jsondoc/jsonpath"
)

// Scope is what the paths, templates, intrinsic functions and choice rules of a state can see.
type Scope struct {
	// Input is the document that "$" names.
	Input any
	// Context gives the document that "$$" names. It is asked only when a path needs it; nil gives an empty object.
	Context func() any
	// Variable gives the value of a workflow variable; nil knows none.
	Variable func(name string) (any, bool)
	// Random is where States.MathRandom without a seed and States.UUID take their randomness from.
	Random rand.Source
}

// root is the document that a path begins at.
type root uint8

const (
	ofInput root = iota
	ofContext
	ofVariable
)

// Path is a compiled path.
type Path struct {
	text     string
	root     root
	variable string         // the name after "$"
	query    *jsonpath.Path // nil: the whole document, or a reference
	steps    []step         // of a reference path
	isRef    bool
}

var errNoDollar = errors.New("a path begins with $")

// Compile reads a path in Jayway's dialect.
func Compile(text string) (*Path, error) {
	p, rest, err := begin(text)
	if err != nil {
		return nil, err
	}
	if rest == "" {
		return p, nil
	}
	if p.query, err = jsonpath.Compile("$" + rest); err != nil {
		return nil, err
	}
	return p, nil
}

// begin tells which document a path is over; rest follows "$", "$$" or "$name".
func begin(text string) (p *Path, rest string, err error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, "", errNoDollar
	}
	p = &Path{text: text}
	if after, ok := strings.CutPrefix(rest, "$"); ok {
		p.root, rest = ofContext, after
	} else if n := VariableLength(rest); n > 0 {
		p.root, p.variable, rest = ofVariable, rest[:n], rest[n:]
	}
	if rest != "" && rest[0] != '.' && rest[0] != '[' {
		return nil, "", fmt.Errorf("%q does not go on after the name of a document", text)
	}
	return p, rest, nil
}

// VariableLength is how long the name of a variable at the beginning of s is: an identifier of Unicode's kind.
func VariableLength(s string) int {
	for i, r := range s {
		if unicode.IsLetter(r) || r == '_' || i > 0 && (unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)) {
			continue
		}
		return i
	}
	return len(s)
}

// MaxVariableLength is how long the name of a variable may be, in characters.
// https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
const MaxVariableLength = 80

// IsVariableName reports whether a variable may be called s: an identifier of at most MaxVariableLength characters.
func IsVariableName(s string) bool {
	return s != "" && VariableLength(s) == len(s) && len([]rune(s)) <= MaxVariableLength
}

// String is the text that the path was compiled from.
func (p *Path) String() string { return p.text }

// Variable is the name of the variable that the path begins at, "" when it begins at the input or the context object.
func (p *Path) Variable() string { return p.variable }

// Definite reports whether the path names one place at the most; any other path gives an array of what it finds.
func (p *Path) Definite() bool { return p.query == nil || p.query.Definite() }

// document is what the path is over.
func (p *Path) document(s *Scope) (any, bool) {
	switch p.root {
	case ofContext:
		if s.Context == nil {
			return jsondoc.NewObject(), true
		}
		return s.Context(), true
	case ofVariable:
		if s.Variable == nil {
			return nil, false
		}
		return s.Variable(p.variable)
	default:
		return s.Input, true
	}
}

// Find is the value that the path names, if there is one. A path that is not definite always finds an array.
func (p *Path) Find(s *Scope) (v any, found bool) {
	doc, ok := p.document(s)
	switch {
	case !ok:
		return nil, false
	case p.query != nil:
		return p.query.Find(doc)
	default:
		return follow(doc, p.steps)
	}
}

// Get is the value that the path names. field is the field of the state whose value the path is: the cause of the error,
// which is States.Runtime, names it as AWS does.
func (p *Path) Get(s *Scope, field string) (any, error) {
	if p.root == ofInput && s.Input == nil {
		return nil, fault.New(fault.Runtime, "Unable to apply Path transformation to null or empty input.")
	}
	v, found := p.Find(s)
	if !found {
		return nil, fault.New(fault.Runtime, "The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			p.text, field, p.Searched(s))
	}
	return v, nil
}

// Searched is the JSON text of the document that the path was looked for in, for messages.
func (p *Path) Searched(s *Scope) string {
	doc, ok := p.document(s)
	if !ok {
		return "{}"
	}
	return jsondoc.Text(doc)
}
