package sqs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
)

func TestStandard(t *testing.T) {
	r := newRig(t)
	url := r.create("q", "VisibilityTimeout", "10")
	id := r.send(url, "one")
	r.counts(url, 1, 0, 0)
	ms := r.want(r.receive(url, 10), "one")
	a := ms[0].Attributes
	if *ms[0].MessageId != id || a["ApproximateReceiveCount"] != "1" || a["SenderId"] != me.Account || a["SentTimestamp"] != fmt.Sprint(start.UnixMilli()) ||
		a["ApproximateFirstReceiveTimestamp"] != a["SentTimestamp"] || len(a) != 4 {
		t.Errorf("attributes %v", a)
	}
	r.counts(url, 0, 1, 0)
	r.want(r.receive(url, 10))
	r.advance(10 * time.Second)
	r.counts(url, 1, 0, 0)
	again := r.want(r.receive(url, 10), "one")
	if again[0].Attributes["ApproximateReceiveCount"] != "2" || *again[0].ReceiptHandle == *ms[0].ReceiptHandle {
		t.Errorf("received again: %v", again[0].Attributes)
	}
	r.delete(url, ms[0]) // an old handle: nothing happens
	r.counts(url, 0, 1, 0)
	r.advance(10 * time.Second) // the last handle is good although the message is visible
	r.delete(url, again[0])
	r.counts(url, 0, 0, 0)
	r.delete(url, again[0]) // and may be used again
	r.want(r.receive(url, 10))
}

func TestDelays(t *testing.T) {
	r := newRig(t)
	url := r.create("q", "DelaySeconds", "5")
	r.send(url, "queue's")
	zero, long := int32(0), int32(900)
	for body, d := range map[string]*int32{"now": &zero, "late": &long} {
		_, err := r.SendMessage(t.Context(), me, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: body, DelaySeconds: d})
		r.ok(err)
	}
	r.counts(url, 1, 0, 2)
	r.delete(url, r.want(r.receive(url, 10), "now")[0])
	r.advance(5 * time.Second)
	r.counts(url, 1, 0, 1)
	r.delete(url, r.want(r.receive(url, 10), "queue's")[0])
	r.advance(895 * time.Second)
	r.delete(url, r.want(r.receive(url, 10), "late")[0])
	r.counts(url, 0, 0, 0)
}

func TestVisibility(t *testing.T) {
	r := newRig(t)
	url := r.create("q")
	r.send(url, "m")
	m := r.receive(url, 1)[0]
	r.ok(r.hide(url, m, 100))
	r.advance(99 * time.Second)
	r.want(r.receive(url, 1))
	r.ok(r.hide(url, m, 0))
	wantCode(t, r.hide(url, m, 10), "MessageNotInflight")
	m = r.want(r.receive(url, 1, hidden(43200)), "m")[0]
	r.advance(time.Hour)
	wantCode(t, r.hide(url, m, 43200), "InvalidParameterValue")
	r.ok(r.hide(url, m, 11*3600))
	wantCode(t, r.hide(url, m, 43201), "InvalidParameterValue")
	r.delete(url, m)
	wantCode(t, r.hide(url, m, 10), "InvalidParameterValue")
	r.send(url, "zero")
	r.want(r.receive(url, 1, hidden(0)), "zero")
	r.counts(url, 1, 0, 0)
	r.want(r.receive(url, 1, hidden(0)), "zero")
}

func TestRetention(t *testing.T) {
	r := newRig(t)
	url := r.create("q", "MessageRetentionPeriod", "60", "VisibilityTimeout", "1000")
	r.send(url, "flying")
	r.receive(url, 1)
	r.send(url, "waiting")
	late := int32(900)
	_, err := r.SendMessage(t.Context(), me, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: "delayed", DelaySeconds: &late})
	r.ok(err)
	r.sendTo(url, "g", "", "grouped")
	r.counts(url, 2, 1, 1)
	r.advance(59 * time.Second)
	r.counts(url, 2, 1, 1)
	r.advance(time.Second)
	r.counts(url, 0, 0, 0)
	r.send(url, "later")
	r.advance(30 * time.Second)
	r.set(url, "MessageRetentionPeriod", "120")
	r.advance(60 * time.Second)
	r.counts(url, 1, 0, 0)
	r.set(url, "MessageRetentionPeriod", "60")
	r.settle()
	r.counts(url, 0, 0, 0)
}

