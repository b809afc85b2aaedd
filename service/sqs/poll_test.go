package sqs_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
)

func wait(seconds int32) func(*sqsapi.ReceiveMessageRequest) {
	return func(in *sqsapi.ReceiveMessageRequest) { in.WaitTimeSeconds = &seconds }
}

// poll receives in the background; began is closed when it may be waiting.
func (r *rig) poll(url string, n int32, change ...func(*sqsapi.ReceiveMessageRequest)) <-chan []sqsapi.Message {
	out := make(chan []sqsapi.Message, 1)
	go func() { out <- r.receive(url, n, change...) }()
	return out
}

// waitForPoll returns when a poll waits at the queue.
func (r *rig) waitForPoll(url string) {
	id := uint64(1)
	if strings.HasSuffix(url, ".fifo") {
		id = 2
	}
	for r.Waiting(me.Account, me.Region, id) == 0 {
		runtime.Gosched()
	}
}

// Polls end when messages come, with them; each message goes to one.
func TestLongPolls(t *testing.T) {
	r := newRig(t)
	url := r.create("q")
	for round := range 20 {
		var polls []<-chan []sqsapi.Message
		for range 5 {
			polls = append(polls, r.poll(url, 1, wait(20)))
		}
		for i := range 5 {
			r.send(url, fmt.Sprint(round, i))
		}
		seen := map[string]bool{}
		for _, p := range polls {
			for _, m := range <-p {
				seen[*m.Body] = true
				r.delete(url, m)
			}
		}
		if len(seen) != 5 {
			t.Fatalf("round %d: %v", round, seen)
		}
	}
}

// A poll ends at its deadline, and when a delay, a visibility timeout or the lock of a group ends.
func TestLongPollsAndTime(t *testing.T) {
	r := newRig(t)
	url, fifo := r.create("q"), r.fifo("q", "ContentBasedDeduplication", "true", "VisibilityTimeout", "7")
	p := r.poll(url, 1, wait(20))
	r.waitForPoll(url)
	r.advance(20 * time.Second)
	if ms := <-p; len(ms) != 0 {
		t.Fatalf("received %v", bodies(ms))
	}
	late := int32(5)
	_, err := r.SendMessage(t.Context(), me, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: "delayed", DelaySeconds: &late})
	r.ok(err)
	p = r.poll(url, 1, wait(20))
	r.waitForPoll(url)
	r.advance(5 * time.Second)
	m := r.want(<-p, "delayed")
	p = r.poll(url, 1, wait(20))
	r.waitForPoll(url)
	r.ok(r.hide(url, m[0], 3))
	r.advance(3 * time.Second)
	r.want(<-p, "delayed")
	r.sendTo(fifo, "g", "", "one")
	r.sendTo(fifo, "g", "", "two")
	r.want(r.receive(fifo, 1), "one")
	p = r.poll(fifo, 2, wait(20))
	r.waitForPoll(fifo)
	r.advance(7 * time.Second)
	got := r.want(<-p, "one", "two")
	p = r.poll(fifo, 2, wait(20))
	r.waitForPoll(fifo)
	r.sendTo(fifo, "g", "", "three")
	r.delete(fifo, got[0])
	r.delete(fifo, got[1])
	r.want(<-p, "three")
}

// A poll whose caller goes away takes nothing.
func TestLongPollAbandoned(t *testing.T) {
	r := newRig(t)
	url := r.create("q")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		n := int32(20)
		_, _ = r.ReceiveMessage(ctx, me, &sqsapi.ReceiveMessageRequest{QueueUrl: url, WaitTimeSeconds: &n})
	})
	r.waitForPoll(url)
	other := r.poll(url, 1, wait(20))
	cancel()
	wg.Wait()
	r.send(url, "m")
	r.want(<-other, "m")
}
