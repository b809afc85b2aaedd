package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/sandbox"
)

const (
	busARN   = "arn:aws:events:us-east-1:000000000000:event-bus/b"
	queueARN = "arn:aws:sqs:us-east-1:000000000000:q"
)

// settings sets how events are handled that wait for f.
func (r *rig) settings(name string, retries, age *int32, success, failure string) {
	r.t.Helper()
	in := &lambdaapi.PutFunctionEventInvokeConfigRequest{FunctionName: name, MaximumRetryAttempts: retries, MaximumEventAgeInSeconds: age,
		DestinationConfig: &lambdaapi.DestinationConfig{}}
	if success != "" {
		in.DestinationConfig.OnSuccess = &lambdaapi.OnSuccess{Destination: &success}
	}
	if failure != "" {
		in.DestinationConfig.OnFailure = &lambdaapi.OnFailure{Destination: &failure}
	}
	if _, err := r.client.PutFunctionEventInvokeConfig(r.t.Context(), alice, in); err != nil {
		r.t.Fatal(err)
	}
}

func number(n int32) *int32 { return &n }

// runs notes when a function ran, and with which request id.
type runs struct {
	mu  sync.Mutex
	at  []time.Duration
	ids map[string]bool
}

func (n *runs) note(r *rig, in *sandbox.Invocation) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ids == nil {
		n.ids = map[string]bool{}
	}
	n.at = append(n.at, r.clock.Now().Sub(noon))
	n.ids[in.ID] = true
	return len(n.at)
}

func (n *runs) times() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return fmt.Sprint(n.at, " ", len(n.ids))
}

func TestAsyncSuccess(t *testing.T) {
	r := newRig(t, options{})
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) {
		return map[string]int{"done": 1}, nil
	})
	r.create("f", nil)
	r.settings("f", nil, nil, busARN, "")
	r.later("f", `{"a": 1}`)
	r.advance(0)
	want := regexp.MustCompile(`^events lambda \| Lambda Function Invocation Result - Success \| ` +
		`\[arn:aws:events:us-east-1:000000000000:event-bus/b arn:aws:lambda:us-east-1:000000000000:function:f:\$LATEST\] \| ` +
		`\{"version":"1.0","timestamp":"2026-11-01T12:00:00.000Z","requestContext":\{"requestId":"[0-9a-f-]{36}",` +
		`"functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:\$LATEST","condition":"Success","approximateInvokeCount":1\},` +
		`"requestPayload":\{"a":1\},"responseContext":\{"statusCode":200,"executedVersion":"\$LATEST"\},"responsePayload":\{"done":1\}\} \| ` + role + `$`)
	if got := r.out(); len(got) != 1 || !want.MatchString(got[0]) {
		t.Errorf("sent %q", got)
	}
}

// A function that fails runs again after one minute and after two more, with the same request id. Then its event goes to
// the failure handler and to the dead-letter queue.
func TestAsyncRetries(t *testing.T) {
	r := newRig(t, options{})
	var n runs
	r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
		n.note(r, in)
		return nil, errors.New("broken")
	})
	records := make(chan string, 1)
	r.stage.on("onfailure", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
		records <- string(in.Payload)
		return nil, nil
	})
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) {
		queue := queueARN
		in.DeadLetterConfig = &lambdaapi.DeadLetterConfig{TargetArn: &queue}
	})
	r.create("onfailure", nil)
	r.settings("f", nil, nil, "", functionARN("onfailure"))
	r.later("f", `{"a":1}`)
	r.advance(time.Hour)
	if got := n.times(); got != "[0s 1m0s 3m0s] 1" {
		t.Errorf("ran at %s", got)
	}
	want := `{"version":"1.0","timestamp":"2026-11-01T12:03:00.000Z","requestContext":{"requestId":"ID","functionArn":"` + functionARN("f:$LATEST") +
		`","condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":{"a":1},"responseContext":{"statusCode":200,` +
		`"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"broken","errorType":"Error"}}`
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
	if got := id.ReplaceAllString(<-records, "ID"); got != want {
		t.Errorf("record %s\nwant %s", got, want)
	}
	if got := id.ReplaceAllString(strings.Join(r.out(), ""), "ID"); got != `sqs {"a":1} RequestID=ID ErrorCode=200 ErrorMessage=broken` {
		t.Errorf("dead letter %s", got)
	}
}

func TestAsyncSettings(t *testing.T) {
	for name, c := range map[string]struct {
		retries *int32
		want    string
	}{"none": {number(0), "[0s] 1"}, "one": {number(1), "[0s 1m0s] 1"}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options{})
			var n runs
			r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
				n.note(r, in)
				return nil, errors.New("broken")
			})
			r.create("f", nil)
			r.settings("f", c.retries, number(21_600), "", busARN)
			r.later("f", "{}")
			r.advance(time.Hour)
			if got := n.times(); got != c.want {
				t.Errorf("ran at %s, want %s", got, c.want)
			}
			if got := r.out(); len(got) != 1 || !strings.Contains(got[0], "Invocation Result - Failure") {
				t.Errorf("sent %v", got)
			}
		})
	}
}

