package cloudformation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/aws"
)

// TestForeignStays creates what somebody else has made: the stack goes back without it.
func TestForeignStays(t *testing.T) {
	r := newRig(t)
	if _, err := r.call("ssm", "PutParameter", `{"Name":"/theirs","Type":"String","Value":"kept"}`); err != nil {
		t.Fatal(err)
	}
	if _, err := r.create("app", `Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /theirs, Value: mine}}}`); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusRollbackComplete)
	if got, err := r.call("ssm", "GetParameter", `{"Name":"/theirs"}`); err != nil || !strings.Contains(got, `"kept"`) {
		t.Errorf("%s %v\n%s", got, err, r.events("app"))
	}
}

// TestEventsInOrder is what AWS tells of a resource that is made, replaced and deleted, and of a stack that goes back.
func TestEventsInOrder(t *testing.T) {
	r := newRig(t)
	group := func(name string) string {
		return "Resources: {G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: " + name + "}}}"
	}
	if _, err := r.create("app", group("/one")); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusCreateComplete)
	if err := r.update("app", group("/two")); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusUpdateComplete)
	if got, want := r.events("app"), `app CREATE_IN_PROGRESS: User Initiated
G CREATE_IN_PROGRESS
G CREATE_IN_PROGRESS: Resource creation Initiated
G CREATE_COMPLETE
app CREATE_COMPLETE
app UPDATE_IN_PROGRESS: User Initiated
G UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.
G UPDATE_IN_PROGRESS: Resource creation Initiated
G UPDATE_COMPLETE
app UPDATE_COMPLETE_CLEANUP_IN_PROGRESS
G DELETE_IN_PROGRESS
G DELETE_COMPLETE
app UPDATE_COMPLETE
`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	bad := "Resources: {G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /two}}, B: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 2}}}"
	if err := r.update("app", bad); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusUpdateRollbackComplete)
	if got := r.events("app"); !strings.Contains(got, "app UPDATE_ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [B]. \n") {
		t.Error(got)
	}
}

// TestMissingImport goes back before anything is made.
func TestMissingImport(t *testing.T) {
	r := newRig(t)
	if _, err := r.create("app", `Resources: {G: {Type: AWS::Logs::LogGroup}, P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !ImportValue gone}}}`); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusRollbackComplete)
	if got := r.events("app"); !strings.Contains(got, "app ROLLBACK_IN_PROGRESS: No export named gone found. Rollback requested by user.\n") || strings.Contains(got, "G ") {
		t.Error(got)
	}
}

// TestForcedDeletion leaves behind what could not be deleted, once that was tried.
func TestForcedDeletion(t *testing.T) {
	r := newRig(t)
	r.answer = func(request map[string]any) map[string]any {
		status := "SUCCESS"
		if request["RequestType"] == "Delete" {
			status = "FAILED"
		}
		return map[string]any{"Status": status, "Reason": "not today", "PhysicalResourceId": "thing", "StackId": request["StackId"], "RequestId": request["RequestId"],
			"LogicalResourceId": request["LogicalResourceId"]}
	}
	if _, err := r.create("app", `Resources: {G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /g}}, T: {Type: Custom::T, DependsOn: G, Properties: {ServiceToken: 'arn:aws:lambda:eu-west-1:111122223333:function:f'}}}`); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusCreateComplete)
	force := &cloudformationapi.DeleteStackInput{StackName: "app", DeletionMode: cloudformationapi.DeletionModeForceDeleteStack}
	if _, err := r.DeleteStack(t.Context(), me, force); aws.CodeOf(err) != "ValidationError" {
		t.Errorf("forced at once: %v", err)
	}
	if _, err := r.DeleteStack(t.Context(), me, &cloudformationapi.DeleteStackInput{StackName: "app"}); err != nil {
		t.Fatal(err)
	}
	id := *r.rest("app").StackId
	r.want(id, cloudformationapi.StackStatusDeleteFailed)
	if _, err := r.DeleteStack(t.Context(), me, force); err != nil {
		t.Fatal(err)
	}
	r.want(id, cloudformationapi.StackStatusDeleteComplete)
	if got := r.events(id); !strings.Contains(got, "T DELETE_SKIPPED") || !strings.Contains(got, "G DELETE_COMPLETE") {
		t.Error(got)
	}
}

