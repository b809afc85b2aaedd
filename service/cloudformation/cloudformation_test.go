package cloudformation_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch"
	"github.com/brume-dev/brume/service/cloudformation"
	"github.com/brume-dev/brume/service/dynamodb"
	"github.com/brume-dev/brume/service/kms"
	"github.com/brume-dev/brume/service/logs"
	"github.com/brume-dev/brume/service/ssm"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1", ARN: "arn:aws:iam::111122223333:root"}
)

// rig is the service among others that it makes resources of.
type rig struct {
	*cloudformation.Service
	t     *testing.T
	table *dispatch.Table
	clock *clock.Virtual
	run   *timer.Runner
	// answer is what custom resources answer; nil keeps them silent.
	answer func(request map[string]any) map[string]any
	asked  []map[string]any
	// published is what topics were told.
	published []*snsapi.PublishInput
}

func newRig(t *testing.T) *rig { return rigOn(t, nil) }

func rigOn(t *testing.T, s store.Store) *rig {
	t.Helper()
	c := clock.Frozen(start)
	if s == nil {
		s = storetest.Split(c, 3)
	}
	r := &rig{t: t, clock: c, table: dispatch.New(dispatch.Config{Log: slog.New(slog.DiscardHandler)})}
	r.run = timer.New(timer.Config{Store: s, Clock: c})
	r.table.Register(dynamodbapi.Service, make1(dynamodb.New(dynamodb.Config{Store: s, Clock: c, Timer: r.run, Caller: r.table})))
	r.table.Register(kmsapi.Service, make1(kms.New(kms.Config{Store: s, Timer: r.run, Rand: rand.Reader})))
	r.table.Register(logsapi.Service, make1(logs.New(logs.Config{Store: s, Clock: c, Caller: r.table, Timer: r.run})))
	r.table.Register(ssmapi.Service, make1(ssm.New(ssm.Config{Store: s, Caller: r.table, Timer: r.run})))
	r.table.Register(lambdaapi.Service, nil)
	r.Service = make1(cloudformation.New(cloudformation.Config{Store: s, Clock: c, Caller: lambda{r}, Timer: r.run, Rand: rand.Reader,
		Callback: func() string { return "http://platform" }, Log: slog.New(slog.DiscardHandler)}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.run.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	r.settle()
	return r
}

func make1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// lambda answers the requests to custom resources itself and passes every other call on.
type lambda struct{ r *rig }

func (l lambda) Call(ctx context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	if p, ok := in.(*snsapi.PublishInput); ok {
		l.r.published = append(l.r.published, p)
		return &snsapi.PublishResponse{}, nil
	}
	request, ok := in.(*lambdaapi.InvocationRequest)
	if !ok {
		return l.r.table.Call(ctx, id, op, in)
	}
	var body map[string]any
	if err := json.Unmarshal(request.Payload, &body); err != nil {
		return nil, err
	}
	l.r.asked = append(l.r.asked, body)
	if l.r.answer != nil {
		b, err := json.Marshal(l.r.answer(body))
		if err != nil {
			return nil, err
		}
		where := strings.TrimPrefix(body["ResponseURL"].(string), "http://platform/_aws/cloudformation")
		w := httptest.NewRecorder()
		l.r.ServeData(w, httptest.NewRequest(http.MethodPut, where, strings.NewReader(string(b))), aws.Visit{Path: where})
		if w.Code != http.StatusOK {
			l.r.t.Errorf("the answer was refused: %d %s", w.Code, w.Body)
		}
	}
	return &lambdaapi.InvocationResponse{}, nil
}

func (l lambda) Document(ctx context.Context, id aws.Identity, op aws.Op, in []byte) ([]byte, error) {
	return l.r.table.Document(ctx, id, op, in)
}

func (r *rig) settle() {
	r.t.Helper()
	if err := r.run.Settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// rest moves the time until the stack has come to rest.
func (r *rig) rest(name string) cloudformationapi.Stack {
	r.t.Helper()
	for range 200 {
		r.settle()
		out, err := r.DescribeStacks(r.t.Context(), me, &cloudformationapi.DescribeStacksInput{StackName: &name})
		if err != nil {
			r.t.Fatal(err)
		}
		if st := out.Stacks[0]; !strings.HasSuffix(string(st.StackStatus), "_IN_PROGRESS") {
			return st
		}
		if _, err := r.clock.Advance(r.t.Context(), time.Second); err != nil {
			r.t.Fatal(err)
		}
	}
	r.t.Fatalf("%s does not come to rest", name)
	return cloudformationapi.Stack{}
}

func (r *rig) create(name, template string, params ...string) (*cloudformationapi.CreateStackOutput, error) {
	in := &cloudformationapi.CreateStackInput{StackName: name, TemplateBody: &template, Parameters: pairs(params)}
	return r.CreateStack(r.t.Context(), me, in)
}

func pairs(params []string) (out []cloudformationapi.Parameter) {
	for i := 0; i < len(params); i += 2 {
		out = append(out, cloudformationapi.Parameter{ParameterKey: &params[i], ParameterValue: &params[i+1]})
	}
	return out
}

func (r *rig) update(name, template string, params ...string) error {
	_, err := r.UpdateStack(r.t.Context(), me, &cloudformationapi.UpdateStackInput{StackName: name, TemplateBody: &template, Parameters: pairs(params)})
	return err
}

// want checks the status of a stack at rest and returns its outputs.
func (r *rig) want(name string, status cloudformationapi.StackStatus) map[string]string {
	r.t.Helper()
	st := r.rest(name)
	if st.StackStatus != status {
		reason := ""
		if st.StackStatusReason != nil {
			reason = *st.StackStatusReason
		}
		r.t.Fatalf("%s is %s (%s), want %s\n%s", name, st.StackStatus, reason, status, r.events(name))
	}
	out := map[string]string{}
	for _, o := range st.Outputs {
		out[*o.OutputKey] = *o.OutputValue
	}
	return out
}

// events tells what happened to a stack, the oldest first.
func (r *rig) events(name string) string {
	out, err := r.DescribeStackEvents(r.t.Context(), me, &cloudformationapi.DescribeStackEventsInput{StackName: name})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for i := len(out.StackEvents) - 1; i >= 0; i-- {
		e := out.StackEvents[i]
		b.WriteString(*e.LogicalResourceId + " " + string(e.ResourceStatus))
		if e.ResourceStatusReason != nil {
			b.WriteString(": " + *e.ResourceStatusReason)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (r *rig) call(service, op, in string) (string, error) {
	out, err := r.table.Document(r.t.Context(), me, aws.Op{Service: service, Name: op}, []byte(in))
	return string(out), err
}

const basic = `
Parameters:
  Days: {Type: Number, Default: 7}
  Value: {Type: String, Default: v1}
Conditions:
  Never: !Equals [a, b]
Resources:
  Param:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Sub '${Value}-${Group}', Name: /app/param}
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {RetentionInDays: !Ref Days}
  Table:
    Type: AWS::DynamoDB::Table
    DependsOn: Group
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      Tags: [{Key: a, Value: b}]
  Never:
    Type: AWS::Logs::LogGroup
    Condition: Never
Outputs:
  Group: {Value: !Ref Group}
  Arn: {Value: !GetAtt Table.Arn, Export: {Name: !Sub '${AWS::StackName}-arn'}}
`

func TestCreateUpdateDelete(t *testing.T) {
	r := newRig(t)
	if _, err := r.create("app", basic); err != nil {
		t.Fatal(err)
	}
	if _, err := r.create("app", basic); aws.CodeOf(err) != "AlreadyExists" && aws.CodeOf(err) != "AlreadyExistsException" {
		t.Errorf("a second stack of the name: %v", err)
	}
	out := r.want("app", cloudformationapi.StackStatusCreateComplete)
	if !strings.HasPrefix(out["Group"], "app-Group-") || !strings.HasPrefix(out["Arn"], "arn:aws:dynamodb:eu-west-1:111122223333:table/app-Table-") {
		t.Errorf("%v", out)
	}
	got, err := r.call("ssm", "GetParameter", `{"Name":"/app/param"}`)
	if err != nil || !strings.Contains(got, `"v1-`+out["Group"]+`"`) {
		t.Errorf("%s %v", got, err)
	}
	if err := r.update("app", basic); aws.InfoOf(err).Message != "No updates are to be performed." {
		t.Errorf("an update without changes: %v", err)
	}
	if err := r.update("app", basic, "Value", "v2", "Days", "30"); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusUpdateComplete)
	if got, _ := r.call("ssm", "GetParameter", `{"Name":"/app/param"}`); !strings.Contains(got, `"v2-`) {
		t.Error(got)
	}
	if got, _ := r.call("logs", "DescribeLogGroups", `{}`); !strings.Contains(got, `"retentionInDays":30`) {
		t.Error(got)
	}
	name := "app"
	if _, err := r.DeleteStack(t.Context(), me, &cloudformationapi.DeleteStackInput{StackName: name}); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		r.settle()
		if _, err := r.DescribeStacks(t.Context(), me, &cloudformationapi.DescribeStacksInput{StackName: &name}); err != nil {
			break
		}
		if _, err := r.clock.Advance(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range [][2]string{{"logs", "DescribeLogGroups"}, {"dynamodb", "ListTables"}} {
		if got, _ := r.call(c[0], c[1], `{}`); strings.Contains(got, "app-") {
			t.Errorf("%s is left", got)
		}
	}
	if _, err := r.call("ssm", "GetParameter", `{"Name":"/app/param"}`); err == nil {
		t.Error("the parameter is left")
	}
}

const failing = `
Resources:
  Good: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /good}}
  Bad:
    Type: AWS::Logs::LogGroup
    DependsOn: Good
    Properties: {LogGroupName: /bad, RetentionInDays: 2}
`

func TestCreateRollsBack(t *testing.T) {
	r := newRig(t)
	if _, err := r.create("app", failing); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusRollbackComplete)
	if got, _ := r.call("logs", "DescribeLogGroups", `{}`); strings.Contains(got, "/good") || strings.Contains(got, "/bad") {
		t.Errorf("%s is left", got)
	}
	events := r.events("app")
	for _, want := range []string{"Bad CREATE_FAILED: ", "app ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [Bad]", "Good DELETE_COMPLETE"} {
		if !strings.Contains(events, want) {
			t.Errorf("%q did not happen:\n%s", want, events)
		}
	}
	if err := r.update("app", basic); err == nil || !strings.Contains(err.Error(), "ROLLBACK_COMPLETE state and can not be updated") {
		t.Errorf("%v", err)
	}
}

func TestUpdateReplacesAndRollsBack(t *testing.T) {
	r := newRig(t)
	const v1 = "Resources: {G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /one}}, U: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /p, Value: !Ref G}}}\n"
	const v2 = "Resources: {G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /two}}, U: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /p, Value: !Ref G}}}\n"
	const v3 = `
Resources:
  G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /three}}
  U: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /p, Value: !Ref G}}
  Bad: {Type: AWS::Logs::LogGroup, DependsOn: U, Properties: {LogGroupName: /bad, RetentionInDays: 2}}
`
	if _, err := r.create("app", v1); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusCreateComplete)
	if err := r.update("app", v2); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusUpdateComplete)
	groups := func() string { got, _ := r.call("logs", "DescribeLogGroups", `{}`); return got }
	if got := groups(); strings.Contains(got, "/one") || !strings.Contains(got, "/two") {
		t.Errorf("after the replacement: %s", got)
	}
	if err := r.update("app", v3); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusUpdateRollbackComplete)
	if got := groups(); strings.Contains(got, "/three") || strings.Contains(got, "/bad") || !strings.Contains(got, "/two") {
		t.Errorf("after the roll-back: %s\n%s", got, r.events("app"))
	}
	if got, _ := r.call("ssm", "GetParameter", `{"Name":"/p"}`); !strings.Contains(got, `"/two"`) {
		t.Errorf("%s\n%s", got, r.events("app"))
	}
	if err := r.update("app", v2, "X", "y"); aws.CodeOf(err) != "ValidationError" {
		t.Errorf("%v", err)
	}
}

const customTemplate = `
Parameters: {V: {Type: String, Default: "1"}}
Resources:
  C: {Type: 'Custom::Thing', Properties: {ServiceToken: 'arn:aws:lambda:eu-west-1:111122223333:function:f', Number: 5, V: !Ref V}}
Outputs:
  Ref: {Value: !Ref C}
  Data: {Value: !GetAtt C.Answer}
`

func TestCustomResource(t *testing.T) {
	r := newRig(t)
	r.answer = func(in map[string]any) map[string]any {
		return map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "thing-1", "StackId": in["StackId"], "RequestId": in["RequestId"],
			"LogicalResourceId": in["LogicalResourceId"], "Data": map[string]any{"Answer": "fourty-two"}}
	}
	if _, err := r.create("app", customTemplate); err != nil {
		t.Fatal(err)
	}
	out := r.want("app", cloudformationapi.StackStatusCreateComplete)
	if out["Ref"] != "thing-1" || out["Data"] != "fourty-two" {
		t.Errorf("%v", out)
	}
	if err := r.update("app", customTemplate, "V", "2"); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusUpdateComplete)
	last := r.asked[len(r.asked)-1]
	properties, _ := last["ResourceProperties"].(map[string]any)
	if last["RequestType"] != "Update" || last["PhysicalResourceId"] != "thing-1" || properties["Number"] != "5" || properties["V"] != "2" || last["ResourceType"] != "Custom::Thing" {
		t.Errorf("%v", last)
	}
	r.answer = func(in map[string]any) map[string]any {
		return map[string]any{"Status": "FAILED", "Reason": "no way", "PhysicalResourceId": "x"}
	}
	if _, err := r.create("bad", customTemplate); err != nil {
		t.Fatal(err)
	}
	st := r.rest("bad")
	if !strings.HasPrefix(string(st.StackStatus), "ROLLBACK_") || !strings.Contains(r.events("bad"), "no way") {
		t.Errorf("%s\n%s", st.StackStatus, r.events("bad"))
	}
}

