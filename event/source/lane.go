package source

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/brume-dev/brume/clock"
)

// lane processes the records of some partition keys of a shard, one batch after another. Its fields are guarded by the
// mutex of the stream.
type lane struct {
	h     *shard
	done  string   // the sequence number up to which all is done
	open  int      // records that are not done, with those of the batch under way
	queue []Record // those that wait
	end   func()   // of the work that the clock waits for, nil when there is none
	wake  chan struct{}

	opened time.Time // the beginning of the tumbling window, zero when none is open
	state  []byte
}

// add lets a record wait for its batch.
func (l *lane) add(r Record) {
	l.begin()
	l.queue = append(l.queue, r)
	l.open++
}

// begin has the clock wait for the lane.
func (l *lane) begin() {
	if l.end == nil {
		l.end = clock.Begin(l.h.s.Clock)
	}
}

// awake has the lane look whether there is a batch.
func (l *lane) awake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run processes until the shard has ended and all of it is done, or until ctx ends.
func (l *lane) run(ctx context.Context) {
	for {
		b := l.take(ctx)
		if b == nil || !l.handle(ctx, b) {
			break
		}
	}
	l.h.s.mu.Lock()
	defer l.h.s.mu.Unlock()
	if l.h.running--; l.h.running == 0 && l.h.ended {
		l.h.end = l.end
	} else if l.end != nil {
		l.end()
	}
	l.end = nil
}

// take waits for the next batch. nil: there will be none.
func (l *lane) take(ctx context.Context) *Batch {
	s := l.h.s
	for ctx.Err() == nil {
		s.mu.Lock()
		b, at := l.due(s.Clock.Now())
		if over := l.h.ended && len(l.queue) == 0; b != nil || over {
			s.mu.Unlock()
			return b
		}
		end := l.end
		l.end = nil
		s.mu.Unlock()
		var reached <-chan struct{}
		stop := func() {}
		if !at.IsZero() {
			reached, stop = s.Clock.Until(at)
		}
		if end != nil {
			end()
		}
		select {
		case <-l.wake:
		case <-reached:
		case <-ctx.Done():
		}
		s.mu.Lock()
		l.begin()
		s.mu.Unlock()
		stop()
	}
	return nil
}

// due returns the batch whose time has come, else when that is: zero, not before more comes. The mutex of the stream is
// held.
func (l *lane) due(now time.Time) (b *Batch, at time.Time) {
	s := l.h.s
	if final, end := l.closing(now); final {
		return &Batch{Shard: l.h.id, Window: l.window(true)}, at
	} else if n, full := l.fit(); n > 0 {
		if at = l.queue[0].got.Add(s.Window); !full && !l.h.ended && now.Before(at) {
			return nil, at
		}
		if s.Tumbling > 0 && l.opened.IsZero() {
			l.opened = l.queue[0].At.Truncate(s.Tumbling)
		}
		b = &Batch{Shard: l.h.id, Records: slices.Clone(l.queue[:n]), Window: l.window(false)}
		if l.queue = l.queue[n:]; len(l.queue) == 0 {
			l.queue = nil
		}
		return b, at
	} else {
		return nil, end
	}
}

// fit is how many of the waiting records go into one batch; full: there will not be more of them by waiting.
func (l *lane) fit() (n int, full bool) {
	s := l.h.s
	size := 0
	opened := l.opened
	for _, r := range l.queue {
		if n > 0 && s.Tumbling > 0 && r.At.Truncate(s.Tumbling).After(opened) {
			return n, true
		}
		if size += len(r.JSON) + 1; n == s.BatchSize || n > 0 && size > s.MaxBytes {
			return n, true
		}
		if n++; opened.IsZero() {
			opened = r.At.Truncate(s.Tumbling)
		}
	}
	return n, n == s.BatchSize
}

// closing reports whether the tumbling window that is open ends now, else when it does by the clock.
func (l *lane) closing(now time.Time) (yes bool, end time.Time) {
	if l.opened.IsZero() {
		return false, end
	}
	end = l.opened.Add(l.h.s.Tumbling)
	if len(l.queue) > 0 {
		return !l.queue[0].At.Before(end), end
	}
	return l.h.ended || !now.Before(end), end
}

// window describes the tumbling window to the next batch, nil when there are none.
func (l *lane) window(final bool) *TumblingWindow {
	s := l.h.s
	if s.Tumbling == 0 {
		return nil
	}
	return &TumblingWindow{Start: l.opened, End: l.opened.Add(s.Tumbling), State: l.state, Final: final}
}

// part is what is tried of a batch at a time.
type part struct {
	records  []Record
	failures int // that count
	attempts int
	problem  error // of the last attempt
	wait     time.Duration
}

// handle processes a batch, with everything that follows when that fails. false: ctx has ended before it was done.
func (l *lane) handle(ctx context.Context, b *Batch) bool {
	parts := []*part{{records: b.Records}}
	for len(parts) > 0 {
		p := parts[len(parts)-1]
		if ctx.Err() != nil {
			return false
		}
		if w := b.Window; w != nil && w.Final && l.h.s.Clock.Now().Sub(w.End) > l.h.s.feed.kept() {
			return l.advance(ctx, p, 0, nil, w, nil) // what it was made of has expired
		}
		if n := l.tooOld(b, p); n > 0 {
			if !l.lose(ctx, b, p, n, TooOld) {
				return false
			}
		} else if half, ok := l.try(ctx, b, p); !ok {
			return false
		} else if half != nil {
			parts = append(parts, half)
			continue
		}
		if len(p.records) == 0 && (b.Window == nil || !b.Window.Final) {
			parts = parts[:len(parts)-1]
		} else if b.Window != nil && b.Window.Final && l.closed() {
			return true
		}
	}
	return true
}

