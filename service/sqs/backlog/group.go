package backlog

import (
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// Fair queues: a group of a standard queue is a tenant, and one that has more than a tenth of the messages in flight, and at
// least 30, is a noisy neighbour: its messages come after those of the others.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
const (
	quiet = 0
	noisy = 1

	noisyFlying = 30
	noisyShare  = 10
)

const noTurn = -1

func (w *work) group(name string) (g groupRecord, ok bool, err error) {
	v, ok, err := w.tx.Get(w.groups.Text(name))
	if err != nil || !ok {
		return groupRecord{At: noTurn}, false, err
	}
	g, err = decodeGroup(v)
	return g, err == nil, err
}

// setGroup writes what old has become, and moves its turn.
func (w *work) setGroup(name string, old, g groupRecord) {
	if old.At != noTurn && (old.At != g.At || old.Rank != g.Rank) {
		w.tx.Delete(w.turn(old.Rank, old.At, name))
	}
	if g.At == noTurn && g.Flying == 0 {
		w.tx.Delete(w.groups.Text(name))
		return
	}
	if g.At != noTurn && (old.At != g.At || old.Rank != g.Rank) {
		w.tx.Set(w.turn(g.Rank, g.At, name), nil)
	}
	w.tx.Set(w.groups.Text(name), g.encode())
}

// noteGroups says that the queue has groups: receives need not look for them in others.
func (w *work) noteGroups() error {
	_, there, err := w.tx.Get(w.grouped)
	if err == nil && !there {
		w.tx.Set(w.grouped, nil)
	}
	return err
}

// rank says whether a tenant is noisy.
func (w *work) rank(flying uint64) (byte, error) {
	if flying < noisyFlying {
		return quiet, nil
	}
	all, err := w.count(Flying)
	if int64(flying)*noisyShare > all {
		return noisy, err
	}
	return quiet, err
}

// queueUp puts a message of a standard queue into the line of its group.
func (w *work) queueUp(name string, l lineRecord) error {
	old, _, err := w.group(name)
	if err != nil {
		return err
	}
	w.tx.Set(in(w.lines.Text(name), l.Ref), l.encode())
	g := old
	if g.At == noTurn || l.Sent < g.At {
		g.At = l.Sent
	}
	w.setGroup(name, old, g)
	return nil
}

// leave takes a message of a standard queue out of the line of its group, and changes the number that the group has in
// flight.
func (w *work) leave(name string, r message.Ref, flying int) error {
	w.tx.Delete(in(w.lines.Text(name), r))
	return w.regroup(name, flying, true)
}

// regroup changes how many messages a group has in flight, and, when its line has changed, finds its turn anew.
func (w *work) regroup(name string, flying int, lineChanged bool) error {
	old, ok, err := w.group(name)
	if err != nil || !ok {
		return err
	}
	g := old
	g.Flying = uint64(max(0, int64(g.Flying)+int64(flying)))
	if g.Rank, err = w.rank(g.Flying); err != nil {
		return err
	}
	if lineChanged {
		head, ok, err := w.head(name)
		if err != nil {
			return err
		}
		g.At = noTurn
		if ok {
			g.At = head.Sent
		}
	}
	w.setGroup(name, old, g)
	return nil
}

// head is the first message in the line of a group.
func (w *work) head(name string) (l lineRecord, ok bool, err error) {
	line, done := w.tx.Scan(w.lines.Text(name).Range(), store.ScanOpt{Limit: 1})
	for kv := range line {
		l, err = decodeLine(kv.Value)
		ok = err == nil
	}
	if err == nil {
		err = done()
	}
	return l, ok, err
}

// ripen moves the messages of groups whose time has come from "time" to their lines.
func (w *work) ripen(r message.Ref, at int64, k Kind, flags byte, group string) error {
	w.dropTime(at, r, k)
	w.delta[Visible]++
	if k == Flying {
		s, ok, err := w.state(r)
		if err != nil || !ok {
			return err
		}
		s.At = 0
		w.setState(r, &s)
		if err := w.regroup(group, -1, false); err != nil {
			return err
		}
	}
	return w.queueUp(group, lineRecord{Ref: r, Visible: at, Flags: flags, Received: k == Flying})
}
