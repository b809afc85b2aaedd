package logs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/logs"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1"}
)

// keys is a KMS with one key.
type keys struct{ aws.Caller }

func (keys) Call(_ context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	if r, ok := in.(*kmsapi.GenerateDataKeyRequest); ok && r.KeyId == "good" && id.Service == "logs.eu-west-1.amazonaws.com" {
		return &kmsapi.GenerateDataKeyResponse{}, nil
	}
	return nil, aws.Errorf("NotFoundException", 400, "no %v", op)
}

func open(t *testing.T) (*logs.Service, *clock.Virtual) {
	t.Helper()
	c := clock.Frozen(start)
	st := storetest.Split(c, 5)
	run := timer.New(timer.Config{Store: st, Clock: c})
	s, err := logs.New(logs.Config{Store: st, Clock: c, Caller: keys{}, Timer: run})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if err := run.Settle(ctx); err != nil { // it runs
		t.Fatal(err)
	}
	return s, c
}

// must fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t *testing.T, code string, err error) {
	t.Helper()
	if err == nil || aws.CodeOf(err) != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

func makeStream(t *testing.T, s *logs.Service, group, stream string) {
	t.Helper()
	_, err := s.CreateLogGroup(t.Context(), me, &logsapi.CreateLogGroupRequest{LogGroupName: group})
	if err != nil && aws.CodeOf(err) != "ResourceAlreadyExistsException" {
		t.Fatal(err)
	}
	must[*logsapi.CreateLogStreamOutput](t)(s.CreateLogStream(t.Context(), me, &logsapi.CreateLogStreamRequest{LogGroupName: group, LogStreamName: stream}))
}

// put writes messages one second apart, from second at after start.
func put(t *testing.T, s *logs.Service, group, stream string, at int, messages ...string) *logsapi.PutLogEventsResponse {
	t.Helper()
	in := &logsapi.PutLogEventsRequest{LogGroupName: group, LogStreamName: stream}
	for i, m := range messages {
		in.LogEvents = append(in.LogEvents, logsapi.InputLogEvent{Timestamp: start.Add(time.Duration(at+i) * time.Second).UnixMilli(), Message: m})
	}
	return must[*logsapi.PutLogEventsResponse](t)(s.PutLogEvents(t.Context(), me, in))
}

func p[T any](v T) *T { return &v }

