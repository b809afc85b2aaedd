package eventbridge_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/eventbridge"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1", ARN: "arn:aws:iam::111122223333:root"}
)

const (
	arnOf    = "arn:aws:events:eu-west-1:111122223333:"
	function = "arn:aws:lambda:eu-west-1:111122223333:function:f"
)

// call is an asynchronous invocation of a function.
type call struct {
	function, payload string
	by                string // aws:SourceArn
}

// rig is a service with a table behind it that has EventBridge itself and functions that take everything.
type rig struct {
	*eventbridge.Service
	t     testing.TB
	clock *clock.Virtual
	store store.Store
	timer *timer.Runner
	stop  func()

	mu     sync.Mutex
	calls  []call
	most   int // calls that are taken, when not 0
	full   sync.Once
	filled chan struct{} // closed when one more came
}

func newRig(t testing.TB) *rig {
	c := clock.Frozen(start)
	return rigOn(t, c, storetest.Split(c, 5)).run()
}

// rigOn is a rig on what another left; it does not run yet.
func rigOn(t testing.TB, c *clock.Virtual, st store.Store) *rig {
	t.Helper()
	r := &rig{t: t, clock: c, store: st, timer: timer.New(timer.Config{Store: st, Clock: c, Drain: time.Millisecond}), stop: func() {}, filled: make(chan struct{})}
	var err error
	if r.Service, err = eventbridge.New(eventbridge.Config{Store: st, Clock: c, Timer: r.timer, Rand: rand.Reader, Policies: everybody{}, HTTP: http.DefaultTransport}); err != nil {
		t.Fatal(err)
	}
	target.Register(target.Config{Runner: r.timer, Caller: r, Roles: r, Clock: c, Destinations: r.Service})
	return r
}

func (r *rig) run() *rig {
	r.t.Helper()
	r.runOnly()
	r.settle()
	return r
}

// runOnly does not wait for what is due.
func (r *rig) runOnly() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.timer.Run(ctx) }()
	var once sync.Once
	r.stop = func() { once.Do(func() { cancel(); <-done }) }
	r.t.Cleanup(r.stop)
}

func (r *rig) settle() {
	r.t.Helper()
	if err := r.timer.Settle(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	if _, err := r.clock.Advance(context.Background(), d); err != nil {
		r.t.Fatal(err)
	}
}

// Call implements aws.Caller.
func (r *rig) Call(ctx context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	switch in := in.(type) {
	case *lambdaapi.InvocationRequest:
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.most > 0 && len(r.calls) >= r.most { // the process dies before this is done
			r.full.Do(func() { close(r.filled) })
			r.mu.Unlock()
			<-ctx.Done()
			r.mu.Lock()
			return nil, ctx.Err()
		}
		r.calls = append(r.calls, call{in.FunctionName, string(in.Payload), id.SourceARN})
		return &lambdaapi.InvocationResponse{}, nil
	case *eventbridgeapi.PutEventsRequest:
		return r.PutEvents(ctx, id, in)
	}
	return nil, fmt.Errorf("unexpected call of %v", op)
}

func (r *rig) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, fmt.Errorf("unexpected")
}

// Assume implements aws.Roles.
func (r *rig) Assume(_ context.Context, service aws.Identity, role, session string) (aws.Identity, aws.Credentials, error) {
	return aws.Identity{Kind: aws.AssumedRole, Account: service.Account, Region: service.Region, RoleARN: role}, aws.Credentials{}, nil
}

// taken returns the calls since the last time.
func (r *rig) taken() []call {
	r.settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.calls
	r.calls = nil
	return out
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t testing.TB, code, message string, err error) {
	t.Helper()
	if info := aws.InfoOf(err); err == nil || info.Code != code || message != "" && info.Message != message {
		t.Errorf("error %v, want %s: %s", err, code, message)
	}
}

func p[T any](v T) *T { return &v }

func (r *rig) bus(name string) string {
	r.t.Helper()
	return *must[*eventbridgeapi.CreateEventBusResponse](r.t)(r.CreateEventBus(context.Background(), me, &eventbridgeapi.CreateEventBusRequest{Name: name})).EventBusArn
}

func (r *rig) rule(bus, name, pattern string, targets ...eventbridgeapi.Target) string {
	r.t.Helper()
	out := must[*eventbridgeapi.PutRuleResponse](r.t)(r.PutRule(context.Background(), me, &eventbridgeapi.PutRuleRequest{Name: name, EventBusName: &bus, EventPattern: &pattern}))
	if len(targets) > 0 {
		must[*eventbridgeapi.PutTargetsResponse](r.t)(r.PutTargets(context.Background(), me, &eventbridgeapi.PutTargetsRequest{Rule: name, EventBusName: &bus, Targets: targets}))
	}
	return *out.RuleArn
}

func entry(bus, source, detail string) eventbridgeapi.PutEventsRequestEntry {
	return eventbridgeapi.PutEventsRequestEntry{EventBusName: &bus, Source: &source, DetailType: p("t"), Detail: &detail}
}

func (r *rig) put(entries ...eventbridgeapi.PutEventsRequestEntry) []string {
	r.t.Helper()
	out := must[*eventbridgeapi.PutEventsResponse](r.t)(r.PutEvents(context.Background(), me, &eventbridgeapi.PutEventsRequest{Entries: entries}))
	var ids []string
	for _, e := range out.Entries {
		if e.ErrorCode != nil {
			r.t.Fatalf("%s: %s", *e.ErrorCode, *e.ErrorMessage)
		}
		ids = append(ids, *e.EventId)
	}
	return ids
}
