package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/brume-dev/brume/cmd/brume/platform"
)

// logs shows what a function, or a log group, has written.
type logs struct {
	endpoint
	Name   string `arg:"" help:"A function, or a log group (which begins with a slash)."`
	Follow bool   `short:"f" help:"Go on as more is written."`
	Since  string `help:"How far back to begin." default:"1h" placeholder:"DURATION"`
	Filter string `help:"A filter pattern of CloudWatch Logs." placeholder:"PATTERN"`
}

// pollLogs is how often the log is asked for more.
const pollLogs = 500 * time.Millisecond

// Run implements the subcommand.
func (l *logs) Run(w *world) error {
	group := l.Name
	if !strings.HasPrefix(group, "/") {
		group = "/aws/lambda/" + group[strings.LastIndexByte(group, ':')+1:]
	}
	back, err := platform.ParseDuration(l.Since)
	if err != nil {
		return err
	}
	var now platform.Time
	if err := l.ask(w, "/_brume/clock", nil, &now); err != nil {
		return err
	}
	from, seen := now.Now.Add(-back).UnixMilli(), map[string]bool{}
	for {
		from, err = l.show(w, group, from, seen)
		if err != nil && !(l.Follow && isCode(err, "ResourceNotFoundException")) || !l.Follow {
			return err
		}
		select {
		case <-w.Done():
			return nil
		case <-time.After(pollLogs):
		}
	}
}

// show writes the events since a time that have not been seen and returns the time to go on from. Events may be written
// late, so it goes back a little.
func (l *logs) show(w *world, group string, from int64, seen map[string]bool) (int64, error) {
	in := map[string]any{"logGroupName": group, "startTime": from}
	if l.Filter != "" {
		in["filterPattern"] = l.Filter
	}
	last := from
	for {
		var out struct {
			Events []struct {
				EventID   string `json:"eventId"`
				Timestamp int64  `json:"timestamp"`
				Message   string `json:"message"`
			} `json:"events"`
			NextToken string `json:"nextToken"`
		}
		if err := l.remote().json(w, "logs", "Logs_20140328.FilterLogEvents", in, &out); err != nil {
			return from, err
		}
		for _, e := range out.Events {
			if !seen[e.EventID] {
				seen[e.EventID] = true
				fmt.Fprintf(w.out, "%s  %s\n", time.UnixMilli(e.Timestamp).Local().Format("15:04:05.000"), strings.TrimRight(e.Message, "\n"))
			}
			last = max(last, e.Timestamp)
		}
		if out.NextToken == "" {
			const lateness = 5000 // milliseconds
			return max(from, last-lateness), nil
		}
		in["nextToken"] = out.NextToken
	}
}
