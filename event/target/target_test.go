package target_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/timer"
)

func ptr[T any](v T) *T { return &v }

// Each kind of target gets AWS's call, with the identity of the service in the target's account and region.
func TestCalls(t *testing.T) {
	event := `{"version":"0","id":"e1","source":"s","detail-type":"d","account":"222222222222","region":"eu-north-1",` +
		`"time":"2026-02-28T00:00:00Z","resources":["a"],"detail":{"n": 1.0}}`
	for _, c := range []struct {
		name string
		d    target.Delivery
		want []string // operations
		in   any
	}{
		{"function", target.Delivery{Target: function, Body: []byte(`{}`)}, []string{"lambda:Invoke"},
			&lambdaapi.InvocationRequest{FunctionName: function, InvocationType: "Event", Payload: []byte(`{}`)}},
		{"bus", target.Delivery{Target: bus, Body: []byte(event), Trace: "Root=1;Lineage=a87bd80c:1"}, []string{"eventbridge:PutEvents"},
			&eventbridgeapi.PutEventsRequest{Entries: []eventbridgeapi.PutEventsRequestEntry{{
				EventBusName: ptr(bus), Source: ptr("s"), DetailType: ptr("d"), Detail: ptr(`{"n": 1.0}`), Resources: []string{"a"},
				Time: ptr(time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)), TraceHeader: ptr("Root=1")}}}},
		{"queue", target.Delivery{Target: queue, Body: []byte("m"), GroupID: "g", DeduplicationID: "d", Trace: "Root=1",
			Attributes: map[string]target.Attribute{"a": {Type: "Binary", Binary: []byte{1}}}}, []string{"sqs:SendMessage"},
			&sqsapi.SendMessageRequest{QueueUrl: "https://sqs.eu-west-1.amazonaws.com/111111111111/q.fifo", MessageBody: "m",
				MessageGroupId: ptr("g"), MessageDeduplicationId: ptr("d"),
				MessageAttributes:       map[string]sqsapi.MessageAttributeValue{"a": {DataType: "Binary", BinaryValue: []byte{1}}},
				MessageSystemAttributes: map[string]sqsapi.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: "String", StringValue: ptr("Root=1")}}}},
		{"topic", target.Delivery{Target: "arn:aws:sns:eu-west-1:111111111111:t", Body: []byte("m"), Subject: "s",
			Attributes: map[string]target.Attribute{"a": {Type: "Number", String: "1"}}}, []string{"sns:Publish"},
			&snsapi.PublishInput{TopicArn: ptr("arn:aws:sns:eu-west-1:111111111111:t"), Message: "m", Subject: ptr("s"),
				MessageAttributes: map[string]snsapi.MessageAttributeValue{"a": {DataType: "Number", StringValue: ptr("1")}}}},
		{"state machine", target.Delivery{Target: "arn:aws:states:eu-west-1:111111111111:stateMachine:m", Body: []byte("{}")},
			[]string{"sfn:StartExecution"}, &sfnapi.StartExecutionInput{StateMachineArn: "arn:aws:states:eu-west-1:111111111111:stateMachine:m",
				Input: ptr("{}"), Name: ptr("KEY")}},
		{"log group", target.Delivery{Target: "arn:aws:logs:eu-west-1:111111111111:log-group:/g/h:*", Body: []byte("m")},
			[]string{"logs:PutLogEvents"}, &logsapi.PutLogEventsRequest{LogGroupName: "/g/h", LogStreamName: "STREAM",
				LogEvents: []logsapi.InputLogEvent{{Timestamp: start.UnixMilli(), Message: "m"}}}},
		{"bucket", target.Delivery{Target: "arn:aws:s3:::b", Body: []byte("m"), Key: "a/b"}, []string{"s3:PutObject"},
			&s3api.PutObjectRequest{Bucket: "b", Key: "a/b", ContentLength: ptr(int64(1)), ContentType: ptr("application/json")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlatform(t)
			calls := p.deliver(c.d, time.Hour)
			if len(calls) != 1 || calls[0].op.String() != c.want[0] {
				t.Fatalf("calls %+v, want %v", calls, c.want)
			}
			got := calls[0]
			switch in := got.in.(type) {
			case *sfnapi.StartExecutionInput:
				if *in.Name != got.id.Request.ID {
					t.Errorf("name %q, request %q", *in.Name, got.id.Request.ID)
				}
				in.Name = ptr("KEY")
			case *logsapi.PutLogEventsRequest:
				if len(in.LogStreamName) != 36 {
					t.Errorf("stream %q", in.LogStreamName)
				}
				in.LogStreamName = "STREAM"
			case *s3api.PutObjectRequest:
				if b, err := io.ReadAll(in.Body); string(b) != "m" || err != nil {
					t.Errorf("object %q (%v)", b, err)
				}
				in.Body = nil
			}
			if !reflect.DeepEqual(got.in, c.in) {
				g, _ := json.Marshal(got.in)
				w, _ := json.Marshal(c.in)
				t.Errorf("got  %s\nwant %s", g, w)
			}
			want := aws.Identity{Kind: aws.ServicePrincipal, Service: "events.amazonaws.com", Account: "111111111111", Region: "eu-west-1",
				SourceARN: rule, SourceAccount: "000000000000", Request: aws.Request{ID: got.id.Request.ID, Trace: strings.TrimSuffix(c.d.Trace, ";Lineage=a87bd80c:1")}}
			if c.name == "bucket" {
				want.Account, want.Region = "000000000000", "us-east-1"
			}
			if !reflect.DeepEqual(got.id, want) || len(got.id.Request.ID) != 36 {
				t.Errorf("got  %+v\nwant %+v", got.id, want)
			}
			if o := p.outcomes; len(o) != 1 || o[0].End != target.Delivered || o[0].Attempt != 1 || o[0].Delivery.Target != c.d.Target {
				t.Errorf("outcomes %+v", o)
			}
			if c.name == "bus" && (len(p.passed) != 1 || p.passed[0].ID != "e1" || p.passed[0].Account != "222222222222" || p.passed[0].Region != "eu-north-1") {
				t.Errorf("passed %+v", p.passed)
			}
		})
	}
}

