package rehearsal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/service/sfn/rehearsal"
	"github.com/brume-dev/brume/store/memstore"
)

const config = `{"StateMachines":{"Orders":{"TestCases":{
	"Happy":{"Check":"Good","Ask":"Good","Child":"Good"},
	"Retried":{"Check":"Third"},"Sad":{"Ask":"Bad"}}}},
	"MockedResponses":{"Good":{"0":{"Return":{"ok":true}}},"Bad":{"0":{"Throw":{"Error":"E","Cause":"c"}}},
	"Third":{"0":{"Throw":{"Error":"Busy","Cause":"first"}},"1-2":{"Return":2}}}}`

func TestParseRefuses(t *testing.T) {
	for text, why := range map[string]string{
		`{`: "unexpected", `{"X":1}`: "unknown field",
		`{"MockedResponses":{"R":{"x":{"Return":1}}}}`:                       `response R: attempts are "0", or "1-2"`,
		`{"MockedResponses":{"R":{"2-1":{"Return":1}}}}`:                     `attempts are`,
		`{"MockedResponses":{"R":{"0":{}}}}`:                                 "either Return or Throw",
		`{"MockedResponses":{"R":{"0":{"Return":1,"Throw":{"Error":"E"}}}}}`: "either Return or Throw",
		`{"MockedResponses":{"R":{"0-2":{"Return":1},"2":{"Return":2}}}}`:    "attempt 2 has two answers",
		`{"StateMachines":{"M":{"TestCases":{"C":{"S":"R"}}}}}`:              `S of M#C has responses "R", which are not there`,
	} {
		if _, err := rehearsal.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %s", text, err, why)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(config))
	f.Fuzz(func(t *testing.T, b []byte) {
		if file, err := rehearsal.Parse(b); (file == nil) == (err == nil) {
			t.Error(file, err)
		}
	})
}

// rig is what is behind the mocks: tasks that say so, and the tokens that came back.
type rig struct{ tokens []string }

func (r *rig) Call(context.Context, *execution.Request) (execution.Answer, error) {
	return execution.Answer{Output: []byte(`"real"`)}, nil
}

func (r *rig) Poll(context.Context, *execution.Request, []byte) (execution.Answer, bool, error) {
	return execution.Answer{}, false, nil
}

func (r *rig) Cancel(context.Context, *execution.Request, []byte) error { return nil }

type caller struct{ *rig }

func (c caller) Call(_ context.Context, _ aws.Identity, _ aws.Op, in any) (any, error) {
	switch in := in.(type) {
	case *sfnapi.SendTaskSuccessInput:
		c.tokens = append(c.tokens, in.TaskToken+" "+in.Output)
		return &sfnapi.SendTaskSuccessOutput{}, nil
	case *sfnapi.SendTaskFailureInput:
		c.tokens = append(c.tokens, in.TaskToken+" "+*in.Error)
		return &sfnapi.SendTaskFailureOutput{}, nil
	}
	return nil, nil
}

func (c caller) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, nil
}

func TestTasks(t *testing.T) {
	file, err := rehearsal.Parse([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	behind := &rig{}
	tasks := rehearsal.New(file, behind, memstore.New(clock.Real()), caller{behind})
	rev := &machine.Revision{Spot: machine.Spot{Ref: machine.Ref{Place: machine.Place{Account: "123456789012", Region: "eu-west-1"}, Name: "Orders"}}}
	for _, test := range []string{"Happy", "Retried", "Sad"} {
		if err := tasks.Begin(t.Context(), rev.Ref, test, test); err != nil {
			t.Fatal(err)
		}
	}
	if err := tasks.Begin(t.Context(), rev.Ref, "x", "None"); aws.CodeOf(err) != "InvalidArn" {
		t.Error(err)
	}
	call := func(test, state, resource, key string) string {
		t.Helper()
		res, _ := asl.ParseResource("arn:aws:states:::" + resource)
		q := &execution.Request{Revision: rev, Execution: test, Key: key, Call: &asl.Call{State: state, Resource: res, Token: "token"}}
		a, err := tasks.Call(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if a.Err != nil {
			return a.Err.Error()
		}
		if res.Pattern == asl.Sync {
			done, ready, err := tasks.Poll(t.Context(), q, a.Output)
			if !ready || err != nil {
				return "not ready"
			}
			return "job " + string(done.Output)
		}
		return string(a.Output)
	}
	const invoke = "lambda:invoke"
	for _, c := range []struct{ test, state, resource, key, want string }{
		{"Happy", "Check", invoke, "1", `{"ok":true}`},
		{"Happy", "Check", invoke, "1", `{"ok":true}`}, // the same request again
		{"Happy", "Check", invoke, "2", "States.Runtime: The mock configuration has no answer for attempt 1 of state 'Check' in test case 'Happy'."},
		{"Happy", "Other", invoke, "3", `"real"`},
		{"none", "Check", invoke, "4", `"real"`},
		{"Retried", "Check", invoke, "1", "Busy: first"},
		{"Retried", "Check", invoke, "2", "2"},
		{"Retried", "Check", invoke, "1", "Busy: first"},
		{"Retried", "Check", invoke, "3", "2"},
		{"Happy", "Child", "states:startExecution.sync:2", "5", `job {"ok":true}`},
		{"Happy", "Ask", "sqs:sendMessage.waitForTaskToken", "6", `{}`},
		{"Sad", "Ask", "sqs:sendMessage.waitForTaskToken", "7", `{}`},
	} {
		if got := call(c.test, c.state, c.resource, c.key); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if got := strings.Join(behind.tokens, ", "); got != `token {"ok":true}, token E` {
		t.Error(got)
	}
}
