// Package vtl is the Velocity Template Language, version 1.7, as API Gateway's mapping templates use it:
// https://velocity.apache.org/engine/1.7/user-guide.html and
// https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings.html. Values behave as their Java
// counterparts do: strings, lists and maps have Java's methods, and print as Java prints them.
//
// A value is nil, bool, int64, float64, string, *jsondoc.Array (a list), *jsondoc.Object (a map) or an Object.
package vtl

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of a template, https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html.
const (
	// MaxSize is the size of a template in bytes.
	MaxSize = 300 << 10
	// MaxIterations is how often one #foreach goes round; the rest of the list is left out.
	MaxIterations = 1000
	// MaxOutput is the size in bytes of what a template may render: the payload limit of an API.
	MaxOutput = 10 << 20

	maxDepth = 64      // of nested directives, expressions, macros and interpolated strings
	maxSteps = 500_000 // nodes rendered by one template
)

// Errors that Render's error may wrap.
var (
	// ErrLimit says that a template ran over one of the limits.
	ErrLimit = errors.New("vtl: over a limit")
	// ErrNoMethod is returned by Object.Call for a method that the object does not have: the reference then stands
	// unresolved, as Velocity leaves it.
	ErrNoMethod = errors.New("vtl: no such method")
)

// Object is a value with behaviour of its own, such as $input and $util.
type Object interface {
	// Property returns the value of $object.name; false when there is none.
	Property(name string) (any, bool)
	// Call runs $object.method(args).
	Call(method string, args []any) (any, error)
}

// Template is a parsed template, safe for concurrent use.
type Template struct{ body block }

// Parse parses a template. Its error names line and column.
func Parse(text string) (*Template, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%w: a template has at most %d bytes", ErrLimit, MaxSize)
	}
	p := &parser{s: text}
	body, end, err := p.block()
	if err != nil {
		return nil, err
	}
	if end != "" {
		return nil, p.errorf("#%s without a directive that it belongs to", end)
	}
	return &Template{body}, nil
}

// Render renders the template with the given references, which it may set: vars is changed.
func (t *Template) Render(vars map[string]any) (string, error) {
	r := &renderer{vars: vars, macros: map[string]*macro{}}
	err := r.block(t.body)
	if err != nil && !errors.Is(err, errStop) {
		return "", err
	}
	return r.out.String(), nil
}

// control flow that #break and #stop cause.
var (
	errBreak = errors.New("vtl: #break outside a #foreach")
	errStop  = errors.New("vtl: stop")
)

// renderer is the state of one rendering.
type renderer struct {
	vars   map[string]any
	macros map[string]*macro
	out    strings.Builder
	depth  int
	steps  int
}

func (r *renderer) write(s string) error {
	if r.out.Len()+len(s) > MaxOutput {
		return fmt.Errorf("%w: the output is over %d bytes", ErrLimit, MaxOutput)
	}
	r.out.WriteString(s)
	return nil
}

// nested renders into a string of its own, for interpolated strings and #define.
func (r *renderer) nested(b block) (string, error) {
	outer := r.out
	r.out = strings.Builder{}
	err := r.block(b)
	text := r.out.String()
	r.out = outer
	return text, err
}

func (r *renderer) enter() error {
	if r.depth++; r.depth > maxDepth {
		return fmt.Errorf("%w: nested more than %d deep", ErrLimit, maxDepth)
	}
	return nil
}

// step counts the work, so that loops within loops come to an end.
func (r *renderer) step() error {
	if r.steps++; r.steps > maxSteps {
		return fmt.Errorf("%w: more than %d steps", ErrLimit, maxSteps)
	}
	return nil
}

func (r *renderer) block(b block) error {
	if err := r.enter(); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	for _, n := range b {
		if err := r.step(); err != nil {
			return err
		}
		if err := n.render(r); err != nil {
			return err
		}
	}
	return nil
}
