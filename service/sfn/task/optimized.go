package task

import (
	"context"
	"fmt"
	"slices"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/task/sdk"
)

// integration is an optimized integration: an operation, and what Step Functions makes of it.
type integration struct {
	op aws.Op
	// prefix, service and base are how version 1 of the SDK names errors: "SQS", "AmazonSQS", "AmazonSQSException".
	prefix, service, base string
	// fields are what arguments may have, required those that they must.
	fields, required []string
	// texts are the fields whose value may be any JSON: it is sent as text.
	texts []string
	// sync says that .sync and .sync:2 are there; noToken that .waitForTaskToken is not.
	sync, noToken bool
	// change makes of the arguments what the operation takes.
	change func(a *attempt, arguments *jsondoc.Object)
	// examine turns an answer into a failure.
	examine func(out *jsondoc.Object) *fault.Error
	// own makes the request, for those that are no plain call of an operation.
	own func(ctx context.Context, a *attempt, arguments *jsondoc.Object) ([]byte, error)
}

// optimized are the optimized integrations that Brume has, with the parameters that their pages list.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
func optimized() map[string]integration {
	return map[string]integration{
		"lambda:invoke": {op: aws.Op{Service: "lambda", Name: "Invoke"}, own: invoke, required: []string{"FunctionName"},
			fields: []string{"ClientContext", "FunctionName", "InvocationType", "Payload", "Qualifier"}},
		"sqs:sendMessage": {op: aws.Op{Service: "sqs", Name: "SendMessage"}, prefix: "SQS", service: "AmazonSQS", base: "AmazonSQSException",
			required: []string{"QueueUrl", "MessageBody"}, texts: []string{"MessageBody"},
			fields: []string{"DelaySeconds", "MessageAttributes", "MessageBody", "MessageDeduplicationId", "MessageGroupId", "QueueUrl"}},
		"sns:publish": {op: aws.Op{Service: "sns", Name: "Publish"}, prefix: "SNS", service: "AmazonSNS", base: "AmazonSNSException",
			required: []string{"Message"}, texts: []string{"Message"},
			fields: []string{"Message", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId", "MessageStructure", "PhoneNumber", "Subject", "TargetArn", "TopicArn"}},
		"dynamodb:getItem": table("GetItem", []string{"Key", "TableName"}, "AttributesToGet", "ConsistentRead", "ExpressionAttributeNames",
			"ProjectionExpression", "ReturnConsumedCapacity"),
		"dynamodb:putItem": table("PutItem", []string{"Item", "TableName"}, "ConditionalOperator", "ConditionExpression", "Expected",
			"ExpressionAttributeNames", "ExpressionAttributeValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValues"),
		"dynamodb:updateItem": table("UpdateItem", []string{"Key", "TableName"}, "AttributeUpdates", "ConditionalOperator", "ConditionExpression", "Expected",
			"ExpressionAttributeNames", "ExpressionAttributeValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValues", "UpdateExpression"),
		"dynamodb:deleteItem": table("DeleteItem", []string{"Key", "TableName"}, "ConditionalOperator", "ConditionExpression", "Expected",
			"ExpressionAttributeNames", "ExpressionAttributeValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValues"),
		"events:putEvents": {op: aws.Op{Service: "eventbridge", Name: "PutEvents"}, prefix: "EventBridge", service: "AmazonEventBridge",
			base: "AmazonEventBridgeException", required: []string{"Entries"}, fields: []string{"Entries"}, change: entries, examine: failedEntry},
		"states:startExecution": {op: aws.Op{Service: "sfn", Name: "StartExecution"}, own: startExecution, sync: true,
			required: []string{"StateMachineArn"}, fields: []string{"Input", "Name", "StateMachineArn", "TraceHeader"}},
		"apigateway:invoke": {own: invokeAPI, required: []string{"ApiEndpoint", "Method"},
			fields: []string{"AllowNullValues", "ApiEndpoint", "AuthType", "Headers", "Method", "Path", "QueryParameters", "RequestBody", "Stage"}},
		"http:invoke": {own: invokeEndpoint, noToken: true, required: []string{"ApiEndpoint", "Method"},
			fields: []string{"ApiEndpoint", "Authentication", "Headers", "InvocationConfig", "Method", "QueryParameters", "RequestBody", "Transform"}},
	}
}

// table is an operation on items of a table.
func table(op string, required []string, more ...string) integration {
	return integration{op: aws.Op{Service: "dynamodb", Name: op}, prefix: "DynamoDB", service: "AmazonDynamoDBv2", base: "AmazonDynamoDBException",
		required: required, fields: append(more, required...)}
}

// takes reports whether the integration has the resource's pattern.
func (o *integration) takes(res *asl.Resource) bool {
	switch res.Pattern {
	case asl.Sync:
		return o.sync
	case asl.CallBack:
		return !o.noToken
	}
	return true
}

// problems says what is wrong with the names of arguments.
func (o *integration) problems(arguments *jsondoc.Object) []string {
	return o.check(arguments.Keys(), true)
}

func (o *integration) check(fields []string, whole bool) (problems []string) {
	for _, f := range fields {
		if !slices.Contains(o.fields, f) {
			problems = append(problems, sdk.Unsupported(f))
		}
	}
	for _, f := range o.required {
		if whole && !slices.Contains(fields, f) {
			problems = append(problems, fmt.Sprintf("The field '%s' is required but was missing", f))
		}
	}
	return problems
}

// callOptimized calls the integration's operation; the result has the metadata of the SDK's answer with it.
func (a *attempt) callOptimized(ctx context.Context, o *integration, arguments *jsondoc.Object) ([]byte, error) {
	for _, f := range o.texts {
		if v, ok := arguments.Get(f); ok {
			arguments.Set(f, asText(v))
		}
	}
	if o.change != nil {
		o.change(a, arguments)
	}
	doc, err := a.Caller.Document(ctx, a.id, o.op, jsondoc.Append(nil, arguments))
	if err != nil {
		return nil, a.timely(ctx, sdk.Old(o.prefix, o.service, o.base, err, a.Key))
	}
	v, err := jsondoc.Parse(doc)
	if err != nil {
		return nil, fmt.Errorf("sfn: output of %v: %w", o.op, err)
	}
	out := v.(*jsondoc.Object) // a structure
	if o.examine != nil {
		if f := o.examine(out); f != nil {
			return nil, f
		}
	}
	a.describe(out, len(doc), 200, nil)
	return jsondoc.Append(nil, out), nil
}

// asText is v as a text: strings as they are, anything else as JSON.
func asText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return jsondoc.Text(v)
}

// entries makes texts of the details of events, and names the execution among their resources.
func entries(a *attempt, arguments *jsondoc.Object) {
	v, _ := arguments.Get("Entries")
	list, _ := v.(*jsondoc.Array)
	if list == nil {
		return
	}
	for _, item := range list.Items {
		entry, ok := item.(*jsondoc.Object)
		if !ok {
			continue
		}
		if detail, ok := entry.Get("Detail"); ok {
			entry.Set("Detail", asText(detail))
		}
		resources := &jsondoc.Array{}
		if v, ok := entry.Get("Resources"); ok {
			if given, ok := v.(*jsondoc.Array); ok {
				resources.Items = append(resources.Items, given.Items...)
			}
		}
		for _, arn := range []string{a.Revision.ARN(), a.Execution} {
			if arn != "" {
				resources.Items = append(resources.Items, arn)
			}
		}
		entry.Set("Resources", resources)
	}
}

// failedEntry fails a task of which events were refused.
// https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
func failedEntry(out *jsondoc.Object) *fault.Error {
	n, _ := out.Get("FailedEntryCount")
	if jsondoc.Text(n) == "0" || n == nil {
		return nil
	}
	return fault.New("EventBridge.FailedEntry", "%s", jsondoc.Text(out))
}
