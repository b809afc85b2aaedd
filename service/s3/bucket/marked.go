package bucket

import (
	"net/http"
	"time"

	"github.com/brume-dev/brume/aws"
)

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
