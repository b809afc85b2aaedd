package source

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
)

// QueueConfig is what a Queue needs.
type QueueConfig struct {
	Caller aws.Caller
	Clock  clock.Clock
	ARN    string
	// Identity is who reads. It is asked before each receive; an error is waited out like one of the queue.
	Identity func(ctx context.Context) (aws.Identity, error)
	Process  Process

	BatchSize int           // records of a batch at most
	Window    time.Duration // for which a batch is filled; 0: what one receive gives is a batch
	MaxBytes  int           // of the records of a batch together
	Filter    *Filter       // nil: every message is wanted

	// First is with how many batches at a time the reading begins, Max how many it may come to; 0: AWS's numbers.
	First, Max int
	// Free reports whether the machine bears more batches at a time; nil: always.
	Free func() bool
	// Report, when not nil, is told how the last attempt to read or process went.
	Report func(problem error)
	Log    *slog.Logger
}

// Queue reads an SQS queue, standard or FIFO. Its loop is Run.
//
// It works in slots: each receives a batch, processes it, deletes it. When there is nothing to do there is one slot, the
// scout, which waits in a long poll. Once the scout has a batch it stops being the scout, and a new slot takes its
// place, up to the limit; a slot that is done with its batch goes on as long as its receives are full, and ends when they
// are not and there is a scout. Groups of a FIFO queue keep their order because SQS gives nobody messages of a group of
// which some are in flight.
type Queue struct {
	QueueConfig
	arn     aws.ARN
	url     string
	client  sqsapi.Client
	probing bool          // the clock asks whether there is work
	up      chan struct{} // closed when Run has begun
	slots   sync.WaitGroup

	mu      sync.Mutex
	running int // slots
	resting int // of them, those that wait for something that is not there
	scouted bool
	deaf    bool // the scout waits after an error: it cannot say whether there is work
	scale   scale

	asked, answered uint64 // by Settle, and by the scout
	interrupt       func() // ends the scout's long poll
	changed         chan struct{}

	visibility struct {
		sync.Mutex
		timeout time.Duration
		until   time.Time
	}
}

// NewQueue returns a Queue that does nothing yet.
func NewQueue(c QueueConfig) (*Queue, error) {
	a, err := aws.ParseARN(c.ARN)
	if err != nil || a.Service != "sqs" {
		return nil, fmt.Errorf("source: %s is no queue", c.ARN)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Free == nil {
		c.Free = func() bool { return true }
	}
	if c.Report == nil {
		c.Report = func(error) {}
	}
	if c.Max <= 0 {
		c.Max = MaxConcurrency
	}
	if c.First <= 0 {
		c.First = FirstConcurrency
	}
	_, probing := c.Clock.(clock.Busy)
	return &Queue{QueueConfig: c, arn: a, url: QueueURL(a), client: sqsapi.NewClient(c.Caller), probing: probing, up: make(chan struct{}),
		scale: newScale(c.First, c.Max, c.Free), changed: make(chan struct{})}, nil
}

// QueueURL is a URL of the queue with an ARN, as services of AWS write it.
func QueueURL(a aws.ARN) string {
	return "https://sqs." + a.Region + ".amazonaws.com/" + a.Account + "/" + a.Resource
}

func (q *Queue) fifo() bool { return strings.HasSuffix(q.ARN, ".fifo") }

// Run reads until ctx ends, and then lets those batches end that are being processed. It may be called once.
func (q *Queue) Run(ctx context.Context) error {
	q.mu.Lock()
	q.start(ctx)
	q.mu.Unlock()
	close(q.up)
	<-ctx.Done()
	q.slots.Wait()
	return ctx.Err()
}

// start begins a slot. q.mu is held.
func (q *Queue) start(ctx context.Context) {
	q.running++
	q.slots.Go(func() { q.slot(ctx) })
}

// slot receives and processes batches until others do.
func (q *Queue) slot(ctx context.Context) {
	for more := true; ; {
		scout, on := q.next(ctx, more)
		if !on {
			return
		}
		var b batch
		if scout {
			b = q.wait(ctx)
		} else {
			b = q.look(ctx)
		}
		if more = len(b.records) > 0; !more {
			continue
		}
		q.found(ctx, scout)
		more = b.full
		q.work(ctx, b)
	}
}

// next says what a slot does next: it becomes the scout when there is none; else it looks on when there may be more, or
// ends.
func (q *Queue) next(ctx context.Context, more bool) (scout, on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case !q.scouted && (q.running <= q.scale.limit || q.running == 1):
		q.scouted = true
		return true, true
	case more && q.scouted && q.Window == 0 && q.running <= q.scale.limit:
		return false, true
	}
	q.running--
	if q.running <= 1 {
		q.scale.idle()
	}
	q.note()
	return false, false
}

// found has the others know that there are messages: somebody else is the scout from now on.
func (q *Queue) found(ctx context.Context, scout bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if scout {
		q.scouted = false
	}
	if ctx.Err() == nil && !q.scouted && (q.running < q.scale.limit || q.scale.more(q.Clock.Now())) {
		q.start(ctx)
	}
	q.note()
}

// note tells Settle that something has changed. q.mu is held.
func (q *Queue) note() {
	if q.probing {
		close(q.changed)
		q.changed = make(chan struct{})
	}
}

// rest marks the slot as one that waits; the answer ends that.
func (q *Queue) rest() (wake func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.resting++
	q.note()
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.resting--
	}
}

// pause waits for d of the platform's time.
func (q *Queue) pause(ctx context.Context, d time.Duration) {
	reached, stop := q.Clock.Until(q.Clock.Now().Add(d))
	wake := q.rest() // from now on time may be moved, but not past that
	select {
	case <-reached:
	case <-ctx.Done():
	}
	wake()
	stop()
}

// Settle returns once nothing is being processed, nor could be received now. It waits for Run to begin. It is what a
// virtual clock asks.
func (q *Queue) Settle(ctx context.Context) error {
	select {
	case <-q.up:
	case <-ctx.Done():
		return ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked++
	asked := q.asked
	if q.interrupt != nil {
		q.interrupt()
	}
	for q.resting < q.running || q.scouted && !q.deaf && q.answered < asked {
		changed := q.changed
		q.mu.Unlock()
		select {
		case <-changed:
			q.mu.Lock()
		case <-ctx.Done():
			q.mu.Lock()
			return ctx.Err()
		}
	}
	return nil
}
