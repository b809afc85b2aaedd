package target

import (
	"context"

	"github.com/brume-dev/brume/aws"
)

// attempt is one attempt of a delivery, as a sender gets it.
type attempt struct {
	*Delivery
	caller       aws.Caller
	destinations Destinations
	id           aws.Identity // makes the call; its request id is key
	arn          aws.ARN      // of the target
	key          string       // the same at each attempt, unique among deliveries: a UUID
	made         int64        // when the delivery was made, in milliseconds since 1970
}

// sender makes an attempt at one kind of target.
type sender func(ctx context.Context, a *attempt) error

// senderOf returns the sender for a target, or nil. To add a kind of target: a file with its sender, and a line here.
func senderOf(a aws.ARN) sender {
	kind, name := a.Split()
	switch a.Service {
	case "lambda":
		if kind == "function" && name != "" {
			return toFunction
		}
	case "events":
		if kind == "event-bus" && name != "" {
			return toEventBus
		}
		if kind == "api-destination" && name != "" {
			return toDestination
		}
	case "sqs":
		if kind == "" {
			return toQueue
		}
	case "sns":
		if kind == "" { // with a kind it is a subscription or an application
			return toTopic
		}
	case "states":
		if kind == "stateMachine" && name != "" {
			return toStateMachine
		}
	case "logs":
		if kind == "log-group" && name != "" {
			return toLogGroup
		}
	case "s3":
		if kind == "" {
			return toBucket
		}
	}
	return nil
}
