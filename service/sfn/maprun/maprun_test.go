package maprun_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/execution"
)

// mapping is a machine of one distributed Map state with a task for each item.
func mapping(kind, more string) string {
	return `{"StartAt":"M","States":{"M":{"Type":"Map","Label":"M",` + more + `"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"` + kind + `"},
		"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::test:echo","End":true}}},"End":true}}}`
}

const passing = `{"StartAt":"M","States":{"M":{"Type":"Map","Label":"M","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
	"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`

func TestItems(t *testing.T) {
	for _, c := range []struct{ name, definition, input, want string }{
		{"pass", passing, `[1,"a",{"b":2}]`, `SUCCEEDED [1,"a",{"b":2}]`},
		{"standard", mapping("STANDARD", ""), `[3,2,1]`, `SUCCEEDED [3,2,1]`},
		{"express", mapping("EXPRESS", ""), `[3,2,1]`, `SUCCEEDED [3,2,1]`},
		{"none", mapping("STANDARD", ""), `[]`, `SUCCEEDED []`},
		{"batches", mapping("EXPRESS", `"ItemBatcher":{"MaxItemsPerBatch":2,"BatchInput":{"x":1}},`), `[1,2,3]`,
			`SUCCEEDED [{"BatchInput":{"x":1},"Items":[1,2]},{"BatchInput":{"x":1},"Items":[3]}]`},
		{"selector", mapping("STANDARD", `"ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value","s.$":"$$.Map.Item.Source"},`), `["a","b"]`,
			`SUCCEEDED [{"i":0,"v":"a","s":"STATE_DATA"},{"i":1,"v":"b","s":"STATE_DATA"}]`},
		{"flatten", mapping("STANDARD", `"ResultWriter":{"WriterConfig":{"Transformation":"FLATTEN","OutputType":"JSON"}},`), `[[1,2],3,[]]`, `SUCCEEDED [1,2,3]`},
		{"reader", mapping("STANDARD", `"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSONL","MaxItems":2},"Parameters":{"Bucket":"b","Key":"a.jsonl"}},`),
			`{}`, `SUCCEEDED [{"n":1},{"n":2}]`},
		{"list", mapping("STANDARD", `"ItemReader":{"Resource":"arn:aws:states:::s3:listObjectsV2","Parameters":{"Bucket":"b","Prefix":"a"}},"ItemSelector":{"k.$":"$$.Map.Item.Value.Key","s.$":"$$.Map.Item.Source"},`),
			`{}`, `SUCCEEDED [{"k":"a.jsonl","s":"S3://b"}]`},
		{"no object", mapping("STANDARD", `"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON"},"Parameters":{"Bucket":"b","Key":"none"}},`),
			`{}`, `FAILED States.ItemReaderFailed: The specified key does not exist. (Service: Amazon S3; Status Code: 404; Error Code: NoSuchKey; Request ID: `},
		{"too much", mapping("STANDARD", ""), `["` + strings.Repeat("x", 150_000) + `","` + strings.Repeat("y", 110_000) + `"]`, `SUCCEEDED `},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.definition)
			w.bucket.objects["b/a.jsonl"] = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"
			p := w.boot()
			p.begin(c.input)
			p.settle()
			if got := p.look(); got != c.want && !(strings.HasSuffix(c.want, " ") && strings.HasPrefix(got, c.want)) {
				t.Errorf("%s\n%s", got, strings.Join(p.events(), " "))
			}
		})
	}
}

// described is the only map run there is.
func (p *process) described() *sfnapi.DescribeMapRunOutput {
	p.t.Helper()
	arn := "arn:aws:states:eu-west-1:111122223333:execution:m:e"
	list, err := p.runs.ListMapRuns(p.t.Context(), aws.Identity{}, &sfnapi.ListMapRunsInput{ExecutionArn: arn})
	if err != nil || len(list.MapRuns) != 1 || list.MapRuns[0].StateMachineArn != "arn:aws:states:eu-west-1:111122223333:stateMachine:m/M" {
		p.t.Fatal(list, err)
	}
	out, err := p.runs.DescribeMapRun(p.t.Context(), aws.Identity{}, &sfnapi.DescribeMapRunInput{MapRunArn: list.MapRuns[0].MapRunArn})
	if err != nil || out.ExecutionArn != arn {
		p.t.Fatal(out, err)
	}
	return out
}

