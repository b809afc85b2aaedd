// Package signal wakes those who wait for a topic of a shard. Every backend of the store has one Board.
package signal

import (
	"context"
	"hash/maphash"
	"sync"

	"github.com/brume-dev/brume/store"
)

// slots is the number of places that topics are hashed to. Topics that share one wake each other, which the contract
// of Wait allows; in return the memory of a board does not grow with the number of topics ever signalled.
const slots = 4096

// Board remembers, for every topic, the version of its last signal, so that a signal between a look at the data and
// the Wait that follows is not lost.
type Board struct {
	seed  maphash.Seed
	slots [slots]slot
	done  chan struct{}
	once  sync.Once
}

type slot struct {
	mu      sync.Mutex
	last    store.Version
	waiting chan struct{} // closed by the next signal; nil when nobody waits
}

// NewBoard returns a board for a shard that is at version v. Signals of commits up to v are taken as given.
func NewBoard(v store.Version) *Board {
	b := &Board{seed: maphash.MakeSeed(), done: make(chan struct{})}
	for i := range b.slots {
		b.slots[i].last = v
	}
	return b
}

func (b *Board) slot(topic store.Key) *slot {
	return &b.slots[maphash.Bytes(b.seed, topic)%slots]
}

// Signal wakes those who wait for topic with a since below v. It is called after the commit v is durable.
func (b *Board) Signal(topic store.Key, v store.Version) {
	s := b.slot(topic)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, v)
	if s.waiting != nil {
		close(s.waiting)
		s.waiting = nil
	}
}

// Wait is store.Shard's Wait.
func (b *Board) Wait(ctx context.Context, topic store.Key, since store.Version) (store.Version, error) {
	s := b.slot(topic)
	for {
		s.mu.Lock()
		if s.last > since {
			v := s.last
			s.mu.Unlock()
			return v, nil
		}
		if s.waiting == nil {
			s.waiting = make(chan struct{})
		}
		rung := s.waiting
		s.mu.Unlock()
		select {
		case <-rung:
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-b.done:
			return 0, store.ErrClosed
		}
	}
}

// Close ends every Wait with store.ErrClosed.
func (b *Board) Close() { b.once.Do(func() { close(b.done) }) }