func TestEvent(t *testing.T) {
	b, err := target.Event{Source: "lambda", DetailType: "d", Resources: []string{"r"}, Detail: json.RawMessage(`{"a":1}`)}.Body()
	if want := `{"source":"lambda","detail-type":"d","resources":["r"],"detail":{"a":1}}`; err != nil || string(b) != want {
		t.Errorf("%s (%v), want %s", b, err, want)
	}
	p := newPlatform(t)
	p.deliver(target.Delivery{Target: bus, Body: b}, 0)
	if len(p.passed) != 0 || len(p.outcomes) != 1 || p.outcomes[0].End != target.Delivered {
		t.Errorf("passed %v, outcomes %+v", p.passed, p.outcomes)
	}
	if _, err := (target.Event{Detail: json.RawMessage(`{`)}).Body(); err == nil {
		t.Error("half a detail was taken")
	}
}

func TestRefused(t *testing.T) {
	p := newPlatform(t)
	good := target.Delivery{Target: function, From: from}
	for name, change := range map[string]func(*target.Delivery){
		"no ARN":                func(d *target.Delivery) { d.Target = "f" },
		"a kind there is not":   func(d *target.Delivery) { d.Target = "arn:aws:kinesis:eu-west-1:111111111111:stream/s" },
		"no function":           func(d *target.Delivery) { d.Target = "arn:aws:lambda:eu-west-1:111111111111:layer:l" },
		"a subscription":        func(d *target.Delivery) { d.Target = "arn:aws:sns:eu-west-1:111111111111:t:s" },
		"no account":            func(d *target.Delivery) { d.Target = "arn:aws:sqs:eu-west-1::q" },
		"an object without key": func(d *target.Delivery) { d.Target = "arn:aws:s3:::b" },
		"too young":             func(d *target.Delivery) { d.Retry = &target.Retry{MaxAge: target.MinAge - 1} },
		"too old":               func(d *target.Delivery) { d.Retry = &target.Retry{MaxAge: target.MaxAge + 1} },
		"too often":             func(d *target.Delivery) { d.Retry = &target.Retry{Retries: target.MaxRetries + 1} },
		"a negative number":     func(d *target.Delivery) { d.Retry = &target.Retry{Retries: -1} },
		"dead letters to a bus": func(d *target.Delivery) { d.DeadLetter = &target.DeadLetter{ARN: bus} },
		"dead letters nowhere":  func(d *target.Delivery) { d.DeadLetter = &target.DeadLetter{} },
		"too large":             func(d *target.Delivery) { d.Body = make([]byte, timer.MaxArgs) },
	} {
		d := good
		change(&d)
		if err := p.send(d); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := p.send(good); err != nil {
		t.Error(err)
	}
	if err := target.Check(dlq); err != nil {
		t.Error(err)
	}
}

// A failure that may pass is tried again, as often and as long as the policy says; the others are not. Then the event
// goes to the dead-letter queue with EventBridge's attributes.
func TestFailures(t *testing.T) {
	coded := func(code string, status int) error { return aws.Errorf(code, status, "the text") }
	for _, c := range []struct {
		name      string
		err       error
		retry     *target.Retry
		code      string
		attempts  int // 0: any number above 100
		exhausted string
	}{
		{"no permission", coded("AccessDeniedException", 403), nil, "NO_PERMISSIONS", 1, ""},
		{"no function", coded("ResourceNotFoundException", 404), nil, "NO_RESOURCE", 1, ""},
		{"no queue", coded("QueueDoesNotExist", 400), nil, "NO_RESOURCE", 1, ""},
		{"not there yet", coded("NotImplemented", 501), nil, "SDK_CLIENT_ERROR", 1, ""},
		{"bad input", coded("InvalidParameterValueException", 400), nil, "INVALID_PARAMETER", 1, ""},
		{"bad JSON", coded("InvalidRequestContentException", 400), nil, "INVALID_JSON", 1, ""},
		{"too large", coded("RequestTooLargeException", 413), nil, "INVALID_PARAMETER", 1, ""},
		{"who knows", coded("Odd", 418), nil, "SDK_CLIENT_ERROR", 1, ""},
		{"throttled", coded("TooManyRequestsException", 429), &target.Retry{Retries: 3}, "THROTTLING", 4, "MaximumRetryAttempts"},
		{"throttled with 400", coded("ThrottlingException", 400), &target.Retry{Retries: 2}, "THROTTLING", 3, "MaximumRetryAttempts"},
		{"no retries", coded("ServiceException", 500), &target.Retry{Retries: 0}, "ERROR_FROM_TARGET", 1, "MaximumRetryAttempts"},
		{"busy", coded("ResourceConflictException", 409), &target.Retry{Retries: 1}, "RESOURCE_MODIFICATION_COLLISION", 2, "MaximumRetryAttempts"},
		{"limit", coded("ExecutionLimitExceeded", 400), &target.Retry{Retries: 1}, "RESOURCE_LIMIT_EXCEEDED", 2, "MaximumRetryAttempts"},
		{"our own", errors.New("the text"), &target.Retry{Retries: 1}, "INTERNAL_ERROR", 2, "MaximumRetryAttempts"},
		{"timeout", context.DeadlineExceeded, &target.Retry{Retries: 1}, "TIMEOUT", 2, "MaximumRetryAttempts"},
		{"old", coded("ServiceException", 500), &target.Retry{Retries: 185, MaxAge: time.Minute}, "ERROR_FROM_TARGET", -1, "MaximumEventAgeInSeconds"},
		{"default", coded("ServiceException", 500), nil, "ERROR_FROM_TARGET", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlatform(t)
			p.answer = func(_ int, got call) error {
				if got.op.Service == "lambda" {
					return c.err
				}
				return nil
			}
			calls := p.deliver(target.Delivery{Target: function, Body: []byte(`"transformed"`), Retry: c.retry,
				DeadLetter: &target.DeadLetter{ARN: dlq, Body: []byte(`"as it came"`)}}, 48*time.Hour)
			tried, dead := calls[:len(calls)-1], calls[len(calls)-1]
			for i, tr := range tried {
				if tr.id.Request.ID != tried[0].id.Request.ID {
					t.Error("attempts have different keys")
				}
				if i > 0 && (tr.at-tried[i-1].at > 10*time.Minute+time.Second || tr.at == tried[i-1].at) {
					t.Errorf("attempt %d at %v, after %v", i+1, tr.at, tried[i-1].at)
				}
			}
			end := tried[len(tried)-1].at
			switch {
			case c.attempts > 0 && len(tried) != c.attempts:
				t.Errorf("%d attempts, want %d", len(tried), c.attempts)
			case c.attempts < 0 && (end != c.retry.MaxAge || len(tried) < 4):
				t.Errorf("%d attempts until %v, want until %v", len(tried), end, c.retry.MaxAge)
			case c.attempts == 0 && (len(tried) < 150 || len(tried) > 186 || end < 18*time.Hour || end > 24*time.Hour):
				t.Errorf("%d attempts until %v", len(tried), end)
			}
			message := dead.in.(*sqsapi.SendMessageRequest)
			if message.MessageBody != `"as it came"` || !strings.HasSuffix(message.QueueUrl, "/111111111111/dead") {
				t.Errorf("%+v", message)
			}
			got := map[string]string{}
			for name, a := range message.MessageAttributes {
				got[name] = *a.StringValue
			}
			want := map[string]string{"RULE_ARN": rule, "TARGET_ARN": function, "ERROR_CODE": c.code, "ERROR_MESSAGE": "the text"}
			if c.code == "TIMEOUT" {
				want["ERROR_MESSAGE"] = c.err.Error()
			}
			if c.name == "default" {
				c.exhausted = got["EXHAUSTED_RETRY_CONDITION"] // whichever comes first
			}
			if c.exhausted != "" {
				want["EXHAUSTED_RETRY_CONDITION"], want["RETRY_ATTEMPTS"] = c.exhausted, fmt.Sprint(len(tried)-1)
			}
			if !maps.Equal(got, want) {
				t.Errorf("attributes %v, want %v", got, want)
			}
			var ends []target.End
			for _, o := range p.outcomes {
				ends = append(ends, o.End)
			}
			slices.Sort(ends) // the dead letter may be delivered before the end of its event is told
			wantEnds := append([]target.End{target.Delivered}, slices.Repeat([]target.End{target.Again}, len(tried)-1)...)
			if !slices.Equal(ends, append(wantEnds, target.Dead)) {
				t.Errorf("outcomes %v", ends)
			}
		})
	}
}

