package sqs

import (
	"context"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
)

// Access implements aws.Accessor: an action on the ARN of a queue, whose policy counts. Batches need what their single forms
// need. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
func (s *Service) Access(ctx context.Context, id aws.Identity, op string, in any) ([]aws.Access, error) {
	a := aws.Access{Action: "sqs:" + strings.TrimSuffix(op, "Batch"), Resource: "*"}
	p, ok := subject(id, in)
	if !ok {
		return []aws.Access{a}, nil
	}
	a.Resource, a.ResourceAccount = p.arn(), p.account
	a.Context = conditions(in)
	if p.account == id.Account || !slices.Contains(ownersOnly, op) {
		q, err := s.lookUp(ctx, p)
		switch {
		case err == nil:
			a.ResourcePolicy = q.Attributes[attributePolicy]
		case aws.CodeOf(err) == "InternalFailure":
			return nil, err
		}
	}
	out := []aws.Access{a}
	if start, ok := in.(*sqsapi.StartMessageMoveTaskRequest); ok {
		for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
			more := a
			more.Action = action
			out = append(out, more)
		}
		if start.DestinationArn != nil {
			if to, ok := placeOfARN(*start.DestinationArn); ok {
				out = append(out, aws.Access{Action: "sqs:SendMessage", Resource: to.arn(), ResourceAccount: to.account})
			}
		}
	}
	return out, nil
}

// subject is the queue that a request is about; ok is false when it names none.
func subject(id aws.Identity, in any) (p place, ok bool) {
	switch in := in.(type) {
	case *sqsapi.CreateQueueRequest:
		return place{id.Account, id.Region, in.QueueName}, validName(in.QueueName)
	case *sqsapi.GetQueueUrlRequest:
		p = named(id, in)
		return p, validName(p.name)
	case *sqsapi.ListQueuesRequest:
		return p, false
	case *sqsapi.StartMessageMoveTaskRequest:
		return placeOfARN(in.SourceArn)
	case *sqsapi.ListMessageMoveTasksRequest:
		return placeOfARN(in.SourceArn)
	case *sqsapi.CancelMessageMoveTaskRequest:
		t, ok := parseHandle(in.TaskHandle)
		return t.place, ok
	}
	p, err := locate(id, queueURL(in))
	return p, err == nil
}

// queueURL is the QueueUrl of a request.
func queueURL(in any) string {
	switch in := in.(type) {
	case *sqsapi.SendMessageRequest:
		return in.QueueUrl
	case *sqsapi.SendMessageBatchRequest:
		return in.QueueUrl
	case *sqsapi.ReceiveMessageRequest:
		return in.QueueUrl
	case *sqsapi.DeleteMessageRequest:
		return in.QueueUrl
	case *sqsapi.DeleteMessageBatchRequest:
		return in.QueueUrl
	case *sqsapi.ChangeMessageVisibilityRequest:
		return in.QueueUrl
	case *sqsapi.ChangeMessageVisibilityBatchRequest:
		return in.QueueUrl
	case *sqsapi.GetQueueAttributesRequest:
		return in.QueueUrl
	case *sqsapi.SetQueueAttributesRequest:
		return in.QueueUrl
	case *sqsapi.DeleteQueueRequest:
		return in.QueueUrl
	case *sqsapi.PurgeQueueRequest:
		return in.QueueUrl
	case *sqsapi.ListDeadLetterSourceQueuesRequest:
		return in.QueueUrl
	case *sqsapi.AddPermissionRequest:
		return in.QueueUrl
	case *sqsapi.RemovePermissionRequest:
		return in.QueueUrl
	case *sqsapi.TagQueueRequest:
		return in.QueueUrl
	case *sqsapi.UntagQueueRequest:
		return in.QueueUrl
	case *sqsapi.ListQueueTagsRequest:
		return in.QueueUrl
	}
	return ""
}

// conditions are the keys for tags in a request.
func conditions(in any) map[string][]string {
	var tags map[string]string
	var keys []string
	switch in := in.(type) {
	case *sqsapi.CreateQueueRequest:
		tags = in.Tags
	case *sqsapi.TagQueueRequest:
		tags = in.Tags
	case *sqsapi.UntagQueueRequest:
		keys = in.TagKeys
	}
	if len(tags) == 0 && len(keys) == 0 {
		return nil
	}
	out := map[string][]string{}
	for k, v := range tags {
		out["aws:RequestTag/"+k] = []string{v}
		keys = append(keys, k)
	}
	out["aws:TagKeys"] = keys
	return out
}
