package trial_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/task"
	"github.com/brume-dev/brume/service/sfn/task/web"
	"github.com/brume-dev/brume/service/sfn/trial"
	"github.com/brume-dev/brume/shape"
)

var me = aws.Identity{Kind: aws.Root, Account: "123456789012", Region: "eu-west-1"}

// tasks knows the resources that Brume has and answers every request itself.
type tasks struct {
	*task.Runner
	answer execution.Answer
	web    *web.Exchange
}

func (s *tasks) Try(_ context.Context, q *execution.Request, _ bool) (execution.Answer, *web.Exchange, error) {
	if s.answer.Output == nil && s.answer.Err == nil {
		return execution.Answer{Output: q.Call.Arguments}, s.web, nil
	}
	return s.answer, s.web, nil
}

func newBench(s *tasks) *trial.Bench {
	s.Runner = task.New(task.Config{Services: func() []*aws.Service {
		return []*aws.Service{dynamodbapi.Service, lambdaapi.Service, sqsapi.Service, sfnapi.Service}
	}})
	return trial.New(trial.Config{Tasks: s, Clock: clock.Frozen(time.Unix(1_700_000_000, 0)), Rand: rand.NewChaCha8([32]byte{1}),
		Lint: func(string, bool) error { return nil }})
}

const role = "arn:aws:iam::123456789012:role/r"

// test runs TestState with a request and returns the answer as JSON, or the error.
func test(t *testing.T, s *tasks, request string) string {
	t.Helper()
	in := &sfnapi.TestStateInput{}
	if _, err := shape.DecodeJSON([]byte(request), in); err != nil {
		t.Fatal(err)
	}
	out, err := newBench(s).TestState(t.Context(), me, in)
	if err != nil {
		return aws.CodeOf(err) + ": " + aws.InfoOf(err).Message
	}
	b, err := shape.AppendJSON(nil, out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// quoted makes a definition a member of a request.
func quoted(s string) string { return string(jsondoc.AppendString(nil, s)) }

func TestStates(t *testing.T) {
	const send = `{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"q","MessageBody.$":"$.m"},"ResultSelector":{"b.$":"$.MessageBody"},"ResultPath":"$.r","Next":"N",` +
		`"Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":3,"MaxAttempts":2}],"Catch":[{"ErrorEquals":["Gone"],"Next":"Sorry","ResultPath":"$.e"}]}`
	for _, c := range []struct {
		definition, more string
		s                tasks
		want             string
	}{
		{`{"Type":"Pass","Result":{"a":1},"Next":"N"}`, ``, tasks{}, `{"output":"{\"a\":1}","nextState":"N","status":"SUCCEEDED"}`},
		{`{"Type":"Pass","End":true}`, `,"input":"[1.50]"`, tasks{}, `{"output":"[1.50]","status":"SUCCEEDED"}`},
		{`{"Type":"Succeed"}`, ``, tasks{}, `{"output":"{}","status":"SUCCEEDED"}`},
		{`{"Type":"Fail","Error":"E","Cause":"C"}`, ``, tasks{}, `{"error":"E","cause":"C","status":"FAILED"}`},
		{`{"Type":"Choice","Choices":[{"Variable":"$.n","NumericGreaterThan":1,"Next":"Big"}],"Default":"Small"}`, `,"input":"{\"n\":2}"`, tasks{},
			`{"output":"{\"n\":2}","nextState":"Big","status":"SUCCEEDED"}`},
		{`{"Type":"Choice","Choices":[{"Variable":"$.n","NumericGreaterThan":1,"Next":"Big"}]}`, `,"input":"{\"n\":0}"`, tasks{}, `*Failed to transition out of the state.`},
		{`{"Type":"Pass","QueryLanguage":"JSONata","Output":"{% $x + 1 %}","End":true}`, `,"variables":"{\"x\":41}"`, tasks{}, `{"output":"42","status":"SUCCEEDED"}`},
		{`{"Type":"Wait","Seconds":0,"Next":"N"}`, ``, tasks{}, `{"output":"{}","nextState":"N","status":"SUCCEEDED"}`},
		{send, `,"input":"{\"m\":\"hi\"}","roleArn":"` + role + `"`, tasks{}, `{"output":"{\"m\":\"hi\",\"r\":{\"b\":\"hi\"}}","nextState":"N","status":"SUCCEEDED"}`},
		{send, `,"input":"{\"m\":\"hi\"}","roleArn":"` + role + `"`, tasks{answer: execution.Answer{Err: &fault.Error{Name: "Busy", Cause: "c"}}}, `{"error":"Busy","cause":"c","status":"RETRIABLE"}`},
		{send, `,"input":"{\"m\":\"hi\"}","roleArn":"` + role + `"`, tasks{answer: execution.Answer{Err: &fault.Error{Name: "Gone", Cause: "c"}}},
			`{"output":"{\"m\":\"hi\",\"e\":{\"Error\":\"Gone\",\"Cause\":\"c\"}}","error":"Gone","cause":"c","nextState":"Sorry","status":"CAUGHT_ERROR"}`},
		{send, `,"input":"{\"m\":\"hi\"}","roleArn":"` + role + `"`, tasks{answer: execution.Answer{Err: &fault.Error{Name: "Odd"}}}, `{"error":"Odd","status":"FAILED"}`},
		{send, `,"input":"{\"m\":\"hi\"}"`, tasks{}, `ValidationException: A role must be specified when no mock is specified for a Task state`},
		{`{"Type":"Task","Resource":"arn:aws:states:::ecs:runTask","End":true}`, `,"roleArn":"` + role + `"`, tasks{},
			`InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::ecs:runTask is not recognized. ` +
				`The value is not a valid resource ARN, or the resource is not available in this region. at /Resource'`},
		{`{"Type":"Nap"}`, ``, tasks{}, `*InvalidDefinition: Invalid State Machine Definition: `},
		{`{"Type":"Pass","End":true}`, `,"input":"{"`, tasks{}, `*InvalidExecutionInput: `},
	} {
		got := test(t, &c.s, `{"definition":`+quoted(c.definition)+c.more+`}`)
		if part, isPart := strings.CutPrefix(c.want, "*"); isPart && !strings.Contains(got, part) || !isPart && got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.definition, c.more, got, c.want)
		}
	}
}

