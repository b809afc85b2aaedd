package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	loops       = 500     // times round of a machine that measures transitions; each enters two states
	waiters     = 100_000 // executions that wait at the same time
	waiterBatch = 10_000  // that are started before the next look at the clock
	watching    = 5 * time.Second
	firstTasks  = 300 // executions that are watched until their first task
)

// trustStates lets Step Functions assume a role.
const trustStates = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"states.amazonaws.com"}}]}`

// states is a call of Step Functions.
func states(op string, in document) *request {
	return awsJSON("states", "1.0", "AWSStepFunctions."+op, in)
}

// machine makes a state machine and returns its ARN. Its role may do everything.
func (r *rig) machine(ctx context.Context, name, kind, definition string) (string, error) {
	if r.role == "" {
		var out struct {
			ARN string `xml:"CreateRoleResult>Role>Arn"`
		}
		if err := r.query(ctx, "CreateRole", url.Values{"RoleName": {r.name}, "AssumeRolePolicyDocument": {trustStates}}, &out); err != nil {
			return "", err
		}
		r.later(func(ctx context.Context) error {
			return r.query(ctx, "DeleteRole", url.Values{"RoleName": {r.name}}, nil)
		})
		policy := url.Values{"RoleName": {r.name}, "PolicyArn": {"arn:aws:iam::aws:policy/AmazonSQSFullAccess"}}
		if err := r.query(ctx, "AttachRolePolicy", policy, nil); err != nil {
			return "", err
		}
		r.later(func(ctx context.Context) error { return r.query(ctx, "DetachRolePolicy", policy, nil) })
		r.role = out.ARN
	}
	var made struct{ StateMachineArn string }
	in := document{"name": r.name + name, "type": kind, "definition": definition, "roleArn": r.role}
	if err := r.json(ctx, states("CreateStateMachine", in), &made); err != nil {
		return "", err
	}
	r.later(func(ctx context.Context) error {
		return r.json(ctx, states("DeleteStateMachine", document{"stateMachineArn": made.StateMachineArn}), nil)
	})
	return made.StateMachineArn, nil
}

// fiveStates are three Pass and two Choice states.
const fiveStates = `{"StartAt":"A","States":{
	"A":{"Type":"Pass","Parameters":{"n.$":"$.n","order":"made"},"Next":"B"},
	"B":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericGreaterThanEquals":0,"Next":"C"}],"Default":"E"},
	"C":{"Type":"Pass","Result":{"seen":true},"ResultPath":"$.c","Next":"D"},
	"D":{"Type":"Choice","Choices":[{"Variable":"$.c.seen","BooleanEquals":true,"Next":"E"}]},
	"E":{"Type":"Pass","End":true}}}`

// ended waits until no execution of a machine runs.
func (r *rig) ended(ctx context.Context, machine string) error {
	return until(ctx, func() (bool, error) {
		var out struct{ Executions []document }
		in := document{"stateMachineArn": machine, "statusFilter": "RUNNING", "maxResults": 1}
		err := r.json(ctx, states("ListExecutions", in), &out)
		return len(out.Executions) == 0, err
	})
}

func startsOf(op, machine string) []*request {
	requests := make([]*request, 64)
	for i := range requests {
		requests[i] = states(op, document{"stateMachineArn": machine, "input": fmt.Sprintf(`{"n":%d}`, i)})
	}
	return requests
}

// standard starts executions of five states, which count when they have SUCCEEDED.
func standard(ctx context.Context, r *rig) error {
	arn, err := r.machine(ctx, "", "STANDARD", fiveStates)
	if err != nil {
		return err
	}
	return r.measure(ctx, measurement{label: "to SUCCEEDED", requests: startsOf("StartExecution", arn), connections: r.Connections, synced: true,
		settled: func(ctx context.Context, _ int) error { return r.ended(ctx, arn) }})
}

// expressSync runs the same synchronously in memory.
func expressSync(ctx context.Context, r *rig) error {
	arn, err := r.machine(ctx, "", "EXPRESS", fiveStates)
	if err != nil {
		return err
	}
	return r.measure(ctx, measurement{label: "sync", requests: startsOf("StartSyncExecution", arn), connections: r.Connections})
}

// round is a machine that goes round and round through a Choice and a Pass state, in both query languages; of JSONata once with
// plain paths, which have a fast way, and once with what needs the whole language.
var round = []struct{ label, definition string }{
	{"JSONPath", `{"StartAt":"C","States":{
		"C":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericLessThan":%d,"Next":"P"}],"Default":"S"},
		"P":{"Type":"Pass","Parameters":{"n.$":"States.MathAdd($.n, 1)"},"Next":"C"},"S":{"Type":"Succeed"}}}`},
	{"JSONata", `{"QueryLanguage":"JSONata","StartAt":"C","States":{
		"C":{"Type":"Choice","Choices":[{"Condition":"{%% $states.input.n < %d %%}","Next":"P"}],"Default":"S"},
		"P":{"Type":"Pass","Output":{"n":"{%% $states.input.n + 1 %%}"},"Next":"C"},"S":{"Type":"Succeed"}}}`},
	{"JSONata, whole", `{"QueryLanguage":"JSONata","StartAt":"C","States":{
		"C":{"Type":"Choice","Choices":[{"Condition":"{%% $max([$states.input.n, 0]) < %d %%}","Next":"P"}],"Default":"S"},
		"P":{"Type":"Pass","Output":{"n":"{%% $sum([$states.input.n, 1]) %%}"},"Next":"C"},"S":{"Type":"Succeed"}}}`},
}

// transitions measures how many states a second all executions together enter.
func transitions(ctx context.Context, r *rig) error {
	for i, m := range round {
		arn, err := r.machine(ctx, fmt.Sprint("-", i), "STANDARD", fmt.Sprintf(m.definition, loops))
		if err != nil {
			return err
		}
		begin := states("StartExecution", document{"stateMachineArn": arn, "input": `{"n":0}`})
		done, cpu, began := 0, r.own.cpu(), time.Now()
		for time.Since(began) < r.Duration {
			if err := r.every(ctx, r.Connections, []*request{begin}); err != nil {
				return err
			}
			if err := r.ended(ctx, arn); err != nil {
				return err
			}
			done += r.Connections
		}
		took := time.Since(began)
		n := float64(done * 2 * loops)
		fmt.Fprintf(r.Out, "  %-16s %9.0f transitions/s   %5.1f µs of processor each, %d executions of %d, load %s\n", m.label, n/took.Seconds(),
			float64((r.own.cpu()-cpu).Microseconds())/n, done, 2*loops, machineLoad())
	}
	return nil
}

// every makes n requests, in turn those that are given, over all connections.
func (r *rig) every(ctx context.Context, n int, requests []*request) error {
	l := newLoad(&r.Target, r.Target.Endpoint, requests, r.Connections)
	defer l.close()
	l.until = time.Now().Add(patience)
	var all sync.WaitGroup
	errs := make([]error, r.Connections)
	for c := range r.Connections {
		all.Go(func() {
			for i := c; i < n && errs[c] == nil; i += r.Connections {
				a, err := l.once(ctx, c, requests[i%len(requests)], time.Now())
				if err == nil && !a.ok() {
					err = fmt.Errorf("status %d: %s", a.status, a.body)
				}
				errs[c] = err
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// waiting starts executions that wait for a day, and looks what they occupy while they do.
func waiting(ctx context.Context, r *rig) error {
	arn, err := r.machine(ctx, "", "STANDARD", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":86400,"End":true}}}`)
	if err != nil {
		return err
	}
	r.undos = r.undos[:len(r.undos)-1] // a machine is not gone while executions wait: it goes with its platform
	if err := r.occupied("none"); err != nil {
		return err
	}
	began, last := time.Now(), time.Now()
	begin := startsOf("StartExecution", arn)
	for n := waiterBatch; n <= waiters; n += waiterBatch {
		if err := r.every(ctx, waiterBatch, begin); err != nil {
			return err
		}
		if n == waiterBatch || n == waiters {
			fmt.Fprintf(r.Out, "  %7d started    %6.0f/s\n", n, waiterBatch/time.Since(last).Seconds())
		}
		last = time.Now()
	}
	fmt.Fprintf(r.Out, "  all started after %s\n", short(time.Since(began)))
	return r.occupied(fmt.Sprint(waiters))
}

