package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/timer"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// rig is a journal with a log group and X-Ray around it.
type rig struct {
	*Journal
	t      *testing.T
	clock  *clock.Virtual
	store  store.Store
	timer  *timer.Runner
	stream string // the one that is there
	lines  []string
	traces []string
	fail   error
}

func newRig(t *testing.T) *rig {
	c := clock.Frozen(start)
	r := &rig{t: t, clock: c, store: memstore.New(c)}
	r.timer = timer.New(timer.Config{Store: r.store, Clock: c})
	r.Journal = New(Config{Caller: r, Roles: r, Clock: c, Timer: r.timer, History: r.history, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.timer.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

func (r *rig) Assume(_ context.Context, _ aws.Identity, role, _ string) (aws.Identity, aws.Credentials, error) {
	return aws.Identity{Kind: aws.AssumedRole, RoleARN: role}, aws.Credentials{}, nil
}

func (r *rig) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, nil
}

func (r *rig) Call(_ context.Context, id aws.Identity, _ aws.Op, in any) (any, error) {
	switch in := in.(type) {
	case *xrayapi.PutTraceSegmentsRequest:
		r.traces = append(r.traces, in.TraceSegmentDocuments...)
		return &xrayapi.PutTraceSegmentsResult{}, nil
	case *logsapi.CreateLogStreamRequest:
		r.stream = in.LogStreamName
		return &logsapi.CreateLogStreamOutput{}, nil
	case *logsapi.PutLogEventsRequest:
		if id.Service != "delivery.logs.amazonaws.com" || id.SourceARN != "arn:aws:logs:eu-west-1:111122223333:*" {
			r.t.Errorf("written by %+v", id)
		}
		if r.fail != nil {
			return nil, r.fail
		}
		if in.LogStreamName != r.stream {
			return nil, &logsapi.ResourceNotFoundException{}
		}
		for _, e := range in.LogEvents {
			r.lines = append(r.lines, e.Message)
		}
		return &logsapi.PutLogEventsResponse{}, nil
	}
	return nil, fmt.Errorf("unexpected %T", in)
}

func (r *rig) history(_ context.Context, ref execution.Ref, take func(*asl.Event) bool) (*execution.Description, error) {
	for _, e := range events() {
		take(&e)
	}
	return &execution.Description{Ref: ref, Start: start, Stop: start.Add(2 * time.Second), Trace: "Root=1-5-a;Parent=p;Sampled=1"}, nil
}

const arn = "arn:aws:states:eu-west-1:111122223333:execution:m:x"

// events are those of an execution with a Parallel state in which a task fails.
func events() []asl.Event {
	at := func(id, previous int64, t asl.EventType, f func(*asl.Event)) asl.Event {
		e := asl.Event{ID: id, Previous: previous, Type: t, Time: start.Add(time.Duration(id) * 100 * time.Millisecond)}
		f(&e)
		return e
	}
	name := func(n string) func(*asl.Event) { return func(e *asl.Event) { e.Name = n } }
	return []asl.Event{
		at(1, 0, asl.ExecutionStarted, func(e *asl.Event) { e.Input, e.RoleARN = []byte(`{"a":1}`), "r" }),
		at(2, 1, asl.ParallelStateEntered, name("P")),
		at(3, 2, asl.ParallelStateStarted, func(*asl.Event) {}),
		at(4, 3, asl.TaskStateEntered, name("T")),
		at(5, 4, asl.TaskFailed, func(e *asl.Event) { e.Error, e.Cause, e.ResourceType = "E", "c", "sqs" }),
		at(6, 5, asl.TaskStateExited, name("T")),
		at(7, 6, asl.ParallelStateSucceeded, func(*asl.Event) {}),
		at(8, 7, asl.ParallelStateExited, name("P")),
		at(9, 8, asl.ExecutionSucceeded, func(e *asl.Event) { e.Output = []byte(`{"b":"<é>"}`) }),
	}
}

func log(level string, data bool) *execution.Log {
	ref := machine.Ref{Place: machine.Place{Account: "111122223333", Region: "eu-west-1"}, Name: "m"}
	rev := &machine.Revision{Spot: machine.Spot{Ref: ref, ID: 7}, Key: "12345678-x", Role: "role", Updated: start, Tracing: true,
		Logging: machine.Logging{Level: level, Data: data, Group: "arn:aws:logs:eu-west-1:111122223333:log-group:g:*"}}
	return &execution.Log{Revision: rev, Execution: arn, Trace: "Root=1-5-a;Sampled=1", Redrives: 2, Events: events()}
}

func (r *rig) write(l *execution.Log) {
	r.t.Helper()
	shard := r.store.Shard(store.Key(l.Revision.Resource()))
	if _, err := shard.Update(r.t.Context(), func(_ context.Context, tx store.Tx) error { return r.Write(tx, l) }); err != nil {
		r.t.Fatal(err)
	}
	if err := r.timer.Settle(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

func TestLevels(t *testing.T) {
	for level, want := range map[string]string{"ALL": "1 2 3 4 5 6 7 8 9", "ERROR": "5", "FATAL": "", "OFF": ""} {
		r := newRig(t)
		r.write(log(level, true))
		var got []string
		for _, l := range r.lines {
			var e struct{ ID string }
			if err := json.Unmarshal([]byte(l), &e); err != nil {
				t.Fatal(err)
			}
			got = append(got, e.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: events %v, want %s", level, got, want)
		}
	}
	for _, c := range []asl.EventType{asl.ExecutionFailed, asl.ExecutionTimedOut, asl.ExecutionAborted} {
		if !Logged("FATAL", c) || !Logged("ERROR", c) {
			t.Errorf("%s is not logged", c)
		}
	}
	if Logged("FATAL", asl.TaskFailed) || !Logged("ERROR", asl.FailStateEntered) || Logged("", asl.ExecutionFailed) {
		t.Error("levels")
	}
}

func TestLines(t *testing.T) {
	r := newRig(t)
	r.write(log("ALL", true))
	for i, want := range map[int]string{
		0: `{"id":"1","type":"ExecutionStarted","details":{"input":"{\"a\":1}","inputDetails":{"truncated":false},"roleArn":"r"},"redrive_count":"2","previous_event_id":"0","event_timestamp":"1767323045100","execution_arn":"` + arn + `"}`,
		2: `{"id":"3","type":"ParallelStateStarted","details":{},"redrive_count":"2","previous_event_id":"2","event_timestamp":"1767323045300","execution_arn":"` + arn + `"}`,
	} {
		if r.lines[i] != want {
			t.Errorf("line %d is\n%s, want\n%s", i, r.lines[i], want)
		}
	}
	if r.stream != "states/m/2026-01-02-03-04/12345678" {
		t.Errorf("stream %s", r.stream)
	}
	r.lines = nil
	r.write(log("ALL", false))
	for _, l := range r.lines {
		if strings.Contains(l, `"input`) || strings.Contains(l, `"output`) {
			t.Errorf("data in %s", l)
		}
	}
}

func TestLongDataIsCut(t *testing.T) {
	l := log("ALL", true)
	l.Events[0].Input = []byte(`"` + strings.Repeat(`é\"`, 100_000) + `"`)
	r := newRig(t)
	r.write(l)
	var e struct {
		Details struct {
			Input        string
			InputDetails struct{ Truncated bool }
		}
	}
	if err := json.Unmarshal([]byte(r.lines[0]), &e); err != nil {
		t.Fatal(err)
	}
	if !e.Details.InputDetails.Truncated || len(e.Details.Input) > maxText || len(r.lines[0]) < maxText*9/10 {
		t.Errorf("%d bytes of input, %d of text, truncated %v", len(e.Details.Input), len(r.lines[0]), e.Details.InputDetails.Truncated)
	}
}

// TestRefused: what Logs refuses is dropped, what it cannot take now is written later.
func TestRefused(t *testing.T) {
	r := newRig(t)
	r.fail = aws.Errorf("AccessDeniedException", 400, "no")
	r.write(log("ALL", true))
	r.fail = aws.Errorf("ServiceUnavailable", 503, "later")
	r.write(log("ALL", true))
	r.fail = nil
	if _, err := r.clock.Advance(context.Background(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if len(r.lines) != 9 {
		t.Errorf("%d lines", len(r.lines))
	}
}

func TestSegments(t *testing.T) {
	r := newRig(t)
	r.write(log("OFF", true))
	if len(r.traces) != 1 {
		t.Fatalf("segments: %v", r.traces)
	}
	var s segment
	if err := json.Unmarshal([]byte(r.traces[0]), &s); err != nil {
		t.Fatal(err)
	}
	if s.TraceID != "1-5-a" || s.ParentID != "p" || s.Name != "m" || s.ID != execution.SegmentID(arn) || s.End-s.Start != 2 || s.Fault {
		t.Errorf("%+v", s)
	}
	var got []string
	for _, sub := range s.States {
		got = append(got, fmt.Sprintf("%s %.1f %v", sub.Name, sub.End-sub.Start, sub.Fault))
	}
	if strings.Join(got, ", ") != "T 0.2 true, P 0.6 false" {
		t.Errorf("subsegments %v", got)
	}
}

// TestExpressSegments: what comes of an express execution piece by piece is one segment; what waits when the journal ends is sent.
func TestExpressSegments(t *testing.T) {
	r := newRig(t)
	first, rest := log("OFF", true), log("OFF", true)
	first.Events, rest.Events = first.Events[:4], rest.Events[4:]
	r.Send(first)
	r.Send(rest)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(over); err != context.Canceled {
		t.Error(err)
	}
	if len(r.traces) != 1 || len(r.tracer.running) != 0 {
		t.Fatalf("segments %v, %d executions under way", r.traces, len(r.tracer.running))
	}
	var s segment
	if err := json.Unmarshal([]byte(r.traces[0]), &s); err != nil {
		t.Fatal(err)
	}
	if s.TraceID != "1-5-a" || s.Name != "m" || len(s.States) != 2 || s.Fault || s.End <= s.Start {
		t.Errorf("%+v", s)
	}
}

// TestExpressBounds: neither executions without an end nor segments that nobody sends are kept for ever.
func TestExpressBounds(t *testing.T) {
	r := newRig(t)
	for i := range maxRunning + 1 {
		l := log("OFF", true)
		l.Execution, l.Events = fmt.Sprint(arn, i), l.Events[:1]
		if i == maxRunning {
			l.Events[0].Time = l.Events[0].Time.Add(longest + time.Second)
		}
		r.Send(l)
	}
	if n := len(r.tracer.running); n != 1 {
		t.Errorf("%d executions under way", n)
	}
	for range maxWaiting + 1 {
		r.Send(log("OFF", true))
	}
	if n := len(r.tracer.waiting); n != maxWaiting {
		t.Errorf("%d segments wait", n)
	}
}

func TestHeaders(t *testing.T) {
	if h := execution.Header("", true, start, arn); !strings.HasPrefix(h, "Root=1-695735a5-") || !strings.HasSuffix(h, ";Sampled=1") {
		t.Errorf("new trace %s", h)
	}
	if h := execution.Header("", false, start, arn); h != "" {
		t.Errorf("not traced: %s", h)
	}
	for given, want := range map[string]string{
		"Root=1-5-a;Parent=p;Sampled=1":     "Root=1-5-a;Parent=" + execution.SegmentID(arn) + ";Sampled=1",
		"Root=1-5-a; Sampled=1;Lineage=a:1": "Root=1-5-a;Parent=" + execution.SegmentID(arn) + ";Sampled=1;Lineage=a:1",
	} {
		if got := execution.Onward(given, true, arn); got != want {
			t.Errorf("%s goes on as %s", given, got)
		}
	}
}
