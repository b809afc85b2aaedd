package sqs_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sqs"
	"github.com/brume-dev/brume/store/pebblestore"
	"github.com/brume-dev/brume/timer"
)

// benchRig is the service on Pebble, with syncs.
func benchRig(b *testing.B) *rig {
	c := clock.Real()
	st, err := pebblestore.Open(pebblestore.Options{Dir: b.TempDir(), Clock: c})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	r := &rig{t: b, store: st, timer: timer.New(timer.Config{Store: st, Clock: c})}
	if r.Service, err = sqs.New(sqs.Config{Store: st, Clock: c, Timer: r.timer, Rand: rand.Reader, URL: func() string { return "http://inside" }}); err != nil {
		b.Fatal(err)
	}
	return r
}

// Operations at the level of the service, on Pebble with syncs, 32 at a time.
func BenchmarkService(b *testing.B) {
	r := benchRig(b)
	text := strings.Repeat("n", 200)
	parallel := func(b *testing.B, f func() error) {
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := f(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	ctx := b.Context()
	send := func(url string) error {
		_, err := r.SendMessage(ctx, me, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: text})
		return err
	}
	cycle := func(url string) error {
		if err := send(url); err != nil {
			return err
		}
		out, err := r.ReceiveMessage(ctx, me, &sqsapi.ReceiveMessageRequest{QueueUrl: url})
		if err != nil {
			return err
		}
		for _, m := range out.Messages {
			if _, err = r.DeleteMessage(ctx, me, &sqsapi.DeleteMessageRequest{QueueUrl: url, ReceiptHandle: *m.ReceiptHandle}); err != nil {
				return err
			}
		}
		if len(out.Messages) != 1 {
			err = fmt.Errorf("%d messages", len(out.Messages))
		}
		return err
	}
	b.Run("SendMessage", func(b *testing.B) {
		url := r.create("send")
		parallel(b, func() error { return send(url) })
	})
	b.Run("SendReceiveDelete", func(b *testing.B) {
		url := r.create("cycle")
		parallel(b, func() error { return cycle(url) })
	})
	b.Run("SendReceiveDelete/100k", func(b *testing.B) { // as fast as from an empty queue
		url := r.create("full")
		entries := make([]sqsapi.SendMessageBatchRequestEntry, 10)
		for i := range entries {
			entries[i] = sqsapi.SendMessageBatchRequestEntry{Id: fmt.Sprint(i), MessageBody: text}
		}
		for range 10_000 {
			if _, err := r.SendMessageBatch(ctx, me, &sqsapi.SendMessageBatchRequest{QueueUrl: url, Entries: entries}); err != nil {
				b.Fatal(err)
			}
		}
		b.ResetTimer()
		parallel(b, func() error { return cycle(url) })
	})
	b.Run("FIFO", func(b *testing.B) {
		url := r.fifo("fifo")
		n := make(chan int, 1)
		n <- 0
		parallel(b, func() error {
			i := <-n
			n <- i + 1
			group, dedup := fmt.Sprint(i%64), fmt.Sprint(i)
			_, err := r.SendMessage(ctx, me, &sqsapi.SendMessageRequest{QueueUrl: url, MessageBody: text, MessageGroupId: &group, MessageDeduplicationId: &dedup})
			return err
		})
	})
}