// TestNotices publishes every event to the topics of the stack, in order.
func TestNotices(t *testing.T) {
	r := newRig(t)
	body := `Resources: {G: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /g}}}`
	minutes := int32(5)
	in := &cloudformationapi.CreateStackInput{StackName: "app", TemplateBody: &body, NotificationARNs: []string{"arn:aws:sns:eu-west-1:111122223333:t"},
		RollbackConfiguration: &cloudformationapi.RollbackConfiguration{MonitoringTimeInMinutes: &minutes}}
	if _, err := r.CreateStack(t.Context(), me, in); err != nil {
		t.Fatal(err)
	}
	st := r.rest("app")
	if c := st.RollbackConfiguration; c == nil || c.MonitoringTimeInMinutes == nil || *c.MonitoringTimeInMinutes != 5 {
		t.Errorf("the roll-back configuration is %v", c)
	}
	r.settle()
	var told []string
	for _, p := range r.published {
		lines := strings.Split(p.Message, "\n")
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "ResourceStatus=") })
		told = append(told, *p.Subject+" "+*p.TopicArn+" "+lines[i])
	}
	if len(told) != 5 || told[0] != "AWS CloudFormation Notification arn:aws:sns:eu-west-1:111122223333:t ResourceStatus='CREATE_IN_PROGRESS'" ||
		!strings.HasSuffix(told[4], "ResourceStatus='CREATE_COMPLETE'") {
		t.Errorf("%q", told)
	}
	if m := r.published[4].Message; !strings.Contains(m, "StackId='"+*st.StackId+"'\n") || !strings.Contains(m, "Namespace='111122223333'\n") {
		t.Error(m)
	}
}

// TestValidate looks at templates without making anything of them.
func TestValidate(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ in, want string }{
		{"Resources: {A: {Type: AWS::Nope::Thing}}", "Template format error: Unrecognized resource types: [AWS::Nope::Thing]"},
		{"Resources: {A: {Type: AWS::Logs::LogGroup, DependsOn: B}}", "Template format error: Unresolved resource dependencies [B] in the Resources block of the template"},
		{"Resources: {A: {Type: AWS::Logs::LogGroup, Condition: C}}", "Template format error: Unresolved condition dependency C in the Resources block of the template"},
		{"Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: AWS::Serverless::SimpleTable}, P: {Type: AWS::SSM::Parameter, Properties: {V: !Ref Made}}}", ""},
	} {
		where := "https://bucket.s3.amazonaws.com/key" // the body counts
		_, err := r.ValidateTemplate(t.Context(), me, &cloudformationapi.ValidateTemplateInput{TemplateBody: &c.in, TemplateURL: &where})
		if c.want == "" && err != nil || c.want != "" && aws.InfoOf(err).Message != c.want {
			t.Errorf("%s\n  gave %v\n  want %s", c.in, err, c.want)
		}
	}
	body, yes := "Resources: {A: {Type: AWS::Nope::Thing}}", true
	in := &cloudformationapi.GetTemplateSummaryInput{TemplateBody: &body}
	if _, err := r.GetTemplateSummary(t.Context(), me, in); aws.CodeOf(err) != "ValidationError" {
		t.Errorf("an unknown type: %v", err)
	}
	in.TemplateSummaryConfig = &cloudformationapi.TemplateSummaryConfig{TreatUnrecognizedResourceTypesAsWarnings: &yes}
	out, err := r.GetTemplateSummary(t.Context(), me, in)
	if err != nil || out.Warnings == nil || !slices.Equal(out.Warnings.UnrecognizedResourceTypes, []string{"AWS::Nope::Thing"}) {
		t.Errorf("%v %v", out, err)
	}
}
