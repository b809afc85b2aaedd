package task_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/service/sfn/task"
)

// rig is a Runner and what it calls: answers are given by the test.
type rig struct {
	*task.Runner
	id   aws.Identity // of the last call
	op   aws.Op
	sent string // its document

	document string // to answer with
	typed    any
	err      error
}

func newRig() *rig {
	r := &rig{}
	r.Runner = task.New(task.Config{Caller: r, Roles: r, Clock: clock.Frozen(time.Unix(1_700_000_000, 0)),
		Services: func() []*aws.Service {
			return []*aws.Service{dynamodbapi.Service, s3api.Service, sqsapi.Service, eventbridgeapi.Service, lambdaapi.Service, snsapi.Service, sfnapi.Service}
		}})
	return r
}

func (r *rig) Document(_ context.Context, id aws.Identity, op aws.Op, in []byte) ([]byte, error) {
	r.id, r.op, r.sent = id, op, string(in)
	return []byte(r.document), r.err
}

func (r *rig) Call(_ context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r.id, r.op, r.sent = id, op, string(b)
	if i, ok := in.(*lambdaapi.InvocationRequest); ok {
		r.sent = i.FunctionName + " " + string(i.Payload)
	}
	return r.typed, r.err
}

func (r *rig) Assume(_ context.Context, service aws.Identity, role, _ string) (aws.Identity, aws.Credentials, error) {
	if strings.HasSuffix(role, "closed") {
		return aws.Identity{}, aws.Credentials{}, aws.Errorf("AccessDenied", http.StatusForbidden, "no")
	}
	return aws.Identity{Kind: aws.AssumedRole, ARN: role + " for " + service.Service, Region: service.Region}, aws.Credentials{}, nil
}

func (r *rig) Chain(ctx context.Context, who aws.Identity, role, _ string) (aws.Identity, aws.Credentials, error) {
	if strings.HasSuffix(role, "closed") {
		return aws.Identity{}, aws.Credentials{}, aws.Errorf("AccessDenied", http.StatusForbidden, "no")
	}
	return aws.Identity{Kind: aws.AssumedRole, ARN: role + " for " + who.ARN, Region: who.Region}, aws.Credentials{}, nil
}

const key = "2c5a8f2e-6d2a-4f6d-8a57-0123456789ab"

func request(resource, arguments string) *execution.Request {
	rev := &machine.Revision{Spot: machine.Spot{Ref: machine.Ref{Place: machine.Place{Account: "123456789012", Region: "eu-west-1"}, Name: "m"}}, Role: "role/m"}
	return &execution.Request{Revision: rev, Execution: "exec", Key: key, Call: &asl.Call{State: "S", Resource: parsed(resource), Arguments: []byte(arguments)}}
}

func parsed(resource string) *asl.Resource {
	res, ok := asl.ParseResource(resource)
	if !ok {
		return nil
	}
	return res
}

// call makes a request and returns its result, or its error and cause.
func (r *rig) call(t *testing.T, resource, arguments string) string {
	t.Helper()
	return outcome(r.Runner.Call(t.Context(), request(resource, arguments)))
}

func outcome(a execution.Answer, err error) string {
	switch {
	case err != nil:
		return "error " + err.Error()
	case a.Err != nil:
		return a.Err.Error()
	}
	return string(a.Output)
}

const metadata = `"SdkHttpMetadata":{"AllHttpHeaders":{"x-amzn-RequestId":["` + key + `"],"Content-Length":["LEN"],"Date":["Tue, 14 Nov 2023 22:13:20 GMT"],"Content-Type":["application/x-amz-json-1.0"]},` +
	`"HttpHeaders":{"x-amzn-RequestId":"` + key + `","Content-Length":"LEN","Date":"Tue, 14 Nov 2023 22:13:20 GMT","Content-Type":"application/x-amz-json-1.0"},"HttpStatusCode":200},` +
	`"SdkResponseMetadata":{"RequestId":"` + key + `"}`

