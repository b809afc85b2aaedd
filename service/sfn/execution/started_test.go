package execution_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/store/memstore"
)

// The history of an execution says that a task's request is being made while it waits for the answer.
func TestStartIsShown(t *testing.T) {
	c := clock.Real()
	w := &tasks{hold: make(chan struct{})}
	r := rigBy(t, c, memstore.New(c), w).run()
	r.define("m", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:hold","End":true}}}`)
	if _, err := r.Start(t.Context(), &execution.Begin{Target: r.target("m"), Name: "x", Input: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	ref := execution.Ref{Spot: r.machines["m"].Spot, Name: "x"}
	for !slices.Contains(r.types(ref), "TaskStarted") {
		if t.Context().Err() != nil {
			t.Fatal("the start is not shown")
		}
	}
	close(w.hold)
	r.settle()
	r.want(ref, "SUCCEEDED {}")
	want := "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded"
	if got := strings.Join(r.types(ref), " "); got != want {
		t.Error(got)
	}
}