// Without a dead-letter queue the event is dropped, and so it is when the queue fails.
func TestDropped(t *testing.T) {
	for _, d := range []target.Delivery{
		{Target: function, Retry: &target.Retry{Retries: 1}},
		{Target: function, Retry: &target.Retry{Retries: 1}, DeadLetter: &target.DeadLetter{ARN: dlq}},
	} {
		p := newPlatform(t)
		p.answer = func(int, call) error { return aws.Errorf("AccessDenied", 403, "no") }
		p.deliver(d, time.Hour)
		dropped := 0
		for _, o := range p.outcomes {
			if o.End == target.Dropped && o.Code == "NO_PERMISSIONS" {
				dropped++
			}
		}
		if dropped != 1 {
			t.Errorf("%+v", p.outcomes)
		}
	}
}

// With a role the call is the role's; when it cannot be assumed, that is a failure of the delivery.
func TestRole(t *testing.T) {
	const role = "arn:aws:iam::000000000000:role/r"
	p := newPlatform(t)
	got := p.deliver(target.Delivery{Target: function, Role: role}, 0)[0].id
	if got.Kind != aws.AssumedRole || got.RoleARN != role || got.Account != "000000000000" || got.Region != "eu-west-1" || got.Request.ID == "" {
		t.Errorf("%+v", got)
	}
	for code, err := range map[string]error{
		"FAILED_TO_ASSUME_ROLE": aws.Errorf("AccessDenied", 403, "no"),
		"TRANSIENT_ASSUME_ROLE": aws.Errorf("ServiceUnavailable", 503, "later"),
	} {
		p := newPlatform(t)
		p.assume = err
		calls := p.deliver(target.Delivery{Target: function, Role: role, Retry: &target.Retry{Retries: 1}, DeadLetter: &target.DeadLetter{ARN: dlq}}, time.Hour)
		if len(calls) != 1 {
			t.Fatalf("%+v", calls)
		}
		attrs := calls[0].in.(*sqsapi.SendMessageRequest).MessageAttributes
		if *attrs["ERROR_CODE"].StringValue != code || calls[0].id.Kind != aws.ServicePrincipal {
			t.Errorf("%s: %+v by %+v", code, attrs, calls[0].id)
		}
	}
}

