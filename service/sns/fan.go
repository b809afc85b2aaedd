package sns

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/brume-dev/brume/service/sns/message"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// fanout is a message of a standard topic on its way to its subscriptions.
type fanout struct {
	Message message.Message `cbor:"1,keyasint"`
	After   string          `cbor:"2,keyasint,omitempty"` // those up to this one have it
}

func setFan(tx store.Tx, f *fanout) error {
	return timer.Set(tx, timer.Promise{Kind: kindFan, Dest: refOf(&f.Message).arn(), Args: record.Encode(version, *f)})
}

// delivery is the promise to deliver a message to one subscription of a standard topic.
type delivery struct {
	Message message.Message `cbor:"1,keyasint"`
	Sub     string          `cbor:"2,keyasint"`
	Tried   int             `cbor:"3,keyasint,omitempty"` // attempts before those that the promise counts
}

// result is what became of a message for one subscription.
type result struct {
	sub     *compiledSub
	parcel  *parcel
	failure *failure
}

// fan takes a message to the subscriptions of its topic: those of queues and functions get it now, the others, and those
// that failed, by promises of their own.
func (s *Service) fan(ctx context.Context, k *timer.Kept) error {
	var f fanout
	if err := record.Decode(k.Args, version, &f); err != nil {
		return err
	}
	m := &f.Message
	topic, there, err := s.compiled(ctx, refOf(m))
	if err != nil || !there || topic.rec.ID != m.TopicID {
		return err
	}
	to, more := topic.next(&f)
	results, err := s.deliverAll(ctx, topic, m, to)
	if err != nil {
		return err
	}
	var promises []timer.Promise
	for i := range results {
		p, err := s.afterwards(topic, m, &results[i])
		if err != nil {
			return err
		}
		if p != nil {
			promises = append(promises, *p)
		}
	}
	if len(promises) == 0 && !more {
		return nil
	}
	return s.hand(ctx, k, &f, promises, more)
}

// next are the subscriptions that get the message in this step. f is moved on behind them.
func (t *compiledTopic) next(f *fanout) (to []*compiledSub, more bool) {
	filtered := f.Message.Filtered()
	n := 0
	for _, sub := range t.subs {
		if sub.id <= f.After || sub.rec.Since > f.Message.Gen {
			continue
		}
		if n++; n > fanChunk {
			return to, true
		}
		if sub.filter.Accepts(filtered) {
			to = append(to, sub)
		}
		f.After = sub.id
	}
	return to, false
}

// deliverAll makes the first attempt at queues and functions, all at the same time. Those that are slow come back as they
// are.
func (s *Service) deliverAll(ctx context.Context, topic *compiledTopic, m *message.Message, to []*compiledSub) ([]result, error) {
	seal := sealer{s: s, topic: topic, m: m}
	results := make([]result, len(to))
	var wg sync.WaitGroup
	for i, sub := range to {
		results[i].sub = sub
		if sub.slow() {
			continue
		}
		p, err := seal.parcel(sub)
		if err != nil {
			wg.Wait()
			return nil, err
		}
		results[i].parcel = p
		if len(to) == 1 {
			results[i].failure = s.send(ctx, topic.ref, sub, p)
			continue
		}
		wg.Go(func() { results[i].failure = s.send(ctx, topic.ref, sub, p) })
	}
	wg.Wait()
	return results, ctx.Err() // the platform stops: some may not have been asked
}

// afterwards is the promise that is left to make for a subscription; nil when it has the message.
func (s *Service) afterwards(topic *compiledTopic, m *message.Message, r *result) (*timer.Promise, error) {
	d := delivery{Message: *m, Sub: r.sub.id}
	due := time.Time{}
	if !r.sub.slow() {
		if r.failure == nil {
			s.report(topic, r, 1)
			return nil, nil
		}
		wait, ok := r.sub.policy.Schedule.Delay(1)
		if !r.failure.again || !ok {
			s.report(topic, r, 1)
			return s.deadLetter(topic.ref, r), nil
		}
		d.Tried, due = 1, s.Clock.Now().Add(wait)
	}
	return &timer.Promise{Kind: kindDeliver, Dest: r.sub.arn, Due: due, Args: record.Encode(version, d)}, nil
}

// hand ends a step of a message: its promise is replaced by those of what is left to do, in as many transactions as they
// need. A crash between two has some promises made twice.
func (s *Service) hand(ctx context.Context, k *timer.Kept, f *fanout, promises []timer.Promise, more bool) error {
	ctx = context.WithoutCancel(ctx)
	for {
		n, size := 0, 0
		for n < len(promises) && (n == 0 || size < fanBytes) {
			size += len(promises[n].Args)
			n++
		}
		now, last := promises[:n], n == len(promises)
		_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
			for _, p := range now {
				if err := timer.Set(tx, p); err != nil {
					return err
				}
			}
			if !last {
				return nil
			}
			if err := k.Done(tx); err != nil || !more {
				return err
			}
			return setFan(tx, f)
		})
		if err != nil || last {
			if errors.Is(err, timer.ErrGone) {
				return nil
			}
			return err
		}
		promises = promises[n:]
	}
}
