package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/sandbox"
)

// mapQueue maps a queue of sourcetest to a function and waits until that is enabled.
func (r *rig) mapQueue(queue, function string, change func(*lambdaapi.CreateEventSourceMappingRequest)) string {
	r.t.Helper()
	arn := "arn:aws:sqs:us-east-1:000000000000:" + queue
	in := &lambdaapi.CreateEventSourceMappingRequest{FunctionName: function, EventSourceArn: &arn}
	if change != nil {
		change(in)
	}
	out, err := r.client.CreateEventSourceMapping(r.t.Context(), alice, in)
	if err != nil {
		r.t.Fatal(err)
	}
	if *out.State != "Creating" {
		r.t.Errorf("begins as %s", *out.State)
	}
	r.advance(0)
	return *out.UUID
}

// state is the State of a mapping, "" when it is gone.
func (r *rig) state(uuid string) string {
	out, err := r.client.GetEventSourceMapping(r.t.Context(), alice, &lambdaapi.GetEventSourceMappingRequest{UUID: uuid})
	if err != nil {
		if aws.CodeOf(err) != "ResourceNotFoundException" {
			r.t.Error(err)
		}
		return ""
	}
	return *out.State
}

// eaten are the bodies of the messages that a function had.
type eaten struct {
	mu     sync.Mutex
	bodies []string
}

func (e *eaten) add(in *sandbox.Invocation) (ids []string) {
	var event struct {
		Records []struct{ MessageID, Body string }
	}
	if err := json.Unmarshal(in.Payload, &event); err != nil {
		panic(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, rec := range event.Records {
		e.bodies = append(e.bodies, rec.Body)
		ids = append(ids, rec.MessageID)
	}
	return ids
}

func (e *eaten) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.bodies, " ")
}

func TestMapping(t *testing.T) {
	r := newRig(t, options{queues: true})
	var e eaten
	r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) { e.add(in); return nil, nil })
	r.create("f", nil)
	r.queues.Send("q", "", "early")
	uuid := r.mapQueue("q", "f", nil)
	if s := r.state(uuid); s != "Enabled" {
		t.Errorf("it is %q", s)
	}
	r.queues.Send("q", "", "late")
	r.advance(0)
	if got := e.String(); got != "early late" || len(r.queues.Left("q")) != 0 {
		t.Errorf("the function had %q, left %v", got, r.queues.Left("q"))
	}
	got, err := r.client.GetEventSourceMapping(t.Context(), alice, &lambdaapi.GetEventSourceMappingRequest{UUID: uuid})
	if err != nil || *got.LastProcessingResult != "OK" || *got.BatchSize != 10 || *got.FunctionArn != functionARN("f") ||
		*got.EventSourceMappingArn != "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:"+uuid {
		t.Errorf("%+v %v", got, err)
	}

	// Disabled, nothing is read; enabled, what has come meanwhile.
	off, on := false, true
	out, err := r.client.UpdateEventSourceMapping(t.Context(), alice, &lambdaapi.UpdateEventSourceMappingRequest{UUID: uuid, Enabled: &off})
	if err != nil || *out.State != "Disabling" {
		t.Fatalf("%+v %v", out, err)
	}
	r.advance(0)
	r.queues.Send("q", "", "third")
	r.advance(time.Hour)
	if s := r.state(uuid); s != "Disabled" || strings.Contains(e.String(), "third") {
		t.Errorf("it is %q, the function had %q", s, e.String())
	}
	if _, err = r.client.UpdateEventSourceMapping(t.Context(), alice, &lambdaapi.UpdateEventSourceMappingRequest{UUID: uuid, Enabled: &on}); err != nil {
		t.Fatal(err)
	}
	r.advance(0)
	if got := e.String(); got != "early late third" || r.state(uuid) != "Enabled" {
		t.Errorf("the function had %q", got)
	}
	del, err := r.client.DeleteEventSourceMapping(t.Context(), alice, &lambdaapi.DeleteEventSourceMappingRequest{UUID: uuid})
	if err != nil || *del.State != "Deleting" {
		t.Fatalf("%+v %v", del, err)
	}
	r.advance(0)
	r.queues.Send("q", "", "never")
	r.advance(time.Minute)
	if s := r.state(uuid); s != "" || strings.Contains(e.String(), "never") {
		t.Errorf("it is %q, the function had %q", s, e.String())
	}
}

