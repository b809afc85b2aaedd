package logbook

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
)

// write writes what waits in s. Without permission it is dropped, as Lambda drops it; when Logs fails it waits on.
func (s *Stream) write(ctx context.Context) {
	s.writing.Lock()
	defer s.writing.Unlock()
	for {
		batch := s.take()
		if len(batch) == 0 {
			return
		}
		err := s.put(ctx, batch)
		switch info := aws.InfoOf(err); {
		case err == nil:
			s.failing = false
		case info.Status == http.StatusTooManyRequests || info.Status >= http.StatusInternalServerError || ctx.Err() != nil:
			s.giveBack(batch)
			if !s.failing {
				s.book.log.Warn("log events wait to be written", "group", s.group, "stream", s.name, "problem", err)
			}
			s.failing = true
			return
		default:
			s.book.log.Debug("log events dropped", "group", s.group, "stream", s.name, "events", len(batch), "problem", err)
		}
	}
}

// take takes the next batch. Events of a batch are in the order of their times, which the platform's clock gives.
func (s *Stream) take() []logsapi.InputLogEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	size, n := 0, 0
	for n < len(s.pending) && n < maxBatchEvents-1 { // one is kept for the note below
		size += len(s.pending[n].Message) + eventOverhead
		if n > 0 && size > maxBatchBytes {
			break
		}
		n++
	}
	batch := slices.Clone(s.pending[:n])
	for i := range batch {
		s.bytes -= len(batch[i].Message) + eventOverhead
		if m := &batch[i].Message; len(*m)+eventOverhead > maxBatchBytes {
			*m = (*m)[:maxBatchBytes-eventOverhead]
		}
		if i > 0 {
			batch[i].Timestamp = max(batch[i].Timestamp, batch[i-1].Timestamp)
		}
	}
	s.pending = s.pending[n:]
	if len(s.pending) == 0 {
		s.pending = nil
	}
	if n > 0 && s.dropped > 0 {
		batch = append(batch, logsapi.InputLogEvent{Timestamp: batch[n-1].Timestamp,
			Message: fmt.Sprintf("[%d log events were dropped: they come faster than they can be written]", s.dropped)})
		s.dropped = 0
	}
	return batch
}

// giveBack puts a batch before what waits.
func (s *Stream) giveBack(batch []logsapi.InputLogEvent) {
	s.mu.Lock()
	for i := range batch {
		s.bytes += len(batch[i].Message) + eventOverhead
	}
	s.pending = append(batch, s.pending...)
	s.mu.Unlock()
	s.book.note(s)
}

// put writes a batch; a group or stream that is not there is made first.
func (s *Stream) put(ctx context.Context, batch []logsapi.InputLogEvent) error {
	in := &logsapi.PutLogEventsRequest{LogGroupName: s.group, LogStreamName: s.name, LogEvents: batch}
	if s.made {
		_, err := s.book.client.PutLogEvents(ctx, s.role, in)
		if err == nil || aws.CodeOf(err) != "ResourceNotFoundException" {
			return err
		}
	}
	if err := s.make(ctx); err != nil {
		return err
	}
	s.made = true
	_, err := s.book.client.PutLogEvents(ctx, s.role, in)
	return err
}

// make makes the stream, and its group if need be.
func (s *Stream) make(ctx context.Context) error {
	stream := &logsapi.CreateLogStreamRequest{LogGroupName: s.group, LogStreamName: s.name}
	_, err := s.book.client.CreateLogStream(ctx, s.role, stream)
	if aws.CodeOf(err) == "ResourceNotFoundException" {
		_, err = s.book.client.CreateLogGroup(ctx, s.role, &logsapi.CreateLogGroupRequest{LogGroupName: s.group})
		if err != nil && aws.CodeOf(err) != "ResourceAlreadyExistsException" {
			return err
		}
		_, err = s.book.client.CreateLogStream(ctx, s.role, stream)
	}
	if err != nil && aws.CodeOf(err) == "ResourceAlreadyExistsException" {
		return nil
	}
	return err
}