// closed reports whether no tumbling window is open.
func (l *lane) closed() bool {
	l.h.s.mu.Lock()
	defer l.h.s.mu.Unlock()
	return l.opened.IsZero()
}

// tooOld is how many of the first records are too old to be processed.
func (l *lane) tooOld(b *Batch, p *part) (n int) {
	s := l.h.s
	age := s.feed.kept()
	if s.MaxAge > 0 {
		age = min(age, s.MaxAge)
	}
	now := s.Clock.Now()
	for n < len(p.records) && now.Sub(p.records[n].At) > age {
		n++
	}
	return n
}

// try makes one attempt and takes out of p what is done. half is what is to be tried before the rest of p; false: ctx has
// ended.
func (l *lane) try(ctx context.Context, b *Batch, p *part) (half *part, ok bool) {
	s := l.h.s
	trial := *b
	trial.Records = p.records
	if b.Window != nil {
		l.h.s.mu.Lock()
		w := *b.Window
		w.State = l.state
		trial.Window = &w
		l.h.s.mu.Unlock()
	}
	out, err := s.Process(context.WithoutCancel(ctx), &trial)
	s.Report(err)
	if errors.Is(err, ErrNoRoom) {
		return nil, l.pause(ctx, p)
	}
	p.attempts++
	p.problem = err
	n := 0
	if err == nil {
		if n = len(p.records); out.Failed != "" {
			n = max(0, slices.IndexFunc(p.records, func(r Record) bool { return r.ID == out.Failed }))
		}
		if trial.Window != nil && len(out.State) > maxState && !trial.Window.Final {
			if !l.endEarly(ctx, &trial, out.State) {
				return nil, false
			}
			out.State = nil
		}
		if (n > 0 || out.Failed == "") && !l.advance(ctx, p, n, out.State, trial.Window, nil) {
			return nil, false
		}
		if out.Failed == "" {
			return nil, true
		}
	}
	switch {
	case s.Bisect && n == 0 && len(p.records) > 1:
		middle := len(p.records) / 2
		half = &part{records: p.records[:middle], failures: p.failures, attempts: p.attempts, problem: p.problem}
		p.records = p.records[middle:]
		return half, true
	case s.Bisect && n > 0: // the batch was cut at what failed
		return nil, true
	}
	if p.failures++; s.Retries >= 0 && p.failures > s.Retries && len(p.records) > 0 {
		return nil, l.lose(ctx, b, p, len(p.records), RetriesExhausted)
	}
	return nil, l.pause(ctx, p)
}

// endEarly ends a tumbling window whose state has become too large; it goes on with none.
func (l *lane) endEarly(ctx context.Context, b *Batch, state []byte) bool {
	w := *b.Window
	w.State, w.Final, w.Early = state, true, true
	for p := new(part); ctx.Err() == nil; {
		_, err := l.h.s.Process(context.WithoutCancel(ctx), &Batch{Shard: b.Shard, Window: &w})
		l.h.s.Report(err)
		if err == nil {
			return true
		}
		if !l.pause(ctx, p) {
			break
		}
	}
	return false
}

// pause waits before the next attempt, longer each time. false: ctx has ended.
func (l *lane) pause(ctx context.Context, p *part) bool {
	s := l.h.s
	p.wait = min(max(2*p.wait, shortestRetry), longestRetry)
	reached, stop := s.Clock.Until(s.Clock.Now().Add(p.wait))
	s.mu.Lock()
	if l.end != nil {
		l.end()
	}
	s.mu.Unlock()
	select {
	case <-reached:
	case <-ctx.Done():
	}
	s.mu.Lock()
	l.end = clock.Begin(s.Clock)
	s.mu.Unlock()
	stop()
	return ctx.Err() == nil
}

// lose gives the first n records of a part up.
func (l *lane) lose(ctx context.Context, b *Batch, p *part, n int, condition string) bool {
	lost := &Lost{Batch: &Batch{Shard: b.Shard, Records: p.records[:n], Window: b.Window}, Condition: condition, Attempts: p.attempts, Problem: p.problem}
	l.h.s.Log.Warn("source: records are given up", "stream", l.h.s.ARN, "shard", b.Shard, "records", n, "condition", condition)
	l.h.s.mu.Lock()
	state := l.state
	l.h.s.mu.Unlock()
	return l.advance(ctx, p, n, state, b.Window, lost)
}

// advance notes that the first n records of a part are done, and keeps that.
func (l *lane) advance(ctx context.Context, p *part, n int, state []byte, w *TumblingWindow, lost *Lost) bool {
	h := l.h
	h.s.mu.Lock()
	for _, r := range p.records[:n] {
		l.done = r.ID
		h.bytes -= len(r.JSON)
	}
	l.open -= n
	h.pending -= n
	p.records = p.records[n:]
	if w != nil {
		if l.state = state; w.Final {
			l.opened, l.state = time.Time{}, nil
		}
	}
	if h.full {
		h.full = false
		h.s.note()
		select {
		case h.room <- struct{}{}:
		default:
		}
	}
	h.s.mu.Unlock()
	return h.save(ctx, lost)
}
