package execution_test

import (
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/service/sfn/execution"
)

const five = `{"StartAt":"A","States":{
	"A":{"Type":"Pass","Result":{"n":1},"ResultPath":"$.a","Next":"B"},
	"B":{"Type":"Choice","Choices":[{"Variable":"$.a.n","NumericEquals":1,"Next":"C"}],"Default":"D"},
	"C":{"Type":"Pass","Next":"D"},
	"D":{"Type":"Pass","Next":"E"},
	"E":{"Type":"Succeed"}}}`

func TestPure(t *testing.T) {
	r := newRig(t).run()
	r.define("five", five)
	ref := r.begin("five", "x", `{"i":1}`)
	r.want(ref, `SUCCEEDED {"i":1,"a":{"n":1}}`)
	if got := r.types(ref); len(got) != 12 || got[0] != "ExecutionStarted" || got[11] != "ExecutionSucceeded" {
		t.Errorf("%q", got)
	}
	if !strings.Contains(r.story(ref), `1<0 ExecutionStarted  {"i":1}`) {
		t.Error(r.story(ref))
	}
}

func TestWaitAndTask(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"Next":"T"},
		"T":{"Type":"Task","Resource":"R:test:echo","Parameters":{"a.$":"$.a"},"ResultPath":"$.r","End":true}}}`)
	ref := r.begin("m", "x", `{"a":1}`)
	r.settle()
	r.want(ref, "RUNNING")
	r.advance(9 * time.Second)
	r.want(ref, "RUNNING")
	r.advance(time.Second)
	r.want(ref, `SUCCEEDED {"a":1,"r":{"a":1}}`)
	want := "ExecutionStarted WaitStateEntered WaitStateExited TaskStateEntered TaskScheduled TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded"
	if got := strings.Join(r.types(ref), " "); got != want {
		t.Error(got)
	}
}

func TestRetryAndCatch(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"R:test:fail","Retry":[{"ErrorEquals":["Again"],"IntervalSeconds":2,"MaxAttempts":2}],
			"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.why","Next":"C"}],"End":true},
		"C":{"Type":"Pass","InputPath":"$.why.Error","End":true}}}`)
	ref := r.begin("m", "x", `{"error":"Again"}`)
	r.settle()
	r.advance(time.Second)
	r.want(ref, "RUNNING")
	r.advance(20 * time.Second)
	r.want(ref, `SUCCEEDED "Again"`)
	if len(r.tasks.calls) != 3 || len(r.tasks.keys) != 3 {
		t.Errorf("calls %q, keys %v", r.tasks.calls, r.tasks.keys)
	}
}

func TestParallelAndMap(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
		{"StartAt":"A","States":{"A":{"Type":"Pass","Result":"a","End":true}}},
		{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.items","MaxConcurrency":2,"End":true,
			"ItemProcessor":{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:echo","End":true}}}}}}]}}}`)
	ref := r.begin("m", "x", `{"items":[1,2,3,4,5]}`)
	r.settle()
	r.want(ref, `SUCCEEDED ["a",[1,2,3,4,5]]`)
}

func TestBranchFails(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Catch":[{"ErrorEquals":["Bad"],"Next":"C"}],"Branches":[
		{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":1000,"End":true}}},
		{"StartAt":"B","States":{"B":{"Type":"Wait","Seconds":10,"Next":"F"},"F":{"Type":"Fail","Error":"Bad"}}}]},
		"C":{"Type":"Pass","InputPath":"$.Error","End":true}}}`)
	ref := r.begin("m", "x", `{}`)
	r.settle()
	r.advance(10 * time.Second)
	r.want(ref, `SUCCEEDED "Bad"`)
	if n := r.promises(); n != 1 { // the sweep
		t.Errorf("%d promises are left", n)
	}
}

func TestStopAndRedrive(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"M"},"M":{"Type":"Map","ItemsPath":"$","End":true,
		"ItemProcessor":{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"Next":"T"},"T":{"Type":"Pass","End":true}}}}}}`)
	ref := r.begin("m", "x", `[1,2,3]`)
	r.settle()
	if _, err := r.Stop(t.Context(), ref, fault.New("Mine", "because")); err != nil {
		t.Fatal(err)
	}
	r.want(ref, "ABORTED Mine")
	if n := r.promises(); n != 1 {
		t.Errorf("%d promises are left", n)
	}
	first, err := r.Redrive(t.Context(), ref, "token", false)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.Redrive(t.Context(), ref, "token", false); err != nil || !again.Equal(first) {
		t.Errorf("%v %v", again, err)
	}
	r.settle()
	r.want(ref, "RUNNING")
	r.advance(10 * time.Second)
	r.want(ref, "SUCCEEDED [1,2,3]")
	if strings.Count(r.story(ref), "PassStateEntered A") != 1 {
		t.Error(r.story(ref))
	}
}