// slow is a task that takes three seconds of the platform's time and ends only when it is called off.
type slow struct {
	*task.Runner
	clock *clock.Virtual
}

func (s *slow) Try(ctx context.Context, _ *execution.Request, _ bool) (execution.Answer, *web.Exchange, error) {
	if _, err := s.clock.Advance(context.Background(), 3*time.Second); err != nil {
		return execution.Answer{}, nil, err
	}
	<-ctx.Done()
	return execution.Answer{}, nil, ctx.Err()
}

// TestTimeout: a task's time is that of the platform's clock.
func TestTimeout(t *testing.T) {
	s := &slow{clock: clock.Frozen(time.Unix(1_700_000_000, 0)), Runner: task.New(task.Config{Services: func() []*aws.Service { return []*aws.Service{sqsapi.Service} }})}
	b := trial.New(trial.Config{Tasks: s, Clock: s.clock, Rand: rand.NewChaCha8([32]byte{1}), Lint: func(string, bool) error { return nil }})
	out, err := b.TestState(t.Context(), me, &sfnapi.TestStateInput{RoleArn: new(role), Definition: `{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage",
		"Parameters":{"QueueUrl":"q","MessageBody":"m"},"TimeoutSeconds":2,"End":true}`})
	if err != nil || out.Status != "FAILED" || aws.Or(out.Error, "") != fault.Timeout {
		t.Fatalf("%+v, %v", out, err)
	}
}

