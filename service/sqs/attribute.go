package sqs

import (
	"context"
	"slices"
	"strconv"

	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/sqs/backlog"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Names of attributes that code speaks of.
const (
	attributeFifo    = "FifoQueue"
	attributePolicy  = "Policy"
	attributeRedrive = "RedrivePolicy"
	attributeAllow   = "RedriveAllowPolicy"
	attributeKey     = "KmsMasterKeyId"
	attributeReuse   = "KmsDataKeyReusePeriodSeconds"
	attributeManaged = "SqsManagedSseEnabled"
	attributeScope   = "DeduplicationScope"
	attributeLimit   = "FifoThroughputLimit"
)

// usual are the values of attributes that nobody has set.
var usual = map[string]string{
	"VisibilityTimeout":             "30",
	"DelaySeconds":                  "0",
	"MessageRetentionPeriod":        "345600",
	"MaximumMessageSize":            strconv.Itoa(maxMessage),
	"ReceiveMessageWaitTimeSeconds": "0",
}

// ranges are the attributes that are numbers.
var ranges = map[string][2]int64{
	"VisibilityTimeout":             {0, maxVisibility},
	"DelaySeconds":                  {0, maxDelay},
	"MessageRetentionPeriod":        {minRetention, maxRetention},
	"MaximumMessageSize":            {minMessage, maxMessage},
	"ReceiveMessageWaitTimeSeconds": {0, maxWait},
	attributeReuse:                  {minKeyReuse, maxKeyReuse},
}

// words are the attributes that have one of a few values, and whether they are for FIFO queues only.
var words = map[string]struct {
	values []string
	fifo   bool
}{
	attributeFifo:               {[]string{"true"}, true},
	"ContentBasedDeduplication": {[]string{"true", "false"}, true},
	attributeScope:              {[]string{"messageGroup", "queue"}, true},
	attributeLimit:              {[]string{"perQueue", "perMessageGroupId"}, true},
	attributeManaged:            {[]string{"true", "false"}, false},
}

// checkAttribute checks a value that is to be set, and returns it as it is stored; "" removes the attribute.
func checkAttribute(fifo bool, name, value string) (string, error) {
	if r, ok := ranges[name]; ok {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < r[0] || n > r[1] {
			return "", badAttribute(name)
		}
		return strconv.FormatInt(n, 10), nil
	}
	if w, ok := words[name]; ok {
		if w.fifo && !fifo {
			return "", unknownAttribute(name)
		}
		if !slices.Contains(w.values, value) {
			return "", badAttribute(name)
		}
		return value, nil
	}
	switch name {
	case attributeKey:
		return value, nil
	case attributePolicy:
		return value, checkPolicy(value)
	case attributeRedrive:
		r, err := parseRedrive(value)
		return r.String(), err
	case attributeAllow:
		a, err := parseAllow(value)
		return a.String(), err
	}
	return "", unknownAttribute(name)
}

// checkPolicy refuses what is no policy.
func checkPolicy(document string) error {
	if document == "" {
		return nil
	}
	d, err := policy.Parse(policy.Resource, document)
	if err != nil || d.Statements() > maxStatements {
		return badAttribute(attributePolicy)
	}
	return nil
}

// apply changes attributes, which are checked together and by themselves.
func apply(fifo bool, attributes map[string]string, changes map[string]string) error {
	for name, value := range changes {
		v, err := checkAttribute(fifo, name, value)
		if err != nil {
			return err
		}
		if v == "" {
			delete(attributes, name)
		} else {
			attributes[name] = v
		}
	}
	if attributes[attributeLimit] == "perMessageGroupId" && attributes[attributeScope] != "messageGroup" {
		return badAttribute(attributeLimit)
	}
	// Only one way of encryption at a time: the one that was asked for last.
	switch _, keyed := changes[attributeKey]; {
	case keyed && attributes[attributeKey] != "" && changes[attributeManaged] == "true":
		return &sqsapi.InvalidAttributeValue{Message: "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE."}
	case keyed && attributes[attributeKey] != "":
		delete(attributes, attributeManaged)
	case changes[attributeManaged] == "true":
		delete(attributes, attributeKey)
		delete(attributes, attributeReuse)
	}
	return nil
}

// shown are the attributes that GetQueueAttributes tells beside those that are set, by name.
func (s *Service) shown(q *queue) map[string]string {
	out := map[string]string{
		"QueueArn":              q.arn(),
		"CreatedTimestamp":      strconv.FormatInt(q.Created, 10),
		"LastModifiedTimestamp": strconv.FormatInt(q.Modified, 10),
		attributeManaged:        "true",
	}
	for name, v := range usual {
		out[name] = v
	}
	if q.fifo {
		out["ContentBasedDeduplication"], out[attributeScope], out[attributeLimit] = "false", "queue", "perQueue"
	}
	if q.Attributes[attributeKey] != "" {
		out[attributeManaged], out[attributeReuse] = "false", "300"
	}
	for name, v := range q.Attributes {
		out[name] = v
	}
	return out
}

// counted are the attributes that are counted when they are asked for.
var counted = map[string]backlog.Kind{
	"ApproximateNumberOfMessages":           backlog.Visible,
	"ApproximateNumberOfMessagesNotVisible": backlog.Flying,
	"ApproximateNumberOfMessagesDelayed":    backlog.Delayed,
}

// isAttribute reports whether there is such an attribute of queues.
func isAttribute(name string) bool {
	_, number := ranges[name]
	_, word := words[name]
	_, count := counted[name]
	switch name {
	case "QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", attributePolicy, attributeRedrive, attributeAllow, attributeKey:
		return true
	}
	return number || word || count
}

// all asks for every attribute.
const all = "All"

// GetQueueAttributes returns attributes of a queue: none when none are asked for.
func (s *Service) GetQueueAttributes(ctx context.Context, id aws.Identity, in *sqsapi.GetQueueAttributesRequest) (*sqsapi.GetQueueAttributesResult, error) {
	q, err := s.find(ctx, id, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	everything, counts := false, false
	for _, name := range in.AttributeNames {
		if name != all && !isAttribute(name) {
			return nil, unknownAttribute(name)
		}
		_, count := counted[name]
		everything, counts = everything || name == all, counts || count || name == all
	}
	values := s.shown(q)
	if counts {
		c, err := s.count(ctx, q)
		if err != nil {
			return nil, err
		}
		for name, kind := range counted {
			values[name] = strconv.FormatInt(c[kind], 10)
		}
	}
	if everything {
		return &sqsapi.GetQueueAttributesResult{Attributes: values}, nil
	}
	out := &sqsapi.GetQueueAttributesResult{}
	for _, name := range in.AttributeNames {
		if v, ok := values[name]; ok {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = v
		}
	}
	return out, nil
}

// count returns how many messages there are now.
func (s *Service) count(ctx context.Context, q *queue) (backlog.Counts, error) {
	for {
		now := s.Clock.Now().UnixMicro()
		var ok bool
		c, err := store.View(ctx, s.shard(q), func(_ context.Context, r store.Reader) (c backlog.Counts, err error) {
			c, ok, err = q.log.Count(r, now)
			return c, err
		})
		if err != nil || ok {
			return c, err
		}
		if _, err := update(ctx, s, q, func(tx store.Tx) (struct{}, error) { return struct{}{}, q.log.Advance(tx) }); err != nil {
			return c, err
		}
	}
}

// SetQueueAttributes changes attributes of a queue.
func (s *Service) SetQueueAttributes(ctx context.Context, id aws.Identity, in *sqsapi.SetQueueAttributesRequest) (*sqsapi.SetQueueAttributesOutput, error) {
	if _, ok := in.Attributes[attributeFifo]; ok {
		return nil, unknownAttribute(attributeFifo)
	}
	var q *queue
	err := s.change(ctx, id, in.QueueUrl, func(tx store.Tx, old *queue, rec *queueRecord) error {
		if err := apply(old.fifo, rec.Attributes, in.Attributes); err != nil {
			return err
		}
		rec.Modified = tx.Now().Unix()
		q = newQueue(old.place, *rec)
		return s.retarget(tx, old, q)
	})
	if err != nil {
		return nil, err
	}
	if _, ok := in.Attributes["MessageRetentionPeriod"]; ok {
		if err := s.sweepSoon(ctx, q); err != nil {
			return nil, err
		}
	}
	return &sqsapi.SetQueueAttributesOutput{}, nil
}

// sweepSoon looks for messages that are too old now.
func (s *Service) sweepSoon(ctx context.Context, q *queue) error {
	_, err := update(ctx, s, q, func(tx store.Tx) (struct{}, error) {
		return struct{}{}, timer.Set(tx, timer.Promise{Kind: kindSweep, ID: q.sweepID(), Args: q.address()})
	})
	return err
}

// equalAttribute reports whether a queue has this value already.
func (q *queue) equalAttribute(s *Service, name, value string) bool {
	old := s.shown(q)[name]
	if old == value {
		return true
	}
	a, errA := jsondoc.Parse([]byte(old))
	b, errB := jsondoc.Parse([]byte(value))
	return errA == nil && errB == nil && jsondoc.Equal(a, b)
}
