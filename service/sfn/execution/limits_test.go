package execution_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/service/sfn/execution"
)

// An execution whose history is full fails, and leaves nothing behind that could wake it.
func TestFullHistory(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
		{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":100000,"End":true}}},
		{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}}]}}}`)
	ref := r.begin("m", "x", `{}`)
	r.settle()
	r.want(ref, "FAILED States.Runtime")
	types := r.types(ref)
	if len(types) != execution.MaxEvents || types[len(types)-1] != "ExecutionFailed" {
		t.Errorf("%d events, the last is %s", len(types), types[len(types)-1])
	}
	if n := r.promises(); n != 1 {
		t.Errorf("%d promises are left", n)
	}
	if _, err := r.Redrive(t.Context(), ref, "", false); err == nil || !strings.Contains(err.Error(), "history event limit") {
		t.Error(err)
	}
}

// What a step writes fits into a transaction, however large the data are.
func TestLargeData(t *testing.T) {
	r := newRig(t).run()
	var states []string
	for i := range 60 {
		states = append(states, fmt.Sprintf(`"S%d":{"Type":"Pass","Result":%d,"ResultPath":"$.n","Next":"S%d"}`, i, i, i+1))
	}
	r.define("m", `{"StartAt":"S0","States":{`+strings.Join(states, ",")+`,"S60":{"Type":"Succeed"}}}`)
	large := strings.Repeat("x", 240_000)
	ref := r.begin("m", "x", `{"large":"`+large+`"}`)
	r.settle()
	r.want(ref, `SUCCEEDED {"large":"`+large+`","n":59}`)
}

// Many iterations run few at a time.
func TestManyIterations(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$","End":true,"ItemProcessor":{"StartAt":"W","States":{
		"W":{"Type":"Wait","Seconds":1,"End":true}}}}}}`)
	items := "[" + strings.Repeat(`"item",`, 499) + `"item"]`
	ref := r.begin("m", "x", items)
	r.settle()
	if n := r.promises(); n != 41 { // forty wait, and the sweep
		t.Errorf("%d promises", n)
	}
	r.advance(13 * time.Second)
	r.want(ref, "SUCCEEDED "+items)
}

// An execution may not run for more than a year, whatever it waits for.
func TestAYear(t *testing.T) {
	r := newRig(t).run()
	r.define("w", `{"StartAt":"W","States":{"W":{"Type":"Wait","Timestamp":"2030-01-01T00:00:00Z","End":true}}}`)
	r.define("token", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:echo.waitForTaskToken","Parameters":{"t.$":"$$.Task.Token"},"End":true}}}`)
	a, b := r.begin("w", "a", `{}`), r.begin("token", "b", `{}`)
	r.settle()
	r.advance(execution.MaxOpen - time.Second)
	r.want(a, "RUNNING")
	r.want(b, "RUNNING")
	r.advance(time.Second)
	r.want(a, "TIMED_OUT")
	r.want(b, "TIMED_OUT")
}

// What has failed in a branch is run again by a redrive, and what has succeeded is not.
func TestRedriveBranch(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
		{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"R:test:echo","Parameters":{"a":1},"End":true}}},
		{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":1,"Next":"F"},"F":{"Type":"Task","Resource":"R:test:twice","Parameters":{"b":2},"End":true}}},
		{"StartAt":"X","States":{"X":{"Type":"Wait","Seconds":10,"End":true}}}]}}}`)
	ref := r.begin("m", "x", `{}`)
	r.settle()
	r.advance(time.Second)
	r.want(ref, "FAILED Not.Yet")
	if _, err := r.Redrive(t.Context(), ref, "", false); err != nil {
		t.Fatal(err)
	}
	r.settle()
	r.advance(10 * time.Second)
	r.want(ref, `SUCCEEDED [{"a":1},{"b":2},{}]`)
	if got := strings.Count(strings.Join(r.tasks.calls, "\n"), `{"a":1}`); got != 1 {
		t.Errorf("%q", r.tasks.calls)
	}
}
