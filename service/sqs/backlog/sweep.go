package backlog

import (
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// sweepBytes bounds what one Sweep reads, before the last message.
const sweepBytes = 4 << 20

// Sweep deletes up to n messages that were sent at or before a time, wherever they are, and says when the oldest of the
// rest was sent; 0 when there is none.
func (q *Queue) Sweep(tx store.Tx, expired int64, n int) (oldest int64, err error) {
	w, err := q.begin(tx)
	if err != nil {
		return 0, err
	}
	defer w.end()
	var old []*message.Message
	size := 0
	all, done := tx.Scan(q.messages.Range(), store.ScanOpt{Limit: n + 1})
	for kv := range all {
		m, err := message.Parse(kv.Value)
		if err != nil {
			return 0, err
		}
		if m.Sent > expired || len(old) == n || size > sweepBytes {
			oldest = m.Sent
			break
		}
		old, size = append(old, m), size+len(kv.Value)
	}
	if err := done(); err != nil {
		return 0, err
	}
	for _, m := range old {
		if err := w.expire(m); err != nil {
			return 0, err
		}
	}
	return oldest, nil
}

// Oldest says when the oldest message was sent; 0 when there is none.
func (q *Queue) Oldest(r store.Reader) (sent int64, err error) {
	all, done := r.Scan(q.messages.Range(), store.ScanOpt{Limit: 1})
	for kv := range all {
		e := store.Decode(kv.Key, len(q.messages))
		if sent = readRef(e).Sent; e.Err() != nil {
			return 0, e.Err()
		}
	}
	return sent, done()
}

// expire deletes one message; m is what "message" holds of it.
func (w *work) expire(m *message.Message) error {
	_, isLarge, err := w.tx.Get(in(w.bodies, m.Ref))
	if err != nil {
		return err
	}
	flags := byte(0)
	if isLarge {
		flags = large
	}
	s, received, err := w.state(m.Ref)
	if err != nil {
		return err
	}
	if received {
		return w.remove(m.Ref, s)
	}
	if w.FIFO {
		return w.removeFromGroup(m.Group, standing{lineRecord{Ref: m.Ref, Visible: m.Visible, Flags: flags}, m.Sequence})
	}
	if m.Visible > m.Sent {
		_, waits, err := w.tx.Get(w.time(m.Visible, m.Ref))
		if err != nil {
			return err
		}
		if waits {
			w.dropTime(m.Visible, m.Ref, Delayed)
			return w.erase(m.Ref, flags, false)
		}
	}
	w.delta[Visible]--
	if m.Group != "" {
		err = w.leave(m.Group, m.Ref, 0)
	} else {
		w.tx.Delete(in(w.ready, m.Ref))
	}
	if err != nil {
		return err
	}
	return w.erase(m.Ref, flags, false)
}
