package eventbridge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/eventbridgeapi"
)

func TestBuses(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	for _, c := range []struct{ name, code, text string }{
		{"default", "ResourceAlreadyExistsException", "Event bus default already exists."},
		{"a/b", "ValidationException", "Event bus name must not contain '/'."},
	} {
		_, err := r.CreateEventBus(ctx, me, &eventbridgeapi.CreateEventBusRequest{Name: c.name})
		wantCode(t, c.code, c.text, err)
	}
	for i := range 99 {
		r.bus(fmt.Sprintf("b%02d", i))
	}
	_, err := r.CreateEventBus(ctx, me, &eventbridgeapi.CreateEventBusRequest{Name: "more"})
	wantCode(t, "LimitExceededException", "The requested resource exceeds the maximum number allowed.", err)
	for _, limit := range []int32{1, 7, 100} {
		in := &eventbridgeapi.ListEventBusesRequest{Limit: &limit}
		var names []string
		for {
			out := must[*eventbridgeapi.ListEventBusesResponse](t)(r.ListEventBuses(ctx, me, in))
			if len(out.EventBuses) > int(limit) {
				t.Fatalf("%d buses on a page", len(out.EventBuses))
			}
			for _, b := range out.EventBuses {
				names = append(names, *b.Name)
			}
			if in.NextToken = out.NextToken; out.NextToken == nil {
				break
			}
		}
		if len(names) != 100 || names[0] != "default" || names[1] != "b00" || names[99] != "b98" {
			t.Errorf("limit %d: %d buses: %v", limit, len(names), names)
		}
	}
	if out := must[*eventbridgeapi.ListEventBusesResponse](t)(r.ListEventBuses(ctx, me, &eventbridgeapi.ListEventBusesRequest{NamePrefix: p("b1")})); len(out.EventBuses) != 10 {
		t.Errorf("%d buses begin with b1", len(out.EventBuses))
	}
	r.rule("b00", "r", `{"a":["b"]}`, lambdaTarget("x"))
	_, err = r.DeleteEventBus(ctx, me, &eventbridgeapi.DeleteEventBusRequest{Name: "b00"})
	wantCode(t, "ValidationException", "", err)
	_, err = r.DeleteEventBus(ctx, me, &eventbridgeapi.DeleteEventBusRequest{Name: "default"})
	wantCode(t, "ValidationException", "Cannot delete event bus default.", err)
	for range 2 {
		must[*eventbridgeapi.DeleteEventBusOutput](t)(r.DeleteEventBus(ctx, me, &eventbridgeapi.DeleteEventBusRequest{Name: "b01"}))
	}
	_, err = r.DescribeEventBus(ctx, me, &eventbridgeapi.DescribeEventBusRequest{Name: p("b01")})
	wantCode(t, "ResourceNotFoundException", "Event bus b01 does not exist.", err)
	must[*eventbridgeapi.UpdateEventBusResponse](t)(r.UpdateEventBus(ctx, me, &eventbridgeapi.UpdateEventBusRequest{Name: p("default"), Description: p("d")}))
	if d := must[*eventbridgeapi.DescribeEventBusResponse](t)(r.DescribeEventBus(ctx, me, &eventbridgeapi.DescribeEventBusRequest{})); *d.Description != "d" || *d.Arn != arnOf+"event-bus/default" {
		t.Errorf("%+v", d)
	}
}