func TestOptimized(t *testing.T) {
	const states = "arn:aws:states:::"
	for _, c := range []struct {
		resource, in, document string
		err                    error
		op, sent, want         string
	}{
		{"sqs:sendMessage", `{"QueueUrl":"q","MessageBody":{"a":1.50}}`, `{"MessageId":"m"}`, nil, "sqs:SendMessage",
			`{"QueueUrl":"q","MessageBody":"{\"a\":1.50}"}`, `{"MessageId":"m",` + metadata + `}`},
		{"sqs:sendMessage.waitForTaskToken", `{"QueueUrl":"q","MessageBody":"text"}`, `{}`, nil, "sqs:SendMessage", `{"QueueUrl":"q","MessageBody":"text"}`, `{` + metadata + `}`},
		{"sqs:sendMessage", `{"QueueUrl":"q","MessageBody":"x"}`, "", &sqsapi.QueueDoesNotExist{Message: "gone"}, "sqs:SendMessage", `{"QueueUrl":"q","MessageBody":"x"}`,
			"SQS.QueueDoesNotExistException: gone (Service: AmazonSQS; Status Code: 400; Error Code: QueueDoesNotExist; Request ID: " + key + "; Proxy: null)"},
		{"sqs:sendMessage", `{"QueueUrl":"q","Body":"x"}`, "", nil, "", "",
			`States.Runtime: The Parameters '{"QueueUrl":"q","Body":"x"}' could not be used to start the Task: [The field "Body" is not supported by Step Functions, The field 'MessageBody' is required but was missing]`},
		{"sns:publish", `{"TopicArn":"t","Message":[1]}`, `{"MessageId":"m"}`, nil, "sns:Publish", `{"TopicArn":"t","Message":"[1]"}`, `{"MessageId":"m",` + metadata + `}`},
		{"dynamodb:getItem", `{"TableName":"t","Key":{"id":{"S":"1"}}}`, `{"Item":{"id":{"S":"1"},"ok":{"BOOL":true}}}`, nil, "dynamodb:GetItem",
			`{"TableName":"t","Key":{"id":{"S":"1"}}}`, `{"Item":{"id":{"S":"1"},"ok":{"BOOL":true}},` + metadata + `}`},
		{"dynamodb:putItem", `{"TableName":"t","Item":{}}`, "", &dynamodbapi.ConditionalCheckFailedException{Message: "The conditional request failed"}, "dynamodb:PutItem",
			`{"TableName":"t","Item":{}}`, "DynamoDB.ConditionalCheckFailedException: The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; " +
				"Error Code: ConditionalCheckFailedException; Request ID: " + key + "; Proxy: null)"},
		{"dynamodb:putItem", `{"TableName":"t","Item":{}}`, "", aws.Errorf("ValidationException", 400, "bad"), "dynamodb:PutItem", `{"TableName":"t","Item":{}}`,
			"DynamoDB.AmazonDynamoDBException: bad (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ValidationException; Request ID: " + key + "; Proxy: null)"},
		{"events:putEvents", `{"Entries":[{"Source":"s","DetailType":"d","Detail":{"a":1},"Resources":["own"]}]}`, `{"FailedEntryCount":0,"Entries":[{"EventId":"e"}]}`, nil,
			"eventbridge:PutEvents", `{"Entries":[{"Source":"s","DetailType":"d","Detail":"{\"a\":1}","Resources":["own","arn:aws:states:eu-west-1:123456789012:stateMachine:m","exec"]}]}`,
			`{"FailedEntryCount":0,"Entries":[{"EventId":"e"}],` + metadata + `}`},
		{"events:putEvents", `{"Entries":[]}`, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"x"}]}`, nil, "eventbridge:PutEvents", `{"Entries":[]}`,
			`EventBridge.FailedEntry: {"FailedEntryCount":1,"Entries":[{"ErrorCode":"x"}]}`},
		{"aws-sdk:dynamodb:putItem", `{"TableName":"t","Item":{"a":{"Bool":true}}}`, `{"ConsumedCapacity":{"TableName":"t"}}`, nil, "dynamodb:PutItem",
			`{"TableName":"t","Item":{"a":{"BOOL":true}}}`, `{"ConsumedCapacity":{"TableName":"t"}}`},
		{"aws-sdk:dynamodb:putItem.waitForTaskToken", `{"TableName":"t","Item":{}}`, `{}`, nil, "dynamodb:PutItem", `{"TableName":"t","Item":{}}`, `{}`},
		{"aws-sdk:s3:getObject", `{"Bucket":"b","Key":"k"}`, "", &s3api.NoSuchKey{Message: "gone"}, "s3:GetObject", `{"Bucket":"b","Key":"k"}`,
			"S3.NoSuchKeyException: gone (Service: S3, Status Code: 404, Request ID: " + key + ", Extended Request ID: " + key + ")"},
		{"aws-sdk:s3:getObject", `{"Bucket":"b","key":"k"}`, "", nil, "", "",
			`States.Runtime: The Parameters '{"Bucket":"b","key":"k"}' could not be used to start the Task: [The field "key" is not supported by Step Functions, The field 'Key' is required but was missing]`},
		{"sqs:sendMessage", `[]`, "", nil, "", "", `States.Runtime: The Parameters '[]' could not be used to start the Task: [The arguments of a task must be an object]`},
	} {
		r := newRig()
		r.document, r.err = c.document, c.err
		got := r.call(t, states+c.resource, c.in)
		if i := strings.Index(got, `"Content-Length":["`); i > 0 { // lengths are those of our own documents
			n, _, _ := strings.Cut(got[i+len(`"Content-Length":["`):], `"`)
			got = strings.ReplaceAll(got, `"`+n+`"`, `"LEN"`)
		}
		if op := strings.TrimPrefix(r.op.String(), ":"); op != c.op || r.sent != c.sent || got != c.want {
			t.Errorf("%s %s\ncalled %s %s\n not   %s %s\n got %s\nwant %s", c.resource, c.in, r.op, r.sent, c.op, c.sent, got, c.want)
		}
		if c.op != "" && (r.id.ARN != "role/m for states.amazonaws.com" || r.id.Region != "eu-west-1" || r.id.Request.ID != key) {
			t.Errorf("%s: called as %+v", c.resource, r.id)
		}
	}
}

