package sns

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"strings"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/message"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// Publish sends a message to the subscriptions of a topic.
func (s *Service) Publish(ctx context.Context, id aws.Identity, in *snsapi.PublishInput) (*snsapi.PublishResponse, error) {
	arn, err := publishedTo(in)
	if err != nil {
		return nil, err
	}
	t, err := topicOf(id, "TopicArn", arn)
	if err != nil {
		return nil, err
	}
	topic, err := s.mustCompiled(ctx, t)
	if err != nil {
		return nil, err
	}
	m, err := topic.take(&snsapi.PublishBatchRequestEntry{Message: in.Message, Subject: in.Subject, MessageStructure: in.MessageStructure,
		MessageAttributes: in.MessageAttributes, MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId})
	if err != nil {
		return nil, err
	}
	if m.ID, err = s.newID(); err != nil {
		return nil, err
	}
	m.Trace = id.Request.Trace
	taken, err := s.accept(ctx, topic, []*message.Message{m})
	if err != nil {
		return nil, err
	}
	out := &snsapi.PublishResponse{MessageId: &taken[0].ID}
	if topic.rec.FIFO {
		n := message.Sequence(taken[0].Sequence)
		out.SequenceNumber = &n
	}
	return out, nil
}

// take makes what a request publishes a message to the topic.
func (t *compiledTopic) take(in *snsapi.PublishBatchRequestEntry) (*message.Message, error) {
	m := &message.Message{Account: t.Account, Region: t.Region, Topic: t.name, TopicID: t.rec.ID, Gen: t.gen}
	return m, m.Take(in, message.Rules{FIFO: t.rec.FIFO, ContentDedup: t.rec.contentDedup()})
}

// refOf is the topic of a message.
func refOf(m *message.Message) ref { return ref{place{m.Account, m.Region}, m.Topic} }

// publishedTo is the topic that a request names.
func publishedTo(in *snsapi.PublishInput) (string, error) {
	n := 0
	for _, to := range []*string{in.TopicArn, in.TargetArn, in.PhoneNumber} {
		if to != nil && *to != "" {
			n++
		}
	}
	switch {
	case n == 0:
		return "", invalid("TopicArn or TargetArn Reason: no value for required parameter")
	case n > 1:
		return "", invalid("TopicArn or TargetArn Reason: only one of TopicArn, TargetArn and PhoneNumber can be given")
	case in.PhoneNumber != nil && *in.PhoneNumber != "":
		return "", absent("text messages to phones (Publish with PhoneNumber)")
	case in.TopicArn != nil && *in.TopicArn != "":
		return *in.TopicArn, nil
	}
	if a, err := aws.ParseARN(*in.TargetArn); err == nil && (strings.HasPrefix(a.Resource, "endpoint/") || strings.HasPrefix(a.Resource, "app/")) {
		return "", absent("mobile push (Publish to an application's endpoint)")
	}
	return *in.TargetArn, nil
}

