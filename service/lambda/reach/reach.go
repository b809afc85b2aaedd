// Package reach asks whether a function's role may deliver to where its results are to go, before that is set.
package reach

import (
	"context"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/service/lambda/fault"
)

// sending is the call that delivers to a target, and what AWS calls the target's service.
type sending struct {
	op   aws.Op
	in   any
	what string
}

func sendingTo(a aws.ARN) sending {
	arn := a.String()
	switch a.Service {
	case "sqs":
		return sending{aws.Op{Service: "sqs", Name: "SendMessage"}, &sqsapi.SendMessageRequest{QueueUrl: source.QueueURL(a)}, "SQS"}
	case "sns":
		return sending{aws.Op{Service: "sns", Name: "Publish"}, &snsapi.PublishInput{TopicArn: &arn}, "SNS"}
	case "events":
		return sending{aws.Op{Service: "eventbridge", Name: "PutEvents"}, &eventbridgeapi.PutEventsRequest{
			Entries: []eventbridgeapi.PutEventsRequestEntry{{EventBusName: &arn}}}, "EventBridge"}
	case "s3":
		return sending{aws.Op{Service: "s3", Name: "PutObject"}, &s3api.PutObjectRequest{Bucket: a.Resource, Key: "aws/lambda/async"}, "S3"}
	}
	return sending{aws.Op{Service: "lambda", Name: "Invoke"}, &lambdaapi.InvocationRequest{FunctionName: arn}, "Lambda"}
}

// Reach knows what roles may do.
type Reach struct {
	Roles aws.Roles
	// Permits returns an error when id may not make a call; nil: everything is permitted.
	Permits func(ctx context.Context, id aws.Identity, op aws.Op, in any) error
}

// Check refuses a target that a role may not deliver to. service is Lambda as it works for the function called name; whose
// says what AWS calls the role.
func (c Reach) Check(ctx context.Context, service aws.Identity, name, role, whose, arn string) error {
	a, err := aws.ParseARN(arn)
	if c.Permits == nil || err != nil {
		return nil
	}
	as, _, err := c.Roles.Assume(ctx, service, role, name)
	if _, refused := fault.Of(err); refused {
		return fault.Invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	if err != nil {
		return err
	}
	if as.Region = service.Region; a.Region != "" {
		as.Region = a.Region
	}
	call := sendingTo(a)
	err = c.Permits(ctx, as, call.op, call.in)
	if _, refused := fault.Of(err); refused {
		return fault.Invalid("The %s execution role does not have permissions to call %s on %s", whose, call.op.Name, call.what)
	}
	return err
}
