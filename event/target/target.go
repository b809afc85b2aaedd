// Package target delivers one event to one ARN, for every service that pushes: EventBridge to the targets of its
// rules, Lambda to destinations and dead-letter queues, S3 to notifications, SNS to subscribers. A delivery is a promise
// in the sender's own transaction; after the commit it is made through the table of operations, at least once, with
// EventBridge's retry policy and dead-letter queue. There is one file for each kind of ARN.
//
//	err := target.Send(tx, target.Delivery{Target: arn, Body: event, From: rule})   // in a transaction
//	target.Register(target.Config{Runner: r, Caller: table, Roles: sts, Clock: c})  // once, in main
package target

import (
	"fmt"
	"strings"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// Kind is the timer's kind of deliveries.
const Kind = "event.target"

// version of the stored Delivery.
const version = 1

// Delivery is an event on its way to a target.
type Delivery struct {
	// Target is the ARN to deliver to.
	Target string `cbor:"1,keyasint"`
	// Body is what the target gets: the payload of a function, the message of a queue or topic, the input of an
	// execution, the log event, the object. For an event bus it is an event with its envelope (Event).
	Body []byte `cbor:"2,keyasint,omitempty"`
	// From is who delivers.
	From Sender `cbor:"3,keyasint"`
	// Role, when set, is assumed for the delivery; else From's service principal makes it, by what the target's
	// resource policy says.
	Role string `cbor:"4,keyasint,omitempty"`
	// Retry is nil for the default: 24 hours, 185 retries.
	Retry *Retry `cbor:"5,keyasint,omitempty"`
	// DeadLetter, when not nil, is the queue for what could not be delivered.
	DeadLetter *DeadLetter `cbor:"6,keyasint,omitempty"`
	// Order, when set, has deliveries with the same Order made one after another, in the order of their commits.
	Order string `cbor:"7,keyasint,omitempty"`

	// GroupID and DeduplicationID are for FIFO queues and topics. GroupID is also the partition key of a stream.
	GroupID         string `cbor:"8,keyasint,omitempty"`
	DeduplicationID string `cbor:"9,keyasint,omitempty"`
	// Attributes are message attributes, for queues and topics.
	Attributes map[string]Attribute `cbor:"10,keyasint,omitempty"`
	// Subject is for topics.
	Subject string `cbor:"11,keyasint,omitempty"`
	// Key is the object's key, for buckets.
	Key string `cbor:"12,keyasint,omitempty"`
	// Trace is the X-Amzn-Trace-Id to go on with.
	Trace string `cbor:"13,keyasint,omitempty"`
	// HTTP is for API destinations.
	HTTP *HTTP `cbor:"14,keyasint,omitempty"`
}

// Sender is the AWS service that delivers, and the resource for which it does.
type Sender struct {
	Service string `cbor:"1,keyasint"` // the principal, "events.amazonaws.com"
	Account string `cbor:"2,keyasint"`
	Region  string `cbor:"3,keyasint"`
	ARN     string `cbor:"4,keyasint,omitempty"` // aws:SourceArn: the rule, the function, the bucket, the topic
}

// Retry says for how long a delivery is tried again.
type Retry struct {
	MaxAge  time.Duration `cbor:"1,keyasint,omitempty"` // MinAge to MaxAge; 0 is MaxAge
	Retries int           `cbor:"2,keyasint,omitempty"` // 0 to MaxRetries, after the first attempt
}

// DeadLetter is where a delivery goes that failed for good: an SQS queue or an SNS topic. The message has EventBridge's
// attributes: RULE_ARN, TARGET_ARN, ERROR_CODE, ERROR_MESSAGE and, when there were retries, EXHAUSTED_RETRY_CONDITION
// and RETRY_ATTEMPTS.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
type DeadLetter struct {
	ARN string `cbor:"1,keyasint"`
	// Body is the message; nil means that of the delivery. EventBridge sends the event as it came, not the
	// target's transformed input.
	Body []byte `cbor:"2,keyasint,omitempty"`
	// Role as in Delivery; EventBridge uses none here.
	Role string `cbor:"3,keyasint,omitempty"`
}

// Attribute is a message attribute.
type Attribute struct {
	Type   string `cbor:"1,keyasint"` // "String", "Number", "Binary"
	String string `cbor:"2,keyasint,omitempty"`
	Binary []byte `cbor:"3,keyasint,omitempty"`
}

// Send delivers d after tx commits. It returns an error, and nothing is delivered, when d is not a delivery that can be
// made (see Check) or is too large (timer.MaxArgs).
func Send(tx store.Tx, d Delivery) error {
	if err := d.check(); err != nil {
		return err
	}
	return timer.Set(tx, timer.Promise{
		Kind:  Kind,
		Args:  record.Encode(version, d),
		Dest:  d.Target,
		Order: d.Order,
	})
}

// Check returns an error unless events can be delivered to arn. Services ask when a target is configured.
func Check(arn string) error {
	a, err := aws.ParseARN(arn)
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	if senderOf(a) == nil || a.Service != "s3" && (a.Region == "" || a.Account == "") {
		return fmt.Errorf("target: events cannot be delivered to %s", arn)
	}
	return nil
}

func (d *Delivery) check() error {
	if err := Check(d.Target); err != nil {
		return err
	}
	if strings.HasPrefix(d.Target, "arn:aws:s3:") && d.Key == "" {
		return fmt.Errorf("target: no key for the object in %s", d.Target)
	}
	if r := d.Retry; r != nil && (r.MaxAge != 0 && r.MaxAge < MinAge || r.MaxAge > MaxAge || r.Retries < 0 || r.Retries > MaxRetries) {
		return fmt.Errorf("target: retry policy %+v", *r)
	}
	if d.DeadLetter == nil {
		return nil
	}
	switch a, err := aws.ParseARN(d.DeadLetter.ARN); {
	case err != nil:
		return fmt.Errorf("target: dead-letter queue: %w", err)
	case a.Service != "sqs" && a.Service != "sns":
		return fmt.Errorf("target: %s is no dead-letter queue", d.DeadLetter.ARN)
	}
	return nil
}

// limits are the retry policy with its defaults.
func (d *Delivery) limits() Retry {
	if d.Retry == nil {
		return Retry{MaxAge: MaxAge, Retries: MaxRetries}
	}
	r := *d.Retry
	if r.MaxAge == 0 {
		r.MaxAge = MaxAge
	}
	return r
}
