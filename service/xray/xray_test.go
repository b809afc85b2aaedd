package xray_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/xray"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1"}
)

func open(t *testing.T) (*xray.Service, *clock.Virtual) {
	t.Helper()
	c := clock.Frozen(start)
	st := storetest.Split(c, 5)
	run := timer.New(timer.Config{Store: st, Clock: c})
	s, err := xray.New(xray.Config{Store: st, Clock: c, Timer: run})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if err := run.Settle(ctx); err != nil { // it runs
		t.Fatal(err)
	}
	return s, c
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func p[T any](v T) *T { return &v }

// traceID is the trace number n, hex16 the segment number n.
func traceID(n int) string { return fmt.Sprintf("1-%08x-%024x", start.Unix(), n) }
func hex16(n int) string   { return fmt.Sprintf("%016x", n) }

// seconds is a time n seconds after start, as segments have it.
func seconds(n float64) float64 { return float64(start.Unix()) + n }

type doc map[string]any

// segment is a segment document that ran for a second, from second at; the members of more are over its own.
func segment(trace, n int, name string, at float64, more doc) doc {
	out := doc{"trace_id": traceID(trace), "id": hex16(n), "name": name, "start_time": seconds(at), "end_time": seconds(at + 1)}
	for k, v := range more {
		out[k] = v
		if v == nil {
			delete(out, k)
		}
	}
	return out
}

func (d doc) String() string {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func send(t *testing.T, s *xray.Service, docs ...doc) []xrayapi.UnprocessedTraceSegment {
	t.Helper()
	in := &xrayapi.PutTraceSegmentsRequest{}
	for _, d := range docs {
		in.TraceSegmentDocuments = append(in.TraceSegmentDocuments, d.String())
	}
	return must[*xrayapi.PutTraceSegmentsResult](t)(s.PutTraceSegments(t.Context(), me, in)).UnprocessedTraceSegments
}

// keep is send of documents that must all be taken.
func keep(t *testing.T, s *xray.Service, docs ...doc) {
	t.Helper()
	for _, u := range send(t, s, docs...) {
		t.Fatalf("refused: %s %s", *u.ErrorCode, *u.Message)
	}
}

func get(t *testing.T, s *xray.Service, trace int) xrayapi.Trace {
	t.Helper()
	out := must[*xrayapi.BatchGetTracesResult](t)(s.BatchGetTraces(t.Context(), me, &xrayapi.BatchGetTracesRequest{TraceIds: []string{traceID(trace)}}))
	if len(out.Traces) != 1 {
		t.Fatalf("%d traces, unprocessed %v", len(out.Traces), out.UnprocessedTraceIds)
	}
	return out.Traces[0]
}

func document(t *testing.T, g xrayapi.Segment) doc {
	t.Helper()
	var d doc
	if err := json.Unmarshal([]byte(*g.Document), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// search returns the numbers of the traces that a request finds, in order, over all pages.
func search(t *testing.T, s *xray.Service, in xrayapi.GetTraceSummariesRequest) (found []int) {
	t.Helper()
	if in.StartTime.IsZero() {
		in.StartTime, in.EndTime = start.Add(-time.Hour), start.Add(20*time.Hour)
	}
	for {
		out := must[*xrayapi.GetTraceSummariesResult](t)(s.GetTraceSummaries(t.Context(), me, &in))
		for _, sum := range out.TraceSummaries {
			var n int
			if _, err := fmt.Sscanf((*sum.Id)[11:], "%x", &n); err != nil {
				t.Fatal(err)
			}
			found = append(found, n)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return found
		}
	}
}

func TestTraceIsPutTogether(t *testing.T) {
	s, _ := open(t)
	call := doc{"id": hex16(3), "name": "backend", "namespace": "remote", "start_time": seconds(0.2), "end_time": seconds(0.4)}
	table := doc{"id": hex16(4), "name": "DynamoDB", "namespace": "aws", "start_time": seconds(0.5), "end_time": seconds(0.6), "aws": doc{"table_name": "t"}}
	keep(t, s,
		segment(1, 2, "backend", 0.25, doc{"parent_id": hex16(3), "end_time": seconds(3)}),
		segment(1, 6, "late", 0.8, doc{"type": "subsegment", "parent_id": hex16(5)}),
		segment(1, 5, "work", 0.7, doc{"type": "subsegment", "parent_id": hex16(1), "namespace": "local"}),
		segment(1, 1, "front", 0, doc{"subsegments": []doc{call, table}}),
		segment(1, 7, "orphan", 0.9, doc{"type": "subsegment", "parent_id": hex16(99)}))
	tr := get(t, s, 1)
	if *tr.Duration != 3 || *tr.LimitExceeded {
		t.Errorf("duration %v, limit %v", *tr.Duration, *tr.LimitExceeded)
	}
	var names []string
	for _, g := range tr.Segments {
		d := document(t, g)
		if d["id"] != *g.Id {
			t.Errorf("%s: the document of %v", *g.Id, d["id"])
		}
		names = append(names, d["name"].(string))
	}
	if want := []string{"front", "backend", "DynamoDB", "orphan"}; !slices.Equal(names, want) {
		t.Fatalf("segments %v, want %v", names, want)
	}
	front := *tr.Segments[0].Document
	if !strings.Contains(front, `"name":"work"`) || !strings.Contains(front, `"name":"late"`) || strings.Contains(front, `"type":"subsegment"`) {
		t.Errorf("front: %s", front)
	}
	d := document(t, tr.Segments[2])
	if d["inferred"] != true || d["origin"] != "AWS::DynamoDB::Table" || d["parent_id"] != hex16(4) || d["aws"] == nil {
		t.Errorf("inferred: %v", d)
	}
	if again := get(t, s, 1); *again.Segments[2].Id != *tr.Segments[2].Id {
		t.Error("the id of an inferred segment changes")
	}
	other := me
	other.Region = "us-east-1"
	out := must[*xrayapi.BatchGetTracesResult](t)(s.BatchGetTraces(t.Context(), other, &xrayapi.BatchGetTracesRequest{TraceIds: []string{traceID(1)}}))
	if len(out.Traces) != 0 || !slices.Equal(out.UnprocessedTraceIds, []string{traceID(1)}) {
		t.Errorf("another region has %v", out)
	}
}

func TestParentsInACircle(t *testing.T) {
	s, _ := open(t)
	keep(t, s, segment(1, 1, "a", 0, doc{"type": "subsegment", "parent_id": hex16(2)}), segment(1, 2, "b", 0, doc{"type": "subsegment", "parent_id": hex16(1)}))
	if tr := get(t, s, 1); len(tr.Segments) != 2 {
		t.Errorf("%d segments", len(tr.Segments))
	}
}

func TestInProgress(t *testing.T) {
	s, _ := open(t)
	open := doc{"end_time": nil, "in_progress": true}
	partial := func() bool {
		return len(search(t, s, xrayapi.GetTraceSummariesRequest{FilterExpression: p("partial")})) == 1
	}
	keep(t, s, segment(1, 1, "slow", 0, open))
	if !partial() || *get(t, s, 1).Duration != 0 {
		t.Error("a segment in progress is not partial")
	}
	keep(t, s, segment(1, 1, "slow", 0, nil))
	if partial() || *get(t, s, 1).Duration != 1 {
		t.Error("a completed segment is partial")
	}
	keep(t, s, segment(1, 1, "slow", 0, open)) // it came late
	if partial() || len(get(t, s, 1).Segments) != 1 {
		t.Error("a late document of the beginning has replaced the end")
	}
}

func TestRefusals(t *testing.T) {
	s, _ := open(t)
	for _, c := range []struct{ text, id, code, what string }{
		{`{`, "", "ParseError", "segment"},
		{`7`, "", "ParseError", "segment"},
		{`[]`, "", "MissingId", "segment"},
		{`{}`, "", "MissingId", "segment"},
		{segment(1, 1, "a", 0, doc{"id": "xyz"}).String(), "xyz", "InvalidId", "segment"},
		{segment(1, 1, "a", 0, doc{"name": nil}).String(), hex16(1), "MissingName", "segment"},
		{segment(1, 1, "a?b", 0, nil).String(), hex16(1), "InvalidName", "segment"},
		{segment(1, 1, strings.Repeat("a", 201), 0, nil).String(), hex16(1), "InvalidName", "segment"},
		{segment(1, 1, "a", 0, doc{"trace_id": nil}).String(), hex16(1), "MissingTraceId", "segment"},
		{segment(1, 1, "a", 0, doc{"trace_id": "1-5-6"}).String(), hex16(1), "InvalidTraceId", "segment"},
		{segment(1, 1, "a", 0, doc{"start_time": nil}).String(), hex16(1), "MissingStartTime", "segment"},
		{segment(1, 1, "a", 0, doc{"start_time": "now"}).String(), hex16(1), "InvalidStartTime", "segment"},
		{segment(1, 1, "a", 0, doc{"start_time": 1e300}).String(), hex16(1), "InvalidStartTime", "segment"},
		{segment(1, 1, "a", 0, doc{"end_time": nil}).String(), hex16(1), "MissingEndTime", "segment"},
		{segment(1, 1, "a", 0, doc{"end_time": -1}).String(), hex16(1), "InvalidEndTime", "segment"},
		{segment(1, 1, "a", 0, doc{"parent_id": "q"}).String(), hex16(1), "InvalidParentId", "segment"},
		{segment(1, 1, "a", 0, doc{"type": "subsegment"}).String(), hex16(1), "MissingParentId", "subsegment"},
		{segment(1, 1, "a", 0, doc{"subsegments": []doc{{"id": hex16(2), "name": "?"}}}).String(), hex16(1), "InvalidName", "subsegment"},
		{segment(1, 1, "a", 0, doc{"metadata": strings.Repeat("a", 65536)}).String(), "", "DocumentTooLarge", "segment"},
	} {
		out := must[*xrayapi.PutTraceSegmentsResult](t)(s.PutTraceSegments(t.Context(), me, &xrayapi.PutTraceSegmentsRequest{
			TraceSegmentDocuments: []string{c.text, segment(2, 2, "good", 0, nil).String()}}))
		if len(out.UnprocessedTraceSegments) != 1 {
			t.Errorf("%.60s: %d refused", c.text, len(out.UnprocessedTraceSegments))
			continue
		}
		u := out.UnprocessedTraceSegments[0]
		if want := "Invalid " + c.what + ". ErrorCode: " + c.code + ", Cause: null"; *u.ErrorCode != c.code || *u.Message != want || c.id != "" && *u.Id != c.id {
			t.Errorf("%.60s: %s %q %v", c.text, *u.ErrorCode, *u.Message, u.Id)
		}
	}
	if found := search(t, s, xrayapi.GetTraceSummariesRequest{}); !slices.Equal(found, []int{2}) {
		t.Errorf("kept %v", found)
	}
}

func TestTraceOfOtherForms(t *testing.T) {
	s, _ := open(t)
	w3c := strings.ReplaceAll(strings.TrimPrefix(traceID(1), "1-"), "-", "")
	keep(t, s, segment(1, 1, "a", 0, doc{"trace_id": w3c}))
	text := "[" + segment(1, 2, "x", 0, doc{"type": "subsegment", "parent_id": hex16(1)}).String() + "," +
		segment(1, 3, "y", 0, doc{"type": "subsegment", "parent_id": hex16(2)}).String() + "]"
	out := must[*xrayapi.PutTraceSegmentsResult](t)(s.PutTraceSegments(t.Context(), me, &xrayapi.PutTraceSegmentsRequest{TraceSegmentDocuments: []string{text}}))
	if len(out.UnprocessedTraceSegments) != 0 {
		t.Fatal(*out.UnprocessedTraceSegments[0].Message)
	}
	tr := get(t, s, 1)
	if len(tr.Segments) != 1 || !strings.Contains(*tr.Segments[0].Document, `"name":"y"`) {
		t.Errorf("%d segments: %s", len(tr.Segments), *tr.Segments[0].Document)
	}
}

func TestTraceIsBounded(t *testing.T) {
	s, _ := open(t)
	big := doc{"metadata": strings.Repeat("m", 60_000)}
	refused := 0
	for n := range 10 {
		for _, u := range send(t, s, segment(1, n+1, "a", 0, big)) {
			if refused++; *u.ErrorCode != "TraceLimitExceeded" || *u.Id != hex16(n+1) {
				t.Errorf("refused as %s", *u.ErrorCode)
			}
		}
	}
	if tr := get(t, s, 1); refused != 2 || len(tr.Segments) != 8 || !*tr.LimitExceeded {
		t.Errorf("%d refused, %d kept, limit exceeded %t", refused, len(tr.Segments), *tr.LimitExceeded)
	}
	keep(t, s, segment(1, 1, "a", 0, nil), segment(1, 11, "b", 0, big)) // the replaced one made room
}

func TestBatchGetTraces(t *testing.T) {
	s, _ := open(t)
	for ids, want := range map[string]string{strings.Repeat(traceID(1)+" ", 6): "less than or equal to 5", "nonsense": "Invalid trace id"} {
		_, err := s.BatchGetTraces(t.Context(), me, &xrayapi.BatchGetTracesRequest{TraceIds: strings.Fields(ids)})
		if aws.CodeOf(err) != "InvalidRequestException" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", ids, err)
		}
	}
}

func TestRetention(t *testing.T) {
	s, c := open(t)
	keep(t, s, segment(1, 1, "a", 0, nil))
	day := 24 * time.Hour
	must[time.Time](t)(c.Advance(t.Context(), 15*day))
	keep(t, s, segment(2, 1, "a", 15*86400, nil))
	kept := func() int {
		out := must[*xrayapi.BatchGetTracesResult](t)(s.BatchGetTraces(t.Context(), me, &xrayapi.BatchGetTracesRequest{TraceIds: []string{traceID(1), traceID(2)}}))
		return len(out.Traces)
	}
	for _, step := range []struct {
		days time.Duration
		want int
	}{{14, 2}, {2, 1}, {13, 1}, {2, 0}} {
		must[time.Time](t)(c.Advance(t.Context(), step.days*day))
		if n := kept(); n != step.want {
			t.Errorf("at %s: %d traces, want %d", c.Now(), n, step.want)
		}
	}
	keep(t, s, segment(3, 1, "a", 46*86400, nil)) // a new promise is made
	must[time.Time](t)(c.Advance(t.Context(), 31*day))
	if n := kept(); n != 0 {
		t.Errorf("%d traces", n)
	}
}