func TestFunction(t *testing.T) {
	const arn = "arn:aws:lambda:eu-west-1:123456789012:function:f:live"
	failing := "Unhandled"
	status, version := int32(200), "7"
	for _, c := range []struct {
		resource, in string
		out          lambdaapi.InvocationResponse
		err          error
		sent, want   string
	}{
		{arn, `{"a":1}`, lambdaapi.InvocationResponse{Payload: []byte(`{"b":2}`)}, nil, arn + ` {"a":1}`, `{"b":2}`},
		{arn, `{}`, lambdaapi.InvocationResponse{}, nil, arn + ` {}`, `null`},
		{arn, `{}`, lambdaapi.InvocationResponse{FunctionError: &failing, Payload: []byte(`{"errorType":"ValueError","errorMessage":"no"}`)}, nil, arn + ` {}`,
			`ValueError: {"errorType":"ValueError","errorMessage":"no"}`},
		{arn, `{}`, lambdaapi.InvocationResponse{FunctionError: &failing, Payload: []byte(`{"errorMessage":"Task timed out after 3.00 seconds"}`)}, nil, arn + ` {}`,
			`Lambda.Unknown: The cause could not be determined because Lambda did not return an error type. Returned payload: {"errorMessage":"Task timed out after 3.00 seconds"}`},
		{arn, `{}`, lambdaapi.InvocationResponse{}, &lambdaapi.TooManyRequestsException{Message: "Rate Exceeded."}, arn + ` {}`,
			"Lambda.TooManyRequestsException: Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: " + key + "; Proxy: null)"},
		{arn, `{}`, lambdaapi.InvocationResponse{}, errors.New("ours"), arn + ` {}`, "Lambda.AWSLambdaException: The request processing has failed because of an unknown error, " +
			"exception or failure. (Service: AWSLambda; Status Code: 500; Error Code: InternalFailure; Request ID: " + key + "; Proxy: null)"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"f","Payload":{"a":1}}`, lambdaapi.InvocationResponse{StatusCode: &status, ExecutedVersion: &version, Payload: []byte(`"ok"`)}, nil,
			`f {"a":1}`, `{"ExecutedVersion":"7","Payload":"ok","SdkHttpMetadata":{"AllHttpHeaders":{"Connection":["keep-alive"],"Content-Type":["application/json"],"X-Amz-Executed-Version":["7"],` +
				`"x-amzn-RequestId":["` + key + `"],"Content-Length":["4"],"Date":["Tue, 14 Nov 2023 22:13:20 GMT"]},"HttpHeaders":{"Connection":"keep-alive","Content-Type":"application/json",` +
				`"X-Amz-Executed-Version":"7","x-amzn-RequestId":"` + key + `","Content-Length":"4","Date":"Tue, 14 Nov 2023 22:13:20 GMT"},"HttpStatusCode":200},"SdkResponseMetadata":{"RequestId":"` + key + `"},"StatusCode":200}`},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":1}`, lambdaapi.InvocationResponse{}, nil, "",
			`States.Runtime: The Parameters '{"FunctionName":1}' could not be used to start the Task: [The value for the field 'FunctionName' must be a STRING]`},
	} {
		r := newRig()
		if r.typed, r.err = &c.out, c.err; c.err != nil {
			r.typed = nil
		}
		if got := r.call(t, c.resource, c.in); r.sent != c.sent || got != c.want {
			t.Errorf("%s %s sent %s\n got %s\nwant %s", c.resource, c.in, r.sent, got, c.want)
		}
	}
}

