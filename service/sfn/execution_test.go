package sfn_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
)

func TestExecution(t *testing.T) {
	r := newRig(t)
	m := r.define("m", wait, "")
	arn := r.start(m, "x", `{"a": 1}`)
	if arn != base+"execution:m:x" {
		t.Error(arn)
	}
	d := r.describe(arn)
	if d.Status != "RUNNING" || d.StateMachineArn != m || *d.Input != `{"a": 1}` || d.StopDate != nil || d.RedriveStatus != "NOT_REDRIVABLE" ||
		!strings.Contains(*d.RedriveStatusReason, "RUNNING") || !d.StartDate.Equal(start) || d.Output != nil || !*d.InputDetails.Included {
		t.Errorf("%+v", d)
	}
	r.advance(10 * time.Second)
	if d = r.describe(arn); d.Status != "SUCCEEDED" || *d.Output != `{"a":1}` && *d.Output != `{"a": 1}` || !d.StopDate.Equal(start.Add(10*time.Second)) {
		t.Errorf("%+v", d)
	}
	of, err := r.DescribeStateMachineForExecution(t.Context(), me, &sfnapi.DescribeStateMachineForExecutionInput{ExecutionArn: arn})
	if err != nil || of.Definition != wait || of.Name != "m" || of.MapRunArn != nil {
		t.Errorf("%+v %v", of, err)
	}
}

func TestErrors(t *testing.T) {
	r := newRig(t)
	m, e := r.define("m", wait, ""), r.define("e", pass, sfnapi.StateMachineTypeExpress)
	x := r.start(m, "x", `{}`)
	begin := func(machine, name, input string) error {
		_, err := r.StartExecution(t.Context(), me, &sfnapi.StartExecutionInput{StateMachineArn: machine, Name: aws.Some(name), Input: aws.Some(input)})
		return err
	}
	wantError(t, begin(m, "x", `{"b":1}`), "ExecutionAlreadyExists", "Execution Already Exists: '"+x+"'")
	wantError(t, begin(m, "a b", `{}`), "InvalidName", "Invalid Name: 'a b'")
	wantError(t, begin(m, "y", `{`), "InvalidExecutionInput", "Invalid State Machine Execution Input: '")
	wantError(t, begin(m+"no", "y", `{}`), "StateMachineDoesNotExist", m+"no")
	wantError(t, begin("arn:x", "y", `{}`), "InvalidArn", "Invalid Arn: '")
	describe := func(arn string) error {
		_, err := r.DescribeExecution(t.Context(), me, &sfnapi.DescribeExecutionInput{ExecutionArn: arn})
		return err
	}
	wantError(t, describe(base+"execution:m:y"), "ExecutionDoesNotExist", "Execution Does Not Exist: '"+base+"execution:m:y'")
	wantError(t, describe(base+"execution:none:y"), "ExecutionDoesNotExist", "Execution Does Not Exist: '"+base+"execution:none:y'")
	wantError(t, describe(m), "InvalidArn", "Invalid Arn: 'Resource type not valid in this context: stateMachine'")
	_, err := r.StartSyncExecution(t.Context(), me, &sfnapi.StartSyncExecutionInput{StateMachineArn: m})
	wantError(t, err, "StateMachineTypeNotSupported", "")
	_, err = r.ListExecutions(t.Context(), me, &sfnapi.ListExecutionsInput{StateMachineArn: &e})
	wantError(t, err, "StateMachineTypeNotSupported", "")
	_, err = r.ListExecutions(t.Context(), me, &sfnapi.ListExecutionsInput{})
	wantError(t, err, "ValidationException", "")
	_, err = r.StopExecution(t.Context(), me, &sfnapi.StopExecutionInput{ExecutionArn: base + "execution:m:y"})
	wantError(t, err, "ExecutionDoesNotExist", "")
	_, err = r.RedriveExecution(t.Context(), me, &sfnapi.RedriveExecutionInput{ExecutionArn: x})
	wantError(t, err, "ExecutionNotRedrivable", "RUNNING")
	_, err = r.SendTaskSuccess(t.Context(), me, &sfnapi.SendTaskSuccessInput{TaskToken: "x", Output: "{"})
	wantError(t, err, "InvalidOutput", "")
	_, err = r.SendTaskSuccess(t.Context(), me, &sfnapi.SendTaskSuccessInput{TaskToken: "x", Output: "{}"})
	wantError(t, err, "InvalidToken", "Invalid Token: 'Invalid token'")
	_, err = r.GetActivityTask(t.Context(), me, &sfnapi.GetActivityTaskInput{ActivityArn: base + "activity:no"})
	wantError(t, err, "ActivityDoesNotExist", base+"activity:no")
	_, err = r.GetExecutionHistory(t.Context(), me, &sfnapi.GetExecutionHistoryInput{ExecutionArn: x, NextToken: new("x")})
	wantError(t, err, "InvalidToken", "")
}

