package eventbridge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
)

func lambdaTarget(id string) eventbridgeapi.Target {
	return eventbridgeapi.Target{Id: id, Arn: function}
}

func TestEventsReachTargets(t *testing.T) {
	r := newRig(t)
	r.bus("b")
	arn := r.rule("b", "orders", `{"source":["shop"],"detail":{"n":[{"numeric":[">",5]}]}}`, lambdaTarget("whole"),
		eventbridgeapi.Target{Id: "path", Arn: function + "2", InputPath: p("$.detail.n")},
		eventbridgeapi.Target{Id: "constant", Arn: function + "3", Input: p(`{"a":1}`)},
		eventbridgeapi.Target{Id: "template", Arn: function + "4", InputTransformer: &eventbridgeapi.InputTransformer{
			InputPathsMap: map[string]string{"n": "$.detail.n"}, InputTemplate: `{"n":<n>,"rule":<aws.events.rule-arn>,"at":"<aws.events.event.ingestion-time>"}`}})
	r.rule("b", "others", `{"source":["other"]}`, lambdaTarget("x"))
	ids := r.put(entry("b", "shop", `{ "n" : 6.50 }`), entry("b", "shop", `{"n":5}`), entry(arnOf+"event-bus/b", "nobody", `{}`))
	want := map[string]string{
		function: `{"version":"0","id":"` + ids[0] + `","detail-type":"t","source":"shop","account":"111122223333","time":"2026-01-02T03:04:05Z",` +
			`"region":"eu-west-1","resources":[],"detail":{"n":6.50}}`,
		function + "2": "6.50",
		function + "3": `{"a":1}`,
		function + "4": `{"n":6.50,"rule":"` + arn + `","at":"2026-01-02T03:04:05Z"}`,
	}
	calls := r.taken()
	if len(calls) != len(want) {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
	for _, c := range calls {
		if c.payload != want[c.function] || c.by != arn {
			t.Errorf("%s by %s got %s, want %s", c.function, c.by, c.payload, want[c.function])
		}
	}
}

// A change of rules counts for the very next event.
func TestChangesCountAtOnce(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	send := func(want int) {
		t.Helper()
		r.put(entry("default", "s", "{}"))
		if got := len(r.taken()); got != want {
			t.Errorf("%d calls, want %d", got, want)
		}
	}
	send(0)
	r.rule("default", "r", `{"source":["s"]}`, lambdaTarget("a"))
	send(1)
	must[*eventbridgeapi.DisableRuleOutput](t)(r.DisableRule(ctx, me, &eventbridgeapi.DisableRuleRequest{Name: "r"}))
	send(0)
	must[*eventbridgeapi.EnableRuleOutput](t)(r.EnableRule(ctx, me, &eventbridgeapi.EnableRuleRequest{Name: "r"}))
	must[*eventbridgeapi.PutTargetsResponse](t)(r.PutTargets(ctx, me, &eventbridgeapi.PutTargetsRequest{Rule: "r", Targets: []eventbridgeapi.Target{lambdaTarget("b")}}))
	send(2)
	r.rule("default", "r", `{"source":["other"]}`)
	send(0)
	r.rule("default", "r", `{"source":[{"prefix":"s"}]}`)
	send(2)
	must[*eventbridgeapi.RemoveTargetsResponse](t)(r.RemoveTargets(ctx, me, &eventbridgeapi.RemoveTargetsRequest{Rule: "r", Ids: []string{"a", "none"}}))
	send(1)
}

func TestEntriesThatAreRefused(t *testing.T) {
	r := newRig(t)
	r.rule("default", "r", `{"source":[{"prefix":""}]}`, lambdaTarget("a"))
	e := func(f func(*eventbridgeapi.PutEventsRequestEntry)) eventbridgeapi.PutEventsRequestEntry {
		e := entry("default", "s", "{}")
		f(&e)
		return e
	}
	for _, c := range []struct {
		entry         eventbridgeapi.PutEventsRequestEntry
		code, message string
	}{
		{e(func(e *eventbridgeapi.PutEventsRequestEntry) { e.Source = nil }), "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."},
		{e(func(e *eventbridgeapi.PutEventsRequestEntry) { e.DetailType = p("") }), "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."},
		{e(func(e *eventbridgeapi.PutEventsRequestEntry) { e.Detail = nil }), "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."},
		{e(func(e *eventbridgeapi.PutEventsRequestEntry) { e.Detail = p("{") }), "MalformedDetail", "Detail is malformed."},
		{e(func(e *eventbridgeapi.PutEventsRequestEntry) { e.Detail = p("[1]") }), "MalformedDetail", "Detail is malformed."},
		{e(func(e *eventbridgeapi.PutEventsRequestEntry) { e.Source = p("aws.ec2") }), "NotAuthorizedForSourceException", "Not authorized for the source."},
	} {
		out := must[*eventbridgeapi.PutEventsResponse](t)(r.PutEvents(t.Context(), me, &eventbridgeapi.PutEventsRequest{
			Entries: []eventbridgeapi.PutEventsRequestEntry{entry("default", "s", "{}"), c.entry}}))
		got := out.Entries[1]
		if *out.FailedEntryCount != 1 || out.Entries[0].EventId == nil || got.ErrorCode == nil || *got.ErrorCode != c.code || *got.ErrorMessage != c.message {
			t.Errorf("want %s: %+v", c.code, got)
		}
		if n := len(r.taken()); n != 1 {
			t.Errorf("%s: %d calls", c.code, n)
		}
	}
	big := entry("default", "s", `{"a":"`+strings.Repeat("x", 1<<20-8-2)+`"}`) // with its source and type as large as may be
	r.put(big)
	if n := len(r.taken()); n != 1 {
		t.Errorf("%d calls", n)
	}
	*big.Detail += " "
	_, err := r.PutEvents(t.Context(), me, &eventbridgeapi.PutEventsRequest{Entries: []eventbridgeapi.PutEventsRequestEntry{big}})
	wantCode(t, "ValidationException", "Total size of the entries in the request is over the limit.", err)
}

// Deliveries that are too large for one transaction all come nevertheless.
func TestLargeFanOut(t *testing.T) {
	r := newRig(t)
	for i := range 4 {
		var ts []eventbridgeapi.Target
		for j := range 5 {
			ts = append(ts, lambdaTarget(fmt.Sprint(j)))
		}
		ts[0].InputPath = p("$.detail")
		r.rule("default", fmt.Sprint("r", i), `{"source":["s"]}`, ts...)
	}
	detail := `{"a":"` + strings.Repeat("x", 1<<20-100) + `"}`
	r.put(entry("default", "s", detail))
	calls := r.taken()
	parts := 0
	for _, c := range calls {
		if c.payload == detail {
			parts++
		} else if !strings.Contains(c.payload, detail) {
			t.Error("a payload is not the event")
		}
	}
	if len(calls) != 20 || parts != 4 {
		t.Errorf("%d calls, %d with the detail", len(calls), parts)
	}
}

func TestFromBusToBus(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"a", "b", "c"} {
		r.bus(name)
	}
	all := `{"source":["s"]}`
	onTo := func(bus string) eventbridgeapi.Target {
		return eventbridgeapi.Target{Id: "on", Arn: arnOf + "event-bus/" + bus, RoleArn: p("arn:aws:iam::111122223333:role/r")}
	}
	r.rule("a", "on", all, onTo("b"))
	r.rule("b", "on", all, onTo("c"), lambdaTarget("f"))
	r.rule("c", "on", all, lambdaTarget("f"))
	ids := r.put(entry("a", "s", "{}"))
	calls := r.taken()
	if len(calls) != 1 || !strings.Contains(calls[0].payload, ids[0]) || calls[0].by != arnOf+"rule/b/on" {
		t.Errorf("%v: the event goes to b and, as AWS has it, no further", calls)
	}
}

