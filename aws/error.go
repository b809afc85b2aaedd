package aws

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is an error that a client may see. The generated error structures of the api packages implement it, and so
// does *CodedError for the many codes that no model lists. Any other error that reaches dispatch is our own fault:
// it is logged with its request id and answered as InternalFailure with status 500.
type Error interface {
	error
	ErrorInfo() ErrorInfo
}

// ErrorInfo is what the protocols need to render an error.
type ErrorInfo struct {
	Code    string // the error's code in JSON, REST and CBOR: "QueueDoesNotExist"
	Query   string // the code in the Query protocol and in x-amzn-query-error; "" means Code
	Status  int    // HTTP status
	Message string
	Fault   bool // true: the server's fault, "Receiver"; false: "Sender"
}

// CodedError is an Error without members of its own.
type CodedError struct {
	Info ErrorInfo
	Err  error // the cause, never shown to the client
}

// Errorf returns an error with a code, an HTTP status and a message for the client. A %w verb keeps the cause.
func Errorf(code string, status int, format string, args ...any) *CodedError {
	err := fmt.Errorf(format, args...)
	return &CodedError{
		Info: ErrorInfo{Code: code, Status: status, Message: err.Error(), Fault: status >= 500},
		Err:  errors.Unwrap(err),
	}
}

func (e *CodedError) Error() string        { return e.Info.Code + ": " + e.Info.Message }
func (e *CodedError) ErrorInfo() ErrorInfo { return e.Info }
func (e *CodedError) Unwrap() error        { return e.Err }

// CodeOf returns the code of the Error in err's chain, or "InternalFailure".
func CodeOf(err error) string { return InfoOf(err).Code }

// InfoOf returns what a client is shown of err: the info of the Error in its chain, or that of InternalFailure.
func InfoOf(err error) ErrorInfo {
	var e Error
	if errors.As(err, &e) {
		return e.ErrorInfo()
	}
	return ErrorInfo{Code: "InternalFailure", Status: http.StatusInternalServerError, Fault: true,
		Message: "The request processing has failed because of an unknown error, exception or failure."}
}

// NotImplemented is the answer to an operation that AWS has and Brume does not: 501 with a text that says so.
func NotImplemented(service, op string) *CodedError {
	return Errorf("NotImplemented", http.StatusNotImplemented,
		"Brume does not implement %s of %s yet; docs/COMPATIBILITY.md lists what is there", op, service)
}
