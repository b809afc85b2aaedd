package cloudformation_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
)

// params is a template with a parameter in Systems Manager for each name=value.
func params(more string, pairs ...string) string {
	b := strings.Builder{}
	b.WriteString("Resources:\n  H: {Type: AWS::CloudFormation::WaitConditionHandle}\n")
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		fmt.Fprintf(&b, "  %s: {Type: AWS::SSM::Parameter, %s Properties: {Type: String, Value: %s, Name: /p/%s}}\n", name, more, value, name)
	}
	return b.String()
}

func (r *rig) value(name string) string {
	out, err := r.call("ssm", "GetParameter", `{"Name":"/p/`+name+`"}`)
	if err != nil {
		return aws.CodeOf(err)
	}
	_, rest, _ := strings.Cut(out, `"Value":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func TestStackPolicy(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	const allowAll = `{"Effect":"Allow","Principal":"*","Action":"Update:*","Resource":"*"}`
	if _, err := r.create("s", params("", "A=1", "B=1")); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusCreateComplete)
	get := func() *string {
		out, err := r.GetStackPolicy(ctx, me, &cloudformationapi.GetStackPolicyInput{StackName: "s"})
		if err != nil {
			t.Fatal(err)
		}
		return out.StackPolicyBody
	}
	if p := get(); p != nil {
		t.Errorf("a policy that nobody made: %s", *p)
	}
	a, b := "1", "1"
	for _, c := range []struct {
		name, policy, template string
		denied                 string
	}{
		{"modify denied", `{"Statement":[` + allowAll + `,{"Effect":"Deny","Principal":"*","Action":["Update:Modify"],"Resource":"LogicalResourceId/A"}]}`, params("", "A=2", "B=2"),
			"Action denied by stack policy: Statement [#2] does not allow [Update:Modify] for resource [LogicalResourceId/A]"},
		{"delete denied", `{"Statement":[` + allowAll + `,{"Effect":"Deny","Principal":"*","Action":"Update:Delete","Resource":"*","Condition":{"StringLike":{"ResourceType":["AWS::SSM::*"]}}}]}`, params("", "A=3"), "Statement [#2] does not allow [Update:Delete]"},
		{"nothing said", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"Update:*","Resource":"LogicalResourceId/B"}}`, params("", "A=4", "B=4"), "Action denied by stack policy"},
		{"another type", `{"Statement":[` + allowAll + `,{"Effect":"Deny","Principal":"*","Action":"Update:*","Resource":"*","Condition":{"StringEquals":{"ResourceType":"AWS::SQS::Queue"}}}]}`, params("", "A=5", "B=5"), ""},
		{"not resource", `{"Statement":[` + allowAll + `,{"Effect":"Deny","Principal":"*","Action":"Update:*","NotResource":"LogicalResourceId/*"}]}`, params("", "A=6", "B=6"), ""},
	} {
		if _, err := r.SetStackPolicy(ctx, me, &cloudformationapi.SetStackPolicyInput{StackName: "s", StackPolicyBody: &c.policy}); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if p := get(); p == nil || *p != c.policy {
			t.Errorf("%s: the policy is %v", c.name, p)
		}
		if err := r.update("s", c.template); err != nil {
			t.Fatal(err)
		}
		if c.denied != "" {
			r.want("s", cloudformationapi.StackStatusUpdateRollbackComplete)
			if e := r.events("s"); !strings.Contains(e, c.denied) {
				t.Errorf("%s: events\n%s\nwant %s", c.name, e, c.denied)
			}
		} else {
			r.want("s", cloudformationapi.StackStatusUpdateComplete)
			a = c.template[strings.Index(c.template, "Value: ")+7:][:1]
			b = a
		}
		if r.value("A") != a || r.value("B") != b {
			t.Errorf("%s: A is %s and B %s, want %s and %s", c.name, r.value("A"), r.value("B"), a, b)
		}
	}
	// A policy for one update only.
	closed, open, update := `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"Update:*","Resource":"*"}]}`, `{"Statement":[`+allowAll+`]}`, params("", "A=7", "B=7")
	if _, err := r.SetStackPolicy(ctx, me, &cloudformationapi.SetStackPolicyInput{StackName: "s", StackPolicyBody: &closed}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.UpdateStack(ctx, me, &cloudformationapi.UpdateStackInput{StackName: "s", TemplateBody: &update, StackPolicyDuringUpdateBody: &open}); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusUpdateComplete)
	if err := r.update("s", params("", "A=8", "B=8")); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusUpdateRollbackComplete)
	for _, bad := range []string{"{}", "[", `{"Statement":[]}`, `{"Statement":[{"Effect":"May","Principal":"*","Action":"Update:*","Resource":"*"}]}`,
		`{"Statement":[{"Effect":"Deny","Principal":"me","Action":"Update:*","Resource":"*"}]}`, `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}]}`,
		`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"Update:*","Resource":"A"}]}`} {
		if _, err := r.SetStackPolicy(ctx, me, &cloudformationapi.SetStackPolicyInput{StackName: "s", StackPolicyBody: &bad}); aws.CodeOf(err) != "ValidationError" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if p := get(); p == nil || *p != closed {
		t.Errorf("bad policies have changed it: %v", p)
	}
}