func (p *process) counts() string {
	d := p.described()
	i, e := d.ItemCounts, d.ExecutionCounts
	return fmt.Sprintf("%s items %d/%d/%d/%d/%d executions %d/%d/%d/%d/%d", d.Status, i.Total, i.Succeeded, i.Failed, i.Aborted, i.ResultsWritten, e.Total, e.Succeeded, e.Failed, e.Aborted,
		e.ResultsWritten)
}

func TestFailuresAndRedrive(t *testing.T) {
	for _, kind := range []string{"STANDARD", "EXPRESS"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t, mapping(kind, ""))
			w.broken["2"] = true
			p := w.boot()
			p.begin(`[1,2,3]`)
			p.settle()
			if got := p.look(); got != "FAILED States.ExceedToleratedFailureThreshold: The specified tolerated failure threshold was exceeded" {
				t.Fatal(got)
			}
			d := p.described()
			if d.Status != "FAILED" || d.ItemCounts.Failed != 1 || d.ItemCounts.Total != 3 || d.StopDate == nil {
				t.Error(p.counts())
			}
			w.mu.Lock()
			w.broken["2"] = false
			before := w.done["1"] + w.done["3"]
			w.mu.Unlock()
			if _, err := p.engine.Redrive(t.Context(), execution.Ref{Spot: w.rev.Spot, Name: "e"}, "", false); err != nil {
				t.Fatal(err)
			}
			p.settle()
			if got := p.look(); got != "SUCCEEDED [1,2,3]" {
				t.Error(got, p.events())
			}
			if got := p.counts(); got != "SUCCEEDED items 3/3/0/0/0 executions 3/3/0/0/0" || *p.described().RedriveCount != 1 {
				t.Error(got)
			}
			// A child that was aborted after its task's work runs it again; one that had succeeded does not.
			if again := w.done["1"] + w.done["3"] - before; again != 2-int(d.ItemCounts.Succeeded) {
				t.Errorf("%d of 2 had succeeded, %d ran again", d.ItemCounts.Succeeded, again)
			}
		})
	}
}

