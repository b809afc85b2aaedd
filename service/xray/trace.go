package xray

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// stored is a trace as it lies in the store.
type stored struct {
	id    string
	rec   traceRecord
	texts [][]byte
}

// load reads a trace; one that has expired is no longer there, swept or not.
func load(r store.Reader, p place, id string, cut int64) (out stored, ok bool, err error) {
	rec, there, err := getTrace(r, p, id)
	if err != nil || !there || rec.Updated < cut {
		return out, false, err
	}
	out = stored{id: id, rec: rec}
	pairs, done := r.Scan(p.segments(id).Range(), store.ScanOpt{})
	for kv := range pairs {
		var seg segmentRecord
		if err := record.Decode(kv.Value, segmentVersion, &seg); err != nil {
			return out, false, err
		}
		out.texts = append(out.texts, seg.Text) // the decoder copies
	}
	return out, true, done()
}

// cut is the time of the oldest change that X-Ray still keeps.
func (s *Service) cut() int64 { return s.Clock.Now().Add(-retention).UnixMicro() }

// trace is a trace put together.
type trace struct {
	id  string
	rec traceRecord
	// segments are the segments, those inferred after those that were sent, then the subsegments whose segment has
	// not come; each group in order of time.
	segments []*part
	elements map[string]*element
}

// part is a segment of a trace with the subsegments that came alone in their places.
type part struct {
	*segment
	inferred bool
}

// element is a segment or a subsegment, somewhere in a trace.
type element struct {
	doc *jsondoc.Object
	in  *part
}

// assemble puts a trace together.
func (st *stored) assemble() (*trace, error) {
	t := &trace{id: st.id, rec: st.rec, elements: map[string]*element{}}
	var alone []*part
	for _, text := range st.texts {
		v, err := jsondoc.Parse(text)
		o, ok := v.(*jsondoc.Object)
		if err != nil || !ok {
			return nil, fmt.Errorf("xray: read a stored segment: %w", err)
		}
		seg, bad := readSegment(o)
		if bad != nil {
			return nil, fmt.Errorf("xray: read a stored segment: %s", bad.code)
		}
		pt := &part{segment: seg}
		t.elements[seg.id] = &element{o, pt}
		if seg.sub {
			alone = append(alone, pt)
		} else {
			t.segments = append(t.segments, pt)
		}
	}
	for _, pt := range t.segments {
		t.register(pt.doc, pt)
	}
	for _, pt := range alone {
		t.register(pt.doc, pt)
	}
	byTime := func(a, b *part) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.id, b.id)) }
	slices.SortFunc(t.segments, byTime)
	slices.SortFunc(alone, byTime)
	orphans := t.attach(alone)
	inferred := t.infer()
	slices.SortFunc(inferred, byTime)
	t.segments = append(append(t.segments, inferred...), orphans...)
	return t, nil
}

// register makes the subsegments under o known. An id that is already known stays what it was.
func (t *trace) register(o *jsondoc.Object, in *part) {
	for sub := range subsegments(o) {
		id := textOf(sub, "id")
		if t.elements[id] == nil {
			t.elements[id] = &element{sub, in}
		}
		t.register(sub, in)
	}
}

// attach puts subsegments that came alone under their parents and returns those that lead to no segment.
func (t *trace) attach(alone []*part) (orphans []*part) {
	for _, pt := range alone {
		root := t.segmentOf(pt)
		if root == nil {
			orphans = append(orphans, pt)
			continue
		}
		parent := t.elements[pt.parent]
		for _, key := range []string{"type", "trace_id", "parent_id"} {
			pt.doc.Delete(key)
		}
		v, _ := parent.doc.Get("subsegments")
		list, ok := v.(*jsondoc.Array)
		if !ok {
			list = &jsondoc.Array{}
			parent.doc.Set("subsegments", list)
		}
		put(list, pt)
	}
	return orphans
}

// put adds a subsegment to those of its parent. One that the parent itself tells of gives way, unless it has ended and
// this one has not.
func put(list *jsondoc.Array, pt *part) {
	for i, item := range list.Items {
		if told, ok := item.(*jsondoc.Object); ok && textOf(told, "id") == pt.id {
			if !pt.inProgress() || flagOf(told, "in_progress") {
				list.Items[i] = pt.doc
			}
			return
		}
	}
	list.Items = append(list.Items, pt.doc)
}

// segmentOf follows the parents of a subsegment that came alone to its segment, nil when that is not here.
func (t *trace) segmentOf(pt *part) *part {
	for range len(t.elements) + 1 {
		if !pt.sub {
			return pt
		}
		parent := t.elements[pt.parent]
		if parent == nil {
			return nil
		}
		pt = parent.in
	}
	return nil // they lead in a circle
}

