package sqs

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// No transaction spans two queues: a message that goes from one to another is taken out of the first with a promise, which
// holds it until it is in the second.

// moveRecord is a message on its way.
type moveRecord struct {
	To      string `cbor:"1,keyasint"`
	From    []byte `cbor:"2,keyasint"` // address of the queue that it goes back to when To is not there
	Message []byte `cbor:"3,keyasint"`
	Fresh   bool   `cbor:"4,keyasint,omitempty"` // it counts as a new message
}

const moveVersion = 1

// dispatch sends a message that has been taken out of q to another queue.
func (q *queue) dispatch(tx store.Tx, m *message.Message, to string, fresh bool) error {
	args := record.Encode(moveVersion, moveRecord{To: to, From: q.address(), Message: m.Append(nil, m.Body), Fresh: fresh})
	p := timer.Promise{Kind: kindMove, Args: args, Dest: to}
	if q.fifo {
		p.Order = to + "/" + m.Group
	}
	return timer.Set(tx, p)
}

// markFor is how long a queue remembers the moves that it has got. A promise that is kept again, because the process ended
// between the two transactions, is kept again at the next start.
const markFor = 24 * time.Hour

// move puts a message into the queue that it goes to, once.
func (s *Service) move(ctx context.Context, k *timer.Kept) error {
	var rec moveRecord
	if err := record.Decode(k.Args, moveVersion, &rec); err != nil {
		return err
	}
	m, err := message.Parse(rec.Message)
	if err != nil {
		return err
	}
	from, err := readAddress(rec.From)
	if err != nil {
		return err
	}
	to, ok := placeOfARN(rec.To)
	if !ok {
		return fmt.Errorf("sqs: move to %q", rec.To)
	}
	if rec.Fresh {
		if _, err := io.ReadFull(s.Rand, m.ID[:]); err != nil {
			return fmt.Errorf("sqs: read random bytes: %w", err)
		}
		m.ID.Random()
		m.Received, m.First, m.Source = 0, 0, ""
	}
	err = s.deliver(ctx, k, to, m, rec.Fresh)
	if aws.CodeOf(err) == aws.CodeOf(noQueue()) {
		err = s.deliver(ctx, k, from.place, m, false)
	}
	if aws.CodeOf(err) == aws.CodeOf(noQueue()) {
		return nil // both queues are gone, and the message with them
	}
	return err
}

// deliver puts a message into the queue at p.
func (s *Service) deliver(ctx context.Context, k *timer.Kept, p place, m *message.Message, fresh bool) error {
	q, err := s.lookUp(ctx, p)
	if err != nil {
		return err
	}
	_, err = update(ctx, s, q, func(tx store.Tx) (struct{}, error) {
		mark := q.moved().Text(k.Key)
		if _, done, err := tx.Get(mark); err != nil || done {
			return struct{}{}, err
		}
		now := tx.Now()
		tx.Set(mark, nil)
		tx.Set(q.gone().Int(now.Add(markFor).UnixMicro()).Text(k.Key), nil)
		if err := q.forgetMoves(tx, now.UnixMicro()); err != nil {
			return struct{}{}, err
		}
		moved := *m
		if fresh || q.fifo { // a message of a standard queue keeps its age in the dead-letter queue
			moved.Sent = now.UnixMicro()
		}
		moved.Visible = moved.Sent
		if _, err := q.log.Put(tx, &moved); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, q.hastenSweep(tx, moved.Sent)
	})
	return err
}

// forgetMoves forgets some marks whose time has come.
func (q *queue) forgetMoves(tx store.Tx, now int64) error {
	r := q.gone().Range()
	r.End = q.gone().Int(now)
	old, done := tx.Scan(r, store.ScanOpt{Limit: 2})
	for kv := range old {
		e := store.Decode(kv.Key, len(q.gone()))
		e.Int()
		tx.Delete(q.moved().Text(e.Text()))
		tx.Delete(kv.Key)
		if e.Err() != nil {
			return e.Err()
		}
	}
	return done()
}

// sweepID names the promises about a queue.
func (q *queue) sweepID() string { return fmt.Sprintf("%s#%d", q.arn(), q.ID) }

// hastenSweep brings the next sweep forward to when a message that came late is too old.
func (q *queue) hastenSweep(tx store.Tx, sent int64) error {
	due := time.UnixMicro(sent).Add(q.retention)
	p, ok, err := timer.Find(tx, kindSweep, q.sweepID())
	if err != nil || ok && !p.Due.After(due) {
		return err
	}
	return timer.Set(tx, timer.Promise{Kind: kindSweep, ID: q.sweepID(), Args: q.address(), Due: due})
}

// sweep deletes messages that are too old, and comes back when the next one will be.
func (s *Service) sweep(ctx context.Context, k *timer.Kept) error {
	gone, err := readAddress(k.Args)
	if err != nil {
		return err
	}
	q, err := s.lookUp(ctx, gone.place)
	if err != nil && aws.CodeOf(err) != aws.CodeOf(noQueue()) {
		return err
	}
	if err != nil || q.ID != gone.ID { // never published, or deleted: nothing leads here any more
		_, err := s.shard(gone).Update(ctx, func(_ context.Context, tx store.Tx) error {
			gone.log.Erase(tx)
			return nil
		})
		return err
	}
	due, err := update(ctx, s, q, func(tx store.Tx) (time.Time, error) {
		now := tx.Now()
		oldest, err := q.log.Sweep(tx, q.expired(now), sweepBatch)
		if oldest == 0 {
			oldest = now.UnixMicro()
		}
		return time.UnixMicro(oldest).Add(q.retention), err
	})
	if err != nil {
		return err
	}
	return &timer.Retry{At: due, Uncounted: true}
}
