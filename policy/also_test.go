package policy_test

import (
	"testing"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/policy"
)

// TestSecondName: a resource that goes by two ARNs is allowed, and denied, by either.
func TestSecondName(t *testing.T) {
	const whole, alias = "arn:aws:states:eu-west-1:111122223333:stateMachine:m", "arn:aws:states:eu-west-1:111122223333:stateMachine:m:live"
	for _, c := range []struct {
		statement string
		want      bool
	}{
		{`{"Effect":"Allow","Action":"*","Resource":"` + whole + `"}`, true},
		{`{"Effect":"Allow","Action":"*","Resource":"` + alias + `"}`, true},
		{`{"Effect":"Allow","Action":"*","Resource":"` + whole + `:other"}`, false},
		{`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"` + alias + `"}`, false},
		{`{"Effect":"Allow","Action":"*","NotResource":"` + alias + `"}`, false},
	} {
		doc, err := policy.Parse(policy.Managed, `{"Version":"2012-10-17","Statement":[`+c.statement+`]}`)
		if err != nil {
			t.Fatal(err)
		}
		id := aws.Identity{Kind: aws.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/u"}
		got := policy.Evaluate(&policy.Policies{Identity: []*policy.Document{doc}}, &policy.Request{Identity: &id, Action: "states:StartExecution", Resource: whole, Also: alias})
		if got.Allowed != c.want {
			t.Errorf("%s: allowed %v", c.statement, got.Allowed)
		}
	}
}
