package logs

import (
	"context"
	"fmt"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// eventRecord is one event of a stream.
type eventRecord struct {
	Ingested int64  `cbor:"1,keyasint"`
	Message  string `cbor:"2,keyasint,omitempty"`
	Big      bool   `cbor:"3,keyasint,omitempty"` // the message lies apart
}

const (
	eventVersion = 1
	// inline is the longest message that is kept in its record.
	inline = store.MaxValue - 64
)

// PutLogEvents appends a batch to a stream. Events out of the time that the service takes are left out and reported.
func (s *Service) PutLogEvents(ctx context.Context, id aws.Identity, in *logsapi.PutLogEventsRequest) (*logsapi.PutLogEventsResponse, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	g, p, err := s.find(ctx, id, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	return store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (*logsapi.PutLogEventsResponse, error) {
		if err := live(tx, p); err != nil {
			return nil, err
		}
		st, err := readStream(tx, p, in.LogStreamName)
		if err != nil {
			return nil, err
		}
		take, rejected := acceptable(in.LogEvents, tx.Now(), g.Retention)
		before := st
		if len(take) > 0 {
			if err := appendEvents(tx, p, st.ID, take); err != nil {
				return nil, err
			}
			st.Last = max(st.Last, take[len(take)-1].Timestamp)
			st.Ingested = millis(tx.Now())
			writeStream(tx, p, in.LogStreamName, &before, st)
			tx.Signal(store.Key(p.resource))
		}
		token := sequenceToken(st)
		return &logsapi.PutLogEventsResponse{NextSequenceToken: &token, RejectedLogEventsInfo: rejected}, nil
	})
}

// checkBatch holds a batch against the rules that do not depend on the time.
func checkBatch(events []logsapi.InputLogEvent) error {
	size := 0
	for i, e := range events {
		size += len(e.Message) + eventOverhead
		if len(e.Message)+eventOverhead > maxBatchBytes {
			return badParameter(fmt.Sprintf("Log event too large: %d bytes exceeds limit of %d", len(e.Message)+eventOverhead, maxBatchBytes))
		}
		if i > 0 && e.Timestamp < events[i-1].Timestamp {
			return badParameter("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if size > maxBatchBytes {
		return badParameter(fmt.Sprintf("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes))
	}
	if span := events[len(events)-1].Timestamp - events[0].Timestamp; span > maxBatchSpan.Milliseconds() {
		return badParameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// acceptable leaves out what is too old, expired or too new, and says what that was. The batch is in order of time.
func acceptable(events []logsapi.InputLogEvent, now time.Time, retention int32) ([]logsapi.InputLogEvent, *logsapi.RejectedLogEventsInfo) {
	count := func(before time.Time) (n int32) {
		for int(n) < len(events) && events[n].Timestamp < millis(before) {
			n++
		}
		return n
	}
	var info logsapi.RejectedLogEventsInfo
	from := count(now.Add(-maxPast))
	if from > 0 {
		old := from
		info.TooOldLogEventEndIndex = &old
	}
	if cut := expiry(now, retention); !cut.IsZero() {
		if expired := count(cut); expired > 0 {
			info.ExpiredLogEventEndIndex = &expired
			from = max(from, expired)
		}
	}
	to := count(now.Add(maxFuture + time.Millisecond))
	if int(to) < len(events) {
		start := to
		info.TooNewLogEventStartIndex = &start
	}
	if info == (logsapi.RejectedLogEventsInfo{}) {
		return events, nil
	}
	return events[from:max(from, to)], &info
}

// expiry is the time before which a group's events are gone; zero when it keeps them for ever.
func expiry(now time.Time, retention int32) time.Time {
	if retention == 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, -int(retention))
}

func appendEvents(tx store.Tx, p place, stream uint64, events []logsapi.InputLogEvent) error {
	batch, err := store.NextID(tx, p.seq())
	if err != nil {
		return err
	}
	size := int64(0)
	streamID := store.Tuple(nil).Uint(stream)
	for i, e := range events {
		at := spot{e.Timestamp, batch, uint64(i)}
		rec := eventRecord{Ingested: millis(tx.Now()), Message: e.Message}
		if len(e.Message) > inline {
			rec.Big, rec.Message = true, ""
			if err := store.SetLarge(tx, store.Key(p.big(at)), []byte(e.Message)); err != nil {
				return err
			}
		}
		tx.Set(at.in(p.events(stream)), record.Encode(eventVersion, rec))
		tx.Set(at.in(p.times()), store.Value(streamID))
		size += int64(len(e.Message) + eventOverhead)
	}
	tx.Add(p.bytes(), size)
	return nil
}

// event is an event as it is read.
type event struct {
	spot
	ingested int64
	message  string
}

func decodeEvent(r store.Reader, p place, at spot, v store.Value) (event, error) {
	var rec eventRecord
	if err := record.Decode(v, eventVersion, &rec); err != nil {
		return event{}, err
	}
	if rec.Big {
		b, ok, err := store.GetLarge(r, store.Key(p.big(at)))
		if err != nil || !ok {
			return event{}, fmt.Errorf("logs: read a large event: found %t: %w", ok, err)
		}
		rec.Message = string(b)
	}
	return event{at, rec.Ingested, rec.Message}, nil
}
