package sqs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
)

func TestFIFO(t *testing.T) {
	r := newRig(t)
	url := r.fifo("q")
	for i := range 3 {
		r.sendTo(url, "a", fmt.Sprint("a", i), fmt.Sprint("a", i))
		r.sendTo(url, "b", fmt.Sprint("b", i), fmt.Sprint("b", i))
	}
	first := r.want(r.receive(url, 2), "a0", "a1")
	r.want(r.receive(url, 1), "b0")
	r.want(r.receive(url, 10)) // both groups are locked
	r.delete(url, first[0])
	r.want(r.receive(url, 10)) // a1 is in flight
	r.delete(url, first[1])
	r.counts(url, 3, 1, 0)
	a2 := r.want(r.receive(url, 10), "a2")
	if a2[0].Attributes["MessageGroupId"] != "a" || a2[0].Attributes["MessageDeduplicationId"] != "a2" || a2[0].Attributes["SequenceNumber"] != "10000000000000000005" {
		t.Errorf("attributes %v", a2[0].Attributes)
	}
	r.advance(30 * time.Second) // everything is visible again
	_, err := r.DeleteMessage(t.Context(), me, &sqsapi.DeleteMessageRequest{QueueUrl: url, ReceiptHandle: *a2[0].ReceiptHandle})
	wantCode(t, err, "InvalidParameterValue")
	wantCode(t, r.hide(url, a2[0], 3), "InvalidParameterValue")
	all := r.want(r.receive(url, 10), "a2", "b0", "b1", "b2")
	for _, m := range all {
		r.delete(url, m)
	}
	r.counts(url, 0, 0, 0)
	r.want(r.receive(url, 10))
}

func TestVisibilityInGroups(t *testing.T) {
	r := newRig(t)
	url := r.fifo("q", "ContentBasedDeduplication", "true")
	for i := range 4 {
		r.sendTo(url, "g", "", fmt.Sprint(i))
	}
	ms := r.want(r.receive(url, 3), "0", "1", "2")
	r.delete(url, ms[0])
	r.ok(r.hide(url, ms[1], 0))
	r.want(r.receive(url, 3)) // the third is in flight
	r.ok(r.hide(url, ms[2], 0))
	r.want(r.receive(url, 3, hidden(5)), "1", "2", "3")
	r.advance(5 * time.Second)
	r.want(r.receive(url, 3), "1", "2", "3")
}

func TestDeduplication(t *testing.T) {
	r := newRig(t)
	url := r.fifo("q")
	one := r.sendTo(url, "g", "d", "one")
	r.advance(5*time.Minute - time.Millisecond)
	two := r.sendTo(url, "h", "d", "two")
	if *one.MessageId != *two.MessageId || *one.SequenceNumber != *two.SequenceNumber || *one.MD5OfMessageBody == *two.MD5OfMessageBody {
		t.Errorf("a duplicate got %v, the first %v", *two.MessageId, *one.MessageId)
	}
	r.delete(url, r.want(r.receive(url, 10), "one")[0])
	r.sendTo(url, "g", "d", "three") // also after it was deleted
	r.counts(url, 0, 0, 0)
	r.advance(time.Millisecond)
	four := r.sendTo(url, "g", "d", "four")
	if *four.SequenceNumber <= *one.SequenceNumber {
		t.Errorf("%s after %s", *four.SequenceNumber, *one.SequenceNumber)
	}
	r.want(r.receive(url, 10), "four")

	groups := r.fifo("groups", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId", "ContentBasedDeduplication", "true")
	r.sendTo(groups, "g", "", "same")
	r.sendTo(groups, "g", "", "same")
	r.sendTo(groups, "h", "", "same")
	r.sendTo(groups, "h", "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5", "the digest of same")
	r.want(r.receive(groups, 10), "same", "same")
}

func TestFIFODelayAndRetention(t *testing.T) {
	r := newRig(t)
	url := r.fifo("q", "DelaySeconds", "10", "ContentBasedDeduplication", "true", "MessageRetentionPeriod", "60")
	r.sendTo(url, "g", "", "one")
	r.advance(4 * time.Second)
	r.sendTo(url, "g", "", "two")
	r.counts(url, 0, 0, 2)
	r.advance(6 * time.Second)
	r.counts(url, 1, 0, 1)
	m := r.want(r.receive(url, 10, hidden(2)), "one")
	r.delete(url, m[0])
	r.want(r.receive(url, 10))
	r.advance(4 * time.Second)
	r.want(r.receive(url, 10), "two")
	r.counts(url, 0, 1, 0)
	r.sendTo(url, "g", "", "three")
	r.advance(50 * time.Second) // two is a minute old
	r.counts(url, 1, 0, 0)
	r.want(r.receive(url, 10), "three")
}

func TestReceiveAttempts(t *testing.T) {
	r := newRig(t)
	url := r.fifo("q", "ContentBasedDeduplication", "true", "VisibilityTimeout", "10")
	for i := range 6 {
		r.sendTo(url, fmt.Sprint("g", i/3), "", fmt.Sprint(i))
	}
	attempt := func(id string) func(*sqsapi.ReceiveMessageRequest) {
		return func(in *sqsapi.ReceiveMessageRequest) { in.ReceiveRequestAttemptId = &id }
	}
	first := r.want(r.receive(url, 2, attempt("x")), "0", "1")
	r.advance(6 * time.Second)
	again := r.want(r.receive(url, 2, attempt("x")), "0", "1")
	if *first[0].ReceiptHandle != *again[0].ReceiptHandle || again[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Error("the retry is a receive of its own")
	}
	r.advance(6 * time.Second) // the retry has hidden them anew
	r.want(r.receive(url, 3, attempt("y")), "3", "4", "5")
	r.delete(url, first[0])
	r.want(r.receive(url, 2, attempt("x"))) // one is gone, the other in flight
	r.advance(4 * time.Second)
	r.want(r.receive(url, 10, attempt("x")), "1", "2")
	r.advance(5 * time.Minute)
	for range 8 {
		r.receive(url, 1, attempt("z"))
	}
}