func TestSchedules(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	for name, expr := range map[string]string{"weekly": "cron(0 9 ? * MON *)", "daily": "rate(1 day)", "off": "rate(1 hour)"} {
		in := &eventbridgeapi.PutRuleRequest{Name: name, ScheduleExpression: &expr}
		if name == "off" {
			in.State = eventbridgeapi.RuleStateDisabled
		}
		must[*eventbridgeapi.PutRuleResponse](t)(r.PutRule(ctx, me, in))
		must[*eventbridgeapi.PutTargetsResponse](t)(r.PutTargets(ctx, me, &eventbridgeapi.PutTargetsRequest{Rule: name, Targets: []eventbridgeapi.Target{
			{Id: "t", Arn: function, InputTransformer: &eventbridgeapi.InputTransformer{InputPathsMap: map[string]string{"t": "$.time", "d": "$.detail-type", "s": "$.source", "r": "$.resources[0]"},
				InputTemplate: `"<t> <d> <s> <r>"`}}}}))
	}
	r.advance(21 * 24 * time.Hour)
	var weekly, daily []string
	for _, c := range r.taken() {
		at, rest, _ := strings.Cut(strings.Trim(c.payload, `"`), " ")
		switch rest {
		case "Scheduled Event aws.events " + arnOf + "rule/weekly":
			weekly = append(weekly, at)
		case "Scheduled Event aws.events " + arnOf + "rule/daily":
			daily = append(daily, at)
		default:
			t.Errorf("%s", c.payload)
		}
	}
	if want := []string{"2026-01-05T09:00:00Z", "2026-01-12T09:00:00Z", "2026-01-19T09:00:00Z"}; !slices.Equal(weekly, want) {
		t.Errorf("weekly: %v", weekly)
	}
	if len(daily) != 21 || daily[0] != "2026-01-03T03:04:05Z" || daily[20] != "2026-01-23T03:04:05Z" {
		t.Errorf("daily: %v", daily)
	}
	must[*eventbridgeapi.DisableRuleOutput](t)(r.DisableRule(ctx, me, &eventbridgeapi.DisableRuleRequest{Name: "daily"}))
	r.advance(48 * time.Hour)
	if calls := r.taken(); len(calls) != 0 {
		t.Errorf("a disabled rule fired: %v", calls)
	}
	must[*eventbridgeapi.EnableRuleOutput](t)(r.EnableRule(ctx, me, &eventbridgeapi.EnableRuleRequest{Name: "off"}))
	r.advance(150 * time.Minute)
	if calls := r.taken(); len(calls) != 2 {
		t.Errorf("an enabled rule fired %d times", len(calls))
	}
}

