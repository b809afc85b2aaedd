package sqs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sqs/backlog"
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// outgoing is a message that has been checked and is to be sent.
type outgoing struct {
	message.Message
	delay        int64  // seconds
	bodyDigest   string // MD5OfMessageBody
	attrDigest   string
	systemDigest string
}

// sent is what became of it.
type sent struct {
	id       message.ID
	sequence uint64
}

// SendMessage puts a message into a queue: one transaction, which reads nothing that other senders write.
func (s *Service) SendMessage(ctx context.Context, id aws.Identity, in *sqsapi.SendMessageRequest) (*sqsapi.SendMessageResult, error) {
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	m, err := q.prepare(id, &sqsapi.SendMessageBatchRequestEntry{MessageBody: in.MessageBody, DelaySeconds: in.DelaySeconds, MessageAttributes: in.MessageAttributes,
		MessageSystemAttributes: in.MessageSystemAttributes, MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId})
	if err != nil {
		return nil, err
	}
	done, err := s.send(ctx, q, []*outgoing{m})
	if err != nil {
		return nil, err
	}
	messageID := done[0].id.String()
	return &sqsapi.SendMessageResult{MessageId: &messageID, MD5OfMessageBody: &m.bodyDigest, MD5OfMessageAttributes: aws.Some(m.attrDigest),
		MD5OfMessageSystemAttributes: aws.Some(m.systemDigest), SequenceNumber: sequenceNumber(done[0].sequence)}, nil
}

// SendMessageBatch sends up to ten messages in one transaction; those that are wrong do not keep the others back.
func (s *Service) SendMessageBatch(ctx context.Context, id aws.Identity, in *sqsapi.SendMessageBatchRequest) (*sqsapi.SendMessageBatchResult, error) {
	ids := make([]string, len(in.Entries))
	for i := range in.Entries {
		ids[i] = in.Entries[i].Id
	}
	if err := checkBatch("SendMessageBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	out := &sqsapi.SendMessageBatchResult{Successful: []sqsapi.SendMessageBatchResultEntry{}, Failed: []sqsapi.BatchResultErrorEntry{}}
	var good []*outgoing
	var names []string
	size := 0
	for i := range in.Entries {
		size += entrySize(&in.Entries[i])
		m, err := q.prepare(id, &in.Entries[i])
		if err != nil {
			out.Failed = append(out.Failed, failed(ids[i], err))
			continue
		}
		good, names = append(good, m), append(names, ids[i])
	}
	if size > maxMessage {
		return nil, &sqsapi.BatchRequestTooLong{Message: fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessage, size)}
	}
	if len(good) == 0 {
		return out, nil
	}
	done, err := s.send(ctx, q, good)
	if err != nil {
		return nil, err
	}
	for i, m := range good {
		out.Successful = append(out.Successful, sqsapi.SendMessageBatchResultEntry{Id: names[i], MessageId: done[i].id.String(), MD5OfMessageBody: m.bodyDigest,
			MD5OfMessageAttributes: aws.Some(m.attrDigest), MD5OfMessageSystemAttributes: aws.Some(m.systemDigest), SequenceNumber: sequenceNumber(done[i].sequence)})
	}
	return out, nil
}

