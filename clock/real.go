package clock

import (
	"context"
	"sync"
	"time"
)

// recheck is the longest that a wait trusts the machine's monotonic clock, which stands still while a laptop sleeps and
// does not see the wall clock being set.
const recheck = 30 * time.Second

// Real returns the machine's wall clock.
func Real() Clock { return real{} }

type real struct{}

// Now has no monotonic reading: times that are stored and times that are not must compare alike.
func (real) Now() time.Time { return time.Now().UTC().Round(0) }

func (c real) Until(t time.Time) (<-chan struct{}, func()) {
	w := &realWait{clock: c, t: t, reached: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(patience(t.Sub(c.Now())), w.look)
	return w.reached, w.stop
}

func (c real) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, c, d) }

// patience is how long to wait before looking at the wall clock again when d is left.
func patience(d time.Duration) time.Duration { return min(max(d, 0), recheck) }

type realWait struct {
	clock   real
	t       time.Time
	reached chan struct{}

	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

func (w *realWait) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	if left := w.t.Sub(w.clock.Now()); left > 0 {
		w.timer.Reset(patience(left))
		return
	}
	w.stopped = true
	close(w.reached)
}

func (w *realWait) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
}

func sleep(ctx context.Context, c Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	reached, stop := c.Until(c.Now().Add(d))
	defer stop()
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