const broken = "  Broken: {Type: AWS::SSM::Parameter, DependsOn: [%s], Properties: {Type: String, Value: x, Name: 'no name'}}\n"

func TestRetainExceptOnCreate(t *testing.T) {
	for _, c := range []struct {
		more string
		flag bool
		want string // of B, which the update that fails makes
	}{{"DeletionPolicy: Retain,", false, "1"}, {"DeletionPolicy: Retain,", true, "ParameterNotFound"},
		{"DeletionPolicy: RetainExceptOnCreate,", false, "ParameterNotFound"}, {"", false, "ParameterNotFound"}} {
		r := newRig(t)
		if _, err := r.create("s", params(c.more, "A=1")); err != nil {
			t.Fatal(err)
		}
		r.want("s", cloudformationapi.StackStatusCreateComplete)
		update := params(c.more, "A=1", "B=1") + fmt.Sprintf(broken, "B")
		if _, err := r.UpdateStack(t.Context(), me, &cloudformationapi.UpdateStackInput{StackName: "s", TemplateBody: &update, RetainExceptOnCreate: &c.flag}); err != nil {
			t.Fatal(err)
		}
		r.want("s", cloudformationapi.StackStatusUpdateRollbackComplete)
		if got := r.value("B"); got != c.want || r.value("A") != "1" {
			t.Errorf("%q, %v: B is %s, want %s; A is %s", c.more, c.flag, got, c.want, r.value("A"))
		}
	}
}

// A stack that stays where it failed goes back when it is told to.
func TestRollbackStack(t *testing.T) {
	r := newRig(t)
	ctx, yes := t.Context(), true
	template := params("", "A=1") + fmt.Sprintf(broken, "A")
	if _, err := r.CreateStack(ctx, me, &cloudformationapi.CreateStackInput{StackName: "s", TemplateBody: &template, DisableRollback: &yes}); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusCreateFailed)
	if _, err := r.RollbackStack(ctx, me, &cloudformationapi.RollbackStackInput{StackName: "s"}); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusRollbackComplete)
	if got := r.value("A"); got != "ParameterNotFound" {
		t.Errorf("A is %s", got)
	}
	if _, err := r.create("u", params("", "C=1")); err != nil {
		t.Fatal(err)
	}
	r.want("u", cloudformationapi.StackStatusCreateComplete)
	template = params("", "C=2") + fmt.Sprintf(broken, "C")
	if _, err := r.UpdateStack(ctx, me, &cloudformationapi.UpdateStackInput{StackName: "u", TemplateBody: &template, DisableRollback: &yes}); err != nil {
		t.Fatal(err)
	}
	r.want("u", cloudformationapi.StackStatusUpdateFailed)
	if got := r.value("C"); got != "2" {
		t.Errorf("C is %s", got)
	}
	if _, err := r.RollbackStack(ctx, me, &cloudformationapi.RollbackStackInput{StackName: "u"}); err != nil {
		t.Fatal(err)
	}
	r.want("u", cloudformationapi.StackStatusUpdateRollbackComplete)
	if got := r.value("C"); got != "1" {
		t.Errorf("C is %s", got)
	}
	if _, err := r.RollbackStack(ctx, me, &cloudformationapi.RollbackStackInput{StackName: "u"}); aws.CodeOf(err) != "ValidationError" {
		t.Errorf("from a stack at rest: %v", err)
	}
}

