// Package sourcetest has queues in memory, for tests of those who read queues: what SQS promises of visibility, of long
// polls and of the groups of FIFO queues, and nothing else.
package sourcetest

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
)

// Queues is SQS with as many queues as messages are sent to. It implements those operations of sqsapi.Handler that reading
// takes, and SendMessage.
type Queues struct {
	sqsapi.Handler
	Clock      clock.Clock
	Visibility time.Duration // of all queues; 0: 30 seconds
	// Fail, when not nil, is asked before each call.
	Fail func(op string) error

	mu      sync.Mutex
	queues  map[string][]*message
	serial  int
	changed chan struct{}
	calls   map[string]int
	sizes   []int // of receives that gave something
}

type message struct {
	id, body, group string
	trace           string
	attributes      map[string]sqsapi.MessageAttributeValue
	visible         time.Time
	receives        int
	receipt         string
}

// New returns SQS without any message.
func New(c clock.Clock) *Queues {
	return &Queues{Clock: c, queues: map[string][]*message{}, changed: make(chan struct{}), calls: map[string]int{}}
}

func nameOf(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

func (q *Queues) call(op string) error {
	q.mu.Lock()
	q.calls[op]++
	fail := q.Fail
	q.mu.Unlock()
	if fail != nil {
		return fail(op)
	}
	return nil
}

// Calls is how often an operation was called.
func (q *Queues) Calls(op string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.calls[op]
}

// Left are the bodies of the messages of a queue, visible or not.
func (q *Queues) Left(name string) (bodies []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.queues[name] {
		bodies = append(bodies, m.body)
	}
	return bodies
}

// Send puts a message into a queue.
func (q *Queues) Send(name, group, body string) {
	q.put(name, &message{body: body, group: group})
}

func (q *Queues) put(name string, m *message) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.serial++
	m.id = fmt.Sprintf("%08x-0000-4000-8000-000000000000", q.serial)
	q.queues[name] = append(q.queues[name], m)
	close(q.changed)
	q.changed = make(chan struct{})
	return m.id
}

// SendMessage is part of sqsapi.Handler.
func (q *Queues) SendMessage(_ context.Context, id aws.Identity, in *sqsapi.SendMessageRequest) (*sqsapi.SendMessageResult, error) {
	if err := q.call("SendMessage"); err != nil {
		return nil, err
	}
	m := &message{body: in.MessageBody, trace: id.Request.Trace, attributes: in.MessageAttributes}
	if in.MessageGroupId != nil {
		m.group = *in.MessageGroupId
	}
	if t := in.MessageSystemAttributes["AWSTraceHeader"]; t.StringValue != nil {
		m.trace = *t.StringValue
	}
	message := q.put(nameOf(in.QueueUrl), m)
	return &sqsapi.SendMessageResult{MessageId: &message}, nil
}

// GetQueueAttributes is part of sqsapi.Handler.
func (q *Queues) GetQueueAttributes(_ context.Context, _ aws.Identity, in *sqsapi.GetQueueAttributesRequest) (*sqsapi.GetQueueAttributesResult, error) {
	if err := q.call("GetQueueAttributes"); err != nil {
		return nil, err
	}
	if strings.HasPrefix(nameOf(in.QueueUrl), "no-") {
		return nil, &aws.CodedError{Info: aws.ErrorInfo{Code: "QueueDoesNotExist", Query: "AWS.SimpleQueueService.NonExistentQueue", Status: 400,
			Message: "The specified queue does not exist."}}
	}
	return &sqsapi.GetQueueAttributesResult{Attributes: map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(q.visibility() / time.Second))}}, nil
}

func (q *Queues) visibility() time.Duration {
	if q.Visibility == 0 {
		return 30 * time.Second
	}
	return q.Visibility
}

// ReceiveMessage is part of sqsapi.Handler.
func (q *Queues) ReceiveMessage(ctx context.Context, _ aws.Identity, in *sqsapi.ReceiveMessageRequest) (*sqsapi.ReceiveMessageResult, error) {
	if err := q.call("ReceiveMessage"); err != nil {
		return nil, err
	}
	most, wait := 1, time.Duration(0)
	if in.MaxNumberOfMessages != nil {
		most = int(*in.MaxNumberOfMessages)
	}
	if in.WaitTimeSeconds != nil {
		wait = time.Duration(*in.WaitTimeSeconds) * time.Second
	}
	for end := q.Clock.Now().Add(wait); ; {
		list, next, changed := q.take(nameOf(in.QueueUrl), most)
		if len(list) > 0 || !q.Clock.Now().Before(end) {
			return &sqsapi.ReceiveMessageResult{Messages: list}, nil
		}
		if next.IsZero() || end.Before(next) {
			next = end
		}
		reached, stop := q.Clock.Until(next)
		clock.Waits(ctx)
		select {
		case <-reached:
		case <-changed:
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		}
		defer stop()
	}
}

// take receives visible messages; next is when another becomes visible.
func (q *Queues) take(name string, most int) (list []sqsapi.Message, next time.Time, changed chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, locked := q.Clock.Now(), map[string]bool{}
	fifo := strings.HasSuffix(name, ".fifo")
	for _, m := range q.queues[name] {
		if now.Before(m.visible) {
			locked[m.group] = true
			if next.IsZero() || m.visible.Before(next) {
				next = m.visible
			}
		}
	}
	for _, m := range q.queues[name] {
		if len(list) == most || now.Before(m.visible) || fifo && locked[m.group] {
			continue
		}
		m.visible = now.Add(q.visibility())
		m.receives++
		m.receipt = fmt.Sprint(m.id, "#", m.receives)
		list = append(list, m.render())
	}
	if len(list) > 0 {
		q.sizes = append(q.sizes, len(list))
	}
	return list, next, q.changed
}

func (m *message) render() sqsapi.Message {
	sum := md5.Sum([]byte(m.body))
	text := hex.EncodeToString(sum[:])
	id, receipt, body := m.id, m.receipt, m.body
	out := sqsapi.Message{MessageId: &id, ReceiptHandle: &receipt, Body: &body, MD5OfBody: &text, MessageAttributes: m.attributes,
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives), "SenderId": "AIDA", "SentTimestamp": "1",
			"ApproximateFirstReceiveTimestamp": "2"}}
	if m.group != "" {
		out.Attributes["MessageGroupId"] = m.group
	}
	if m.trace != "" {
		out.Attributes["AWSTraceHeader"] = m.trace
	}
	return out
}

// DeleteMessageBatch is part of sqsapi.Handler.
func (q *Queues) DeleteMessageBatch(_ context.Context, _ aws.Identity, in *sqsapi.DeleteMessageBatchRequest) (*sqsapi.DeleteMessageBatchResult, error) {
	if err := q.call("DeleteMessageBatch"); err != nil {
		return nil, err
	}
	if len(in.Entries) == 0 || len(in.Entries) > 10 {
		return nil, aws.Errorf("EmptyBatchRequest", 400, "%d entries", len(in.Entries))
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	name, now, out := nameOf(in.QueueUrl), q.Clock.Now(), &sqsapi.DeleteMessageBatchResult{}
	for _, e := range in.Entries {
		kept := q.queues[name][:0]
		for _, m := range q.queues[name] {
			if m.receipt != e.ReceiptHandle || strings.HasSuffix(name, ".fifo") && !now.Before(m.visible) {
				kept = append(kept, m)
			}
		}
		q.queues[name] = kept
		out.Successful = append(out.Successful, sqsapi.DeleteMessageBatchResultEntry{Id: e.Id})
	}
	close(q.changed)
	q.changed = make(chan struct{})
	return out, nil
}
