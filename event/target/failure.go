package target

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
)

// failure is what became of an attempt.
type failure struct {
	code  string // ERROR_CODE of the dead-letter queue
	again bool   // worth another attempt
	err   error
}

// reason is a sort of failure, and by what it is known.
type reason struct {
	code     string
	again    bool
	statuses []int
	words    []string // in the error's code
}

// reasons are looked through in order. Only failures that may pass by themselves are tried again: missing permissions
// and resources are not, as EventBridge has it.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
var reasons = []reason{
	{"SDK_CLIENT_ERROR", false, []int{http.StatusNotImplemented}, nil},
	{"THROTTLING", true, []int{http.StatusTooManyRequests},
		[]string{"Throttl", "TooManyRequests", "RequestLimitExceeded", "ThroughputExceeded", "SlowDown"}},
	{"ERROR_FROM_TARGET", true, []int{500, 502, 503, 504}, nil},
	{"NO_PERMISSIONS", false, []int{http.StatusUnauthorized, http.StatusForbidden},
		[]string{"AccessDenied", "AuthorizationError", "NotAuthorized", "OptInRequired"}},
	{"NO_RESOURCE", false, []int{http.StatusNotFound, http.StatusGone},
		[]string{"NotFound", "DoesNotExist", "NonExistent", "NoSuch", "Deleting"}},
	{"RESOURCE_ALREADY_EXISTS", false, nil, []string{"AlreadyExists", "AlreadyStarted"}},
	{"RESOURCE_MODIFICATION_COLLISION", true, []int{http.StatusConflict}, []string{"Conflict"}},
	{"RESOURCE_LIMIT_EXCEEDED", true, nil, []string{"LimitExceeded", "QuotaExceeded"}},
	{"TIMEOUT", true, []int{http.StatusRequestTimeout}, nil},
	{"INVALID_JSON", false, nil, []string{"InvalidRequestContent", "MalformedDetail", "InvalidExecutionInput"}},
	{"INVALID_PARAMETER", false, []int{http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType},
		[]string{"Invalid", "Validation"}},
}

// classify says what err means for the delivery.
func classify(err error) failure {
	var coded aws.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return failure{"TIMEOUT", true, err}
	case !errors.As(err, &coded):
		return failure{"INTERNAL_ERROR", true, err}
	}
	info := coded.ErrorInfo()
	for _, r := range reasons {
		named := slices.ContainsFunc(r.words, func(w string) bool { return strings.Contains(info.Code, w) })
		if named || slices.Contains(r.statuses, info.Status) {
			return failure{r.code, r.again, err}
		}
	}
	return failure{"SDK_CLIENT_ERROR", info.Status >= 500, err}
}

// message is ERROR_MESSAGE.
func (f failure) message() string {
	text := f.err.Error()
	var coded aws.Error
	if errors.As(f.err, &coded) {
		text = coded.ErrorInfo().Message
	}
	if len(text) > maxErrorMessage {
		text = strings.ToValidUTF8(text[:maxErrorMessage], "")
	}
	return text
}
