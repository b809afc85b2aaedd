// Package courier takes messages to queues: those that are to go to one queue while others are under way share the next call,
// so that they share its transaction too.
package courier

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
)

const (
	batchSize   = 10      // messages of one call, SQS's limit
	batchBytes  = 1 << 20 // bytes of them, likewise
	parallel    = 3       // calls to one queue at a time: what comes meanwhile shares the next
	callTimeout = 30 * time.Second
)

// Courier takes messages to queues. It is safe for concurrent use.
type Courier struct {
	Caller aws.Caller
	mu     sync.Mutex
	lines  map[Line]*waiting
}

// Line is a way that messages go: from a topic to a queue, by their ARNs.
type Line struct{ Topic, Queue string }

// waiting is what waits on a line.
type waiting struct {
	running int // calls under way
	entries []*Entry
}

// Entry is a message to a queue, sent by SNS as ID.
type Entry struct {
	sqsapi.SendMessageBatchRequestEntry
	ID   aws.Identity
	size int
	done chan error
}

// Send takes a message to a queue and returns what the queue said: the error of the call, or that of the message. When ctx ends
// first, the message may still arrive.
func (c *Courier) Send(ctx context.Context, from Line, e *Entry) error {
	e.done = make(chan error, 1)
	e.size = len(e.MessageBody)
	for name, a := range e.MessageAttributes {
		e.size += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			e.size += len(*a.StringValue)
		}
	}
	c.mu.Lock()
	if c.lines == nil {
		c.lines = map[Line]*waiting{}
	}
	w := c.lines[from]
	if w == nil {
		w = &waiting{}
		c.lines[from] = w
	}
	w.entries = append(w.entries, e)
	if w.running < parallel {
		w.running++
		go c.run(from, w)
	}
	c.mu.Unlock()
	select {
	case err := <-e.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run makes calls until nothing waits.
func (c *Courier) run(from Line, w *waiting) {
	for {
		c.mu.Lock()
		batch := w.take()
		if len(batch) == 0 {
			if w.running--; w.running == 0 {
				delete(c.lines, from)
			}
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		c.call(from, batch)
	}
}

// take takes as many entries as one call holds.
func (w *waiting) take() []*Entry {
	n, size := 0, 0
	for n < len(w.entries) && n < batchSize {
		if size += w.entries[n].size; n > 0 && size > batchBytes {
			break
		}
		n++
	}
	batch := append([]*Entry(nil), w.entries[:n]...)
	w.entries = append(w.entries[:0], w.entries[n:]...)
	return batch
}

// call sends a batch and tells each of those who wait. A call that is refused for what one of its messages is, is made again
// for each of them.
func (c *Courier) call(from Line, batch []*Entry) {
	results, err := c.send(from, batch)
	var coded aws.Error
	if err != nil && len(batch) > 1 && errors.As(err, &coded) && coded.ErrorInfo().Status < 500 {
		for _, e := range batch {
			c.call(from, []*Entry{e})
		}
		return
	}
	for i, e := range batch {
		if err != nil {
			e.done <- err
			continue
		}
		e.done <- results[i]
	}
}

// send makes one call, and returns what became of each message.
func (c *Courier) send(from Line, batch []*Entry) ([]error, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	queue, err := aws.ParseARN(from.Queue)
	if err != nil {
		return nil, err
	}
	in := &sqsapi.SendMessageBatchRequest{QueueUrl: "https://sqs." + queue.Region + ".amazonaws.com/" + queue.Account + "/" + queue.Resource}
	for i, e := range batch {
		e.Id = strconv.Itoa(i)
		in.Entries = append(in.Entries, e.SendMessageBatchRequestEntry)
	}
	id := batch[0].ID
	id.Account, id.Region = queue.Account, queue.Region
	out, err := sqsapi.NewClient(c.Caller).SendMessageBatch(ctx, id, in)
	if err != nil {
		return nil, err
	}
	results := make([]error, len(batch))
	for i := range results {
		results[i] = errNoAnswer
	}
	for _, ok := range out.Successful {
		if i, err := strconv.Atoi(ok.Id); err == nil && i < len(results) {
			results[i] = nil
		}
	}
	for _, f := range out.Failed {
		if i, err := strconv.Atoi(f.Id); err == nil && i < len(results) {
			results[i] = entryError(&f)
		}
	}
	return results, nil
}

var errNoAnswer = errors.New("courier: the queue did not say what became of a message")

// entryError is the error of a message that the queue refused, as one of a call.
func entryError(f *sqsapi.BatchResultErrorEntry) error {
	text, status := "", 500
	if f.Message != nil {
		text = *f.Message
	}
	if f.SenderFault {
		status = 400
	}
	return aws.Errorf(f.Code, status, "%s", text)
}
