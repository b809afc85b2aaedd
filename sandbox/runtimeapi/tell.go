package runtimeapi

import (
	"math"
	"time"

	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/sandbox/telemetry"
)

// What the telemetry is told of the phases. Reports, which count what is billed, come from outside by way of Tell.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html

// tellInit tells of the end of the init phase. s.mu is held.
func (s *Server) tellInit(report *sandbox.Result) {
	if s.hub.Active() {
		record := map[string]any{"initializationType": s.config.InitType, "phase": "init", "status": "success"}
		switch {
		case report != nil:
			record["status"], record["errorType"] = "error", report.ErrorType
		case s.exited:
			record["status"], record["errorType"] = "error", "Runtime.ExitError"
		}
		s.hub.Publish(telemetry.Platform, "platform.initRuntimeDone", record)
		s.hub.Publish(telemetry.Platform, "platform.initReport", map[string]any{"initializationType": s.config.InitType, "phase": "init",
			"status": record["status"], "metrics": map[string]any{"durationMs": milliseconds(time.Since(s.begun))}})
		for _, x := range s.extensions.all {
			events := []string{}
			if x.invoke {
				events = append(events, "INVOKE")
			}
			if x.shutdown {
				events = append(events, "SHUTDOWN")
			}
			s.hub.Publish(telemetry.Platform, "platform.extension", map[string]any{"name": x.name, "state": "Ready", "events": events})
		}
	}
	s.hub.Seal()
}

func (s *Server) tellStart(in *sandbox.Invocation) {
	record := map[string]any{"requestId": in.ID, "version": s.config.Version}
	if in.TraceID != "" {
		record["tracing"] = tracing{"X-Amzn-Trace-Id", in.TraceID}
	}
	s.hub.Publish(telemetry.Platform, "platform.start", record)
}

// tellDone tells of the runtime's answer.
func (s *Server) tellDone(in *sandbox.Invocation, res *sandbox.Result, err error, took time.Duration) {
	metrics := map[string]any{"durationMs": milliseconds(took)}
	record := map[string]any{"requestId": in.ID, "status": "success", "metrics": metrics}
	switch {
	case err != nil && s.isGone():
		record["status"], record["errorType"] = "failure", "Runtime.ExitError"
	case err != nil:
		record["status"] = "timeout"
	default:
		if res.Failed {
			record["status"], record["errorType"] = "error", res.ErrorType
		}
		metrics["producedBytes"] = len(res.Payload)
	}
	if in.TraceID != "" {
		record["tracing"] = tracing{"X-Amzn-Trace-Id", in.TraceID}
	}
	s.hub.Publish(telemetry.Platform, "platform.runtimeDone", record)
}

func (s *Server) isGone() bool {
	select {
	case <-s.gone:
		return true
	default:
		return false
	}
}

// milliseconds is a duration with three digits after the point.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*1000) / 1000
}
