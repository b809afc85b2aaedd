package backlog

import (
	"errors"
	"slices"

	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// What a receipt may turn out to be.
var (
	ErrGone      = errors.New("backlog: the message is gone, or was received again")
	ErrExpired   = errors.New("backlog: the receipt has expired")
	ErrNotFlying = errors.New("backlog: the message is not in flight")
	ErrTooLong   = errors.New("backlog: hidden for too long in total")
)

// Delete deletes the message of a receipt. In a standard queue the receipt is good until the message is received again;
// after that, and after the message is gone, nothing is done. In a FIFO queue it is ErrExpired once the message has
// become visible again.
func (q *Queue) Delete(tx store.Tx, r message.Receipt) error {
	w, err := q.begin(tx)
	if err != nil {
		return err
	}
	defer w.end()
	s, ok, err := w.state(r.Ref)
	if err != nil || !ok {
		return err
	}
	if q.FIFO && (s.Count != r.Count || s.At <= w.now) {
		return ErrExpired
	}
	if s.Count != r.Count {
		return nil
	}
	return w.remove(r.Ref, s)
}

// crowded is the number of messages in flight from which receivers may be waiting for one less.
const crowded = 100_000

// remove takes a message that has a state out of the queue.
func (w *work) remove(r message.Ref, s state) error {
	if w.FIFO {
		return w.removeFromGroup(s.Group, standing{lineRecord{Ref: r, Flags: s.Flags, Received: true}, s.Sequence})
	}
	var err error
	switch {
	case s.At == 0:
		w.delta[Visible]--
		err = w.leave(s.Group, r, 0)
	default:
		w.dropTime(s.At, r, Flying)
		if n, _ := w.count(Flying); n >= crowded {
			w.tx.Signal(w.Topic())
		}
		if s.Group != "" {
			err = w.regroup(s.Group, -1, false)
		}
	}
	if err != nil {
		return err
	}
	return w.erase(r, s.Flags, true)
}

// removeFromGroup takes a message out of a FIFO queue; the group is free when it was its last in flight.
func (w *work) removeFromGroup(name string, s standing) error {
	old, there, err := w.group(name)
	if err != nil || !there {
		return err
	}
	if err := w.removeStanding(name, s); err != nil {
		return err
	}
	g := old
	g.Times = slices.DeleteFunc(slices.Clone(old.Times), func(f flight) bool { return f.sequence == s.sequence })
	if err := w.settle(name, old, g, true); err != nil {
		return err
	}
	w.tx.Signal(w.Topic())
	return nil
}

// Hide makes the message of a receipt invisible for a time from now, in microseconds; limit is how long it may be hidden
// in total since it was received.
func (q *Queue) Hide(tx store.Tx, r message.Receipt, hidden, limit int64) error {
	w, err := q.begin(tx)
	if err != nil {
		return err
	}
	s, ok, err := w.state(r.Ref)
	switch {
	case err != nil:
		return err
	case !ok || s.Count != r.Count:
		return ErrGone
	case s.At <= w.now && q.FIFO:
		return ErrExpired
	case s.At <= w.now:
		return ErrNotFlying
	case w.now+hidden > s.Began+limit:
		return ErrTooLong
	}
	defer w.end()
	return w.hide(r.Ref, s, w.now+hidden)
}

// hide moves a message in flight to another time.
func (w *work) hide(r message.Ref, s state, at int64) error {
	group := s.Group
	if w.FIFO {
		group = ""
	}
	w.dropTime(s.At, r, Flying)
	s.At = at
	w.setTime(at, r, Flying, s.Flags, group)
	w.setState(r, &s)
	w.tx.Signal(w.Topic())
	if !w.FIFO {
		return nil
	}
	old, there, err := w.group(s.Group)
	if err != nil || !there {
		return err
	}
	g := old
	g.Times = slices.Clone(old.Times)
	for i := range g.Times {
		if g.Times[i].sequence == s.Sequence {
			g.Times[i].at = at
		}
	}
	return w.settle(s.Group, old, g, false)
}
