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

// schedule is a worker who takes each task at once.
func (m *mocked) schedule(ctx context.Context, _, _ string, a execution.Activity) error {
	go func() {
		for {
			if ok, err := m.rig.Taken(ctx, a.Token, "worker"); ok && err == nil || ctx.Err() != nil {
				break
			}
		}
		answer := m.result(m.next("")) // the state is not told to workers: their mocks are listed under it and under ""
		m.rig.Return(ctx, a.Token, answer.Output, answer.Err)
	}()
	return nil
}

// TestLanguage runs the golden machines of package asl: this driver comes to the same end, by the same events, whatever the order of
// those of branches.
func TestLanguage(t *testing.T) {
	for _, name := range []string{"pure", "task", "fork"} {
		a, err := txtar.ParseFile(filepath.Join("../../../asl/testdata", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		var cases []map[string]string
		for _, f := range a.Files {
			if f.Name == "machine" {
				cases = append(cases, map[string]string{})
			}
			cases[len(cases)-1][f.Name] = strings.TrimSpace(string(f.Data))
		}
		for i, c := range cases {
			_, stopped := c["stop"]
			if skip := stopped || strings.Contains(c["mocks"], "TimedOut") || strings.Contains(c["mocks"], "Scheduling") ||
				strings.Contains(c["mocks"], "Returned"); skip {
				continue // what happens there comes from outside
			}
			t.Run(name+"/"+string(rune('a'+i)), func(t *testing.T) { golden(t, c) })
		}
	}
}

func golden(t *testing.T, c map[string]string) {
	virtual := clock.Frozen(start)
	st := storetest.Shaken(storetest.Split(virtual, 3), 1)
	m := &mocked{lists: map[string][]map[string]any{}, calls: map[string]int{}}
	r := &rig{t: t, clock: virtual, store: st, machines: map[string]*machine.Revision{}}
	m.rig = r
	r.timer = timer.New(timer.Config{Store: st, Clock: virtual, Drain: time.Millisecond})
	r.Engine = execution.New(execution.Config{Store: st, Clock: virtual, Timer: r.timer, Rand: rand.Reader, Revision: r.revision, Machine: r.machine,
		Tasks: m, Schedule: m.schedule})
	r.define("m", c["machine"])
	m.mock(t, c["mocks"], r.machines["m"].Machine)
	r.run()
	input := c["input"]
	if input == "" {
		input = "{}"
	}
	ref := r.begin("m", "e", input)
	r.finish(ref)
	if again, ok := c["redrive"]; ok {
		m.mock(t, again, r.machines["m"].Machine)
		if _, err := r.Redrive(t.Context(), ref, "", false); err != nil {
			t.Fatal(err)
		}
		r.finish(ref)
	}
	compare(t, r, ref, strings.Split(c["history"], "\n"))
}

// compare wants the same end, and the same events but for their order. Which siblings of a branch that fails have got how far is not
// compared, nor whether a token came back before its request was answered.
func compare(t *testing.T, r *rig, ref execution.Ref, history []string) {
	t.Helper()
	var want []string
	racing := strings.Contains(history[len(history)-1], string(asl.ExecutionFailed)) && slices.ContainsFunc(history, func(l string) bool { return strings.Contains(l, "StateStarted") })
	for _, line := range history {
		kind := strings.Fields(line)[1]
		racing = racing || strings.HasSuffix(kind, "StateFailed") || strings.HasSuffix(kind, "IterationFailed")
		if kind != string(asl.TaskSubmitted) {
			want = append(want, kind)
		}
	}
	got := slices.DeleteFunc(r.types(ref), func(k string) bool { return k == string(asl.TaskSubmitted) })
	end, last := want[len(want)-1], history[len(history)-1]
	if got[len(got)-1] != end {
		t.Errorf("ends with %s, want %s\n%s", got[len(got)-1], end, r.story(ref))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !racing && !slices.Equal(got, want) {
		t.Errorf("events %v\nwant %v\n%s", got, want, r.story(ref))
	}
	status, result, _ := strings.Cut(r.look(ref), " ")
	key := " error=" + result
	if status == "SUCCEEDED" {
		key = " output=" + result
	}
	if !racing && result != "" && !strings.Contains(last, "arn:aws:states") && !strings.Contains(last+" ", key+" ") {
		t.Errorf("%s %s, want %s", status, result, last)
	}
}

func (m *mocked) mock(t *testing.T, text string, machine *asl.Machine) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lists, m.calls = map[string][]map[string]any{}, map[string]int{}
	if text == "" {
		return
	}
	if err := json.Unmarshal([]byte(text), &m.lists); err != nil {
		t.Fatal(err)
	}
	for _, s := range machine.Blocks[0].States {
		if s.Resource != nil && s.Resource.Style == asl.Activity {
			m.lists[""] = m.lists[s.Name]
		}
	}
}

// finish lets time pass until the execution has ended.
func (r *rig) finish(ref execution.Ref) {
	r.t.Helper()
	for range 2000 {
		r.settle()
		if !strings.HasPrefix(r.look(ref), "RUNNING") {
			return
		}
		r.advance(time.Second)
	}
	r.t.Fatalf("%s runs\n%s", ref.Name, r.story(ref))
}

// TestRedriveAnew: a state whose result was too large runs again with all its children, also those that were well.
func TestRedriveAnew(t *testing.T) {
	r := newRig(t)
	r.define("m", `{"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [
		{"StartAt": "X", "States": {"X": {"Type": "Succeed"}}}, {"StartAt": "Y", "States": {"Y": {"Type": "Succeed"}}}], "End": true}}}`)
	r.run()
	ref := r.begin("m", "e", `"`+strings.Repeat("x", 200<<10)+`"`)
	r.settle()
	r.want(ref, "FAILED States.DataLimitExceeded")
	if _, err := r.Redrive(t.Context(), ref, "", false); err != nil {
		t.Fatal(err)
	}
	r.settle()
	r.want(ref, "FAILED States.DataLimitExceeded")
	if n := len(r.types(ref)); n != 9+1+1+4+2 {
		t.Errorf("%d events: %v", n, r.types(ref))
	}
}

// TestStopAndGoOn: an execution that is stopped again and again, wherever it may be, and redriven, comes to the end that it would have
// come to undisturbed.
func TestStopAndGoOn(t *testing.T) {
	r := newRig(t)
	r.define("m", `{"StartAt": "M", "States": {
		"M": {"Type": "Map", "MaxConcurrency": 2, "ItemSelector": {"v.$": "$$.Map.Item.Value"}, "ItemProcessor": {"StartAt": "W", "States": {
			"W": {"Type": "Wait", "Seconds": 2, "Next": "P"},
			"P": {"Type": "Parallel", "Branches": [
				{"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "R:test:echo", "ResultPath": "$.t", "Next": "V"}, "V": {"Type": "Wait", "Seconds": 1, "End": true}}},
				{"StartAt": "F", "States": {"F": {"Type": "Task", "Resource": "R:test:fail", "Parameters": {"error": "Always"},
					"Retry": [{"ErrorEquals": ["Always"], "MaxAttempts": 1, "IntervalSeconds": 2}], "Catch": [{"ErrorEquals": ["Always"], "ResultPath": "$.caught", "Next": "G"}], "End": true}, "G": {"Type": "Succeed"}}}],
				"ResultSelector": {"a.$": "$[0].t.v", "b.$": "$[1].caught.Error"}, "End": true}}}, "Next": "S"},
		"S": {"Type": "Succeed"}}}`)
	r.run()
	calm := r.begin("m", "calm", `[1, 2, 3]`)
	r.finish(calm)
	want := r.look(calm)
	if !strings.HasPrefix(want, "SUCCEEDED ") {
		t.Fatal(want, r.story(calm))
	}
	for step := range 12 {
		ref := r.begin("m", "stopped-"+string(rune('a'+step)), `[1, 2, 3]`)
		for range 4 {
			for range step + 1 {
				r.advance(500 * time.Millisecond)
			}
			if !strings.HasPrefix(r.look(ref), "RUNNING") {
				break
			}
			if _, err := r.Stop(t.Context(), ref, &fault.Error{Name: "Stopped"}); err != nil {
				t.Fatal(err)
			}
			r.want(ref, "ABORTED Stopped")
			if _, err := r.Redrive(t.Context(), ref, "", false); err != nil {
				t.Fatal(err)
			}
		}
		r.finish(ref)
		r.want(ref, want)
	}
}
