package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brume-dev/brume/asl/graph"
)

const (
	machineARN   = "arn:aws:states:us-east-1:000000000000:stateMachine:order"
	executionARN = "arn:aws:states:us-east-1:000000000000:execution:order:run-1"
	order        = `{"Comment":"An order","StartAt":"Charge","States":{"Charge":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Retry":[{"ErrorEquals":["States.ALL"]}],"Next":"Both"},
 "Both":{"Type":"Parallel","Branches":[{"StartAt":"Mail","States":{"Mail":{"Type":"Pass","End":true}}}],"End":true}}}`
)

// script is a Step Functions that has one execution, which goes on a step with each look at it.
type script struct {
	steps []string // the events that come with each step
	last  string   // the status after the last step
	step  atomic.Int32
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	fail := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":%q,"message":"not there"}`, code)
	}
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
	case "DescribeStateMachine", "DescribeStateMachineForExecution":
		if in["stateMachineArn"] != nil && in["stateMachineArn"] != machineARN {
			fail("StateMachineDoesNotExist")
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"definition": order, "name": "order"})
	case "ListStateMachines":
		fmt.Fprint(w, `{"stateMachines":[{"name":"other","type":"EXPRESS"},{"name":"order","type":"STANDARD"}]}`)
	case "ListExecutions":
		fmt.Fprintf(w, `{"executions":[{"executionArn":%q}]}`, executionARN)
	case "DescribeExecution":
		if in["executionArn"] != executionARN {
			fail("ExecutionDoesNotExist")
			return
		}
		out := map[string]any{"executionArn": executionARN, "name": "run-1", "status": "RUNNING", "startDate": 1000}
		if n := int(s.step.Add(1)); n >= len(s.steps) {
			out["status"], out["stopDate"] = s.last, 1006.5
			out["output"] = "{ \"paid\": true }"
			if s.last != "SUCCEEDED" {
				out["error"], out["cause"] = "Broken", "it broke"
			}
		}
		_ = json.NewEncoder(w).Encode(out)
	case "GetExecutionHistory":
		s.history(w, in)
	case "DescribeMapRun":
		fmt.Fprintf(w, `{"itemCounts":{"total":9,"succeeded":%d,"failed":1}}`, 2*s.step.Load())
	default:
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
			return
		}
		fail("UnknownOperationException")
	}
}

// history answers with two events a page, the newest first.
func (s *script) history(w http.ResponseWriter, in map[string]any) {
	var events []string
	for _, step := range s.steps[:min(int(s.step.Load()), len(s.steps))] {
		for line := range strings.Lines(step) {
			f := strings.Fields(line)
			e := fmt.Sprintf(`{"id":%d,"previousEventId":%s,"type":%q,"timestamp":%d.25`, len(events)+1, f[0], f[1], 1000+len(events))
			if f[1] == "MapRunStarted" {
				e += `,"mapRunStartedEventDetails":{"mapRunArn":"arn:run"}`
			}
			if len(f) > 2 {
				kind := "stateEnteredEventDetails"
				if strings.HasSuffix(f[1], "Exited") {
					kind = "stateExitedEventDetails"
				}
				e += fmt.Sprintf(`,%q:{"name":%q}`, kind, f[2])
			}
			events = append([]string{e + "}"}, events...)
		}
	}
	from := 0
	if t, ok := in["nextToken"].(string); ok {
		_, _ = fmt.Sscan(t, &from)
	}
	to := min(from+2, len(events))
	next := ""
	if to < len(events) {
		next = fmt.Sprintf(`,"nextToken":"%d"`, to)
	}
	fmt.Fprintf(w, `{"events":[%s]%s}`, strings.Join(events[from:to], ","), next)
}

func goodScript() *script {
	return &script{last: "SUCCEEDED", steps: []string{
		"0 ExecutionStarted\n0 TaskStateEntered Charge\n2 TaskScheduled",
		"3 TaskFailed\n4 TaskScheduled\n5 TaskSucceeded\n6 TaskStateExited Charge\n7 ParallelStateEntered Both",
		"8 ParallelStateStarted\n9 PassStateEntered Mail\n10 PassStateExited Mail\n11 ParallelStateSucceeded\n12 ParallelStateExited Both\n13 ExecutionSucceeded",
	}}
}

// at is the local time of day of an event of the script.
func at(id int) string {
	return time.UnixMilli(int64(999+id)*1000 + 250).Local().Format("15:04:05.000")
}

