package execution_test

import (
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/execution"
)

// The request of a task starts an execution once, also when the answer was lost and the execution has ended since.
func TestStartedByATask(t *testing.T) {
	r := newRig(t).run()
	r.define("w", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":5,"End":true}}}`)
	begin := func(key string) error {
		_, err := r.Start(t.Context(), &execution.Begin{Target: r.target("w"), Name: "x", Input: []byte(`{}`),
			Request: execution.RequestOf(execution.WithRequest(t.Context(), key))})
		return err
	}
	if err := begin("1"); err != nil {
		t.Fatal(err)
	}
	r.advance(10 * time.Second)
	if err := begin("1"); err != nil {
		t.Error(err)
	}
	for _, other := range []string{"2", ""} {
		if err := begin(other); aws.CodeOf(err) != "ExecutionAlreadyExists" {
			t.Errorf("%q: %v", other, err)
		}
	}
}
