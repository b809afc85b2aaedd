package sns

import (
	"cmp"
	"context"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sns/attribute"
	"github.com/brume-dev/brume/service/sns/filter"
	"github.com/brume-dev/brume/service/sns/retry"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// compiledTopic is a topic with its subscriptions, ready for messages. It belongs to one generation of the topic and is
// immutable.
type compiledTopic struct {
	ref
	gen  int64
	rec  topicRecord
	subs []*compiledSub // those that are confirmed, in the order of their ids
}

// compiledSub is a confirmed subscription.
type compiledSub struct {
	id, arn  string
	rec      subRecord
	filter   *filter.Policy
	policy   retry.Policy // of deliveries to it
	raw      bool
	dead     string // its dead-letter queue
	feedback feedback
}

// compile fills in what follows from the records.
func (c *compiledSub) compile(topic *topicRecord, t aws.ARN) {
	c.filter, _ = filter.Compile(cmp.Or(c.rec.Attributes[subFilter], "{}"), c.rec.scope()) // it was checked when it was set
	c.raw = c.rec.raw()
	c.dead, _ = attribute.Redrive(c.rec.Attributes[subRedrive], t)
	c.feedback = feedbackOf(topic, c.rec.Protocol)
	c.policy = retry.Policy{ContentType: retry.DefaultContentType}
	var s retry.Schedule
	switch c.rec.Protocol {
	case protoQueue, protoFunction:
		s = retry.Managed()
	case protoMail, protoMailJSON:
		s = retry.Mail()
	default:
		c.policy = c.rec.policy(topic)
		return
	}
	c.policy.Schedule = &s
}

// compiled returns the topic as it is now (changes of a topic and its subscriptions count its generation up in their transactions); there is false when it does not exist.
func (s *Service) compiled(ctx context.Context, t ref) (_ *compiledTopic, there bool, err error) {
	known, _ := s.topics.Get(t)
	found, err := store.View(ctx, s.shard(t.place), func(_ context.Context, r store.Reader) (*compiledTopic, error) {
		gen, err := readCount(r, t.gen())
		if err != nil || gen == 0 {
			return nil, err
		}
		if known != nil && known.gen == gen {
			return known, nil
		}
		return load(r, t, gen)
	})
	if err != nil || found == nil {
		return nil, false, err
	}
	if found != known {
		for _, sub := range found.subs { // outside of the transaction: it takes longer than one may
			sub.compile(&found.rec, aws.MakeARN(service, t.Region, t.Account, t.name))
		}
		s.topics.Renew(t, found, func(had *compiledTopic) bool { return had.gen < found.gen })
	}
	return found, found.rec.ID != 0, nil
}

// load reads a topic. One that does not exist has the id 0.
func load(r store.Reader, t ref, gen int64) (*compiledTopic, error) {
	c := &compiledTopic{ref: t, gen: gen}
	var there bool
	var err error
	if c.rec, there, err = read[topicRecord](r, t.key()); err != nil || !there {
		return c, err
	}
	prefix := t.at(&c.rec).subs()
	pairs, done := r.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		sub := &compiledSub{id: store.Decode(kv.Key, len(prefix)).Text()}
		if err := record.Decode(kv.Value, version, &sub.rec); err != nil {
			return nil, err
		}
		if !sub.rec.Pending {
			sub.arn = t.subARN(sub.id)
			c.subs = append(c.subs, sub)
		}
	}
	return c, done()
}

// sub returns the subscription with an id, or nil.
func (c *compiledTopic) sub(id string) *compiledSub {
	for _, sub := range c.subs {
		if sub.id == id {
			return sub
		}
	}
	return nil
}

// mustCompiled is compiled for a topic that has to be there.
func (s *Service) mustCompiled(ctx context.Context, t ref) (*compiledTopic, error) {
	c, there, err := s.compiled(ctx, t)
	if err == nil && !there {
		err = noTopic()
	}
	return c, err
}