func TestSfnWatch(t *testing.T) {
	good := at(2) + "  ▶ Charge  Task\n" + at(5) + "  ↻ Charge  retry 1\n" + at(7) + "  ✓ Charge  5.0 s\n" + at(8) + "  ▶ Both  Parallel\n" +
		at(10) + "    ▶ Mail  Pass\n" + at(11) + "    ✓ Mail  1.0 s\n" + at(13) + "  ✓ Both  5.0 s\n" + "SUCCEEDED in 6.5 s\n{\"paid\":true}\n"
	for _, what := range []string{executionARN, "order/run-1", "run-1", "order", machineARN} {
		s := httptest.NewServer(goodScript())
		var out, errOut bytes.Buffer
		if exit := run(t.Context(), []string{"sfn", "watch", what, "--endpoint", s.URL}, &out, &errOut); exit != 0 || out.String() != good {
			t.Errorf("%s: exit %d\n%s%s", what, exit, out.String(), errOut.String())
		}
		s.Close()
	}
	bad := &script{last: "FAILED", steps: []string{"0 ExecutionStarted\n0 TaskStateEntered Charge\n2 TaskScheduled\n3 TaskFailed\n4 ExecutionFailed"}}
	s := httptest.NewServer(bad)
	defer s.Close()
	var out, errOut bytes.Buffer
	want := at(2) + "  ▶ Charge  Task\n" + at(5) + "  ✗ Charge  3.0 s, failed\nFAILED in 6.5 s: Broken\n"
	if exit := run(t.Context(), []string{"sfn", "watch", "run-1", "--endpoint", s.URL}, &out, &errOut); exit != 1 || out.String() != want ||
		errOut.String() != "brume: the execution is FAILED: it broke\n" {
		t.Errorf("exit %d\n%s%s", exit, out.String(), errOut.String())
	}
	out.Reset()
	errOut.Reset()
	if exit := run(t.Context(), []string{"sfn", "watch", "nothing", "--endpoint", s.URL}, &out, &errOut); exit != 1 || !strings.Contains(errOut.String(), "neither a state machine nor an execution called nothing") {
		t.Errorf("exit %d\n%s%s", exit, out.String(), errOut.String())
	}
}

func TestSfnWatchOfADistributedMap(t *testing.T) {
	s := httptest.NewServer(&script{last: "SUCCEEDED", steps: []string{
		"0 ExecutionStarted\n0 MapStateEntered Both\n2 MapStateStarted\n3 MapRunStarted",
		"4 MapRunSucceeded\n3 MapStateExited Both\n6 ExecutionSucceeded",
	}})
	defer s.Close()
	var out, errOut bytes.Buffer
	want := at(2) + "  ▶ Both  Map\n              ⋯ Both  2 of 9 items, 1 failed\n" + at(6) + "  ✓ Both  4.0 s\n              ⋯ Both  4 of 9 items, 1 failed\nSUCCEEDED in 6.5 s\n{\"paid\":true}\n"
	if exit := run(t.Context(), []string{"sfn", "watch", executionARN, "--endpoint", s.URL}, &out, &errOut); exit != 0 || out.String() != want {
		t.Errorf("exit %d\n%q, want\n%q%s", exit, out.String(), want, errOut.String())
	}
}

func TestSfnGraph(t *testing.T) {
	s := httptest.NewServer(goodScript())
	defer s.Close()
	file := filepath.Join(t.TempDir(), "order.svg")
	for what, want := range map[string]string{"order": "An order", "order/run-1": "order / run-1"} {
		var out, errOut bytes.Buffer
		if exit := run(t.Context(), []string{"sfn", "graph", what, "-o", file, "--endpoint", s.URL}, &out, &errOut); exit != 0 {
			t.Fatalf("%s: exit %d, %s", what, exit, errOut.String())
		}
		b, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(b, []byte(want)) || !bytes.HasPrefix(b, []byte("<svg ")) {
			t.Errorf("%s: %v, %.300s", what, err, b)
		}
	}
	var out, errOut bytes.Buffer
	if exit := run(t.Context(), []string{"sfn", "graph", machineARN, "--endpoint", s.URL}, &out, &errOut); exit != 0 || !strings.HasSuffix(out.String(), "</svg>\n") {
		t.Errorf("exit %d, %s", exit, errOut.String())
	}
}

func TestTreeFitsTheTerminal(t *testing.T) {
	picture, err := graph.Parse(order)
	if err != nil {
		t.Fatal(err)
	}
	p := graph.NewProgress()
	p.Add(graph.Event{ID: 2, Type: "TaskStateEntered", Name: "Charge", Time: time.Unix(1000, 0)})
	for _, c := range []struct{ rows, columns, lines int }{{24, 80, 4}, {4, 80, 2}, {24, 12, 4}} {
		var out bytes.Buffer
		tr := &tree{out: &out, picture: picture, title: "order", rows: c.rows, columns: c.columns}
		for range 2 {
			tr.refresh(executionSummary{Name: "run-1", Status: "RUNNING"}, p)
		}
		text := out.String()
		if tr.drawn != c.lines || !strings.Contains(text, fmt.Sprintf("\x1b[%dA", c.lines)) {
			t.Errorf("%dx%d: %d lines: %q", c.rows, c.columns, tr.drawn, text)
		}
		if c.rows == 24 && c.columns == 80 && !strings.Contains(text, "▶ Charge  "+time.Unix(1000, 0).Local().Format("15:04:05")+"  …") {
			t.Errorf("the tree lacks the running state: %q", text)
		}
	}
}
