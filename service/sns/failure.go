package sns

import (
	"fmt"
	"net/http"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
)

// invalid is the error for a parameter. https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
func invalid(format string, args ...any) error {
	return &snsapi.InvalidParameterException{Message: "Invalid parameter: " + fmt.Sprintf(format, args...)}
}

// badValue is the error for a message attribute.
func badValue(format string, args ...any) error {
	return &snsapi.InvalidParameterValueException{Message: "Invalid parameter value: " + fmt.Sprintf(format, args...)}
}

func noTopic() error { return &snsapi.NotFoundException{Message: "Topic does not exist"} }

func noSubscription() error { return &snsapi.NotFoundException{Message: "Subscription does not exist"} }

func noResource() error { return &snsapi.ResourceNotFoundException{Message: "Resource does not exist"} }

func unauthorized(format string, args ...any) error {
	return &snsapi.AuthorizationErrorException{Message: fmt.Sprintf(format, args...)}
}

// absent is the answer to what AWS has and Brume has not.
func absent(what string) error {
	return aws.Errorf("NotImplemented", http.StatusNotImplemented, "Brume does not implement %s yet; docs/COMPATIBILITY.md lists what is there", what)
}
