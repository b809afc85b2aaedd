package backlog

import (
	"encoding/binary"

	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// Sent is what is remembered of a message by its deduplication id.
type Sent struct {
	ID       message.ID
	Sequence uint64
}

// forgetful is how many old entries each new one takes with it, so that they do not pile up.
const forgetful = 3

// Known returns the message that was sent with a deduplication id and is still remembered. scope is the group when ids
// are compared within groups only.
func (q *Queue) Known(r store.Reader, scope, id string, now int64) (s Sent, ok bool, err error) {
	v, ok, err := r.Get(q.dedup.Text(scope).Text(id))
	if err != nil || !ok {
		return s, false, err
	}
	d := open(v)
	until := d.int()
	for i := range s.ID {
		s.ID[i] = d.byte()
	}
	s.Sequence = d.uint()
	return s, d.err == nil && until > now, d.err
}

// Remember keeps a deduplication id until a time.
func (q *Queue) Remember(tx store.Tx, scope, id string, s Sent, until int64) error {
	b := binary.AppendVarint([]byte{recordVersion}, until)
	b = binary.AppendUvarint(append(b, s.ID[:]...), s.Sequence)
	tx.Set(q.dedup.Text(scope).Text(id), b)
	tx.Set(q.forget.Uint(uint64(until)).Text(scope).Text(id), nil)
	return q.forgetSome(tx, tx.Now().UnixMicro(), forgetful)
}

func (q *Queue) forgetSome(tx store.Tx, now int64, n int) error {
	old, done := tx.Scan(until(q.forget, now), store.ScanOpt{Limit: n})
	for kv := range old {
		e := store.Decode(kv.Key, len(q.forget))
		e.Uint()
		scope, id := e.Text(), e.Text()
		if e.Err() != nil {
			return e.Err()
		}
		_, again, err := q.Known(tx, scope, id, now)
		if err != nil {
			return err
		}
		if !again {
			tx.Delete(q.dedup.Text(scope).Text(id))
		}
		tx.Delete(kv.Key)
	}
	return done()
}

// Attempted returns what a receive with this attempt id got, when that was within the window and none of it has been
// deleted or hidden since; it is hidden anew.
func (q *Queue) Attempted(tx store.Tx, attempt string, hidden int64) ([]Claim, error) {
	v, ok, err := tx.Get(q.try.Text(attempt))
	if err != nil || !ok {
		return nil, err
	}
	w, err := q.begin(tx)
	if err != nil {
		return nil, err
	}
	d := open(v)
	end := d.int()
	if end <= w.now {
		return nil, d.err
	}
	var claims []Claim
	for d.err == nil && len(d.b) > 0 {
		c := Claim{Count: uint32(d.uint()), until: d.int()}
		c.Sent = int64(d.uint())
		for i := range c.ID {
			c.ID[i] = d.byte()
		}
		claims = append(claims, c)
	}
	if d.err != nil {
		return nil, d.err
	}
	states := make([]state, len(claims))
	for i, c := range claims {
		s, ok, err := w.state(c.Ref)
		if err != nil || !ok || s.Count != c.Count || s.At != c.until || s.At <= w.now {
			return nil, err
		}
		states[i] = s
	}
	for i := range claims {
		claims[i].until, claims[i].First, claims[i].flags = w.now+hidden, states[i].First, states[i].Flags
		if err := w.hide(claims[i].Ref, states[i], claims[i].until); err != nil {
			return nil, err
		}
	}
	w.end()
	return claims, q.Attempt(tx, attempt, claims, end)
}

// Attempt keeps what a receive got, for the same attempt id until a time.
func (q *Queue) Attempt(tx store.Tx, attempt string, claims []Claim, forget int64) error {
	b := binary.AppendVarint([]byte{recordVersion}, forget)
	for _, c := range claims {
		b = binary.AppendUvarint(b, uint64(c.Count))
		b = binary.AppendVarint(b, c.until)
		b = binary.AppendUvarint(b, uint64(c.Sent))
		b = append(b, c.ID[:]...)
	}
	tx.Set(q.try.Text(attempt), b)
	tx.Set(q.tried.Uint(uint64(forget)).Text(attempt), nil)
	old, done := tx.Scan(until(q.tried, tx.Now().UnixMicro()), store.ScanOpt{Limit: forgetful})
	for kv := range old {
		e := store.Decode(kv.Key, len(q.tried))
		e.Uint()
		name := e.Text()
		if e.Err() != nil {
			return e.Err()
		}
		v, ok, err := tx.Get(q.try.Text(name))
		if err != nil {
			return err
		}
		if d := open(v); ok && d.int() <= tx.Now().UnixMicro() {
			tx.Delete(q.try.Text(name))
		}
		tx.Delete(kv.Key)
	}
	return done()
}
