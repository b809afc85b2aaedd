package sns

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
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
	bad := func(format string, args ...any) error {
		return invalid("%s%s: %s", in, name, fmt.Sprintf(format, args...))
	}
	oneOf := func(words ...string) error {
		for _, w := range words {
			if value == w {
				return nil
			}
		}
		return bad("Invalid value [%s]. Please use one of: %s", value, strings.Join(words, ", "))
	}
	onlyFIFO := func() error {
		if !rec.FIFO {
			return bad("Content-based deduplication, throughput scope and archiving can only be set for FIFO topics")
		}
		return nil
	}
	var err error
	switch name {
	case attrPolicy:
		if value == "" {
			return invalid("%sPolicy Error: null", in)
		}
		if err = checkPolicy(value, in); err == nil {
			rec.Policy = value
		}
		return err
	case attrDisplay:
		if utf8.RuneCountInString(value) > maxDisplay || strings.ContainsFunc(value, unicode.IsControl) {
			err = bad("must be at most %d characters without control characters", maxDisplay)
		}
	case attrDelivery:
		if _, bad := retry.ParseTopic(value); bad != nil {
			err = invalid("%sDeliveryPolicy: %v", in, bad)
		}
	case attrSignature:
		err = oneOf("1", "2")
	case attrTracing:
		if rec.FIFO && value == "Active" {
			return bad("Active tracing is only supported on standard topics")
		}
		err = oneOf("PassThrough", "Active")
	case attrKey:
		if len(value) > 2048 {
			err = bad("too long")
		}
	case attrContentDedup:
		if err = onlyFIFO(); err == nil {
			err = oneOf("true", "false")
		}
	case attrThroughput:
		if err = onlyFIFO(); err == nil {
			err = oneOf("Topic", "MessageGroup")
		}
	case attrArchive:
		if err = onlyFIFO(); err == nil {
			rec.Days, err = parseArchive(value, in)
		}
		if rec.Days == 0 {
			value = ""
		}
	default:
		known, problem := checkFeedback(name, value)
		if !known {
			return invalid("%sAttributeName", in)
		}
		if problem != "" {
			err = bad("%s", problem)
		}
	}
	if err != nil {
		return err
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

// feedbackProtocols are those whose deliveries are logged, as the attributes begin.
func feedbackProtocols() []string {
	return []string{"HTTP", "Firehose", "Lambda", "Application", "SQS"}
}

// checkFeedback checks an attribute that says where delivery logs go.
// https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html
func checkFeedback(name, value string) (known bool, problem string) {
	for _, p := range feedbackProtocols() {
		rest, ok := strings.CutPrefix(name, p)
		if !ok {
			continue
		}
		switch rest {
		case "SuccessFeedbackRoleArn", "FailureFeedbackRoleArn":
			a, err := aws.ParseARN(value)
			if value != "" && (err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/")) {
				return true, "not the ARN of a role"
			}
			return true, ""
		case "SuccessFeedbackSampleRate":
			if n, err := strconv.Atoi(value); value != "" && (err != nil || n < 0 || n > 100) {
				return true, "must be between 0 and 100"
			}
			return true, ""
		}
	}
	return false, ""
}

// parseArchive reads {"MessageRetentionPeriod":"30"}; 0 says that nothing is archived.
func parseArchive(value, in string) (days int, err error) {
	if strings.TrimSpace(value) == "" {
		return 0, nil
	}
	doc, err := jsondoc.Parse([]byte(value))
	o, ok := doc.(*jsondoc.Object)
	if err != nil || !ok {
		return 0, invalid("%sArchivePolicy: failed to parse JSON", in)
	}
	if o.Len() == 0 {
		return 0, nil
	}
	v, _ := o.Get("MessageRetentionPeriod")
	text := strings.Trim(jsondoc.Text(v), `"`)
	if days, err = strconv.Atoi(text); err != nil || o.Len() != 1 || days < minRetention || days > maxRetention {
		return 0, invalid("%sArchivePolicy: MessageRetentionPeriod must be between %d and %d days", in, minRetention, maxRetention)
	}
	return days, nil
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
