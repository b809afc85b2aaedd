package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	bodies      = 256       // different messages
	batchSize   = 10        // messages of a batch
	fullOf      = 1_000_000 // messages of a full queue
	polls       = 200
	pollerPause = 5 * time.Millisecond // after which a receive is taken to be waiting
)

// queue makes a queue.
func (r *rig) queue(ctx context.Context) (url string, err error) {
	var out struct{ QueueUrl string }
	err = r.json(ctx, sqs("CreateQueue", document{"QueueName": fmt.Sprintf("%s-%d", r.name, len(r.undos)), "Attributes": document{"VisibilityTimeout": "600"}}), &out)
	if err == nil {
		r.later(func(ctx context.Context) error {
			return r.json(ctx, sqs("DeleteQueue", document{"QueueUrl": out.QueueUrl}), nil)
		})
	}
	return out.QueueUrl, err
}

func sqs(op string, in document) *request { return awsJSON("sqs", "1.0", "AmazonSQS."+op, in) }

// body is some 200 bytes.
func body(i int) string {
	return fmt.Sprintf(`{"id":"job-%06d","note":"%s"}`, i, strings.Repeat("n", 170))
}

// sends are SendMessages, or batches.
func sends(url string, batch bool, next func([]byte) *request) []*request {
	all := make([]*request, bodies)
	for i := range all {
		if !batch {
			all[i] = sqs("SendMessage", document{"QueueUrl": url, "MessageBody": body(i)})
		} else {
			entries := make([]document, batchSize)
			for n := range entries {
				entries[n] = document{"Id": fmt.Sprint(n), "MessageBody": body(i + n)}
			}
			all[i] = sqs("SendMessageBatch", document{"QueueUrl": url, "Entries": entries})
		}
		all[i].next = next
	}
	return all
}

// cycle is what follows a send: a receive and a delete.
func cycle(url string, batch bool) func([]byte) *request {
	most := 1
	if batch {
		most = batchSize
	}
	remove := func(answer []byte) *request {
		var out struct {
			Messages []struct{ ReceiptHandle string }
		}
		if json.Unmarshal(answer, &out) != nil || len(out.Messages) == 0 {
			return nil
		}
		if !batch {
			return sqs("DeleteMessage", document{"QueueUrl": url, "ReceiptHandle": out.Messages[0].ReceiptHandle})
		}
		entries := make([]document, len(out.Messages))
		for i, m := range out.Messages {
			entries[i] = document{"Id": fmt.Sprint(i), "ReceiptHandle": m.ReceiptHandle}
		}
		return sqs("DeleteMessageBatch", document{"QueueUrl": url, "Entries": entries})
	}
	receive := sqs("ReceiveMessage", document{"QueueUrl": url, "MaxNumberOfMessages": most})
	receive.next = remove
	return func(answer []byte) *request {
		if !strings.Contains(string(answer), "MessageId") {
			return nil // a ceiling's
		}
		return receive
	}
}

func sendMessage(ctx context.Context, r *rig) error {
	for _, batch := range []bool{false, true} {
		url, err := r.queue(ctx)
		if err != nil {
			return err
		}
		label := map[bool]string{false: "send", true: "send 10"}[batch]
		if err := r.measure(ctx, measurement{label: label, requests: sends(url, batch, nil), connections: r.Connections, synced: true}); err != nil {
			return err
		}
	}
	return nil
}

// cycles measures send, receive and delete. They are three requests beside one of the ceilings.
func (r *rig) cycles(ctx context.Context, url, label string, batch bool) error {
	return r.measure(ctx, measurement{label: label, requests: sends(url, batch, cycle(url, batch)), connections: r.Connections, synced: true})
}

func receiveMessage(ctx context.Context, r *rig) error {
	for _, batch := range []bool{false, true} {
		url, err := r.queue(ctx)
		if err != nil {
			return err
		}
		if err := r.cycles(ctx, url, map[bool]string{false: "cycle", true: "cycle of 10"}[batch], batch); err != nil {
			return err
		}
	}
	return nil
}

// fullQueue compares a queue with very many messages with an empty one.
func fullQueue(ctx context.Context, r *rig) error {
	empty, err := r.queue(ctx)
	if err != nil {
		return err
	}
	if err := r.cycles(ctx, empty, "empty", false); err != nil {
		return err
	}
	full, err := r.queue(ctx)
	if err != nil {
		return err
	}
	if err := r.fillQueue(ctx, full); err != nil {
		return err
	}
	return r.cycles(ctx, full, "full", false)
}

// fillQueue sends a million messages.
func (r *rig) fillQueue(ctx context.Context, url string) error {
	l := newLoad(&r.Target, r.Target.Endpoint, sends(url, true, nil), r.Connections)
	defer l.close()
	began := time.Now()
	for sent := 0; sent < fullOf; {
		s, err := l.slice(ctx, time.Second)
		if err != nil {
			return err
		}
		if len(s.took) == 0 {
			return fmt.Errorf("nothing can be sent: %w", s.first)
		}
		sent += len(s.took) * batchSize
	}
	fmt.Fprintf(r.Out, "  filled in %v\n", time.Since(began).Round(time.Second))
	return nil
}

// longPoll measures from the begin of a send, and from its answer, to the end of the receive that waited for it.
func longPoll(ctx context.Context, r *rig) error {
	url, err := r.queue(ctx)
	if err != nil {
		return err
	}
	receive := sqs("ReceiveMessage", document{"QueueUrl": url, "WaitTimeSeconds": 20})
	l := newLoad(&r.Target, r.Target.Endpoint, []*request{receive}, 2)
	defer l.close()
	l.until = time.Now().Add(patience)
	messages := sends(url, false, nil)
	var whole, after sample
	for i := range polls {
		var got time.Time
		var failed error
		var wg sync.WaitGroup
		wg.Go(func() {
			a, err := l.once(ctx, 0, receive, time.Now())
			got = time.Now()
			if failed = err; err == nil && !strings.Contains(string(a.body), "MessageId") {
				failed = fmt.Errorf("a poll got status %d and %q", a.status, a.body)
			}
		})
		time.Sleep(pollerPause)
		begun := time.Now()
		a, err := l.once(ctx, 1, messages[i%len(messages)], begun)
		sent := time.Now()
		wg.Wait()
		if err != nil || failed != nil || !a.ok() {
			return fmt.Errorf("poll %d: %w, %w, status %d", i, err, failed, a.status)
		}
		whole.took = append(whole.took, got.Sub(begun))
		after.took = append(after.took, max(0, got.Sub(sent)))
	}
	for _, s := range []struct {
		label string
		*sample
	}{{"send to receive", &whole}, {"answer to receive", &after}} {
		slices.Sort(s.took)
		fmt.Fprintf(r.Out, "  %-18s %d polls   %s\n", s.label, len(s.took), quantiles(s.sample))
	}
	return nil
}