// TestPermissions: the role must be allowed to begin children, and to redrive them. What was refused goes on when it is allowed.
func TestPermissions(t *testing.T) {
	const arn = "arn:aws:states:eu-west-1:111122223333:"
	w := newWorld(t, mapping("STANDARD", ""))
	p := w.boot()
	ref := execution.Ref{Spot: w.rev.Spot, Name: "e"}
	again := func(denied, want string) {
		t.Helper()
		w.mu.Lock()
		w.denied = denied
		w.mu.Unlock()
		if _, err := p.engine.Redrive(t.Context(), ref, "", false); err != nil {
			t.Fatal(err)
		}
		p.settle()
		if got := p.look(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	w.denied, w.broken["2"] = "states:StartExecution", true
	p.begin(`[1,2]`)
	p.settle()
	const refused = "FAILED States.Permissions: arn:aws:iam::111122223333:role/r may not "
	if got, want := p.look(), refused+"states:StartExecution on "+arn+"stateMachine:m"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	again("states:RedriveExecution", "FAILED States.ExceedToleratedFailureThreshold: The specified tolerated failure threshold was exceeded") // there was nothing to redrive
	again("states:RedriveExecution", refused+"states:RedriveExecution on "+arn+"execution:m/M:*")
	w.mu.Lock()
	w.broken["2"] = false
	w.mu.Unlock()
	again("states:StartExecution", "SUCCEEDED [1,2]") // all have been started
}

// TestFailsAgain: a child that is redriven and fails at once is counted.
func TestFailsAgain(t *testing.T) {
	p := newWorld(t, strings.Replace(passing, `"Type":"Pass","End":true`, `"Type":"Fail","Error":"Always"`, 1)).boot()
	ref := p.begin(`[1,2]`)
	p.settle()
	for n := range int32(3) {
		if got := p.counts(); got != "FAILED items 2/0/2/0/0 executions 2/0/2/0/0" || *p.described().RedriveCount != n {
			t.Fatal(n, got, p.look())
		}
		if _, err := p.engine.Redrive(t.Context(), ref, "", false); err != nil {
			t.Fatal(err)
		}
		p.settle()
	}
}

func TestTolerated(t *testing.T) {
	w := newWorld(t, mapping("STANDARD", `"ToleratedFailurePercentage":50,"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject","Parameters":{"Bucket":"out","Prefix":"p/"}},`))
	w.broken["2"] = true
	p := w.boot()
	p.begin(`[1,2]`)
	p.settle()
	d := p.described()
	folder := d.MapRunArn[strings.LastIndexByte(d.MapRunArn, ':')+1:]
	if got := p.look(); got != `SUCCEEDED {"MapRunArn":"`+d.MapRunArn+`","ResultWriterDetails":{"Bucket":"out","Key":"p/`+folder+`/manifest.json"}}` {
		t.Error(got)
	}
	if got := p.counts(); got != "SUCCEEDED items 2/1/1/0/2 executions 2/1/1/0/2" {
		t.Error(got)
	}
	good, bad := w.bucket.objects["out/p/"+folder+"/SUCCEEDED_0.json"], w.bucket.objects["out/p/"+folder+"/FAILED_0.json"]
	want := fmt.Sprintf(`{"DestinationBucket":"out","MapRunArn":"%s","ResultFiles":{"FAILED":[{"Key":"p/%s/FAILED_0.json","Size":%d}],"PENDING":[],`+
		`"SUCCEEDED":[{"Key":"p/%s/SUCCEEDED_0.json","Size":%d}]}}`, d.MapRunArn, folder, len(bad), folder, len(good))
	if got := w.bucket.objects["out/p/"+folder+"/manifest.json"]; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	var results []map[string]any
	if err := json.Unmarshal([]byte(good), &results); err != nil || len(results) != 1 {
		t.Fatal(err, good)
	}
	name, _ := results[0]["Name"].(string)
	if results[0]["ExecutionArn"] != "arn:aws:states:eu-west-1:111122223333:execution:m/M:"+name || results[0]["Output"] != "1" || results[0]["Input"] != "1" ||
		results[0]["StartDate"] != "2026-01-02T03:04:05.000Z" || results[0]["Status"] != "SUCCEEDED" || results[0]["RedriveStatus"] != "NOT_REDRIVABLE" {
		t.Error(good)
	}
	if err := json.Unmarshal([]byte(bad), &results); err != nil || results[0]["Error"] != "Broken" || results[0]["Cause"] != "item 2" || results[0]["Status"] != "FAILED" {
		t.Error(bad)
	}
}

func TestConcurrencyAndUpdate(t *testing.T) {
	w := newWorld(t, mapping("STANDARD", `"MaxConcurrency":2,`))
	w.hold = make(chan struct{})
	p := w.boot()
	p.begin(`[1,2,3,4,5,6]`)
	for {
		if d := p.open(); d == 2 {
			break
		}
	}
	if d := p.described(); d.ItemCounts.Pending != 4 || d.ItemCounts.Total != 6 || d.ExecutionCounts.Pending != 4 || d.ExecutionCounts.Total != 6 {
		t.Error(d.ItemCounts, d.ExecutionCounts)
	}
	arn := p.described().MapRunArn
	if _, err := p.runs.UpdateMapRun(t.Context(), aws.Identity{}, &sfnapi.UpdateMapRunInput{MapRunArn: arn, MaxConcurrency: new(int32(4)), ToleratedFailureCount: new(int64(1))}); err != nil {
		t.Fatal(err)
	}
	for p.open() != 4 {
	}
	if d := p.described(); d.MaxConcurrency != 4 || d.ToleratedFailureCount != 1 {
		t.Error(d)
	}
	close(w.hold)
	p.settle()
	if got := p.look(); got != "SUCCEEDED [1,2,3,4,5,6]" || w.most > 4 {
		t.Error(got, w.most)
	}
	if d := p.described(); d.ItemCounts.Pending != 0 || d.ItemCounts.Total != 6 {
		t.Error(d.ItemCounts)
	}
	if _, err := p.runs.UpdateMapRun(t.Context(), aws.Identity{}, &sfnapi.UpdateMapRunInput{MapRunArn: arn, MaxConcurrency: new(int32(1))}); err == nil {
		t.Error("a run that is over was changed")
	}
}

func (p *process) open() int64 {
	arn := "arn:aws:states:eu-west-1:111122223333:execution:m:e"
	list, err := p.runs.ListMapRuns(p.t.Context(), aws.Identity{}, &sfnapi.ListMapRunsInput{ExecutionArn: arn})
	if err != nil || len(list.MapRuns) == 0 {
		return 0
	}
	return p.described().ExecutionCounts.Running
}

func TestStop(t *testing.T) {
	for _, kind := range []string{"STANDARD", "EXPRESS"} {
		w := newWorld(t, mapping(kind, ""))
		w.hold = make(chan struct{})
		p := w.boot()
		ref := p.begin(`[1,2,3]`)
		for p.open() != 3 {
		}
		if _, err := p.engine.Stop(t.Context(), ref, &fault.Error{Name: "Enough"}); err != nil {
			t.Fatal(err)
		}
		close(w.hold)
		p.settle()
		if got := p.look(); got != "ABORTED Enough" {
			t.Error(got)
		}
		d := p.described()
		if d.Status != "ABORTED" || d.ExecutionCounts.Running != 0 || kind == "STANDARD" && d.ExecutionCounts.Aborted+d.ExecutionCounts.Succeeded != 3 {
			t.Error(kind, p.counts())
		}
	}
}

// TestDeaths: a process that dies at any moment leaves a run that goes on, with each item taken once.
func TestDeaths(t *testing.T) {
	for _, kind := range []string{"STANDARD", "EXPRESS"} {
		t.Run(kind, func(t *testing.T) {
			const items = 300
			w := newWorld(t, mapping(kind, `"MaxConcurrency":40,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"},
				"Parameters":{"Bucket":"b","Key":"k"}},"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject","Parameters":{"Bucket":"out"},"WriterConfig":{"Transformation":"COMPACT","OutputType":"JSONL"}},`))
			var csv, want strings.Builder
			csv.WriteString("n\n")
			for i := range items {
				fmt.Fprintf(&csv, "%d\n", i)
				fmt.Fprintf(&want, "{\"n\":\"%d\"}\n", i)
			}
			w.bucket.objects["b/k"] = csv.String()
			p := w.boot()
			p.begin(`{}`)
			r := rand.New(rand.NewPCG(1, 1))
			lives := 1
			for ; strings.HasPrefix(p.look(), "RUNNING") && lives < 40; lives++ {
				for range r.IntN(40) {
					p.look()
				}
				p.stop()
				p = w.boot()
			}
			p.settle()
			if got := p.counts(); got != fmt.Sprintf("SUCCEEDED items %d/%d/0/0/%d executions %d/%d/0/0/%d", items, items, items, items, items, items) {
				t.Fatal(got, p.look())
			}
			d := p.described()
			if got := w.bucket.objects["out/"+d.MapRunArn[strings.LastIndexByte(d.MapRunArn, ':')+1:]+"/SUCCEEDED_0.jsonl"]; got+"\n" != want.String() {
				t.Errorf("%.300s", got)
			}
			events := p.events()
			if n := strings.Count(strings.Join(events, " "), "MapStateExited"); n != 1 || len(events) != 8 {
				t.Error(events)
			}
			t.Logf("%d lives", lives)
		})
	}
}

// TestObjects: the members of an object are items.
func TestObjects(t *testing.T) {
	w := newWorld(t, mapping("STANDARD", `"ItemSelector":{"k.$":"$$.Map.Item.Key","v.$":"$$.Map.Item.Value"},`))
	p := w.boot()
	p.begin(`{"a":1,"b":2}`)
	p.settle()
	if got := p.look(); got != `SUCCEEDED [{"k":"a","v":1},{"k":"b","v":2}]` {
		t.Error(got)
	}
}

// TestForget: a map run goes with its execution.
func TestForget(t *testing.T) {
	w := newWorld(t, passing)
	p := w.boot()
	p.begin(`[1,2]`)
	p.settle()
	arn := p.described().MapRunArn
	if _, err := w.clock.Advance(t.Context(), execution.Retention+48*time.Hour); err != nil {
		t.Fatal(err)
	}
	p.settle()
	_, err := p.runs.DescribeMapRun(t.Context(), aws.Identity{}, &sfnapi.DescribeMapRunInput{MapRunArn: arn})
	if _, gone := errors.AsType[*sfnapi.ResourceNotFound](err); !gone {
		t.Error(err)
	}
}

func TestARNs(t *testing.T) {
	p := newWorld(t, passing).boot()
	for _, arn := range []string{"x", "arn:aws:states:eu-west-1:111122223333:execution:m:e", "arn:aws:states:eu-west-1:111122223333:mapRun:m:1"} {
		_, err := p.runs.DescribeMapRun(t.Context(), aws.Identity{}, &sfnapi.DescribeMapRunInput{MapRunArn: arn})
		if _, bad := errors.AsType[*sfnapi.InvalidArn](err); !bad {
			t.Errorf("%s: %v", arn, err)
		}
	}
}
