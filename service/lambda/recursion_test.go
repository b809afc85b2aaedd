package lambda_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/sandbox"
)

// A function that sends a message to the queue that invokes it runs 16 times, unless it may do so for ever.
func TestRecursion(t *testing.T) {
	for _, loop := range []lambdaapi.RecursiveLoop{"Terminate", "Allow"} {
		t.Run(string(loop), func(t *testing.T) {
			r := newRig(t, options{queues: true})
			var mu sync.Mutex
			n := 0
			r.stage.on("f", func(ctx context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
				mu.Lock()
				n++
				again := n < 40
				mu.Unlock()
				if !again {
					return nil, nil
				}
				id := alice
				id.Request.Trace = in.TraceID // as the SDKs pass it on
				_, err := sqsapi.NewClient(r.table).SendMessage(ctx, id, &sqsapi.SendMessageRequest{QueueUrl: "https://x/q", MessageBody: "again"})
				return nil, err
			})
			r.create("f", nil)
			if _, err := r.client.PutFunctionRecursionConfig(t.Context(), alice, &lambdaapi.PutFunctionRecursionConfigRequest{FunctionName: "f",
				RecursiveLoop: loop}); err != nil {
				t.Fatal(err)
			}
			if out, err := r.client.GetFunctionRecursionConfig(t.Context(), alice, &lambdaapi.GetFunctionRecursionConfigRequest{FunctionName: "f"}); err != nil || out.RecursiveLoop != loop {
				t.Errorf("%+v, %v", out, err)
			}
			r.mapQueue("q", "f", nil)
			r.queues.Send("q", "", "first")
			r.advance(time.Minute)
			want, left := 16, 1
			if loop == "Allow" {
				want, left = 40, 0
			}
			if n != want || len(r.queues.Left("q")) != left {
				t.Errorf("ran %d times, left %v", n, r.queues.Left("q"))
			}
		})
	}
}

// A function that invokes itself is stopped with an error that it sees; asynchronously the event goes where failures go.
func TestRecursionByInvoke(t *testing.T) {
	for _, kind := range []lambdaapi.InvocationType{"RequestResponse", "Event"} {
		t.Run(string(kind), func(t *testing.T) {
			r := newRig(t, options{})
			var mu sync.Mutex
			n, code := 0, ""
			r.stage.on("f", func(ctx context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
				mu.Lock()
				n++
				mu.Unlock()
				id := alice
				id.Request.Trace = in.TraceID
				_, err := r.client.Invoke(ctx, id, &lambdaapi.InvocationRequest{FunctionName: "f", InvocationType: kind, Payload: []byte(`{"n":1}`)})
				if err != nil {
					mu.Lock()
					code = aws.CodeOf(err)
					mu.Unlock()
				}
				return nil, nil
			})
			queue := queueARN
			r.create("f", func(in *lambdaapi.CreateFunctionRequest) {
				in.DeadLetterConfig = &lambdaapi.DeadLetterConfig{TargetArn: &queue}
			})
			r.must("f", "{}", nil)
			r.advance(0)
			if n != 16 {
				t.Errorf("ran %d times", n)
			}
			if kind == "RequestResponse" && code != "RecursiveInvocationException" {
				t.Errorf("stopped by %q", code)
			}
			if got := strings.Join(r.out(), ""); kind == "Event" && !strings.HasPrefix(got, `sqs {"n":1} RequestID=`) {
				t.Errorf("dead letter %q", got)
			}
		})
	}
}
