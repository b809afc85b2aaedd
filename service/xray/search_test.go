package xray_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
)

func TestSummary(t *testing.T) {
	s, _ := open(t)
	call := doc{"id": hex16(9), "name": "S3", "namespace": "aws", "start_time": seconds(0.1), "end_time": seconds(0.2), "annotations": doc{"n": 5}}
	keep(t, s,
		segment(1, 1, "front", 0, doc{"origin": "AWS::EC2::Instance", "user": "ann", "annotations": doc{"vip": true, "n": 5, "list": []int{1}},
			"http": doc{"request": doc{"url": "http://x/y", "method": "GET", "user_agent": "curl", "client_ip": "1.2.3.4"}, "response": doc{"status": 404}},
			"aws":  doc{"ec2": doc{"instance_id": "i-1", "availability_zone": "eu-west-1a"}}, "resource_arn": "arn:aws:x:::y", "subsegments": []doc{call}}),
		segment(1, 2, "back", 0.5, doc{"parent_id": hex16(1), "fault": true, "throttle": true, "end_time": seconds(4), "annotations": doc{"n": 5}}))
	in := &xrayapi.GetTraceSummariesRequest{StartTime: start, EndTime: start, TimeRangeType: xrayapi.TimeRangeTypeEvent}
	out := must[*xrayapi.GetTraceSummariesResult](t)(s.GetTraceSummaries(t.Context(), me, in))
	if len(out.TraceSummaries) != 1 || *out.TracesProcessedCount != 1 {
		t.Fatalf("%d summaries", len(out.TraceSummaries))
	}
	sum := out.TraceSummaries[0]
	got := fmt.Sprint(*sum.Duration, *sum.ResponseTime, *sum.HasError, *sum.HasFault, *sum.HasThrottle, *sum.IsPartial, *sum.Revision,
		*sum.Http.HttpURL, *sum.Http.HttpStatus, *sum.Http.HttpMethod, *sum.Http.UserAgent, *sum.Http.ClientIp, *sum.EntryPoint.Name, *sum.EntryPoint.Type,
		*sum.Users[0].UserName, *sum.ResourceARNs[0].ARN, *sum.InstanceIds[0].Id, *sum.AvailabilityZones[0].Name, sum.MatchedEventTime.Equal(start), sum.StartTime.Equal(start))
	if want := fmt.Sprint(4, 1, true, false, true, false, 1, "http://x/y", 404, "GET", "curl", "1.2.3.4", "front", "AWS::EC2::Instance",
		"ann", "arn:aws:x:::y", "i-1", "eu-west-1a", true, true); got != want {
		t.Errorf("summary %s\nwant    %s", got, want)
	}
	var services []string
	for _, id := range sum.ServiceIds {
		services = append(services, *id.Name)
	}
	if !slices.Equal(services, []string{"front", "back", "S3"}) {
		t.Errorf("services %v", services)
	}
	if len(sum.Annotations) != 2 || len(sum.Annotations["n"]) != 1 || *sum.Annotations["n"][0].AnnotationValue.NumberValue != 5 ||
		len(sum.Annotations["n"][0].ServiceIds) != 2 || !*sum.Annotations["vip"][0].AnnotationValue.BooleanValue {
		t.Errorf("annotations %+v", sum.Annotations)
	}
}

