package s3

import (
	"net/http"
	"time"

	"github.com/brume-dev/brume/aws"
)

func accessDenied() error { return aws.Errorf("AccessDenied", http.StatusForbidden, "Access Denied") }

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
