package source

import (
	"math"
	"time"
)

// scale is how many batches may be processed at a time: it begins with a few, grows by steps while there is always more
// to read and the machine bears it, and shrinks when batches fail.
type scale struct {
	base, max int
	free      func() bool // whether the machine bears more
	limit     int
	grown     time.Time
}

func newScale(base, limit int, free func() bool) scale {
	return scale{base: min(base, limit), max: limit, free: free, limit: min(base, limit)}
}

// more is asked when the limit is reached and there is more to read; it reports whether the limit has grown.
func (s *scale) more(now time.Time) bool {
	switch {
	case s.limit >= s.max:
		return false
	case s.grown.IsZero():
		s.grown = now // the backlog begins
		return false
	case now.Sub(s.grown) < growth || !s.free():
		return false
	}
	s.grown = now
	s.limit++
	return true
}

// failed notes that a batch has failed or had no room.
func (s *scale) failed() { s.limit = max(1, int(math.Ceil(float64(s.limit)*3/4))-1) }

// succeeded notes that a batch was processed.
func (s *scale) succeeded() {
	if s.limit < s.base {
		s.limit++
	}
}

// idle notes that there was nothing more to read.
func (s *scale) idle() { s.limit, s.grown = min(s.limit, s.base), time.Time{} }
