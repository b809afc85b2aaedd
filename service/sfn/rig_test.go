package sfn_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/sfn"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1", ARN: "arn:aws:iam::111122223333:root"}
)

const (
	base = "arn:aws:states:eu-west-1:111122223333:"
	wait = `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"Next":"P"},"P":{"Type":"Pass","End":true}}}`
	pass = `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`
)

// rig is the service on a store whose shards are apart and whose closures run again and again. Roles may be assumed, and there is
// nothing to call.
type rig struct {
	*sfn.Service
	t     testing.TB
	clock *clock.Virtual
	timer *timer.Runner

	mu     sync.Mutex
	events []target.Delivery
}

func newRig(t testing.TB) *rig {
	t.Helper()
	c := clock.Frozen(start)
	r := &rig{t: t, clock: c}
	st := storetest.Shaken(storetest.Split(c, 3), 1)
	r.timer = timer.New(timer.Config{Store: st, Clock: c, Drain: time.Millisecond})
	r.timer.Handle(target.Kind, func(_ context.Context, k *timer.Kept) error {
		var d target.Delivery
		if err := record.Decode(k.Args, 1, &d); err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, d)
		return nil
	}, timer.Policy{})
	var err error
	r.Service, err = sfn.New(sfn.Config{Store: st, Clock: c, Timer: r.timer, Caller: r, Roles: r, Rand: rand.Reader,
		Services: func() []*aws.Service { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.timer.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	r.settle()
	return r
}

func (r *rig) settle() {
	r.t.Helper()
	if err := r.timer.Settle(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	if _, err := r.clock.Advance(r.t.Context(), d); err != nil {
		r.t.Fatal(err)
	}
}

// Assume implements aws.Roles.
func (r *rig) Assume(context.Context, aws.Identity, string, string) (aws.Identity, aws.Credentials, error) {
	return me, aws.Credentials{}, nil
}

// Chain implements task.Roles.
func (r *rig) Chain(context.Context, aws.Identity, string, string) (aws.Identity, aws.Credentials, error) {
	return me, aws.Credentials{}, nil
}

// Call implements aws.Caller.
func (r *rig) Call(_ context.Context, _ aws.Identity, op aws.Op, _ any) (any, error) {
	return nil, aws.NotImplemented(op.Service, op.Name)
}

// Document implements aws.Caller.
func (r *rig) Document(_ context.Context, _ aws.Identity, op aws.Op, _ []byte) ([]byte, error) {
	return nil, aws.NotImplemented(op.Service, op.Name)
}

func (r *rig) define(name, definition string, typ sfnapi.StateMachineType) string {
	r.t.Helper()
	out, err := r.CreateStateMachine(r.t.Context(), me, &sfnapi.CreateStateMachineInput{Name: name, Definition: definition, Type: typ,
		RoleArn: "arn:aws:iam::111122223333:role/r"})
	if err != nil {
		r.t.Fatal(err)
	}
	return out.StateMachineArn
}

func (r *rig) start(machine, name, input string) string {
	r.t.Helper()
	out, err := r.StartExecution(r.t.Context(), me, &sfnapi.StartExecutionInput{StateMachineArn: machine, Name: aws.Some(name), Input: aws.Some(input)})
	if err != nil {
		r.t.Fatal(err)
	}
	return out.ExecutionArn
}

func (r *rig) describe(arn string) *sfnapi.DescribeExecutionOutput {
	r.t.Helper()
	out, err := r.DescribeExecution(r.t.Context(), me, &sfnapi.DescribeExecutionInput{ExecutionArn: arn})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func wantError(t testing.TB, err error, code, message string) {
	t.Helper()
	if info := aws.InfoOf(err); err == nil || info.Code != code || !strings.Contains(info.Message, message) {
		t.Errorf("%v, want %s: %s", err, code, message)
	}
}
