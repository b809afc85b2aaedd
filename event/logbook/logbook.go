// Package logbook writes to CloudWatch Logs what comes in many small pieces and must hold up nobody: what functions print,
// what express executions do. It is written in batches, afterwards, with the permissions of whoever it is for: it is
// durable within a second of the platform's running on.
package logbook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
)

// Config is what a Book needs.
type Config struct {
	Caller aws.Caller
	Log    *slog.Logger
}

// Book has the streams.
type Book struct {
	client logsapi.Client
	log    *slog.Logger
	wake   chan struct{}

	mu      sync.Mutex
	waiting map[*Stream]struct{} // streams with something to write
}

// New returns a book; its loop is Run.
func New(c Config) *Book {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Book{client: logsapi.NewClient(c.Caller), log: c.Log, wake: make(chan struct{}, 1), waiting: map[*Stream]struct{}{}}
}

// Stream is one log stream.
type Stream struct {
	book        *Book
	role        aws.Identity // who writes
	group, name string

	writing sync.Mutex // one write at a time keeps the order
	made    bool       // the stream is there
	failing bool       // the last write failed

	mu      sync.Mutex
	pending []logsapi.InputLogEvent
	bytes   int
	dropped int
	tail    *tail
}

// Open returns a stream that role writes. It is made in Logs when there is something to write.
func (b *Book) Open(role aws.Identity, group, name string) *Stream {
	return &Stream{book: b, role: role, group: group, name: name}
}

// Name is the name of the stream.
func (s *Stream) Name() string { return s.name }

// Add appends an event.
func (s *Stream) Add(at time.Time, text string) {
	if text == "" {
		text = " " // Logs takes no empty event
	}
	s.mu.Lock()
	s.tail.add(text)
	size := len(text) + eventOverhead
	if s.bytes+size > maxPending {
		s.dropped++
		s.mu.Unlock()
		return
	}
	s.bytes += size
	s.pending = append(s.pending, logsapi.InputLogEvent{Timestamp: at.UnixMilli(), Message: text})
	s.mu.Unlock()
	s.book.note(s)
}

// Watch begins to remember the end of what is added, for X-Amz-Log-Result; Tail ends that and returns it.
func (s *Stream) Watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tail = &tail{}
}

// Tail returns the last 4 KB of what was added since Watch.
func (s *Stream) Tail() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tail
	s.tail = nil
	return t.bytes()
}

// tail keeps the last maxTail bytes.
type tail struct{ b []byte }

func (t *tail) add(text string) {
	if t == nil {
		return
	}
	t.b = append(append(t.b, text...), '\n')
	if len(t.b) > 8*maxTail {
		t.b = append(t.b[:0], t.bytes()...)
	}
}

func (t *tail) bytes() []byte {
	if t == nil {
		return nil
	}
	return t.b[max(0, len(t.b)-maxTail):]
}

// note puts s among those that wait.
func (b *Book) note(s *Stream) {
	b.mu.Lock()
	first := len(b.waiting) == 0
	b.waiting[s] = struct{}{}
	b.mu.Unlock()
	if first {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
}

// Run writes until ctx ends, and then what is left.
func (b *Book) Run(ctx context.Context) error {
	pause := time.NewTimer(interval)
	defer pause.Stop()
	for {
		select {
		case <-b.wake:
		case <-ctx.Done():
			rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCall)
			defer cancel()
			b.Flush(rest)
			return ctx.Err()
		}
		// What comes within the interval is written together.
		pause.Reset(interval)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		b.Flush(ctx)
	}
}

// Flush writes what waits.
func (b *Book) Flush(ctx context.Context) {
	b.mu.Lock()
	streams := make(chan *Stream, len(b.waiting))
	for s := range b.waiting {
		streams <- s
	}
	clear(b.waiting)
	b.mu.Unlock()
	close(streams)
	var all sync.WaitGroup
	for range min(writers, len(streams)) {
		all.Go(func() {
			for s := range streams {
				s.write(ctx)
			}
		})
	}
	all.Wait()
}
