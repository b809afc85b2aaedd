package xray

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/xray/filter"
	"github.com/brume-dev/brume/store"
)

// search is a GetTraceSummaries request, checked.
type search struct {
	order    order
	from, to int64 // microseconds; both belong to the range
	before   *spot // where the last page ended
	filter   *filter.Expression
	part     float64 // of the traces that are summarized
}

func newSearch(in *xrayapi.GetTraceSummariesRequest) (*search, error) {
	q := &search{order: byStart, from: in.StartTime.UnixMicro(), to: in.EndTime.UnixMicro(), part: 1}
	switch in.TimeRangeType {
	case xrayapi.TimeRangeTypeEvent:
		q.order = byEvent
	case xrayapi.TimeRangeTypeService:
		q.order = byEnd
	}
	switch {
	case q.from > q.to:
		return nil, badRequest("StartTime must not be after EndTime")
	case in.EndTime.Sub(in.StartTime) > maxRange:
		return nil, badRequest("Time range cannot be longer than 24 hours")
	}
	if in.FilterExpression != nil && strings.TrimSpace(*in.FilterExpression) != "" {
		if utf8.RuneCountInString(*in.FilterExpression) > maxFilter {
			return nil, badRequest("Invalid FilterExpression: it is longer than 2000 characters")
		}
		var err error
		if q.filter, err = filter.Parse(*in.FilterExpression); err != nil {
			return nil, badRequest("Invalid FilterExpression: " + err.Error())
		}
	}
	if st := in.SamplingStrategy; st != nil && st.Value != nil && (in.Sampling == nil || *in.Sampling) {
		if q.part = *st.Value; !(q.part >= 0 && q.part <= 1) {
			return nil, badRequest("SamplingStrategy value must be between 0 and 1")
		}
	}
	if in.NextToken != nil {
		at, err := parseSpot(*in.NextToken)
		if err != nil {
			return nil, badRequest("Invalid NextToken")
		}
		q.before = &at
	}
	return q, nil
}

// GetTraceSummaries summarizes the traces of a time range that match a filter expression, the latest first. A call
// looks at so many traces and then answers with a token, be there matches or not.
// https://docs.aws.amazon.com/xray/latest/api/API_GetTraceSummaries.html
func (s *Service) GetTraceSummaries(ctx context.Context, id aws.Identity, in *xrayapi.GetTraceSummariesRequest) (*xrayapi.GetTraceSummariesResult, error) {
	q, err := newSearch(in)
	if err != nil {
		return nil, err
	}
	p := placeOf(id.Account, id.Region)
	page, err := store.View(ctx, s.shard(p), func(_ context.Context, r store.Reader) (page, error) { return q.read(r, p, s.cut()) })
	if err != nil {
		return nil, err
	}
	out := &xrayapi.GetTraceSummariesResult{TraceSummaries: []xrayapi.TraceSummary{}}
	for i := range page.traces {
		t, err := page.traces[i].assemble()
		if err != nil {
			return nil, err
		}
		facts := t.facts(id)
		if q.filter == nil || q.filter.Match(facts) {
			out.TraceSummaries = append(out.TraceSummaries, t.summary(id, facts, q.order))
		}
	}
	processed, approximate := int64(page.looked), in.StartTime
	if page.next != nil {
		token := page.next.String()
		out.NextToken, approximate = &token, time.UnixMicro(page.next.time).UTC()
	}
	out.TracesProcessedCount, out.ApproximateTime = &processed, &approximate
	return out, nil
}

// page is what one call looks at.
type page struct {
	traces []stored
	looked int
	next   *spot // nil when this was the last page
}

func (q *search) read(r store.Reader, p place, cut int64) (out page, err error) {
	base := p.times(q.order)
	rng := store.Range{Begin: store.Key(base.Int(q.from)), End: store.Key(base.Int(q.to + 1))}
	if q.before != nil && q.before.time <= q.to {
		rng.End = store.Key(p.at(q.order, *q.before))
	}
	size := 0
	pairs, done := r.Scan(rng, store.ScanOpt{Reverse: true, Limit: pageTraces + 1})
	var last spot
	for kv := range pairs {
		if out.looked == pageTraces || size > pageBytes {
			out.next = &last
			break
		}
		at, err := readSpot(kv.Key, len(base))
		if err != nil {
			return out, err
		}
		last = at
		out.looked++
		if q.part < 1 && share(at.trace) >= q.part {
			continue
		}
		t, there, err := load(r, p, at.trace, cut)
		if err != nil {
			return out, err
		}
		if there {
			out.traces, size = append(out.traces, t), size+t.rec.Bytes
		}
	}
	return out, done()
}

// share is a number in [0, 1) that follows from a trace: those below a rate are the sample of that rate.
func share(trace string) float64 {
	h := sha256.Sum256([]byte(trace))
	return float64(binary.BigEndian.Uint64(h[:])>>11) / (1 << 53)
}