// occupied prints what the platform occupies when it is left alone.
func (r *rig) occupied(label string) error {
	if r.own == nil {
		return nil
	}
	time.Sleep(3 * settling) // until what starting them took has been given back
	cpu := r.own.cpu()
	time.Sleep(watching)
	used := r.own.cpu() - cpu
	m, err := memory(r.own.cmd.Process.Pid)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "  %7s waiting    %.1f MB resident, %.1f of its own; %v of processor in %v\n", label, m["VmRSS"], m["RssAnon"], used, watching)
	return nil
}

// firstTask measures the time from the order to start an execution until what its first task sends has come.
func firstTask(ctx context.Context, r *rig) error {
	at, err := r.queue(ctx)
	if err != nil {
		return err
	}
	arn, err := r.machine(ctx, "", "STANDARD", fmt.Sprintf(`{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage",
		"Parameters":{"QueueUrl":%q,"MessageBody.$":"$$.Execution.Name"},"End":true}}}`, at))
	if err != nil {
		return err
	}
	begin := states("StartExecution", document{"stateMachineArn": arn, "input": "{}"})
	receive := sqs("ReceiveMessage", document{"QueueUrl": at, "WaitTimeSeconds": 20})
	l := newLoad(&r.Target, r.Target.Endpoint, []*request{begin, receive}, 2)
	defer l.close()
	l.until = time.Now().Add(patience)
	var whole, after sample
	for i := range firstTasks {
		begun := time.Now()
		a, err := l.once(ctx, 0, begin, begun)
		answered := time.Now()
		if err != nil || !a.ok() {
			return fmt.Errorf("start %d: status %d: %w", i, a.status, err)
		}
		if a, err = l.once(ctx, 1, receive, answered); err != nil || !strings.Contains(string(a.body), "MessageId") {
			return fmt.Errorf("task %d: status %d and %q: %w", i, a.status, a.body, err)
		}
		whole.took, after.took = append(whole.took, time.Since(begun)), append(after.took, time.Since(answered))
	}
	for _, s := range []struct {
		label string
		*sample
	}{{"start to message", &whole}, {"answer to message", &after}} {
		slices.Sort(s.took)
		fmt.Fprintf(r.Out, "  %-18s %d executions   %s\n", s.label, len(s.took), quantiles(s.sample))
	}
	return nil
}