// send puts messages into a queue, in their order, except those that are duplicates.
func (s *Service) send(ctx context.Context, q *queue, all []*outgoing) ([]sent, error) {
	if err := s.identify(all); err != nil {
		return nil, err
	}
	return update(ctx, s, q, func(tx store.Tx) ([]sent, error) {
		out := make([]sent, len(all))
		now := tx.Now().UnixMicro()
		for i, o := range all {
			m := o.Message
			m.Sent, m.Visible = now, now+o.delay*1e6
			var err error
			if out[i], err = q.put(tx, &m); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

// put puts a message into a queue, unless a FIFO queue has been sent its deduplication id in the last five minutes: then the
// message that had it first is the answer.
func (q *queue) put(tx store.Tx, m *message.Message) (sent, error) {
	if !q.fifo {
		_, err := q.log.Put(tx, m)
		return sent{id: m.ID}, err
	}
	scope, now := "", tx.Now()
	if q.groupDedup {
		scope = m.Group
	}
	before, known, err := q.log.Known(tx, scope, m.Dedup, now.UnixMicro())
	if err != nil || known {
		return sent{before.ID, before.Sequence}, err
	}
	sequence, err := q.log.Put(tx, m)
	if err != nil {
		return sent{}, err
	}
	return sent{m.ID, sequence}, q.log.Remember(tx, scope, m.Dedup, backlog.Sent{ID: m.ID, Sequence: sequence}, now.Add(dedupWindow).UnixMicro())
}

// identify gives messages their ids. Those of a batch ascend: messages that are sent at one moment are in their order.
func (s *Service) identify(all []*outgoing) error {
	ids := make([]message.ID, len(all))
	for i := range ids {
		if _, err := io.ReadFull(s.Rand, ids[i][:]); err != nil {
			return fmt.Errorf("sqs: read random bytes: %w", err)
		}
		ids[i].Random()
	}
	slices.SortFunc(ids, func(a, b message.ID) int { return bytes.Compare(a[:], b[:]) })
	for i, m := range all {
		m.ID = ids[i]
	}
	return nil
}

// prepare checks a message.
func (q *queue) prepare(id aws.Identity, in *sqsapi.SendMessageBatchRequestEntry) (*outgoing, error) {
	o := &outgoing{delay: q.delay}
	m := &o.Message
	m.Body, m.Sender = in.MessageBody, senderID(id)
	if m.Body == "" {
		return nil, missing("MessageBody")
	}
	if c, found := message.Foreign(m.Body); found {
		return nil, &sqsapi.InvalidMessageContents{Message: fmt.Sprintf("Invalid binary character '#x%X' was found in the message body, the set of allowed characters is "+
			"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", c)}
	}
	var err error
	if m.Attributes, err = readAttributes(in.MessageAttributes); err != nil {
		return nil, err
	}
	system, err := readSystemAttributes(in.MessageSystemAttributes)
	if err != nil {
		return nil, err
	}
	if t := id.Request.Trace; strings.HasPrefix(t, "Root=") && len(t) <= maxTrace { // what the request belongs to is passed on
		m.Trace = t
	}
	if len(system) > 0 {
		m.Trace = string(system[0].Value)
	}
	if m.Size() > q.maxSize {
		return nil, invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.maxSize)
	}
	if err := q.prepareType(o, in); err != nil {
		return nil, err
	}
	o.bodyDigest, o.attrDigest, o.systemDigest = message.BodyDigest(m.Body), message.AttributesDigest(m.Attributes), message.AttributesDigest(system)
	return o, nil
}

// prepareType checks what is different in FIFO queues: groups, deduplication and delays.
func (q *queue) prepareType(o *outgoing, in *sqsapi.SendMessageBatchRequestEntry) error {
	if d := in.DelaySeconds; d != nil {
		switch {
		case *d < 0 || *d > maxDelay:
			return badValue(*d, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
		case q.fifo && *d != 0:
			return notForThisType(*d, "DelaySeconds")
		case !q.fifo:
			o.delay = int64(*d)
		}
	}
	if g := in.MessageGroupId; g != nil {
		if !isToken(*g) {
			return badValue(*g, "MessageGroupId", "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
		o.Group = *g
	} else if q.fifo {
		return missing("MessageGroupId")
	}
	switch d := in.MessageDeduplicationId; {
	case d != nil && !q.fifo:
		return notForThisType(*d, "MessageDeduplicationId")
	case d != nil && !isToken(*d):
		return badValue(*d, "MessageDeduplicationId", "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	case d != nil:
		o.Dedup = *d
	case q.contentDedup:
		sum := sha256.Sum256([]byte(o.Body))
		o.Dedup = hex.EncodeToString(sum[:])
	case q.fifo:
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// senderID is the SenderId attribute of what id sends.
func senderID(id aws.Identity) string {
	switch {
	case id.PrincipalID != "":
		return id.PrincipalID
	case id.Kind == aws.Anonymous:
		return "anonymous"
	case id.Service != "":
		return id.Service
	}
	return id.Account
}

// sequenceNumber is the SequenceNumber of a message: 20 digits, as SQS's are. Messages of standard queues have none.
func sequenceNumber(n uint64) *string {
	if n == 0 {
		return nil
	}
	s := fmt.Sprintf("1%019d", n)
	return &s
}

// entrySize is what an entry counts towards the size of a batch.
func entrySize(e *sqsapi.SendMessageBatchRequestEntry) int {
	n := len(e.MessageBody)
	for name, v := range e.MessageAttributes {
		n += len(name) + len(v.DataType) + len(v.BinaryValue)
		if v.StringValue != nil {
			n += len(*v.StringValue)
		}
	}
	return n
}

// millis is a time of the backlog as clients see it.
func millis(micros int64) int64 { return time.UnixMicro(micros).UnixMilli() }

// reserved reports whether a name or type begins as only AWS's own may.
func reserved(name string) bool {
	low := strings.ToLower(name)
	return strings.HasPrefix(low, "aws.") || strings.HasPrefix(low, "amazon.")
}
