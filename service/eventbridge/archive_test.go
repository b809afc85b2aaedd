package eventbridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store/storetest"
)

func (r *rig) archive(name, bus string, pattern *string, days int32) {
	r.t.Helper()
	must[*eventbridgeapi.CreateArchiveResponse](r.t)(r.CreateArchive(r.t.Context(), me, &eventbridgeapi.CreateArchiveRequest{
		ArchiveName: name, EventSourceArn: arnOf + "event-bus/" + bus, EventPattern: pattern, RetentionDays: &days}))
}

// holds checks what an archive says that it holds.
func (r *rig) holds(name string, events int64, some bool) {
	r.t.Helper()
	out := must[*eventbridgeapi.DescribeArchiveResponse](r.t)(r.DescribeArchive(r.t.Context(), me, &eventbridgeapi.DescribeArchiveRequest{ArchiveName: name}))
	if *out.EventCount != events || (*out.SizeBytes > 0) != some {
		r.t.Errorf("archive %s: %d events, %d bytes, want %d events", name, *out.EventCount, *out.SizeBytes, events)
	}
}

func (r *rig) start(name, archive, bus string, from, to time.Time, rules ...string) error {
	_, err := r.StartReplay(r.t.Context(), me, &eventbridgeapi.StartReplayRequest{ReplayName: name, EventSourceArn: arnOf + "archive/" + archive,
		EventStartTime: from, EventEndTime: to, Destination: &eventbridgeapi.ReplayDestination{Arn: arnOf + "event-bus/" + bus, FilterArns: rules}})
	return err
}

func (r *rig) state(replay string) *eventbridgeapi.DescribeReplayResponse {
	r.t.Helper()
	return must[*eventbridgeapi.DescribeReplayResponse](r.t)(r.DescribeReplay(r.t.Context(), me, &eventbridgeapi.DescribeReplayRequest{ReplayName: replay}))
}

func TestArchiveAndReplay(t *testing.T) {
	r := newRig(t)
	r.bus("b")
	r.archive("all", "b", nil, 0)
	r.archive("some", "b", p(`{"source":["s"]}`), 10)
	again := r.rule("b", "again", `{"replay-name":[{"exists":true}]}`, lambdaTarget("f"))
	r.rule("b", "both", `{"source":["s"]}`, lambdaTarget("f"))
	first := r.put(entry("b", "s", `{"n":1}`), entry("b", "o", `{"n":2}`))
	r.advance(time.Hour)
	second := r.put(entry("b", "s", `{"n":3}`))
	r.holds("all", 3, true)
	r.holds("some", 2, true)
	if calls := r.taken(); len(calls) != 2 {
		t.Fatalf("%v", calls)
	}

	if err := r.start("one", "some", "b", start, start.Add(2*time.Hour), again); err != nil {
		t.Fatal(err)
	}
	calls := r.taken()
	slices.SortFunc(calls, func(a, b call) int { return strings.Compare(a.payload[30:], b.payload[30:]) })
	var got []string
	for _, c := range calls {
		if c.by != again {
			t.Errorf("rule %s, which the replay does not name", c.by)
		}
		got = append(got, c.payload)
	}
	want := []string{
		`{"version":"0","id":"` + first[0] + `","detail-type":"t","source":"s","account":"111122223333","time":"2026-01-02T03:04:05Z","region":"eu-west-1","resources":[],"replay-name":"one","detail":{"n":1}}`,
		`{"version":"0","id":"` + second[0] + `","detail-type":"t","source":"s","account":"111122223333","time":"2026-01-02T04:04:05Z","region":"eu-west-1","resources":[],"replay-name":"one","detail":{"n":3}}`,
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
	if s := r.state("one"); s.State != eventbridgeapi.ReplayStateCompleted || !s.EventLastReplayedTime.Equal(start.Add(time.Hour)) || s.ReplayEndTime == nil {
		t.Errorf("%+v", s)
	}
	r.holds("some", 2, true) // what is replayed is not archived again

	// All rules, and a part of the time.
	if err := r.start("two", "all", "b", start.Add(-time.Hour), start); err != nil {
		t.Fatal(err)
	}
	if calls := r.taken(); len(calls) != 3 {
		t.Errorf("%d calls: two events for the one rule, one for the other: %v", len(calls), calls)
	}

	r.advance(10*24*time.Hour - time.Hour)
	r.holds("some", 1, true)
	r.advance(time.Hour)
	r.holds("some", 0, false)
	r.holds("all", 3, true)
	r.put(entry("b", "s", `{}`))
	r.advance(9 * 24 * time.Hour)
	r.holds("some", 1, true)
	must[*eventbridgeapi.UpdateArchiveResponse](t)(r.UpdateArchive(t.Context(), me, &eventbridgeapi.UpdateArchiveRequest{ArchiveName: "some", RetentionDays: p(int32(9))}))
	r.settle()
	r.holds("some", 0, false)
	r.advance(100 * 24 * time.Hour)
	_, err := r.DescribeReplay(t.Context(), me, &eventbridgeapi.DescribeReplayRequest{ReplayName: "one"})
	wantCode(t, "ResourceNotFoundException", "Replay one does not exist.", err)
}

func TestManagedRule(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	r.archive("a", "default", p(`{"source":["s"]}`), 0)
	rule := must[*eventbridgeapi.DescribeRuleResponse](t)(r.DescribeRule(ctx, me, &eventbridgeapi.DescribeRuleRequest{Name: "Events-Archive-a"}))
	if rule.ManagedBy == nil || *rule.EventPattern != `{"source":["s"],"replay-name":[{"exists":false}]}` {
		t.Errorf("%+v", rule)
	}
	_, err := r.DeleteRule(ctx, me, &eventbridgeapi.DeleteRuleRequest{Name: "Events-Archive-a"})
	wantCode(t, "ManagedRuleException", "", err)
	_, err = r.PutRule(ctx, me, &eventbridgeapi.PutRuleRequest{Name: "Events-Archive-a", EventPattern: p(`{"a":["b"]}`)})
	wantCode(t, "ManagedRuleException", "", err)
	_, err = r.PutTargets(ctx, me, &eventbridgeapi.PutTargetsRequest{Rule: "Events-Archive-a", Targets: []eventbridgeapi.Target{lambdaTarget("x")}})
	wantCode(t, "ManagedRuleException", "", err)
	must[*eventbridgeapi.DeleteArchiveResponse](t)(r.DeleteArchive(ctx, me, &eventbridgeapi.DeleteArchiveRequest{ArchiveName: "a"}))
	if rules := must[*eventbridgeapi.ListRulesResponse](t)(r.ListRules(ctx, me, &eventbridgeapi.ListRulesRequest{})).Rules; len(rules) != 0 {
		t.Errorf("%d rules are left", len(rules))
	}
	r.archive("a", "default", nil, 0)
	r.holds("a", 0, false)
}

func TestReplayErrors(t *testing.T) {
	r := newRig(t)
	r.bus("b")
	r.archive("a", "default", nil, 0)
	later := start.Add(time.Hour)
	wantCode(t, "ValidationException", "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.", r.start("r", "a", "default", later, start))
	wantCode(t, "ValidationException", "Parameter EventSourceArn is not valid. Reason: Archive x does not exist.", r.start("r", "x", "default", start, later))
	wantCode(t, "ValidationException", "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.", r.start("r", "a", "b", start, later))
	wantCode(t, "ResourceNotFoundException", "", r.start("r", "a", "default", start, later, arnOf+"rule/none"))
	if err := r.start("r", "a", "default", start, later); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "ResourceAlreadyExistsException", "Replay r already exists.", r.start("r", "a", "default", start, later))
	r.settle()
	_, err := r.CancelReplay(t.Context(), me, &eventbridgeapi.CancelReplayRequest{ReplayName: "r"})
	wantCode(t, "IllegalStatusException", "Replay r is not in a valid state for this operation.", err)
}