// Executions are listed the newest first, by pages, whatever their statuses are.
func TestList(t *testing.T) {
	r := newRig(t)
	m := r.define("m", wait, "")
	var want []string
	for i := range 12 {
		want = append([]string{r.start(m, fmt.Sprint("x", i), `{}`)}, want...)
		r.advance(time.Second)
	}
	if _, err := r.StopExecution(t.Context(), me, &sfnapi.StopExecutionInput{ExecutionArn: want[0], Error: new("E")}); err != nil {
		t.Fatal(err)
	}
	list := func(in sfnapi.ListExecutionsInput) (out []string) {
		t.Helper()
		in.StateMachineArn = &m
		for {
			page, err := r.ListExecutions(t.Context(), me, &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range page.Executions {
				out = append(out, x.ExecutionArn)
			}
			if in.NextToken = page.NextToken; in.NextToken == nil {
				return out
			}
			if in.MaxResults != nil && len(page.Executions) != int(*in.MaxResults) {
				t.Errorf("a page of %d", len(page.Executions))
			}
		}
	}
	for _, size := range []*int32{nil, new(int32(1)), new(int32(5)), new(int32(12))} {
		if got := list(sfnapi.ListExecutionsInput{MaxResults: size}); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	}
	if got := list(sfnapi.ListExecutionsInput{StatusFilter: "SUCCEEDED", MaxResults: new(int32(2))}); !slices.Equal(got, want[9:]) && !slices.Equal(got, want[10:]) {
		t.Errorf("%q", got)
	}
	if got := list(sfnapi.ListExecutionsInput{StatusFilter: "ABORTED"}); !slices.Equal(got, want[:1]) {
		t.Errorf("%q", got)
	}
	if _, err := r.RedriveExecution(t.Context(), me, &sfnapi.RedriveExecutionInput{ExecutionArn: want[0]}); err != nil {
		t.Fatal(err)
	}
	if got := list(sfnapi.ListExecutionsInput{RedriveFilter: "REDRIVEN"}); !slices.Equal(got, want[:1]) {
		t.Errorf("%q", got)
	}
	if got := list(sfnapi.ListExecutionsInput{RedriveFilter: "NOT_REDRIVEN"}); !slices.Equal(got, want[1:]) {
		t.Errorf("%q", got)
	}
}

func TestHistory(t *testing.T) {
	r := newRig(t)
	arn := r.start(r.define("m", wait, ""), "x", `{}`)
	r.advance(10 * time.Second)
	read := func(in sfnapi.GetExecutionHistoryInput) (types []string, last *sfnapi.GetExecutionHistoryOutput) {
		t.Helper()
		in.ExecutionArn = arn
		for {
			out, err := r.GetExecutionHistory(t.Context(), me, &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.Events {
				types = append(types, fmt.Sprint(e.Id, e.Type))
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return types, out
			}
		}
	}
	want := []string{"1ExecutionStarted", "2WaitStateEntered", "3WaitStateExited", "4PassStateEntered", "5PassStateExited", "6ExecutionSucceeded"}
	for _, size := range []*int32{nil, new(int32(1)), new(int32(4)), new(int32(6))} {
		if got, _ := read(sfnapi.GetExecutionHistoryInput{MaxResults: size}); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		got, _ := read(sfnapi.GetExecutionHistoryInput{MaxResults: size, ReverseOrder: new(true)})
		if slices.Reverse(got); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	}
	_, all := read(sfnapi.GetExecutionHistoryInput{})
	if d := all.Events[0].ExecutionStartedEventDetails; *d.Input != `{}` || *d.RoleArn != "arn:aws:iam::111122223333:role/r" {
		t.Errorf("%+v", d)
	}
	if d := all.Events[5].ExecutionSucceededEventDetails; *d.Output != `{}` {
		t.Errorf("%+v", d)
	}
	_, bare := read(sfnapi.GetExecutionHistoryInput{IncludeExecutionData: new(false)})
	if bare.Events[0].ExecutionStartedEventDetails.Input != nil || bare.Events[1].StateEnteredEventDetails.Input != nil {
		t.Errorf("%+v", bare.Events)
	}
}

// Every change of an execution's status is an event for the default event bus.
func TestEvents(t *testing.T) {
	r := newRig(t)
	r.start(r.define("m", pass, ""), "x", `{"a":1}`)
	r.settle()
	var got []string
	for _, d := range r.events {
		var e struct {
			Source     string
			DetailType string `json:"detail-type"`
			Resources  []string
			Detail     map[string]any
		}
		if err := json.Unmarshal(d.Body, &e); err != nil {
			t.Fatal(err)
		}
		if e.Source != "aws.states" || e.DetailType != "Step Functions Execution Status Change" || e.Resources[0] != base+"execution:m:x" || e.Detail["input"] != `{"a":1}` {
			t.Errorf("%s", d.Body)
		}
		got = append(got, fmt.Sprintf("%v %v %v", e.Detail["status"], e.Detail["output"], e.Detail["stopDate"] != nil))
	}
	if slices.Sort(got); !slices.Equal(got, []string{"RUNNING <nil> false", `SUCCEEDED {"a":1} true`}) {
		t.Errorf("%q", got)
	}
}

func TestExpress(t *testing.T) {
	r := newRig(t)
	m := r.define("m", `{"StartAt":"P","States":{"P":{"Type":"Pass","Next":"F"},"F":{"Type":"Fail","Error":"E","Cause":"C"}}}`, sfnapi.StateMachineTypeExpress)
	out, err := r.StartSyncExecution(t.Context(), me, &sfnapi.StartSyncExecutionInput{StateMachineArn: m, Name: new("n"), Input: new(`{"a":1}`)})
	if err != nil || out.Status != "FAILED" || *out.Error != "E" || *out.Cause != "C" || out.Output != nil || *out.Input != `{"a":1}` ||
		!strings.HasPrefix(out.ExecutionArn, base+"express:m:n:") || *out.BillingDetails.BilledDurationInMilliseconds != 100 ||
		*out.BillingDetails.BilledMemoryUsedInMB != 64 {
		t.Errorf("%+v %v", out, err)
	}
	a, b := r.start(m, "n", `{}`), r.start(m, "n", `{}`)
	if a == b || !strings.HasPrefix(a, base+"express:m:n:") {
		t.Errorf("%s %s", a, b)
	}
	r.settle()
	_, err = r.DescribeExecution(t.Context(), me, &sfnapi.DescribeExecutionInput{ExecutionArn: a})
	wantError(t, err, "InvalidArn", "Resource type not valid in this context: express")
}

func TestActivityTask(t *testing.T) {
	r := newRig(t)
	made, err := r.CreateActivity(t.Context(), me, &sfnapi.CreateActivityInput{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	m := r.define("m", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+made.ActivityArn+`","End":true}}}`, "")
	waits, got := make(chan struct{}, 9), make(chan *sfnapi.GetActivityTaskOutput)
	poll := func() {
		out, err := r.GetActivityTask(clock.OnWait(t.Context(), func() { waits <- struct{}{} }), me, &sfnapi.GetActivityTaskInput{ActivityArn: made.ActivityArn, WorkerName: new("w")})
		if err != nil {
			t.Error(err)
		}
		got <- out
	}
	go poll()
	<-waits
	r.advance(time.Minute)
	if out := <-got; out.TaskToken != nil {
		t.Errorf("%+v", out)
	}
	go poll()
	<-waits
	arn := r.start(m, "x", `{"a":1}`)
	task := <-got
	if *task.Input != `{"a":1}` {
		t.Errorf("%+v", task)
	}
	if _, err := r.SendTaskHeartbeat(t.Context(), me, &sfnapi.SendTaskHeartbeatInput{TaskToken: *task.TaskToken}); err != nil {
		t.Error(err)
	}
	if _, err := r.SendTaskSuccess(t.Context(), me, &sfnapi.SendTaskSuccessInput{TaskToken: *task.TaskToken, Output: `{"b":2}`}); err != nil {
		t.Error(err)
	}
	if d := r.describe(arn); d.Status != "SUCCEEDED" || *d.Output != `{"b":2}` {
		t.Errorf("%+v", d)
	}
	_, err = r.SendTaskFailure(t.Context(), me, &sfnapi.SendTaskFailureInput{TaskToken: *task.TaskToken})
	wantError(t, err, "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
}

// A machine that is deleted ends its executions at their next transition, and is gone then.
func TestDeletedMachine(t *testing.T) {
	r := newRig(t)
	m := r.define("m", wait, "")
	arn := r.start(m, "x", `{}`)
	if _, err := r.DeleteStateMachine(t.Context(), me, &sfnapi.DeleteStateMachineInput{StateMachineArn: m}); err != nil {
		t.Fatal(err)
	}
	r.settle()
	_, err := r.StartExecution(t.Context(), me, &sfnapi.StartExecutionInput{StateMachineArn: m})
	wantError(t, err, "StateMachineDeleting", m)
	if d := r.describe(arn); d.Status != "RUNNING" {
		t.Errorf("%+v", d)
	}
	r.advance(10 * time.Second)
	if d := r.describe(arn); d.Status != "ABORTED" {
		t.Errorf("%+v", d)
	}
	r.advance(time.Hour)
	_, err = r.DescribeStateMachine(t.Context(), me, &sfnapi.DescribeStateMachineInput{StateMachineArn: m})
	wantError(t, err, "StateMachineDoesNotExist", m)
	_, err = r.DescribeExecution(t.Context(), me, &sfnapi.DescribeExecutionInput{ExecutionArn: arn})
	wantError(t, err, "ExecutionDoesNotExist", arn)
}
