package shelf

import (
	"net/http"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
)

// Errors have the codes and texts of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and, where that
// page is silent, those that S3 is seen to answer.

// NoSuchBucket says that there is no bucket of the name.
func NoSuchBucket() error {
	return &s3api.NoSuchBucket{Message: "The specified bucket does not exist"}
}

// NoSuchKey says that there is no object of the key.
func NoSuchKey() error { return &s3api.NoSuchKey{Message: "The specified key does not exist."} }

func noSuchUpload() error {
	return aws.Errorf("NoSuchUpload", http.StatusNotFound,
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

func noSuchVersion() error {
	return aws.Errorf("NoSuchVersion", http.StatusNotFound, "The specified version does not exist.")
}

// MalformedXML says that a document is not what the schema wants.
func MalformedXML() error {
	return aws.Errorf("MalformedXML", http.StatusBadRequest,
		"The XML you provided was not well-formed or did not validate against our published schema")
}

// InvalidRequest says that a request makes no sense.
func InvalidRequest(format string, args ...any) error {
	return aws.Errorf("InvalidRequest", http.StatusBadRequest, format, args...)
}

// NotImplemented says what Brume does not have.
func NotImplemented(what string) error {
	return aws.Errorf("NotImplemented", http.StatusNotImplemented, "A header you provided implies functionality that is not implemented: %s", what)
}

// argumentError is InvalidArgument with what it is about.
type argumentError struct {
	code          string
	message       string
	ArgumentName  string `aws:"ArgumentName"`
	ArgumentValue string `aws:"ArgumentValue"`
}

func (e *argumentError) Error() string { return e.code + ": " + e.message }

// ErrorInfo implements aws.Error.
func (e *argumentError) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: e.code, Status: http.StatusBadRequest, Message: e.message}
}

// InvalidArgument says which argument is wrong.
func InvalidArgument(message, name, value string) error {
	return &argumentError{"InvalidArgument", message, name, value}
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

// Marked is the answer to a read that meets a delete marker: 404 for the current version, 405 for the marker itself.
type Marked struct {
	DeleteMarker bool       `aws:"DeleteMarker,header=x-amz-delete-marker"`
	VersionID    string     `aws:"VersionId,header=x-amz-version-id"`
	Allow        *string    `aws:"Allow,header=Allow"`
	LastModified *time.Time `aws:"LastModified,header=Last-Modified"`
	Method       *string    `aws:"Method"`
	ResourceType *string    `aws:"ResourceType"`
}

func (e *Marked) Error() string { return e.ErrorInfo().Code }

// ErrorInfo implements aws.Error.
func (e *Marked) ErrorInfo() aws.ErrorInfo {
	if e.Allow == nil {
		return aws.ErrorInfo{Code: "NoSuchKey", Status: http.StatusNotFound, Message: "The specified key does not exist."}
	}
	return aws.ErrorInfo{Code: "MethodNotAllowed", Status: http.StatusMethodNotAllowed,
		Message: "The specified method is not allowed against this resource."}
}

// Ptr returns a pointer to v.
func Ptr[T any](v T) *T { return &v }

// Some is nil for the zero value.
func Some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Or is the value of p, or def.
func Or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
