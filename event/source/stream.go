package source

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
)

// StreamConfig is what a Stream needs.
type StreamConfig struct {
	Caller aws.Caller
	Clock  clock.Clock
	ARN    string
	// Identity is who reads. It is asked before each call; an error is waited out like one of the stream.
	Identity  func(ctx context.Context) (aws.Identity, error)
	Process   ProcessBatch
	Positions Positions

	BatchSize int           // records of a batch at most
	Window    time.Duration // for which a batch is filled; 0: what is there is a batch
	MaxBytes  int           // of the records of a batch together
	Filter    *Filter       // nil: every record is wanted
	Lanes     int           // batches of a shard at a time; those of one partition key follow one another
	Tumbling  time.Duration // of the windows that share a state; 0: there are none. The shard then has one lane
	Bisect    bool          // a batch that fails is tried again in two halves
	MaxAge    time.Duration // of records that are processed; 0: as long as the stream keeps them
	Retries   int           // of a batch that fails, after which it is given up; below 0: any number

	// Report, when not nil, is told how the last attempt to read or process went.
	Report func(problem error)
	Log    *slog.Logger
}

// Batch is what is processed at a time.
type Batch struct {
	Shard   string
	Records []Record        // in order; none in the last batch of a tumbling window
	Window  *TumblingWindow // nil: there are none
}

// TumblingWindow is a stretch of time whose batches share a state.
type TumblingWindow struct {
	Start, End time.Time
	State      []byte // a JSON object
	Final      bool   // the window ends with this batch
	Early      bool   // because its state has become too large
}

// Result is what became of a batch.
type Result struct {
	// Failed is the ID of the first record that failed: those before it are done, and those after it are not; "": all
	// are done.
	Failed string
	// State is that of the tumbling window, for the next batch.
	State []byte
}

// ProcessBatch handles a batch. An error means that all of it failed; one that wraps ErrNoRoom says that nothing has been
// tried.
type ProcessBatch func(ctx context.Context, b *Batch) (Result, error)

// Stream reads a stream of DynamoDB. Its loop is Run.
//
// Each shard has a reader that deals the records out to lanes, by their partition keys. A lane processes one batch after
// another and says after each how far it is, so that what follows a crash begins there: every record is processed at
// least once, and those of a partition key in order. A shard is read when that before it is done. While nothing comes
// each shard waits in one call (see Patient).
type Stream struct {
	StreamConfig
	feed feed
	ends chan func() // of shards: the work that the clock waits for until the next ones are read
	up   chan struct{}
	run  sync.WaitGroup // shards

	mu        sync.Mutex // of all below, of the shards and of the lanes
	shards    map[string]*shard
	positions map[string]Position // nil until they are loaded
	looking   bool                // for the shards that are to be read
	deaf      bool                // it waits after an error
	asked     uint64              // by Settle
	changed   chan struct{}
}

