package execute

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// beginTrace joins the trace that the request came with, or begins one, when the stage traces. Ids are made of the
// request's, which is random.
func (c *call) beginTrace() {
	fields := map[string]string{}
	for part := range strings.SplitSeq(c.visit.Request.Trace, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[k] = v
	}
	c.traceID = fields["Root"]
	if !c.stage.tracing {
		return
	}
	digits := strings.ReplaceAll(c.visit.Request.ID, "-", "")
	for len(digits) < 32 {
		digits += "0"
	}
	if c.traceID == "" {
		c.traceID = fmt.Sprintf("1-%08x-%s", c.started.Unix(), digits[:24])
	}
	if fields["Sampled"] != "0" {
		c.parent = digits[16:32]
	}
}

// traceHeader is what the integration is told of the trace.
func (c *call) traceHeader() string {
	if c.parent == "" {
		return "Root=" + c.traceID + ";Sampled=0"
	}
	return "Root=" + c.traceID + ";Parent=" + c.parent + ";Sampled=1"
}

// endTrace queues the segment of the call.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
func (c *call) endTrace() {
	if c.parent == "" || !c.stage.tracing {
		return
	}
	seconds := func(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
	request := map[string]any{"method": c.verb, "url": "https://" + c.host + c.basePath, "client_ip": c.visit.Request.SourceIP,
		"user_agent": c.visit.Request.UserAgent, "x_forwarded_for": true}
	segment := map[string]any{"name": segmentName(text(c.stage.main.api.Name) + "/" + c.stage.stage), "id": c.parent, "trace_id": c.traceID,
		"start_time": seconds(c.started), "end_time": seconds(c.now()), "origin": "AWS::ApiGateway::Stage",
		"resource_arn": "arn:aws:apigateway:" + c.stage.region + "::/restapis/" + c.stage.api + "/stages/" + c.stage.stage,
		"aws":          map[string]any{"api_gateway": map[string]any{"account_id": c.stage.account, "rest_api_id": c.stage.api, "stage": c.stage.stage, "request_id": c.visit.Request.ID}, "account_id": c.stage.account},
		"http":         map[string]any{"request": request, "response": map[string]any{"status": c.out.status, "content_length": len(c.out.body)}},
		"annotations":  map[string]any{"aws_api_id": c.stage.api, "aws_api_stage": c.stage.stage}}
	if before := parentOf(c.visit.Request.Trace); before != "" {
		segment["parent_id"] = before
	}
	switch {
	case c.out.status == 429:
		segment["throttle"], segment["error"] = true, true
	case c.out.status >= 500:
		segment["fault"] = true
	case c.out.status >= 400:
		segment["error"] = true
	}
	if c.reply.sent && !c.reply.began.IsZero() && c.reply.latency > 0 {
		segment["subsegments"] = []any{c.subsegment(seconds)}
	}
	b, err := json.Marshal(segment)
	if err != nil {
		return // text and numbers only: it cannot fail
	}
	c.plane.writer.trace(c.stage.owner, string(b))
}

// subsegment is the integration's part.
func (c *call) subsegment(seconds func(time.Time) float64) map[string]any {
	i := &c.method.integration
	name := i.uri.Service
	if name == "" {
		name = hostOf(text(i.Uri))
	}
	sub := map[string]any{"name": name, "id": c.parent[8:] + c.parent[:8], "namespace": "aws", "start_time": seconds(c.reply.began),
		"end_time": seconds(c.reply.began.Add(c.reply.latency)), "http": map[string]any{"response": map[string]any{"status": c.reply.status}}}
	if i.uri.Service == "" {
		sub["namespace"] = "remote"
	}
	if c.reply.status >= 500 {
		sub["fault"] = true
	} else if c.reply.status >= 400 {
		sub["error"] = true
	}
	return sub
}

// segmentName leaves out of a name what X-Ray takes in none.
func segmentName(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSpace(r) || strings.ContainsRune(`_.:/%&#=+\-@`, r) {
			return r
		}
		return -1
	}, s)
}

// hostOf is what an HTTP integration is called in a trace: the host of its URL, where it has one.
func hostOf(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		rest = url
	}
	host, _, _ := strings.Cut(rest, "/")
	return cmp.Or(segmentName(host), "http")
}

func parentOf(header string) string {
	for part := range strings.SplitSeq(header, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "Parent="); ok {
			return v
		}
	}
	return ""
}
