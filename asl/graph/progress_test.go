package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// history makes events of lines "id previous type name", a second apart.
func history(text string) []Event {
	var out []Event
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Fields(line)
		e := Event{Type: f[2], Time: time.Unix(int64(i), 0)}
		_, _ = fmt.Sscan(f[0], &e.ID)
		_, _ = fmt.Sscan(f[1], &e.Previous)
		if len(f) > 3 {
			e.Name = f[3]
		}
		out = append(out, e)
	}
	return out
}

func TestProgress(t *testing.T) {
	for name, c := range map[string]struct{ history, want string }{
		"a retry and a catcher": {`
1 0 ExecutionStarted
2 0 TaskStateEntered A
3 2 TaskScheduled
4 3 TaskFailed
5 4 TaskScheduled
6 5 TaskSucceeded
7 6 TaskStateExited A
8 7 TaskStateEntered B
9 8 LambdaFunctionScheduled
10 9 LambdaFunctionTimedOut
11 10 TaskStateExited B
12 11 PassStateEntered C
13 12 PassStateExited C
14 13 ExecutionSucceeded`, "A succeeded 1 retries, B caught 3.0 s, C succeeded 1.0 s; ended"},
		"in progress": {`
1 0 ExecutionStarted
2 0 PassStateEntered A
3 2 PassStateExited A
4 3 WaitStateEntered W`, "A succeeded 1.0 s, W running; open"},
		"the second of two visits fails": {`
1 0 ExecutionStarted
2 0 TaskStateEntered A
3 2 TaskStateExited A
4 3 TaskStateEntered A
5 4 TaskFailed
6 5 ExecutionFailed`, "A failed 2 times; ended"},
		"a branch fails and is caught": {`
1 0 ExecutionStarted
2 0 ParallelStateEntered P
3 2 ParallelStateStarted
4 3 TaskStateEntered X
5 3 WaitStateEntered Y
6 4 TaskFailed
7 5 WaitStateAborted
8 6 ParallelStateFailed
9 8 ParallelStateExited P
10 9 SucceedStateEntered S
11 10 SucceedStateExited S
12 11 ExecutionSucceeded`, "P caught 7.0 s, S succeeded 1.0 s, X failed 4.0 s, Y aborted 3.0 s; ended"},
		"a branch fails everything": {`
1 0 ExecutionStarted
2 0 ParallelStateEntered P
3 2 ParallelStateStarted
4 3 TaskStateEntered X
5 3 WaitStateEntered Y
6 4 TaskFailed
7 6 ParallelStateFailed
8 7 ExecutionFailed`, "P failed 6.0 s, X failed 3.0 s, Y aborted 2.0 s; ended"},
		"iterations": {`
1 0 ExecutionStarted
2 0 MapStateEntered M
3 2 MapStateStarted
4 3 MapIterationStarted M
5 4 PassStateEntered I
6 3 MapIterationStarted M
7 6 PassStateEntered I
8 7 PassStateExited I
9 8 MapIterationSucceeded M
10 5 PassStateExited I
11 10 MapIterationSucceeded M
12 11 MapStateSucceeded
13 12 MapStateExited M
14 13 ExecutionSucceeded`, "I succeeded 2 times, M succeeded 11.0 s; ended"},
		"a Parallel in a Parallel": {`
1 0 ExecutionStarted
2 0 ParallelStateEntered P
3 2 ParallelStateStarted
4 3 ParallelStateEntered M
5 4 ParallelStateStarted
6 5 FailStateEntered X
7 6 ParallelStateFailed
8 7 ParallelStateStarted
9 8 FailStateEntered X
10 9 ParallelStateFailed
11 10 ParallelStateFailed
12 11 ParallelStateExited P`, "M failed 7.0 s, P caught 10.0 s, X failed 2 times; open"},
		"an iteration fails, which is tolerated": {`
1 0 ExecutionStarted
2 0 MapStateEntered M
3 2 MapStateStarted
4 3 MapIterationStarted
5 4 TaskStateEntered A
6 5 TaskFailed
7 6 MapIterationFailed
8 6 MapStateSucceeded
9 6 MapStateExited M`, "A failed 2.0 s, M succeeded 7.0 s; open"},
		"a map is redriven": {`
1 0 ExecutionStarted
2 0 MapStateEntered M
3 2 MapStateStarted
4 3 MapIterationStarted
5 4 TaskStateEntered A
6 5 TaskScheduled
7 3 MapIterationStarted
8 7 TaskStateEntered A
9 8 TaskScheduled
10 9 TaskFailed
11 10 MapIterationFailed
12 6 TaskStateAborted
13 10 MapStateFailed
14 13 ExecutionFailed
15 14 ExecutionRedriven
16 10 TaskScheduled
17 6 TaskScheduled
18 16 TaskSucceeded
19 18 TaskStateExited A
20 17 TaskSucceeded
21 20 TaskStateExited A
22 21 MapStateSucceeded
23 21 MapStateExited M
24 23 ExecutionSucceeded`, "A succeeded 2 times, M succeeded 21.0 s; ended"},
		"stopped": {`
1 0 ExecutionStarted
2 0 WaitStateEntered W
3 2 ExecutionAborted`, "W aborted 1.0 s; ended"},
		"redriven": {`
1 0 ExecutionStarted
2 0 TaskStateEntered A
3 2 TaskFailed
4 3 ExecutionFailed
5 4 ExecutionRedriven
6 5 TaskScheduled
7 6 TaskSucceeded
8 7 TaskStateExited A
9 8 ExecutionSucceeded`, "A succeeded 6.0 s; ended"},
	} {
		p := NewProgress()
		for _, e := range history(c.history) {
			p.Add(e)
		}
		var parts []string
		marks := p.Marks()
		for _, state := range []string{"A", "B", "C", "I", "M", "P", "S", "W", "X", "Y"} {
			if m, ok := marks[state]; ok {
				parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %s", state, m.Status, m.Note)))
			}
		}
		got := strings.Join(parts, ", ") + "; open"
		if p.Ended() {
			got = strings.Replace(got, "open", "ended", 1)
		}
		if got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}

func TestMapRuns(t *testing.T) {
	p := NewProgress()
	for _, e := range []Event{{ID: 2, Type: "MapStateEntered", Name: "M"}, {ID: 3, Previous: 2, Type: "MapStateStarted"}, {ID: 4, Previous: 3, Type: "MapRunStarted", MapRun: "arn:run"}} {
		p.Add(e)
	}
	v := p.Visits()[0]
	if v.MapRun != "arn:run" {
		t.Errorf("the visit is %+v", v)
	}
	v.Note = "3 of 9 items"
	if m := p.Marks()["M"]; m.Note != v.Note || m.Status != Running {
		t.Errorf("the mark is %+v", m)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{4 * time.Millisecond: "4 ms", 1250 * time.Millisecond: "1.2 s", 185 * time.Second: "3 min 5 s", 130 * time.Minute: "2 h 10 min"} {
		if got := Duration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