// A way back that fails goes on when the reason is gone, or without what cannot come back.
func TestContinueUpdateRollback(t *testing.T) {
	for _, skip := range []bool{false, true} {
		r := newRig(t)
		ctx := t.Context()
		custom := func(v string) string {
			return params("", "A="+v) + "  C: {Type: Custom::C, Properties: {ServiceToken: 'arn:aws:lambda:eu-west-1:111122223333:function:f', V: '" + v + "'}}\n"
		}
		r.answer = func(map[string]any) map[string]any {
			return map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "c"}
		}
		if _, err := r.create("s", custom("1")); err != nil {
			t.Fatal(err)
		}
		r.want("s", cloudformationapi.StackStatusCreateComplete)
		r.answer = func(q map[string]any) map[string]any {
			status := "SUCCESS"
			if q["RequestType"] == "Update" && q["ResourceProperties"].(map[string]any)["V"] == "1" {
				status = "FAILED"
			}
			return map[string]any{"Status": status, "Reason": "no way back", "PhysicalResourceId": "c"}
		}
		if err := r.update("s", custom("2")+fmt.Sprintf(broken, "C")); err != nil {
			t.Fatal(err)
		}
		r.want("s", cloudformationapi.StackStatusUpdateRollbackFailed)
		if err := r.update("s", custom("3")); aws.CodeOf(err) != "ValidationError" {
			t.Errorf("an update of a stack that is stuck: %v", err)
		}
		in := &cloudformationapi.ContinueUpdateRollbackInput{StackName: "s"}
		if skip {
			in.ResourcesToSkip = []string{"A"}
			if _, err := r.ContinueUpdateRollback(ctx, me, in); aws.CodeOf(err) != "ValidationError" {
				t.Errorf("a resource that has not failed was skipped: %v", err)
			}
			in.ResourcesToSkip = []string{"C"}
		} else {
			r.answer = func(map[string]any) map[string]any {
				return map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "c"}
			}
		}
		if _, err := r.ContinueUpdateRollback(ctx, me, in); err != nil {
			t.Fatal(err)
		}
		r.want("s", cloudformationapi.StackStatusUpdateRollbackComplete)
		if got := r.value("A"); got != "1" {
			t.Errorf("A is %s", got)
		}
	}
}

func TestCancelUpdateStack(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	if _, err := r.create("s", params("", "A=1")); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusCreateComplete)
	if _, err := r.CancelUpdateStack(ctx, me, &cloudformationapi.CancelUpdateStackInput{StackName: "s"}); aws.CodeOf(err) != "ValidationError" {
		t.Errorf("nothing to cancel: %v", err)
	}
	wait := "  W: {Type: AWS::CloudFormation::WaitCondition, DependsOn: A, Properties: {Handle: !Ref H, Timeout: 3600}}\n"
	if err := r.update("s", params("", "A=2")+wait); err != nil {
		t.Fatal(err)
	}
	r.settle()
	if _, err := r.CancelUpdateStack(ctx, me, &cloudformationapi.CancelUpdateStackInput{StackName: "s"}); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusUpdateRollbackComplete)
	if got := r.value("A"); got != "1" {
		t.Errorf("A is %s", got)
	}
}

