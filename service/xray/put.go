package xray

import (
	"context"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// traceRecord is a trace as a whole.
type traceRecord struct {
	Start    int64 `cbor:"1,keyasint"` // of the earliest segment
	End      int64 `cbor:"2,keyasint"` // of the latest; Start while none has ended
	Updated  int64 `cbor:"3,keyasint"`
	Revision int32 `cbor:"4,keyasint"`
	Bytes    int   `cbor:"5,keyasint"`
	Full     bool  `cbor:"6,keyasint,omitempty"` // segments have been refused because the trace is too large
}

// segmentRecord is a document as it came.
type segmentRecord struct {
	InProgress bool   `cbor:"1,keyasint,omitempty"`
	Text       []byte `cbor:"2,keyasint"`
}

const (
	traceVersion   = 1
	segmentVersion = 1
)

// PutTraceSegments keeps the documents that are sound and says of each other what is wrong with it.
// https://docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html
func (s *Service) PutTraceSegments(ctx context.Context, id aws.Identity, in *xrayapi.PutTraceSegmentsRequest) (*xrayapi.PutTraceSegmentsResult, error) {
	out := &xrayapi.PutTraceSegmentsResult{UnprocessedTraceSegments: []xrayapi.UnprocessedTraceSegment{}}
	p := placeOf(id.Account, id.Region)
	var batch []*segment
	size := 0
	flush := func() error {
		refused, err := store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) ([]*refusal, error) {
			return putSegments(tx, p, batch)
		})
		for _, r := range refused {
			out.UnprocessedTraceSegments = append(out.UnprocessedTraceSegments, r.answer())
		}
		batch, size = nil, 0
		return err
	}
	for _, text := range in.TraceSegmentDocuments {
		segments, bad := parseDocument(text)
		if bad != nil {
			out.UnprocessedTraceSegments = append(out.UnprocessedTraceSegments, bad.answer())
			continue
		}
		batch, size = append(batch, segments...), size+len(text)
		if size > putBytes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if len(batch) > 0 {
		if err := flush(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// putSegments writes segments, each trace with its places in the orders of time.
func putSegments(tx store.Tx, p place, segments []*segment) (refused []*refusal, err error) {
	byTrace := map[string][]*segment{}
	var traces []string
	for _, s := range segments {
		if byTrace[s.trace] == nil {
			traces = append(traces, s.trace)
		}
		byTrace[s.trace] = append(byTrace[s.trace], s)
	}
	for _, id := range traces {
		bad, err := putTrace(tx, p, id, byTrace[id])
		if err != nil {
			return nil, err
		}
		refused = append(refused, bad...)
	}
	return refused, promiseSweep(tx, p)
}

func putTrace(tx store.Tx, p place, id string, segments []*segment) (refused []*refusal, err error) {
	old, there, err := getTrace(tx, p, id)
	if err != nil {
		return nil, err
	}
	rec := old
	for _, s := range segments {
		taken, err := putSegment(tx, p, s, &rec)
		if err != nil {
			return nil, err
		}
		if !taken {
			what := "segment"
			if s.sub {
				what = "subsegment"
			}
			refused = append(refused, &refusal{s.id, what, "TraceLimitExceeded"})
			rec.Full = true
			continue
		}
		if start := micros(s.start); rec.Start == 0 || start < rec.Start {
			rec.Start = start
		}
		rec.End = max(rec.End, micros(s.end))
	}
	rec.End = max(rec.End, rec.Start)
	rec.Updated, rec.Revision = tx.Now().UnixMicro(), rec.Revision+1
	if there {
		old.remove(tx, p, id)
	}
	for o, t := range rec.spots() {
		tx.Set(store.Key(p.at(o, spot{t, id})), nil)
	}
	tx.Set(store.Key(p.trace(id)), record.Encode(traceVersion, rec))
	return refused, nil
}

// putSegment writes one segment and reports whether the trace has room for it. A segment in progress does not replace
// one that has ended: it was sent before and came late.
func putSegment(tx store.Tx, p place, s *segment, rec *traceRecord) (bool, error) {
	key := store.Key(p.segment(s.trace, s.id))
	v, there, err := tx.Get(key)
	if err != nil {
		return false, err
	}
	size := len(s.text)
	if there {
		var old segmentRecord
		if err := record.Decode(v, segmentVersion, &old); err != nil {
			return false, err
		}
		if s.inProgress() && !old.InProgress {
			return true, nil
		}
		size -= len(old.Text)
	}
	if rec.Bytes+size > maxTrace {
		return false, nil
	}
	rec.Bytes += size
	tx.Set(key, record.Encode(segmentVersion, segmentRecord{s.inProgress(), s.text}))
	return true, nil
}

// spots are the times of a trace in each order.
func (r *traceRecord) spots() map[order]int64 {
	return map[order]int64{byStart: r.Start, byEvent: r.Updated, byEnd: r.End}
}

// remove takes the trace out of the orders of time.
func (r *traceRecord) remove(tx store.Tx, p place, id string) {
	for o, t := range r.spots() {
		tx.Delete(store.Key(p.at(o, spot{t, id})))
	}
}

func getTrace(r store.Reader, p place, id string) (rec traceRecord, ok bool, err error) {
	v, ok, err := r.Get(store.Key(p.trace(id)))
	if err != nil || !ok {
		return rec, false, err
	}
	return rec, true, record.Decode(v, traceVersion, &rec)
}

func micros(seconds float64) int64 { return int64(seconds*1e6 + 0.5) }

// PutTelemetryRecords takes what daemons report of themselves. X-Ray shows it to nobody.
// https://docs.aws.amazon.com/xray/latest/api/API_PutTelemetryRecords.html
func (s *Service) PutTelemetryRecords(context.Context, aws.Identity, *xrayapi.PutTelemetryRecordsRequest) (*xrayapi.PutTelemetryRecordsResult, error) {
	return &xrayapi.PutTelemetryRecordsResult{}, nil
}