func TestMocks(t *testing.T) {
	const (
		token  = `{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{"QueueUrl":"q","MessageBody.$":"$$.Task.Token"},"Next":"N"}`
		get    = `{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:dynamodb:getItem","Parameters":{"TableName":"t","Key":{}},"OutputPath":"$.Item","End":true}`
		both   = `{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},{"StartAt":"B","States":{"B":{"Type":"Pass","End":true}}}],"Next":"N"}`
		each   = `{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"ItemSelector":{"v.$":"$$.Map.Item.Value"},"MaxConcurrency":5,"End":true}`
		runMap = `{"Type":"Map","ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","ItemsPointer":"/in/0"},"Parameters":{"Bucket":"b","Key":"k"}},` +
			`"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},` +
			`"ItemSelector":{"v.$":"$$.Map.Item.Value"},"ItemBatcher":{"MaxItemsPerBatch":2},"ToleratedFailurePercentage":34,"End":true}`
		retry = `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"End":true,"Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":3,"BackoffRate":2,"MaxAttempts":3}]}`
	)
	for _, c := range []struct{ definition, more, want string }{
		{token, `,"mock":{"result":"{\"ok\":1}"}`, `{"output":"{\"ok\":1}","nextState":"N","status":"SUCCEEDED"}`},
		{token, `,"roleArn":"` + role + `"`, `ValidationException: A mock must be specified for activities and for tasks with .sync or .waitForTaskToken`},
		{get, `,"mock":{"result":"{\"Item\":{\"a\":{\"S\":\"x\"}}}"}`, `{"output":"{\"a\":{\"S\":\"x\"}}","status":"SUCCEEDED"}`},
		{get, `,"mock":{"result":"{\"Itm\":{}}"}`, `ValidationException: Mock result schema validation error: The field 'Itm' is not a member of GetItemOutput`},
		{get, `,"mock":{"result":"{\"Item\":{},\"Itm\":{}}","fieldValidationMode":"NONE"}`, `{"output":"{}","status":"SUCCEEDED"}`},
		{get, `,"mock":{"errorOutput":{"error":"E","cause":"c"}}`, `{"error":"E","cause":"c","status":"FAILED"}`},
		{get, `,"mock":{"errorOutput":{"cause":"c"}}`, `ValidationException: The errorOutput of a mock must have an error`},
		{get, `,"mock":{}`, `ValidationException: A mock must have either a result or an errorOutput`},
		{both, `,"mock":{"result":"[1,2]"}`, `{"output":"[1,2]","nextState":"N","status":"SUCCEEDED"}`},
		{both, `,"mock":{"result":"[1]"}`, `ValidationException: The mocked result of a Parallel state must have one element for each of its 2 branches`},
		{both, ``, `ValidationException: A mock must be specified for states of type Parallel`},
		{both, `,"mock":{"errorOutput":{"error":"E"}},"stateConfiguration":{"errorCausedByState":"B"}`, `{"error":"E","status":"FAILED"}`},
		{both, `,"mock":{"errorOutput":{"error":"E"}},"stateConfiguration":{"errorCausedByState":"C"}`, `ValidationException: State 'C' is not a state of 'TestState'`},
		{each, `,"input":"[7,8]","mock":{"result":"[1,2]"},"inspectionLevel":"DEBUG"`, `{"output":"[1,2]","inspectionData":{"input":"[7,8]","afterInputPath":"[7,8]","result":"[1,2]","afterResultSelector":"[1,2]",` +
			`"afterResultPath":"[1,2]","variables":"{}","afterItemsPath":"[7,8]","afterItemSelector":"[{\"v\":7},{\"v\":8}]","maxConcurrency":5},"status":"SUCCEEDED"}`},
		{runMap, `,"mock":{"result":"{\"done\":3}"},"inspectionLevel":"DEBUG","stateConfiguration":{"mapItemReaderData":"{\"in\":[[1,2,3]]}","mapIterationFailureCount":1}`,
			`*"afterItemSelector":"[{\"v\":1},{\"v\":2},{\"v\":3}]","afterItemBatcher":"[{\"Items\":[{\"v\":1},{\"v\":2}]},{\"Items\":[{\"v\":3}]}]","afterItemsPointer":"[1,2,3]","toleratedFailurePercentage":34.0,"maxConcurrency":0},"status":"SUCCEEDED"}`},
		{runMap, `,"mock":{"result":"{}"},"stateConfiguration":{"mapItemReaderData":"{\"in\":[[1,2,3]]}","mapIterationFailureCount":2}`,
			`{"error":"States.ExceedToleratedFailureThreshold","cause":"The specified tolerated failure threshold was exceeded","status":"FAILED"}`},
		{retry, `,"mock":{"errorOutput":{"error":"E"}},"stateConfiguration":{"retrierRetryCount":1},"inspectionLevel":"DEBUG"`,
			`*"errorDetails":{"retryIndex":0,"retryBackoffIntervalSeconds":6}},"status":"RETRIABLE"}`},
		{retry, `,"mock":{"errorOutput":{"error":"E"}},"stateConfiguration":{"retrierRetryCount":3}`, `{"error":"E","status":"FAILED"}`},
		{retry, `,"mock":{"result":"{\"StatusCode\":200,\"Payload\":{\"a\":1},\"ExecutedVersion\":\"1\"}"}`,
			`{"output":"{\"StatusCode\":200,\"Payload\":{\"a\":1},\"ExecutedVersion\":\"1\"}","status":"SUCCEEDED"}`},
		{retry, `,"mock":{"result":"{\"StatusCode\":\"200\"}"}`, `ValidationException: Mock result schema validation error: The value for the field 'StatusCode' must be a NUMBER`},
		{`{"Type":"Pass","End":true}`, `,"mock":{"result":"1"}`, `ValidationException: A mock can only be specified for Task, Map, or Parallel states`},
		{`{"Type":"Pass","End":true}`, `,"context":"{}"`, `ValidationException: A context can only be specified when a mock is specified`},
		{`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName.$":"$$.Execution.Id"},"End":true}`, `,"context":"{\"Execution\":{\"Id\":\"mine\"}}","mock":{"result":"{}"},"inspectionLevel":"DEBUG"`,
			`*"afterParameters":"{\"FunctionName\":\"mine\"}"`},
	} {
		got := test(t, &tasks{}, `{"definition":`+quoted(c.definition)+c.more+`}`)
		if part, isPart := strings.CutPrefix(c.want, "*"); isPart && !strings.Contains(got, part) || !isPart && got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.definition, c.more, got, c.want)
		}
	}
}

