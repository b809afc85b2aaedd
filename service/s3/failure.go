package s3

import (
	"net/http"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
)

// Errors have the codes and texts of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and, where that
// page is silent, those that S3 is seen to answer.

func noSuchBucket() error {
	return &s3api.NoSuchBucket{Message: "The specified bucket does not exist"}
}

func noSuchKey() error { return &s3api.NoSuchKey{Message: "The specified key does not exist."} }

func noSuchUpload() error {
	return aws.Errorf("NoSuchUpload", http.StatusNotFound,
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

func noSuchVersion() error {
	return aws.Errorf("NoSuchVersion", http.StatusNotFound, "The specified version does not exist.")
}

func accessDenied() error { return aws.Errorf("AccessDenied", http.StatusForbidden, "Access Denied") }

func malformedXML() error {
	return aws.Errorf("MalformedXML", http.StatusBadRequest,
		"The XML you provided was not well-formed or did not validate against our published schema")
}

func invalidRequest(format string, args ...any) error {
	return aws.Errorf("InvalidRequest", http.StatusBadRequest, format, args...)
}

func notImplemented(what string) error {
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

func invalidArgument(message, name, value string) error {
	return &argumentError{"InvalidArgument", message, name, value}
}

// sizeError is an error about the size of something.
type sizeError struct {
	code           string
	message        string
	Size           string `aws:"Size"`
	MaxSizeAllowed string `aws:"MaxSizeAllowed"`
}

func (e *sizeError) Error() string { return e.code + ": " + e.message }

// ErrorInfo implements aws.Error.
func (e *sizeError) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: e.code, Status: http.StatusBadRequest, Message: e.message}
}

// preconditionFailed is the 412 of conditional requests; condition is the header that did not hold.
type preconditionFailed struct {
	Condition string `aws:"Condition"`
}

func (e *preconditionFailed) Error() string { return "PreconditionFailed: " + e.Condition }

// ErrorInfo implements aws.Error.
func (e *preconditionFailed) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "PreconditionFailed", Status: http.StatusPreconditionFailed,
		Message: "At least one of the pre-conditions you specified did not hold"}
}

// notModified is the 304 of conditional reads, which says what the reader has.
type notModified struct {
	ETag         string    `aws:"ETag,header=ETag"`
	LastModified time.Time `aws:"LastModified,header=Last-Modified"`
	VersionID    *string   `aws:"VersionId,header=x-amz-version-id"`
}

func (e *notModified) Error() string { return "NotModified" }

// ErrorInfo implements aws.Error.
func (e *notModified) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "NotModified", Status: http.StatusNotModified, Message: "Not Modified"}
}

// marked is the answer to a read that meets a delete marker: 404 for the current version, 405 for the marker itself.
type marked struct {
	DeleteMarker bool       `aws:"DeleteMarker,header=x-amz-delete-marker"`
	VersionID    string     `aws:"VersionId,header=x-amz-version-id"`
	Allow        *string    `aws:"Allow,header=Allow"`
	LastModified *time.Time `aws:"LastModified,header=Last-Modified"`
	Method       *string    `aws:"Method"`
	ResourceType *string    `aws:"ResourceType"`
}

func (e *marked) Error() string { return e.ErrorInfo().Code }

// ErrorInfo implements aws.Error.
func (e *marked) ErrorInfo() aws.ErrorInfo {
	if e.Allow == nil {
		return aws.ErrorInfo{Code: "NoSuchKey", Status: http.StatusNotFound, Message: "The specified key does not exist."}
	}
	return aws.ErrorInfo{Code: "MethodNotAllowed", Status: http.StatusMethodNotAllowed,
		Message: "The specified method is not allowed against this resource."}
}

// invalidRange is the 416 of ranges that no byte of the object is in.
type invalidRange struct {
	RangeRequested   string `aws:"RangeRequested"`
	ActualObjectSize int64  `aws:"ActualObjectSize"`
	ContentRange     string `aws:"ContentRange,header=Content-Range"`
}

func (e *invalidRange) Error() string { return "InvalidRange: " + e.RangeRequested }

// ErrorInfo implements aws.Error.
func (e *invalidRange) ErrorInfo() aws.ErrorInfo {
	return aws.ErrorInfo{Code: "InvalidRange", Status: http.StatusRequestedRangeNotSatisfiable,
		Message: "The requested range is not satisfiable"}
}

func ptr[T any](v T) *T { return &v }

// some is nil for the zero value.
func some[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// or is the value of p, or def.
func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