// An execution that exists already was started by an earlier attempt.
func TestExecutionAlreadyExists(t *testing.T) {
	p := newPlatform(t)
	p.answer = func(n int, _ call) error {
		if n == 1 {
			return aws.Errorf("InternalFailure", 500, "died after the effect")
		}
		return &sfnapi.ExecutionAlreadyExists{Message: "twice"}
	}
	calls := p.deliver(target.Delivery{Target: "arn:aws:states:eu-west-1:111111111111:stateMachine:m"}, time.Hour)
	if len(calls) != 2 || p.outcomes[1].End != target.Delivered {
		t.Errorf("%d calls, outcomes %+v", len(calls), p.outcomes)
	}
}

// The stream of a sender is made when it is not there; a group that is not there is a failure for good.
func TestLogStream(t *testing.T) {
	for _, c := range []struct {
		streams, groups bool
		want            []string
		end             target.End
	}{
		{false, true, []string{"logs:PutLogEvents", "logs:CreateLogStream", "logs:PutLogEvents"}, target.Delivered},
		{true, true, []string{"logs:PutLogEvents"}, target.Delivered},
		{false, false, []string{"logs:PutLogEvents", "logs:CreateLogStream"}, target.Dropped},
	} {
		p := newPlatform(t)
		p.answer = func(n int, got call) error {
			if got.op.Name == "CreateLogStream" && !c.groups || got.op.Name == "PutLogEvents" && !c.streams && n == 1 {
				return aws.Errorf("ResourceNotFoundException", 400, "no")
			}
			return nil
		}
		var ops []string
		for _, got := range p.deliver(target.Delivery{Target: "arn:aws:logs:eu-west-1:111111111111:log-group:g", Body: []byte("m")}, time.Hour) {
			ops = append(ops, got.op.String())
		}
		if !slices.Equal(ops, c.want) || p.outcomes[0].End != c.end {
			t.Errorf("%v, outcomes %+v", ops, p.outcomes)
		}
	}
	p := newPlatform(t)
	p.out = &logsapi.PutLogEventsResponse{RejectedLogEventsInfo: &logsapi.RejectedLogEventsInfo{TooOldLogEventEndIndex: ptr(int32(1))}}
	p.deliver(target.Delivery{Target: "arn:aws:logs:eu-west-1:111111111111:log-group:g", Body: []byte("m")}, 0)
	if p.outcomes[0].Code != "INVALID_PARAMETER" {
		t.Errorf("%+v", p.outcomes)
	}
}

