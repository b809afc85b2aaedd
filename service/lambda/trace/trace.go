// Package trace is Lambda's part in a trace of X-Ray: whether a request is traced, what the function is told, and the
// segments of an invocation.
// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
package trace

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Trace is the part of an invocation in its trace.
type Trace struct {
	Root     string // trace id
	Parent   string // of the caller, or ""
	Sampled  bool
	Function string // id of the segment of the function, parent of what the function itself traces
	service  string // of the segment of Lambda
	lineage  string
	began    time.Time
}

// Begin goes on with the trace in header, X-Amzn-Trace-Id, or begins one. Where nobody has decided yet whether it is
// traced, sample does; ids gives n random bytes in hexadecimal digits.
func Begin(header string, now time.Time, sample func() bool, ids func(n int) string) *Trace {
	t := &Trace{began: now, service: ids(8), Function: ids(8)}
	decision := ""
	for _, part := range strings.Split(header, ";") {
		switch name, v, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "Root":
			t.Root = v
		case "Parent":
			t.Parent = v
		case "Sampled":
			decision = v
		case "Lineage":
			t.lineage = v
		}
	}
	if t.Root == "" {
		t.Root = NewRoot(now, ids)
	}
	t.Sampled = decision == "1" || (decision == "" || decision == "?") && sample()
	return t
}

// NewRoot is a new trace id.
func NewRoot(now time.Time, ids func(n int) string) string {
	return fmt.Sprintf("1-%08x-%s", now.Unix(), ids(12))
}

// Header is the trace as the function gets it.
func (t *Trace) Header() string {
	sampled := 0
	if t.Sampled {
		sampled = 1
	}
	text := fmt.Sprintf("Root=%s;Parent=%s;Sampled=%d", t.Root, t.Function, sampled)
	if t.lineage != "" {
		text += ";Lineage=" + t.lineage
	}
	return text
}

// Line is what the REPORT line says of the trace.
func (t *Trace) Line() string {
	if !t.Sampled {
		return ""
	}
	return fmt.Sprintf("\nXRAY TraceId: %s\tSegmentId: %s\tSampled: true\t", t.Root, t.Function)
}

// Record adds the trace to a system event.
func (t *Trace) Record(record map[string]any) {
	if t.Sampled {
		record["tracing"] = map[string]any{"type": "X-Amzn-Trace-Id", "value": t.Header(), "spanId": t.Function}
	}
}

// Sampler is X-Ray's default rule: the first request of each second, and of the others one in twenty.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-sampling
type Sampler struct {
	mu     sync.Mutex
	second int64
}

const sampledPart = 0.05

// Take decides for a request; chance is a random number in [0, 1).
func (s *Sampler) Take(now time.Time, chance float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Unix() != s.second {
		s.second = now.Unix()
		return true
	}
	return chance < sampledPart
}

// Invocation is what segments tell of an invocation.
type Invocation struct {
	Name, ARN, Account string // of the function
	Request            string // request id
	Failed             bool
	End                time.Time
	Init, Duration     time.Duration
}

// segment is a segment or subsegment document.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
type segment struct {
	ID          string         `json:"id"`
	TraceID     string         `json:"trace_id,omitempty"`
	ParentID    string         `json:"parent_id,omitempty"`
	Name        string         `json:"name"`
	Origin      string         `json:"origin,omitempty"`
	Start       float64        `json:"start_time"`
	End         float64        `json:"end_time"`
	Fault       bool           `json:"fault,omitempty"`
	ResourceARN string         `json:"resource_arn,omitempty"`
	HTTP        map[string]any `json:"http,omitempty"`
	AWS         map[string]any `json:"aws,omitempty"`
	Subsegments []segment      `json:"subsegments,omitempty"`
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// Segments are the documents of Lambda and of the function.
func (t *Trace) Segments(in Invocation, ids func(n int) string) []string {
	service := segment{ID: t.service, TraceID: t.Root, ParentID: t.Parent, Name: in.Name, Origin: "AWS::Lambda", Start: seconds(t.began),
		End: seconds(in.End), Fault: in.Failed, ResourceARN: in.ARN, HTTP: map[string]any{"response": map[string]any{"status": 200}},
		AWS: map[string]any{"request_id": in.Request}}
	begin := in.End.Add(-in.Duration)
	function := segment{ID: t.Function, TraceID: t.Root, ParentID: t.service, Name: in.Name, Origin: "AWS::Lambda::Function",
		Start: seconds(begin.Add(-in.Init)), End: seconds(in.End), Fault: in.Failed,
		AWS: map[string]any{"function_arn": in.ARN, "resource_names": []string{in.Name}, "account_id": in.Account}}
	if in.Init > 0 {
		function.Subsegments = append(function.Subsegments, segment{ID: ids(8), Name: "Initialization",
			Start: seconds(begin.Add(-in.Init)), End: seconds(begin)})
	}
	function.Subsegments = append(function.Subsegments,
		segment{ID: ids(8), Name: "Invocation", Start: seconds(begin), End: seconds(in.End), Fault: in.Failed},
		segment{ID: ids(8), Name: "Overhead", Start: seconds(in.End), End: seconds(in.End)})
	var docs []string
	for _, seg := range []segment{service, function} {
		b, _ := json.Marshal(seg) // texts and numbers: cannot fail
		docs = append(docs, string(b))
	}
	return docs
}
