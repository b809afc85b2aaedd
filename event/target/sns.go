package target

import (
	"context"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
)

// toTopic publishes a message to a topic.
func toTopic(ctx context.Context, a *attempt) error {
	in := &snsapi.PublishInput{
		TopicArn:               &a.Target,
		Message:                string(a.Body),
		Subject:                aws.Some(a.Subject),
		MessageGroupId:         aws.Some(a.GroupID),
		MessageDeduplicationId: aws.Some(a.DeduplicationID),
	}
	for name, attr := range a.Attributes {
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]snsapi.MessageAttributeValue{}
		}
		in.MessageAttributes[name] = snsapi.MessageAttributeValue{
			DataType: attr.Type, StringValue: aws.Some(attr.String), BinaryValue: attr.Binary}
	}
	_, err := snsapi.NewClient(a.caller).Publish(ctx, a.id, in)
	return err
}
