package asl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/asl/fault"
)

func TestYield(t *testing.T) {
	d := newDriver(t, `{"StartAt": "A", "States": {
		"A": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "B"},
		"B": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": 500, "Next": "A"}], "Default": "C"},
		"C": {"Type": "Succeed"}}}`)
	d.start(`{"n": 0}`)
	if got := string(d.root.Output); d.root.Phase != Done || got != `{"n":500}` {
		t.Fatalf("%v %s", d.root.Phase, got)
	}
	if d.root.Seq < 5 {
		t.Errorf("%d steps for 1001 states", d.root.Seq)
	}
	plain := len(d.history)

	one := newDriver(t, pureJSONPath)
	one.states = 1
	one.start(`{"id": 1, "kind": "order", "n": 3}`)
	if one.root.Seq != 5 || one.root.Phase != Done || plain != 2004 {
		t.Errorf("one at a time: seq %d, phase %d, %d events", one.root.Seq, one.root.Phase, plain)
	}
}

func TestRenumber(t *testing.T) {
	d := newDriver(t, pureJSONPath)
	th := d.machine.Start(0)
	set := &Setting{Facts: &d.facts, Now: started, NextEvent: 1}
	o, err := d.machine.Step(context.Background(), &th, Happening{What: Begun, Input: []byte(`{"id":1,"kind":"order","n":1}`)}, set)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Renumber(1) || !o.Renumber(40) {
		t.Fatal("a plain outcome can be moved")
	}
	if o.Events[0].ID != 40 || o.Events[1].Previous != 0 || o.Events[2].Previous != 41 || o.Thread.Last != 51 || o.Thread.EnteredEvent != 49 {
		t.Errorf("%v, last %d, entered %d", o.Events, o.Thread.Last, o.Thread.EnteredEvent)
	}
	o, err = d.machine.Step(context.Background(), &th, Happening{What: Begun, Input: []byte(`{"n":101}`)}, set)
	if err != nil || o.Thread.Error == nil {
		t.Fatal(err, o.Thread.Phase)
	}
	if !o.Renumber(1) || o.Renumber(2) {
		t.Error("a text that names an event cannot be moved")
	}
}

