// Package fault holds the errors of S3 that have no type in its model, with the codes and texts of
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and, where that page is silent, those that S3 is
// seen to answer.
package fault

import (
	"net/http"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
)

// NoSuchBucket says that there is no bucket of the name.
func NoSuchBucket() error {
	return &s3api.NoSuchBucket{Message: "The specified bucket does not exist"}
}

// NoSuchKey says that there is no object of the key.
func NoSuchKey() error { return &s3api.NoSuchKey{Message: "The specified key does not exist."} }

// NoSuchUpload says that there is no upload of the id.
func NoSuchUpload() error {
	return aws.Errorf("NoSuchUpload", http.StatusNotFound,
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

// NoSuchVersion says that there is no such version of the object.
func NoSuchVersion() error {
	return aws.Errorf("NoSuchVersion", http.StatusNotFound, "The specified version does not exist.")
}

// MalformedXML says that a document is not what the schema wants.
func MalformedXML() error {
	return aws.Errorf("MalformedXML", http.StatusBadRequest,
		"The XML you provided was not well-formed or did not validate against our published schema")
}

// MissingBody says that an operation wants a document and got none.
func MissingBody() error {
	return aws.Errorf("MissingRequestBodyError", http.StatusBadRequest, "Request Body is empty")
}

// InvalidRequest says that a request makes no sense.
func InvalidRequest(format string, args ...any) error {
	return aws.Errorf("InvalidRequest", http.StatusBadRequest, format, args...)
}

// header is NotImplemented for the value of a header, as S3 tells it.
type header struct {
	Header     string `aws:"Header"`
	Additional string `aws:"additionalMessage"`
}

func (e *header) Error() string { return "NotImplemented: " + e.Header }

// ErrorInfo implements aws.Error.
func (e *header) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "NotImplemented", Status: http.StatusNotImplemented, Message: "A header you provided implies functionality that is not implemented"}
}

// Header says that an operation does not take a value of a header; what are the words of S3.
func Header(name, what string) error { return &header{name, what} }

// NotImplemented says what Brume does not have.
func NotImplemented(what string) error {
	return aws.Errorf("NotImplemented", http.StatusNotImplemented, "A header you provided implies functionality that is not implemented: %s", what)
}

// Argument is an error about an argument, which it names.
type Argument struct {
	code          string
	message       string
	ArgumentName  string `aws:"ArgumentName"`
	ArgumentValue string `aws:"ArgumentValue"`
}

func (e *Argument) Error() string { return e.code + ": " + e.message }

// ErrorInfo implements aws.Error.
func (e *Argument) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: e.code, Status: http.StatusBadRequest, Message: e.message}
}

// InvalidArgument says which argument is wrong.
func InvalidArgument(message, name, value string) error {
	return &Argument{"InvalidArgument", message, name, value}
}

// SizeError is an error about the size of something.
type SizeError struct {
	Code           string
	Message        string
	Size           string `aws:"Size"`
	MaxSizeAllowed string `aws:"MaxSizeAllowed"`
}

func (e *SizeError) Error() string { return e.Code + ": " + e.Message }

// ErrorInfo implements aws.Error.
func (e *SizeError) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: e.Code, Status: http.StatusBadRequest, Message: e.Message}
}

// PreconditionFailed is the 412 of conditional requests; condition is the header that did not hold.
type PreconditionFailed struct {
	Condition string `aws:"Condition"`
}

func (e *PreconditionFailed) Error() string { return "PreconditionFailed: " + e.Condition }

// ErrorInfo implements aws.Error.
func (e *PreconditionFailed) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "PreconditionFailed", Status: http.StatusPreconditionFailed,
		Message: "At least one of the pre-conditions you specified did not hold"}
}