func TestWaitConditions(t *testing.T) {
	const tail = `Outputs: {Data: {Value: !GetAtt W.Data}}`
	handle := func(count, timeout int) string {
		return params("") + fmt.Sprintf("  W: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref H, Timeout: %d, Count: %d}}\n", timeout, count) + tail
	}
	send := func(r *rig, body string) int {
		out, err := r.DescribeStackResource(t.Context(), me, &cloudformationapi.DescribeStackResourceInput{StackName: "s", LogicalResourceId: "H"})
		if err != nil {
			t.Fatal(err)
		}
		where := strings.TrimPrefix(*out.StackResourceDetail.PhysicalResourceId, "http://platform/_aws/cloudformation")
		w := httptest.NewRecorder()
		r.ServeData(w, httptest.NewRequest(http.MethodPut, where, strings.NewReader(body)), aws.Visit{Path: where})
		return w.Code
	}
	begin := func(template string) *rig {
		r := newRig(t)
		if _, err := r.create("s", template); err != nil {
			t.Fatal(err)
		}
		r.settle()
		return r
	}
	r := begin(handle(2, 600))
	for _, id := range []string{"a", "a", "b"} {
		if code := send(r, `{"Status":"SUCCESS","UniqueId":"`+id+`","Data":"d","Reason":"r"}`); code != http.StatusOK {
			t.Errorf("status %d", code)
		}
	}
	if out := r.want("s", cloudformationapi.StackStatusCreateComplete); out["Data"] != `{"a":"d","b":"d"}` {
		t.Errorf("%v", out)
	}
	for _, bad := range []string{"{", "{}", `{"Status":"MAYBE","UniqueId":"x"}`} {
		if code := send(r, bad); code != http.StatusBadRequest {
			t.Errorf("%s: status %d", bad, code)
		}
	}
	r = begin(handle(1, 600))
	send(r, `{"Status":"FAILURE","UniqueId":"x","Reason":"broken"}`)
	r.want("s", cloudformationapi.StackStatusRollbackComplete)
	if e := r.events("s"); !strings.Contains(e, "WaitCondition received failed message: 'broken' for uniqueId: x") {
		t.Error(e)
	}
	r = begin(handle(2, 60))
	send(r, `{"Status":"SUCCESS","UniqueId":"x"}`)
	if _, err := r.clock.Advance(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusRollbackComplete)
	if e := r.events("s"); !strings.Contains(e, "WaitCondition timed out. Received 1 conditions when expecting 2") {
		t.Error(e)
	}
	r = begin(params("") + "  W: {Type: AWS::CloudFormation::WaitCondition, CreationPolicy: {ResourceSignal: {Count: 2, Timeout: PT10M}}}\n")
	signal := func(id string, status cloudformationapi.ResourceSignalStatus) error {
		_, err := r.SignalResource(t.Context(), me, &cloudformationapi.SignalResourceInput{StackName: "s", LogicalResourceId: "W", UniqueId: id, Status: status})
		return err
	}
	if err := signal("a", "SUCCESS"); err != nil {
		t.Fatal(err)
	}
	if err := signal("a", "SUCCESS"); aws.CodeOf(err) != "ValidationError" {
		t.Errorf("the same signal twice: %v", err)
	}
	if err := signal("b", "SUCCESS"); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusCreateComplete)
	if err := signal("c", "SUCCESS"); aws.CodeOf(err) != "ValidationError" {
		t.Errorf("a signal to a stack at rest: %v", err)
	}
}

func TestResourceTypes(t *testing.T) {
	r := newRig(t)
	template := params("", "A=1")
	create := func(types ...string) error {
		_, err := r.CreateStack(t.Context(), me, &cloudformationapi.CreateStackInput{StackName: "s", TemplateBody: &template, ResourceTypes: types})
		return err
	}
	for _, types := range [][]string{{"AWS::SSM::*"}, {"AWS::SSM::Parameter"}, {"AWS::CloudFormation::*", "Custom::*"}} {
		if err := create(types...); aws.CodeOf(err) != "ValidationError" {
			t.Errorf("%v: %v", types, err)
		}
	}
	if err := create("AWS::CloudFormation::*", "AWS::SSM::Parameter"); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusCreateComplete)
}

// More stacks than fit on a page are listed once each, by pages.
func TestManyStacks(t *testing.T) {
	r := newRig(t)
	const n = 130
	for i := range n {
		if _, err := r.create(fmt.Sprintf("s%d", i), params("")); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	in, pages := &cloudformationapi.DescribeStacksInput{}, 0
	for {
		out, err := r.DescribeStacks(t.Context(), me, in)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, st := range out.Stacks {
			if seen[st.StackName] {
				t.Errorf("%s twice", st.StackName)
			}
			seen[st.StackName] = true
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if len(seen) != n || pages != 2 {
		t.Errorf("%d stacks on %d pages", len(seen), pages)
	}
}

func TestTransformsOfTheLanguage(t *testing.T) {
	r := newRig(t)
	template := `
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: "x,y"}}
Resources:
  Fn::ForEach::P:
    - N
    - !Ref Names
    - P${N}: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: !Sub "/p/${N}", Value: !Ref N}}
`
	in := &cloudformationapi.CreateStackInput{StackName: "s", TemplateBody: &template}
	if _, err := r.CreateStack(t.Context(), me, in); aws.CodeOf(err) != "InsufficientCapabilitiesException" {
		t.Errorf("without the capability: %v", err)
	}
	in.Capabilities = []cloudformationapi.Capability{cloudformationapi.CapabilityCapabilityAutoExpand}
	if _, err := r.CreateStack(t.Context(), me, in); err != nil {
		t.Fatal(err)
	}
	r.want("s", cloudformationapi.StackStatusCreateComplete)
	if r.value("x") != "x" || r.value("y") != "y" {
		t.Errorf("x is %s, y is %s", r.value("x"), r.value("y"))
	}
}