// infer makes the segments of services that were called and sent none themselves.
func (t *trace) infer() (out []*part) {
	answered := map[string]bool{}
	for _, pt := range t.segments {
		answered[pt.parent] = true
	}
	for _, pt := range t.segments {
		for sub := range descendants(pt.doc) {
			namespace, id := textOf(sub, "namespace"), textOf(sub, "id")
			if namespace != "aws" && namespace != "remote" || answered[id] {
				continue
			}
			out = append(out, t.inferred(sub, id, namespace))
		}
	}
	return out
}

// inferred makes the segment of the service that the subsegment sub has called. Its id follows from the subsegment's.
func (t *trace) inferred(sub *jsondoc.Object, id, namespace string) *part {
	sum := sha256.Sum256([]byte(t.id + "/" + id))
	own := hex.EncodeToString(sum[:8])
	doc := jsondoc.NewObject()
	doc.Set("id", own)
	for _, key := range []string{"name", "start_time", "end_time", "in_progress"} {
		if v, ok := sub.Get(key); ok {
			doc.Set(key, v)
		}
	}
	doc.Set("parent_id", id)
	doc.Set("inferred", true)
	for _, key := range []string{"http", "aws", "sql", "error", "fault", "throttle", "cause"} {
		if v, ok := sub.Get(key); ok {
			doc.Set(key, v)
		}
	}
	doc.Set("trace_id", t.id)
	doc.Set("origin", originOf(namespace, textOf(sub, "name")))
	start, _ := numberOf(sub, "start_time")
	end, _ := numberOf(sub, "end_time")
	return &part{segment: &segment{doc: doc, id: own, trace: t.id, parent: id, start: start, end: end}, inferred: true}
}

// originOf is the type of a service that was called, by the name that the SDKs give the call.
func originOf(namespace, name string) string {
	if namespace == "remote" {
		return "remote"
	}
	switch name {
	case "DynamoDB":
		return "AWS::DynamoDB::Table"
	case "SQS":
		return "AWS::SQS::Queue"
	case "S3":
		return "AWS::S3::Bucket"
	}
	return "AWS::" + name
}

// descendants yields all subsegments under o.
func descendants(o *jsondoc.Object) func(func(*jsondoc.Object) bool) {
	return func(yield func(*jsondoc.Object) bool) { descend(o, yield) }
}

func descend(o *jsondoc.Object, yield func(*jsondoc.Object) bool) bool {
	for sub := range subsegments(o) {
		if !yield(sub) || !descend(sub, yield) {
			return false
		}
	}
	return true
}

// duration is the time from the first start to the last end, in seconds.
func (t *trace) duration() float64 { return float64(t.rec.End-t.rec.Start) / 1e6 }

// BatchGetTraces returns traces with all of their segments.
// https://docs.aws.amazon.com/xray/latest/api/API_BatchGetTraces.html
func (s *Service) BatchGetTraces(ctx context.Context, id aws.Identity, in *xrayapi.BatchGetTracesRequest) (*xrayapi.BatchGetTracesResult, error) {
	if len(in.TraceIds) > maxBatch {
		return nil, badRequest(fmt.Sprintf("1 validation error detected: Value '%v' at 'traceIds' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", in.TraceIds, maxBatch))
	}
	if in.NextToken != nil {
		return nil, badRequest("Invalid NextToken") // all traces of a call fit one answer: none was given
	}
	p := placeOf(id.Account, id.Region)
	out := &xrayapi.BatchGetTracesResult{Traces: []xrayapi.Trace{}, UnprocessedTraceIds: []string{}}
	seen := map[string]bool{}
	for _, name := range in.TraceIds {
		tid, valid := traceID(name)
		if !valid {
			return nil, badRequest("Invalid trace id: " + name)
		}
		if seen[tid] {
			continue
		}
		seen[tid] = true
		var st stored
		there := false
		err := s.shard(p).View(ctx, func(_ context.Context, r store.Reader) (err error) {
			st, there, err = load(r, p, tid, s.cut())
			return err
		})
		if err != nil {
			return nil, err
		}
		if !there {
			out.UnprocessedTraceIds = append(out.UnprocessedTraceIds, name)
			continue
		}
		t, err := st.assemble()
		if err != nil {
			return nil, err
		}
		out.Traces = append(out.Traces, t.answer())
	}
	return out, nil
}

func (t *trace) answer() xrayapi.Trace {
	duration, full := t.duration(), t.rec.Full
	out := xrayapi.Trace{Id: &t.id, Duration: &duration, LimitExceeded: &full, Segments: make([]xrayapi.Segment, len(t.segments))}
	for i, pt := range t.segments {
		text := jsondoc.Text(pt.doc)
		out.Segments[i] = xrayapi.Segment{Id: &pt.id, Document: &text}
	}
	return out
}