// TestVoid: each phase takes only what the contract says.
func TestVoid(t *testing.T) {
	takes := map[Phase][]What{
		Fresh: {Begun, Aborted, Expired}, Ready: {Resumed, Aborted, Expired}, Calling: {Started, Answered, Completed, Faulted, TimedOut, HeartbeatMissed, Aborted, Expired},
		Submitted: {Completed, Faulted, TimedOut, HeartbeatMissed, Aborted, Expired}, Waiting: {Woken, Aborted, Expired}, Backoff: {Woken, Aborted, Expired},
		Joining: {Joined, ChildFailed, Aborted, Expired}, Mapping: {Joined, Faulted, Aborted, Expired}, Done: {}, Broken: {Redriven}, Stopped: {Redriven},
	}
	state := map[Phase]string{Waiting: "W", Joining: "P", Mapping: "M"}
	d := newDriver(t, `{"StartAt": "T", "States": {
		"T": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Next": "W"}, "W": {"Type": "Wait", "Seconds": 1, "Next": "P"},
		"P": {"Type": "Parallel", "Branches": [{"StartAt": "X", "States": {"X": {"Type": "Succeed"}}}], "Next": "M"},
		"M": {"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Y", "States": {"Y": {"Type": "Succeed"}}}, "End": true}}}`)
	for phase, list := range takes {
		for what := Begun; what <= Redriven; what++ {
			th := Thread{Phase: phase, State: state[phase], EnteredEvent: 2, Input: []byte(`[]`)}
			if th.State == "" {
				th.State = "T"
			}
			_, err := d.machine.Step(context.Background(), &th, Happening{What: what, Input: []byte(`[]`), Output: []byte(`[]`)}, &Setting{Facts: &d.facts, Now: started, NextEvent: 9})
			want := false
			for _, w := range list {
				want = want || w == what
			}
			if errors.Is(err, ErrVoid) == want {
				t.Errorf("phase %d, happening %d: %v", phase, what, err)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	big := strings.Repeat("x", MaxData)
	for name, c := range map[string]struct {
		machine, input string
		mocks          string
		wantErr, cause string
	}{
		"output": {machine: `{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"a.$": "$", "b.$": "$"}, "End": true}}}`,
			input: `"` + big[:MaxData/2] + `"`, wantErr: fault.DataLimitExceeded,
			cause: "The state/task 'A' returned a result with a size exceeding the maximum number of bytes service limit."},
		"task's result": {machine: `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:0:function:f",
			"Retry": [{"ErrorEquals": ["States.ALL"]}], "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "A"}], "End": true}}}`,
			mocks: `{"A": [{"Output": "` + big + `"}]}`, wantErr: fault.DataLimitExceeded,
			cause: "The state/task 'arn:aws:lambda:us-east-1:0:function:f' returned a result with a size exceeding the maximum number of bytes service limit."},
		"integration's result": {machine: `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:cloudformation:getTemplate", "End": true}}}`,
			mocks: `{"A": [{"Output": "` + big + `"}]}`, wantErr: fault.DataLimitExceeded,
			cause: "The state/task 'aws-sdk:cloudformation' returned a result with a size exceeding the maximum number of bytes service limit."},
		"variable": {machine: `{"StartAt": "A", "States": {"A": {"Type": "Pass", "Assign": {"a.$": "$", "b.$": "$"}, "End": true}}}`,
			input: `"` + big[:MaxData/2] + `"`, wantErr: fault.DataLimitExceeded},
		"variables": {machine: `{"StartAt": "A", "States": {` + assigns(41) + `}}`, input: `"` + big[:MaxData-10] + `"`, wantErr: fault.DataLimitExceeded},
		"fewer":     {machine: `{"StartAt": "A", "States": {` + assigns(39) + `}}`, input: `"` + big[:MaxData-10] + `"`},
		"join": {machine: `{"StartAt": "A", "States": {"A": {"Type": "Parallel", "Branches": [
			{"StartAt": "X", "States": {"X": {"Type": "Succeed"}}}, {"StartAt": "Y", "States": {"Y": {"Type": "Succeed"}}}], "Catch": [{"ErrorEquals": ["States.DataLimitExceeded"], "ResultPath": null, "Next": "B"}], "End": true}, "B": {"Type": "Fail", "Error": "Caught"}}}`,
			input: `"` + big[:MaxData-10] + `"`, wantErr: "Caught"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDriver(t, c.machine)
			if c.mocks != "" {
				d.mocks = parseMocks(t, c.mocks)
			}
			if c.input == "" {
				c.input = "{}"
			}
			d.start(c.input)
			got := d.root.Error
			if c.wantErr == "" {
				if got != nil {
					t.Error(got)
				}
				return
			}
			if got == nil || got.Name != c.wantErr || c.cause != "" && got.Cause != c.cause {
				t.Errorf("%v", got)
			}
		})
	}
}

// assigns is n states that each keep their input.
func assigns(n int) string {
	var b strings.Builder
	name := func(i int) string {
		if i == 0 {
			return "A"
		}
		return fmt.Sprintf("A%d", i)
	}
	for i := range n {
		fmt.Fprintf(&b, `%q: {"Type": "Pass", "Assign": {"v%d.$": "$"}, "Next": %q}, `, name(i), i, name(i+1))
	}
	fmt.Fprintf(&b, `%q: {"Type": "Succeed", "OutputPath": null}`, name(n))
	return b.String()
}

func TestMatching(t *testing.T) {
	for _, c := range []struct {
		list, name string
		want       bool
	}{
		{"A B", "B", true}, {"A", "a", false}, {"States.ALL", "X", true}, {"States.ALL", fault.Timeout, true}, {"States.ALL", fault.Runtime, false},
		{fault.Runtime, fault.Runtime, false}, {"States.ALL", fault.DataLimitExceeded, false}, {fault.DataLimitExceeded, fault.DataLimitExceeded, true},
		{fault.TaskFailed, "X", true}, {fault.TaskFailed, fault.Timeout, false}, {fault.TaskFailed, fault.DataLimitExceeded, false},
		{fault.TaskFailed, fault.HeartbeatTimeout, true}, {fault.Timeout, fault.HeartbeatTimeout, true}, {fault.HeartbeatTimeout, fault.Timeout, false},
		{"States.ALL", "", true},
	} {
		if got := matching(strings.Fields(c.list), c.name); got != c.want {
			t.Errorf("%s matches %s: %v", c.list, c.name, got)
		}
	}
}

func TestDelay(t *testing.T) {
	for _, c := range []struct {
		r    retrier
		used int
		want time.Duration
	}{
		{retrier{interval: 3, rate: 1.5}, 0, 3 * time.Second},
		{retrier{interval: 3, rate: 1.5}, 1, 4500 * time.Millisecond},
		{retrier{interval: 3, rate: 2, maxDelay: 10}, 3, 10 * time.Second},
		{retrier{interval: 1, rate: 10}, 400, MaxSeconds * time.Second},
	} {
		if got := c.r.delay(c.used, nil); got != c.want {
			t.Errorf("%+v after %d: %s", c.r, c.used, got)
		}
	}
	r := &run{set: &Setting{Seed: [2]uint64{1, 2}}}
	full := retrier{interval: 8, rate: 1, jitter: true}
	seen := map[time.Duration]bool{}
	for range 50 {
		got := full.delay(0, r)
		if got < 0 || got > 8*time.Second {
			t.Fatal(got)
		}
		seen[got] = true
	}
	if len(seen) < 40 {
		t.Errorf("%d different delays of 50", len(seen))
	}
	if again := (&run{set: &Setting{Seed: [2]uint64{1, 2}}}); !seen[full.delay(0, again)] {
		t.Error("the same seed gives another delay")
	}
}

// TestAlone runs states as TestState does.
func TestAlone(t *testing.T) {
	m, err := ParseState("Alone", []byte(`{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "InputPath": "$.in", "Parameters": {"x.$": "$.x"},
		"ResultSelector": {"p.$": "$.Payload"}, "ResultPath": "$.out", "OutputPath": "$.out", "Assign": {"v.$": "$.p"}, "Catch": [{"ErrorEquals": ["E"], "Next": "Elsewhere"}], "Next": "There"}`))
	if err != nil {
		t.Fatal(err)
	}
	var seen Inspection
	set := &Setting{Facts: &Facts{}, Now: started, NextEvent: 1, MaxStates: 1, Inspect: &seen}
	th := m.Start(0)
	o, err := m.Step(context.Background(), &th, Happening{What: Begun, Input: []byte(`{"in": {"x": 1}}`)}, set)
	if err != nil || o.Command.Do != CallTask {
		t.Fatal(err, o.Command.Do)
	}
	done, err := m.Step(context.Background(), &o.Thread, Happening{What: Completed, Output: []byte(`{"Payload": 5}`)}, set)
	if err != nil || done.Command.Do != Yield || done.Thread.State != "There" || string(done.Thread.Input) != `{"p":5}` {
		t.Fatal(err, done.Command.Do, done.Thread.State, string(done.Thread.Input))
	}
	for want, got := range map[string][]byte{
		`{"in": {"x": 1}}`: seen.Input, `{"x":1}`: seen.AfterParameters, `{"Payload": 5}`: seen.Result, `{"p":5}`: seen.AfterResultSelector,
		`{"in":{"x":1},"out":{"p":5}}`: seen.AfterResultPath, `{"v":5}`: seen.Variables,
	} {
		if string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	caught, err := m.Step(context.Background(), &o.Thread, Happening{What: Faulted, Error: &fault.Error{Name: "E", Cause: "c"}}, set)
	if err != nil || caught.Thread.State != "Elsewhere" || seen.CatchIndex != 0 {
		t.Fatal(err, caught.Thread.State, seen.CatchIndex)
	}
}

func TestWholeContext(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a.$": "$$.Map.Item.Value", "b.$": "$.x"}`: false, `{"a.$": "$$.Execution.Input.k"}`: true, `{"a.$": "$$"}`: true, `{"a.$": "$$..Input"}`: true,
		`{"a.$": "$$.State.Name", "b.$": "$$['x']"}`: true, `"{% $states.input.a + $states.result %}"`: false, `"{% $states %}"`: true,
		`"{% $states.context.Map.Item.Value %}"`: false, `"{% $states.context.* %}"`: true, `"{% $states.context.Execution.Id %}"`: true,
	} {
		if got := wholeContext(text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestRecent(t *testing.T) {
	var r Recent
	texts := make([][]byte, recentDocs+1)
	for i := range texts {
		texts[i] = fmt.Appendf(nil, `{"n":%d}`, i)
	}
	first := r.parse(texts[0])
	if r.parse(texts[0]) != first {
		t.Error("parsed twice")
	}
	for _, text := range texts {
		if got := valueDoc(r.parse(text)).json(); string(got) != string(text) {
			t.Errorf("%s for %s", got, text)
		}
	}
	if r.parse(texts[0]) == first {
		t.Error("remembers more than it should")
	}
	if r.parse(texts[0][:0]) != nil || (*Recent)(nil).parse([]byte(`1`)) == nil {
		t.Error("nothing, or nobody to remember it")
	}
}

func TestCancelled(t *testing.T) {
	m, err := Parse([]byte(`{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Pass", "Output": "{% $sum($map([1..3], function($v) {$v})) %}", "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	th := m.Start(0)
	set := &Setting{Facts: &Facts{}, Now: started, NextEvent: 1}
	if _, err := m.Step(ctx, &th, Happening{What: Begun, Input: []byte(`1`)}, set); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if o, err := m.Step(context.Background(), &th, Happening{What: Begun, Input: []byte(`1`)}, set); err != nil || string(o.Thread.Output) != "6" {
		t.Error(err, string(o.Thread.Output), o.Thread.Error)
	}
}

func TestExceeded(t *testing.T) {
	for _, c := range []struct {
		count         int64
		percentage    float64
		failed, total int64
		want          bool
	}{
		{-1, -1, 0, 9, false}, {-1, -1, 1, 9, true}, {2, -1, 2, 2, false}, {2, -1, 3, 900, true}, {-1, 50, 5, 10, false}, {-1, 50, 6, 10, true},
		{0, 50, 1, 10, true}, {9, 10, 2, 10, true}, {-1, 100, 10, 10, false}, {-1, 0, 1, 10, true},
	} {
		m := MapRun{ToleratedCount: c.count, ToleratedPercentage: c.percentage}
		if got := m.Exceeded(c.failed, c.total); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestInspectItems(t *testing.T) {
	m, err := ParseState("M", []byte(`{"Type": "Map", "ItemsPath": "$.l", "ItemSelector": {"v.$": "$$.Map.Item.Value"}, "MaxConcurrency": 3,
		"ItemProcessor": {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}, "End": true}`))
	if err != nil {
		t.Fatal(err)
	}
	var seen Inspection
	th := m.Start(0)
	_, err = m.Step(context.Background(), &th, Happening{What: Begun, Input: []byte(`{"l": [1, 2]}`)}, &Setting{Facts: &Facts{}, Now: started, NextEvent: 1, Inspect: &seen})
	if err != nil || string(seen.AfterItemsPath) != `[1,2]` || string(seen.AfterItemSelector) != `[{"v":1},{"v":2}]` || *seen.MaxConcurrency != 3 {
		t.Fatal(err, string(seen.AfterItemsPath), string(seen.AfterItemSelector))
	}
}

func TestSelect(t *testing.T) {
	m, err := Parse([]byte(`{"StartAt": "M", "States": {"M": {"Type": "Map", "ItemsPath": "$.l", "ItemSelector": {"v.$": "$$.Map.Item.Value", "s.$": "$$.Map.Item.Source", "k.$": "$.k", "i.$": "$$.Map.Item.Index"},
		"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}, "End": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	set := &Setting{Facts: &Facts{}, Now: started, NextEvent: 1}
	th := m.Start(0)
	o, err := m.Step(context.Background(), &th, Happening{What: Begun, Input: []byte(`{"l": [7], "k": "K"}`)}, set)
	if err != nil || o.Command.Do != RunMap || !o.Command.MapRun.Selects {
		t.Fatal(err)
	}
	got, err := m.Selector(context.Background(), &o.Thread, set).Select(Item{Index: 3, Value: []byte(`7`), Source: "STATE_DATA"})
	if err != nil || string(got) != `{"v":7,"s":"STATE_DATA","k":"K","i":3}` {
		t.Fatal(err, string(got))
	}
}
