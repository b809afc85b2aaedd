package sns_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
)

func denied() error { return aws.Errorf("AccessDenied", 403, "no") }
func broken() error { return aws.Errorf("InternalFailure", 500, "broken") }

// What is published goes to every subscription that there was, by what it asks for.
func TestFanOut(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	r.say(topic, "before anybody listens")
	r.subscribe(topic, "sqs", queueARN+"a", raw())
	r.subscribe(topic, "sqs", queueARN+"b", raw("FilterPolicy", `{"kind":["x"]}`))
	r.subscribe(topic, "sqs", queueARN+"c", raw("FilterPolicy", `{"kind":["x"]}`, "FilterPolicyScope", "MessageBody"))
	function := "arn:aws:lambda:eu-west-1:111122223333:function:f"
	sub := r.subscribe(topic, "lambda", function, nil)
	r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: `{"kind":"x"}`})
	r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: "two", MessageAttributes: map[string]snsapi.MessageAttributeValue{"kind": {DataType: "String", StringValue: text("x")}}})
	var queues, events []string
	for _, s := range r.take() {
		if s.to == function {
			events = append(events, s.body)
		} else {
			queues = append(queues, s.to+" "+s.body)
		}
	}
	slices.Sort(queues)
	if want := []string{`a two`, `a {"kind":"x"}`, `b two`, `c {"kind":"x"}`}; !slices.Equal(queues, want) {
		t.Errorf("%q", queues)
	}
	if len(events) != 2 || !strings.Contains(events[0], `"EventSubscriptionArn":"`+sub+`"`) {
		t.Errorf("%q", events)
	}
}

