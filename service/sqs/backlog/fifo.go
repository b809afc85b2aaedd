package backlog

import (
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// FIFO queues. The messages of a group stand in their line, in the order of their sequence numbers, until they are
// deleted; the turn of the group is the time at which its first message may be received: while any message of the
// group is in flight, when the last of those becomes visible. So a group that is locked is not even looked at.

// join puts a message at the end of the line of its group.
func (w *work) join(m *message.Message, flags byte) error {
	old, there, err := w.group(m.Group)
	if err != nil {
		return err
	}
	l := lineRecord{Ref: m.Ref, Visible: m.Visible, Flags: flags}
	w.tx.Set(w.lines.Text(m.Group).Uint(m.Sequence), l.encode())
	if !there {
		w.setGroup(m.Group, old, groupRecord{At: m.Visible})
	}
	return nil
}

// takeGroups serves the groups whose turn has come, in the order of their turns: from each as much as there is.
func (t *taking) takeGroups() error {
	type turn struct {
		at    int64
		group string
	}
	var due []turn
	turns, done := t.tx.Scan(until(t.turns.Uint(quiet), t.now), store.ScanOpt{Limit: lookAhead})
	for kv := range turns {
		e := store.Decode(kv.Key, len(t.turns))
		e.Uint() // the rank
		due = append(due, turn{int64(e.Uint()), e.Text()})
		if e.Err() != nil {
			return e.Err()
		}
	}
	if err := done(); err != nil {
		return err
	}
	for _, d := range due {
		if t.full() {
			return nil
		}
		if err := t.takeGroup(d.group); err != nil {
			return err
		}
	}
	t.Again = len(due) == lookAhead && len(t.Claims) == 0
	return nil
}

// standing is a message in the line of a FIFO group.
type standing struct {
	lineRecord
	sequence uint64
}

// line lists the first n messages of a group.
func (w *work) line(group string, n int) (out []standing, err error) {
	family := w.lines.Text(group)
	line, done := w.tx.Scan(family.Range(), store.ScanOpt{Limit: n})
	for kv := range line {
		e := store.Decode(kv.Key, len(family))
		s := standing{sequence: e.Uint()}
		if s.lineRecord, err = decodeLine(kv.Value); err != nil || e.Err() != nil {
			return nil, errRecord
		}
		out = append(out, s)
	}
	return out, done()
}

// takeGroup claims the first messages of a group whose turn it is: none of it is in flight any more.
func (t *taking) takeGroup(name string) error {
	old, there, err := t.group(name)
	if err != nil || !there {
		return err
	}
	g := old
	g.Times = nil
	for more := true; more && len(g.Times) == 0; { // again when all of them were taken out
		line, err := t.line(name, t.Max)
		if err != nil {
			return err
		}
		more = len(line) == t.Max
		for _, s := range line {
			if t.full() || !s.Received && s.Visible > t.now {
				more = false
				break
			}
			t.looked++
			f, claimed, err := t.claimStanding(name, s)
			if err != nil {
				return err
			}
			if claimed {
				g.Times = append(g.Times, f)
			}
		}
	}
	return t.settle(name, old, g, false)
}

// settle finds the turn of a group of a FIFO queue anew and writes the group. Those of a group that was served go to the
// end of those that may be received.
func (w *work) settle(name string, old, g groupRecord, served bool) error {
	g.At = noTurn
	for _, f := range g.Times {
		g.At = max(g.At, f.at)
	}
	if len(g.Times) == 0 {
		line, err := w.line(name, 1)
		if err != nil {
			return err
		}
		if len(line) > 0 {
			g.At = line[0].Visible
			if served {
				g.At = max(g.At, w.now)
			}
		}
	}
	g.Flying = uint64(len(g.Times))
	w.setGroup(name, old, g)
	return nil
}

// claimStanding hides one message, or takes it out when it is too old or was received too often.
func (t *taking) claimStanding(group string, s standing) (f flight, claimed bool, err error) {
	if s.Sent <= t.Expired {
		return f, false, t.removeStanding(group, s)
	}
	st := state{Flags: s.Flags, Group: group, Sequence: s.sequence, First: t.now}
	if s.Received {
		if st, _, err = t.state(s.Ref); err != nil {
			return f, false, err
		}
	}
	if t.draining || t.MaxReceives > 0 && st.Count >= t.MaxReceives {
		if err := t.collect(s.Ref, s.Flags, st); err != nil {
			return f, false, err
		}
		return f, false, t.removeStanding(group, s)
	}
	if err := t.uncount(s); err != nil {
		return f, false, err
	}
	if !s.Received {
		s.Received = true
		t.tx.Set(t.lines.Text(group).Uint(s.sequence), s.encode())
	}
	st.At, st.Count, st.Began = t.now+t.Hidden, st.Count+1, t.now
	t.setTime(st.At, s.Ref, Flying, s.Flags, "")
	t.setState(s.Ref, &st)
	t.Claims = append(t.Claims, Claim{s.Ref, st.Count, st.First, st.At, s.Flags})
	return flight{s.sequence, st.At}, true, nil
}

// uncount takes a message in a line out of the counters, and out of "time".
func (w *work) uncount(s standing) error {
	switch {
	case s.Received:
		st, ok, err := w.state(s.Ref)
		if err != nil || !ok {
			return err
		}
		w.dropTime(st.At, s.Ref, Flying)
	case s.Visible > s.Sent:
		w.dropTime(s.Visible, s.Ref, Delayed)
	default:
		w.delta[Visible]--
	}
	return nil
}

// removeStanding takes a message out of the queue; the group is for the caller to settle.
func (w *work) removeStanding(group string, s standing) error {
	if err := w.uncount(s); err != nil {
		return err
	}
	w.tx.Delete(w.lines.Text(group).Uint(s.sequence))
	return w.erase(s.Ref, s.Flags, s.Received)
}
