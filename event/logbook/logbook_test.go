package logbook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
)

// logs is CloudWatch Logs, as far as it is needed.
type logs struct {
	aws.Caller
	mu      sync.Mutex
	groups  map[string]bool
	streams map[string][]string
	calls   []string
	fail    error
}

func newLogs() *logs { return &logs{groups: map[string]bool{}, streams: map[string][]string{}} }

func (l *logs) Call(_ context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, op.Name)
	if l.fail != nil {
		return nil, l.fail
	}
	missing := &logsapi.ResourceNotFoundException{}
	switch in := in.(type) {
	case *logsapi.CreateLogGroupRequest:
		l.groups[in.LogGroupName] = true
		return &logsapi.CreateLogGroupOutput{}, nil
	case *logsapi.CreateLogStreamRequest:
		if !l.groups[in.LogGroupName] {
			return nil, missing
		}
		l.streams[in.LogGroupName+" "+in.LogStreamName] = []string{}
		return &logsapi.CreateLogStreamOutput{}, nil
	case *logsapi.PutLogEventsRequest:
		size := 0
		if l.streams[in.LogGroupName+" "+in.LogStreamName] == nil {
			return nil, missing
		}
		for i, e := range in.LogEvents {
			size += len(e.Message) + eventOverhead
			if i > 0 && e.Timestamp < in.LogEvents[i-1].Timestamp {
				return nil, errors.New("out of order")
			}
			l.streams[in.LogGroupName+" "+in.LogStreamName] = append(l.streams[in.LogGroupName+" "+in.LogStreamName], e.Message)
		}
		if size > maxBatchBytes || len(in.LogEvents) > maxBatchEvents {
			return nil, fmt.Errorf("%d bytes, %d events", size, len(in.LogEvents))
		}
		return &logsapi.PutLogEventsResponse{}, nil
	}
	return nil, fmt.Errorf("unexpected %s by %v", op, id)
}

func (l *logs) text(key string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.streams[key], "|")
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// What is added is written together within the interval, in order, into a group that is made on the way.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLogs()
		b := New(Config{Caller: l})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		s := b.Open(aws.Identity{}, "/aws/lambda/f", "s")
		s.Add(noon, "one")
		s.Add(noon.Add(-time.Second), "two") // the clock of another reader was behind
		s.Add(noon, "")
		time.Sleep(time.Second)
		if got := l.text("/aws/lambda/f s"); got != "one|two| " {
			t.Errorf("within a second: %q", got)
		}
		if got := strings.Join(l.calls, " "); got != "CreateLogStream CreateLogGroup CreateLogStream PutLogEvents" {
			t.Errorf("calls: %s", got)
		}
		s.Add(noon, "last")
		cancel()
		<-done
		if got := l.text("/aws/lambda/f s"); got != "one|two| |last" {
			t.Errorf("at the end: %q", got)
		}
	})
}

func TestFailures(t *testing.T) {
	l := newLogs()
	b := New(Config{Caller: l})
	s := b.Open(aws.Identity{}, "g", "s")
	s.Add(noon, "kept")
	l.fail = errors.New("logs is not well")
	b.Flush(t.Context())
	l.fail = nil
	b.Flush(t.Context())
	if got := l.text("g s"); got != "kept" {
		t.Errorf("after a failure: %q", got)
	}
	s.Add(noon, "dropped")
	l.fail = aws.Errorf("AccessDeniedException", 400, "no")
	b.Flush(t.Context())
	l.fail = nil
	s.Add(noon, "next")
	b.Flush(t.Context())
	if got := l.text("g s"); got != "kept|next" {
		t.Errorf("without permission: %q", got)
	}
	delete(l.streams, "g s") // somebody deleted it
	s.Add(noon, "anew")
	b.Flush(t.Context())
	if got := l.text("g s"); got != "anew" {
		t.Errorf("after the stream was deleted: %q", got)
	}
}

// Batches keep the limits of PutLogEvents, and what waits is bounded.
func TestBounds(t *testing.T) {
	l := newLogs()
	b := New(Config{Caller: l})
	s := b.Open(aws.Identity{}, "g", "s")
	for range 25_000 {
		s.Add(noon, "x")
	}
	line := strings.Repeat("y", 1<<20)
	for range 10 {
		s.Add(noon, line)
	}
	b.Flush(t.Context())
	got := l.text("g s")
	if n := strings.Count(got, "x|"); n != 25_000 {
		t.Errorf("%d short lines", n)
	}
	if n := strings.Count(got, "y"); n < 2<<20 || n > 4<<20 {
		t.Errorf("%d bytes of long lines", n)
	}
	if !strings.Contains(got, "log events were dropped") {
		t.Error("nothing says that events were dropped")
	}
}

func TestTail(t *testing.T) {
	s := New(Config{Caller: newLogs()}).Open(aws.Identity{}, "g", "s")
	s.Add(noon, "before")
	s.Watch()
	s.Add(noon, "a")
	s.Add(noon, "b")
	if got := string(s.Tail()); got != "a\nb\n" {
		t.Errorf("tail %q", got)
	}
	s.Watch()
	for i := range 10_000 {
		s.Add(noon, fmt.Sprint("line ", i))
	}
	if got := string(s.Tail()); len(got) != maxTail || !strings.HasSuffix(got, "line 9999\n") {
		t.Errorf("tail of %d bytes ends in %q", len(got), got[len(got)-20:])
	}
	if s.Tail() != nil {
		t.Error("a tail that nobody watches")
	}
}
