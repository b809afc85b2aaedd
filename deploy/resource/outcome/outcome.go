// Package outcome reads the errors of the calls that resources are made of: whether a thing is gone or there already, and how a
// failed step is told.
package outcome

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/aws"
)

// gone are the codes of errors that say that a thing is not there.
var gone = []string{"NoSuchEntity", "ResourceNotFoundException", "NotFoundException", "NoSuchBucket", "NoSuchBucketPolicy",
	"RepositoryNotFoundException", "ParameterNotFound", "TableNotFoundException", "PolicyNotFound", "QueueDoesNotExist", "NotFound",
	"CodeSigningConfigNotFoundException", "ProvisionedConcurrencyConfigNotFoundException", "ObjectNotFoundException",
	"StateMachineDoesNotExist", "ActivityDoesNotExist", "ResourceNotFound"}

// there are the codes of errors that say that a thing is there already.
var there = []string{"EntityAlreadyExists", "ResourceConflictException", "ResourceInUseException", "ResourceAlreadyExistsException",
	"AlreadyExistsException", "BucketAlreadyOwnedByYou", "ParameterAlreadyExists", "RepositoryAlreadyExistsException", "ConflictException"}

// Gone reports whether an error says that a thing is not there.
func Gone(err error) bool { return err != nil && slices.Contains(gone, aws.CodeOf(err)) }

// There reports whether an error says that a thing is there already.
func There(err error) bool { return err != nil && slices.Contains(there, aws.CodeOf(err)) }

// plain are the codes of what CloudFormation itself says of a resource; anything else was said by the service that has it.
var plain = []string{"ValidationError", "CustomResourceFailed", "NotStabilized", "InsufficientCapabilitiesException"}

// Describe is how a failed step is told in the events of a stack: token is the Op's.
// https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
func Describe(kind, token string, err error) string {
	var e aws.Error
	if !errors.As(err, &e) {
		return "Internal Failure"
	}
	info := e.ErrorInfo()
	message := strings.TrimSpace(info.Message)
	if slices.Contains(plain, info.Code) {
		return message
	}
	request := uuid.NewSHA1(uuid.NameSpaceOID, []byte(token))
	tail := fmt.Sprintf("(RequestToken: %s, HandlerErrorCode: %s)", request, handlerCode(info))
	if info.Code == "AlreadyExists" {
		return message + " " + tail
	}
	service := kind
	if parts := strings.Split(kind, "::"); len(parts) > 1 {
		service = parts[1]
	}
	return fmt.Sprintf("Resource handler returned message: \"%s (Service: %s, Status Code: %d, Request ID: %s)\" %s", message, service, info.Status,
		uuid.NewSHA1(request, []byte(info.Code)), tail)
}

// handlerCode is the handler's word for an error of a service.
func handlerCode(info aws.ErrorInfo) string {
	code := info.Code
	switch {
	case code == "AlreadyExists" || slices.Contains(there, code):
		return "AlreadyExists"
	case slices.Contains(gone, code):
		return "NotFound"
	case strings.HasPrefix(code, "AccessDenied"), code == "AuthorizationError", code == "Forbidden":
		return "AccessDenied"
	case strings.HasPrefix(code, "Throttl"), strings.HasPrefix(code, "TooManyRequests"):
		return "Throttling"
	case strings.HasPrefix(code, "LimitExceeded"), strings.HasSuffix(code, "LimitExceeded"), strings.HasSuffix(code, "LimitExceededException"):
		return "ServiceLimitExceeded"
	case info.Status >= http.StatusInternalServerError:
		return "ServiceInternalError"
	}
	return "InvalidRequest"
}
