package timer

import "time"

// Retry is the error by which a handler says when its promise is due again.
type Retry struct {
	At        time.Time // zero or in the past: now
	Err       error     // why; nil when nothing is wrong
	Args      []byte    // when not nil, they replace the promise's
	Uncounted bool      // the attempt does not count
}

// Later returns a Retry at a time because of err, which may be nil.
func Later(at time.Time, err error) error { return &Retry{At: at, Err: err} }

// Error says when, and why.
func (r *Retry) Error() string {
	s := "again at " + r.At.UTC().Format(time.RFC3339Nano)
	if r.Err != nil {
		s += ": " + r.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (r *Retry) Unwrap() error { return r.Err }

// Policy is how the promises of a kind are kept. The zero Policy is a good one.
type Policy struct {
	// Parallel is how many promises of one destination are kept at the same time; 64 when 0. (An order key has
	// one.) When a kind has very many running, a destination may get fewer, but at least one.
	Parallel int
	// MinBackoff and MaxBackoff bound the wait after an attempt that failed: it doubles from 200 ms up to a minute
	// when they are 0, less up to half of it by chance.
	MinBackoff, MaxBackoff time.Duration
	// Timeout ends the context of an attempt; 0 means never.
	Timeout time.Duration
}

func (p Policy) withDefaults() Policy {
	if p.Parallel <= 0 {
		p.Parallel = defaultParallel
	}
	if p.MinBackoff <= 0 {
		p.MinBackoff = defaultMinBackoff
	}
	if p.MaxBackoff <= 0 {
		p.MaxBackoff = defaultMaxBackoff
	}
	return p
}

// Backoff is the wait after this attempt that a Policy with these bounds gives, for handlers that have their own: it
// doubles from shortest up to longest, less up to half of it by chance. It is the same whenever it is asked for.
func (k *Kept) Backoff(shortest, longest time.Duration) time.Duration {
	d := shortest
	for i := 1; i < k.Attempt && d < longest; i++ {
		d *= 2
	}
	d = min(d, longest)
	return d - time.Duration(jitter(k.at.N, k.Attempt)*float64(d)/2)
}
