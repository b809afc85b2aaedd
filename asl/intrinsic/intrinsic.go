// Package intrinsic is the intrinsic functions of the query language JSONPath, "States.Format('{}', $.name)", compiled once.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
package intrinsic

import (
	"errors"
	"strings"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/asl/path"
)

// Call is a compiled call of an intrinsic function. It is safe for concurrent use.
type Call struct {
	text string
	fn   *function
	args []argument
}

// argument is one of: a constant, a path, a call.
type argument struct {
	value any    // of a constant
	raw   string // of a constant string, as it stands between the apostrophes: States.Format reads its own escapes
	isRaw bool
	path  *path.Path
	call  *Call
}

// String is the text that the call was compiled from.
func (c *Call) String() string { return c.text }

// errMissing is what an argument that is a path fails with when it names nothing: unlike what the functions themselves find
// wrong, AWS reports it as States.Runtime.
type errMissing struct{ path, input string }

func (e errMissing) Error() string {
	return "The JsonPath argument for the field '" + e.path + "' could not be found in the input '" + e.input + "'"
}

// Eval calls the function. An error is a *fault.Error: States.Runtime when a path names nothing, else States.IntrinsicFailure.
func (c *Call) Eval(s *path.Scope) (any, error) {
	v, err := c.eval(s)
	if err == nil {
		return v, nil
	}
	name := fault.IntrinsicFailure
	if _, ok := errors.AsType[errMissing](err); ok {
		name = fault.Runtime
	}
	return nil, fault.New(name, "The function '%s' had the following error: %s", c.text, err.Error())
}

func (c *Call) eval(s *path.Scope) (any, error) {
	var few [4]any // most functions take no more: no allocation for them
	values := few[:0]
	for i := range c.args {
		a := &c.args[i]
		var v any
		switch {
		case a.call != nil:
			inner, err := a.call.eval(s)
			if err != nil {
				return nil, err
			}
			v = inner
		case a.path != nil:
			found, ok := a.path.Find(s)
			if !ok {
				return nil, errMissing{a.path.String(), a.path.Searched(s)}
			}
			v = found
		case a.isRaw && i == 0 && c.fn.template:
			v = a.raw
		default:
			v = a.value
		}
		values = append(values, v)
	}
	return c.fn.apply(s, values)
}

// Is reports whether a text is meant to be a call, so that an error in it should be shown as one.
func Is(text string) bool { return strings.HasPrefix(text, "States.") }

// ReturnsString reports whether the function can give a string: ErrorPath and CausePath take only those.
// https://docs.aws.amazon.com/step-functions/latest/dg/state-fail.html
func (c *Call) ReturnsString() bool { return c.fn.text }

// Paths yields the paths among the arguments, those of inner calls too.
func (c *Call) Paths(yield func(*path.Path) bool) bool {
	for i := range c.args {
		a := &c.args[i]
		if a.path != nil && !yield(a.path) || a.call != nil && !a.call.Paths(yield) {
			return false
		}
	}
	return true
}
