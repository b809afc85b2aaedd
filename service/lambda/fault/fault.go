// Package fault makes the errors of Lambda's API that more than one of its rooms answers with. Errors of the API say whose
// fault they are: User or Service.
//
// https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
package fault

import (
	"errors"
	"fmt"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
)

// User is the Type of errors that are the caller's fault.
func User() *string { return new("User") }

// Invalid is InvalidParameterValueException.
func Invalid(format string, args ...any) error {
	return &lambdaapi.InvalidParameterValueException{Type: User(), Message: fmt.Sprintf(format, args...)}
}

// NotFound is ResourceNotFoundException.
func NotFound(format string, args ...any) error {
	return &lambdaapi.ResourceNotFoundException{Type: User(), Message: fmt.Sprintf(format, args...)}
}

// Conflict is ResourceConflictException.
func Conflict(format string, args ...any) error {
	return &lambdaapi.ResourceConflictException{Type: User(), Message: fmt.Sprintf(format, args...)}
}

// StaleRevision answers a request that names another revision than the newest, which the named operations give.
func StaleRevision(what string) error {
	return &lambdaapi.PreconditionFailedException{Type: User(), Message: "The Revision Id provided does not match the latest Revision Id. " +
		"Call the " + what + " API to retrieve the latest Revision Id"}
}

// Constraint is the error for a value that the model's constraints should have refused and do not.
func Constraint(value int32, member, text string) error {
	return aws.Errorf("ValidationException", 400, "1 validation error detected: Value '%d' at '%s' failed to satisfy constraint: "+
		"Member must have value %s", value, member, text)
}

// Of returns what a client is told of err, and whether it is the client's own fault.
func Of(err error) (aws.ErrorInfo, bool) {
	var known aws.Error
	if !errors.As(err, &known) {
		return aws.ErrorInfo{}, false
	}
	return known.ErrorInfo(), known.ErrorInfo().Status < 500
}