// PublishBatch sends up to ten messages; each is taken or refused by itself.
func (s *Service) PublishBatch(ctx context.Context, id aws.Identity, in *snsapi.PublishBatchInput) (*snsapi.PublishBatchResponse, error) {
	t, err := topicOf(id, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	topic, err := s.mustCompiled(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.PublishBatchRequestEntries); err != nil {
		return nil, err
	}
	out := &snsapi.PublishBatchResponse{Successful: []snsapi.PublishBatchResultEntry{}, Failed: []snsapi.BatchResultErrorEntry{}}
	var all []*message.Message
	var ids []string
	for i := range in.PublishBatchRequestEntries {
		e := &in.PublishBatchRequestEntries[i]
		m, err := topic.take(e)
		if err != nil {
			info := aws.InfoOf(err)
			out.Failed = append(out.Failed, snsapi.BatchResultErrorEntry{Id: e.Id, Code: info.Code, Message: &info.Message, SenderFault: !info.Fault})
			continue
		}
		if m.ID, err = s.newID(); err != nil {
			return nil, err
		}
		m.Trace = id.Request.Trace
		all, ids = append(all, m), append(ids, e.Id)
	}
	if len(all) == 0 {
		return out, nil
	}
	taken, err := s.accept(ctx, topic, all)
	if err != nil {
		return nil, err
	}
	for i, m := range taken {
		e := snsapi.PublishBatchResultEntry{Id: &ids[i], MessageId: &m.ID}
		if topic.rec.FIFO {
			n := message.Sequence(m.Sequence)
			e.SequenceNumber = &n
		}
		out.Successful = append(out.Successful, e)
	}
	return out, nil
}

// checkBatch checks a batch as a whole.
func checkBatch(entries []snsapi.PublishBatchRequestEntry) error {
	switch {
	case len(entries) == 0:
		return &snsapi.EmptyBatchRequestException{Message: "The batch request doesn't contain any entries."}
	case len(entries) > maxBatch:
		return &snsapi.TooManyEntriesInBatchRequestException{Message: "The batch request contains more entries than permissible."}
	}
	seen, total := map[string]bool{}, 0
	for i := range entries {
		e := &entries[i]
		if e.Id == "" || len(e.Id) > maxBatchID || strings.Trim(e.Id, nameCharacters) != "" {
			return &snsapi.InvalidBatchEntryIdException{Message: "The Id of a batch entry in a batch request doesn't abide by the specification."}
		}
		if seen[e.Id] {
			return &snsapi.BatchEntryIdsNotDistinctException{Message: "Two or more batch entries in the request have the same Id."}
		}
		seen[e.Id] = true
		total += message.Size(e)
	}
	if total > message.MaxSize {
		return &snsapi.BatchRequestTooLongException{Message: "The length of all the messages put together is more than the limit."}
	}
	return nil
}

// taken is what became of a message: its own id and number, or those of the one that it repeats.
type taken struct {
	ID       string
	Sequence uint64
}

// accept commits messages, with the promises to send them on, in one transaction.
func (s *Service) accept(ctx context.Context, topic *compiledTopic, all []*message.Message) ([]taken, error) {
	if topic.rec.FIFO {
		return s.acceptOrdered(ctx, topic, all)
	}
	out := make([]taken, len(all))
	for i, m := range all {
		out[i].ID = m.ID
	}
	if len(topic.subs) == 0 {
		return out, nil // nothing becomes of them
	}
	_, err := s.dataShard(topic.at(&topic.rec).data()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		for _, m := range all {
			m := *m
			m.Time = tx.Now()
			if err := setFan(tx, &fanout{Message: m}); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// acceptOrdered is accept for FIFO topics: messages that repeat others are taken, and nothing becomes of them.
// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
func (s *Service) acceptOrdered(ctx context.Context, topic *compiledTopic, all []*message.Message) ([]taken, error) {
	d := topic.at(&topic.rec).data()
	wanted := make([][]*compiledSub, len(all)) // filters are evaluated outside of the transaction
	for i, m := range all {
		wanted[i] = topic.receivers(m)
	}
	return store.Update(ctx, s.dataShard(d), func(_ context.Context, tx store.Tx) ([]taken, error) {
		if err := forgetDedup(tx, d); err != nil {
			return nil, err
		}
		out := make([]taken, len(all))
		for i, m := range all {
			m := *m
			m.Time = tx.Now()
			known, err := remember(tx, d, &topic.rec, &m)
			if err != nil {
				return nil, err
			}
			if out[i] = (taken{m.ID, m.Sequence}); known {
				continue
			}
			if topic.rec.archives() {
				if err := keep(tx, d, &m); err != nil {
					return nil, err
				}
			}
			var to []*compiledSub
			for _, sub := range wanted[i] {
				ok, err := awake(tx, d, sub)
				if err != nil {
					return nil, err
				}
				if ok {
					to = append(to, sub)
				}
			}
			if err := sendOrdered(tx, d, &m, to); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

// receivers are the subscriptions whose filters take the message.
func (t *compiledTopic) receivers(m *message.Message) (out []*compiledSub) {
	f := m.Filtered()
	for _, sub := range t.subs {
		if sub.filter.Accepts(f) {
			out = append(out, sub)
		}
	}
	return out
}

// remember gives m its number, or, when it repeats another, that one's id and number.
func remember(tx store.Tx, d data, topic *topicRecord, m *message.Message) (known bool, err error) {
	scope := m.Dedup
	if topic.Attributes[attrThroughput] == "MessageGroup" {
		scope = m.Group + "\n" + m.Dedup
	}
	sum := sha256.Sum256([]byte(scope))
	hash := sum[:16]
	old, there, err := read[dedupRecord](tx, d.dedup(hash))
	if err != nil {
		return false, err
	}
	if there && tx.Now().Before(old.Until) {
		m.ID, m.Sequence = old.ID, old.Sequence
		return true, nil
	}
	if m.Sequence, err = store.NextID(tx, d.seq()); err != nil {
		return false, err
	}
	until := tx.Now().Add(dedupWindow)
	if there {
		tx.Delete(d.untils().Int(old.Until.UnixMicro()).Bytes(hash))
	}
	write(tx, d.dedup(hash), dedupRecord{Until: until, ID: m.ID, Sequence: m.Sequence})
	tx.Set(d.untils().Int(until.UnixMicro()).Bytes(hash), nil)
	return false, nil
}

// forgetDedup forgets some ids whose window has passed: more than a publish adds, so that none stay.
func forgetDedup(tx store.Tx, d data) error {
	prefix := d.untils()
	rng := prefix.Range()
	rng.End = prefix.Int(tx.Now().UnixMicro())
	pairs, done := tx.Snapshot().Scan(rng, store.ScanOpt{Limit: expiredChunk * maxBatch})
	for kv := range pairs {
		e := store.Decode(kv.Key, len(prefix))
		e.Int()
		hash := e.Bytes()
		if e.Err() != nil {
			return e.Err()
		}
		tx.Delete(append([]byte(nil), kv.Key...))
		tx.Delete(d.dedup(hash))
	}
	return done()
}

// ordered is the promise to deliver a message of a FIFO topic to a subscription. A large message lies in the store once.
type ordered struct {
	place
	Topic   string           `cbor:"3,keyasint"`
	TopicID uint64           `cbor:"4,keyasint"`
	Sub     string           `cbor:"5,keyasint"`
	N       uint64           `cbor:"6,keyasint,omitempty"` // where the message is
	Message *message.Message `cbor:"7,keyasint,omitempty"` // or the message
}

// sendOrdered promises to deliver a message to each of these subscriptions, after those of its group before.
func sendOrdered(tx store.Tx, d data, m *message.Message, to []*compiledSub) error {
	if len(to) == 0 {
		return nil
	}
	o := ordered{place: refOf(m).place, Topic: m.Topic, TopicID: m.TopicID, Message: m}
	if b := record.Encode(version, *m); len(b) > inlineMessage {
		n, err := store.NextID(tx, d.left(0))
		if err != nil {
			return err
		}
		if err := store.SetLarge(tx, d.message(n), b); err != nil {
			return err
		}
		tx.Add(d.left(n), int64(len(to)))
		o.N, o.Message = n, nil
	}
	for _, sub := range to {
		o.Sub = sub.id
		err := timer.Set(tx, timer.Promise{Kind: kindOrdered, Order: sub.arn + "\n" + m.Group, Args: record.Encode(version, o)})
		if err != nil {
			return err
		}
	}
	return nil
}

// letGo notes in tx that a delivery of the large message n has ended.
func letGo(tx store.Tx, d data, n uint64) error {
	if n == 0 {
		return nil
	}
	left, err := readCount(tx, d.left(n))
	if err != nil {
		return err
	}
	if left > 1 {
		tx.Add(d.left(n), -1)
		return nil
	}
	tx.Delete(d.left(n))
	return store.DeleteLarge(tx, d.message(n))
}

// loadOrdered is the message of a promise; nil when the topic is gone with it.
func (s *Service) loadOrdered(ctx context.Context, o *ordered, d data) (*message.Message, error) {
	if o.N == 0 {
		return o.Message, nil
	}
	return store.View(ctx, s.dataShard(d), func(_ context.Context, r store.Reader) (*message.Message, error) {
		b, there, err := store.GetLarge(r, d.message(o.N))
		if err != nil || !there {
			return nil, err
		}
		m := &message.Message{}
		return m, record.Decode(b, version, m)
	})
}

// endOrdered ends the delivery of a message, with what is to happen beside.
func (s *Service) endOrdered(ctx context.Context, k *timer.Kept, o *ordered, d data, also func(tx store.Tx) error) error {
	if o.N == 0 && also == nil {
		return nil
	}
	_, err := k.Shard.Update(context.WithoutCancel(ctx), func(_ context.Context, tx store.Tx) error {
		if err := cmp.Or(k.Done(tx), letGo(tx, d, o.N)); err != nil || also == nil {
			return err
		}
		return also(tx)
	})
	if errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}
