// Package input makes what a target gets out of an event: a constant, a part of the event (InputPath), or a template with
// parts of it (InputTransformer).
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
package input

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/jsondoc/jsonpath"
)

// Facts are what the predefined variables stand for.
type Facts struct {
	RuleARN  string
	RuleName string
	Ingested string // ISO 8601
	Event    *Event
}

// Event is an event that is looked into at most once, however many targets ask.
type Event struct {
	Text []byte
	doc  any
	read bool
	err  error
}

// document is the event's JSON document.
func (e *Event) document() (any, error) {
	if !e.read {
		e.doc, e.err = jsondoc.Parse(e.Text)
		e.read = true
	}
	return e.doc, e.err
}

// Path is a compiled InputPath.
type Path struct{ path *jsonpath.Path }

// CompilePath compiles an InputPath.
func CompilePath(s string) (*Path, error) {
	p, err := jsonpath.Compile(s)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", s, err)
	}
	return &Path{p}, nil
}

// Apply returns the part of the event; null when it has none there.
func (p *Path) Apply(e *Event) ([]byte, error) {
	doc, err := e.document()
	if err != nil {
		return nil, err
	}
	v, err := p.path.Eval(doc)
	if err != nil {
		v = nil
	}
	return jsondoc.Append(nil, v), nil
}

// Transformer is a compiled InputTransformer.
type Transformer struct {
	paths map[string]*jsonpath.Path
	parts []part
}

// part is a text of the template, or a variable.
type part struct {
	text     string // when variable is empty
	variable string
	quoted   bool // it stands inside of a JSON string
}

// Names of the predefined variables.
const (
	reserved  = "aws."
	ruleARN   = "aws.events.rule-arn"
	ruleName  = "aws.events.rule-name"
	ingestion = "aws.events.event.ingestion-time"
	envelope  = "aws.events.event"      // without the detail
	whole     = "aws.events.event.json" // with it
)

// PlaceholderError says that a template has a placeholder that nothing stands for.
type PlaceholderError struct{ Name string }

func (e *PlaceholderError) Error() string { return "contains invalid placeholder " + e.Name + "." }

// CompileTransformer compiles a template with the paths of its variables.
func CompileTransformer(paths map[string]string, template string) (*Transformer, error) {
	t := &Transformer{paths: map[string]*jsonpath.Path{}}
	for name, path := range paths {
		if strings.HasPrefix(strings.ToLower(name), reserved) {
			return nil, fmt.Errorf("the variable %s begins with AWS.", name)
		}
		p, err := jsonpath.Compile(path)
		if err != nil {
			return nil, fmt.Errorf("the variable %s: %w", name, err)
		}
		t.paths[name] = p
	}
	if err := t.split(template); err != nil {
		return nil, err
	}
	if s := strings.TrimSpace(template); s != "" && (s[0] == '{' || s[0] == '[') {
		// A template in the form of a document must be one, whatever the variables hold.
		if sample := t.render(func(string) (any, bool) { return nil, true }); !json.Valid(sample) {
			return nil, fmt.Errorf("it is not a JSON document")
		}
	}
	return t, nil
}

// split cuts a template into its parts. "<" and ">" cannot be escaped; a "<" that begins no name is text.
func (t *Transformer) split(s string) error {
	quoted, begin := false, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '<':
			n := nameLength(s[i+1:])
			if n == 0 {
				continue
			}
			name := s[i+1 : i+1+n]
			if !t.known(name) {
				return &PlaceholderError{name}
			}
			if begin < i {
				t.parts = append(t.parts, part{text: s[begin:i]})
			}
			t.parts = append(t.parts, part{variable: name, quoted: quoted})
			i += n + 1
			begin = i + 1
		}
	}
	if begin < len(s) {
		t.parts = append(t.parts, part{text: s[begin:]})
	}
	return nil
}

// nameLength is the length of the name that s begins with, if ">" follows.
func nameLength(s string) int {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '>':
			return i
		case c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z'):
			return 0
		}
	}
	return 0
}

func (t *Transformer) known(name string) bool {
	switch name {
	case ruleARN, ruleName, ingestion, envelope, whole:
		return true
	}
	_, ok := t.paths[name]
	return ok
}

// Apply returns what the target gets.
func (t *Transformer) Apply(f Facts) ([]byte, error) {
	doc, err := f.Event.document()
	if err != nil {
		return nil, err
	}
	return t.render(func(name string) (any, bool) {
		switch name {
		case ruleARN:
			return f.RuleARN, true
		case ruleName:
			return f.RuleName, true
		case ingestion:
			return f.Ingested, true
		case whole:
			return doc, true
		case envelope:
			return withoutDetail(doc), true
		}
		v, err := t.paths[name].Eval(doc)
		return v, err == nil
	}), nil
}

func withoutDetail(doc any) any {
	o, ok := doc.(*jsondoc.Object)
	if !ok {
		return doc
	}
	out := jsondoc.NewObject()
	for name, v := range o.All() {
		if name != "detail" {
			out.Set(name, v)
		}
	}
	return out
}

// render fills the template in. In a string a value stands without quotes of its own, escaped; elsewhere as JSON. What
// the event does not have is empty text.
func (t *Transformer) render(value func(name string) (any, bool)) []byte {
	var out []byte
	for _, p := range t.parts {
		if p.variable == "" {
			out = append(out, p.text...)
			continue
		}
		v, there := value(p.variable)
		if !there {
			v = ""
		}
		if !p.quoted {
			out = jsondoc.Append(out, v)
			continue
		}
		text, isText := v.(string)
		if !isText {
			text = jsondoc.Text(v)
		}
		escaped := jsondoc.AppendString(nil, text)
		out = append(out, escaped[1:len(escaped)-1]...)
	}
	return out
}
