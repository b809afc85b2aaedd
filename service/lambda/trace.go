package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
)

// traced is the part of an invocation in its trace.
// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
type traced struct {
	s        *Service
	c        *chosen
	request  string
	root     string // trace id
	parent   string // of the caller, or ""
	sampled  bool
	service  string // id of the segment of Lambda
	function string // of the segment of the function, parent of what the function itself traces
	began    time.Time

	init, duration time.Duration
}

// beginTrace goes on with the request's trace, or begins one.
func (s *Service) beginTrace(c *chosen, ev *event) *traced {
	t := &traced{s: s, c: c, request: ev.id, began: s.now(), service: s.randomHex(8), function: s.randomHex(8)}
	decision := ""
	for _, part := range strings.Split(ev.trace, ";") {
		switch name, v, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "Root":
			t.root = v
		case "Parent":
			t.parent = v
		case "Sampled":
			decision = v
		}
	}
	if t.root == "" {
		t.root = fmt.Sprintf("1-%08x-%s", t.began.Unix(), s.randomHex(12))
	}
	switch {
	case decision == "1":
		t.sampled = true
	case decision == "" || decision == "?":
		t.sampled = c.cfg.Tracing == string(lambdaapi.TracingModeActive) && s.sampling.take(t.began, s.chance())
	}
	return t
}

// header is the trace as the function gets it.
func (t *traced) header() string {
	sampled := 0
	if t.sampled {
		sampled = 1
	}
	return fmt.Sprintf("Root=%s;Parent=%s;Sampled=%d", t.root, t.function, sampled)
}

// line is what the REPORT line says of the trace.
func (t *traced) line() string {
	if !t.sampled {
		return ""
	}
	return fmt.Sprintf("\nXRAY TraceId: %s\tSegmentId: %s\tSampled: true\t", t.root, t.function)
}

// record adds the trace to a system event.
func (t *traced) record(record map[string]any) {
	if t.sampled {
		record["tracing"] = map[string]any{"type": "X-Amzn-Trace-Id", "value": t.header(), "spanId": t.function}
	}
}

func (t *traced) took(r *run, d time.Duration) { t.init, t.duration = r.init, d }

// sampling is X-Ray's default rule: the first request of each second, and of the others one in twenty.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-sampling
type sampling struct {
	mu     sync.Mutex
	second int64
}

const sampledPart = 0.05

func (s *sampling) take(now time.Time, chance float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Unix() != s.second {
		s.second = now.Unix()
		return true
	}
	return chance < sampledPart
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

// end sends the segments of Lambda and of the function, with the permission of the execution role.
func (t *traced) end(ctx context.Context, a *answer) {
	if !t.sampled {
		return
	}
	now := t.s.now()
	service := segment{ID: t.service, TraceID: t.root, ParentID: t.parent, Name: t.c.name, Origin: "AWS::Lambda", Start: seconds(t.began),
		End: seconds(now), Fault: a.failed, ResourceARN: t.c.functionARN(), HTTP: map[string]any{"response": map[string]any{"status": 200}},
		AWS: map[string]any{"request_id": t.request}}
	begin := now.Add(-t.duration)
	function := segment{ID: t.function, TraceID: t.root, ParentID: t.service, Name: t.c.name, Origin: "AWS::Lambda::Function",
		Start: seconds(begin.Add(-t.init)), End: seconds(now), Fault: a.failed,
		AWS: map[string]any{"function_arn": t.c.functionARN(), "resource_names": []string{t.c.name}, "account_id": t.c.account}}
	if t.init > 0 {
		function.Subsegments = append(function.Subsegments, segment{ID: t.s.randomHex(8), Name: "Initialization",
			Start: seconds(begin.Add(-t.init)), End: seconds(begin)})
	}
	function.Subsegments = append(function.Subsegments,
		segment{ID: t.s.randomHex(8), Name: "Invocation", Start: seconds(begin), End: seconds(now), Fault: a.failed},
		segment{ID: t.s.randomHex(8), Name: "Overhead", Start: seconds(now), End: seconds(now)})
	in := new(xrayapi.PutTraceSegmentsRequest)
	for _, seg := range []segment{service, function} {
		b, _ := json.Marshal(seg) // texts and numbers: cannot fail
		in.TraceSegmentDocuments = append(in.TraceSegmentDocuments, string(b))
	}
	go t.s.send(context.WithoutCancel(ctx), t.c, in)
}

// send puts segments in the name of the execution role; what cannot be put is lost, as on AWS.
func (s *Service) send(ctx context.Context, c *chosen, in *xrayapi.PutTraceSegmentsRequest) {
	role, _, err := s.Roles.Assume(ctx, s.service(c.place, aws.Request{}), c.cfg.Role, c.name)
	if err == nil {
		_, err = s.xray.PutTraceSegments(ctx, role, in)
	}
	if err != nil {
		s.Log.Debug("lambda: trace segments are lost", "function", c.functionARN(), "problem", err)
	}
}
