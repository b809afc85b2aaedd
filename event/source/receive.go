package source

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/clock"
)

// batch is what one slot has received.
type batch struct {
	records  []Record
	received time.Time // the first of them
	full     bool      // there may be more
	end      func()    // of the work that the clock waits for
}

// add takes messages into the batch.
func (q *Queue) add(b *batch, messages []sqsapi.Message) {
	if b.end == nil {
		b.received, b.end = q.Clock.Now(), clock.Begin(q.Clock)
	}
	for i := range messages {
		b.records = append(b.records, q.record(&messages[i], q.Filter != nil))
	}
}

func (b *batch) bytes() (n int) {
	for i := range b.records {
		n += len(b.records[i].JSON) + 1
	}
	return n
}

// look receives what is there, once.
func (q *Queue) look(ctx context.Context) (b batch) {
	messages, err := q.receive(ctx, min(receiveMax, q.BatchSize), 0)
	if err != nil || len(messages) == 0 {
		return b
	}
	q.add(&b, messages)
	b.full = len(messages) == min(receiveMax, q.BatchSize)
	return b
}

// wait is the scout's part: it waits for messages until ctx ends, and then fills a batch while the window is open.
func (q *Queue) wait(ctx context.Context) (b batch) {
	pause := shortestPause
	for ctx.Err() == nil {
		messages, err := q.await(ctx, ctx, min(receiveMax, q.BatchSize))
		if err != nil && ctx.Err() == nil {
			q.Report(err)
			q.Log.Debug("source: queue not read", "queue", q.ARN, "problem", err)
			q.setDeaf(true)
			q.pause(ctx, pause)
			q.setDeaf(false)
			pause = min(2*pause, longestPause)
			continue
		}
		if len(messages) > 0 {
			q.add(&b, messages)
			b.full = len(messages) == min(receiveMax, q.BatchSize)
			q.fill(ctx, &b)
			return b
		}
	}
	q.mu.Lock()
	q.scouted = false
	q.note()
	q.mu.Unlock()
	return b
}

func (q *Queue) setDeaf(deaf bool) {
	q.mu.Lock()
	q.deaf = deaf
	q.note()
	q.mu.Unlock()
}

// fill goes on receiving until the batch is full or its window is over.
func (q *Queue) fill(ctx context.Context, b *batch) {
	if q.Window <= 0 {
		return
	}
	over, cancel := context.WithCancel(ctx)
	defer cancel()
	reached, stop := q.Clock.Until(b.received.Add(q.Window))
	defer stop()
	go func() {
		select {
		case <-reached:
			cancel()
		case <-over.Done():
		}
	}()
	size := b.bytes()
	for over.Err() == nil && len(b.records) < q.BatchSize && size < q.MaxBytes {
		b.end() // the clock may move while the window is open
		messages, err := q.await(ctx, over, min(receiveMax, q.BatchSize-len(b.records)))
		b.end = clock.Begin(q.Clock)
		if err != nil && over.Err() == nil {
			return // what is there is processed; the next receive says what is wrong
		}
		n := len(b.records)
		q.add(b, messages)
		for i := n; i < len(b.records); i++ {
			size += len(b.records[i].JSON) + 1
		}
		b.full = len(messages) == receiveMax
	}
}

// await receives messages, with a long poll if there are none, until over ends. With a clock that asks whether there is
// work it looks before it waits, and waits only when nobody has asked since.
func (q *Queue) await(ctx, over context.Context, most int) ([]sqsapi.Message, error) {
	for {
		q.mu.Lock()
		asked := q.asked
		q.mu.Unlock()
		if q.probing {
			if messages, err := q.receive(ctx, most, 0); err != nil || len(messages) > 0 {
				return messages, err
			}
		}
		polling, cancel := context.WithCancel(over)
		q.mu.Lock()
		if q.asked != asked {
			q.mu.Unlock()
			cancel()
			continue
		}
		q.interrupt = cancel
		q.mu.Unlock()
		messages, err := q.poll(polling, most, asked)
		interrupted := polling.Err() != nil
		cancel()
		switch {
		case len(messages) > 0:
			return messages, nil
		case over.Err() != nil:
			return nil, nil
		case err != nil && !interrupted:
			return nil, err
		}
	}
}

// poll is a long poll. From when it waits, and until it returns, there is nothing to do for the slot.
func (q *Queue) poll(ctx context.Context, most int, asked uint64) ([]sqsapi.Message, error) {
	resting := false
	if q.probing {
		ctx = clock.OnWait(ctx, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			if !resting {
				resting = true
				q.resting++
			}
			q.answered = asked
			q.note()
		})
	}
	messages, err := q.receive(ctx, most, receiveWait)
	q.mu.Lock()
	defer q.mu.Unlock()
	if resting {
		q.resting--
	}
	q.interrupt = nil
	return messages, err
}

// receive is one ReceiveMessage. What it has received is returned also when ctx has ended meanwhile.
func (q *Queue) receive(ctx context.Context, most int, wait time.Duration) ([]sqsapi.Message, error) {
	id, err := q.Identity(ctx)
	if err != nil {
		return nil, err
	}
	number, seconds := int32(most), int32(wait/time.Second)
	out, err := q.client.ReceiveMessage(ctx, id, &sqsapi.ReceiveMessageRequest{QueueUrl: q.url, MaxNumberOfMessages: &number,
		WaitTimeSeconds: &seconds, MessageSystemAttributeNames: []string{"All"}, MessageAttributeNames: []string{"All"}})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}