func TestGroups(t *testing.T) {
	s, _ := open(t)
	for _, g := range []string{"b", "/aws/lambda/f", "/aws/lambda/g", "a"} {
		must[*logsapi.CreateLogGroupOutput](t)(s.CreateLogGroup(t.Context(), me, &logsapi.CreateLogGroupRequest{LogGroupName: g, Tags: map[string]string{"k": g}}))
	}
	_, err := s.CreateLogGroup(t.Context(), me, &logsapi.CreateLogGroupRequest{LogGroupName: "a"})
	wantCode(t, "ResourceAlreadyExistsException", err)

	var names []string
	in := &logsapi.DescribeLogGroupsRequest{Limit: p(int32(3))}
	for pages := 0; ; pages++ {
		out := must[*logsapi.DescribeLogGroupsResponse](t)(s.DescribeLogGroups(t.Context(), me, in))
		for _, g := range out.LogGroups {
			names = append(names, *g.LogGroupName)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if got := strings.Join(names, " "); got != "/aws/lambda/f /aws/lambda/g a b" {
		t.Error(got)
	}
	out := must[*logsapi.DescribeLogGroupsResponse](t)(s.DescribeLogGroups(t.Context(), me, &logsapi.DescribeLogGroupsRequest{LogGroupNamePrefix: p("/aws/")}))
	if len(out.LogGroups) != 2 || *out.LogGroups[0].Arn != "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/f:*" {
		t.Errorf("%d groups, %s", len(out.LogGroups), *out.LogGroups[0].Arn)
	}
	out = must[*logsapi.DescribeLogGroupsResponse](t)(s.DescribeLogGroups(t.Context(), me, &logsapi.DescribeLogGroupsRequest{LogGroupNamePattern: p("lambda/g")}))
	if len(out.LogGroups) != 1 {
		t.Errorf("%d groups fit the pattern", len(out.LogGroups))
	}
	out = must[*logsapi.DescribeLogGroupsResponse](t)(s.DescribeLogGroups(t.Context(), me, &logsapi.DescribeLogGroupsRequest{LogGroupNamePattern: p("LAMBDA/g")}))
	if len(out.LogGroups) != 0 {
		t.Error("the case of a pattern does not count")
	}
	_, err = s.DescribeLogStreams(t.Context(), me, &logsapi.DescribeLogStreamsRequest{LogGroupIdentifier: p("arn:aws:logs:eu-west-1:999999999999:log-group:a")})
	wantCode(t, "ResourceNotFoundException", err)
	tags := must[*logsapi.ListTagsForResourceResponse](t)(s.ListTagsForResource(t.Context(), me, &logsapi.ListTagsForResourceRequest{
		ResourceArn: "arn:aws:logs:eu-west-1:111122223333:log-group:a"}))
	if tags.Tags["k"] != "a" {
		t.Errorf("%v", tags.Tags)
	}
	must[*logsapi.DeleteLogGroupOutput](t)(s.DeleteLogGroup(t.Context(), me, &logsapi.DeleteLogGroupRequest{LogGroupName: "a"}))
	_, err = s.DeleteLogGroup(t.Context(), me, &logsapi.DeleteLogGroupRequest{LogGroupName: "a"})
	wantCode(t, "ResourceNotFoundException", err)
}

func TestKey(t *testing.T) {
	s, _ := open(t)
	_, err := s.CreateLogGroup(t.Context(), me, &logsapi.CreateLogGroupRequest{LogGroupName: "g", KmsKeyId: p("bad")})
	wantCode(t, "InvalidParameterException", err)
	must[*logsapi.CreateLogGroupOutput](t)(s.CreateLogGroup(t.Context(), me, &logsapi.CreateLogGroupRequest{LogGroupName: "g", KmsKeyId: p("good")}))
	_, err = s.AssociateKmsKey(t.Context(), me, &logsapi.AssociateKmsKeyRequest{LogGroupName: p("g"), KmsKeyId: "bad"})
	wantCode(t, "InvalidParameterException", err)
}

func TestEventsForwardAndBackward(t *testing.T) {
	s, _ := open(t)
	makeStream(t, s, "g", "s")
	put(t, s, "g", "s", 10, "c", "d", "e")
	put(t, s, "g", "s", 0, "a", "b") // an earlier time, sent later
	read := func(in *logsapi.GetLogEventsRequest) (string, *logsapi.GetLogEventsResponse) {
		in.LogGroupName, in.LogStreamName = p("g"), "s"
		out := must[*logsapi.GetLogEventsResponse](t)(s.GetLogEvents(t.Context(), me, in))
		var b strings.Builder
		for _, e := range out.Events {
			b.WriteString(*e.Message)
		}
		return b.String(), out
	}
	if got, _ := read(&logsapi.GetLogEventsRequest{StartFromHead: p(true)}); got != "abcde" {
		t.Error(got)
	}
	got, out := read(&logsapi.GetLogEventsRequest{Limit: p(int32(2))})
	if got != "de" {
		t.Error(got)
	}
	if got, _ := read(&logsapi.GetLogEventsRequest{Limit: p(int32(2)), NextToken: out.NextBackwardToken}); got != "bc" {
		t.Error(got)
	}
	got, end := read(&logsapi.GetLogEventsRequest{NextToken: out.NextForwardToken})
	if got != "" || *end.NextForwardToken != *out.NextForwardToken {
		t.Errorf("%q after the end, token %s after %s", got, *end.NextForwardToken, *out.NextForwardToken)
	}
	put(t, s, "g", "s", 20, "f")
	if got, _ := read(&logsapi.GetLogEventsRequest{NextToken: end.NextForwardToken}); got != "f" {
		t.Errorf("%q follows", got)
	}
	if got, _ := read(&logsapi.GetLogEventsRequest{StartFromHead: p(true), StartTime: p(start.Add(time.Second).UnixMilli()),
		EndTime: p(start.Add(11 * time.Second).UnixMilli())}); got != "bc" {
		t.Error(got)
	}
	_, err := s.GetLogEvents(t.Context(), me, &logsapi.GetLogEventsRequest{LogGroupName: p("g"), LogStreamName: "s", NextToken: p("x")})
	wantCode(t, "InvalidParameterException", err)
}

func TestPutRejects(t *testing.T) {
	s, _ := open(t)
	makeStream(t, s, "g", "s")
	event := func(d time.Duration, m string) logsapi.InputLogEvent {
		return logsapi.InputLogEvent{Timestamp: start.Add(d).UnixMilli(), Message: m}
	}
	send := func(events ...logsapi.InputLogEvent) (*logsapi.PutLogEventsResponse, error) {
		return s.PutLogEvents(t.Context(), me, &logsapi.PutLogEventsRequest{LogGroupName: "g", LogStreamName: "s", LogEvents: events})
	}
	_, err := send(event(time.Second, "b"), event(0, "a"))
	wantCode(t, "InvalidParameterException", err)
	_, err = send(event(0, "a"), event(25*time.Hour, "b"))
	wantCode(t, "InvalidParameterException", err)
	_, err = send(event(0, strings.Repeat("x", 1<<20)))
	wantCode(t, "InvalidParameterException", err)
	out := must[*logsapi.PutLogEventsResponse](t)(send(event(-15*24*time.Hour, "old")))
	if i := out.RejectedLogEventsInfo; i == nil || *i.TooOldLogEventEndIndex != 1 {
		t.Errorf("%+v", i)
	}
	out = must[*logsapi.PutLogEventsResponse](t)(send(event(0, "now"), event(3*time.Hour, "new")))
	if i := out.RejectedLogEventsInfo; i == nil || *i.TooNewLogEventStartIndex != 1 {
		t.Errorf("%+v", i)
	}
	big := strings.Repeat("y", 200_000)
	put(t, s, "g", "s", 1, big)
	got := must[*logsapi.GetLogEventsResponse](t)(s.GetLogEvents(t.Context(), me, &logsapi.GetLogEventsRequest{LogGroupName: p("g"), LogStreamName: "s"}))
	if len(got.Events) != 2 || *got.Events[1].Message != big {
		t.Errorf("%d events", len(got.Events))
	}
	_, err = s.PutLogEvents(t.Context(), me, &logsapi.PutLogEventsRequest{LogGroupName: "g", LogStreamName: "none", LogEvents: []logsapi.InputLogEvent{event(0, "a")}})
	wantCode(t, "ResourceNotFoundException", err)
}

func TestFilter(t *testing.T) {
	s, _ := open(t)
	makeStream(t, s, "g", "one")
	makeStream(t, s, "g", "two")
	for i := range 10 {
		put(t, s, "g", "one", i, fmt.Sprintf("ERROR one %d", i))
		put(t, s, "g", "two", i, fmt.Sprintf("INFO two %d", i))
	}
	find := func(in *logsapi.FilterLogEventsRequest) (messages []string) {
		in.LogGroupName = p("g")
		for {
			out := must[*logsapi.FilterLogEventsResponse](t)(s.FilterLogEvents(t.Context(), me, in))
			for _, e := range out.Events {
				messages = append(messages, *e.Message)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return messages
			}
		}
	}
	if got := find(&logsapi.FilterLogEventsRequest{Limit: p(int32(3))}); len(got) != 20 || got[0] != "ERROR one 0" || got[19] != "INFO two 9" {
		t.Errorf("%d: %q", len(got), got)
	}
	if got := find(&logsapi.FilterLogEventsRequest{FilterPattern: p("ERROR")}); len(got) != 10 {
		t.Errorf("%q", got)
	}
	if got := find(&logsapi.FilterLogEventsRequest{LogStreamNamePrefix: p("tw")}); len(got) != 10 {
		t.Errorf("%q", got)
	}
	if got := find(&logsapi.FilterLogEventsRequest{LogStreamNames: []string{"one"}, StartTime: p(start.Add(8 * time.Second).UnixMilli())}); len(got) != 2 {
		t.Errorf("%q", got)
	}
	_, err := s.FilterLogEvents(t.Context(), me, &logsapi.FilterLogEventsRequest{LogGroupName: p("g"), FilterPattern: p("{ $.a")})
	wantCode(t, "InvalidParameterException", err)
}

func TestStreams(t *testing.T) {
	s, c := open(t)
	for _, n := range []string{"a", "b", "c"} {
		makeStream(t, s, "g", n)
	}
	put(t, s, "g", "b", 5, "x")
	put(t, s, "g", "a", 9, "y")
	list := func(in *logsapi.DescribeLogStreamsRequest) string {
		in.LogGroupName, in.Limit = p("g"), p(int32(2))
		var names []string
		for {
			out := must[*logsapi.DescribeLogStreamsResponse](t)(s.DescribeLogStreams(t.Context(), me, in))
			for _, st := range out.LogStreams {
				names = append(names, *st.LogStreamName)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return strings.Join(names, "")
			}
		}
	}
	if got := list(&logsapi.DescribeLogStreamsRequest{}); got != "abc" {
		t.Error(got)
	}
	if got := list(&logsapi.DescribeLogStreamsRequest{Descending: p(true)}); got != "cba" {
		t.Error(got)
	}
	if got := list(&logsapi.DescribeLogStreamsRequest{OrderBy: logsapi.OrderByLastEventTime, Descending: p(true)}); got != "abc" {
		t.Error(got)
	}
	if got := list(&logsapi.DescribeLogStreamsRequest{OrderBy: logsapi.OrderByLastEventTime}); got != "cba" {
		t.Error(got)
	}
	must[*logsapi.DeleteLogStreamOutput](t)(s.DeleteLogStream(t.Context(), me, &logsapi.DeleteLogStreamRequest{LogGroupName: "g", LogStreamName: "a"}))
	must[time.Time](t)(c.Advance(t.Context(), time.Second))
	out := must[*logsapi.FilterLogEventsResponse](t)(s.FilterLogEvents(t.Context(), me, &logsapi.FilterLogEventsRequest{LogGroupName: p("g")}))
	if len(out.Events) != 1 {
		t.Errorf("%d events are left", len(out.Events))
	}
}

func TestRetention(t *testing.T) {
	s, c := open(t)
	makeStream(t, s, "g", "s")
	put(t, s, "g", "s", 0, "old")
	_, err := s.PutRetentionPolicy(t.Context(), me, &logsapi.PutRetentionPolicyRequest{LogGroupName: "g", RetentionInDays: 2})
	wantCode(t, "InvalidParameterException", err)
	must[*logsapi.PutRetentionPolicyOutput](t)(s.PutRetentionPolicy(t.Context(), me, &logsapi.PutRetentionPolicyRequest{LogGroupName: "g", RetentionInDays: 1}))
	must[time.Time](t)(c.Advance(t.Context(), 26*time.Hour))
	got := must[*logsapi.GetLogEventsResponse](t)(s.GetLogEvents(t.Context(), me, &logsapi.GetLogEventsRequest{LogGroupName: p("g"), LogStreamName: "s"}))
	groups := must[*logsapi.DescribeLogGroupsResponse](t)(s.DescribeLogGroups(t.Context(), me, &logsapi.DescribeLogGroupsRequest{}))
	if len(got.Events) != 0 || *groups.LogGroups[0].StoredBytes != 0 {
		t.Errorf("%d events and %d bytes are left", len(got.Events), *groups.LogGroups[0].StoredBytes)
	}
}

func TestResourcePolicies(t *testing.T) {
	s, _ := open(t)
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"logs:PutLogEvents","Resource":"*"}]}`
	must[*logsapi.PutResourcePolicyResponse](t)(s.PutResourcePolicy(t.Context(), me, &logsapi.PutResourcePolicyRequest{PolicyName: p("x"), PolicyDocument: &doc}))
	_, err := s.PutResourcePolicy(t.Context(), me, &logsapi.PutResourcePolicyRequest{PolicyName: p("y"), PolicyDocument: p("{")})
	wantCode(t, "InvalidParameterException", err)
	access, err := s.Access(t.Context(), me, "PutLogEvents", &logsapi.PutLogEventsRequest{LogGroupName: "g", LogStreamName: "s"})
	if err != nil || !strings.Contains(access[0].ResourcePolicy, "events.amazonaws.com") ||
		access[0].Resource != "arn:aws:logs:eu-west-1:111122223333:log-group:g:log-stream:s" {
		t.Errorf("%+v %v", access, err)
	}
	must[*logsapi.DeleteResourcePolicyOutput](t)(s.DeleteResourcePolicy(t.Context(), me, &logsapi.DeleteResourcePolicyRequest{PolicyName: p("x")}))
	_, err = s.DeleteResourcePolicy(t.Context(), me, &logsapi.DeleteResourcePolicyRequest{PolicyName: p("x")})
	wantCode(t, "ResourceNotFoundException", err)
}