// A mapping goes on after a restart, in the middle of any change.
func TestMappingSurvives(t *testing.T) {
	r := newRig(t, options{queues: true, idle: true})
	var e eaten
	r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) { e.add(in); return nil, nil })
	name, arn := "f", "arn:aws:sqs:us-east-1:000000000000:q"
	if _, err := r.client.CreateFunction(t.Context(), alice, &lambdaapi.CreateFunctionRequest{FunctionName: name, Runtime: new(string(lambdaapi.RuntimePython312)),
		Role: role, Handler: &name, Code: &lambdaapi.FunctionCode{ZipFile: archive(map[string]string{"app.py": "#"})}}); err != nil {
		t.Fatal(err)
	}
	out, err := r.client.CreateEventSourceMapping(t.Context(), alice, &lambdaapi.CreateEventSourceMappingRequest{FunctionName: name, EventSourceArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	r.queues.Send("q", "", "one")
	next := newRig(t, options{keep: r})
	next.advance(0)
	if got := e.String(); got != "one" || next.state(*out.UUID) != "Enabled" {
		t.Fatalf("after a start: %q, %s", got, next.state(*out.UUID))
	}
	next.stop()
	r.queues.Send("q", "", "two")
	last := newRig(t, options{keep: next})
	last.advance(0)
	if got := e.String(); got != "one two" {
		t.Errorf("after another: %q", got)
	}
}

// With ReportBatchItemFailures only what has failed comes back; an answer that makes no sense means all.
func TestPartialResponses(t *testing.T) {
	whole := "all"
	for _, c := range []struct {
		name   string
		answer func(ids []string) any
		want   string // what comes back
	}{
		{"nothing", func([]string) any { return nil }, ""},
		{"empty", func([]string) any { return map[string]any{} }, ""},
		{"null list", func([]string) any { return map[string]any{"batchItemFailures": nil} }, ""},
		{"empty list", func([]string) any { return map[string]any{"batchItemFailures": []any{}} }, ""},
		{"one", func(ids []string) any {
			return map[string]any{"batchItemFailures": []any{map[string]string{"itemIdentifier": ids[1]}}}
		}, "b"},
		{"text", func([]string) any { return "no" }, whole},
		{"null id", func([]string) any {
			return map[string]any{"batchItemFailures": []any{map[string]any{"itemIdentifier": nil}}}
		}, whole},
		{"empty id", func([]string) any {
			return map[string]any{"batchItemFailures": []any{map[string]any{"itemIdentifier": ""}}}
		}, whole},
		{"other key", func(ids []string) any {
			return map[string]any{"batchItemFailures": []any{map[string]any{"messageId": ids[0]}}}
		}, whole},
		{"other id", func([]string) any {
			return map[string]any{"batchItemFailures": []any{map[string]any{"itemIdentifier": "x"}}}
		}, whole},
		{"no list", func([]string) any { return map[string]any{"batchItemFailures": 1} }, whole},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, options{queues: true})
			var e eaten
			r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
				return c.answer(e.add(in)), nil
			})
			r.create("f", nil)
			for _, b := range []string{"a", "b", "c"} {
				r.queues.Send("q", "", b)
			}
			r.mapQueue("q", "f", func(in *lambdaapi.CreateEventSourceMappingRequest) {
				in.FunctionResponseTypes = []lambdaapi.FunctionResponseType{"ReportBatchItemFailures"}
			})
			want := c.want
			if want == whole {
				want = "a b c"
			}
			if got := strings.Join(r.queues.Left("q"), " "); got != want || e.String() != "a b c" {
				t.Errorf("left %q of %q", got, e.String())
			}
		})
	}
}

// Without it, a function that fails fails for all; and one that is throttled is tried again with the same batch.
func TestMappingFailures(t *testing.T) {
	r := newRig(t, options{queues: true})
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) { return nil, errors.New("broken") })
	r.create("f", nil)
	r.queues.Send("q", "", "a")
	uuid := r.mapQueue("q", "f", nil)
	got, err := r.client.GetEventSourceMapping(t.Context(), alice, &lambdaapi.GetEventSourceMappingRequest{UUID: uuid})
	if err != nil || *got.LastProcessingResult != "PROBLEM: Function call failed" || len(r.queues.Left("q")) != 1 {
		t.Errorf("%v, left %v", got.LastProcessingResult, r.queues.Left("q"))
	}
	var e eaten
	r.stage.on("g", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) { e.add(in); return nil, nil })
	r.create("g", nil)
	if _, err := r.client.PutFunctionConcurrency(t.Context(), alice, &lambdaapi.PutFunctionConcurrencyRequest{FunctionName: "g"}); err != nil {
		t.Fatal(err)
	}
	r.queues.Send("p", "", "b")
	r.mapQueue("p", "g", nil)
	if e.String() != "" {
		t.Error("a function without concurrency ran")
	}
	if _, err := r.client.DeleteFunctionConcurrency(t.Context(), alice, &lambdaapi.DeleteFunctionConcurrencyRequest{FunctionName: "g"}); err != nil {
		t.Fatal(err)
	}
	r.advance(20 * time.Second)
	if e.String() != "b" || len(r.queues.Left("p")) != 0 {
		t.Errorf("then it had %q", e.String())
	}
}