func TestRoles(t *testing.T) {
	r := newRig()
	r.document = `{}`
	q := request("arn:aws:states:::aws-sdk:sqs:listQueues", `{}`)
	q.Call.RoleARN = "role/other"
	if got := outcome(r.Runner.Call(t.Context(), q)); got != `{}` || r.id.ARN != "role/other for role/m for states.amazonaws.com" {
		t.Error(got, r.id.ARN)
	}
	q.Call.RoleARN = "role/closed"
	if got := outcome(r.Runner.Call(t.Context(), q)); got != "States.Permissions: The role role/m is not authorized to assume the task state's role, role/closed." {
		t.Error(got)
	}
	q.Call.RoleARN, q.Revision.Role = "", "role/closed"
	a, err := r.Runner.Call(t.Context(), q)
	if got := outcome(a, err); a.Stage != asl.Starting ||
		got != "States.Permissions: Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role." {
		t.Error(got, a.Stage)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Runner.Call(ctx, q); !errors.Is(err, context.Canceled) {
		t.Error("a request that was cut off is answered", err)
	}
}

func TestCheck(t *testing.T) {
	r := newRig()
	for resource, want := range map[string]string{
		"arn:aws:states:::sqs:sendMessage": "11", "arn:aws:states:::sqs:sendMessage.waitForTaskToken": "10", "arn:aws:states:::sqs:sendMessage.sync": "00",
		"arn:aws:states:::sqs:receiveMessage": "00", "arn:aws:states:::aws-sdk:sqs:receiveMessage": "11", "arn:aws:states:::aws-sdk:sqs:receiveMessage.sync": "00",
		"arn:aws:states:::aws-sdk:ec2:runInstances": "00", "arn:aws:states:::batch:submitJob.sync": "00", "arn:aws:states:::ecs:runTask": "00",
		"arn:aws:states:::states:startExecution.sync:2": "10", "arn:aws:states:::http:invoke": "11", "arn:aws:states:::http:invoke.waitForTaskToken": "00",
		"arn:aws:lambda:eu-west-1:123456789012:function:f": "11", "arn:aws:lambda:eu-west-1:123456789012:layer:f": "00", "arn:aws:states:eu-west-1:123456789012:activity:a": "10",
	} {
		got := ""
		for _, express := range []bool{false, true} {
			if res := parsed(resource); res != nil && r.Check(res, express) == "" {
				got += "1"
			} else {
				got += "0"
			}
		}
		if got != want {
			t.Errorf("%s: standard and express %s, want %s", resource, got, want)
		}
	}
	text := r.Check(parsed("arn:aws:states:::ecs:runTask"), false)
	if text != "The resource provided arn:aws:states:::ecs:runTask is not recognized. The value is not a valid resource ARN, or the resource is not available in this region." {
		t.Error(text)
	}
	if got := r.CheckFields(parsed("arn:aws:states:::sqs:sendMessage"), []string{"QueueUrl", "Foo"}, false); len(got) != 1 {
		t.Error(got)
	}
	if got := r.CheckFields(parsed("arn:aws:states:::lambda:invoke"), nil, true); len(got) != 1 || got[0] != "The field 'FunctionName' is required but was missing" {
		t.Error(got)
	}
	if got := r.CheckFields(parsed("arn:aws:states:::aws-sdk:s3:getObject"), []string{"Bucket", "bucket"}, true); len(got) != 1 {
		t.Error(got)
	}
}

func TestChild(t *testing.T) {
	const arn = "arn:aws:states:eu-west-1:123456789012:execution:m2:" + key
	at := time.Unix(1_700_000_000, 5e8)
	r := newRig()
	r.typed = &sfnapi.StartExecutionOutput{ExecutionArn: arn, StartDate: at}
	q := request("arn:aws:states:::states:startExecution.sync:2", `{"StateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:m2","Input":{"a":1}}`)
	submitted, err := r.Runner.Call(t.Context(), q)
	if got := outcome(submitted, err); !strings.HasPrefix(got, `{"ExecutionArn":"`+arn+`","SdkHttpMetadata"`) || !strings.HasSuffix(got, `"StartDate":1700000000500}`) ||
		!strings.Contains(r.sent, `"Name":"`+key+`"`) || !strings.Contains(r.sent, `"Input":"{\"a\":1}"`) {
		t.Error(got, r.sent)
	}
	d := &sfnapi.DescribeExecutionOutput{ExecutionArn: arn, StateMachineArn: "m2", Name: new(key), Status: sfnapi.ExecutionStatusRunning, StartDate: at, Input: new(`{"a":1}`)}
	r.typed = d
	if _, ready, err := r.Poll(t.Context(), q, submitted.Output); ready || err != nil {
		t.Error(ready, err)
	}
	d.Status, d.Output, d.StopDate = sfnapi.ExecutionStatusSucceeded, new(`[1]`), &at
	for version, want := range map[int]string{
		2: `{"ExecutionArn":"` + arn + `","Input":{"a":1},"InputDetails":{"Included":true},"Name":"` + key + `","Output":[1],"OutputDetails":{"Included":true},` +
			`"StartDate":1700000000500,"StateMachineArn":"m2","Status":"SUCCEEDED","StopDate":1700000000500}`,
		0: `{"ExecutionArn":"` + arn + `","Input":"{\"a\":1}","InputDetails":{"Included":true},"Name":"` + key + `","Output":"[1]","OutputDetails":{"Included":true},` +
			`"StartDate":1700000000500,"StateMachineArn":"m2","Status":"SUCCEEDED","StopDate":1700000000500}`,
	} {
		q.Call.Resource.Version = version
		a, ready, err := r.Poll(t.Context(), q, submitted.Output)
		if got := outcome(a, err); !ready || got != want {
			t.Errorf("version %d: %v %s\nwant %s", version, ready, got, want)
		}
	}
	d.Status, d.Output, d.Error, d.Cause = sfnapi.ExecutionStatusFailed, nil, new("E"), new("because")
	a, _, err := r.Poll(t.Context(), q, submitted.Output)
	if got := outcome(a, err); !strings.HasPrefix(got, `States.TaskFailed: {"Cause":"because","Error":"E","ExecutionArn":"`) || !strings.Contains(got, `"Status":"FAILED"`) {
		t.Error(got)
	}
	r.typed = &sfnapi.StopExecutionOutput{}
	if err := r.Cancel(t.Context(), q, submitted.Output); err != nil || r.op.Name != "StopExecution" || !strings.Contains(r.sent, arn) {
		t.Error(err, r.op, r.sent)
	}
}
