package sqs

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// CreateQueue makes a queue. One that is there already with these attributes is as good as a new one. The queue's shard is
// made ready before its name is published, so that who finds the name finds the rest.
func (s *Service) CreateQueue(ctx context.Context, id aws.Identity, in *sqsapi.CreateQueueRequest) (*sqsapi.CreateQueueResult, error) {
	p := place{id.Account, id.Region, in.QueueName}
	_, fifo := in.Attributes[attributeFifo]
	if err := checkName(in.QueueName, in.Attributes[attributeFifo] == "true"); err != nil {
		return nil, err
	}
	rec := queueRecord{Attributes: map[string]string{}, Tags: clone(in.Tags)}
	if err := apply(fifo && in.Attributes[attributeFifo] == "true", rec.Attributes, in.Attributes); err != nil {
		return nil, err
	}
	if err := checkTags(rec.Tags); err != nil {
		return nil, err
	}
	url := s.url(id, p)
	out := &sqsapi.CreateQueueResult{QueueUrl: &url}
	var err error
	rec.ID, err = store.Update(ctx, s.home(p), func(_ context.Context, tx store.Tx) (uint64, error) {
		if there, err := s.compare(tx, p, rec.Attributes); err != nil || there {
			return 0, err
		}
		if _, err := s.creatable(tx, newQueue(p, rec)); err != nil {
			return 0, err
		}
		return store.NextID(tx, home(p.account, p.region).Text("ids"))
	})
	if err != nil || rec.ID == 0 {
		return out, err
	}
	q := newQueue(p, rec)
	if _, err := s.shard(q).Update(ctx, func(_ context.Context, tx store.Tx) error {
		q.log.Open(tx)
		return timer.Set(tx, timer.Promise{Kind: kindSweep, ID: q.sweepID(), Args: q.address(), Due: tx.Now().Add(q.retention)})
	}); err != nil {
		return nil, err
	}
	_, err = s.home(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if there, err := s.compare(tx, p, rec.Attributes); err != nil || there {
			return err // another was faster: what was made ready for this one goes with its sweep
		}
		now, err := s.creatable(tx, q)
		if err != nil {
			return err
		}
		stored := rec
		stored.Created, stored.Modified = now.Unix(), now.Unix()
		write(tx, p, stored)
		return nil
	})
	s.known.forget(p)
	return out, err
}

// creatable checks that the name is free for q and its dead-letter queue good for it.
func (s *Service) creatable(tx store.Tx, q *queue) (time.Time, error) {
	now := tx.Now()
	v, ok, err := tx.Get(q.deletedKey())
	if err != nil {
		return now, err
	}
	if ok && time.UnixMicro(store.ReadCounter(v)).Add(nameRest).After(now) {
		return now, &sqsapi.QueueDeletedRecently{Message: "You must wait 60 seconds after deleting a queue before you can create another with the same name."}
	}
	return now, s.retarget(tx, nil, q)
}

// compare reports whether there is a queue at p, which must have the attributes that are given.
func (s *Service) compare(tx store.Tx, p place, given map[string]string) (bool, error) {
	q, err := read(tx, p)
	if aws.CodeOf(err) == aws.CodeOf(noQueue()) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for name, value := range given {
		if !q.equalAttribute(s, name, value) {
			return true, &sqsapi.QueueNameExists{Message: "A queue already exists with the same name and a different value for attribute " + name}
		}
	}
	return true, nil
}

// checkName checks the name of a queue that is to be made.
func checkName(name string, fifo bool) error {
	switch {
	case fifo && (!validName(name) || !strings.HasSuffix(name, fifoSuffix)):
		return invalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	case !fifo && (!validName(name) || strings.Contains(name, ".")):
		return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

// address is what promises say of a queue.
type address struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Name    string `cbor:"3,keyasint"`
	ID      uint64 `cbor:"4,keyasint"`
	FIFO    bool   `cbor:"5,keyasint,omitempty"`
}

const addressVersion = 1

func (q *queue) address() []byte {
	return record.Encode(addressVersion, address{q.account, q.region, q.name, q.ID, q.fifo})
}

// readAddress returns the queue as far as its address says what it is.
func readAddress(b []byte) (*queue, error) {
	var a address
	if err := record.Decode(b, addressVersion, &a); err != nil {
		return nil, err
	}
	rec := queueRecord{ID: a.ID}
	if a.FIFO {
		rec.Attributes = map[string]string{attributeFifo: "true"}
	}
	return newQueue(place{a.Account, a.Region, a.Name}, rec), nil
}

// DeleteQueue deletes a queue with all that is in it. The name is gone at once, the rest by a promise.
func (s *Service) DeleteQueue(ctx context.Context, id aws.Identity, in *sqsapi.DeleteQueueRequest) (*sqsapi.DeleteQueueOutput, error) {
	p, err := locate(id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	_, err = s.home(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		q, err := read(tx, p)
		if err != nil {
			return err
		}
		tx.Delete(p.queueKey())
		if q.redrive != nil {
			if target, ok := placeOfARN(q.redrive.Target); ok {
				tx.Delete(target.sources().Text(p.name))
			}
		}
		tx.Max(p.deletedKey(), uint64(tx.Now().UnixMicro()))
		if err := timer.Set(tx, timer.Promise{Kind: kindErase, Args: q.address(), Dest: p.arn()}); err != nil {
			return err
		}
		return timer.Set(tx, timer.Promise{Kind: kindForget, ID: p.arn(), Args: q.address(), Due: tx.Now().Add(nameRest)})
	})
	s.known.forget(p)
	return &sqsapi.DeleteQueueOutput{}, err
}

// erase deletes what a deleted queue left.
func (s *Service) erase(ctx context.Context, k *timer.Kept) error {
	q, err := readAddress(k.Args)
	if err != nil {
		return err
	}
	_, err = s.shard(q).Update(ctx, func(_ context.Context, tx store.Tx) error {
		q.log.Erase(tx)
		if _, err := timer.Cancel(tx, kindTask, q.sweepID()); err != nil {
			return err
		}
		_, err := timer.Cancel(tx, kindSweep, q.sweepID())
		return err
	})
	return err
}

// forget lets the name of a deleted queue be used again.
func (s *Service) forget(ctx context.Context, k *timer.Kept) error {
	q, err := readAddress(k.Args)
	if err != nil {
		return err
	}
	_, err = s.home(q.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Delete(q.deletedKey())
		return k.Done(tx)
	})
	return err
}