func TestMappingErrors(t *testing.T) {
	r := newRig(t, options{queues: true})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) { in.Timeout = number(10) })
	r.create("slow", func(in *lambdaapi.CreateFunctionRequest) { in.Timeout = number(60) })
	uuid := r.mapQueue("q", "f", nil)
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		queue, function string
		change          func(*lambdaapi.CreateEventSourceMappingRequest)
		refuse          string
		want            string
	}{
		{"q", "f", nil, "", "ResourceConflictException: An event source mapping with SQS arn (\" arn:aws:sqs:us-east-1:000000000000:q \") and function " +
			"(\" f \") already exists. Please update or delete the existing mapping with UUID " + uuid},
		{"q2", "none", nil, "", "ResourceNotFoundException: Function not found: " + functionARN("none")},
		{"q2", "slow", nil, "", "InvalidParameterValueException: Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"},
		{"no-queue", "f", nil, "", "InvalidParameterValueException: Error occurred while ReceiveMessage. SQS Error Code: " +
			"AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."},
		{"q2", "f", nil, "ReceiveMessage", "InvalidParameterValueException: The function execution role does not have permissions to call ReceiveMessage on SQS"},
		{"q2", "f", nil, "DeleteMessage", "InvalidParameterValueException: The function execution role does not have permissions to call DeleteMessage on SQS"},
		{"q2", "f", func(in *lambdaapi.CreateEventSourceMappingRequest) { in.BatchSize = number(11) }, "",
			"InvalidParameterValueException: Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"},
		{"q2.fifo", "f", func(in *lambdaapi.CreateEventSourceMappingRequest) { in.MaximumBatchingWindowInSeconds = number(1) }, "",
			"InvalidParameterValueException: Batching window is not supported for FIFO queues"},
		{"q2", "f", func(in *lambdaapi.CreateEventSourceMappingRequest) { in.StartingPosition = "LATEST" }, "",
			"InvalidParameterValueException: StartingPosition is not valid for SQS event sources."},
		{"q2", "f", func(in *lambdaapi.CreateEventSourceMappingRequest) {
			in.FilterCriteria = &lambdaapi.FilterCriteria{Filters: []lambdaapi.Filter{{Pattern: text(`{"body": 1}`)}}}
		}, "", "InvalidParameterValueException: Invalid filter pattern definition."},
		{"q2", "f", func(in *lambdaapi.CreateEventSourceMappingRequest) {
			in.EventSourceArn = text("arn:aws:kinesis:us-east-1:000000000000:stream/s")
		}, "", "InvalidParameterValueException: Unrecognized event source, must be sqs or dynamodb: Brume does not read sources of the service kinesis yet; " +
			"docs/COMPATIBILITY.md lists what is there"},
		{"q2", "f", func(in *lambdaapi.CreateEventSourceMappingRequest) { in.EventSourceArn = nil }, "",
			"InvalidParameterValueException: Unrecognized event source."},
		{"q2", "f", func(in *lambdaapi.CreateEventSourceMappingRequest) {
			in.ScalingConfig = &lambdaapi.ScalingConfig{MaximumConcurrency: number(2)}
			in.ProvisionedPollerConfig = &lambdaapi.ProvisionedPollerConfig{MinimumPollers: number(2)}
		}, "", "InvalidParameterValueException: MaximumConcurrency and ProvisionedPollerConfig cannot be used together."},
	} {
		arn := "arn:aws:sqs:us-east-1:000000000000:" + c.queue
		in := &lambdaapi.CreateEventSourceMappingRequest{FunctionName: c.function, EventSourceArn: &arn}
		if c.change != nil {
			c.change(in)
		}
		r.refuse = c.refuse
		_, err := r.client.CreateEventSourceMapping(t.Context(), alice, in)
		if err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	r.refuse = ""
	out, err := r.client.ListEventSourceMappings(t.Context(), alice, &lambdaapi.ListEventSourceMappingsRequest{})
	if err != nil || len(out.EventSourceMappings) != 1 {
		t.Errorf("%d mappings, %v", len(out.EventSourceMappings), err)
	}
}

