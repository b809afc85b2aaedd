package target

import (
	"context"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
)

// toStateMachine starts an execution, whose name is the key of the delivery: that it exists already is what an earlier
// attempt has done.
func toStateMachine(ctx context.Context, a *attempt) error {
	input := string(a.Body)
	_, err := sfnapi.NewClient(a.caller).StartExecution(ctx, a.id, &sfnapi.StartExecutionInput{
		StateMachineArn: a.Target,
		Name:            &a.key,
		Input:           &input,
		TraceHeader:     aws.Some(a.Trace),
	})
	if err != nil && aws.CodeOf(err) == "ExecutionAlreadyExists" {
		return nil
	}
	return err
}
