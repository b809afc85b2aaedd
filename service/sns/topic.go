package sns

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

const fifoSuffix = ".fifo"

// checkName checks the name of a new topic.
func checkName(name string) error {
	base := strings.TrimSuffix(name, fifoSuffix)
	if base == "" || len(name) > maxTopicName || strings.Trim(base, nameCharacters) != "" {
		return invalid("Topic Name")
	}
	return nil
}

const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// arnError says what is wrong with a text that should be an ARN.
func arnError(parameter, text string) error {
	if n := strings.Count(text, ":") + 1; n < 6 {
		return invalid("%s Reason: An ARN must have at least 6 elements, not %d", parameter, n)
	}
	return invalid("%s", parameter)
}

// topicOf is the topic that an ARN names, in the region of the call. Anonymous callers have no region of their own.
func topicOf(id aws.Identity, parameter, arn string) (ref, error) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Service != service || a.Partition != aws.Partition || strings.Contains(a.Resource, ":") || len(a.Account) != 12 || a.Region == "" {
		return ref{}, arnError(parameter, arn)
	}
	if a.Region != id.Region && id.Kind != aws.Anonymous {
		return ref{}, invalid("%s", parameter)
	}
	return ref{place{a.Account, a.Region}, a.Resource}, nil
}

// subscriptionOf is the subscription that an ARN names.
func subscriptionOf(id aws.Identity, arn string) (ref, string, error) {
	i := strings.LastIndexByte(arn, ':')
	if strings.Count(arn, ":") != 6 {
		return ref{}, "", arnError("SubscriptionArn", arn)
	}
	t, err := topicOf(id, "SubscriptionArn", arn[:i])
	return t, arn[i+1:], err
}

// mustTopic reads a topic that has to be there.
func mustTopic(r store.Reader, t ref) (topicRecord, error) {
	rec, ok, err := read[topicRecord](r, t.key())
	if err == nil && !ok {
		err = noTopic()
	}
	return rec, err
}

// changed notes in tx that messages meet another topic than before, or other subscriptions.
func changed(tx store.Tx, t ref) { tx.Add(t.gen(), 1) }

// CreateTopic makes a topic, or finds the one there is when it is the same.
func (s *Service) CreateTopic(ctx context.Context, id aws.Identity, in *snsapi.CreateTopicInput) (*snsapi.CreateTopicResponse, error) {
	t := ref{here(id), in.Name}
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	wanted, err := s.newTopic(t, in)
	if err != nil {
		return nil, err
	}
	_, err = s.shard(t.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		old, there, err := read[topicRecord](tx, t.key())
		if err != nil {
			return err
		}
		if there {
			return sameTopic(&old, &wanted, in)
		}
		rec := wanted
		return createTopic(tx, t, &rec)
	})
	if err != nil {
		return nil, err
	}
	arn := t.arn()
	return &snsapi.CreateTopicResponse{TopicArn: &arn}, nil
}

// newTopic is the topic that a request describes.
func (s *Service) newTopic(t ref, in *snsapi.CreateTopicInput) (rec topicRecord, err error) {
	rec = topicRecord{FIFO: strings.HasSuffix(t.name, fifoSuffix), Attributes: map[string]string{}, Policy: defaultPolicy(t)}
	switch fifo := in.Attributes[attrFIFO]; {
	case fifo != "" && fifo != "true" && fifo != "false":
		return rec, invalid("Attributes Reason: FifoTopic must be either 'true' or 'false'")
	case rec.FIFO != (fifo == "true"): // the suffix and the attribute go together
		return rec, invalid("Topic Name")
	}
	for name, value := range in.Attributes {
		if name == attrFIFO {
			continue
		}
		if err := rec.set(t, name, value, "Attributes Reason: "); err != nil {
			return rec, err
		}
	}
	if rec.Tags, err = addTags(nil, in.Tags); err != nil {
		return rec, err
	}
	if in.DataProtectionPolicy != nil {
		if err := checkMasking(*in.DataProtectionPolicy, "DataProtectionPolicy"); err != nil {
			return rec, err
		}
		rec.Masking = *in.DataProtectionPolicy
	}
	return rec, nil
}