func TestSilentCustomResourceTimesOut(t *testing.T) {
	r := newRig(t)
	if _, err := r.create("app", strings.Replace(customTemplate, "Number: 5", "ServiceTimeout: 30", 1)); err != nil {
		t.Fatal(err)
	}
	r.rest("app")
	if events := r.events("app"); !strings.Contains(events, "did not receive a response from your Custom Resource") {
		t.Error(events)
	}
}

func TestChangeSets(t *testing.T) {
	r := newRig(t)
	ctx, name, body := t.Context(), "app", basic
	set := func(kind cloudformationapi.ChangeSetType, change string, params ...string) *cloudformationapi.DescribeChangeSetOutput {
		t.Helper()
		if _, err := r.CreateChangeSet(ctx, me, &cloudformationapi.CreateChangeSetInput{StackName: name, ChangeSetName: change, TemplateBody: &body,
			ChangeSetType: kind, Parameters: pairs(params)}); err != nil {
			t.Fatal(err)
		}
		out, err := r.DescribeChangeSet(ctx, me, &cloudformationapi.DescribeChangeSetInput{StackName: &name, ChangeSetName: change})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := set(cloudformationapi.ChangeSetTypeCreate, "first")
	if len(out.Changes) != 3 || out.Status != cloudformationapi.ChangeSetStatusCreateComplete {
		t.Errorf("%d changes, %s", len(out.Changes), out.Status)
	}
	if _, err := r.ExecuteChangeSet(ctx, me, &cloudformationapi.ExecuteChangeSetInput{StackName: &name, ChangeSetName: "first"}); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusCreateComplete)
	if out := set(cloudformationapi.ChangeSetTypeUpdate, "none"); out.Status != cloudformationapi.ChangeSetStatusFailed || !strings.Contains(*out.StatusReason, "didn't contain changes") {
		t.Errorf("%s", out.Status)
	}
	out = set(cloudformationapi.ChangeSetTypeUpdate, "second", "Value", "v9")
	if len(out.Changes) != 1 || *out.Changes[0].ResourceChange.LogicalResourceId != "Param" || out.Changes[0].ResourceChange.Replacement != "False" {
		t.Errorf("%+v", out.Changes)
	}
	if _, err := r.ExecuteChangeSet(ctx, me, &cloudformationapi.ExecuteChangeSetInput{ChangeSetName: *out.ChangeSetId}); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusUpdateComplete)
}

