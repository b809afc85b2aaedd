package sns

import (
	"context"
	"errors"
	"hash/fnv"
	"time"

	"github.com/brume-dev/brume/service/sns/envelope"
	"github.com/brume-dev/brume/service/sns/message"
	"github.com/brume-dev/brume/service/sns/retry"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// deliver makes one attempt to deliver a message of a standard topic to one subscription.
func (s *Service) deliver(ctx context.Context, k *timer.Kept) error {
	var d delivery
	if err := record.Decode(k.Args, version, &d); err != nil {
		return err
	}
	m := &d.Message
	topic, sub, err := s.receiver(ctx, m, d.Sub)
	if err != nil || sub == nil {
		return err
	}
	if at, wait := s.pace.Slot(sub.arn, sub.policy.Rate, s.Clock.Now(), k.Key); wait {
		return &timer.Retry{At: at, Uncounted: true}
	}
	return s.attempt(ctx, k, topic, sub, m, d.Tried, func(p *timer.Promise) error {
		if p == nil {
			return nil
		}
		_, err := k.Shard.Update(context.WithoutCancel(ctx), func(_ context.Context, tx store.Tx) error {
			if err := k.Done(tx); err != nil {
				return err
			}
			return timer.Set(tx, *p)
		})
		if errors.Is(err, timer.ErrGone) {
			return nil
		}
		return err
	})
}

// deliverOrdered is deliver for a FIFO topic: while it is not done, nothing of the message's group comes after it.
func (s *Service) deliverOrdered(ctx context.Context, k *timer.Kept) error {
	var o ordered
	if err := record.Decode(k.Args, version, &o); err != nil {
		return err
	}
	d := spot{ref{o.place, o.Topic}, o.TopicID}.data()
	m, err := s.loadOrdered(ctx, &o, d)
	if err != nil || m == nil {
		return err
	}
	topic, sub, err := s.receiver(ctx, m, o.Sub)
	if err != nil {
		return err
	}
	if sub == nil {
		return s.endOrdered(ctx, k, &o, d, nil)
	}
	return s.attempt(ctx, k, topic, sub, m, 0, func(p *timer.Promise) error {
		if p == nil {
			return s.endOrdered(ctx, k, &o, d, nil)
		}
		return s.endOrdered(ctx, k, &o, d, func(tx store.Tx) error { return timer.Set(tx, *p) })
	})
}

// receiver finds the topic and the subscription; sub is nil when either is gone.
func (s *Service) receiver(ctx context.Context, m *message.Message, id string) (topic *compiledTopic, sub *compiledSub, err error) {
	topic, there, err := s.compiled(ctx, refOf(m))
	if err != nil || !there || topic.rec.ID != m.TopicID {
		return nil, nil, err
	}
	return topic, topic.sub(id), nil
}

// attempt makes one attempt. end is called when it is over with the message, with the promise of its dead letter, if any.
func (s *Service) attempt(ctx context.Context, k *timer.Kept, topic *compiledTopic, sub *compiledSub, m *message.Message, tried int, end func(*timer.Promise) error) error {
	seal := sealer{s: s, topic: topic, m: m}
	p, err := seal.parcel(sub)
	if err != nil {
		return err
	}
	r := result{sub: sub, parcel: p, failure: s.send(ctx, topic.ref, sub, p)}
	switch {
	case r.failure == nil:
		s.report(topic, &r, tried+k.Attempt)
		return end(nil)
	case ctx.Err() != nil:
		return r.failure.err // the platform stops: it was no attempt
	}
	return s.again(k, sub, r.failure, tried, func() error {
		s.report(topic, &r, tried+k.Attempt)
		return end(s.deadLetter(topic.ref, &r))
	})
}

// again is the time of the next attempt after one that failed, by the subscription's policy; tried counts those that the
// promise does not. When there is none, giveUp is called.
func (s *Service) again(k *timer.Kept, sub *compiledSub, f *failure, tried int, giveUp func() error) error {
	n := tried + k.Attempt
	wait, ok := sub.policy.Schedule.Delay(n)
	if !f.again || !ok {
		return giveUp()
	}
	wait += time.Duration(jitter(k.Key, n) * jitterShare * float64(wait))
	return timer.Later(s.Clock.Now().Add(wait), f.err)
}

// jitter is a number in [0, 1) that follows from a promise and its attempt.
func jitter(key string, attempt int) float64 {
	h := fnv.New32a()
	_, _ = h.Write(append([]byte(key), byte(attempt), byte(attempt>>8)))
	return float64(h.Sum32()) / (1 << 32)
}

// letter is a message that could not be delivered, on its way to a dead-letter queue.
type letter struct {
	place
	Topic      string                       `cbor:"3,keyasint"`
	Queue      string                       `cbor:"4,keyasint"`
	Body       string                       `cbor:"5,keyasint"`
	Attributes map[string]message.Attribute `cbor:"6,keyasint,omitempty"`
	Group      string                       `cbor:"7,keyasint,omitempty"`
	Dedup      string                       `cbor:"8,keyasint,omitempty"`
	ID         string                       `cbor:"9,keyasint"`
}

// deadLetter is the promise to send what failed to the subscription's dead-letter queue; nil when it has none. The message
// is as the endpoint would have got it, with the reason as attributes.
func (s *Service) deadLetter(t ref, r *result) *timer.Promise {
	s.Log.Warn("sns: not delivered", "subscription", r.sub.arn, "endpoint", r.sub.rec.Endpoint, "message", r.parcel.m.ID, "code", r.failure.code,
		"dead-letter", r.sub.dead, "err", r.failure.err)
	if r.sub.dead == "" {
		return nil
	}
	l := letter{place: t.place, Topic: t.name, Queue: r.sub.dead, ID: r.parcel.m.ID, Attributes: map[string]message.Attribute{}}
	e := s.queueEntry(t, r.sub, r.parcel)
	l.Body = e.MessageBody
	if r.sub.raw && len(r.parcel.message.Bodies) == 0 {
		for name, a := range r.parcel.message.Delivered() {
			l.Attributes[name] = a
		}
	}
	for name, value := range map[string]string{"RequestID": r.parcel.m.ID, "ErrorCode": r.failure.code, "ErrorMessage": r.failure.err.Error()} {
		if _, taken := l.Attributes[name]; !taken && value != "" && len(l.Attributes) < queueAttributesMax {
			l.Attributes[name] = message.Attribute{Type: "String", Value: []byte(clean(value))}
		}
	}
	if m := r.parcel.message; m.Group != "" {
		l.Group, l.Dedup = m.Group, m.DedupID()
	}
	return &timer.Promise{Kind: kindBury, Dest: r.sub.dead, Args: record.Encode(version, l)}
}

// clean makes an error's text one that a queue takes.
func clean(text string) string {
	out := make([]rune, 0, len(text))
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0xfffe || c == 0xffff {
			c = ' '
		}
		if out = append(out, c); len(out) == 1024 {
			break
		}
	}
	return string(out)
}

// bury sends a letter to its queue.
func (s *Service) bury(ctx context.Context, k *timer.Kept) error {
	var l letter
	if err := record.Decode(k.Args, version, &l); err != nil {
		return err
	}
	t := ref{l.place, l.Topic}
	m := &message.Message{Attributes: l.Attributes, Group: l.Group, Dedup: l.Dedup, ID: l.ID}
	sub := &compiledSub{rec: subRecord{Protocol: protoQueue, Endpoint: l.Queue}, raw: true}
	managed := retry.Managed()
	sub.policy.Schedule = &managed
	f := s.send(ctx, t, sub, &parcel{m: &envelope.Message{ID: l.ID, Message: l.Body}, message: m})
	if f == nil {
		return nil
	}
	if ctx.Err() != nil {
		return f.err
	}
	return s.again(k, sub, f, 0, func() error {
		s.Log.Warn("sns: a message did not get into its dead-letter queue", "queue", l.Queue, "message", l.ID, "err", f.err)
		return nil
	})
}

// queueAttributesMax is how many attributes a queue takes.
const queueAttributesMax = 10
