package machine

import (
	"net/http"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
)

// InvalidARN is the error for an ARN that a request cannot be about.
func InvalidARN(why string) error { return &sfnapi.InvalidArn{Message: "Invalid Arn: '" + why + "'"} }

// NotFound is the error for a state machine that is not there.
func NotFound(arn string) error {
	return &sfnapi.StateMachineDoesNotExist{Message: "State Machine Does Not Exist: '" + arn + "'"}
}

// Deleting is the error for a state machine that is being deleted.
func Deleting(arn string) error {
	return &sfnapi.StateMachineDeleting{Message: "State Machine is being deleted: '" + arn + "'"}
}

// Labelled is the error for the ARN of a Map state where it cannot stand.
func Labelled(arn string) error {
	return &sfnapi.ValidationException{Message: "The API does not support labeled ARNs: '" + arn + "'",
		Reason: sfnapi.ValidationExceptionReasonApiDoesNotSupportLabeledArns}
}

func invalid(message string) error { return &sfnapi.ValidationException{Message: message} }

// NoResource is the error for a resource that has no tags because it is not there.
func NoResource(arn string) error {
	return &sfnapi.ResourceNotFound{Message: "Resource not found: '" + arn + "'", ResourceName: aws.Some(arn)}
}

func conflict(message string) error { return &sfnapi.ConflictException{Message: message} }

func denied(message string) error {
	return aws.Errorf("AccessDeniedException", http.StatusBadRequest, "%s", message)
}
