package execution_test

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
)

// What is read as an ARN is the ARN of what it is read as, and everything else is refused as AWS does.
func FuzzARN(f *testing.F) {
	const base = "arn:aws:states:eu-west-1:111122223333:"
	for _, s := range []string{"execution:m:x", "execution:m/l:x", "execution:m", "execution:m:x:y", "mapRun:m/l:x", "mapRun:m:x", "stateMachine:m", "express:m:x:y", ""} {
		f.Add(base + s)
	}
	f.Add("arn:")
	f.Fuzz(func(t *testing.T, s string) {
		m, name, err := execution.ParseARN(s)
		switch {
		case err != nil && aws.CodeOf(err) != "InvalidArn":
			t.Errorf("%q: %v", s, err)
		case err == nil:
			if got := (execution.Ref{Spot: machine.Spot{Ref: m}, Name: name}).ARN(); got != s {
				t.Errorf("%q is read as %q", s, got)
			}
		}
		if _, label, err := execution.ParseMapRun(s); err == nil && !strings.Contains(s, "/"+label+":") || err != nil && aws.CodeOf(err) != "InvalidArn" {
			t.Errorf("%q: %q %v", s, label, err)
		}
	})
}

// Nothing but a token is taken for one, and a token that nobody gave has no task.
func FuzzToken(f *testing.F) {
	r := newRig(f).run()
	r.define("m", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:echo.waitForTaskToken","Parameters":{"t.$":"$$.Task.Token"},"End":true}}}`)
	ref := r.begin("m", "x", `{}`)
	r.settle()
	token := strings.Split(r.tasks.calls[0], `"`)[3]
	f.Add(token[:len(token)-2])
	f.Add(strings.ToUpper(token))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if s == token {
			return
		}
		switch code := aws.CodeOf(r.Return(t.Context(), s, []byte(`1`), nil)); code {
		case "InvalidToken", "TaskTimedOut", "TaskDoesNotExist":
		default:
			t.Errorf("%q: %s", s, code)
		}
		r.t = t
		r.want(ref, "RUNNING")
	})
}
