package source

import (
	"testing"
	"time"
)

// The scale begins with 5 and grows by 300 a minute up to its end while there is more to do and the machine bears it.
func TestScale(t *testing.T) {
	now, free := time.Unix(0, 0), true
	s := newScale(FirstConcurrency, 400, func() bool { return free })
	minute := func() int {
		for end := now.Add(time.Minute); now.Before(end); now = now.Add(50 * time.Millisecond) {
			s.more(now)
		}
		return s.limit
	}
	if got := minute(); got < 300 || got > 305 {
		t.Errorf("after a minute %d", got)
	}
	if free = false; minute() > 305 {
		t.Errorf("%d on a machine that bears no more", s.limit)
	}
	if free = true; minute() != 400 {
		t.Errorf("at the end %d", s.limit)
	}
	for range 50 {
		s.failed()
	}
	if s.limit != 1 {
		t.Errorf("%d after failures", s.limit)
	}
	for range 50 {
		s.succeeded()
	}
	if s.limit != FirstConcurrency {
		t.Errorf("%d after successes", s.limit)
	}
	minute()
	if s.idle(); s.limit != FirstConcurrency {
		t.Errorf("%d when idle", s.limit)
	}
}