func TestPurge(t *testing.T) {
	r := newRig(t)
	url := r.create("q")
	for i := range 30 {
		r.send(url, fmt.Sprint(i))
	}
	m := r.receive(url, 5)[0]
	purge := func() error {
		_, err := r.PurgeQueue(t.Context(), me, &sqsapi.PurgeQueueRequest{QueueUrl: url})
		return err
	}
	r.ok(purge())
	r.counts(url, 0, 0, 0)
	r.delete(url, m)
	r.send(url, "after")
	wantCode(t, purge(), "PurgeQueueInProgress")
	r.advance(time.Minute)
	r.want(r.receive(url, 1, hidden(0)), "after")
	r.ok(purge())
	r.want(r.receive(url, 1))
}

func TestLargeMessages(t *testing.T) {
	r := newRig(t)
	url := r.create("q")
	for _, n := range []int{64 << 10, 90 << 10, 1 << 20} {
		body := strings.Repeat("x", n)
		r.send(url, body)
		m := r.want(r.receive(url, 1), body)
		r.delete(url, m[0])
	}
	_, err := r.SendMessage(t.Context(), me, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: strings.Repeat("x", 1<<20+1)})
	wantCode(t, err, "InvalidParameterValue")
	r.counts(url, 0, 0, 0)
}

// A tenant with many messages in flight does not keep the others waiting.
func TestFairQueue(t *testing.T) {
	r := newRig(t)
	url := r.create("q")
	for i := range 200 {
		r.advance(time.Microsecond)
		r.sendTo(url, "noisy", "", fmt.Sprint("noisy ", i))
	}
	var flying []sqsapi.Message
	for range 10 {
		flying = append(flying, r.receive(url, 10)...)
	}
	if len(flying) != 100 {
		t.Fatalf("%d in flight", len(flying))
	}
	r.advance(time.Second)
	r.sendTo(url, "quiet", "", "quiet 1")
	r.advance(time.Microsecond)
	r.send(url, "alone")
	r.advance(time.Microsecond)
	r.sendTo(url, "quiet", "", "quiet 2")
	r.want(r.receive(url, 4), "quiet 1", "alone", "quiet 2", "noisy 100")
	for _, m := range flying {
		r.delete(url, m)
	}
	r.advance(time.Second)
	r.sendTo(url, "quiet", "", "quiet 3")
	r.want(r.receive(url, 2), "noisy 101", "noisy 102") // no neighbour is noisy any more
	r.counts(url, 98, 6, 0)
	r.advance(time.Minute)
	r.counts(url, 104, 0, 0)
	seen := map[string]bool{}
	for len(seen) < 104 {
		ms := r.receive(url, 10)
		if len(ms) == 0 {
			t.Fatalf("only %d came back", len(seen))
		}
		for _, m := range ms {
			seen[*m.Body] = true
			r.delete(url, m)
		}
	}
	r.counts(url, 0, 0, 0)
}

func TestDeadLetters(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprint("fifo ", fifo), func(t *testing.T) {
			r := newRig(t)
			suffix, more := "", []string{}
			if fifo {
				suffix, more = ".fifo", []string{"FifoQueue", "true", "ContentBasedDeduplication", "true"}
			}
			dlq := r.create("dlq"+suffix, more...)
			url := r.create("q"+suffix, append(more, "VisibilityTimeout", "0", "RedrivePolicy", `{"deadLetterTargetArn":"`+arnOf+`dlq`+suffix+`","maxReceiveCount":"2"}`)...)
			send := func(body string) {
				if fifo {
					r.sendTo(url, "g", "", body)
				} else {
					r.send(url, body)
				}
			}
			send("bad")
			r.want(r.receive(url, 1), "bad")
			r.want(r.receive(url, 1), "bad")
			r.advance(time.Second)
			send("good")
			r.want(r.receive(url, 1), "good")
			r.settle()
			r.counts(dlq, 1, 0, 0)
			m := r.want(r.receive(dlq, 1, hidden(0)), "bad")[0]
			a := m.Attributes
			if a["DeadLetterQueueSourceArn"] != arnOf+"q"+suffix || a["ApproximateReceiveCount"] != "3" {
				t.Errorf("attributes %v", a)
			}
			if sent := a["SentTimestamp"]; (sent == fmt.Sprint(start.UnixMilli())) == fifo {
				t.Errorf("sent at %s", sent)
			}
			out, err := r.ListDeadLetterSourceQueues(t.Context(), me, &sqsapi.ListDeadLetterSourceQueuesRequest{QueueUrl: dlq})
			r.ok(err)
			if !slices.Equal(out.QueueUrls, []string{url}) {
				t.Errorf("sources %q", out.QueueUrls)
			}
			h, err := r.StartMessageMoveTask(t.Context(), me, &sqsapi.StartMessageMoveTaskRequest{SourceArn: arnOf + "dlq" + suffix})
			r.ok(err)
			r.settle()
			_, err = r.CancelMessageMoveTask(t.Context(), me, &sqsapi.CancelMessageMoveTaskRequest{TaskHandle: *h.TaskHandle})
			wantCode(t, err, "InvalidParameterValue")
			r.counts(dlq, 0, 0, 0)
			r.counts(url, 2, 0, 0)
			list, err := r.ListMessageMoveTasks(t.Context(), me, &sqsapi.ListMessageMoveTasksRequest{SourceArn: arnOf + "dlq" + suffix})
			r.ok(err)
			if len(list.Results) != 1 || *list.Results[0].Status != "COMPLETED" || *list.Results[0].ApproximateNumberOfMessagesMoved != 1 {
				t.Errorf("tasks %+v", list.Results)
			}
		})
	}
}

