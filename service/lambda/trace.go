package lambda

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/trace"
)

// beginTrace goes on with the request's trace, or begins one.
func (s *Service) beginTrace(c *chosen, ev *event) *trace.Trace {
	now := s.now()
	sample := func() bool {
		return c.cfg.Tracing == string(lambdaapi.TracingModeActive) && s.sampler.Take(now, s.chance())
	}
	t := trace.Begin(ev.trace, now, sample, s.randomHex)
	t.Visit(c.FunctionARN())
	return t
}

// traceOf is the trace that an event goes on with, a new one when it has none: by it loops are found.
func (s *Service) traceOf(ev *event) string {
	if ev.trace != "" {
		return ev.trace
	}
	return "Root=" + trace.NewRoot(s.now(), s.randomHex)
}

// endTrace sends the segments of an invocation, with the permission of the execution role. What cannot be sent is lost,
// as on AWS.
func (r *run) endTrace(ctx context.Context, a *answer, took time.Duration) {
	if !r.trace.Sampled {
		return
	}
	docs := r.trace.Segments(trace.Invocation{Name: r.c.Name, ARN: r.c.FunctionARN(), Account: r.c.Account, Request: r.ev.id, Failed: a.failed,
		End: r.s.now(), Init: r.init, Duration: took}, r.s.randomHex)
	s, c, ctx := r.s, r.c, context.WithoutCancel(ctx)
	go func() {
		role, _, err := s.Roles.Assume(ctx, s.service(c.place, aws.Request{}), c.cfg.Role, c.Name)
		if err == nil {
			_, err = s.xray.PutTraceSegments(ctx, role, &xrayapi.PutTraceSegmentsRequest{TraceSegmentDocuments: docs})
		}
		if err != nil {
			s.Log.Debug("lambda: trace segments are lost", "function", c.FunctionARN(), "problem", err)
		}
	}()
}