// A mapping that is being changed cannot be changed.
func TestMappingInUse(t *testing.T) {
	r := newRig(t, options{queues: true, idle: true})
	name, arn := "f", "arn:aws:sqs:us-east-1:000000000000:q"
	if _, err := r.client.CreateFunction(t.Context(), alice, &lambdaapi.CreateFunctionRequest{FunctionName: name, Runtime: new(string(lambdaapi.RuntimePython312)),
		Role: role, Handler: &name, Code: &lambdaapi.FunctionCode{ZipFile: archive(map[string]string{"app.py": "#"})}}); err != nil {
		t.Fatal(err)
	}
	out, err := r.client.CreateEventSourceMapping(t.Context(), alice, &lambdaapi.CreateEventSourceMappingRequest{FunctionName: name, EventSourceArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.client.UpdateEventSourceMapping(t.Context(), alice, &lambdaapi.UpdateEventSourceMappingRequest{UUID: *out.UUID, BatchSize: number(3)})
	if want := "ResourceInUseException: Cannot update the event source mapping because it is in use."; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	_, err = r.client.DeleteEventSourceMapping(t.Context(), alice, &lambdaapi.DeleteEventSourceMappingRequest{UUID: *out.UUID})
	if want := "ResourceInUseException: Cannot delete the event source mapping because it is in use."; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	r.run()
}

func TestListMappings(t *testing.T) {
	r := newRig(t, options{queues: true})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) { yes := true; in.Publish = &yes })
	r.create("g", nil)
	var f, q1 []string
	for i := range 5 {
		u := r.mapQueue(fmt.Sprint("q", i), "f", nil)
		f = append(f, u)
		if i == 1 {
			q1 = append(q1, u, r.mapQueue("q1", "g", nil))
		}
	}
	qualified := r.mapQueue("q0", "f:1", func(in *lambdaapi.CreateEventSourceMappingRequest) { in.Tags = map[string]string{"a": "1"} })
	list := func(in *lambdaapi.ListEventSourceMappingsRequest) (ids []string) {
		two := int32(2)
		in.MaxItems = &two
		for {
			out, err := r.client.ListEventSourceMappings(t.Context(), alice, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range out.EventSourceMappings {
				ids = append(ids, *m.UUID)
			}
			if in.Marker = out.NextMarker; in.Marker == nil {
				slices.Sort(ids)
				return ids
			}
		}
	}
	text := func(s string) *string { return &s }
	slices.Sort(f)
	slices.Sort(q1)
	if got := list(&lambdaapi.ListEventSourceMappingsRequest{FunctionName: text("f")}); !slices.Equal(got, f) {
		t.Errorf("of f: %v, want %v", got, f)
	}
	if got := list(&lambdaapi.ListEventSourceMappingsRequest{EventSourceArn: text("arn:aws:sqs:us-east-1:000000000000:q1")}); !slices.Equal(got, q1) {
		t.Errorf("of q1: %v, want %v", got, q1)
	}
	if got := list(&lambdaapi.ListEventSourceMappingsRequest{FunctionName: text("g"), EventSourceArn: text("arn:aws:sqs:us-east-1:000000000000:q1")}); len(got) != 1 {
		t.Errorf("of g and q1: %v", got)
	}
	if got := list(&lambdaapi.ListEventSourceMappingsRequest{FunctionName: text("f:1")}); len(got) != 1 || got[0] != qualified {
		t.Errorf("of f:1: %v", got)
	}
	if got := list(&lambdaapi.ListEventSourceMappingsRequest{}); len(got) != 7 {
		t.Errorf("all: %v", got)
	}
	arn := "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:" + qualified
	if _, err := r.client.TagResource(t.Context(), alice, &lambdaapi.TagResourceRequest{Resource: arn, Tags: map[string]string{"b": "2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.UntagResource(t.Context(), alice, &lambdaapi.UntagResourceRequest{Resource: arn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	if out, err := r.client.ListTags(t.Context(), alice, &lambdaapi.ListTagsRequest{Resource: arn}); err != nil || fmt.Sprint(out.Tags) != "map[b:2]" {
		t.Errorf("tags %v, %v", out, err)
	}
	access, err := r.service.Access(t.Context(), alice, "DeleteEventSourceMapping", &lambdaapi.DeleteEventSourceMappingRequest{UUID: qualified})
	if err != nil || access[0].Resource != arn || fmt.Sprint(access[0].Context) != "map[aws:ResourceTag/b:[2] lambda:FunctionArn:["+functionARN("f:1")+"]]" {
		t.Errorf("access %+v, %v", access, err)
	}
}