func TestRulesAreChecked(t *testing.T) {
	r := newRig(t)
	r.bus("b")
	for _, c := range []struct {
		in         eventbridgeapi.PutRuleRequest
		code, text string
	}{
		{eventbridgeapi.PutRuleRequest{}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."},
		{eventbridgeapi.PutRuleRequest{ScheduleExpression: p("rate(1 minutes)")}, "ValidationException", "Parameter ScheduleExpression is not valid."},
		{eventbridgeapi.PutRuleRequest{EventBusName: p("b"), ScheduleExpression: p("rate(1 minute)")}, "ValidationException", "ScheduleExpression is supported only on the default event bus."},
		{eventbridgeapi.PutRuleRequest{EventPattern: p(`{"a":"b"}`)}, "InvalidEventPatternException", ""},
		{eventbridgeapi.PutRuleRequest{EventBusName: p("none"), EventPattern: p(`{"a":["b"]}`)}, "ResourceNotFoundException", "Event bus none does not exist."},
	} {
		c.in.Name = "r"
		_, err := r.PutRule(t.Context(), me, &c.in)
		wantCode(t, c.code, c.text, err)
	}
	for i := range 300 {
		r.rule("b", fmt.Sprint("r", i), `{"a":["b"]}`)
	}
	_, err := r.PutRule(t.Context(), me, &eventbridgeapi.PutRuleRequest{Name: "one", EventBusName: p("b"), EventPattern: p(`{"a":["b"]}`)})
	wantCode(t, "LimitExceededException", "", err)
	r.rule("b", "r7", `{"a":["c"]}`)
}

func TestTargetsAreChecked(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	r.rule("default", "r", `{"a":["b"]}`)
	with := func(f func(*eventbridgeapi.Target)) eventbridgeapi.Target {
		x := lambdaTarget("x")
		f(&x)
		return x
	}
	for _, c := range []struct {
		target eventbridgeapi.Target
		text   string
	}{
		{with(func(x *eventbridgeapi.Target) { x.Arn = "f" }), "Parameter f is not valid. Reason: Provided Arn is not in correct format."},
		{with(func(x *eventbridgeapi.Target) { x.Arn = "arn:aws:batch:eu-west-1:111122223333:job-queue/q" }), ""},
		{with(func(x *eventbridgeapi.Target) { x.Input, x.InputPath = p("{}"), p("$") }), "Only one of Input, InputPath, or InputTransformer must be provided for target x."},
		{with(func(x *eventbridgeapi.Target) { x.Input = p("{") }), "Input for target x is not a valid JSON text."},
		{with(func(x *eventbridgeapi.Target) { x.InputPath = p("$.[") }), ""},
		{with(func(x *eventbridgeapi.Target) {
			x.InputTransformer = &eventbridgeapi.InputTransformer{InputTemplate: `"<y>"`}
		}),
			"InputTemplate for target x contains invalid placeholder y."},
		{with(func(x *eventbridgeapi.Target) {
			x.DeadLetterConfig = &eventbridgeapi.DeadLetterConfig{Arn: p(function)}
		}), ""},
	} {
		_, err := r.PutTargets(ctx, me, &eventbridgeapi.PutTargetsRequest{Rule: "r", Targets: []eventbridgeapi.Target{c.target}})
		wantCode(t, "ValidationException", c.text, err)
	}
	_, err := r.PutTargets(ctx, me, &eventbridgeapi.PutTargetsRequest{Rule: "none", Targets: []eventbridgeapi.Target{lambdaTarget("x")}})
	wantCode(t, "ResourceNotFoundException", "Rule none does not exist on EventBus default.", err)
	var six []eventbridgeapi.Target
	for i := range 6 {
		six = append(six, lambdaTarget(fmt.Sprint(i)))
	}
	_, err = r.PutTargets(ctx, me, &eventbridgeapi.PutTargetsRequest{Rule: "r", Targets: six})
	wantCode(t, "LimitExceededException", "", err)
	if out := must[*eventbridgeapi.ListTargetsByRuleResponse](t)(r.ListTargetsByRule(ctx, me, &eventbridgeapi.ListTargetsByRuleRequest{Rule: "r"})); len(out.Targets) != 0 {
		t.Errorf("what was refused left %d targets", len(out.Targets))
	}
	must[*eventbridgeapi.PutTargetsResponse](t)(r.PutTargets(ctx, me, &eventbridgeapi.PutTargetsRequest{Rule: "r", Targets: six[:5]}))
	if out := must[*eventbridgeapi.ListRuleNamesByTargetResponse](t)(r.ListRuleNamesByTarget(ctx, me, &eventbridgeapi.ListRuleNamesByTargetRequest{TargetArn: function})); len(out.RuleNames) != 1 || out.RuleNames[0] != "r" {
		t.Errorf("%v", out.RuleNames)
	}
	_, err = r.DeleteRule(ctx, me, &eventbridgeapi.DeleteRuleRequest{Name: "r"})
	wantCode(t, "ValidationException", "Rule can't be deleted since it has targets.", err)
}

func TestPermissions(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	put := func(sid, principal string) {
		t.Helper()
		must[*eventbridgeapi.PutPermissionOutput](t)(r.PutPermission(ctx, me, &eventbridgeapi.PutPermissionRequest{Action: p("events:PutEvents"), Principal: &principal, StatementId: &sid}))
	}
	policy := func() string {
		t.Helper()
		d := must[*eventbridgeapi.DescribeEventBusResponse](t)(r.DescribeEventBus(ctx, me, &eventbridgeapi.DescribeEventBusRequest{}))
		if d.Policy == nil {
			return ""
		}
		return *d.Policy
	}
	put("a", "999999999999")
	put("b", "*")
	put("a", "888888888888")
	want := `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::888888888888:root"},"Action":"events:PutEvents","Resource":"` + arnOf + `event-bus/default"},` +
		`{"Sid":"b","Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"` + arnOf + `event-bus/default"}]}`
	if got := policy(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	remove := func(sid string) error {
		_, err := r.RemovePermission(ctx, me, &eventbridgeapi.RemovePermissionRequest{StatementId: &sid})
		return err
	}
	wantCode(t, "ResourceNotFoundException", "Statement with the provided id does not exist.", remove("c"))
	for _, sid := range []string{"a", "b"} {
		if err := remove(sid); err != nil {
			t.Error(err)
		}
	}
	wantCode(t, "ResourceNotFoundException", "EventBus does not have a policy.", remove("b"))
	whole := strings.Replace(want, `"Sid":"a"`, `"Sid":"whole"`, 1)
	must[*eventbridgeapi.PutPermissionOutput](t)(r.PutPermission(ctx, me, &eventbridgeapi.PutPermissionRequest{Policy: &whole}))
	if got := policy(); got != whole {
		t.Errorf("%s", got)
	}
	_, err := r.PutPermission(ctx, me, &eventbridgeapi.PutPermissionRequest{Policy: p(`{"Version":"2012-10-17"}`)})
	wantCode(t, "ValidationException", "", err)
	_, err = r.PutPermission(ctx, me, &eventbridgeapi.PutPermissionRequest{Policy: p(strings.Repeat(" ", 10241))})
	wantCode(t, "PolicyLengthExceededException", "", err)
}

func TestTags(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	rule := r.rule("default", "r", `{"a":["b"]}`)
	for _, arn := range []string{arnOf + "event-bus/default", rule} {
		must[*eventbridgeapi.TagResourceResponse](t)(r.TagResource(ctx, me, &eventbridgeapi.TagResourceRequest{ResourceARN: arn, Tags: []eventbridgeapi.Tag{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}}}))
		must[*eventbridgeapi.UntagResourceResponse](t)(r.UntagResource(ctx, me, &eventbridgeapi.UntagResourceRequest{ResourceARN: arn, TagKeys: []string{"b"}}))
		out := must[*eventbridgeapi.ListTagsForResourceResponse](t)(r.ListTagsForResource(ctx, me, &eventbridgeapi.ListTagsForResourceRequest{ResourceARN: arn}))
		if len(out.Tags) != 1 || out.Tags[0] != (eventbridgeapi.Tag{Key: "a", Value: "2"}) {
			t.Errorf("%s: %v", arn, out.Tags)
		}
	}
	_, err := r.ListTagsForResource(ctx, me, &eventbridgeapi.ListTagsForResourceRequest{ResourceARN: arnOf + "rule/none"})
	wantCode(t, "ResourceNotFoundException", "", err)
}

// One event among 1,000 rules on a bus, on a store in memory.
func BenchmarkPutEvents(b *testing.B) {
	r := newRig(b)
	for i := range 4 {
		r.bus(fmt.Sprint("b", i))
	}
	for i := range 250 {
		for j := range 4 {
			r.rule(fmt.Sprint("b", j), fmt.Sprint("r", i), fmt.Sprintf(`{"source":["s%d"],"detail":{"n":[{"numeric":[">",%d]}]}}`, i, i), lambdaTarget("t"))
		}
	}
	r.stop()
	in := &eventbridgeapi.PutEventsRequest{Entries: []eventbridgeapi.PutEventsRequestEntry{entry("b1", "s7", `{"n":100,"m":{"k":[1,2,3]}}`)}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.PutEvents(b.Context(), me, in); err != nil {
			b.Fatal(err)
		}
	}
}