// An event for which there is no room is tried again, ever more seldom, until it is too old.
func TestAsyncThrottled(t *testing.T) {
	r := newRig(t, options{})
	inside, leave := make(chan struct{}), make(chan struct{})
	var n runs
	r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
		if string(in.Payload) == `"hold"` {
			close(inside)
			<-leave
			return nil, nil
		}
		n.note(r, in)
		return nil, nil
	})
	r.create("f", nil)
	r.settings("f", nil, number(60), "", busARN)
	if _, err := r.client.PutFunctionConcurrency(t.Context(), alice,
		&lambdaapi.PutFunctionConcurrencyRequest{FunctionName: "f", ReservedConcurrentExecutions: 1}); err != nil {
		t.Fatal(err)
	}
	var held sync.WaitGroup
	held.Go(func() { r.must("f", `"hold"`, nil) })
	<-inside
	r.later("f", `"late"`)
	r.advance(59 * time.Second)
	if n.times() != "[] 0" || len(r.out()) != 0 {
		t.Errorf("ran at %s, sent %v", n.times(), r.out())
	}
	r.later("f", `"next"`)
	r.advance(time.Second)
	if got := r.out(); len(got) != 1 || !strings.Contains(got[0], `"condition":"EventAgeExceeded","approximateInvokeCount":0}`) ||
		!strings.Contains(got[0], `"requestPayload":"late","responseContext":{"statusCode":429}}`) {
		t.Errorf("sent %v", got)
	}
	close(leave)
	held.Wait()
	r.advance(time.Minute)
	if got := n.times(); !strings.HasSuffix(got, "] 1") || got == "[] 1" {
		t.Errorf("with room again: ran at %s", got)
	}
}

func TestAsyncZeroReserved(t *testing.T) {
	r := newRig(t, options{})
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) {
		t.Error("it ran")
		return nil, nil
	})
	queue := queueARN
	r.create("f", func(in *lambdaapi.CreateFunctionRequest) {
		in.DeadLetterConfig = &lambdaapi.DeadLetterConfig{TargetArn: &queue}
	})
	r.settings("f", nil, nil, "", busARN)
	if _, err := r.client.PutFunctionConcurrency(t.Context(), alice,
		&lambdaapi.PutFunctionConcurrencyRequest{FunctionName: "f"}); err != nil {
		t.Fatal(err)
	}
	r.later("f", "{}")
	r.advance(0)
	got := strings.Join(r.out(), "\n")
	if !strings.Contains(got, `"condition":"ZeroReservedConcurrency","approximateInvokeCount":0},"requestPayload":{}}`) || !strings.Contains(got, "sqs {} RequestID=") {
		t.Errorf("sent %s", got)
	}
}

// An invocation that the platform's own end interrupts runs again, and was no attempt.
func TestAsyncSurvivesTheEndOfBrume(t *testing.T) {
	r := newRig(t, options{})
	inside := make(chan struct{})
	r.stage.on("f", func(ctx context.Context, _ *sandbox.Invocation, e *performer) (any, error) {
		close(inside)
		<-e.gone
		return nil, nil
	})
	r.create("f", nil)
	r.settings("f", number(0), nil, busARN, busARN)
	r.later("f", "{}")
	go func() { _, _ = r.clock.Advance(context.Background(), 0) }()
	<-inside
	r.stop()
	if got := r.out(); len(got) != 0 {
		t.Fatalf("sent at the end: %v", got)
	}
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) { return "second life", nil })
	again := newRig(t, options{keep: r})
	again.advance(time.Minute)
	if got := again.out(); len(got) != 1 || !strings.Contains(got[0], `"condition":"Success","approximateInvokeCount":1}`) {
		t.Errorf("sent %v", got)
	}
}

// Events for a function that is gone go with it, also when another has its name.
func TestAsyncFunctionGone(t *testing.T) {
	r := newRig(t, options{})
	var n runs
	r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
		n.note(r, in)
		return nil, errors.New("again")
	})
	r.create("f", nil)
	r.later("f", "{}")
	r.advance(time.Second)
	if _, err := r.client.DeleteFunction(t.Context(), alice, &lambdaapi.DeleteFunctionRequest{FunctionName: "f"}); err != nil {
		t.Fatal(err)
	}
	r.create("f", nil)
	r.advance(time.Hour)
	if got := n.times(); got != "[0s] 1" {
		t.Errorf("ran at %s", got)
	}
}

// The largest event goes through the queue, on stores that are spread and on those that do all that they may.
func TestAsyncOnOtherStores(t *testing.T) {
	for name, open := range otherStores() {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options{store: open})
			sizes := make(chan int, 10)
			r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
				sizes <- len(in.Payload)
				return nil, nil
			})
			r.create("f", nil)
			payload, err := json.Marshal(strings.Repeat("x", 1_048_574))
			if err != nil {
				t.Fatal(err)
			}
			r.later("f", string(payload))
			r.advance(time.Second)
			if got := <-sizes; got != 1_048_576 {
				t.Errorf("%d bytes arrived", got)
			}
		})
	}
}
