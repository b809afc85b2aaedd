package sns_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch"
	"github.com/brume-dev/brume/service/sns"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1", ARN: "arn:aws:iam::111122223333:root"}
	you   = aws.Identity{Kind: aws.Root, Account: "444455556666", Region: "eu-west-1", ARN: "arn:aws:iam::444455556666:root"}
	none  = aws.Identity{Kind: aws.Anonymous, Account: "000000000000", Region: "us-east-1"}
)

const (
	queueARN = "arn:aws:sqs:eu-west-1:111122223333:"
	topicARN = "arn:aws:sns:eu-west-1:111122223333:"
)

// sent is something that reached an endpoint.
type sent struct {
	to, body string
	at       time.Duration
	group    string
	dedup    string
	header   http.Header
	entry    *sqsapi.SendMessageBatchRequestEntry
}

// rig is the service with a world around it: queues and functions that take everything unless refuse says otherwise, and
// HTTP endpoints.
type rig struct {
	*sns.Service
	t     testing.TB
	clock *clock.Virtual
	store store.Store
	timer *timer.Runner
	table *dispatch.Table

	mu      sync.Mutex
	got     []sent
	batches int
	refuse  func(to, body string, n int) error // n counts the attempts at to
	status  func(url string, n int) int
	tries   map[string]int
	logged  map[string][]string
	policy  func(id aws.Identity, a []aws.Access) error
}

func newRig(t testing.TB) *rig {
	t.Helper()
	c := clock.Frozen(start)
	r := rigOn(t, c, storetest.Split(c, 5))
	r.run()
	return r
}

func rigOn(t testing.TB, c *clock.Virtual, st store.Store) *rig {
	t.Helper()
	r := &rig{t: t, clock: c, store: st, timer: timer.New(timer.Config{Store: st, Clock: c, Drain: time.Millisecond}), tries: map[string]int{}, logged: map[string][]string{}}
	var err error
	r.Service, err = sns.New(sns.Config{Store: st, Clock: c, Timer: r.timer, Caller: r, Roles: r, Policies: r, HTTP: r, Rand: rand.Reader,
		Links: func() string { return "http://127.0.0.1:4566" }, Certificates: func() string { return "https://127.0.0.1:4566/_aws/sns" }})
	if err != nil {
		t.Fatal(err)
	}
	r.table = dispatch.New(dispatch.Config{})
	r.table.Register(snsapi.Service, r.Service)
	return r
}

func (r *rig) run() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.timer.Run(ctx) }()
	r.t.Cleanup(func() { cancel(); <-done })
	r.settle()
}

