// Package backlog is what lies in one queue: its messages and the indexes by which they are sent, received, hidden, deleted
// and expired, as functions on a transaction. It knows nothing of requests.
//
// A message lies in exactly one place from which it can be received: "ready" (standard, since it was sent), "time" (delayed,
// in flight, or visible again after that) or the line of its group. Nothing happens when a delay or a visibility timeout
// ends: the index is ordered by that time, and a receive looks at what is past. So a receive never walks over messages in
// flight, and no message needs a timer. What the end of a timeout changes are the counters: they are kept as of a mark in
// time, and whoever reads them counts what has ended since (count.go).
package backlog

import (
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// Queue is where the data of one queue lie. It is made once and used by any number of goroutines.
type Queue struct {
	families
	FIFO bool
}

// At returns the queue whose resource is root.
func At(root store.Tuple, fifo bool) *Queue { return &Queue{familiesOf(root), fifo} }

// Topic is signalled whenever there may be something new to receive, now or later.
func (q *Queue) Topic() store.Key { return store.Key(q.root) }

// Kind is where a message counts.
type Kind byte

// The kinds, in the order of the counters.
const (
	Visible Kind = iota
	Flying
	Delayed
	kinds
)

// work is a transaction on a queue.
type work struct {
	*Queue
	tx    store.Tx
	now   int64
	mark  int64
	delta [kinds]int64
}

func (q *Queue) begin(tx store.Tx) (*work, error) {
	v, _, err := tx.Get(q.mark)
	return &work{Queue: q, tx: tx, now: tx.Now().UnixMicro(), mark: store.ReadCounter(v)}, err
}

// end writes what the counters have become.
func (w *work) end() {
	for k, d := range w.delta {
		if d != 0 {
			w.tx.Add(w.counts.Uint(uint64(k)), d)
		}
	}
}

// timed is the counter that holds a message of a kind whose time is at.
func (w *work) timed(k Kind, at int64) *int64 {
	if at > w.mark {
		return &w.delta[k]
	}
	return &w.delta[Visible]
}

// setTime enters a message into "time".
func (w *work) setTime(at int64, r message.Ref, k Kind, flags byte, group string) {
	w.tx.Set(w.time(at, r), append([]byte{byte(k), flags}, group...))
	*w.timed(k, at)++
}

// dropTime takes it out.
func (w *work) dropTime(at int64, r message.Ref, k Kind) {
	w.tx.Delete(w.time(at, r))
	*w.timed(k, at)--
}

// state returns the state of a message; ok is false when it was never received or is gone.
func (w *work) state(r message.Ref) (s state, ok bool, err error) {
	v, ok, err := w.tx.Get(in(w.states, r))
	if err != nil || !ok {
		return s, false, err
	}
	s, err = decodeState(v)
	return s, err == nil, err
}

func (w *work) setState(r message.Ref, s *state) { w.tx.Set(in(w.states, r), s.encode()) }

// inline is the size of a record up to which it lies in one piece.
const inline = 64 << 10

// Put adds a message that may be received from m.Visible on. In a FIFO queue it gets the next sequence number, which is
// also returned.
func (q *Queue) Put(tx store.Tx, m *message.Message) (sequence uint64, err error) {
	w, err := q.begin(tx)
	if err != nil {
		return 0, err
	}
	defer w.end()
	if q.FIFO {
		if m.Sequence, err = store.NextID(tx, q.sequence); err != nil {
			return 0, err
		}
	}
	flags, err := w.write(m)
	if err != nil {
		return 0, err
	}
	if m.Group != "" && !q.FIFO {
		if err := w.noteGroups(); err != nil {
			return 0, err
		}
	}
	delayed := m.Visible > w.now
	if delayed {
		w.setTime(m.Visible, m.Ref, Delayed, flags, m.Group)
	} else {
		w.delta[Visible]++
	}
	switch {
	case q.FIFO:
		err = w.join(m, flags)
	case delayed:
	case m.Group == "":
		tx.Set(in(q.ready, m.Ref), []byte{flags})
	default:
		err = w.queueUp(m.Group, lineRecord{Ref: m.Ref, Visible: m.Visible, Flags: flags})
	}
	tx.Signal(q.Topic())
	return m.Sequence, err
}

// write stores the message itself.
func (w *work) write(m *message.Message) (flags byte, err error) {
	record := m.Append(make([]byte, 0, 128+m.Size()), m.Body)
	if len(record) <= inline {
		w.tx.Set(in(w.messages, m.Ref), record)
		return 0, nil
	}
	head := *m
	head.Attributes = nil
	w.tx.Set(in(w.messages, m.Ref), head.Append(nil, ""))
	return large, store.SetLarge(w.tx, in(w.bodies, m.Ref), record)
}

// erase deletes what write stored, and the state.
func (w *work) erase(r message.Ref, flags byte, received bool) error {
	w.tx.Delete(in(w.messages, r))
	if received {
		w.tx.Delete(in(w.states, r))
	}
	if flags&large != 0 {
		return store.DeleteLarge(w.tx, in(w.bodies, r))
	}
	return nil
}

// read returns a message; nil when it is gone.
func (q *Queue) read(r store.Reader, ref message.Ref, flags byte) (*message.Message, error) {
	var v store.Value
	var ok bool
	var err error
	if flags&large != 0 {
		v, ok, err = store.GetLarge(r, in(q.bodies, ref))
	} else {
		v, ok, err = r.Get(in(q.messages, ref))
	}
	if err != nil || !ok {
		return nil, err
	}
	return message.Parse(v)
}

// Read returns the message that was claimed; nil when it is gone since.
func (q *Queue) Read(r store.Reader, c *Claim) (*message.Message, error) {
	return q.read(r, c.Ref, c.flags)
}

// Open makes the queue; without it Alive says that it is not there.
func (q *Queue) Open(tx store.Tx) { tx.Set(q.alive, nil) }

// Alive reports whether the queue is there.
func (q *Queue) Alive(r store.Reader) (bool, error) {
	_, ok, err := r.Get(q.alive)
	return ok, err
}

// Erase deletes the queue with all that is in it.
func (q *Queue) Erase(tx store.Tx) {
	tx.DeleteRange(q.root.Range())
	tx.Signal(q.Topic())
}

// Purge deletes all messages.
func (q *Queue) Purge(tx store.Tx) { tx.DeleteRange(q.in.Range()) }
