package sns_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/dispatch/script"
)

// TestScripts holds what operations answer, as text.
func TestScripts(t *testing.T) {
	script.Run(t, "testdata/*.txtar", func(t *testing.T) script.Options {
		r := newRig(t)
		return script.Options{Caller: r.table, Service: "sns", Identities: map[string]aws.Identity{"": me, "you": you},
			Advance: func(_ context.Context, d time.Duration) error { r.advance(d); return nil }}
	})
}

func (r *rig) attributes(topic string) map[string]string {
	r.t.Helper()
	out, err := r.GetTopicAttributes(r.t.Context(), me, &snsapi.GetTopicAttributesInput{TopicArn: topic})
	if err != nil {
		r.t.Fatal(err)
	}
	return out.Attributes
}

func (r *rig) counts(topic, want string) {
	r.t.Helper()
	a := r.attributes(topic)
	if got := a["SubscriptionsConfirmed"] + a["SubscriptionsPending"] + a["SubscriptionsDeleted"]; got != want {
		r.t.Errorf("confirmed, pending, deleted: %s, want %s", got, want)
	}
}

// The life of an HTTP subscription: asked for, confirmed, taken away, had back, forgotten.
func TestConfirmation(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	if arn := r.subscribe(topic, "https", hook, nil); arn != "pending confirmation" {
		t.Errorf("%s", arn)
	}
	r.counts(topic, "010")
	r.say(topic, "nobody yet")
	asked := r.take()
	if len(asked) != 1 {
		t.Fatalf("%+v", asked)
	}
	token := document(t, asked[0].body)["Token"].(string)
	_, err := r.ConfirmSubscription(t.Context(), none, &snsapi.ConfirmSubscriptionInput{TopicArn: topic, Token: strings.Repeat("0", len(token))})
	r.fails(err, "InvalidParameter")
	_, err = r.ConfirmSubscription(t.Context(), none, &snsapi.ConfirmSubscriptionInput{TopicArn: topic, Token: token, AuthenticateOnUnsubscribe: text("true")})
	r.fails(err, "AuthorizationError")
	out, err := r.ConfirmSubscription(t.Context(), none, &snsapi.ConfirmSubscriptionInput{TopicArn: topic, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	sub := *out.SubscriptionArn
	r.counts(topic, "100")
	if _, err := r.ConfirmSubscription(t.Context(), none, &snsapi.ConfirmSubscriptionInput{TopicArn: topic, Token: token}); err != nil {
		t.Errorf("a second time: %v", err)
	}
	r.say(topic, "hello")
	if got := r.take(); len(got) != 1 || document(t, got[0].body)["Message"] != "hello" {
		t.Errorf("%+v", got)
	}
	if _, err := r.Unsubscribe(t.Context(), none, &snsapi.UnsubscribeInput{SubscriptionArn: sub}); err != nil {
		t.Fatal(err)
	}
	r.counts(topic, "001")
	told := r.take()
	if len(told) != 1 || document(t, told[0].body)["Type"] != "UnsubscribeConfirmation" {
		t.Fatalf("%+v", told)
	}
	back := document(t, told[0].body)["Token"].(string)
	if out, err := r.ConfirmSubscription(t.Context(), me, &snsapi.ConfirmSubscriptionInput{TopicArn: topic, Token: back, AuthenticateOnUnsubscribe: text("true")}); err != nil || *out.SubscriptionArn != sub {
		t.Fatalf("%v", err)
	}
	r.counts(topic, "100")
	_, err = r.Unsubscribe(t.Context(), none, &snsapi.UnsubscribeInput{SubscriptionArn: sub})
	r.fails(err, "AuthorizationError")
	_, err = r.Unsubscribe(t.Context(), you, &snsapi.UnsubscribeInput{SubscriptionArn: sub})
	r.fails(err, "AuthorizationError")
	if _, err := r.Unsubscribe(t.Context(), me, &snsapi.UnsubscribeInput{SubscriptionArn: sub}); err != nil {
		t.Error(err)
	}
	r.counts(topic, "001")
	r.advance(49 * time.Hour)
	r.counts(topic, "000")
}

// What nobody confirms goes after two days, with its token.
func TestPendingEnds(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	r.subscribe(topic, "email", "me@example.com", nil)
	r.advance(47 * time.Hour)
	r.counts(topic, "010")
	r.subscribe(topic, "email", "me@example.com", nil) // asks once more: two more days
	r.advance(2 * time.Hour)
	r.counts(topic, "010")
	mails, err := r.Mails(t.Context(), me.Account, me.Region)
	if err != nil || len(mails) != 2 {
		t.Fatalf("%+v %v", mails, err)
	}
	r.advance(47 * time.Hour)
	r.counts(topic, "000")
	_, token, _ := strings.Cut(mails[0].Text, "Token=")
	token, _, _ = strings.Cut(token, "\n")
	_, err = r.ConfirmSubscription(t.Context(), none, &snsapi.ConfirmSubscriptionInput{TopicArn: topic, Token: token})
	r.fails(err, "InvalidParameter")
}

// A queue of another account must be confirmed by whoever reads it.
func TestOtherAccount(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	endpoint := "arn:aws:sqs:eu-west-1:444455556666:q"
	if arn := r.subscribe(topic, "sqs", endpoint, nil); arn != "pending confirmation" {
		t.Errorf("%s", arn)
	}
	got := r.take()
	if len(got) != 1 || document(t, got[0].body)["Type"] != "SubscriptionConfirmation" {
		t.Fatalf("%+v", got)
	}
	out, err := r.Subscribe(t.Context(), you, &snsapi.SubscribeInput{TopicArn: topic, Protocol: "sqs", Endpoint: text("arn:aws:sqs:eu-west-1:444455556666:own")})
	if err != nil || !strings.HasPrefix(*out.SubscriptionArn, topic+":") {
		t.Fatalf("%v", err)
	}
	r.settle()
	list, err := r.ListSubscriptions(t.Context(), you, &snsapi.ListSubscriptionsInput{})
	if err != nil || len(list.Subscriptions) != 1 || *list.Subscriptions[0].Owner != you.Account {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := r.DeleteTopic(t.Context(), me, &snsapi.DeleteTopicInput{TopicArn: topic}); err != nil {
		t.Fatal(err)
	}
	r.settle()
	if list, err = r.ListSubscriptions(t.Context(), you, &snsapi.ListSubscriptionsInput{}); err != nil || len(list.Subscriptions) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

// A topic of the same name as one that was deleted has nothing of it.
func TestRecreated(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	sub := r.subscribe(topic, "sqs", queueARN+"a", raw())
	if _, err := r.DeleteTopic(t.Context(), me, &snsapi.DeleteTopicInput{TopicArn: topic}); err != nil {
		t.Fatal(err)
	}
	r.topic("t", nil)
	_, err := r.GetSubscriptionAttributes(t.Context(), me, &snsapi.GetSubscriptionAttributesInput{SubscriptionArn: sub})
	r.fails(err, "NotFound")
	r.say(topic, "x")
	if got := r.take(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	r.counts(topic, "000")
}

// Lists come in pages of 100, each item once.
func TestPages(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	for i := range 230 {
		r.subscribe(topic, "sqs", fmt.Sprint(queueARN, "q", i), nil)
		r.topic(fmt.Sprint("t", i), nil)
	}
	seen := map[string]bool{}
	var token *string
	sizes := []int{}
	for {
		out, err := r.ListSubscriptionsByTopic(t.Context(), me, &snsapi.ListSubscriptionsByTopicInput{TopicArn: topic, NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range out.Subscriptions {
			seen[*s.SubscriptionArn] = true
		}
		sizes = append(sizes, len(out.Subscriptions))
		if token = out.NextToken; token == nil {
			break
		}
	}
	if len(seen) != 230 || !slices.Equal(sizes, []int{100, 100, 30}) {
		t.Errorf("%d in %v", len(seen), sizes)
	}
	n := 0
	for token = nil; ; {
		out, err := r.ListTopics(t.Context(), me, &snsapi.ListTopicsInput{NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		n += len(out.Topics)
		if token = out.NextToken; token == nil {
			break
		}
	}
	if n != 231 {
		t.Errorf("%d topics", n)
	}
	for _, madeUp := range []string{"!", "foo", "AAAA", "AAAAAHg"} {
		_, err := r.ListTopics(t.Context(), me, &snsapi.ListTopicsInput{NextToken: &madeUp})
		r.fails(err, "InvalidParameter")
	}
}

// What an operation needs, and by whose policy.
func TestAccess(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	access := func(id aws.Identity, op string, in any) aws.Access {
		t.Helper()
		a, err := r.Access(t.Context(), id, op, in)
		if err != nil || len(a) == 0 {
			t.Fatalf("%v %v", a, err)
		}
		return a[0]
	}
	a := access(you, "PublishBatch", &snsapi.PublishBatchInput{TopicArn: topic})
	if a.Action != "sns:Publish" || a.Resource != topic || a.ResourceAccount != me.Account || !strings.Contains(a.ResourcePolicy, "__default_policy_ID") {
		t.Errorf("%+v", a)
	}
	a = access(me, "Subscribe", &snsapi.SubscribeInput{TopicArn: topic, Protocol: "sqs", Endpoint: text("e")})
	if a.Context["sns:Protocol"][0] != "sqs" || a.Context["sns:Endpoint"][0] != "e" {
		t.Errorf("%+v", a)
	}
	if a = access(me, "ListTopics", &snsapi.ListTopicsInput{}); a.Resource != "*" {
		t.Errorf("%+v", a)
	}
	r.policy = func(id aws.Identity, a []aws.Access) error {
		return errors.New("asked for " + a[0].Action)
	}
	_, err := r.Unsubscribe(t.Context(), me, &snsapi.UnsubscribeInput{SubscriptionArn: topic + ":x"})
	if err == nil || err.Error() != "asked for sns:Unsubscribe" {
		t.Errorf("a signed call is not authorized: %v", err)
	}
	if _, err := r.Unsubscribe(t.Context(), none, &snsapi.UnsubscribeInput{SubscriptionArn: topic + ":x"}); err != nil {
		t.Error(err)
	}
}

// A replay sends what is archived, in order, once, and then what is new; one that ends sends nothing after its end.
func TestReplay(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t.fifo", map[string]string{"ContentBasedDeduplication": "true", "ArchivePolicy": `{"MessageRetentionPeriod":"2"}`})
	say := func(i int) {
		t.Helper()
		body := fmt.Sprint(i)
		if i%50 == 7 {
			body += strings.Repeat(" ", 200<<10)
		}
		r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: body, MessageGroupId: text(fmt.Sprint("g", i%3))})
	}
	const archived = 250
	for i := range archived {
		say(i)
	}
	r.advance(time.Hour)
	end := r.clock.Now()
	r.advance(time.Second)
	begin := r.attributes(topic)["BeginningArchiveTime"]
	point := func(extra string) string {
		return `{"PointType":"Timestamp","StartingPoint":"` + begin + `"` + extra + `}`
	}
	a := r.subscribe(topic, "sqs", queueARN+"a.fifo", raw("ReplayPolicy", point("")))
	b := r.subscribe(topic, "sqs", queueARN+"b.fifo", raw("ReplayPolicy", point(`,"EndingPoint":"`+end.Format(time.RFC3339)+`"`)))
	for i := archived; i < archived+10; i++ { // while the replay goes on
		say(i)
	}
	r.settle()
	for i := archived + 10; i < archived+20; i++ {
		say(i)
	}
	got := map[string][]int{}
	for _, s := range r.take() {
		n := 0
		_, _ = fmt.Sscan(s.body, &n)
		got[s.to+" "+s.group] = append(got[s.to+" "+s.group], n)
		if replayed := s.entry.MessageAttributes["Replayed"].StringValue; (replayed != nil) != (n < archived) && n < archived {
			t.Errorf("%d: replayed %v", n, replayed)
		}
	}
	for g := range 3 {
		for name, last := range map[string]int{"a.fifo": archived + 20, "b.fifo": archived} {
			var want []int
			for i := g; i < last; i += 3 {
				want = append(want, i)
			}
			if key := fmt.Sprint(name, " g", g); !slices.Equal(got[key], want) {
				t.Errorf("%s: %v", key, got[key])
			}
		}
	}
	for _, sub := range []string{a, b} {
		out, err := r.GetSubscriptionAttributes(t.Context(), me, &snsapi.GetSubscriptionAttributesInput{SubscriptionArn: sub})
		if err != nil || out.Attributes["ReplayStatus"] != "Completed" {
			t.Errorf("%+v %v", out, err)
		}
	}
	// Without the policy the subscription is an ordinary one again.
	if _, err := r.SetSubscriptionAttributes(t.Context(), me, &snsapi.SetSubscriptionAttributesInput{SubscriptionArn: b, AttributeName: "ReplayPolicy", AttributeValue: text("{}")}); err != nil {
		t.Fatal(err)
	}
	r.take()
	say(1000)
	if got := r.take(); len(got) != 2 {
		t.Errorf("%d messages", len(got))
	}
	// What is older than the retention is not there any more.
	r.advance(72 * time.Hour)
	r.subscribe(topic, "sqs", queueARN+"c.fifo", raw("ReplayPolicy", point("")))
	if got := r.take(); len(got) != 0 {
		t.Errorf("%d messages from an archive that has none", len(got))
	}
}

// A replay whose end is to come passes new messages on until then, and none after.
func TestReplayIntoTheFuture(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t.fifo", map[string]string{"ContentBasedDeduplication": "true", "ArchivePolicy": `{"MessageRetentionPeriod":"2"}`})
	say := func(body string) {
		r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: body, MessageGroupId: text("g")})
	}
	say("old")
	r.advance(time.Hour)
	policy := fmt.Sprintf(`{"PointType":"Timestamp","StartingPoint":"%s","EndingPoint":"%s"}`, start.Format(time.RFC3339), r.clock.Now().Add(time.Hour).Format(time.RFC3339))
	sub := r.subscribe(topic, "sqs", queueARN+"a.fifo", raw("ReplayPolicy", policy))
	state := func(want string) {
		t.Helper()
		out, err := r.GetSubscriptionAttributes(t.Context(), me, &snsapi.GetSubscriptionAttributesInput{SubscriptionArn: sub})
		if err != nil || out.Attributes["ReplayStatus"] != want {
			t.Errorf("%s %v, want %s", out.Attributes["ReplayStatus"], err, want)
		}
	}
	r.settle()
	state("In progress")
	say("new")
	r.advance(30 * time.Minute)
	say("newer")
	if got := r.bodies(); !slices.Equal(got, []string{"a.fifo old", "a.fifo new", "a.fifo newer"}) {
		t.Errorf("%q", got)
	}
	r.advance(time.Hour)
	state("Completed")
	say("too late")
	if got := r.bodies(); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

// A batch with bad messages publishes the others.
func TestLimits(t *testing.T) {
	r := newRig(t)
	topic := r.topic("t", nil)
	r.subscribe(topic, "sqs", queueARN+"a", raw())
	entry := func(id string, n int) snsapi.PublishBatchRequestEntry {
		return snsapi.PublishBatchRequestEntry{Id: id, Message: strings.Repeat("x", n)}
	}
	_, err := r.PublishBatch(t.Context(), me, &snsapi.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: []snsapi.PublishBatchRequestEntry{entry("a", 200<<10), entry("b", 100<<10)}})
	r.fails(err, "BatchRequestTooLong")
	_, err = r.PublishBatch(t.Context(), me, &snsapi.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: []snsapi.PublishBatchRequestEntry{entry("a b", 1)}})
	r.fails(err, "InvalidBatchEntryId")
	r.publish(&snsapi.PublishInput{TopicArn: &topic, Message: strings.Repeat("x", 256<<10)})
	if got := r.take(); len(got) != 1 || len(got[0].body) != 256<<10 {
		t.Errorf("%d messages", len(got))
	}
	for i := range 200 {
		r.subscribe(topic, "sqs", fmt.Sprint(queueARN, "f", i), map[string]string{"FilterPolicy": `{"a":["b"]}`})
	}
	_, err = r.Subscribe(t.Context(), me, &snsapi.SubscribeInput{TopicArn: topic, Protocol: "sqs", Endpoint: text(queueARN + "g"), Attributes: map[string]string{"FilterPolicy": `{"a":["b"]}`}})
	r.fails(err, "FilterPolicyLimitExceeded")
}
