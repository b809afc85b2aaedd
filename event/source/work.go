package source

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
)

// work processes what a slot has received: without what the filter does not want, in parts that are not too large.
func (q *Queue) work(ctx context.Context, b batch) {
	defer func() { b.end() }()
	records := b.records
	if q.Filter != nil {
		var unwanted []Record
		records = nil
		for i := range b.records {
			if q.Filter.wants(&b.records[i]) {
				records = append(records, b.records[i])
			} else {
				unwanted = append(unwanted, b.records[i])
			}
		}
		q.erase(ctx, unwanted)
	}
	for len(records) > 0 {
		n := q.fit(records)
		part, rest := records[:n], records[n:]
		failed := q.try(ctx, &b, part)
		if q.fifo() { // what comes after a message that failed waits for it
			rest = slices.DeleteFunc(slices.Clone(rest), func(r Record) bool {
				return slices.ContainsFunc(failed, func(f Record) bool { return f.group == r.group })
			})
		}
		records = rest
	}
}

// fit is how many records go into one batch.
func (q *Queue) fit(records []Record) int {
	n, size := 0, 0
	for n < len(records) && n < q.BatchSize {
		if size += len(records[n].JSON) + 1; n > 0 && size > q.MaxBytes {
			break
		}
		n++
	}
	return n
}

// try has a part processed and deletes what was. It returns the records that failed.
func (q *Queue) try(ctx context.Context, b *batch, part []Record) (failed []Record) {
	// What has been received is processed also when the reading is to end.
	work := context.WithoutCancel(ctx)
	for wait := shortestRetry; ; wait = min(2*wait, longestRetry) {
		ids, err := q.Process(work, part)
		q.outcome(err)
		switch {
		case err == nil && len(ids) == 0:
			q.erase(work, part)
			return nil
		case err == nil:
			var done []Record
			for _, r := range part {
				if slices.Contains(ids, r.ID) {
					failed = append(failed, r)
				} else {
					done = append(done, r)
				}
			}
			q.erase(work, done)
			return failed
		case !errors.Is(err, ErrNoRoom) || !q.Clock.Now().Add(wait).Before(b.received.Add(q.visible(ctx))):
			return part
		}
		b.end()
		q.pause(ctx, wait)
		b.end = clock.Begin(q.Clock)
		if ctx.Err() != nil {
			return part
		}
	}
}

// outcome has the scale and the report know how a batch went.
func (q *Queue) outcome(err error) {
	q.Report(err)
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case err == nil:
		q.scale.succeeded()
	case !errors.Is(err, ErrPartial):
		q.scale.failed()
	}
}

// visible is the queue's visibility timeout.
func (q *Queue) visible(ctx context.Context) time.Duration {
	v := &q.visibility
	v.Lock()
	defer v.Unlock()
	now := q.Clock.Now()
	if now.Before(v.until) {
		return v.timeout
	}
	id, err := q.Identity(ctx)
	if err != nil {
		return v.timeout
	}
	out, err := q.client.GetQueueAttributes(ctx, id, &sqsapi.GetQueueAttributesRequest{QueueUrl: q.url,
		AttributeNames: []string{"VisibilityTimeout"}})
	if err != nil {
		return v.timeout
	}
	if n, err := strconv.Atoi(out.Attributes["VisibilityTimeout"]); err == nil {
		v.timeout, v.until = time.Duration(n)*time.Second, now.Add(visibilityLife)
	}
	return v.timeout
}

// erase deletes messages, a few batches at a time. Those that cannot be deleted come back, as they do on AWS.
func (q *Queue) erase(ctx context.Context, records []Record) {
	if len(records) <= receiveMax {
		q.eraseBatch(ctx, records)
		return
	}
	parts := make(chan []Record)
	var all sync.WaitGroup
	for range min(erasers, (len(records)+receiveMax-1)/receiveMax) {
		all.Go(func() {
			for part := range parts {
				q.eraseBatch(ctx, part)
			}
		})
	}
	for part := range slices.Chunk(records, receiveMax) {
		parts <- part
	}
	close(parts)
	all.Wait()
}

func (q *Queue) eraseBatch(ctx context.Context, part []Record) {
	if len(part) == 0 {
		return
	}
	in := &sqsapi.DeleteMessageBatchRequest{QueueUrl: q.url, Entries: make([]sqsapi.DeleteMessageBatchRequestEntry, len(part))}
	for i := range part {
		in.Entries[i] = sqsapi.DeleteMessageBatchRequestEntry{Id: strconv.Itoa(i), ReceiptHandle: part[i].receipt}
	}
	var err error
	for range deleteAttempts {
		var id aws.Identity
		if id, err = q.Identity(ctx); err == nil {
			_, err = q.client.DeleteMessageBatch(ctx, id, in)
		}
		if err == nil {
			return
		}
	}
	q.Report(err)
	q.Log.Warn("source: messages that were processed are not deleted", "queue", q.ARN, "messages", len(part), "problem", err)
}
