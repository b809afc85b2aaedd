package sqs

import (
	"context"
	"errors"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sqs/backlog"
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
)

// receipt reads a receipt handle of this queue.
func (q *queue) receipt(handle string) (message.Receipt, error) {
	if handle == "" {
		return message.Receipt{}, missing("ReceiptHandle")
	}
	r, ok := message.ParseReceipt(handle)
	if !ok || r.Queue != q.ID {
		return r, badHandle(handle)
	}
	return r, nil
}

// DeleteMessage deletes a message that was received.
func (s *Service) DeleteMessage(ctx context.Context, id aws.Identity, in *sqsapi.DeleteMessageRequest) (*sqsapi.DeleteMessageOutput, error) {
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	errs, err := s.each(ctx, q, []string{in.ReceiptHandle}, func(tx store.Tx, _ int, r message.Receipt) error { return q.log.Delete(tx, r) })
	if err != nil {
		return nil, err
	}
	return &sqsapi.DeleteMessageOutput{}, errs[0]
}

// DeleteMessageBatch deletes up to ten messages in one transaction.
func (s *Service) DeleteMessageBatch(ctx context.Context, id aws.Identity, in *sqsapi.DeleteMessageBatchRequest) (*sqsapi.DeleteMessageBatchResult, error) {
	ids, handles := make([]string, len(in.Entries)), make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i], handles[i] = e.Id, e.ReceiptHandle
	}
	if err := checkBatch("DeleteMessageBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	errs, err := s.each(ctx, q, handles, func(tx store.Tx, _ int, r message.Receipt) error { return q.log.Delete(tx, r) })
	if err != nil {
		return nil, err
	}
	out := &sqsapi.DeleteMessageBatchResult{Successful: []sqsapi.DeleteMessageBatchResultEntry{}, Failed: []sqsapi.BatchResultErrorEntry{}}
	for i, id := range ids {
		if errs[i] != nil {
			out.Failed = append(out.Failed, failed(id, errs[i]))
		} else {
			out.Successful = append(out.Successful, sqsapi.DeleteMessageBatchResultEntry{Id: id})
		}
	}
	return out, nil
}

// ChangeMessageVisibility makes a message in flight visible at another time.
func (s *Service) ChangeMessageVisibility(ctx context.Context, id aws.Identity, in *sqsapi.ChangeMessageVisibilityRequest) (*sqsapi.ChangeMessageVisibilityOutput, error) {
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	errs, err := s.hide(ctx, q, []string{in.ReceiptHandle}, []*int32{&in.VisibilityTimeout})
	if err != nil {
		return nil, err
	}
	return &sqsapi.ChangeMessageVisibilityOutput{}, errs[0]
}

// ChangeMessageVisibilityBatch does so for up to ten messages in one transaction.
func (s *Service) ChangeMessageVisibilityBatch(ctx context.Context, id aws.Identity, in *sqsapi.ChangeMessageVisibilityBatchRequest) (*sqsapi.ChangeMessageVisibilityBatchResult, error) {
	n := len(in.Entries)
	ids, handles, timeouts := make([]string, n), make([]string, n), make([]*int32, n)
	for i, e := range in.Entries {
		ids[i], handles[i], timeouts[i] = e.Id, e.ReceiptHandle, e.VisibilityTimeout
	}
	if err := checkBatch("ChangeMessageVisibilityBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	errs, err := s.hide(ctx, q, handles, timeouts)
	if err != nil {
		return nil, err
	}
	out := &sqsapi.ChangeMessageVisibilityBatchResult{Successful: []sqsapi.ChangeMessageVisibilityBatchResultEntry{}, Failed: []sqsapi.BatchResultErrorEntry{}}
	for i, id := range ids {
		if errs[i] != nil {
			out.Failed = append(out.Failed, failed(id, errs[i]))
		} else {
			out.Successful = append(out.Successful, sqsapi.ChangeMessageVisibilityBatchResultEntry{Id: id})
		}
	}
	return out, nil
}

func (s *Service) hide(ctx context.Context, q *queue, handles []string, timeouts []*int32) ([]error, error) {
	return s.each(ctx, q, handles, func(tx store.Tx, i int, r message.Receipt) error {
		t := timeouts[i]
		switch {
		case t == nil:
			return missing("VisibilityTimeout")
		case *t < 0 || *t > maxVisibility:
			return badValue(*t, "VisibilityTimeout", "VisibilityTimeout must be an integer between 0 and 43200.")
		}
		err := q.log.Hide(tx, r, int64(*t)*1e6, (maxVisibility * time.Second).Microseconds())
		if errors.Is(err, backlog.ErrTooLong) {
			return badValue(*t, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [%d seconds].", maxVisibility)
		}
		return err
	})
}

// each does f for receipt handles, in one transaction, and returns what became of each of them.
func (s *Service) each(ctx context.Context, q *queue, handles []string, f func(tx store.Tx, i int, r message.Receipt) error) ([]error, error) {
	refused := make([]error, len(handles))
	read := make([]message.Receipt, len(handles))
	good := false
	for i, h := range handles {
		read[i], refused[i] = q.receipt(h)
		good = good || refused[i] == nil
	}
	if !good {
		return refused, nil
	}
	return update(ctx, s, q, func(tx store.Tx) ([]error, error) {
		errs := make([]error, len(handles))
		for i, h := range handles {
			if errs[i] = refused[i]; errs[i] != nil {
				continue
			}
			err := f(tx, i, read[i])
			switch {
			case errors.Is(err, backlog.ErrExpired):
				err = badValue(h, "ReceiptHandle", "The receipt handle has expired.")
			case errors.Is(err, backlog.ErrGone):
				err = badValue(h, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
			case errors.Is(err, backlog.ErrNotFlying):
				err = &sqsapi.MessageNotInflight{Message: "The specified message isn't in flight."}
			}
			if err != nil && aws.CodeOf(err) == "InternalFailure" {
				return nil, err
			}
			errs[i] = err
		}
		return errs, nil
	})
}

// PurgeQueue deletes all messages of a queue.
func (s *Service) PurgeQueue(ctx context.Context, id aws.Identity, in *sqsapi.PurgeQueueRequest) (*sqsapi.PurgeQueueOutput, error) {
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	_, err = update(ctx, s, q, func(tx store.Tx) (struct{}, error) {
		v, ok, err := tx.Get(q.purgedKey())
		if err != nil {
			return struct{}{}, err
		}
		now := tx.Now()
		if ok && time.UnixMicro(store.ReadCounter(v)).Add(purgeRest).After(now) {
			return struct{}{}, &sqsapi.PurgeQueueInProgress{Message: "Only one PurgeQueue operation on " + q.name + " is allowed every 60 seconds."}
		}
		tx.Max(q.purgedKey(), uint64(now.UnixMicro()))
		q.log.Purge(tx)
		return struct{}{}, nil
	})
	return &sqsapi.PurgeQueueOutput{}, err
}
