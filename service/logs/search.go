package logs

import (
	"context"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/logs/filter"
	"github.com/brume-dev/brume/store"
)

// search is one call of FilterLogEvents: the events of a group in order of time, those that the pattern matches.
type search struct {
	place
	span    span
	after   *spot
	limit   int
	pattern *filter.Pattern
	streams []string // names; nil means all
	prefix  string

	names  map[uint64]string // stream names found so far, "" for one that is gone
	looked int
	size   int
	events []logsapi.FilteredLogEvent
	last   spot
	more   bool
}

// FilterLogEvents searches a group. It looks at so many events at the most and then answers with a token, with which the
// next call goes on: an answer may be empty and yet have a token.
func (s *Service) FilterLogEvents(ctx context.Context, id aws.Identity, in *logsapi.FilterLogEventsRequest) (*logsapi.FilterLogEventsResponse, error) {
	name, err := oneName(id, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil {
		return nil, badParameter("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
	}
	if in.StartTime != nil && in.EndTime != nil && *in.StartTime > *in.EndTime {
		return nil, badParameter("Time range is invalid. endTime must be after startTime.")
	}
	q := search{limit: eventLimit, streams: in.LogStreamNames, names: map[uint64]string{}}
	if in.FilterPattern != nil {
		if q.pattern, err = filter.Parse(*in.FilterPattern); err != nil {
			return nil, badParameter("Invalid filter pattern: " + err.Error())
		}
	}
	if in.Limit != nil {
		q.limit = int(*in.Limit)
	}
	if in.LogStreamNamePrefix != nil {
		q.prefix = *in.LogStreamNamePrefix
	}
	if in.NextToken != nil {
		at, err := parseSpot(*in.NextToken)
		if err != nil {
			return nil, badParameter("The specified nextToken is invalid.")
		}
		q.after = &at
	}
	g, p, err := s.find(ctx, id, name)
	if err != nil {
		return nil, err
	}
	q.place, q.span = p, s.within(in.StartTime, in.EndTime, g)
	if in.EndTime != nil {
		q.span.to++ // endTime is in the interval here
	}
	if err := s.shard(p).View(ctx, func(_ context.Context, r store.Reader) error { return q.run(r) }); err != nil {
		return nil, err
	}
	out := &logsapi.FilterLogEventsResponse{Events: q.events, SearchedLogStreams: []logsapi.SearchedLogStream{}}
	if q.more {
		token := q.last.String()
		out.NextToken = &token
	}
	return out, nil
}

func (q *search) run(r store.Reader) error {
	for _, name := range q.streams {
		if _, err := readStream(r, q.place, name); err != nil {
			return err
		}
	}
	base := q.times()
	rng := q.span.in(base)
	if q.after != nil {
		rng = q.after.in(base).After(rng)
	}
	q.events = []logsapi.FilteredLogEvent{}
	pairs, done := r.Scan(rng, store.ScanOpt{})
	for kv := range pairs {
		if q.looked == filterScan || len(q.events) == q.limit {
			q.more = true
			break
		}
		at, err := readSpot(kv.Key, len(base))
		if err != nil {
			return err
		}
		stream := store.Decode(kv.Value, 0).Uint()
		if err := q.look(r, at, stream); err != nil {
			return err
		}
		if q.more {
			break
		}
		q.last = at
		q.looked++
	}
	return done()
}

// look takes one event when its stream is asked for and the pattern matches it.
func (q *search) look(r store.Reader, at spot, stream uint64) error {
	name, known := q.names[stream]
	if !known {
		v, _, err := r.Get(q.name(stream))
		if err != nil {
			return err
		}
		name = string(v)
		q.names[stream] = name
	}
	if name == "" || !strings.HasPrefix(name, q.prefix) || q.streams != nil && !slices.Contains(q.streams, name) {
		return nil
	}
	v, ok, err := r.Get(at.in(q.place.events(stream)))
	if err != nil || !ok {
		return err
	}
	e, err := decodeEvent(r, q.place, at, v)
	if err != nil {
		return err
	}
	if q.pattern != nil && !q.pattern.Matches(e.message) {
		return nil
	}
	if q.size+len(e.message)+eventOverhead > answerBytes && len(q.events) > 0 {
		q.more = true
		return nil
	}
	q.size += len(e.message) + eventOverhead
	eventID := at.String()
	q.events = append(q.events, logsapi.FilteredLogEvent{LogStreamName: &name, Timestamp: &e.time, Message: &e.message,
		IngestionTime: &e.ingested, EventId: &eventID})
	return nil
}
