package execution_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

// mocked answers the tasks of a golden case of package asl, by state, one after another.
type mocked struct {
	mu    sync.Mutex
	lists map[string][]map[string]any
	calls map[string]int
	rig   *rig
}

func (m *mocked) next(state string) map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.lists[state]
	if len(list) == 0 {
		return map[string]any{"Output": map[string]any{}}
	}
	i := min(m.calls[state], len(list)-1)
	m.calls[state]++
	return list[i]
}

func (m *mocked) result(one map[string]any) execution.Answer {
	if name, ok := one["Error"].(string); ok {
		cause, _ := one["Cause"].(string)
		return execution.Answer{Err: &fault.Error{Name: name, Cause: cause}}
	}
	b, _ := json.Marshal(one["Output"])
	return execution.Answer{Output: b}
}

func (m *mocked) Call(ctx context.Context, r *execution.Request) (execution.Answer, error) {
	one := m.next(r.Call.State)
	answer := m.result(one)
	if one["Answer"] == nil || r.Call.Resource.Pattern == asl.RequestResponse {
		return answer, nil
	}
	b, _ := json.Marshal(one["Answer"])
	if r.Call.Resource.Pattern == asl.CallBack && one["Hang"] == nil {
		go func() { // brings the token back after the answer
			for m.rig.Return(ctx, r.Call.Token, answer.Output, answer.Err) != nil && ctx.Err() == nil {
			}
		}()
	}
	return execution.Answer{Output: b}, nil
}

func (m *mocked) Poll(_ context.Context, r *execution.Request, _ []byte) (execution.Answer, bool, error) {
	m.mu.Lock()
	list := m.lists[r.Call.State]
	one := list[min(max(0, m.calls[r.Call.State]-1), len(list)-1)]
	m.mu.Unlock()
	return m.result(one), true, nil
}

func (m *mocked) Cancel(context.Context, *execution.Request, []byte) error { return nil }
