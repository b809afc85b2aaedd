// Package notice tells topics what happens to stacks: every event of a stack with NotificationARNs is published to each of
// them. https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html (NotificationARNs)
package notice

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// kind is the promise to publish one event to one topic. Those of a stack are kept in the order of their events.
const kind = "cloudformation.notice"

const (
	argsVersion = 1
	subject     = "AWS CloudFormation Notification"
	// longest is how much of an event's properties is told: messages have a limit.
	longest = 32 << 10
)

// Event is what is told of an event.
type Event struct {
	StackID    string    `cbor:"1,keyasint"`
	Stack      string    `cbor:"2,keyasint"`
	ID         string    `cbor:"3,keyasint"`
	Logical    string    `cbor:"4,keyasint"`
	Physical   string    `cbor:"5,keyasint,omitempty"`
	Type       string    `cbor:"6,keyasint"`
	Status     string    `cbor:"7,keyasint"`
	Reason     string    `cbor:"8,keyasint,omitempty"`
	Time       time.Time `cbor:"9,keyasint"`
	Token      string    `cbor:"10,keyasint,omitempty"`
	Properties string    `cbor:"11,keyasint,omitempty"`
	Account    string    `cbor:"12,keyasint"`
}

type args struct {
	Topic string       `cbor:"1,keyasint"`
	Event Event        `cbor:"2,keyasint"`
	As    aws.Identity `cbor:"3,keyasint"` // who asked for the operation: it publishes
}

// Handle registers the promise with the timer.
func Handle(t *timer.Runner, caller aws.Caller, log *slog.Logger) {
	t.Handle(kind, func(ctx context.Context, k *timer.Kept) error {
		var a args
		if err := record.Decode(k.Args, argsVersion, &a); err != nil {
			return err
		}
		about, message := subject, a.Event.message()
		_, err := snsapi.NewClient(caller).Publish(ctx, a.As, &snsapi.PublishInput{TopicArn: &a.Topic, Subject: &about, Message: message})
		if err != nil && ctx.Err() == nil && aws.CodeOf(err) != "" {
			log.Warn("cloudformation: a topic was not told", "stack", a.Event.Stack, "topic", a.Topic, "error", err)
			return nil // it is not there, or the caller may not: so it will be at every attempt
		}
		return err
	}, timer.Policy{})
}

// Tell promises to publish e to every topic.
func Tell(tx store.Tx, as aws.Identity, topics []string, e Event) error {
	as.ViaService = "cloudformation.amazonaws.com"
	if len(e.Properties) > longest {
		e.Properties = ""
	}
	for _, topic := range topics {
		err := timer.Set(tx, timer.Promise{Kind: kind, Order: e.StackID + " " + topic, Args: record.Encode(argsVersion, args{topic, e, as})})
		if err != nil {
			return err
		}
	}
	return nil
}

// message is the event as CloudFormation writes it: a line for each of its members.
func (e *Event) message() string {
	var b strings.Builder
	for _, line := range [][2]string{{"StackId", e.StackID}, {"Timestamp", e.Time.UTC().Format("2006-01-02T15:04:05.000Z")}, {"EventId", e.ID},
		{"LogicalResourceId", e.Logical}, {"Namespace", e.Account}, {"PhysicalResourceId", e.Physical}, {"ResourceProperties", cmp.Or(e.Properties, "null")},
		{"ResourceStatus", e.Status}, {"ResourceStatusReason", e.Reason}, {"ResourceType", e.Type}, {"StackName", e.Stack},
		{"ClientRequestToken", cmp.Or(e.Token, "null")}} {
		fmt.Fprintf(&b, "%s='%s'\n", line[0], line[1])
	}
	return b.String()
}