func TestOfMachine(t *testing.T) {
	const m = `{"StartAt":"A","States":{"A":{"Type":"Parallel","Next":"Z","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","Result":5,"Next":"C"},"C":{"Type":"Pass","End":true}}}]},"Z":{"Type":"Succeed"}}}`
	if got := test(t, &tasks{}, `{"definition":`+quoted(m)+`,"stateName":"B"}`); got != `{"output":"5","nextState":"C","status":"SUCCEEDED"}` {
		t.Error(got)
	}
	if got := test(t, &tasks{}, `{"definition":`+quoted(m)+`,"stateName":"D"}`); got != `ValidationException: State 'D' is not in the definition` {
		t.Error(got)
	}
}

func TestTrace(t *testing.T) {
	const call = `{"Type":"Task","Resource":"arn:aws:states:::http:invoke","Parameters":{"ApiEndpoint":"https://example.com","Method":"GET","Authentication":{"ConnectionArn":"c"}},"End":true}`
	s := &tasks{web: &web.Exchange{Protocol: "https", Method: "GET", URL: "https://example.com", RequestHeader: "[A: b]", StatusCode: "200", StatusMessage: "OK", ResponseHeader: "[C: d]", ResponseBody: "x"}}
	for level, there := range map[string]bool{"TRACE": true, "DEBUG": false} {
		got := test(t, s, `{"definition":`+quoted(call)+`,"roleArn":"`+role+`","inspectionLevel":"`+level+`"}`)
		if strings.Contains(got, `"request":{"protocol":"https","method":"GET","url":"https://example.com","headers":"[A: b]"},"response":{"protocol":"https","statusCode":"200","statusMessage":"OK","headers":"[C: d]","body":"x"}`) != there {
			t.Error(level, got)
		}
	}
}

var _ trial.Tasks = (*task.Runner)(nil)
