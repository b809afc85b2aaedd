// Package schedule reads the schedule expressions of EventBridge rules, rate(…) and cron(…), and says when they are next
// due. Times are in UTC. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
package schedule

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// ErrInvalid says that an expression is none.
var ErrInvalid = errors.New("schedule: not a schedule expression")

// Expression is a compiled expression. It is immutable.
type Expression struct {
	every time.Duration // of rate; 0 for cron
	cron  cron
}

// Parse compiles an expression. The error is ErrInvalid.
func Parse(s string) (*Expression, error) {
	if body, ok := inside(s, "rate"); ok {
		every, ok := rate(body)
		if !ok {
			return nil, ErrInvalid
		}
		return &Expression{every: every}, nil
	}
	body, ok := inside(s, "cron")
	if !ok {
		return nil, ErrInvalid
	}
	c, ok := parseCron(body)
	if !ok {
		return nil, ErrInvalid
	}
	return &Expression{cron: c}, nil
}

// Next returns the first time after t at which the expression is due; ok is false when there is none any more. A rate
// counts from anchor.
func (e *Expression) Next(anchor, t time.Time) (next time.Time, ok bool) {
	if e.every == 0 {
		return e.cron.next(t.UTC())
	}
	if t.Before(anchor) {
		return anchor.Add(e.every), true
	}
	return anchor.Add((t.Sub(anchor)/e.every + 1) * e.every), true
}

// inside returns what stands between the parentheses of name(…).
func inside(s, name string) (string, bool) {
	s, ok := strings.CutPrefix(s, name+"(")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(s, ")")
}

// rate reads "5 minutes". One is of a singular unit, more are of a plural one.
func rate(s string) (time.Duration, bool) {
	fields := strings.Fields(s)
	if len(fields) != 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(fields[0], 10, 31)
	if err != nil || n == 0 {
		return 0, false
	}
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	name, plural := strings.CutSuffix(fields[1], "s")
	unit, known := units[name]
	if !known || plural != (n != 1) || n > uint64(maxRate/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// maxRate keeps sums of times and rates within what a Duration holds.
const maxRate = 100 * 365 * 24 * time.Hour