func TestTimeouts(t *testing.T) {
	r := newRig(t).run()
	r.define("top", `{"StartAt":"W","TimeoutSeconds":3,"States":{"W":{"Type":"Wait","Seconds":25,"End":true}}}`)
	r.define("token", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:echo.waitForTaskToken","TimeoutSeconds":60,
		"HeartbeatSeconds":5,"Parameters":{"t.$":"$$.Task.Token"},"End":true}}}`)
	a, b := r.begin("top", "a", `{}`), r.begin("token", "b", `{}`)
	r.settle()
	token := strings.Split(r.tasks.calls[0], `"`)[3]
	r.advance(3 * time.Second)
	r.want(a, "TIMED_OUT")
	if err := r.Beat(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	r.advance(4 * time.Second)
	r.want(b, "RUNNING")
	r.advance(2 * time.Second)
	r.want(b, "FAILED States.HeartbeatTimeout")
	if err := r.Return(t.Context(), token, []byte(`1`), nil); err == nil || !strings.Contains(err.Error(), "TaskTimedOut") {
		t.Error(err)
	}
}

func TestTokens(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:echo.waitForTaskToken","Parameters":{"t.$":"$$.Task.Token"},"End":true}}}`)
	ref := r.begin("m", "x", `{}`)
	r.settle()
	token := strings.Split(r.tasks.calls[0], `"`)[3]
	for _, bad := range []string{"x", token + "A", token[:40]} {
		if err := r.Return(t.Context(), bad, []byte(`1`), nil); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if err := r.Return(t.Context(), token, []byte(`{"ok":true}`), nil); err != nil {
		t.Fatal(err)
	}
	r.want(ref, `SUCCEEDED {"ok":true}`)
	if err := r.Return(t.Context(), token, []byte(`1`), nil); err == nil || !strings.Contains(err.Error(), "TaskTimedOut") {
		t.Error(err)
	}
}

func TestActivity(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:eu-west-1:111122223333:activity:a","HeartbeatSeconds":5,"TimeoutSeconds":900,"End":true}}}`)
	ref := r.begin("m", "x", `{"i":1}`)
	r.settle()
	if len(r.queue) != 1 || string(r.queue[0].Input) != `{"i":1}` {
		t.Fatalf("%+v", r.queue)
	}
	r.advance(time.Minute) // heartbeats count from when a worker has taken it
	r.want(ref, "RUNNING")
	for range 2 { // the second is told by who has crashed in between
		if ok, err := r.Taken(t.Context(), r.queue[0].Token, "me"); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	r.advance(4 * time.Second)
	r.want(ref, "RUNNING")
	if err := r.Return(t.Context(), r.queue[0].Token, nil, fault.New("Own", "x")); err != nil {
		t.Fatal(err)
	}
	r.want(ref, "FAILED Own")
	want := "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivityFailed ExecutionFailed"
	if got := strings.Join(r.types(ref), " "); got != want {
		t.Error(got)
	}
}

func TestJobs(t *testing.T) {
	r := newRig(t).run()
	r.define("m", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:test:job.sync","End":true}}}`)
	done, stopped := r.begin("m", "x", `{"i":1}`), r.begin("m", "y", `{"i":2}`)
	r.advance(time.Minute)
	r.want(done, "RUNNING")
	r.tasks.mu.Lock()
	r.tasks.jobs = map[string]string{`{"i":1}`: `"done"`}
	r.tasks.mu.Unlock()
	if _, err := r.Stop(t.Context(), stopped, nil); err != nil {
		t.Fatal(err)
	}
	r.advance(time.Minute)
	r.want(done, `SUCCEEDED "done"`)
	if len(r.tasks.stopped) != 1 || r.tasks.stopped[0] != `{"i":2}` {
		t.Errorf("stopped %q", r.tasks.stopped)
	}
}

// Who waits for an execution is told of its end, and does not ask for it all the time.
func TestNested(t *testing.T) {
	r := newRig(t).run()
	r.define("child", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":7200,"End":true}}}`)
	r.define("m", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"R:states:startExecution.sync:2","End":true}}}`)
	ref := r.begin("m", "x", `{"i":1}`)
	r.settle()
	r.advance(2*time.Hour - time.Second)
	r.want(ref, "RUNNING")
	asked := r.tasks.polls
	r.advance(time.Second)
	r.want(ref, `SUCCEEDED {"i":1}`)
	if asked > 8 || r.tasks.polls != asked+1 {
		t.Errorf("asked %d times, then %d", asked, r.tasks.polls)
	}
}

func TestNames(t *testing.T) {
	r := newRig(t).run()
	r.define("w", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":25,"End":true}}}`)
	ref := r.begin("w", "x", `{}`)
	r.advance(time.Second)
	again, err := r.Start(t.Context(), &execution.Begin{Target: r.target("w"), Name: "x", Input: []byte(`{}`)})
	if err != nil || !again.Start.Equal(start) || again.ARN != ref.ARN() {
		t.Errorf("%+v %v", again, err)
	}
	other := func(input string) {
		t.Helper()
		if _, err := r.Start(t.Context(), &execution.Begin{Target: r.target("w"), Name: "x", Input: []byte(input)}); err == nil || !strings.Contains(err.Error(), "ExecutionAlreadyExists") {
			t.Error(err)
		}
	}
	other(`{"a":1}`)
	r.advance(25 * time.Second)
	r.want(ref, `SUCCEEDED {}`)
	other(`{}`)
	r.advance(execution.Retention + 25*time.Hour)
	if got := r.look(ref); !strings.Contains(got, "ExecutionDoesNotExist") {
		t.Error(got)
	}
	if n := r.keys(); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	r.begin("w", "x", `{}`)
	if n := r.promises(); n != 2 { // it waits, and the sweep is promised anew
		t.Errorf("%d promises", n)
	}
}