// With no dead-letter queue left, messages stay where they are.
func TestDeadLettersWithoutQueue(t *testing.T) {
	r := newRig(t)
	dlq := r.create("dlq")
	url := r.create("q", "VisibilityTimeout", "0", "RedrivePolicy", `{"deadLetterTargetArn":"`+arnOf+`dlq","maxReceiveCount":1}`)
	r.send(url, "m")
	r.want(r.receive(url, 1), "m")
	_, err := r.DeleteQueue(t.Context(), me, &sqsapi.DeleteQueueRequest{QueueUrl: dlq})
	r.ok(err)
	r.want(r.receive(url, 1), "m")
	r.want(r.receive(url, 1), "m")
}

func TestMoveTaskRate(t *testing.T) {
	r := newRig(t)
	dlq := r.create("dlq")
	r.create("q", "RedrivePolicy", `{"deadLetterTargetArn":"`+arnOf+`dlq","maxReceiveCount":1}`)
	other := r.create("other")
	for i := range 25 {
		r.send(dlq, fmt.Sprint(i))
	}
	rate, to := int32(5), arnOf+"other"
	h, err := r.StartMessageMoveTask(t.Context(), me, &sqsapi.StartMessageMoveTaskRequest{SourceArn: arnOf + "dlq", DestinationArn: &to, MaxNumberOfMessagesPerSecond: &rate})
	r.ok(err)
	_, err = r.StartMessageMoveTask(t.Context(), me, &sqsapi.StartMessageMoveTaskRequest{SourceArn: arnOf + "dlq"})
	wantCode(t, err, "InvalidParameterValue")
	r.settle()
	r.counts(other, 5, 0, 0)
	r.advance(2 * time.Second)
	r.counts(other, 15, 0, 0)
	out, err := r.CancelMessageMoveTask(t.Context(), me, &sqsapi.CancelMessageMoveTaskRequest{TaskHandle: *h.TaskHandle})
	r.ok(err)
	if *out.ApproximateNumberOfMessagesMoved != 15 {
		t.Errorf("%d moved", *out.ApproximateNumberOfMessagesMoved)
	}
	r.advance(10 * time.Second)
	r.counts(other, 15, 0, 0)
	r.counts(dlq, 10, 0, 0)
	// Without a source there is nowhere to go back to.
	_, err = r.StartMessageMoveTask(t.Context(), me, &sqsapi.StartMessageMoveTaskRequest{SourceArn: arnOf + "dlq"})
	r.ok(err)
	r.settle()
	n := int32(10)
	list, err := r.ListMessageMoveTasks(t.Context(), me, &sqsapi.ListMessageMoveTasksRequest{SourceArn: arnOf + "dlq", MaxResults: &n})
	r.ok(err)
	if len(list.Results) != 2 || *list.Results[0].Status != "FAILED" || *list.Results[0].FailureReason != "CouldNotDetermineMessageSource" || *list.Results[1].Status != "CANCELLED" {
		t.Errorf("tasks %+v", list.Results)
	}
	r.counts(dlq, 10, 0, 0)
}
