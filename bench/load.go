package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// load keeps a number of connections to an endpoint busy.
type load struct {
	target   *Target // that the requests are signed for
	endpoint string  // that they are sent to: the target's, or a ceiling's
	requests []*request
	conns    []*conn
	turn     int       // where in requests the next slice begins
	until    time.Time // when what was not answered never will be
}

func newLoad(t *Target, endpoint string, requests []*request, connections int) *load {
	return &load{target: t, endpoint: endpoint, requests: requests, conns: make([]*conn, connections)}
}

func (l *load) close() {
	for _, c := range l.conns {
		if c != nil {
			c.Close()
		}
	}
}

// sample is what was seen during a slice of time, or several.
type sample struct {
	elapsed time.Duration
	took    []time.Duration // of each request that was answered well
	errors  int
	first   error // of the errors
	bytes   int64 // of the answers' bodies
}

// rate is requests answered well in a second.
func (s *sample) rate() float64 { return float64(len(s.took)) / s.elapsed.Seconds() }

// quantile is the time within which the share q of the requests was answered. took is sorted.
func (s *sample) quantile(q float64) time.Duration {
	if len(s.took) == 0 {
		return 0
	}
	return s.took[min(len(s.took)-1, int(q*float64(len(s.took))))]
}

func (s *sample) add(o *sample) {
	s.elapsed += o.elapsed
	s.took = append(s.took, o.took...)
	s.errors += o.errors
	s.bytes += o.bytes
	if s.first == nil {
		s.first = o.first
	}
}

// refused is an answer that is none.
type refused struct {
	status int
	body   string
}

func (r *refused) Error() string { return fmt.Sprintf("status %d: %s", r.status, r.body) }

// slice sends requests for d, each connection one after another, and counts what came back. Requests under way at the
// end are waited for, and counted with the time that they took.
func (l *load) slice(ctx context.Context, d time.Duration) (*sample, error) {
	began := time.Now()
	end := began.Add(d)
	parts := make([]sample, len(l.conns))
	l.until = end.Add(patience)
	var running sync.WaitGroup
	for i, c := range l.conns {
		if c != nil {
			_ = c.SetDeadline(l.until) // a connection that is closed says so when it is used
		}
		running.Go(func() { l.keep(ctx, i, end, &parts[i]) })
	}
	running.Wait()
	all := &sample{elapsed: time.Since(began)}
	for i := range parts {
		all.add(&parts[i])
	}
	all.elapsed = time.Since(began)
	slices.Sort(all.took)
	l.turn += all.count()/len(l.conns) + 1
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(all.took) == 0:
		return nil, fmt.Errorf("no request was answered: %w", errors.Join(all.first))
	}
	return all, nil
}

func (s *sample) count() int { return len(s.took) + s.errors }

// keep keeps one connection busy until end. Its requests are every len(conns)th.
func (l *load) keep(ctx context.Context, i int, end time.Time, s *sample) {
	now := time.Now()
	for n := l.turn; now.Before(end) && ctx.Err() == nil; n++ {
		r := l.requests[(n*len(l.conns)+i)%len(l.requests)]
		a, err := l.once(ctx, i, r, now)
		for err == nil && a.ok() && r.next != nil {
			if r = r.next(a.body); r == nil {
				break
			}
			a, err = l.once(ctx, i, r, time.Now())
		}
		then := time.Now()
		if err == nil && !a.ok() {
			err = &refused{a.status, string(a.body[:min(len(a.body), 300)])}
		}
		if err != nil {
			s.errors++
			if s.first == nil {
				s.first = err
			}
		} else {
			s.took = append(s.took, then.Sub(now))
			s.bytes += int64(len(a.body))
		}
		now = then
	}
}

func (l *load) once(ctx context.Context, i int, r *request, now time.Time) (answer, error) {
	wire, err := r.bytes(l.target, now)
	if err != nil {
		return answer{}, err
	}
	if l.conns[i] == nil {
		if l.conns[i], err = dial(ctx, l.endpoint); err != nil {
			return answer{}, err
		}
		_ = l.conns[i].SetDeadline(l.until)
	}
	a, err := l.conns[i].exchange(wire)
	if err != nil || a.last {
		l.conns[i].Close()
		l.conns[i] = nil
	}
	return a, err
}
