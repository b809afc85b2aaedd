package execute

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// transcript is the execution log of one call.
type transcript struct {
	level string // INFO logs everything, ERROR what failed
	data  bool
	lines []string
}

func newTranscript(s *setting) *transcript { return &transcript{level: s.level, data: s.data} }

// note writes a line of the execution log; data is what may be someone's secret.
func (c *call) note(level string, data bool, format string, args ...any) {
	t := c.log
	if t == nil || level == "INFO" && t.level != "INFO" || data && !t.data {
		return
	}
	line := fmt.Sprintf(format, args...)
	if !c.test {
		if len(line) > maxLogged {
			line = line[:maxLogged] + " [TRUNCATED]"
		}
		line = "(" + c.visit.Request.ID + ") " + line
	}
	t.lines = append(t.lines, line)
}

// describe notes what the call is.
func (c *call) describe() {
	if c.log == nil || c.log.level != "INFO" {
		return
	}
	if !c.test {
		c.note("INFO", false, "Extended Request Id: %s", c.extendedID())
	}
	c.note("INFO", false, "Starting execution for request: %s", c.visit.Request.ID)
	c.note("INFO", false, "HTTP Method: %s, Resource Path: %s", c.verb, c.path)
	params := map[string]string{}
	for _, p := range c.params {
		params[p.name] = p.value
	}
	c.note("INFO", true, "Method request path: %s", mapText(params))
	c.note("INFO", true, "Method request query string: %s", mapText(lastOf(http.Header(c.values()))))
	c.note("INFO", true, "Method request headers: %s", headerText(c.header))
}

// mapText is a map as Java prints it. Credentials are not shown.
func mapText(m map[string]string) string {
	parts := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := m[k]
		if strings.EqualFold(k, "Authorization") || strings.EqualFold(k, "X-Amz-Security-Token") {
			v = strings.Repeat("*", 20) + v[max(0, len(v)-6):]
		}
		parts = append(parts, k+"="+v)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func headerText(h http.Header) fmt.Stringer { return headerPrinter(h) }

// headerPrinter prints headers only when they are logged.
type headerPrinter http.Header

// String implements fmt.Stringer.
func (h headerPrinter) String() string { return mapText(lastOf(http.Header(h))) }

// accessLog is where and how a stage logs who asked for what.
type accessLog struct {
	group    string
	account  string
	region   string
	segments []string // text and variables in turn, beginning with text
	csv      bool
}

// newAccessLog compiles a format.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html#apigateway-cloudwatch-log-formats
func newAccessLog(destination, format string) *accessLog {
	a := &accessLog{}
	if arn, err := aws.ParseARN(destination); err == nil {
		a.account, a.region = arn.Account, arn.Region
		a.group = strings.TrimSuffix(strings.TrimPrefix(arn.Resource, "log-group:"), ":*")
	}
	format = strings.TrimRight(format, "\n")
	at := 0
	for _, m := range regexp.MustCompile(`\$context\.([A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*)`).FindAllStringSubmatchIndex(format, -1) {
		a.segments = append(a.segments, format[at:m[0]], format[m[2]:m[3]])
		at = m[1]
	}
	a.segments = append(a.segments, format[at:])
	a.csv = strings.HasPrefix(format, "$context.") && strings.Contains(format, ",")
	return a
}

// line is the entry for a call.
func (a *accessLog) line(c *call) string {
	var b strings.Builder
	quoted := false // inside a JSON string
	for i, s := range a.segments {
		if i%2 == 0 {
			b.WriteString(s)
			quoted = strings.HasSuffix(s, `"`)
			continue
		}
		v := c.value(s)
		switch {
		case v == "":
			v = "-"
		case s == "error.messageString":
		case quoted:
			escaped := jsondoc.AppendString(nil, v)
			v = string(escaped[1 : len(escaped)-1])
		case a.csv && strings.ContainsAny(v, ",\"\n"):
			v = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
		}
		b.WriteString(v)
	}
	line := b.String()
	return line[:min(len(line), maxAccessLine)]
}
