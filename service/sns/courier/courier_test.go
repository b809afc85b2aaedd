package courier_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/courier"
)

// queue takes batches, each when it is let.
type queue struct {
	began chan int // sizes of the batches
	let   chan struct{}
	fail  error
}

func (q *queue) Call(_ context.Context, id aws.Identity, _ aws.Op, in any) (any, error) {
	entries := in.(*sqsapi.SendMessageBatchRequest).Entries
	q.began <- len(entries)
	<-q.let
	if q.fail != nil {
		return nil, q.fail
	}
	if id.Account != "111122223333" {
		return nil, errors.New("in the wrong account")
	}
	out := &sqsapi.SendMessageBatchResult{}
	for _, e := range entries {
		if e.MessageBody == "bad" {
			text := "no"
			out.Failed = append(out.Failed, sqsapi.BatchResultErrorEntry{Id: e.Id, Code: "InvalidMessageContents", SenderFault: true, Message: &text})
		} else if e.MessageBody != "forgotten" {
			out.Successful = append(out.Successful, sqsapi.SendMessageBatchResultEntry{Id: e.Id})
		}
	}
	return out, nil
}

func (q *queue) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, errors.New("unexpected")
}

var line = courier.Line{Topic: "t", Queue: "arn:aws:sqs:eu-west-1:111122223333:q"}

func entry(body string) *courier.Entry {
	return &courier.Entry{SendMessageBatchRequestEntry: sqsapi.SendMessageBatchRequestEntry{MessageBody: body}}
}

// What comes while calls are under way shares the next, ten at most, and each is told what became of it.
func TestSharing(t *testing.T) {
	q := &queue{began: make(chan int, 100), let: make(chan struct{})}
	c := &courier.Courier{Caller: q}
	var wg sync.WaitGroup
	results := make(chan string, 100)
	send := func(body string) {
		wg.Go(func() { results <- body + " " + aws.CodeOf(errOf(c.Send(context.Background(), line, entry(body)))) })
	}
	for range 3 { // as many calls as go at a time
		send("first")
		if n := <-q.began; n != 1 {
			t.Fatalf("%d messages", n)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	for range 20 {
		wg.Go(func() { _ = c.Send(ctx, line, entry("later")) })
	}
	send("bad")
	send("forgotten")
	cancel() // those who do not wait any more are sent all the same
	go func() {
		for {
			q.let <- struct{}{}
		}
	}()
	wg.Wait()
	close(results)
	got := map[string]int{}
	for r := range results {
		got[r]++
	}
	if got["first none"] != 3 || got["bad InvalidMessageContents"] != 1 || got["forgotten InternalFailure"] != 1 {
		t.Errorf("%v", got)
	}
}

// picky refuses whole calls that hold a message which it does not like.
type picky struct{ queue }

func (q *picky) Call(ctx context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	for _, e := range in.(*sqsapi.SendMessageBatchRequest).Entries {
		if e.MessageBody == "poison" {
			return nil, aws.Errorf("InvalidParameterValue", 400, "no")
		}
	}
	return q.queue.Call(ctx, id, op, in)
}

// A message that makes the queue refuse a whole call takes no other with it.
func TestPoison(t *testing.T) {
	q := &picky{queue{began: make(chan int, 100), let: make(chan struct{}, 100)}}
	c := &courier.Courier{Caller: q}
	var wg sync.WaitGroup
	codes := make(chan string, 100)
	send := func(body string) {
		wg.Go(func() { codes <- body + " " + aws.CodeOf(errOf(c.Send(context.Background(), line, entry(body)))) })
	}
	for range 3 {
		send("first")
		<-q.began
	}
	for range 5 {
		send("good")
	}
	send("poison")
	for range 100 {
		q.let <- struct{}{}
	}
	wg.Wait()
	close(codes)
	got := map[string]int{}
	for code := range codes {
		got[code]++
	}
	if got["first none"] != 3 || got["good none"] != 5 || got["poison InvalidParameterValue"] != 1 {
		t.Errorf("%v", got)
	}
}

func errOf(err error) error {
	if err == nil {
		return aws.Errorf("none", 200, "")
	}
	return err
}

// The bytes of a call are bounded too, and the error of a call is that of each message.
func TestBounds(t *testing.T) {
	q := &queue{began: make(chan int, 100), let: make(chan struct{}, 100), fail: aws.Errorf("AccessDenied", 403, "no")}
	c := &courier.Courier{Caller: q}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { _ = c.Send(context.Background(), line, entry("x")) })
		<-q.began
	}
	large := strings.Repeat("x", 250<<10)
	codes := make(chan string, 10)
	for range 10 {
		wg.Go(func() { codes <- aws.CodeOf(c.Send(context.Background(), line, entry(large))) })
	}
	for range 100 {
		q.let <- struct{}{}
	}
	wg.Wait()
	close(codes)
	for code := range codes {
		if code != "AccessDenied" {
			t.Errorf("%s", code)
		}
	}
	close(q.began)
	for n := range q.began {
		if n > 4 {
			t.Errorf("%d messages of 250 KB in one call", n)
		}
	}
}
