// Package waiting is the waiting room of a queue: those who long-poll it. Of them all only the first listens to the store;
// a message wakes it alone, and when it finds something it sends the next one to look and to listen. So a message does
// not wake a thousand receivers for one of them to have it, and a burst is shared out as fast as it is taken.
package waiting

import (
	"context"
	"sync"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
)

// Rooms are the waiting rooms of all queues.
type Rooms struct {
	clock   clock.Clock
	closing <-chan struct{}
	mu      sync.Mutex
	rooms   map[string]*room
}

// room is that of one queue; it is there as long as somebody is in it.
type room struct {
	first *Guest   // who listens
	rest  []*Guest // in the order in which they came
}

// New returns empty rooms. When closing is closed (it may be nil), every wait ends.
func New(c clock.Clock, closing <-chan struct{}) *Rooms {
	return &Rooms{clock: c, closing: closing, rooms: map[string]*room{}}
}

// Guest is somebody who waits.
type Guest struct {
	rooms  *Rooms
	name   string
	turn   chan struct{} // closed when it is first
	closed bool          // turn is; guarded by Rooms.mu
}

// Enter lets somebody wait for the topic. The guest must leave.
func (r *Rooms) Enter(topic store.Key) *Guest {
	g := &Guest{rooms: r, name: string(topic), turn: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.rooms[g.name]
	if o == nil {
		o = &room{}
		r.rooms[g.name] = o
	}
	if o.first == nil {
		o.first = g
		g.call()
	} else {
		o.rest = append(o.rest, g)
	}
	return g
}

// call makes g the first. Rooms.mu is held.
func (g *Guest) call() {
	g.closed = true
	close(g.turn)
}

// Leave ends the wait; when g was the first, the next one is sent to look. It may be called more than once.
func (g *Guest) Leave() {
	r := g.rooms
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.rooms[g.name]
	if o == nil {
		return
	}
	if o.first != g {
		for i, other := range o.rest {
			if other == g {
				o.rest = append(o.rest[:i:i], o.rest[i+1:]...)
				break
			}
		}
		return
	}
	if len(o.rest) == 0 {
		delete(r.rooms, g.name)
		return
	}
	o.first, o.rest = o.rest[0], o.rest[1:]
	o.first.call()
}

// Guests is the number of those who wait for a topic.
func (r *Rooms) Guests(topic store.Key) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.rooms[string(topic)]
	if o == nil {
		return 0
	}
	return 1 + len(o.rest)
}

// First reports whether g is the one who listens.
func (g *Guest) First() bool {
	g.rooms.mu.Lock()
	defer g.rooms.mu.Unlock()
	return g.closed
}

// Turn waits until g is the first; false when the deadline or the end of ctx comes before.
func (g *Guest) Turn(ctx context.Context, deadline <-chan struct{}) bool {
	select {
	case <-g.turn:
		return true
	default:
	}
	clock.Waits(ctx)
	select {
	case <-g.turn:
		return true
	case <-deadline:
	case <-g.rooms.closing:
	case <-ctx.Done():
	}
	return false
}

// Listen returns when there may be something new since a version, or at the time due (zero: never); false when the
// deadline or the end of ctx comes before. Only the first may listen. release lets the platform's time go on, where it
// can be moved: it is called when the guest has looked, or before it listens again.
func (g *Guest) Listen(ctx context.Context, shard store.Shard, since store.Version, due time.Time, deadline <-chan struct{}) (again bool, release func(), err error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var ripe <-chan struct{}
	release = func() {}
	if !due.IsZero() {
		ripe, release = g.rooms.clock.Until(due)
	}
	rung := make(chan error, 1)
	go func() {
		_, err := shard.Wait(inner, store.Key(g.name), since)
		rung <- err
	}()
	clock.Waits(ctx)
	select {
	case err := <-rung:
		return err == nil, release, err
	case <-ripe:
		return true, release, nil
	case <-deadline:
	case <-g.rooms.closing:
	case <-ctx.Done():
	}
	return false, release, nil
}