// An entry that PutEvents refuses is a failure, of the sort that its code says.
func TestRefusedEntry(t *testing.T) {
	for code, want := range map[string]target.Outcome{
		"ThrottlingException":             {Code: "THROTTLING", End: target.Again},
		"InternalFailure":                 {Code: "ERROR_FROM_TARGET", End: target.Again},
		"NotAuthorizedForSourceException": {Code: "NO_PERMISSIONS", End: target.Dropped},
		"MalformedDetail":                 {Code: "INVALID_JSON", End: target.Dropped},
	} {
		p := newPlatform(t)
		p.out = &eventbridgeapi.PutEventsResponse{FailedEntryCount: ptr(int32(1)),
			Entries: []eventbridgeapi.PutEventsResultEntry{{ErrorCode: &code, ErrorMessage: ptr("no")}}}
		p.deliver(target.Delivery{Target: bus, Body: []byte(`{"detail":{}}`)}, 0)
		if got := p.outcomes[0]; got.Code != want.Code || got.End != want.End {
			t.Errorf("%s: %+v", code, got)
		}
	}
	p := newPlatform(t)
	if calls := p.deliver(target.Delivery{Target: bus, Body: []byte(`no JSON`)}, 0); len(calls) != 0 || p.outcomes[0].Code != "INVALID_JSON" {
		t.Errorf("%v %+v", calls, p.outcomes)
	}
}

// Deliveries with an Order are made one after another.
func TestOrder(t *testing.T) {
	p := newPlatform(t)
	p.answer = func(n int, _ call) error {
		if n <= 2 {
			return aws.Errorf("ServiceException", 500, "later")
		}
		return nil
	}
	var ds []target.Delivery
	for i := range 5 {
		ds = append(ds, target.Delivery{Target: queue, Body: fmt.Append(nil, i), GroupID: "g", Order: queue + "/g", From: from})
	}
	if err := p.send(ds...); err != nil {
		t.Fatal(err)
	}
	if _, err := p.clock.Advance(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.calls {
		got = append(got, c.in.(*sqsapi.SendMessageRequest).MessageBody)
	}
	if want := []string{"0", "0", "0", "1", "2", "3", "4"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
