package execution

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// TestStopIsKept: the promise to stop a job ends when its machine is gone, and not when that cannot be told.
func TestStopIsKept(t *testing.T) {
	k := &timer.Kept{Promise: timer.Promise{Args: record.Encode(version, stop{Revision: "r"})}}
	for _, c := range []struct{ revision, want error }{{fmt.Errorf("m: %w", machine.ErrGone), nil}, {context.Canceled, context.Canceled}} {
		e := &Engine{Config: Config{Revision: func(context.Context, machine.Spot, string) (*machine.Revision, error) { return nil, c.revision }}}
		if err := e.keepStop(t.Context(), k); !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c.revision, err)
		}
	}
}
