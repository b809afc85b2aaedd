package task

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/task/sdk"
)

// startExecution starts an execution of another machine, once for the same request. Without a name it is called by the
// request's key.
// https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
func startExecution(ctx context.Context, a *attempt, arguments *jsondoc.Object) ([]byte, error) {
	in := &sfnapi.StartExecutionInput{Name: &a.Key}
	var problems []string
	for name, v := range arguments.All() {
		s, ok := v.(string)
		switch {
		case name == "Input":
			in.Input = new(asText(v))
		case v == nil:
		case !ok:
			problems = append(problems, "The value for the field '"+name+"' must be a STRING")
		case name == "StateMachineArn":
			in.StateMachineArn = s
		case name == "Name":
			in.Name = &s
		case name == "TraceHeader":
			in.TraceHeader = &s
		}
	}
	if problems != nil {
		return nil, a.unusable(problems)
	}
	if in.TraceHeader == nil && a.Trace != "" {
		in.TraceHeader = &a.Trace
	}
	out, err := a.children.StartExecution(execution.WithRequest(ctx, a.Key), a.id, in)
	if err != nil {
		return nil, a.timely(ctx, childFailure(err, a.Key))
	}
	result := jsondoc.NewObject()
	result.Set("ExecutionArn", out.ExecutionArn)
	a.describe(result, len(out.ExecutionArn)+len(`{"executionArn":"","startDate":1700000000.000}`), http.StatusOK, nil)
	result.Set("StartDate", millis(out.StartDate))
	return jsondoc.Append(nil, result), nil
}

func childFailure(err error, request string) *fault.Error {
	return sdk.Old("StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException", err, request)
}

// millis is a time as the results of this integration have it.
func millis(t time.Time) json.Number { return json.Number(strconv.FormatInt(t.UnixMilli(), 10)) }

// child is the ARN of the execution that a .sync task has started.
func child(submitted []byte) string {
	var s struct{ ExecutionArn string }
	if json.Unmarshal(submitted, &s) != nil {
		return ""
	}
	return s.ExecutionArn
}

// Poll implements execution.Tasks: the jobs are executions.
func (r *Runner) Poll(ctx context.Context, q *execution.Request, submitted []byte) (execution.Answer, bool, error) {
	id, err := r.identity(ctx, q)
	if err != nil {
		a, err := failed(ctx, asl.Running, err)
		return a, err == nil, err
	}
	d, err := r.children.DescribeExecution(ctx, id, &sfnapi.DescribeExecutionInput{ExecutionArn: child(submitted)})
	if err != nil {
		if ctx.Err() != nil || aws.InfoOf(err).Status >= http.StatusInternalServerError {
			return execution.Answer{}, false, err
		}
		return execution.Answer{Err: childFailure(err, q.Key)}, true, nil
	}
	if d.Status == sfnapi.ExecutionStatusRunning || d.Status == sfnapi.ExecutionStatusPendingRedrive {
		return execution.Answer{}, false, nil
	}
	return Ended(d, q.Call.Resource.Version), true, nil
}

// Cancel implements execution.Tasks.
func (r *Runner) Cancel(ctx context.Context, q *execution.Request, submitted []byte) error {
	id, err := r.identity(ctx, q)
	if err == nil {
		_, err = r.children.StopExecution(ctx, id, &sfnapi.StopExecutionInput{ExecutionArn: child(submitted)})
	}
	if err != nil && ctx.Err() == nil && aws.InfoOf(err).Status < http.StatusInternalServerError {
		return nil // it cannot be stopped
	}
	return err
}

// Ended is the result of a task whose job is the execution d. With version 2 (".sync:2") its input and output are JSON, else
// texts. A task whose execution did not succeed fails with what is known of it as the cause.
func Ended(d *sfnapi.DescribeExecutionOutput, version int) execution.Answer {
	out := jsondoc.NewObject()
	text := func(name string, v *string) {
		if v != nil {
			out.Set(name, *v)
		}
	}
	document := func(name string, v *string) {
		if v == nil {
			return
		}
		out.Set(name, *v)
		if version == 2 {
			if doc, err := jsondoc.Parse([]byte(*v)); err == nil {
				out.Set(name, doc)
			}
		}
		included := jsondoc.NewObject()
		included.Set("Included", true)
		out.Set(name+"Details", included)
	}
	text("Cause", d.Cause)
	text("Error", d.Error)
	out.Set("ExecutionArn", d.ExecutionArn)
	document("Input", d.Input)
	text("Name", d.Name)
	document("Output", d.Output)
	out.Set("StartDate", millis(d.StartDate))
	out.Set("StateMachineArn", d.StateMachineArn)
	out.Set("Status", string(d.Status))
	if d.StopDate != nil {
		out.Set("StopDate", millis(*d.StopDate))
	}
	if d.Status != sfnapi.ExecutionStatusSucceeded {
		return execution.Answer{Err: &fault.Error{Name: fault.TaskFailed, Cause: jsondoc.Text(out)}}
	}
	return execution.Answer{Output: jsondoc.Append(nil, out)}
}
