package sdk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/task/sdk"
)

var catalogue = []*aws.Service{apigatewayapi.Service, dynamodbapi.Service, dynamodbstreamsapi.Service, iamapi.Service, kmsapi.Service,
	lambdaapi.Service, logsapi.Service, s3api.Service, snsapi.Service, sqsapi.Service}

func TestName(t *testing.T) {
	for model, want := range map[string]string{
		"DynamoDB": "DynamoDb", "CloudWatch Logs": "CloudWatchLogs", "SFN": "Sfn", "XRay": "XRay", "API Gateway": "ApiGateway",
		"Application Auto Scaling": "ApplicationAutoScaling", "S3": "S3",
		"KMSMasterKeyID": "KmsMasterKeyId", "restApiId": "RestApiId", "ETag": "ETag", "MD5OfMessageBody": "Md5OfMessageBody",
		"SSECustomerAlgorithm": "SseCustomerAlgorithm", "CopySourceSSECustomerKey": "CopySourceSseCustomerKey", "MFA": "Mfa",
		"ListObjectsV2": "ListObjectsV2", "executionArn": "ExecutionArn", "logGroupName": "LogGroupName", "VpcConfig": "VpcConfig",
		"ChecksumCRC32": "ChecksumCrc32", "": "",
	} {
		if got := sdk.Name(model); got != want {
			t.Errorf("Name(%q) = %q, want %q", model, got, want)
		}
	}
	if got := sdk.Action("ListSAMLProviders"); got != "listSamlProviders" {
		t.Errorf("Action gives %q", got)
	}
}

func FuzzName(f *testing.F) {
	f.Add("KMSMasterKeyID")
	f.Fuzz(func(t *testing.T, s string) {
		kept := func(s string) string {
			var b strings.Builder
			for _, c := range []byte(strings.ToLower(s)) {
				if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
					b.WriteByte(c)
				}
			}
			return b.String()
		}
		if got := sdk.Name(s); strings.ToLower(got) != kept(s) {
			t.Errorf("Name(%q) = %q", s, got)
		}
	})
}

func TestFind(t *testing.T) {
	c := sdk.New(catalogue)
	for resource, want := range map[[2]string]string{
		{"dynamodb", "putItem"}: "dynamodb:PutItem", {"cloudwatchlogs", "putLogEvents"}: "logs:PutLogEvents",
		{"dynamodbstreams", "getRecords"}: "dynamodbstreams:GetRecords",
		{"s3", "listObjectsV2"}:           "s3:ListObjectsV2", {"lambda", "invoke"}: "lambda:Invoke", {"lambda", "invokeWithResponseStream"}: "",
		{"logs", "putLogEvents"}: "", {"dynamodb", "PutItem"}: "", {"ec2", "describeInstances"}: "",
	} {
		got := ""
		if op := c.Find(resource[0], resource[1]); op != nil {
			got = op.Op.String()
		}
		if got != want {
			t.Errorf("%v is %q, want %q", resource, got, want)
		}
	}
}

func TestInput(t *testing.T) {
	c := sdk.New(catalogue)
	for _, x := range []struct{ service, action, in, want, problem string }{
		{"dynamodb", "putItem", `{"TableName":"t","Item":{"a":{"S":"x"},"b":{"Bool":true},"c":{"Ss":["p"]},"d":{"L":[{"Nul":true},{"N":"1"}]},"e":{"M":{"f":{"B":"hi"}}}}}`,
			`{"TableName":"t","Item":{"a":{"S":"x"},"b":{"BOOL":true},"c":{"SS":["p"]},"d":{"L":[{"NULL":true},{"N":"1"}]},"e":{"M":{"f":{"B":"aGk="}}}}}`, ""},
		{"dynamodb", "putItem", `{"Table":"t"}`, "", `The field "Table" is not supported by Step Functions`},
		{"s3", "putObject", `{"Bucket":"b","Key":"k","Body":{"n":1.50}}`, `{"Bucket":"b","Key":"k","Body":"eyJuIjoxLjUwfQ=="}`, ""},
		{"s3", "putObject", `{"Key":"k","Body":"text"}`, "", `The field 'Bucket' is required but was missing`},
		{"lambda", "invoke", `{"FunctionName":"f","Payload":"{}"}`, `{"FunctionName":"f","Payload":"e30="}`, ""},
		{"apigateway", "getRestApi", `{"RestApiId":"abc"}`, `{"restApiId":"abc"}`, ""},
		{"apigateway", "getRestApi", `{"restApiId":"abc"}`, "", `The field "restApiId" is not supported by Step Functions`},
		{"cloudwatchlogs", "putLogEvents", `{"LogGroupName":"g","LogStreamName":"s","LogEvents":[{"Timestamp":1,"Message":"m"}]}`,
			`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"m"}]}`, ""},
		{"sqs", "sendMessage", `{"QueueUrl":"q","MessageBody":{"a":1}}`, "", `The value for the field 'MessageBody' must be a STRING`},
		{"dynamodb", "transactWriteItems", `{"TransactItems":[]}`, `{"TransactItems":[],"ClientRequestToken":"once"}`, ""},
		{"sqs", "sendMessage", `[]`, "", `The value for the field '' must be an OBJECT`},
	} {
		in, err := jsondoc.Parse([]byte(x.in))
		if err != nil {
			t.Fatal(err)
		}
		doc, problems := c.Input(c.Find(x.service, x.action), in, "once")
		problem := ""
		if len(problems) > 0 {
			problem = problems[0]
		}
		if string(doc) != x.want || problem != x.problem {
			t.Errorf("%s:%s %s\n is %s, %v\nnot %s, %s", x.service, x.action, x.in, doc, problems, x.want, x.problem)
		}
	}
}