// A platform that was off when schedules were due fires each once.
func TestScheduleAfterCrash(t *testing.T) {
	r := newRig(t)
	must[*eventbridgeapi.PutRuleResponse](t)(r.PutRule(t.Context(), me, &eventbridgeapi.PutRuleRequest{Name: "r", ScheduleExpression: p("rate(1 hour)")}))
	must[*eventbridgeapi.PutTargetsResponse](t)(r.PutTargets(t.Context(), me, &eventbridgeapi.PutTargetsRequest{Rule: "r", Targets: []eventbridgeapi.Target{lambdaTarget("t")}}))
	r.stop()
	r.advance(10 * time.Hour)
	again := rigOn(t, r.clock, r.store).run()
	if n := len(again.taken()); n != 1 {
		t.Errorf("%d calls", n)
	}
	again.advance(time.Hour)
	if n := len(again.taken()); n != 1 {
		t.Errorf("%d calls in the hour after", n)
	}
}

// What is accepted is delivered although the process dies before anything is.
func TestCrashAfterPut(t *testing.T) {
	c := newRig(t)
	c.rule("default", "r", `{"source":["s"]}`, lambdaTarget("a"), lambdaTarget("b"))
	c.stop()
	for range 10 {
		c.put(entry("default", "s", "{}"))
	}
	if n := len(rigOn(t, c.clock, c.store).run().taken()); n != 20 {
		t.Errorf("%d of 20 deliveries", n)
	}
}

func TestTestEventPattern(t *testing.T) {
	r := newRig(t)
	event := `{"id":"1","account":"1","source":"s","time":"2026-01-01T00:00:00Z","region":"r","resources":[],"detail-type":"t","detail":{}}`
	for pattern, want := range map[string]bool{`{"source":["s"]}`: true, `{"source":["t"]}`: false} {
		if got := *must[*eventbridgeapi.TestEventPatternResponse](t)(r.TestEventPattern(t.Context(), me, &eventbridgeapi.TestEventPatternRequest{EventPattern: pattern, Event: event})).Result; got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
	_, err := r.TestEventPattern(t.Context(), me, &eventbridgeapi.TestEventPatternRequest{EventPattern: `{"source":"s"}`, Event: event})
	wantCode(t, "InvalidEventPatternException", "", err)
	_, err = r.TestEventPattern(t.Context(), me, &eventbridgeapi.TestEventPatternRequest{EventPattern: `{"source":["s"]}`, Event: `{"source":"s"}`})
	wantCode(t, "ValidationException", "", err)
}

func TestAccess(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	put := &eventbridgeapi.PutEventsRequest{Entries: []eventbridgeapi.PutEventsRequestEntry{entry(arnOf+"event-bus/default", "s", "{}"), entry(arnOf+"event-bus/default", "u", "{}")}}
	must[*eventbridgeapi.PutPermissionOutput](t)(r.PutPermission(ctx, me, &eventbridgeapi.PutPermissionRequest{Action: p("events:PutEvents"), Principal: p("999999999999"), StatementId: p("other")}))
	stranger := aws.Identity{Kind: aws.Root, Account: "999999999999", Region: "eu-west-1"}
	a := must[[]aws.Access](t)(r.Access(ctx, stranger, "PutEvents", put))
	if len(a) != 1 || a[0].Action != "events:PutEvents" || a[0].ResourceAccount != me.Account || !strings.Contains(a[0].ResourcePolicy, "999999999999:root") ||
		!slices.Equal(a[0].Context["events:source"], []string{"s", "u"}) {
		t.Errorf("%+v", a)
	}
	s3 := aws.ForService("s3.amazonaws.com", me.Account, me.Region, "arn:aws:s3:::b", aws.Request{})
	if a := must[[]aws.Access](t)(r.Access(ctx, s3, "PutEvents", put)); len(a) != 0 {
		t.Errorf("S3 needs %+v for the default bus of its own account", a)
	}
	r.bus("b")
	put.Entries = []eventbridgeapi.PutEventsRequestEntry{entry("b", "s", "{}")}
	if a := must[[]aws.Access](t)(r.Access(ctx, s3, "PutEvents", put)); len(a) != 1 {
		t.Errorf("S3 needs %+v for another bus", a)
	}
}