func TestExports(t *testing.T) {
	r := newRig(t)
	if _, err := r.create("app", basic); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusCreateComplete)
	const user = "Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /i, Value: !ImportValue app-arn}}}"
	if _, err := r.create("user", user); err != nil {
		t.Fatal(err)
	}
	r.want("user", cloudformationapi.StackStatusCreateComplete)
	_, err := r.DeleteStack(t.Context(), me, &cloudformationapi.DeleteStackInput{StackName: "app"})
	if err == nil || !strings.Contains(err.Error(), "Export app-arn cannot be deleted as it is in use by user") {
		t.Errorf("%v", err)
	}
	if out, err := r.ListImports(t.Context(), me, &cloudformationapi.ListImportsInput{ExportName: "app-arn"}); err != nil || len(out.Imports) != 1 {
		t.Errorf("%v %v", out, err)
	}
}

func TestBadInputChangesNothing(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ template, want string }{
		{"{", "JSON not well-formed"},
		{"Resources: {A: {Type: AWS::Nope::Thing}}", "Unrecognized resource types: [AWS::Nope::Thing]"},
		{"Parameters: {P: {Type: String}}\nResources: {A: {Type: AWS::Logs::LogGroup}}", "Parameters: [P] must have values"},
		{"Resources: {A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref B}}}", "Unresolved resource dependencies [B]"},
		{"Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: x, AssumeRolePolicyDocument: {}}}}", "Requires capabilities : [CAPABILITY_NAMED_IAM]"},
		{"Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::Logs::LogGroup}}", "CAPABILITY_AUTO_EXPAND"},
		{"Rules: {R: {Assertions: [{Assert: !Equals [a, b], AssertDescription: never}]}}\nResources: {A: {Type: AWS::Logs::LogGroup}}", "never"},
	} {
		if _, err := r.create("app", c.template); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n  gave %v\n  want %s", c.template, err, c.want)
		}
	}
	if out, err := r.ListStacks(t.Context(), me, &cloudformationapi.ListStacksInput{}); err != nil || len(out.StackSummaries) != 0 {
		t.Errorf("%v %v", out, err)
	}
}
