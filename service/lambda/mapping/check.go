package mapping

import (
	"context"
	"strconv"
	"time"

	"github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/source"
	"github.com/brume-dev/brume/service/lambda/fault"
)

// role is the identity of the execution role, which reads for a function.
func (m *Mappings) role(ctx context.Context, fn Function) (aws.Identity, error) {
	service := aws.ForService(principal, fn.Account, fn.Region, aws.MakeARN("lambda", fn.Region, fn.Account, "function:"+fn.Name).String(), aws.Request{})
	id, _, err := m.Roles.Assume(ctx, service, fn.Role, fn.Name)
	id.Region, id.Request.ID = fn.Region, m.NewID()
	return id, err
}

// checkQueue refuses a queue that the function's role may not read, that is not there, or whose messages come back before
// the function has ended.
func (m *Mappings) checkQueue(ctx context.Context, fn Function, a aws.ARN) error {
	id, err := m.role(ctx, fn)
	if _, refused := fault.Of(err); refused {
		return fault.Invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	if err != nil {
		return err
	}
	url := source.QueueURL(a)
	get := &sqsapi.GetQueueAttributesRequest{QueueUrl: url, AttributeNames: []string{"VisibilityTimeout"}}
	for _, call := range []struct {
		op string
		in any
	}{{"ReceiveMessage", &sqsapi.ReceiveMessageRequest{QueueUrl: url}}, {"DeleteMessage", &sqsapi.DeleteMessageRequest{QueueUrl: url}},
		{"GetQueueAttributes", get}} {
		err := m.Permits(ctx, id, aws.Op{Service: "sqs", Name: call.op}, call.in)
		if info, refused := fault.Of(err); refused && !missing(info) {
			return fault.Invalid("The function execution role does not have permissions to call %s on SQS", call.op)
		}
	}
	out, err := m.sqs.GetQueueAttributes(ctx, id, get)
	if info, refused := fault.Of(err); refused {
		if missing(info) {
			return fault.Invalid("Error occurred while ReceiveMessage. SQS Error Code: %s. SQS Error Message: %s", missingQueue, info.Message)
		}
		return fault.Invalid("The function execution role does not have permissions to call GetQueueAttributes on SQS")
	}
	if err != nil {
		return err
	}
	seconds, _ := strconv.Atoi(out.Attributes["VisibilityTimeout"])
	if limit := int(fn.Timeout / time.Second); seconds < limit {
		return fault.Invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", seconds, limit)
	}
	return nil
}

// checkStream refuses a stream that the function's role may not read, or that is not there.
func (m *Mappings) checkStream(ctx context.Context, fn Function, a aws.ARN) error {
	id, err := m.role(ctx, fn)
	if _, refused := fault.Of(err); refused {
		return fault.Invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	if err != nil {
		return err
	}
	arn := a.String()
	list := &dynamodbstreamsapi.ListStreamsInput{}
	for _, call := range []struct {
		op string
		in any
	}{{"GetRecords", &dynamodbstreamsapi.GetRecordsInput{ShardIterator: arn + "|1|"}}, {"GetShardIterator", &dynamodbstreamsapi.GetShardIteratorInput{StreamArn: arn}},
		{"DescribeStream", &dynamodbstreamsapi.DescribeStreamInput{StreamArn: arn}}, {"ListStreams", list}} {
		err := m.Permits(ctx, id, aws.Op{Service: dynamodbstreamsapi.Service.Meta.Name, Name: call.op}, call.in)
		if _, refused := fault.Of(err); refused {
			return fault.Invalid("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.", arn)
		}
	}
	_, err = m.streams.DescribeStream(ctx, id, &dynamodbstreamsapi.DescribeStreamInput{StreamArn: arn})
	switch info, refused := fault.Of(err); {
	case refused && info.Code == "ResourceNotFoundException":
		return fault.Invalid("Stream not found: %s", arn)
	case refused:
		return fault.Invalid("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.", arn)
	}
	return err
}

// missingQueue is SQS's code, in the Query protocol, for a queue that is not there.
const missingQueue = "AWS.SimpleQueueService.NonExistentQueue"

func missing(info aws.ErrorInfo) bool {
	return info.Code == "QueueDoesNotExist" || info.Code == missingQueue || info.Query == missingQueue
}
