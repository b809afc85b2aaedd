package main

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/brume-dev/brume/cmd/brume/platform"
)

// logs shows what a function, or a log group, has written.
type logs struct {
	endpoint
	Name   string `arg:"" help:"A function, or a log group (which has a slash in it)."`
	Follow bool   `short:"f" help:"Go on as more is written."`
	Since  string `help:"How far back to begin." default:"1h" placeholder:"DURATION"`
	Filter string `help:"A filter pattern of CloudWatch Logs." placeholder:"PATTERN"`
}

// pollLogs is how often the log is asked for more.
const pollLogs = 500 * time.Millisecond

// Run implements the subcommand.
func (l *logs) Run(w *world) error {
	group := l.Name
	if !strings.Contains(group, "/") {
		group = "/aws/lambda/" + functionName(group)
	}
	back, err := platform.ParseDuration(l.Since)
	if err != nil {
		return err
	}
	var now platform.Time
	if err := l.ask(w, "/_brume/clock", nil, &now); err != nil {
		return err
	}
	r := l.here(w)
	from, seen := now.Now.Add(-back).UnixMilli(), map[string]int64{}
	for {
		from, err = l.show(w, r, group, from, seen)
		if w.Err() != nil && l.Follow {
			return nil // Ctrl-C is how following ends
		}
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

// functionName takes the name out of a function's name or ARN, with or without a version or an alias after it.
func functionName(s string) string {
	if _, after, ok := strings.Cut(s, ":function:"); ok {
		s = after
	}
	name, _, _ := strings.Cut(s, ":")
	return name
}

// show writes the events since a time that have not been seen and returns the time to go on from. Events may be written
// late, so it goes back a little.
func (l *logs) show(w *world, r *remote, group string, from int64, seen map[string]int64) (int64, error) {
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
		if err := r.json(w, "logs", "1.1", "Logs_20140328.FilterLogEvents", in, &out); err != nil {
			return from, err
		}
		for _, e := range out.Events {
			if _, ok := seen[e.EventID]; !ok {
				seen[e.EventID] = e.Timestamp
				fmt.Fprintf(w.out, "%s  %s\n", time.UnixMilli(e.Timestamp).Local().Format("15:04:05.000"), strings.TrimRight(e.Message, "\n"))
			}
			last = max(last, e.Timestamp)
		}
		if out.NextToken == "" {
			const lateness = 5000 // milliseconds
			from = max(from, last-lateness)
			maps.DeleteFunc(seen, func(_ string, at int64) bool { return at < from })
			return from, nil
		}
		in["nextToken"] = out.NextToken
	}
}