func TestSearch(t *testing.T) {
	s, c := open(t)
	call := doc{"id": hex16(9), "name": "back", "namespace": "remote", "start_time": seconds(20), "end_time": seconds(20.5), "fault": true}
	keep(t, s, segment(1, 1, "front", 10, doc{"annotations": doc{"k": "v"}, "end_time": seconds(300)}))
	must[time.Time](t)(c.Advance(t.Context(), time.Minute))
	keep(t, s, segment(2, 1, "front", 20, doc{"subsegments": []doc{call}}), segment(3, 1, "other", 30, doc{"fault": true}))
	at := func(n float64) time.Time { return start.Add(time.Duration(n * float64(time.Second))) }
	for _, c := range []struct {
		by       xrayapi.TimeRangeType
		from, to float64
		filter   string
		want     []int
	}{
		{"", 0, 100, "", []int{3, 2, 1}},
		{xrayapi.TimeRangeTypeTraceId, 15, 25, "", []int{2}},
		{xrayapi.TimeRangeTypeTraceId, 20, 20, "", []int{2}},
		{xrayapi.TimeRangeTypeService, 300, 400, "", []int{1}},
		{xrayapi.TimeRangeTypeService, 0, 100, "", []int{3, 2}},
		{xrayapi.TimeRangeTypeEvent, 0, 59, "", []int{1}},
		{xrayapi.TimeRangeTypeEvent, 60, 60, "", []int{3, 2}},
		{"", 0, 100, "fault", []int{3}},
		{"", 0, 100, `service("front")`, []int{2, 1}},
		{"", 0, 100, `service("back") { fault }`, []int{2}},
		{"", 0, 100, `edge("front", "back") { fault responsetime <= 0.5 }`, []int{2}},
		{"", 0, 100, `annotation.k = "v" AND duration > 200`, []int{1}},
		{"", 0, 100, `group.name = "Default" AND ok`, []int{2, 1}},
		{"", 0, 100, `group.name = "mine"`, nil},
	} {
		in := xrayapi.GetTraceSummariesRequest{StartTime: at(c.from), EndTime: at(c.to), TimeRangeType: c.by, FilterExpression: p(c.filter)}
		if found := search(t, s, in); !slices.Equal(found, c.want) {
			t.Errorf("%s %v to %v, %q: %v, want %v", c.by, c.from, c.to, c.filter, found, c.want)
		}
	}
	for text, in := range map[string]xrayapi.GetTraceSummariesRequest{
		"longer than 24 hours":     {StartTime: start, EndTime: start.Add(24*time.Hour + 1)},
		"after EndTime":            {StartTime: at(1), EndTime: at(0)},
		`unknown keyword "colour"`: {StartTime: start, EndTime: start, FilterExpression: p(`colour = "red"`)},
		"longer than 2000":         {StartTime: start, EndTime: start, FilterExpression: p(strings.Repeat("!", 2000) + "ok")},
		"Invalid NextToken":        {StartTime: start, EndTime: start, NextToken: p("x")},
		"must be between 0 and 1":  {StartTime: start, EndTime: start, SamplingStrategy: &xrayapi.SamplingStrategy{Value: p(2.0)}},
	} {
		if _, err := s.GetTraceSummaries(t.Context(), me, &in); aws.CodeOf(err) != "InvalidRequestException" || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %q", err, text)
		}
	}
}

func TestPagesAndSamples(t *testing.T) {
	s, _ := open(t)
	const n = 600
	var docs []doc
	for i := range n {
		docs = append(docs, segment(i, 1, "a", float64(i/3), nil)) // several at a time
	}
	keep(t, s, docs...)
	found := search(t, s, xrayapi.GetTraceSummariesRequest{})
	if len(found) != n || !slices.IsSortedFunc(found, func(a, b int) int { return b - a }) {
		t.Errorf("%d traces, or not the latest first", len(found))
	}
	sample := xrayapi.GetTraceSummariesRequest{Sampling: p(true), SamplingStrategy: &xrayapi.SamplingStrategy{Name: xrayapi.SamplingStrategyNameFixedRate, Value: p(0.25)}}
	if got := search(t, s, sample); len(got) < n/6 || len(got) > n/3 || !slices.Equal(got, search(t, s, sample)) {
		t.Errorf("a quarter of %d is %d", n, len(got))
	}
	if got := search(t, s, xrayapi.GetTraceSummariesRequest{FilterExpression: p("fault")}); got != nil {
		t.Errorf("found %v", got)
	}
}

