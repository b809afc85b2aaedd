// Package pace holds the deliveries to an endpoint to so many in a second. It is in memory: a restart forgets who waits.
package pace

import (
	"sync"
	"time"
)

// maxKnown bounds what is remembered; beyond it everybody starts anew.
const maxKnown = 10_000

// Pace gives times to deliveries. It is safe for concurrent use.
type Pace struct {
	mu      sync.Mutex
	next    map[string]time.Time // when the next delivery may begin, by endpoint
	granted map[string]bool      // deliveries that were given a time
}

// Slot says when the delivery called key may go to an endpoint that takes rate of them in a second, or any number when rate is
// 0. When it has to wait, the same delivery asks again at that time, and then may go.
func (p *Pace) Slot(endpoint string, rate int, now time.Time, key string) (at time.Time, wait bool) {
	if rate == 0 {
		return now, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil || len(p.next) > maxKnown || len(p.granted) > maxKnown {
		p.next, p.granted = map[string]time.Time{}, map[string]bool{}
	}
	if p.granted[key] {
		delete(p.granted, key)
		return now, false
	}
	if at = p.next[endpoint]; at.Before(now) {
		at = now
	}
	p.next[endpoint] = at.Add(time.Second / time.Duration(rate))
	if wait = at.After(now); wait {
		p.granted[key] = true
	}
	return at, wait
}
