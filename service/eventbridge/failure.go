package eventbridge

import (
	"fmt"
	"net/http"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
)

// invalid is the error that the model leaves to the common ones.
func invalid(format string, args ...any) error {
	return aws.Errorf("ValidationException", http.StatusBadRequest, format, args...)
}

func notFound(format string, args ...any) error {
	return &eventbridgeapi.ResourceNotFoundException{Message: fmt.Sprintf(format, args...)}
}

func exists(format string, args ...any) error {
	return &eventbridgeapi.ResourceAlreadyExistsException{Message: fmt.Sprintf(format, args...)}
}

func noBus(name string) error { return notFound("Event bus %s does not exist.", name) }

func noRule(b ref, name string) error {
	return notFound("Rule %s does not exist on EventBus %s.", name, b.name)
}

func tooMany() error {
	return &eventbridgeapi.LimitExceededException{Message: "The requested resource exceeds the maximum number allowed."}
}

func badPattern(err error) error {
	return &eventbridgeapi.InvalidEventPatternException{Message: err.Error()}
}

func managed(name string) error {
	return &eventbridgeapi.ManagedRuleException{Message: fmt.Sprintf("Rule %s is managed by %s and cannot be modified.", name, archiver)}
}