// GetQueueUrl returns the URL of a queue.
func (s *Service) GetQueueUrl(ctx context.Context, id aws.Identity, in *sqsapi.GetQueueUrlRequest) (*sqsapi.GetQueueUrlResult, error) {
	p := named(id, in)
	if !validName(p.name) {
		return nil, noQueue()
	}
	q, err := s.lookUp(ctx, p)
	if err != nil {
		return nil, err
	}
	url := s.url(id, q.place)
	return &sqsapi.GetQueueUrlResult{QueueUrl: &url}, nil
}

// named is the queue that a GetQueueUrl is about.
func named(id aws.Identity, in *sqsapi.GetQueueUrlRequest) place {
	p := place{id.Account, id.Region, in.QueueName}
	if in.QueueOwnerAWSAccountId != nil && isAccount(*in.QueueOwnerAWSAccountId) {
		p.account = *in.QueueOwnerAWSAccountId
	}
	return p
}

// ListQueues lists the queues of the account and region.
func (s *Service) ListQueues(ctx context.Context, id aws.Identity, in *sqsapi.ListQueuesRequest) (*sqsapi.ListQueuesResult, error) {
	pg, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	if in.QueueNamePrefix != nil {
		pg.Prefix = *in.QueueNamePrefix
	}
	out := &sqsapi.ListQueuesResult{}
	err = s.home(place{account: id.Account, region: id.Region}).View(ctx, func(_ context.Context, r store.Reader) error {
		return pg.Each(r, home(id.Account, id.Region).Text("queue"), func(name string, _ store.Value) (bool, error) {
			out.QueueUrls = append(out.QueueUrls, s.url(id, place{id.Account, id.Region, name}))
			return true, nil
		})
	})
	if in.MaxResults != nil {
		out.NextToken = pg.Token()
	}
	return out, err
}

// ListQueueTags returns the tags of a queue.
func (s *Service) ListQueueTags(ctx context.Context, id aws.Identity, in *sqsapi.ListQueueTagsRequest) (*sqsapi.ListQueueTagsResult, error) {
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &sqsapi.ListQueueTagsResult{Tags: maps.Clone(q.Tags)}, nil
}

// TagQueue adds tags to a queue.
func (s *Service) TagQueue(ctx context.Context, id aws.Identity, in *sqsapi.TagQueueRequest) (*sqsapi.TagQueueOutput, error) {
	err := s.change(ctx, id, in.QueueUrl, func(_ store.Tx, _ *queue, rec *queueRecord) error {
		maps.Copy(rec.Tags, in.Tags)
		return checkTags(rec.Tags)
	})
	return &sqsapi.TagQueueOutput{}, err
}

// UntagQueue removes tags from a queue.
func (s *Service) UntagQueue(ctx context.Context, id aws.Identity, in *sqsapi.UntagQueueRequest) (*sqsapi.UntagQueueOutput, error) {
	err := s.change(ctx, id, in.QueueUrl, func(_ store.Tx, _ *queue, rec *queueRecord) error {
		for _, k := range in.TagKeys {
			delete(rec.Tags, k)
		}
		return nil
	})
	return &sqsapi.UntagQueueOutput{}, err
}

// checkTags refuses tags that no resource may have.
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return invalid("Too many tags added for queue. Maximum number of tags: %d", maxTags)
	}
	for k, v := range tags {
		if n := len([]rune(k)); n < 1 || n > maxTagKey || aws.ReservedTag(k) {
			return badValue(k, "TagKey", "Tag keys must be 1 to 128 characters long and must not begin with aws:.")
		}
		if len([]rune(v)) > maxTagValue {
			return badValue(v, "TagValue", "Tag values must be at most 256 characters long.")
		}
	}
	return nil
}