// Server-side errors are tried again by the schedule of AWS's own endpoints; what helps nobody goes to the dead-letter queue.
func TestRetriesOfQueues(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	r.subscribe(topic, "sqs", queueARN+"a", raw("RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN+`dead"}`))
	r.refuse = func(to, body string, n int) error {
		switch {
		case to == "dead":
			return nil
		case body == "forbidden":
			return denied()
		case n <= 8:
			return broken()
		}
		return nil
	}
	r.say(topic, "late")
	if got := r.take(); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
	r.advance(time.Minute)
	got := r.take()
	// 3 at once, 2 a second apart, then 1, 2, 4 seconds (and a little).
	if len(got) != 1 || got[0].at < 9*time.Second || got[0].at > 10*time.Second {
		t.Fatalf("%+v", got)
	}
	id := *r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: "forbidden", MessageAttributes: map[string]snsapi.MessageAttributeValue{
		"own": {DataType: "String", StringValue: text("x")}}}).MessageId
	got = r.take()
	if len(got) != 1 || got[0].to != "dead" || got[0].body != "forbidden" {
		t.Fatalf("%+v", got)
	}
	value := func(name string) string {
		if a, ok := got[0].entry.MessageAttributes[name]; ok && a.StringValue != nil {
			return *a.StringValue
		}
		return ""
	}
	if value("own") != "x" || value("RequestID") != id || value("ErrorCode") != "AccessDenied" || value("ErrorMessage") == "" {
		t.Errorf("%+v", got[0].entry.MessageAttributes)
	}
}

// confirmHTTP makes a confirmed HTTP subscription.
func (r *rig) confirmHTTP(topic, url string, attributes map[string]string) string {
	r.t.Helper()
	if arn := r.subscribe(topic, "https", url, attributes); arn != "pending confirmation" {
		r.t.Fatalf("subscribed as %s", arn)
	}
	got := r.take()
	if len(got) != 1 || got[0].to != url || got[0].header.Get("x-amz-sns-message-type") != "SubscriptionConfirmation" {
		r.t.Fatalf("%+v", got)
	}
	out, err := r.ConfirmSubscription(r.t.Context(), none, &snsapi.ConfirmSubscriptionInput{TopicArn: topic, Token: document(r.t, got[0].body)["Token"].(string)})
	if err != nil {
		r.t.Fatal(err)
	}
	return *out.SubscriptionArn
}

const hook = "https://example.com/hook"

// An HTTP endpoint is tried again by its delivery policy, and no more when it says that the message is wrong.
func TestRetriesOfHTTP(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	policy := `{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":60,"numRetries":10,"numNoDelayRetries":2,"numMinDelayRetries":2,"numMaxDelayRetries":2,` +
		`"backoffFunction":"geometric"}}`
	r.confirmHTTP(topic, hook, map[string]string{"DeliveryPolicy": policy, "RedrivePolicy": `{"deadLetterTargetArn":"` + queueARN + `dead"}`})
	before := r.tries[hook]
	r.status = func(string, int) int { return 503 }
	r.say(topic, "x")
	r.advance(time.Hour)
	if n := r.tries[hook] - before; n != 11 {
		t.Errorf("%d attempts", n)
	}
	got := r.take()
	if len(got) != 1 || got[0].to != "dead" || document(t, got[0].body)["Message"] != "x" || *got[0].entry.MessageAttributes["ErrorCode"].StringValue != "503" {
		t.Errorf("%+v", got)
	}
	before = r.tries[hook]
	r.status = func(string, int) int { return 404 }
	r.say(topic, "y")
	r.advance(time.Hour)
	if n := r.tries[hook] - before; n != 1 {
		t.Errorf("%d attempts after 404", n)
	}
	r.take()
	r.status = func(_ string, n int) int { return map[bool]int{true: 0, false: 204}[n%2 == 0] }
	r.say(topic, "z")
	r.advance(time.Hour)
	if got := r.take(); len(got) != 1 || document(t, got[0].body)["Message"] != "z" {
		t.Errorf("%+v", got)
	}
}

func TestHTTPHeadersAndRaw(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	sub := r.confirmHTTP(topic, hook, raw("DeliveryPolicy", `{"requestPolicy":{"headerContentType":"text/csv"}}`))
	id := *r.say(topic, "a,b").MessageId
	got := r.take()
	if len(got) != 1 || got[0].body != "a,b" {
		t.Fatalf("%+v", got)
	}
	for name, want := range map[string]string{"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": id, "x-amz-sns-topic-arn": topic,
		"x-amz-sns-subscription-arn": sub, "x-amz-sns-rawdelivery": "true", "Content-Type": "text/csv", "User-Agent": "Amazon Simple Notification Service Agent"} {
		if v := got[0].header.Get(name); v != want {
			t.Errorf("%s: %q", name, v)
		}
	}
}

// maxReceivesPerSecond spreads what is published at once.
func TestThrottle(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", map[string]string{"DeliveryPolicy": `{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":2}}}`})
	r.confirmHTTP(topic, hook, nil)
	for i := range 6 {
		r.say(topic, fmt.Sprint(i))
	}
	r.advance(10 * time.Second)
	perSecond := map[int]int{}
	for _, s := range r.take() {
		perSecond[int(s.at/time.Second)]++
	}
	if len(perSecond) != 3 || perSecond[0] != 2 || perSecond[1] != 2 || perSecond[2] != 2 {
		t.Errorf("%v", perSecond)
	}
}

// A FIFO topic keeps the order of a group although one message fails again and again, and holds up no other group and no
// other subscription.
func TestOrder(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t.fifo", map[string]string{"ContentBasedDeduplication": "true"})
	r.subscribe(topic, "sqs", queueARN+"a.fifo", raw())
	r.subscribe(topic, "sqs", queueARN+"b.fifo", raw())
	failures := 0
	r.refuse = func(to, body string, _ int) error {
		if to == "a.fifo" && body == "g0" && failures < 12 {
			failures++
			return broken()
		}
		return nil
	}
	large := strings.Repeat("x", 200<<10)
	for i := range 5 {
		for _, g := range []string{"g", "h"} {
			r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: fmt.Sprint(g, i), MessageGroupId: &g})
		}
	}
	r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: large, MessageGroupId: text("g")})
	order := map[string][]string{}
	collect := func() {
		for _, s := range r.take() {
			body := s.body
			if body == large {
				body = "large"
			}
			order[s.to+s.group] = append(order[s.to+s.group], body)
			if s.dedup == "" {
				t.Error("no deduplication id")
			}
		}
	}
	collect()
	want := []string{"g0", "g1", "g2", "g3", "g4", "large"}
	if len(order["a.fifog"]) != 0 || !slices.Equal(order["b.fifog"], want) || len(order["a.fifoh"]) != 5 {
		t.Errorf("%v", order)
	}
	r.advance(10 * time.Minute)
	collect()
	if !slices.Equal(order["a.fifog"], want) {
		t.Errorf("%v", order)
	}
}

// The same message within five minutes is taken and goes nowhere.
func TestDeduplication(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t.fifo", nil)
	r.subscribe(topic, "sqs", queueARN+"a.fifo", raw())
	say := func(group, dedup string) *snsapi.PublishResponse {
		return r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: "m", MessageGroupId: &group, MessageDeduplicationId: &dedup})
	}
	first := say("g", "1")
	if again := say("h", "1"); *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
		t.Errorf("%v %v", *again.MessageId, *first.MessageId)
	}
	if got := r.take(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
	r.advance(5*time.Minute + time.Second)
	say("g", "1")
	if got := r.take(); len(got) != 1 {
		t.Errorf("%d messages after the window", len(got))
	}
	if _, err := r.SetTopicAttributes(t.Context(), me, &snsapi.SetTopicAttributesInput{TopicArn: topic, AttributeName: "FifoThroughputScope", AttributeValue: text("MessageGroup")}); err != nil {
		t.Fatal(err)
	}
	say("g", "2")
	say("h", "2")
	say("h", "2")
	if got := r.take(); len(got) != 2 {
		t.Errorf("%d messages in two groups", len(got))
	}
}

// The envelope is the same text for all; a message by protocol and one of raw delivery are not.
func TestStructure(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", map[string]string{"SignatureVersion": "2"})
	r.subscribe(topic, "sqs", queueARN+"a", nil)
	r.subscribe(topic, "lambda", "arn:aws:lambda:eu-west-1:111122223333:function:f", nil)
	r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: `{"default":"d","sqs":"q","email":5}`, MessageStructure: text("json")})
	for _, s := range r.take() {
		if strings.HasPrefix(s.to, "arn:") {
			if !strings.Contains(s.body, `"Message":"d"`) {
				t.Errorf("%s", s.body)
			}
		} else if d := document(t, s.body); d["Message"] != "q" || d["SignatureVersion"] != "2" || d["Signature"] == "" {
			t.Errorf("%v", d)
		}
	}
}

// Deliveries are logged by the role that the topic names.
func TestFeedback(t *testing.T) {
	r := newRig(t)
	role := "arn:aws:iam::111122223333:role/r"
	topic := r.topic("t", map[string]string{"SQSSuccessFeedbackRoleArn": role, "SQSSuccessFeedbackSampleRate": "100", "SQSFailureFeedbackRoleArn": role})
	r.subscribe(topic, "sqs", queueARN+"a", nil)
	r.subscribe(topic, "sqs", queueARN+"b", nil)
	r.refuse = func(to, _ string, _ int) error {
		if to == "b" {
			return denied()
		}
		return nil
	}
	r.say(topic, "x")
	r.settle()
	good, bad := r.logged["sns/eu-west-1/111122223333/t"], r.logged["sns/eu-west-1/111122223333/t/Failure"]
	if len(good) != 1 || document(t, good[0])["status"] != "SUCCESS" || len(bad) != 1 || document(t, bad[0])["status"] != "FAILURE" {
		t.Errorf("%q %q", good, bad)
	}
}

// A process that dies after the queue has the message and before it knows delivers once more; nothing is lost.
func TestNothingIsLostOnTheWay(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	r.subscribe(topic, "sqs", queueARN+"a", raw())
	r.refuse = func(string, string, int) error { return broken() }
	for i := range 5 {
		r.say(topic, fmt.Sprint(i))
	}
	r.settle()
	other := rigOn(t, r.clock, r.store)
	other.run()
	other.advance(time.Minute)
	if got := other.take(); len(got) < 5 {
		t.Errorf("%d messages", len(got))
	}
}
