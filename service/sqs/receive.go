package sqs

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sqs/backlog"
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/service/sqs/waiting"
	"github.com/brume-dev/brume/store"
)

// receive is a ReceiveMessage under way.
type receive struct {
	*Service
	q       *queue
	in      *sqsapi.ReceiveMessageRequest
	max     int
	hidden  int64 // microseconds
	wait    int64 // seconds
	dead    string
	deadMax uint32
	guest   *waiting.Guest // once it waits
}

// ReceiveMessage claims messages in one transaction, and waits for some when it was told to.
func (s *Service) ReceiveMessage(ctx context.Context, id aws.Identity, in *sqsapi.ReceiveMessageRequest) (*sqsapi.ReceiveMessageResult, error) {
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	r := &receive{Service: s, q: q, in: in, max: 1, hidden: q.visibility * 1e6, wait: q.wait}
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := r.findDeadLetters(ctx); err != nil {
		return nil, err
	}
	claims, err := r.claim(ctx)
	if err != nil {
		return nil, err
	}
	return r.answer(context.WithoutCancel(ctx), claims) // what is claimed is told, also to who waits no longer
}

// check checks the parameters.
func (r *receive) check() error {
	if n := r.in.MaxNumberOfMessages; n != nil {
		if *n < 1 || *n > maxBatch {
			return badValue(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
		r.max = int(*n)
	}
	if v := r.in.VisibilityTimeout; v != nil {
		if *v < 0 || *v > maxVisibility {
			return badValue(*v, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.")
		}
		r.hidden = int64(*v) * 1e6
	}
	if w := r.in.WaitTimeSeconds; w != nil {
		if *w < 0 || *w > maxWait {
			return badValue(*w, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
		r.wait = int64(*w)
	}
	if a := r.in.ReceiveRequestAttemptId; a != nil {
		if !r.q.fifo {
			return notForThisType(*a, "ReceiveRequestAttemptId")
		}
		if !isToken(*a) {
			return badValue(*a, "ReceiveRequestAttemptId", "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
	}
	for _, names := range [][]string{r.in.AttributeNames, r.in.MessageSystemAttributeNames} {
		for _, n := range names {
			if !slices.Contains(systemAttributes, n) {
				return unknownAttribute(n)
			}
		}
	}
	return nil
}

// findDeadLetters looks whether the dead-letter queue is still there; messages stay when it is not.
func (r *receive) findDeadLetters(ctx context.Context) error {
	if r.q.redrive == nil {
		return nil
	}
	p, ok := placeOfARN(r.q.redrive.Target)
	if !ok {
		return nil
	}
	_, err := r.lookUp(ctx, p)
	switch {
	case err == nil:
		r.dead, r.deadMax = r.q.redrive.Target, r.q.redrive.Max
	case aws.CodeOf(err) != aws.CodeOf(noQueue()):
		return err
	}
	return nil
}

// claim takes messages, and waits for the first until the time is up.
func (r *receive) claim(ctx context.Context) ([]backlog.Claim, error) {
	var deadline <-chan struct{}
	release := func() {}
	defer func() {
		if r.guest != nil {
			r.guest.Leave()
		}
		release()
	}()
	turns := 0
	for {
		t, err := r.take(ctx)
		release()
		release = func() {}
		if err != nil || len(t.Claims) > 0 {
			return t.Claims, err
		}
		if t.Again && (turns < receipts || r.wait > 0) { // each turn takes some out
			turns++
			continue
		}
		if t.Over && r.wait == 0 && !r.q.fifo {
			return nil, &sqsapi.OverLimit{Message: "Too many messages in flight for queue " + r.q.name + "."}
		}
		if r.wait == 0 {
			return nil, nil
		}
		if deadline == nil {
			var stop func()
			deadline, stop = r.Clock.Until(r.Clock.Now().Add(time.Duration(r.wait) * time.Second))
			defer stop()
		}
		var again bool
		if again, release, err = r.listen(ctx, t, deadline); err != nil || !again {
			return nil, err
		}
	}
}

// listen waits for something new.
func (r *receive) listen(ctx context.Context, t taken, deadline <-chan struct{}) (again bool, release func(), err error) {
	if r.guest == nil {
		r.guest = r.rooms.Enter(r.q.log.Topic())
	}
	if !r.guest.First() {
		return r.guest.Turn(ctx, deadline), func() {}, nil
	}
	var due time.Time
	if t.Next > 0 {
		due = time.UnixMicro(t.Next)
	}
	return r.guest.Listen(ctx, r.shard(r.q), t.version, due, deadline)
}

// taken is what a look at the queue found, and how new it was.
type taken struct {
	backlog.Taken
	version store.Version
}

// take looks at the queue once.
func (r *receive) take(ctx context.Context) (taken, error) {
	return update(ctx, r.Service, r.q, func(tx store.Tx) (taken, error) {
		t := taken{version: tx.Version()}
		now := tx.Now()
		if a := r.in.ReceiveRequestAttemptId; a != nil {
			var err error
			if t.Claims, err = r.q.log.Attempted(tx, *a, r.hidden); err != nil || len(t.Claims) > 0 {
				return t, err
			}
		}
		var err error
		t.Taken, err = r.q.log.Take(tx, backlog.Order{Max: r.max, Hidden: r.hidden, Expired: r.q.expired(now), MaxReceives: r.deadMax, Limit: maxFlying})
		if err != nil {
			return t, err
		}
		for _, m := range t.Dead {
			m.Source = r.q.arn()
			if err := r.q.dispatch(tx, m, r.dead, false); err != nil {
				return t, err
			}
		}
		if len(t.Claims) > 0 {
			if r.guest != nil {
				r.guest.Leave() // the next one may look already
			}
			if a := r.in.ReceiveRequestAttemptId; a != nil {
				err = r.q.log.Attempt(tx, *a, t.Claims, now.Add(dedupWindow).UnixMicro())
			}
		}
		return t, err
	})
}

// answer reads what was claimed.
func (r *receive) answer(ctx context.Context, claims []backlog.Claim) (*sqsapi.ReceiveMessageResult, error) {
	out := &sqsapi.ReceiveMessageResult{}
	if len(claims) == 0 {
		return out, nil
	}
	all, err := store.View(ctx, r.shard(r.q), func(_ context.Context, rd store.Reader) (all []*message.Message, err error) {
		for i := range claims {
			m, err := r.q.log.Read(rd, &claims[i])
			if err != nil {
				return nil, err
			}
			all = append(all, m)
		}
		return all, nil
	})
	if err != nil {
		return nil, err
	}
	for i, m := range all {
		if m != nil { // else it has been purged meanwhile
			out.Messages = append(out.Messages, r.tell(m, &claims[i]))
		}
	}
	return out, nil
}

// tell is a message as the client gets it.
func (r *receive) tell(m *message.Message, c *backlog.Claim) sqsapi.Message {
	id, digest := m.ID.String(), message.BodyDigest(m.Body)
	handle := message.Receipt{Queue: r.q.ID, Ref: m.Ref, Count: c.Count}.String()
	out := sqsapi.Message{MessageId: &id, ReceiptHandle: &handle, Body: &m.Body, MD5OfBody: &digest, Attributes: r.system(m, c)}
	if attributes := chosen(m.Attributes, r.in.MessageAttributeNames); len(attributes) > 0 {
		out.MD5OfMessageAttributes = aws.Some(message.AttributesDigest(attributes))
		out.MessageAttributes = make(map[string]sqsapi.MessageAttributeValue, len(attributes))
		for _, a := range attributes {
			v := sqsapi.MessageAttributeValue{DataType: a.Type}
			if a.IsBinary() {
				v.BinaryValue = a.Value
			} else {
				s := string(a.Value)
				v.StringValue = &s
			}
			out.MessageAttributes[a.Name] = v
		}
	}
	return out
}

// systemAttributes are the names that a receive may ask for.
var systemAttributes = []string{all, "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "SequenceNumber",
	"MessageDeduplicationId", "MessageGroupId", traceHeader, "DeadLetterQueueSourceArn", attributeManaged}

// system are the system attributes that were asked for.
func (r *receive) system(m *message.Message, c *backlog.Claim) (out map[string]string) {
	add := func(name string, value func() string) {
		for _, names := range [...][]string{r.in.AttributeNames, r.in.MessageSystemAttributeNames} {
			if !slices.Contains(names, name) && !slices.Contains(names, all) {
				continue
			}
			if v := value(); v != "" {
				if out == nil {
					out = map[string]string{}
				}
				out[name] = v
			}
		}
	}
	if len(r.in.AttributeNames)+len(r.in.MessageSystemAttributeNames) == 0 {
		return nil
	}
	first := m.First
	if first == 0 {
		first = c.First
	}
	add("SenderId", func() string { return m.Sender })
	add("SentTimestamp", func() string { return strconv.FormatInt(millis(m.Sent), 10) })
	add("ApproximateReceiveCount", func() string { return strconv.FormatUint(uint64(m.Received+c.Count), 10) })
	add("ApproximateFirstReceiveTimestamp", func() string { return strconv.FormatInt(millis(first), 10) })
	add("SequenceNumber", func() string {
		if m.Sequence == 0 {
			return ""
		}
		return *sequenceNumber(m.Sequence)
	})
	add("MessageDeduplicationId", func() string { return m.Dedup })
	add("MessageGroupId", func() string { return m.Group })
	add(traceHeader, func() string { return m.Trace })
	add("DeadLetterQueueSourceArn", func() string { return m.Source })
	return out
}
