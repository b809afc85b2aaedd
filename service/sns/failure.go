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

// wrong is the error of an attribute for the reason err; in is where it stands.
func wrong(in, attribute string, err error) error {
	if err == nil {
		return nil
	}
	return invalid("%s%s: %v", in, attribute, err)
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
