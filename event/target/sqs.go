package target

import (
	"context"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
)

// toQueue sends a message to a queue.
func toQueue(ctx context.Context, a *attempt) error {
	in := &sqsapi.SendMessageRequest{
		QueueUrl:               "https://sqs." + a.arn.Region + ".amazonaws.com/" + a.arn.Account + "/" + a.arn.Resource,
		MessageBody:            string(a.Body),
		MessageGroupId:         aws.Some(a.GroupID),
		MessageDeduplicationId: aws.Some(a.DeduplicationID),
	}
	for name, attr := range a.Attributes {
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]sqsapi.MessageAttributeValue{}
		}
		in.MessageAttributes[name] = sqsapi.MessageAttributeValue{
			DataType: attr.Type, StringValue: aws.Some(attr.String), BinaryValue: attr.Binary}
	}
	if a.Trace != "" {
		in.MessageSystemAttributes = map[string]sqsapi.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: "String", StringValue: &a.Trace}}
	}
	_, err := sqsapi.NewClient(a.caller).SendMessage(ctx, a.id, in)
	return err
}
