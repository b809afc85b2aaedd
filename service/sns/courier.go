package sns

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
)

// courier takes messages to queues. Those that are to go to one queue while others are under way share the next call, so
// that they share its transaction too.
type courier struct {
	caller aws.Caller
	mu     sync.Mutex
	lines  map[line]*waiting
}

// line is a way that messages go: from a topic to a queue.
type line struct{ topic, queue string }

// waiting is what waits on a line.
type waiting struct {
	running int // calls under way
	entries []*entry
}

// entry is a message to a queue.
type entry struct {
	sqsapi.SendMessageBatchRequestEntry
	id   aws.Identity
	size int
	done chan error
}

// send takes a message to a queue and returns what the queue said.
func (c *courier) send(ctx context.Context, from line, e *entry) error {
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
		c.lines = map[line]*waiting{}
	}
	w := c.lines[from]
	if w == nil {
		w = &waiting{}
		c.lines[from] = w
	}
	w.entries = append(w.entries, e)
	if w.running < queueParallel {
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
func (c *courier) run(from line, w *waiting) {
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
func (w *waiting) take() []*entry {
	n, size := 0, 0
	for n < len(w.entries) && n < queueBatch {
		if size += w.entries[n].size; n > 0 && size > queueBytes {
			break
		}
		n++
	}
	batch := append([]*entry(nil), w.entries[:n]...)
	w.entries = append(w.entries[:0], w.entries[n:]...)
	return batch
}

// call sends a batch and tells each of those who wait.
func (c *courier) call(from line, batch []*entry) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	queue, err := aws.ParseARN(from.queue)
	in := &sqsapi.SendMessageBatchRequest{QueueUrl: "https://sqs." + queue.Region + ".amazonaws.com/" + queue.Account + "/" + queue.Resource}
	for i, e := range batch {
		e.Id = strconv.Itoa(i)
		in.Entries = append(in.Entries, e.SendMessageBatchRequestEntry)
	}
	var out *sqsapi.SendMessageBatchResult
	if err == nil {
		id := batch[0].id
		id.Account, id.Region = queue.Account, queue.Region
		out, err = sqsapi.NewClient(c.caller).SendMessageBatch(ctx, id, in)
	}
	results := make([]error, len(batch))
	if err != nil {
		for i := range results {
			results[i] = err
		}
	} else {
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
	}
	for i, e := range batch {
		e.done <- results[i]
	}
}

var errNoAnswer = errors.New("sns: the queue did not say what became of a message")

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
