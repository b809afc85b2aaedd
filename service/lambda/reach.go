package lambda

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

// checkReach refuses a target that the execution role may not deliver to; whose says what AWS calls the role.
func (s *Service) checkReach(ctx context.Context, id aws.Identity, p place, role, whose, arn string) error {
	a, err := aws.ParseARN(arn)
	if s.Permits == nil || err != nil {
		return nil
	}
	as, _, err := s.Roles.Assume(ctx, s.service(p, id.Request), role, p.Name)
	if _, refused := fault.Of(err); refused {
		return fault.Invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	if err != nil {
		return err
	}
	if as.Region = p.Region; a.Region != "" {
		as.Region = a.Region
	}
	call := sendingTo(a)
	err = s.Permits(ctx, as, call.op, call.in)
	if _, refused := fault.Of(err); refused {
		return fault.Invalid("The %s execution role does not have permissions to call %s on %s", whose, call.op.Name, call.what)
	}
	return err
}

// checkDeadLetters is checkReach for the dead-letter queue that a request sets, if it does.
func (s *Service) checkDeadLetters(ctx context.Context, id aws.Identity, p place, role string, d *lambdaapi.DeadLetterConfig) error {
	if d == nil || value(d.TargetArn) == "" {
		return nil
	}
	return s.checkReach(ctx, id, p, role, "provided", *d.TargetArn)
}