// NewStream returns a Stream that does nothing yet.
func NewStream(c StreamConfig) (*Stream, error) {
	a, err := aws.ParseARN(c.ARN)
	if err != nil || a.Service != "dynamodb" {
		return nil, fmt.Errorf("source: %s is no stream", c.ARN)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Report == nil {
		c.Report = func(error) {}
	}
	if c.Lanes < 1 || c.Tumbling > 0 {
		c.Lanes = 1
	}
	return &Stream{StreamConfig: c, feed: newFeed(c.Caller, a), ends: make(chan func()), up: make(chan struct{}), shards: map[string]*shard{},
		changed: make(chan struct{})}, nil
}

// Run reads until ctx ends, and then lets those batches end that are being processed. It may be called once.
func (s *Stream) Run(ctx context.Context) error {
	defer s.run.Wait()
	end := clock.Begin(s.Clock)
	defer func() { end() }()
	close(s.up)
	pause := shortestPause
	for ctx.Err() == nil {
		s.mark(&s.looking, true)
		err := s.open(ctx)
		if err != nil && ctx.Err() == nil {
			s.Report(err)
			s.Log.Debug("source: stream not read", "stream", s.ARN, "problem", err)
			if aws.CodeOf(err) == "ResourceNotFoundException" { // it never comes back: a new stream has another name
				s.mark(&s.looking, false)
				end()
				<-ctx.Done()
				break
			}
			end()
			s.rest(ctx, &s.deaf, pause)
			pause = min(2*pause, longestPause)
			continue
		}
		pause = shortestPause
		s.mark(&s.looking, false)
		end()
		select {
		case end = <-s.ends:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// rest waits for d of the platform's time. flag says meanwhile that whoever has it has nothing to do.
func (s *Stream) rest(ctx context.Context, flag *bool, d time.Duration) {
	reached, stop := s.Clock.Until(s.Clock.Now().Add(d))
	s.mark(flag, true)
	select {
	case <-reached:
	case <-ctx.Done():
	}
	s.mark(flag, false)
	stop()
}

func (s *Stream) mark(flag *bool, v bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*flag = v
	s.note()
}

// note tells Settle that something has changed. s.mu is held.
func (s *Stream) note() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// open begins to read those shards whose time has come, and forgets those that are gone.
func (s *Stream) open(ctx context.Context) error {
	id, err := s.Identity(ctx)
	if err != nil {
		return err
	}
	list, err := s.feed.shards(ctx, id)
	if err != nil {
		return err
	}
	if s.positions == nil {
		loaded, err := s.Positions.Load(ctx)
		if err != nil {
			return err
		}
		s.positions = loaded
	}
	there := make(map[string]bool, len(list))
	for _, sh := range list {
		there[sh.id] = true
	}
	s.mu.Lock()
	var gone []string
	for name := range s.positions {
		if !there[name] && s.shards[name] == nil {
			gone = append(gone, name)
		}
	}
	for _, sh := range list {
		p := s.positions[sh.id]
		if s.shards[sh.id] == nil && !p.Ended && (!there[sh.parent] || s.positions[sh.parent].Ended) {
			h := newShard(s, sh.id, p)
			s.shards[sh.id] = h
			s.run.Go(func() { h.run(ctx) })
		}
	}
	s.mu.Unlock()
	for _, name := range gone {
		if err := s.Positions.Forget(ctx, name); err != nil {
			return err
		}
		s.mu.Lock()
		delete(s.positions, name)
		s.mu.Unlock()
	}
	return nil
}

// Latest returns the positions with which only what comes from now on is read.
func (s *Stream) Latest(ctx context.Context) (map[string]Position, error) {
	id, err := s.Identity(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.feed.shards(ctx, id)
	if err != nil {
		return nil, err
	}
	now, all := s.Clock.Now(), make(map[string]Position, len(list))
	for _, sh := range list {
		p := Position{Ended: sh.closed, Since: now}
		if !p.Ended {
			if p.Iterator, err = s.feed.latest(ctx, id, sh.id); err != nil {
				return nil, err
			}
		}
		all[sh.id] = p
	}
	return all, nil
}

// Settle returns once nothing could be read now that is not being processed. It waits for Run to begin. It is what a
// virtual clock asks.
func (s *Stream) Settle(ctx context.Context) error {
	select {
	case <-s.up:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	asked := s.asked
	for _, h := range s.shards {
		if h.interrupt != nil {
			h.interrupt()
		}
	}
	for !s.settled(asked) {
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
			s.mu.Lock()
		case <-ctx.Done():
			s.mu.Lock()
			return ctx.Err()
		}
	}
	return nil
}

// settled reports whether every shard has looked since it was asked. s.mu is held.
func (s *Stream) settled(asked uint64) bool {
	if s.looking && !s.deaf {
		return false
	}
	for _, h := range s.shards {
		if h.answered < asked && !h.deaf && !h.full && !h.ended && !h.over {
			return false
		}
	}
	return true
}