func TestOutput(t *testing.T) {
	c := sdk.New(catalogue)
	for _, x := range []struct{ service, action, doc, want string }{
		{"dynamodb", "getItem", `{"Item":{"a":{"BOOL":true},"b":{"L":[{"NULL":true}]},"c":{"BS":["aGk="]},"d":{"M":{"e":{"B":"aGk="}}}}}`,
			`{"Item":{"a":{"Bool":true},"b":{"L":[{"Nul":true}]},"c":{"Bs":["hi"]},"d":{"M":{"e":{"B":"hi"}}}}}`},
		{"s3", "getObject", `{"Body":"aGVsbG8=","LastModified":1700000000,"ETag":"\"e\"","SSEKMSKeyId":"k","Metadata":{"some-key":"v"}}`,
			`{"Body":"hello","LastModified":"2023-11-14T22:13:20Z","ETag":"\"e\"","SsekmsKeyId":"k","Metadata":{"some-key":"v"}}`},
		{"lambda", "invoke", `{"StatusCode":200,"Payload":"eyJhIjoxfQ=="}`, `{"StatusCode":200,"Payload":"{\"a\":1}"}`},
		{"apigateway", "getRestApi", `{"id":"abc","createdDate":1700000000.5}`, `{"Id":"abc","CreatedDate":"2023-11-14T22:13:20.500Z"}`},
		{"sqs", "sendMessage", `{"MD5OfMessageBody":"x","MessageId":"m"}`, `{"Md5OfMessageBody":"x","MessageId":"m"}`},
	} {
		got, err := c.Output(c.Find(x.service, x.action), []byte(x.doc))
		if err != nil {
			t.Fatal(err)
		}
		if text := jsondoc.Text(got); text != x.want {
			t.Errorf("%s:%s gives %s\n, want %s", x.service, x.action, text, x.want)
		}
	}
}

func TestFailure(t *testing.T) {
	c := sdk.New(catalogue)
	for _, x := range []struct {
		service, action string
		err             error
		name, cause     string
	}{
		{"dynamodb", "putItem", &dynamodbapi.ConditionalCheckFailedException{Message: "The conditional request failed"},
			"DynamoDb.ConditionalCheckFailedException", "The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: r-1)"},
		{"dynamodb", "putItem", aws.Errorf("ValidationException", 400, "bad"), "DynamoDb.DynamoDbException", "bad (Service: DynamoDb, Status Code: 400, Request ID: r-1)"},
		{"s3", "getObject", &s3api.NoSuchKey{Message: "gone"}, "S3.NoSuchKeyException",
			"gone (Service: S3, Status Code: 404, Request ID: r-1, Extended Request ID: r-1)"},
		{"sqs", "sendMessage", &sqsapi.QueueDoesNotExist{Message: "no"}, "Sqs.QueueDoesNotExistException", "no (Service: Sqs, Status Code: 400, Request ID: r-1)"},
		{"sqs", "sendMessage", errors.New("ours"), "Sqs.SqsException",
			"The request processing has failed because of an unknown error, exception or failure. (Service: Sqs, Status Code: 500, Request ID: r-1)"},
	} {
		got := sdk.Failure(c.Find(x.service, x.action), x.err, "r-1")
		if got.Name != x.name || got.Cause != x.cause {
			t.Errorf("%v gives %q, %q", x.err, got.Name, got.Cause)
		}
	}
	old := sdk.Old("Lambda", "AWSLambda", "AWSLambdaException", &lambdaapi.ResourceNotFoundException{Message: "Function not found"}, "r-1")
	if old.Error() != "Lambda.ResourceNotFoundException: Function not found (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: r-1; Proxy: null)" {
		t.Error(old)
	}
}

// FuzzInput: whatever the arguments are, they become a document that the operation's input takes as JSON, or problems.
func FuzzInput(f *testing.F) {
	f.Add(`{"TableName":"t","Item":{"a":{"L":[{"Nul":true},{"M":{"b":{"B":"x"}}}]}}}`)
	f.Add(`{"TableName":1,"Item":[]}`)
	f.Add(`[null]`)
	c := sdk.New(catalogue)
	op := c.Find("dynamodb", "putItem")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := jsondoc.Parse([]byte(text))
		if err != nil {
			return
		}
		doc, problems := c.Input(op, v, "token")
		if (doc == nil) == (problems == nil) {
			t.Fatalf("%s: %s, %v", text, doc, problems)
		}
		if doc == nil {
			return
		}
		if _, err := jsondoc.Parse(doc); err != nil {
			t.Errorf("%s: %s: %v", text, doc, err)
		}
		if _, err := c.Output(op, doc); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
	})
}
