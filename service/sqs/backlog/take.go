package backlog

import (
	"cmp"

	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// Order says what a receive wants.
type Order struct {
	Max         int
	Hidden      int64  // microseconds for which what is received is hidden
	Expired     int64  // messages sent at or before this time are too old
	MaxReceives uint32 // after this many receives a message is dead; 0: never
	Limit       int64  // messages that may be in flight
}

// Claim is a message that has been received.
type Claim struct {
	message.Ref
	Count uint32 // how often in this queue, this time included
	First int64  // microseconds: when that was first
	until int64
	flags byte
}

// Taken is what a receive found.
type Taken struct {
	Claims []Claim
	Dead   []*message.Message // that have been received too often: taken out, Received and First say how often and since when
	Again  bool               // it stopped before it had looked at everything
	Next   int64              // when something may be received that cannot be now; 0: nothing is waiting for its time
	Over   bool               // too much is in flight
}

// Bounds of one transaction.
const (
	lookAhead = 64      // entries of "time" looked at
	budget    = 200     // messages looked at
	deadBytes = 2 << 20 // of messages taken out, before the last
)

// candidate is a message that may be received now.
type candidate struct {
	message.Ref
	at       int64 // since when
	from     place
	kind     Kind // in "time": Delayed or Flying
	flags    byte
	group    string
	received bool // it has a state
}

type place byte

const (
	inReady place = iota
	inTime
	inLine
)

// taking is a receive under way.
type taking struct {
	*work
	Order
	Taken
	draining bool // everything is taken out as if it were dead
	looked   int
	bytes    int        // of what was taken out
	first    *candidate // the head of the line whose turn it is, once it is known
	rank     byte       // of its group
	noTurns  bool       // no line has any
}

// Take claims messages.
func (q *Queue) Take(tx store.Tx, o Order) (Taken, error) {
	w, err := q.begin(tx)
	if err != nil {
		return Taken{}, err
	}
	t := &taking{work: w, Order: o}
	flying, err := t.room()
	if err != nil {
		return t.Taken, err
	}
	if t.Over {
		t.Next, err = t.next()
		return t.Taken, err
	}
	t.Max = int(min(int64(t.Max), t.Limit-flying))
	if q.FIFO {
		err = t.takeGroups()
	} else {
		err = t.takeStandard()
	}
	if err == nil && len(t.Claims) == 0 && !t.Again {
		t.Next, err = t.next()
	}
	if len(t.Claims) > 0 {
		tx.Signal(q.Topic()) // those who wait learn when it will be visible again
	}
	t.end()
	return t.Taken, err
}

// room sets Over when no more may be in flight. What has become visible since the mark is counted only when it matters.
func (t *taking) room() (flying int64, err error) {
	if flying, err = t.count(Flying); err != nil || flying < t.Limit {
		return flying, err
	}
	if err = t.advance(); err != nil {
		return 0, err
	}
	flying, err = t.count(Flying)
	t.Over = flying >= t.Limit
	if t.Over {
		t.end()
	}
	return flying, err
}

// full reports whether the receive ends.
func (t *taking) full() bool {
	if t.looked >= budget || t.bytes > deadBytes {
		t.Again = len(t.Claims) == 0
		return true
	}
	if t.draining {
		return len(t.Dead) >= t.Max
	}
	return len(t.Claims) >= t.Max
}

// takeStandard merges the three places in the order of time.
func (t *taking) takeStandard() error {
	_, grouped, err := t.tx.Get(t.grouped)
	if err != nil {
		return err
	}
	t.noTurns = !grouped
	timed, err := t.listTimes()
	if err != nil {
		return err
	}
	var ready []candidate
	readyDone := false
	for !t.full() {
		if len(ready) == 0 && !readyDone {
			want := t.Max - len(t.Claims)
			if ready, err = t.listReady(want); err != nil {
				return err
			}
			readyDone = len(ready) < want
		}
		best, from := candidate{}, -1
		for i, list := range [...][]candidate{timed, ready} {
			if len(list) > 0 && (from < 0 || list[0].at < best.at) {
				best, from = list[0], i
			}
		}
		if err := t.lookAtTurns(); err != nil {
			return err
		}
		if f := t.first; f != nil && (from < 0 || t.rank == quiet && f.at < best.at) {
			best, from, t.first = *f, 2, nil
		}
		switch from {
		case -1:
			return nil
		case 0:
			timed = timed[1:]
		case 1:
			ready = ready[1:]
		}
		t.looked++
		if err := t.claim(best); err != nil {
			return err
		}
	}
	return nil
}

// listTimes lists messages without a group whose time has come, and lets those of groups queue up.
func (t *taking) listTimes() (out []candidate, err error) {
	var ripe []candidate
	times, done := t.tx.Scan(until(t.times, t.now), store.ScanOpt{Limit: lookAhead})
	for kv := range times {
		e := store.Decode(kv.Key, len(t.times))
		c := candidate{at: int64(e.Uint()), from: inTime}
		c.Ref = readRef(e)
		if e.Err() != nil || len(kv.Value) < 2 {
			return nil, errRecord
		}
		c.kind, c.flags, c.group = Kind(kv.Value[0]), kv.Value[1], string(kv.Value[2:])
		c.received = c.kind == Flying
		if c.group == "" {
			out = append(out, c)
		} else {
			ripe = append(ripe, c)
		}
		if len(out) == t.Max {
			break
		}
	}
	if err := done(); err != nil {
		return nil, err
	}
	for _, c := range ripe {
		if err := t.ripen(c.Ref, c.at, c.kind, c.flags, c.group); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// listReady lists messages that were never anywhere else.
func (t *taking) listReady(n int) (out []candidate, err error) {
	ready, done := t.tx.Scan(t.ready.Range(), store.ScanOpt{Limit: n})
	for kv := range ready {
		e := store.Decode(kv.Key, len(t.ready))
		c := candidate{Ref: readRef(e), from: inReady}
		if e.Err() != nil || len(kv.Value) != 1 {
			return nil, errRecord
		}
		c.at, c.flags = c.Sent, kv.Value[0]
		out = append(out, c)
	}
	return out, done()
}

// lookAtTurns finds the head of the line whose turn it is: that of the quiet group that waits longest, or, when there is
// none, that of a noisy one.
func (t *taking) lookAtTurns() error {
	if t.first != nil || t.noTurns {
		return nil
	}
	c := candidate{from: inLine}
	turns, done := t.tx.Scan(t.turns.Range(), store.ScanOpt{Limit: 1})
	t.noTurns = true
	for kv := range turns {
		e := store.Decode(kv.Key, len(t.turns))
		t.rank, c.at, c.group, t.noTurns = byte(e.Uint()), int64(e.Uint()), e.Text(), false
		if e.Err() != nil {
			return e.Err()
		}
	}
	if err := done(); err != nil || t.noTurns {
		return err
	}
	l, ok, err := t.head(c.group)
	if err != nil || !ok {
		return cmp.Or(err, errRecord)
	}
	c.Ref, c.flags, c.received = l.Ref, l.Flags, l.Received
	t.first = &c
	return nil
}

// claim hides a message of a standard queue, or takes it out when it is too old or was received too often.
func (t *taking) claim(c candidate) error {
	if c.Sent <= t.Expired {
		return t.takeOut(c)
	}
	s := state{Flags: c.flags, Group: c.group, First: t.now}
	if c.received {
		old, ok, err := t.state(c.Ref)
		if err != nil || !ok {
			return err
		}
		s = old
	}
	if t.draining || t.MaxReceives > 0 && s.Count >= t.MaxReceives {
		return t.kill(c, s)
	}
	if err := t.drop(c, 1); err != nil {
		return err
	}
	s.At, s.Count, s.Began = t.now+t.Hidden, s.Count+1, t.now
	t.setTime(s.At, c.Ref, Flying, c.flags, c.group)
	t.setState(c.Ref, &s)
	t.Claims = append(t.Claims, Claim{c.Ref, s.Count, s.First, s.At, c.flags})
	return nil
}

// drop takes a candidate out of its place; flying is by how much its group has more in flight.
func (t *taking) drop(c candidate, flying int) error {
	switch c.from {
	case inReady:
		t.tx.Delete(in(t.ready, c.Ref))
		t.delta[Visible]--
	case inTime:
		t.dropTime(c.at, c.Ref, c.kind)
	case inLine:
		t.delta[Visible]--
		return t.leave(c.group, c.Ref, flying)
	}
	return nil
}

// takeOut deletes a candidate.
func (t *taking) takeOut(c candidate) error {
	if err := t.drop(c, 0); err != nil {
		return err
	}
	return t.erase(c.Ref, c.flags, c.received)
}

// kill takes a message out that was received too often.
func (t *taking) kill(c candidate, s state) error {
	if err := t.collect(c.Ref, c.flags, s); err != nil {
		return err
	}
	return t.takeOut(c)
}

// collect adds a message to Dead.
func (t *taking) collect(r message.Ref, flags byte, s state) error {
	m, err := t.read(t.tx, r, flags)
	if err != nil || m == nil {
		return err
	}
	m.Received += s.Count
	if m.First == 0 && s.Count > 0 {
		m.First = s.First
	}
	t.bytes += m.Size()
	t.Dead = append(t.Dead, m)
	return nil
}

// next is when the first of those whose time has not come may be received.
func (t *taking) next() (at int64, err error) {
	family := t.times
	if t.FIFO {
		family = t.turns.Uint(quiet)
	}
	r := family.Range()
	r.Begin = family.Uint(uint64(t.now) + 1)
	times, done := t.tx.Scan(r, store.ScanOpt{Limit: 1})
	for kv := range times {
		e := store.Decode(kv.Key, len(family))
		if at = int64(e.Uint()); e.Err() != nil {
			return 0, e.Err()
		}
	}
	return at, done()
}

// Drain takes up to n messages that may be received now out of the queue, without receiving them.
func (q *Queue) Drain(tx store.Tx, n int, expired int64) (Taken, error) {
	w, err := q.begin(tx)
	if err != nil {
		return Taken{}, err
	}
	defer w.end()
	t := &taking{work: w, Order: Order{Max: n, Expired: expired}, draining: true}
	if q.FIFO {
		err = t.takeGroups()
	} else {
		err = t.takeStandard()
	}
	return t.Taken, err
}