func (r *rig) settle() {
	r.t.Helper()
	if err := r.timer.Settle(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	if _, err := r.clock.Advance(context.Background(), d); err != nil {
		r.t.Fatal(err)
	}
}

// take returns what has arrived since the last call.
func (r *rig) take() []sent {
	r.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// bodies are what has arrived, as "to body".
func (r *rig) bodies() (out []string) {
	for _, s := range r.take() {
		out = append(out, s.to+" "+s.body)
	}
	return out
}

func (r *rig) Call(ctx context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	if aws.InTx(ctx) {
		r.t.Error("a call in a transaction")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.clock.Now().Sub(start)
	switch in := in.(type) {
	case *sqsapi.SendMessageBatchRequest:
		if id.Kind != aws.ServicePrincipal || id.Service != "sns.amazonaws.com" || !strings.HasPrefix(id.SourceARN, topicARN) {
			r.t.Errorf("sent by %+v", id)
		}
		r.batches++
		name := in.QueueUrl[strings.LastIndexByte(in.QueueUrl, '/')+1:]
		out := &sqsapi.SendMessageBatchResult{}
		for _, e := range in.Entries {
			r.tries[name]++
			if r.refuse != nil {
				if err := r.refuse(name, e.MessageBody, r.tries[name]); err != nil {
					info := aws.InfoOf(err)
					out.Failed = append(out.Failed, sqsapi.BatchResultErrorEntry{Id: e.Id, Code: info.Code, Message: &info.Message, SenderFault: !info.Fault})
					continue
				}
			}
			s := sent{to: name, body: e.MessageBody, at: at, entry: &e}
			if e.MessageGroupId != nil {
				s.group = *e.MessageGroupId
			}
			if e.MessageDeduplicationId != nil {
				s.dedup = *e.MessageDeduplicationId
			}
			r.got = append(r.got, s)
			out.Successful = append(out.Successful, sqsapi.SendMessageBatchResultEntry{Id: e.Id})
		}
		return out, nil
	case *lambdaapi.InvocationRequest:
		r.tries[in.FunctionName]++
		if r.refuse != nil {
			if err := r.refuse(in.FunctionName, string(in.Payload), r.tries[in.FunctionName]); err != nil {
				return nil, err
			}
		}
		r.got = append(r.got, sent{to: in.FunctionName, body: string(in.Payload), at: at})
		return &lambdaapi.InvocationResponse{}, nil
	case *logsapi.PutLogEventsRequest:
		r.logged[in.LogGroupName] = append(r.logged[in.LogGroupName], in.LogEvents[0].Message)
		return &logsapi.PutLogEventsResponse{}, nil
	}
	return nil, fmt.Errorf("unexpected call of %v", op)
}

func (r *rig) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, errors.New("unexpected document")
}

func (r *rig) Assume(_ context.Context, service aws.Identity, role, _ string) (aws.Identity, aws.Credentials, error) {
	return aws.Identity{Kind: aws.AssumedRole, Account: service.Account, Region: service.Region, RoleARN: role}, aws.Credentials{}, nil
}

func (r *rig) Authorize(_ context.Context, id aws.Identity, a []aws.Access) error {
	if r.policy != nil {
		return r.policy(id, a)
	}
	return nil
}

// RoundTrip is the world of HTTP endpoints.
func (r *rig) RoundTrip(q *http.Request) (*http.Response, error) {
	b, _ := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	url := q.URL.String()
	r.tries[url]++
	status := 200
	if r.status != nil {
		status = r.status(url, r.tries[url])
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	if status < 400 {
		r.got = append(r.got, sent{to: url, body: string(b), at: r.clock.Now().Sub(start), header: q.Header})
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(bytes.NewReader(nil))}, nil
}

func text(s string) *string { return &s }

// topic makes a topic.
func (r *rig) topic(name string, attributes map[string]string) string {
	r.t.Helper()
	if strings.HasSuffix(name, ".fifo") {
		if attributes == nil {
			attributes = map[string]string{}
		}
		attributes["FifoTopic"] = "true"
	}
	out, err := r.CreateTopic(r.t.Context(), me, &snsapi.CreateTopicInput{Name: name, Attributes: attributes})
	if err != nil {
		r.t.Fatal(err)
	}
	return *out.TopicArn
}

// subscribe makes a subscription and returns what Subscribe answers.
func (r *rig) subscribe(topic, protocol, endpoint string, attributes map[string]string) string {
	r.t.Helper()
	out, err := r.Subscribe(r.t.Context(), me, &snsapi.SubscribeInput{TopicArn: topic, Protocol: protocol, Endpoint: &endpoint, Attributes: attributes})
	if err != nil {
		r.t.Fatal(err)
	}
	return *out.SubscriptionArn
}

func (r *rig) publish(in *snsapi.PublishInput) *snsapi.PublishResponse {
	r.t.Helper()
	out, err := r.Publish(r.t.Context(), me, in)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *rig) say(topic, body string) *snsapi.PublishResponse {
	r.t.Helper()
	return r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: body})
}

// fails checks the code of an error.
func (r *rig) fails(err error, code string) {
	r.t.Helper()
	if err == nil || aws.CodeOf(err) != code {
		r.t.Errorf("error %v, want %s", err, code)
	}
}

// document decodes an envelope.
func document(t testing.TB, body string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return v
}

func raw(more ...string) map[string]string {
	out := map[string]string{"RawMessageDelivery": "true"}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}
