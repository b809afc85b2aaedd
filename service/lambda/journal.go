package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/event/logbook"
	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/service/lambda/fleet"
)

// journal writes Lambda's own lines into a function's log: INIT_START, START, END, REPORT, or their JSON forms.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
type journal struct {
	format logging
	stream *logbook.Stream // nil: there is no environment, and so no stream
	now    func() time.Time
	member *fleet.Member // whose telemetry is told too
}

// level of a system event: its level must be at least that of the function's settings.
const (
	debugLevel = iota
	infoLevel
	warnLevel
)

func (j *journal) json() bool { return j.format.Format == string(lambdaapi.LogFormatJson) }

func (j *journal) text(format string, args ...any) {
	if j.stream != nil {
		j.stream.Add(j.now(), fmt.Sprintf(format, args...))
	}
}

// event writes a system event in JSON.
func (j *journal) event(level int, kind string, record map[string]any) {
	least := map[string]int{"DEBUG": debugLevel, "WARN": warnLevel}
	threshold, ok := least[j.format.System]
	if !ok {
		threshold = infoLevel
	}
	if j.stream == nil || level < threshold {
		return
	}
	now := j.now()
	b, _ := json.Marshal(struct { // maps of texts and numbers: cannot fail
		Time   string         `json:"time"`
		Type   string         `json:"type"`
		Record map[string]any `json:"record"`
	}{now.UTC().Format("2006-01-02T15:04:05.000Z"), kind, record})
	j.stream.Add(now, string(b))
}

// initStart says what runs the function: the interpreter that was found, by its true version.
func (j *journal) initStart(ctx context.Context, r *run) {
	version, arn := r.runtimeVersion(ctx), runtimeARN(r.c.Region, r.c.cfg.Runtime)
	if !j.json() {
		j.text("INIT_START Runtime Version: %s\tRuntime Version ARN: %s", version, arn)
		return
	}
	j.event(infoLevel, "platform.initStart", map[string]any{"initializationType": initialization(r.ahead), "phase": r.phase, "runtimeVersion": version,
		"runtimeVersionArn": arn, "functionName": r.c.Name, "functionVersion": r.c.cfg.version(),
		"instanceId": r.log.stream.Name(), "instanceMaxMemory": int64(r.c.cfg.MemoryMB) << 20})
}

// runtimeVersion names the interpreter: "python:3.12.1", and beside it the runtime where that is of another version.
func (r *run) runtimeVersion(ctx context.Context) string {
	found, err := r.s.Runner.Runtime(ctx, r.c.cfg.Runtime)
	language := r.c.cfg.Runtime[:max(0, strings.IndexAny(r.c.cfg.Runtime, "0123456789"))]
	switch {
	case err != nil || found.Version == "":
		return strings.Replace(r.c.cfg.Runtime, ".", ":", 1)
	case found.Exact:
		return language + ":" + found.Version
	}
	return fmt.Sprintf("%s:%s (nearest to %s on this machine)", language, found.Version, r.c.cfg.Runtime)
}

// initReport is written when an initialisation fails.
func (j *journal) initReport(r *run, took time.Duration, err error) {
	kind, _ := problem(err, r.c.timeout())
	status := "error"
	if kind == "Sandbox.Timedout" {
		status = "timeout"
	}
	if !j.json() {
		j.exit(r, err)
		text := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", milliseconds(took), r.phase, status)
		if status == "error" {
			text += "\tError Type: " + kind
		}
		j.text("%s", text)
		return
	}
	j.event(warnLevel, "platform.initReport", map[string]any{"initializationType": initialization(r.ahead), "phase": r.phase, "status": status,
		"errorType": kind, "metrics": map[string]any{"durationMs": rounded(took)}})
}

// exit says how the runtime's process ended, if that is what happened.
func (j *journal) exit(r *run, err error) {
	var exit *sandbox.ExitError
	if errors.As(err, &exit) {
		j.text("RequestId: %s Error: %s\n%s", r.ev.id, exit, exit.Kind())
	}
}

func (j *journal) start(r *run) {
	if !j.json() {
		j.text("START RequestId: %s Version: %s", r.ev.id, r.c.cfg.version())
		return
	}
	record := map[string]any{"requestId": r.ev.id, "version": r.c.cfg.version()}
	r.trace.Record(record)
	j.event(infoLevel, "platform.start", record)
}

// end writes the end of an invocation: how it ended if not well, END, and REPORT.
func (j *journal) end(r *run, took time.Duration, memory int64, err error) {
	kind, text, status := "", "", "success"
	if err != nil {
		kind, text = problem(err, r.c.timeout())
		if status = "error"; kind == "Sandbox.Timedout" {
			status = "timeout"
			took = max(took, r.c.timeout())
		}
	}
	used := (memory + 1<<20 - 1) >> 20
	billed := int64(math.Ceil(milliseconds(took) + milliseconds(r.init)))
	record := func() map[string]any { return j.report(r, took, billed, used, status, kind) }
	if j.member != nil && j.member.Environment != nil {
		j.member.Tell("platform.report", record)
	}
	if j.json() {
		j.endJSON(r, took, record())
		return
	}
	switch {
	case status == "timeout":
		j.text("%s %s %s\n", j.clock(), r.ev.id, text)
	case r.phase != "invoke":
		j.exit(r, err)
	}
	j.text("END RequestId: %s", r.ev.id)
	report := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		r.ev.id, milliseconds(took), billed, r.c.cfg.MemoryMB, used)
	if r.init > 0 {
		report += fmt.Sprintf("Init Duration: %.2f ms\t", milliseconds(r.init))
	}
	switch status {
	case "timeout":
		report += "Status: timeout"
	case "error":
		report += "Status: error\tError Type: " + kind
	}
	j.text("%s%s", report, r.trace.Line())
}

// report is the record of platform.report.
func (j *journal) report(r *run, took time.Duration, billed, used int64, status, kind string) map[string]any {
	metrics := map[string]any{"durationMs": rounded(took), "billedDurationMs": billed, "memorySizeMB": r.c.cfg.MemoryMB, "maxMemoryUsedMB": used}
	if r.init > 0 {
		metrics["initDurationMs"] = rounded(r.init)
	}
	record := map[string]any{"requestId": r.ev.id, "status": status, "metrics": metrics}
	if status != "success" {
		record["errorType"] = kind
	}
	r.trace.Record(record)
	return record
}

func (j *journal) endJSON(r *run, took time.Duration, report map[string]any) {
	done, level := debugLevel, infoLevel
	if report["status"] != "success" {
		done, level = warnLevel, warnLevel
	}
	j.event(done, "platform.runtimeDone", map[string]any{"requestId": r.ev.id, "status": report["status"],
		"metrics": map[string]any{"durationMs": rounded(took)}})
	j.event(level, "platform.report", report)
}

func (j *journal) clock() string {
	if j.now == nil {
		return ""
	}
	return j.now().UTC().Format("2006-01-02T15:04:05.000Z")
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// rounded is a duration in milliseconds with three digits after the point.
func rounded(d time.Duration) float64 { return math.Round(milliseconds(d)*1000) / 1000 }
