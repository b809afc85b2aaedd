// Package loglevel decides which lines of a function's output go to its log, by the level that they name.
//
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
package loglevel

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// Level is how much a line matters.
type Level int

// The levels, the most detailed first.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
	Fatal
)

// Parse reads the name of a level, as Lambda's settings or one of the runtimes' loggers write it; ok is false when it is
// none.
func Parse(name string) (l Level, ok bool) {
	switch strings.ToUpper(name) {
	case "TRACE":
		return Trace, true
	case "DEBUG":
		return Debug, true
	case "INFO", "INFORMATION":
		return Info, true
	case "WARN", "WARNING":
		return Warn, true
	case "ERROR":
		return Error, true
	case "FATAL", "CRITICAL":
		return Fatal, true
	}
	return Info, false
}

// Of is the level of a line: what a JSON object with a valid time says in its "level"; that of everything else is Info.
func Of(line []byte) Level {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' {
		return Info
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(line, &fields) != nil {
		return Info
	}
	var name, at string
	for _, key := range []string{"timestamp", "time", "@timestamp"} {
		if v, there := fields[key]; there && json.Unmarshal(v, &at) == nil {
			break
		}
	}
	if _, err := time.Parse(time.RFC3339Nano, at); err != nil || json.Unmarshal(fields["level"], &name) != nil {
		return Info
	}
	l, _ := Parse(name)
	return l
}

// Passes reports whether a line goes to the log of a function whose ApplicationLogLevel is least: "" lets everything pass.
func Passes(least string, line []byte) bool {
	l, ok := Parse(least)
	return !ok || l == Trace || Of(line) >= l
}
