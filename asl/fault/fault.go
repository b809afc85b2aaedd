// Package fault names what can go wrong inside an execution: the error names that the Amazon States Language and Step
// Functions reserve, and the pair of name and cause that states report, retriers and catchers match, and histories show.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
package fault

import (
	"errors"
	"fmt"
)

// Error is what a state, a branch or an execution fails with. Name is matched by ErrorEquals; Cause is for people
// (and often JSON text, as AWS writes it for Lambda and the AWS SDK integrations).
type Error struct {
	Name  string `cbor:"1,keyasint,omitempty"`
	Cause string `cbor:"2,keyasint,omitempty"`
	// Location is the field of the state whose JSONata expression failed, "Output/total[0]"; otherwise empty. Only
	// EvaluationFailed events tell it.
	Location string `cbor:"-"`
}

// Error is the name and the cause in one line.
func (e *Error) Error() string {
	if e.Cause == "" {
		return e.Name
	}
	return e.Name + ": " + e.Cause
}

// New makes an error of the language with a formatted cause.
func New(name, format string, args ...any) *Error {
	if len(args) == 0 {
		return &Error{Name: name, Cause: format}
	}
	return &Error{Name: name, Cause: fmt.Sprintf(format, args...)}
}

// Of finds the error of the language in err's chain. An error that has none is States.Runtime with err's text as its cause:
// nothing that goes wrong inside an execution is without a name. Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Name: Runtime, Cause: err.Error()}
}