func TestCancelReplay(t *testing.T) {
	c := clock.Frozen(start)
	r := rigOn(t, c, storetest.Split(c, 3)) // nothing runs: the replay stays at its start
	r.archive("a", "default", nil, 0)
	r.rule("default", "r", `{"replay-name":[{"exists":true}]}`, lambdaTarget("f"))
	r.put(entry("default", "s", "{}"))
	if err := r.start("r", "a", "default", start, start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if s := r.state("r"); s.State != eventbridgeapi.ReplayStateStarting {
		t.Error(s.State)
	}
	out := must[*eventbridgeapi.CancelReplayResponse](t)(r.CancelReplay(t.Context(), me, &eventbridgeapi.CancelReplayRequest{ReplayName: "r"}))
	if out.State != eventbridgeapi.ReplayStateCancelling {
		t.Error(out.State)
	}
	r.run()
	if calls := r.taken(); len(calls) != 0 || r.state("r").State != eventbridgeapi.ReplayStateCancelled {
		t.Errorf("%d calls, %v", len(calls), r.state("r").State)
	}
}

// A replay that the process does not survive goes on where it was: every event is replayed once.
func TestReplaySurvivesCrashes(t *testing.T) {
	r := newRig(t)
	r.archive("a", "default", nil, 0)
	r.rule("default", "r", `{"replay-name":[{"exists":true}]}`, lambdaTarget("f"))
	want := map[string]bool{}
	for i := range 35 {
		var batch []eventbridgeapi.PutEventsRequestEntry
		for range 10 {
			batch = append(batch, entry("default", "s", fmt.Sprintf(`{"pad":"%s"}`, strings.Repeat("x", 8000))))
		}
		for _, id := range r.put(batch...) {
			want[id] = true
		}
		r.advance(time.Duration(i%2) * time.Second)
	}
	r.stop()
	if err := r.start("r", "a", "default", start, start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for round := 0; ; round++ {
		r = rigOn(t, r.clock, r.store)
		if round < 5 {
			r.most = 40
		}
		r.runOnly()
		if round < 5 {
			<-r.filled
		} else {
			r.settle()
			r.advance(time.Hour) // what was cut off may count as tried
		}
		r.stop()
		for _, c := range r.calls {
			seen[c.payload[strings.Index(c.payload, `"id":"`)+6:][:36]]++
		}
		if round == 5 {
			break
		}
	}
	if s := r.state("r").State; s != eventbridgeapi.ReplayStateCompleted {
		t.Error(s)
	}
	for id := range want {
		if seen[id] == 0 {
			t.Fatalf("%d of %d events were replayed", len(seen), len(want))
		}
	}
}
