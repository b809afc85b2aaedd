package storetest

import (
	"context"
	"sync"
	"time"
)

// Clock stands still until it is set. It may be set back, as the clocks of machines are, which the virtual clock of
// package clock may not: a store's Now must not follow.
type Clock struct {
	mu    sync.Mutex
	now   time.Time
	moved chan struct{} // closed by the next Set
}

// NewClock returns a clock that stands at t.
func NewClock(t time.Time) *Clock { return &Clock{now: t.UTC(), moved: make(chan struct{})} }

// Now is part of clock.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t.UTC()
	close(c.moved)
	c.moved = make(chan struct{})
}

// Add moves the clock by d.
func (c *Clock) Add(d time.Duration) { c.Set(c.Now().Add(d)) }

// Sleep is part of clock.Clock.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	reached, stop := c.Until(c.Now().Add(d))
	defer stop()
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Until is part of clock.Clock.
func (c *Clock) Until(t time.Time) (<-chan struct{}, func()) {
	reached, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		for {
			c.mu.Lock()
			now, moved := c.now, c.moved
			c.mu.Unlock()
			if !now.Before(t) {
				close(reached)
				return
			}
			select {
			case <-moved:
			case <-stopped:
				return
			}
		}
	}()
	return reached, sync.OnceFunc(func() { close(stopped) })
}
