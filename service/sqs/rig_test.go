package sqs_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sqs"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1", ARN: "arn:aws:iam::111122223333:root",
		Request: aws.Request{Endpoint: "http://localhost:4566"}}
)

const arnOf = "arn:aws:sqs:eu-west-1:111122223333:"

// rig is a service on a store whose shards are apart and whose closures run again and again.
type rig struct {
	*sqs.Service
	t     testing.TB
	clock *clock.Virtual
	store store.Store
	timer *timer.Runner
}

func newRig(t testing.TB) *rig {
	c := clock.Frozen(start)
	return rigOn(t, c, storetest.Shaken(storetest.Split(c, 5), 1))
}

func rigOn(t testing.TB, c *clock.Virtual, st store.Store) *rig {
	t.Helper()
	r := &rig{t: t, clock: c, store: st, timer: timer.New(timer.Config{Store: st, Clock: c, Drain: time.Millisecond})}
	var err error
	r.Service, err = sqs.New(sqs.Config{Store: st, Clock: c, Timer: r.timer, Rand: rand.Reader, URL: func() string { return "http://inside" }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.timer.Run(ctx) }()
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { cancel(); <-done }) })
	r.settle()
	return r
}

func (r *rig) settle() {
	r.t.Helper()
	if err := r.timer.Settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	if _, err := r.clock.Advance(r.t.Context(), d); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// create makes a queue; attributes are names and values in turn.
func (r *rig) create(name string, attributes ...string) string {
	r.t.Helper()
	in := &sqsapi.CreateQueueRequest{QueueName: name, Attributes: pairs(attributes)}
	out, err := r.CreateQueue(r.t.Context(), me, in)
	r.ok(err)
	return *out.QueueUrl
}

func (r *rig) fifo(name string, attributes ...string) string {
	r.t.Helper()
	return r.create(name+".fifo", append(attributes, "FifoQueue", "true")...)
}

func pairs(list []string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		out[list[i]] = list[i+1]
	}
	return out
}

func (r *rig) send(url, body string) string {
	r.t.Helper()
	out, err := r.SendMessage(r.t.Context(), me, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: body})
	r.ok(err)
	return *out.MessageId
}

// sendTo sends to a group, with a deduplication id unless it is "".
func (r *rig) sendTo(url, group, dedup, body string) *sqsapi.SendMessageResult {
	r.t.Helper()
	in := &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: body, MessageGroupId: &group}
	if dedup != "" {
		in.MessageDeduplicationId = &dedup
	}
	out, err := r.SendMessage(r.t.Context(), me, in)
	r.ok(err)
	return out
}

// receive receives up to n messages, with all attributes.
func (r *rig) receive(url string, n int32, change ...func(*sqsapi.ReceiveMessageRequest)) []sqsapi.Message {
	r.t.Helper()
	in := &sqsapi.ReceiveMessageRequest{QueueUrl: url, MaxNumberOfMessages: &n, MessageSystemAttributeNames: []string{"All"}, MessageAttributeNames: []string{"All"}}
	for _, f := range change {
		f(in)
	}
	out, err := r.ReceiveMessage(r.t.Context(), me, in)
	r.ok(err)
	return out.Messages
}

func hidden(seconds int32) func(*sqsapi.ReceiveMessageRequest) {
	return func(in *sqsapi.ReceiveMessageRequest) { in.VisibilityTimeout = &seconds }
}

func (r *rig) delete(url string, m sqsapi.Message) {
	r.t.Helper()
	_, err := r.DeleteMessage(r.t.Context(), me, &sqsapi.DeleteMessageRequest{QueueUrl: url, ReceiptHandle: *m.ReceiptHandle})
	r.ok(err)
}

func (r *rig) hide(url string, m sqsapi.Message, seconds int32) error {
	_, err := r.ChangeMessageVisibility(r.t.Context(), me, &sqsapi.ChangeMessageVisibilityRequest{QueueUrl: url, ReceiptHandle: *m.ReceiptHandle, VisibilityTimeout: seconds})
	return err
}

func (r *rig) attributes(url string, names ...string) map[string]string {
	r.t.Helper()
	out, err := r.GetQueueAttributes(r.t.Context(), me, &sqsapi.GetQueueAttributesRequest{QueueUrl: url, AttributeNames: names})
	r.ok(err)
	return out.Attributes
}

// counts checks the three counters.
func (r *rig) counts(url string, visible, flying, delayed int) {
	r.t.Helper()
	a := r.attributes(url, "All")
	got := fmt.Sprint(a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"])
	if want := fmt.Sprint(strconv.Itoa(visible), strconv.Itoa(flying), strconv.Itoa(delayed)); got != want {
		r.t.Errorf("%s: counts %s, want %s", url, got, want)
	}
}

func (r *rig) set(url string, attributes ...string) {
	r.t.Helper()
	_, err := r.SetQueueAttributes(r.t.Context(), me, &sqsapi.SetQueueAttributesRequest{QueueUrl: url, Attributes: pairs(attributes)})
	r.ok(err)
}

func bodies(ms []sqsapi.Message) []string {
	out := []string{}
	for _, m := range ms {
		out = append(out, *m.Body)
	}
	return out
}

// want checks the bodies of messages, in their order.
func (r *rig) want(ms []sqsapi.Message, want ...string) []sqsapi.Message {
	r.t.Helper()
	if fmt.Sprint(bodies(ms)) != fmt.Sprint(append([]string{}, want...)) {
		r.t.Fatalf("received %q, want %q", bodies(ms), want)
	}
	return ms
}

// wantCode checks the code of an error.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if got := aws.CodeOf(err); err == nil || got != code {
		t.Errorf("%v, want %s", err, code)
	}
}
