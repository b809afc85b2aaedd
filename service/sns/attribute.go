package sns

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/brume-dev/brume/service/sns/attribute"
	"github.com/brume-dev/brume/service/sns/envelope"
	"github.com/brume-dev/brume/service/sns/retry"
)

// Attributes of topics.
const (
	attrPolicy       = "Policy"
	attrDisplay      = "DisplayName"
	attrDelivery     = "DeliveryPolicy"
	attrFIFO         = "FifoTopic"
	attrContentDedup = "ContentBasedDeduplication"
	attrThroughput   = "FifoThroughputScope"
	attrArchive      = "ArchivePolicy"
	attrSignature    = "SignatureVersion"
	attrTracing      = "TracingConfig"
	attrKey          = "KmsMasterKeyId"
)

// Counters of the subscriptions of a topic.
const (
	countConfirmed = "confirmed"
	countPending   = "pending"
	countDeleted   = "deleted"
	countFilters   = "filters"
)

// set changes one attribute of the record. in is where errors say that it stands.
func (rec *topicRecord) set(t ref, name, value, in string) error {
	if name == attrPolicy {
		if value == "" {
			return invalid("%sPolicy Error: null", in)
		}
		err := checkPolicy(value, in)
		if err == nil {
			rec.Policy = value
		}
		return err
	}
	known, err := rec.check(name, value)
	if !known {
		return invalid("%sAttributeName", in)
	}
	if err != nil {
		return wrong(in, name, err)
	}
	if name == attrArchive {
		if rec.Days, _ = attribute.Archive(value); rec.Days == 0 {
			value = ""
		}
	}
	rec.Attributes = maps.Clone(rec.Attributes)
	if rec.Attributes == nil {
		rec.Attributes = map[string]string{}
	}
	if value == "" {
		delete(rec.Attributes, name)
	} else {
		rec.Attributes[name] = value
	}
	return nil
}

// check says what is wrong with the value of an attribute; known is false when there is no such attribute.
func (rec *topicRecord) check(name, value string) (known bool, err error) {
	switch name {
	case attrContentDedup, attrThroughput, attrArchive:
		if !rec.FIFO {
			return true, errors.New("it can only be set for FIFO topics")
		}
	}
	switch name {
	case attrDisplay:
		if utf8.RuneCountInString(value) > maxDisplay || strings.ContainsFunc(value, unicode.IsControl) {
			err = fmt.Errorf("must be at most %d characters without control characters", maxDisplay)
		}
	case attrDelivery:
		_, err = retry.ParseTopic(value)
	case attrSignature:
		err = oneOf(value, "1", "2")
	case attrTracing:
		if err = oneOf(value, "PassThrough", "Active"); rec.FIFO && value == "Active" {
			err = errors.New("Active tracing is only supported on standard topics")
		}
	case attrKey:
		if len(value) > maxKeyID {
			err = errors.New("too long")
		}
	case attrContentDedup:
		err = oneOf(value, "true", "false")
	case attrThroughput:
		err = oneOf(value, "Topic", "MessageGroup")
	case attrArchive:
		_, err = attribute.Archive(value)
	default:
		var problem string
		if known, problem = attribute.Feedback(name, value); problem != "" {
			err = errors.New(problem)
		}
		return known, err
	}
	return true, err
}

func oneOf(value string, words ...string) error {
	if !slices.Contains(words, value) {
		return fmt.Errorf("Invalid value [%s]. Please use one of: %s", value, strings.Join(words, ", "))
	}
	return nil
}

// show is the record as GetTopicAttributes gives it, without the counters.
func (rec *topicRecord) show(t ref, now time.Time) map[string]string {
	out := maps.Clone(rec.Attributes)
	if out == nil {
		out = map[string]string{}
	}
	out["TopicArn"], out["Owner"], out[attrPolicy] = t.arn(), t.Account, rec.Policy
	if _, ok := out[attrDisplay]; !ok {
		out[attrDisplay] = ""
	}
	policy, _ := retry.ParseTopic(rec.Attributes[attrDelivery]) // it was checked when it was set
	effective := retry.Merge(policy, nil)
	out["EffectiveDeliveryPolicy"] = effective.Topic()
	if rec.FIFO {
		out[attrFIFO] = "true"
		if out[attrContentDedup] == "" {
			out[attrContentDedup] = "false"
		}
		if out[attrThroughput] == "" {
			out[attrThroughput] = "Topic"
		}
		if rec.archives() {
			out["BeginningArchiveTime"] = envelope.Timestamp(rec.beginning(now))
		}
	}
	return out
}

// signatureVersion is how the topic's messages are signed.
func (rec *topicRecord) signatureVersion() string {
	if v := rec.Attributes[attrSignature]; v != "" {
		return v
	}
	return "1"
}
