package target

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
)

// toFunction invokes a function, or a version or alias of one, asynchronously. The request id of the call is the key of
// the delivery.
func toFunction(ctx context.Context, a *attempt) error {
	_, err := lambdaapi.NewClient(a.caller).Invoke(ctx, a.id, &lambdaapi.InvocationRequest{
		FunctionName:   a.Target,
		InvocationType: lambdaapi.InvocationTypeEvent,
		Payload:        a.Body,
	})
	return err
}