func TestSampling(t *testing.T) {
	s, c := open(t)
	rules := must[*xrayapi.GetSamplingRulesResult](t)(s.GetSamplingRules(t.Context(), me, &xrayapi.GetSamplingRulesRequest{}))
	if r := rules.SamplingRuleRecords[0].SamplingRule; len(rules.SamplingRuleRecords) != 1 || *r.RuleName != "Default" || r.FixedRate != 0.05 || r.ReservoirSize != 1 ||
		*r.RuleARN != "arn:aws:xray:eu-west-1:111122223333:sampling-rule/Default" {
		t.Errorf("rules %+v", rules)
	}
	quota := func(client string) int32 {
		out := must[*xrayapi.GetSamplingTargetsResult](t)(s.GetSamplingTargets(t.Context(), me, &xrayapi.GetSamplingTargetsRequest{
			SamplingStatisticsDocuments: []xrayapi.SamplingStatisticsDocument{{RuleName: "Default", ClientID: client}, {RuleName: "mine", ClientID: client}}}))
		if len(out.UnprocessedStatistics) != 1 || *out.UnprocessedStatistics[0].RuleName != "mine" || len(out.SamplingTargetDocuments) != 1 {
			t.Errorf("targets %+v", out)
		}
		return *out.SamplingTargetDocuments[0].ReservoirQuota
	}
	if a, b, again := quota("a"), quota("b"), quota("a"); a != 1 || b != 0 || again != 1 {
		t.Errorf("quotas %d, %d, %d: the reservoir is one request a second", a, b, again)
	}
	must[time.Time](t)(c.Advance(t.Context(), 11*time.Second))
	if b := quota("b"); b != 1 {
		t.Errorf("quota %d after the other was silent", b)
	}
}

func TestGroups(t *testing.T) {
	s, _ := open(t)
	arn := "arn:aws:xray:eu-west-1:111122223333:group/Default"
	all := must[*xrayapi.GetGroupsResult](t)(s.GetGroups(t.Context(), me, &xrayapi.GetGroupsRequest{}))
	if len(all.Groups) != 1 || *all.Groups[0].GroupARN != arn {
		t.Errorf("groups %+v", all)
	}
	for _, in := range []xrayapi.GetGroupRequest{{GroupName: p("Default")}, {GroupARN: &arn}} {
		if g := must[*xrayapi.GetGroupResult](t)(s.GetGroup(t.Context(), me, &in)).Group; *g.GroupName != "Default" || *g.GroupARN != arn {
			t.Errorf("group %+v", g)
		}
	}
	for _, in := range []xrayapi.GetGroupRequest{{}, {GroupName: p("x")}, {GroupARN: p("x")}} {
		if _, err := s.GetGroup(t.Context(), me, &in); aws.CodeOf(err) != "InvalidRequestException" {
			t.Errorf("error %v", err)
		}
	}
	e := must[*xrayapi.GetEncryptionConfigResult](t)(s.GetEncryptionConfig(t.Context(), me, nil)).EncryptionConfig
	if e.Type != xrayapi.EncryptionTypeNone || e.Status != xrayapi.EncryptionStatusActive {
		t.Errorf("encryption %+v", e)
	}
}

// FuzzPutTraceSegments checks that what is taken can be read again, whatever it looks like.
func FuzzPutTraceSegments(f *testing.F) {
	f.Add(segment(1, 1, "a", 0, doc{"subsegments": []doc{{"id": hex16(2), "name": "S3", "namespace": "aws", "start_time": 1, "end_time": 2}}}).String())
	f.Add(segment(1, 1, "a", 0, doc{"type": "subsegment", "parent_id": hex16(1)}).String())
	f.Add("[" + segment(1, 1, "a", 0, doc{"annotations": doc{"k": 1e9}}).String() + "]")
	f.Add(`{"subsegments":7}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, _ := open(t)
		out, err := s.PutTraceSegments(t.Context(), me, &xrayapi.PutTraceSegmentsRequest{TraceSegmentDocuments: []string{text, segment(1, 5, "b", 0, nil).String()}})
		if err != nil || len(out.UnprocessedTraceSegments) > 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		get(t, s, 1)
		in := xrayapi.GetTraceSummariesRequest{StartTime: start, EndTime: start, TimeRangeType: xrayapi.TimeRangeTypeEvent, FilterExpression: p(`service("b")`)}
		if len(search(t, s, in)) == 0 {
			t.Fatal("the sound document is not there")
		}
	})
}
