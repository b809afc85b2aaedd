package logs

import (
	"context"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// span is the half-open interval of times, in milliseconds, that a request asks for.
type span struct{ from, to int64 }

const forever = int64(1) << 60

// within makes a span of a request's times; what the group no longer keeps is not in it.
func (s *Service) within(start, end *int64, g groupRecord) span {
	out := span{0, forever}
	if start != nil {
		out.from = *start
	}
	if end != nil {
		out.to = min(*end, forever) // clients send the largest integer for no end
	}
	if cut := expiry(s.Clock.Now(), g.Retention); !cut.IsZero() {
		out.from = max(out.from, millis(cut))
	}
	return out
}

func (sp span) in(base store.Tuple) store.Range {
	return store.Range{Begin: store.Key(base.Int(sp.from)), End: store.Key(base.Int(sp.to))}
}

// GetLogEvents reads a stream forwards or backwards. Its tokens hold a place: "f/" goes on after it, "b/" before it. At
// the end a call answers with the token that it was given.
func (s *Service) GetLogEvents(ctx context.Context, id aws.Identity, in *logsapi.GetLogEventsRequest) (*logsapi.GetLogEventsResponse, error) {
	name, err := oneName(id, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if in.StartTime != nil && in.EndTime != nil && *in.StartTime >= *in.EndTime {
		return nil, badParameter("Time range is invalid. endTime must be after startTime.")
	}
	page := eventPage{limit: eventLimit, backward: in.StartFromHead == nil || !*in.StartFromHead}
	if in.Limit != nil {
		page.limit = int(*in.Limit)
	}
	if in.NextToken != nil {
		if err := page.resume(*in.NextToken); err != nil {
			return nil, err
		}
	}
	g, p, err := s.find(ctx, id, name)
	if err != nil {
		return nil, err
	}
	page.span = s.within(in.StartTime, in.EndTime, g)
	err = s.shard(p).View(ctx, func(_ context.Context, r store.Reader) error {
		st, err := readStream(r, p, in.LogStreamName)
		if err != nil {
			return err
		}
		return page.read(r, p, p.events(st.ID))
	})
	if err != nil {
		return nil, err
	}
	out := &logsapi.GetLogEventsResponse{Events: make([]logsapi.OutputLogEvent, len(page.events))}
	for i, e := range page.events {
		out.Events[i] = logsapi.OutputLogEvent{Timestamp: &e.time, Message: &e.message, IngestionTime: &e.ingested}
	}
	forward, backward := page.tokens()
	out.NextForwardToken, out.NextBackwardToken = &forward, &backward
	return out, nil
}

// eventPage is one answer of GetLogEvents.
type eventPage struct {
	span     span
	limit    int
	backward bool
	after    *spot // go on from here, in the direction of backward
	events   []event
}

func (pg *eventPage) resume(token string) error {
	direction, place, _ := strings.Cut(token, "/")
	at, err := parseSpot(place)
	if err != nil || direction != "f" && direction != "b" {
		return badParameter("The specified nextToken is invalid.")
	}
	pg.after, pg.backward = &at, direction == "b"
	return nil
}

func (pg *eventPage) read(r store.Reader, p place, base store.Tuple) error {
	rng := pg.span.in(base)
	switch {
	case pg.after != nil && pg.backward:
		rng.End = store.Key(pg.after.in(base))
	case pg.after != nil:
		rng = pg.after.in(base).After(rng)
	}
	size := 0
	pairs, done := r.Scan(rng, store.ScanOpt{Reverse: pg.backward, Limit: pg.limit})
	for kv := range pairs {
		at, err := readSpot(kv.Key, len(base))
		if err != nil {
			return err
		}
		e, err := decodeEvent(r, p, at, kv.Value)
		if err != nil {
			return err
		}
		if size += len(e.message) + eventOverhead; size > answerBytes && len(pg.events) > 0 {
			break
		}
		pg.events = append(pg.events, e)
	}
	if pg.backward {
		slices.Reverse(pg.events)
	}
	return done()
}

// tokens are those before the first and after the last event of the page; on an empty page, the place where it stands.
func (pg *eventPage) tokens() (forward, backward string) {
	switch {
	case len(pg.events) > 0:
		return "f/" + pg.events[len(pg.events)-1].spot.String(), "b/" + pg.events[0].spot.String()
	case pg.after != nil && pg.backward: // forward of here comes the event that the token stands before
		return "f/" + pg.after.before().String(), "b/" + pg.after.String()
	case pg.after != nil:
		return "f/" + pg.after.String(), "b/" + pg.after.next().String()
	case pg.backward:
		at := spot{time: pg.span.from}
		return "f/" + at.String(), "b/" + at.String()
	}
	at := spot{time: min(pg.span.to, forever)}
	if pg.span.to == forever {
		at.time = pg.span.from
	}
	return "f/" + at.String(), "b/" + at.String()
}
