// Package attribute reads those attributes of topics and subscriptions that are documents of their own.
package attribute

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

const fifoSuffix = ".fifo"

// object reads a document that must be an object; "" and {} are nil.
func object(text string) (*jsondoc.Object, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	doc, err := jsondoc.Parse([]byte(text))
	o, ok := doc.(*jsondoc.Object)
	if err != nil || !ok {
		return nil, errors.New("failed to parse JSON")
	}
	if o.Len() == 0 {
		return nil, nil
	}
	return o, nil
}

// Redrive reads a RedrivePolicy, {"deadLetterTargetArn":"arn:aws:sqs:…"}, of a subscription to a topic. The queue is "" when it
// names none. https://docs.aws.amazon.com/sns/latest/dg/sns-configure-dead-letter-queue.html
func Redrive(text string, topic aws.ARN) (queue string, err error) {
	o, err := object(text)
	if o == nil {
		return "", err
	}
	v, _ := o.Get("deadLetterTargetArn")
	queue, ok := v.(string)
	if !ok || o.Len() != 1 {
		return "", errors.New("deadLetterTargetArn is the only member and must be a string")
	}
	a, err := aws.ParseARN(queue)
	kind, name := a.Split()
	ordered := strings.HasSuffix(topic.Resource, fifoSuffix)
	switch {
	case err != nil || a.Service != "sqs" || kind != "":
		return "", errors.New("deadLetterTargetArn is an invalid arn")
	case a.Account != topic.Account || a.Region != topic.Region:
		return "", errors.New("deadLetterTargetArn must be in the account and region of the subscription")
	case strings.HasSuffix(name, fifoSuffix) && !ordered:
		return "", errors.New("must use a standard queue as DLQ for a subscription to a standard topic")
	case !strings.HasSuffix(name, fifoSuffix) && ordered:
		return "", errors.New("must use a FIFO queue as DLQ for a FIFO topic")
	}
	return queue, nil
}

// Limits of an ArchivePolicy.
// https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-topic-owner.html
const minRetention, maxRetention = 1, 365 // days

// Archive reads an ArchivePolicy, {"MessageRetentionPeriod":"30"}; 0 days say that nothing is archived.
func Archive(text string) (days int, err error) {
	o, err := object(text)
	if o == nil {
		return 0, err
	}
	v, _ := o.Get("MessageRetentionPeriod")
	if days, err = strconv.Atoi(strings.Trim(jsondoc.Text(v), `"`)); err != nil || o.Len() != 1 || days < minRetention || days > maxRetention {
		return 0, fmt.Errorf("MessageRetentionPeriod must be between %d and %d days", minRetention, maxRetention)
	}
	return days, nil
}

// Span is the time that a ReplayPolicy names. End is zero when it names none.
type Span struct{ Start, End time.Time }

// Replay reads a ReplayPolicy, {"PointType":"Timestamp","StartingPoint":"…","EndingPoint":"…"}; nil says that nothing is replayed.
// https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-subscriber.html
func Replay(text string) (*Span, error) {
	o, err := object(text)
	if o == nil {
		return nil, err
	}
	p := &Span{}
	for name, v := range o.All() {
		word, _ := v.(string)
		var err error
		switch name {
		case "PointType":
			if word != "Timestamp" {
				return nil, errors.New("PointType must be Timestamp")
			}
		case "StartingPoint":
			p.Start, err = time.Parse(time.RFC3339, word)
		case "EndingPoint":
			p.End, err = time.Parse(time.RFC3339, word)
		default:
			return nil, fmt.Errorf("Unexpected JSON member: %s", name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s must be a timestamp in ISO 8601 format", name)
		}
	}
	if _, ok := o.Get("PointType"); !ok || p.Start.IsZero() {
		return nil, errors.New("PointType and StartingPoint are required")
	}
	if !p.End.IsZero() && !p.End.After(p.Start) {
		return nil, errors.New("EndingPoint must be after StartingPoint")
	}
	return p, nil
}

// protocols are those whose deliveries are logged, as the attributes begin.
func protocols() []string {
	return []string{"HTTP", "Firehose", "Lambda", "Application", "SQS"}
}

// Feedback checks an attribute that says where delivery logs go; known says that it is one.
// https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html
func Feedback(name, value string) (known bool, problem string) {
	for _, p := range protocols() {
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