// sameTopic returns nil when what a request describes is there.
func sameTopic(old, wanted *topicRecord, in *snsapi.CreateTopicInput) error {
	for name := range in.Attributes {
		same := old.Attributes[name] == wanted.Attributes[name]
		if name == attrPolicy {
			same = sameJSON(old.Policy, wanted.Policy)
		}
		if !same {
			return invalid("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(in.Tags) > 0 && !maps.Equal(old.Tags, wanted.Tags) {
		return invalid("Tags Reason: Topic already exists with different tags")
	}
	return nil
}

func sameJSON(a, b string) bool {
	x, err := jsondoc.Parse([]byte(a))
	if err != nil {
		return a == b
	}
	y, err := jsondoc.Parse([]byte(b))
	return err == nil && jsondoc.Equal(x, y)
}

func createTopic(tx store.Tx, t ref, rec *topicRecord) error {
	n, err := readCount(tx, t.topicCount(rec.FIFO))
	if err != nil {
		return err
	}
	if !rec.FIFO && n >= maxTopics || rec.FIFO && n >= maxFIFOTopics {
		return &snsapi.TopicLimitExceededException{Message: "The topic limit of this account is exceeded."}
	}
	if rec.ID, err = store.NextID(tx, t.ids()); err != nil {
		return err
	}
	rec.Created = tx.Now()
	if rec.Days > 0 {
		rec.Archived = tx.Now()
		if err := armSweep(tx, t.at(rec)); err != nil {
			return err
		}
	}
	tx.Add(t.topicCount(rec.FIFO), 1)
	write(tx, t.key(), *rec)
	changed(tx, t)
	return nil
}

// goneTopic is a topic of which the rest is to be erased.
type goneTopic struct {
	place
	Topic   string `cbor:"3,keyasint"`
	TopicID uint64 `cbor:"4,keyasint"`
}

// DeleteTopic deletes a topic and its subscriptions; one that does not exist is deleted already.
func (s *Service) DeleteTopic(ctx context.Context, id aws.Identity, in *snsapi.DeleteTopicInput) (*snsapi.DeleteTopicOutput, error) {
	t, err := topicOf(id, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	_, err = s.shard(t.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, there, err := read[topicRecord](tx, t.key())
		if err != nil || !there {
			return err
		}
		if rec.archives() {
			return &snsapi.InvalidStateException{Message: "Invalid state: Cannot delete a topic with an ArchivePolicy"}
		}
		tx.Delete(t.key())
		tx.Add(t.topicCount(rec.FIFO), -1)
		changed(tx, t)
		return timer.Set(tx, timer.Promise{Kind: kindErase, Dest: t.arn(), Args: record.Encode(version, goneTopic{t.place, t.name, rec.ID})})
	})
	return &snsapi.DeleteTopicOutput{}, err
}

// erase deletes what hung on a topic that is gone: its subscriptions, some in each transaction, and what was published.
func (s *Service) erase(ctx context.Context, k *timer.Kept) error {
	var g goneTopic
	if err := record.Decode(k.Args, version, &g); err != nil {
		return err
	}
	t := spot{ref{g.place, g.Topic}, g.TopicID}
	for more := true; more; {
		var err error
		more, err = store.Update(ctx, s.shard(t.place), func(_ context.Context, tx store.Tx) (bool, error) {
			n, err := dropSubscriptions(tx, t)
			if err == nil && n == 0 {
				tx.DeleteRange(t.ends().Range())
				tx.DeleteRange(t.counts().Range())
			}
			return n > 0, err
		})
		if err != nil {
			return err
		}
	}
	d := t.data()
	_, err := s.dataShard(d).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.DeleteRange(d.resource.Range())
		return nil
	})
	return err
}

// dropSubscriptions takes away some subscriptions of a topic, and says how many.
func dropSubscriptions(tx store.Tx, t spot) (n int, err error) {
	prefix := t.subs()
	pairs, done := tx.Scan(prefix.Range(), store.ScanOpt{Limit: fanChunk})
	for kv := range pairs {
		var sub subRecord
		if err := record.Decode(kv.Value, version, &sub); err != nil {
			return 0, err
		}
		id := store.Decode(kv.Key, len(prefix)).Text()
		if err := markOwn(tx, t.ref, id, sub.Owner, false); err != nil {
			return 0, err
		}
		if err := forgetToken(tx, t.place, sub.Token); err != nil {
			return 0, err
		}
		tx.Delete(t.sub(id))
		n++
	}
	return n, done()
}

// ListTopics lists the topics of the account.
func (s *Service) ListTopics(ctx context.Context, id aws.Identity, in *snsapi.ListTopicsInput) (*snsapi.ListTopicsResponse, error) {
	p := here(id)
	names, next, err := answer(ctx, s.shard(p), p.topics(), in.NextToken, func(e *store.Elements, _ store.Value) (string, error) {
		arn := ref{p, e.Text()}.arn()
		return arn, e.Err()
	})
	if err != nil {
		return nil, err
	}
	out := &snsapi.ListTopicsResponse{Topics: []snsapi.Topic{}, NextToken: next}
	for _, arn := range names {
		out.Topics = append(out.Topics, snsapi.Topic{TopicArn: &arn})
	}
	return out, nil
}

// GetTopicAttributes tells what a topic is.
func (s *Service) GetTopicAttributes(ctx context.Context, id aws.Identity, in *snsapi.GetTopicAttributesInput) (*snsapi.GetTopicAttributesResponse, error) {
	t, err := topicOf(id, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	out, err := store.View(ctx, s.shard(t.place), func(_ context.Context, r store.Reader) (map[string]string, error) {
		rec, err := mustTopic(r, t)
		if err != nil {
			return nil, err
		}
		out := rec.show(t, now)
		for name, what := range map[string]string{"SubscriptionsConfirmed": countConfirmed, "SubscriptionsPending": countPending, "SubscriptionsDeleted": countDeleted} {
			n, err := readCount(r, t.at(&rec).count(what))
			if err != nil {
				return nil, err
			}
			out[name] = strconv.FormatInt(n, 10)
		}
		return out, nil
	})
	return &snsapi.GetTopicAttributesResponse{Attributes: out}, err
}

// SetTopicAttributes changes one attribute.
func (s *Service) SetTopicAttributes(ctx context.Context, id aws.Identity, in *snsapi.SetTopicAttributesInput) (*snsapi.SetTopicAttributesOutput, error) {
	t, err := topicOf(id, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	value := ""
	if in.AttributeValue != nil {
		value = *in.AttributeValue
	}
	_, err = s.shard(t.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, err := mustTopic(tx, t)
		if err != nil {
			return err
		}
		days := rec.Days
		if err := rec.set(t, in.AttributeName, value, ""); err != nil {
			return err
		}
		if err := rec.arm(tx, t.at(&rec), days); err != nil {
			return err
		}
		write(tx, t.key(), rec)
		changed(tx, t)
		return nil
	})
	return &snsapi.SetTopicAttributesOutput{}, err
}
