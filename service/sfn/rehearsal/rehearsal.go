package rehearsal

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// In the home shard of an account and region:
//
//	home "sfn" "rehearsal" execution        the case, of an execution that was started with one
//	home "sfn" "rehearsed" execution state  attemptsRecord
//
// They stay: who rehearses throws the whole store away.
const version = 1

// attemptsRecord are the keys of the requests of a state, in their order: the place of one is the number of the attempt.
type attemptsRecord struct {
	Keys []string `cbor:"1,keyasint"`
}

// Tasks are an execution.Tasks that answers what the file has, and hands on the rest.
type Tasks struct {
	execution.Tasks
	file  *File
	store store.Store
	send  sfnapi.Client
}

var _ execution.Tasks = (*Tasks)(nil)

// New returns Tasks over others. Tokens of tasks that wait for them are sent back through caller.
func New(f *File, others execution.Tasks, s store.Store, caller aws.Caller) *Tasks {
	return &Tasks{Tasks: others, file: f, store: s, send: sfnapi.NewClient(caller)}
}

// Cut takes the case from the ARN of a machine: "…:stateMachine:NAME#CASE".
func Cut(arn string) (machineARN, test string) {
	machineARN, test, _ = strings.Cut(arn, "#")
	return machineARN, test
}

func home(p machine.Place) store.Tuple { return store.Home(p.Account, p.Region).Text("sfn") }

// Begin has the tasks of an execution, which is about to be started, answered by a case.
func (t *Tasks) Begin(ctx context.Context, m machine.Ref, execution, test string) error {
	if !t.file.has(m.Name, test) {
		return machine.InvalidARN("Invalid State Machine Arn: the mock configuration has no test case '" + test + "' of '" + m.Name + "'")
	}
	_, err := t.store.Shard(store.Home(m.Account, m.Region)).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Set(store.Key(home(m.Place).Text("rehearsal").Text(execution)), store.Value(test))
		return nil
	})
	return err
}

// Call implements execution.Tasks.
func (t *Tasks) Call(ctx context.Context, r *execution.Request) (execution.Answer, error) {
	m := r.Revision.Ref
	test, err := t.test(ctx, m, r)
	if err != nil || test == "" {
		if err != nil {
			return execution.Answer{}, err
		}
		return t.Tasks.Call(ctx, r)
	}
	attempt, err := t.attempt(ctx, m, r)
	if err != nil {
		return execution.Answer{}, err
	}
	given := t.file.answer(m.Name, test, r.Call.State, attempt)
	if given == nil {
		return execution.Answer{Err: fault.New(fault.Runtime, "The mock configuration has no answer for attempt %d of state '%s' in test case '%s'.", attempt, r.Call.State, test)}, nil
	}
	return t.answer(ctx, r, given)
}

// test is the case that answers a request, "" when it is to be made.
func (t *Tasks) test(ctx context.Context, m machine.Ref, r *execution.Request) (string, error) {
	test, err := store.View(ctx, t.store.Shard(store.Home(m.Account, m.Region)), func(_ context.Context, rd store.Reader) (string, error) {
		v, _, err := rd.Get(store.Key(home(m.Place).Text("rehearsal").Text(r.Execution)))
		return string(v), err
	})
	if err != nil || !t.file.mocked(m.Name, test, r.Call.State) {
		return "", err
	}
	return test, nil
}

// attempt numbers a request among those of its state: the same one always gets the same number.
func (t *Tasks) attempt(ctx context.Context, m machine.Ref, r *execution.Request) (int, error) {
	return store.Update(ctx, t.store.Shard(store.Home(m.Account, m.Region)), func(_ context.Context, tx store.Tx) (int, error) {
		key := store.Key(home(m.Place).Text("rehearsed").Text(r.Execution).Text(r.Call.State))
		var a attemptsRecord
		v, there, err := tx.Get(key)
		if err != nil {
			return 0, err
		}
		if there {
			if err := record.Decode(v, version, &a); err != nil {
				return 0, err
			}
		}
		if i := slices.Index(a.Keys, r.Key); i >= 0 {
			return i, nil
		}
		a.Keys = append(a.Keys, r.Key)
		tx.Set(key, record.Encode(version, a))
		return len(a.Keys) - 1, nil
	})
}

// submission is what a .sync task keeps of its mocked result until it is asked for the job.
type submission struct{ Result json.RawMessage }

// answer is a mocked answer, by the task's pattern.
func (t *Tasks) answer(ctx context.Context, r *execution.Request, given *response) (execution.Answer, error) {
	account := r.Revision.Account // sends back its own token
	id := aws.Identity{Kind: aws.Root, Account: account, Region: r.Revision.Region, PrincipalID: account,
		ARN: "arn:" + aws.Partition + ":iam::" + account + ":root", Request: aws.Request{ID: r.Key}}
	f := given.failure
	switch pattern := r.Call.Resource.Pattern; {
	case pattern == asl.CallBack && f != nil:
		_, err := t.send.SendTaskFailure(ctx, id, &sfnapi.SendTaskFailureInput{TaskToken: r.Call.Token, Error: &f.Error, Cause: &f.Cause})
		return execution.Answer{Output: []byte("{}")}, sent(err)
	case pattern == asl.CallBack:
		_, err := t.send.SendTaskSuccess(ctx, id, &sfnapi.SendTaskSuccessInput{TaskToken: r.Call.Token, Output: string(given.result)})
		return execution.Answer{Output: []byte("{}")}, sent(err)
	case f != nil:
		return execution.Answer{Err: &fault.Error{Name: f.Error, Cause: f.Cause}}, nil
	case pattern == asl.Sync:
		out, err := json.Marshal(submission{given.result})
		return execution.Answer{Output: out}, err
	}
	return execution.Answer{Output: given.result}, nil
}

// sent lets pass that a token has come back before.
func sent(err error) error {
	switch aws.CodeOf(err) {
	case "TaskTimedOut", "TaskDoesNotExist":
		return nil
	}
	return err
}

// Poll implements execution.Tasks: mocked jobs are done.
func (t *Tasks) Poll(ctx context.Context, r *execution.Request, submitted []byte) (execution.Answer, bool, error) {
	test, err := t.test(ctx, r.Revision.Ref, r)
	if err != nil {
		return execution.Answer{}, false, err
	}
	if test == "" {
		return t.Tasks.Poll(ctx, r, submitted)
	}
	var s submission
	if err := json.Unmarshal(submitted, &s); err != nil {
		return execution.Answer{}, false, err
	}
	return execution.Answer{Output: s.Result}, true, nil
}

// Cancel implements execution.Tasks: of a mocked job there is nothing to stop.
func (t *Tasks) Cancel(ctx context.Context, r *execution.Request, submitted []byte) error {
	if test, err := t.test(ctx, r.Revision.Ref, r); err != nil || test != "" {
		return err
	}
	return t.Tasks.Cancel(ctx, r, submitted)
}
