package cloudformation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/cloudformationapi"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store/storetest"
)

// TestWaitingStepsAreCancelled: a custom resource that keeps silent does not hold a failing stack up for its hour.
func TestWaitingStepsAreCancelled(t *testing.T) {
	r := newRig(t)
	const template = `
Resources:
  Silent: {Type: 'Custom::Thing', Properties: {ServiceToken: 'arn:aws:lambda:eu-west-1:111122223333:function:f'}}
  Bad: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /bad, RetentionInDays: 2}}
`
	if _, err := r.create("app", template); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		r.settle()
	}
	if events := r.events("app"); !strings.Contains(events, "Silent CREATE_FAILED: Resource creation cancelled\n") ||
		!strings.Contains(events, "app ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [Silent, Bad]") {
		t.Errorf("%s", events)
	}
}

// TestTypeChanges: another type under a logical id is a new resource, and a roll-back returns to the old one.
func TestTypeChanges(t *testing.T) {
	r := newRig(t)
	const group = "Resources: {X: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /x}}}\n"
	const parameter = "Resources:\n  X: {Type: AWS::SSM::Parameter, Properties: {Type: String, Name: /x, Value: v}}\n"
	if _, err := r.create("app", group); err != nil {
		t.Fatal(err)
	}
	r.want("app", cloudformationapi.StackStatusCreateComplete)
	bad := parameter + "  Bad: {Type: AWS::Logs::LogGroup, DependsOn: X, Properties: {LogGroupName: /bad, RetentionInDays: 2}}\n"
	for _, c := range []struct {
		template       string
		want           cloudformationapi.StackStatus
		group, isParam bool
	}{
		{bad, cloudformationapi.StackStatusUpdateRollbackComplete, true, false},
		{parameter, cloudformationapi.StackStatusUpdateComplete, false, true},
	} {
		if err := r.update("app", c.template); err != nil {
			t.Fatal(err)
		}
		r.want("app", c.want)
		groups, _ := r.call("logs", "DescribeLogGroups", `{}`)
		_, err := r.call("ssm", "GetParameter", `{"Name":"/x"}`)
		if strings.Contains(groups, `"/x"`) != c.group || (err == nil) != c.isParam {
			t.Errorf("%s: groups %s, parameter %v\n%s", c.want, groups, err, r.events("app"))
		}
	}
}

// TestShaken: whatever order transactions run and repeat in, stacks come to their end with each thing made once.
func TestShaken(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rigOn(t, storetest.Shaken(storetest.Split(clock.Frozen(start), 3), seed))
			r.answer = func(map[string]any) map[string]any {
				return map[string]any{"Status": "SUCCESS", "PhysicalResourceId": "thing", "Data": map[string]any{"Answer": "a"}}
			}
			if _, err := r.create("app", customTemplate); err != nil {
				t.Fatal(err)
			}
			r.want("app", cloudformationapi.StackStatusCreateComplete)
			if len(r.asked) != 1 {
				t.Errorf("the custom resource was asked %d times", len(r.asked))
			}
			if _, err := r.create("more", basic); err != nil {
				t.Fatal(err)
			}
			r.want("more", cloudformationapi.StackStatusCreateComplete)
		})
	}
}
