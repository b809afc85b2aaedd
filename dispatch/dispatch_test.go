package dispatch

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/schedulerapi"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
)

// states is a service with one operation, which does what the test says.
type states struct {
	sfnapi.Handler
	start func(context.Context, aws.Identity, *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error)
}

func (s states) StartExecution(ctx context.Context, id aws.Identity, in *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
	return s.start(ctx, id, in)
}

func echo(_ context.Context, _ aws.Identity, in *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
	return &sfnapi.StartExecutionOutput{ExecutionArn: in.StateMachineArn, StartDate: time.Unix(1700000000, 0)}, nil
}

var start = aws.Op{Service: "sfn", Name: "StartExecution"}

func input() *sfnapi.StartExecutionInput {
	return &sfnapi.StartExecutionInput{StateMachineArn: "arn:m"}
}

func TestCallReachesTheHandler(t *testing.T) {
	table := New(Config{})
	table.Register(sfnapi.Service, states{start: echo})
	out, err := sfnapi.NewClient(table).StartExecution(t.Context(), aws.Identity{}, input())
	if err != nil || out.ExecutionArn != "arn:m" {
		t.Fatalf("got %v, %v", out, err)
	}
}

func TestFind(t *testing.T) {
	table := New(Config{})
	table.Register(sfnapi.Service, states{start: echo})
	table.Register(schedulerapi.Service, nil)
	for _, c := range []struct {
		op     aws.Op
		code   string
		status int
	}{
		{aws.Op{Service: "nosuch", Name: "X"}, "UnknownOperationException", http.StatusBadRequest},
		{aws.Op{Service: "sfn", Name: "X"}, "UnknownOperationException", http.StatusBadRequest},
		{aws.Op{Service: "scheduler", Name: "GetSchedule"}, "NotImplemented", http.StatusNotImplemented},
	} {
		_, err := table.Call(t.Context(), aws.Identity{}, c.op, nil)
		if info := aws.InfoOf(err); info.Code != c.code || info.Status != c.status {
			t.Errorf("%v: got %+v", c.op, info)
		}
		if _, derr := table.Document(t.Context(), aws.Identity{}, c.op, []byte("{}")); aws.CodeOf(derr) != c.code {
			t.Errorf("%v: the document got %v", c.op, derr)
		}
	}
	if got := table.Services(); !slices.Equal(got, []*aws.Service{sfnapi.Service, schedulerapi.Service}) {
		t.Errorf("services %v", got)
	}
}

// refuse is the Policies that denies and remembers what it was asked.
type refuse struct{ asked []aws.Access }

func (r *refuse) Authorize(_ context.Context, _ aws.Identity, access []aws.Access) error {
	r.asked = append(r.asked, access...)
	return aws.Errorf("AccessDenied", http.StatusForbidden, "no")
}

func TestAuthorizationComesBeforeValidation(t *testing.T) {
	p := new(refuse)
	table := New(Config{Policies: p})
	table.Register(sfnapi.Service, states{start: func(context.Context, aws.Identity, *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
		t.Error("the handler was reached")
		return nil, nil
	}})
	_, err := table.Call(t.Context(), aws.Identity{}, start, &sfnapi.StartExecutionInput{})
	if aws.CodeOf(err) != "AccessDenied" {
		t.Errorf("got %v", err)
	}
	if len(p.asked) != 1 || p.asked[0].Action != "states:StartExecution" || p.asked[0].Resource != "*" {
		t.Errorf("asked for %+v", p.asked)
	}
}

// guarded is a service that says what it needs.
type guarded struct {
	states
	access []aws.Access
	err    error
}

func (g guarded) Access(_ context.Context, _ aws.Identity, op string, in any) ([]aws.Access, error) {
	if op != "StartExecution" || in.(*sfnapi.StartExecutionInput).StateMachineArn != "arn:m" {
		return nil, errors.New("asked for something else")
	}
	return g.access, g.err
}

func TestAccessor(t *testing.T) {
	for _, c := range []struct {
		name   string
		access []aws.Access
		err    error
		code   string
		asked  int
	}{
		{"nothing needed", nil, nil, "", 0},
		{"two things", []aws.Access{{Action: "a:B"}, {Action: "c:D"}}, nil, "AccessDenied", 2},
		{"its own error", nil, aws.Errorf("Gone", 410, "gone"), "Gone", 0},
		{"our fault", nil, errors.New("disk"), "InternalFailure", 0},
	} {
		p := new(refuse)
		table := New(Config{Policies: p})
		table.Register(sfnapi.Service, guarded{states: states{start: echo}, access: c.access, err: c.err})
		_, err := table.Call(t.Context(), aws.Identity{}, start, input())
		if c.code == "" && err != nil || c.code != "" && aws.CodeOf(err) != c.code {
			t.Errorf("%s: got %v", c.name, err)
		}
		if len(p.asked) != c.asked {
			t.Errorf("%s: asked for %+v", c.name, p.asked)
		}
	}
}

// sessions is an STS whose federation needs no permission by the model.
type sessions struct{ stsapi.Handler }

func (sessions) GetCallerIdentity(context.Context, aws.Identity, *stsapi.GetCallerIdentityRequest) (*stsapi.GetCallerIdentityResponse, error) {
	return &stsapi.GetCallerIdentityResponse{}, nil
}

func TestValidation(t *testing.T) {
	table := New(Config{})
	table.Register(sfnapi.Service, states{start: echo})
	op := sfnapi.Service.Lookup("StartExecution")
	var notes shape.Notes
	notes.Absent("stateMachineArn")
	_, err := table.Serve(t.Context(), aws.Identity{}, op, &sfnapi.StartExecutionInput{}, notes)
	if aws.CodeOf(err) != "ValidationException" || !strings.Contains(err.Error(), "'stateMachineArn'") {
		t.Errorf("missing member: %v", err)
	}
	name := strings.Repeat("n", 81)
	_, err = table.Serve(t.Context(), aws.Identity{}, op, &sfnapi.StartExecutionInput{StateMachineArn: "a", Name: &name}, nil)
	if !strings.Contains(aws.InfoOf(err).Message, "less than or equal to 80") {
		t.Errorf("long name: %v", err)
	}
}

func TestErrorsOfHandlers(t *testing.T) {
	secret := errors.New("the disk is full")
	for _, c := range []struct {
		name   string
		start  func(context.Context, aws.Identity, *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error)
		code   string
		logged string
	}{
		{"typed", func(context.Context, aws.Identity, *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
			return nil, &sfnapi.ExecutionLimitExceeded{Message: "too many"}
		}, "ExecutionLimitExceeded", ""},
		{"ours", func(context.Context, aws.Identity, *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
			return nil, secret
		}, "InternalFailure", "the disk is full"},
		{"panic", func(context.Context, aws.Identity, *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
			panic("bad index")
		}, "InternalFailure", "bad index"},
		{"caller gone", func(ctx context.Context, _ aws.Identity, _ *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
			return nil, context.Canceled
		}, "InternalFailure", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			table := New(Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
			table.Register(sfnapi.Service, states{start: c.start})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.name == "caller gone" {
				cancel()
			}
			_, err := table.Call(ctx, aws.Identity{Request: aws.Request{ID: "r-1"}}, start, input())
			info := aws.InfoOf(err)
			if info.Code != c.code || strings.Contains(info.Message, "disk") {
				t.Errorf("got %+v", info)
			}
			if c.name == "ours" && !errors.Is(err, secret) {
				t.Error("the cause is gone from the chain")
			}
			if (c.logged != "") != (log.Len() > 0) || !strings.Contains(log.String(), c.logged) {
				t.Errorf("logged %q", log.String())
			}
			if log.Len() > 0 && !strings.Contains(log.String(), "r-1") {
				t.Errorf("no request id in %q", log.String())
			}
		})
	}
}

func TestCallInsideATransactionPanics(t *testing.T) {
	table := New(Config{})
	table.Register(sfnapi.Service, states{start: echo})
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "inside a store transaction") {
			t.Errorf("recovered %q", r)
		}
	}()
	_, _ = table.Call(aws.MarkTx(t.Context()), aws.Identity{}, start, input())
	t.Error("no panic")
}

func TestFaultsAndTraces(t *testing.T) {
	tr, now := new(tracer), time.Duration(0)
	elapsed := func() time.Duration { now += time.Second; return now }
	table := New(Config{Tracer: tr, Elapsed: elapsed, Fault: func(_ context.Context, c Call) error {
		if c.In.(*sfnapi.StartExecutionInput).StateMachineArn == "arn:m" {
			return aws.Errorf("ThrottlingException", 400, "slow down")
		}
		return nil
	}})
	table.Register(sfnapi.Service, states{start: func(ctx context.Context, id aws.Identity, in *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
		if ctx.Value(traceKey{}) != "traced" {
			t.Error("the handler did not get the tracer's context")
		}
		return echo(ctx, id, in)
	}})
	if _, err := table.Call(t.Context(), aws.Identity{}, start, input()); aws.CodeOf(err) != "ThrottlingException" {
		t.Errorf("got %v", err)
	}
	if _, err := table.Call(t.Context(), aws.Identity{}, start, &sfnapi.StartExecutionInput{StateMachineArn: "arn:o"}); err != nil {
		t.Errorf("got %v", err)
	}
	if want := []string{"sfn:StartExecution ThrottlingException", "sfn:StartExecution ok"}; !slices.Equal(tr.seen, want) {
		t.Errorf("traced %q", tr.seen)
	}
	m := table.Metrics()
	if len(m) != 1 || m[0].Op != start || m[0].Calls != 2 || m[0].Errors != 1 || m[0].Faults != 0 ||
		m[0].Time != 2*time.Second || m[0].Longest != time.Second {
		t.Errorf("metrics %+v", m)
	}
}

type traceKey struct{}

type tracer struct{ seen []string }

func (tr *tracer) Begin(ctx context.Context, c Call) (context.Context, func(any, error)) {
	return context.WithValue(ctx, traceKey{}, "traced"), func(out any, err error) {
		result := "ok"
		if err != nil {
			result = aws.CodeOf(err)
		}
		tr.seen = append(tr.seen, c.Op.String()+" "+result)
	}
}

func TestDocument(t *testing.T) {
	table := New(Config{})
	table.Register(sfnapi.Service, states{start: echo})
	for _, c := range []struct{ in, out, code string }{
		{`{"stateMachineArn":"arn:d"}`, `{"executionArn":"arn:d","startDate":1700000000}`, ""},
		{`{"StateMachineArn":"arn:d"}`, `{"executionArn":"arn:d","startDate":1700000000}`, ""},
		{`{}`, "", "ValidationException"},
		{`{`, "", "SerializationException"},
	} {
		out, err := table.Document(t.Context(), aws.Identity{}, start, []byte(c.in))
		if string(out) != c.out || (err == nil) != (c.code == "") || err != nil && aws.CodeOf(err) != c.code {
			t.Errorf("%s: got %s, %v", c.in, out, err)
		}
	}
}

func TestRegister(t *testing.T) {
	for name, f := range map[string]func(*Table){
		"twice":         func(t *Table) { t.Register(schedulerapi.Service, nil); t.Register(schedulerapi.Service, nil) },
		"wrong handler": func(t *Table) { t.Register(stsapi.Service, states{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f(New(Config{}))
		}()
	}
	New(Config{}).Register(stsapi.Service, sessions{}) // embedding the interface is enough to fit
}

func BenchmarkCall(b *testing.B) {
	out := new(sfnapi.StartExecutionOutput)
	h := states{start: func(context.Context, aws.Identity, *sfnapi.StartExecutionInput) (*sfnapi.StartExecutionOutput, error) {
		return out, nil
	}}
	begin := time.Now()
	table := New(Config{Elapsed: func() time.Duration { return time.Since(begin) }})
	table.Register(sfnapi.Service, h)
	ctx, in := b.Context(), input()
	b.Run("handler", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = h.StartExecution(ctx, aws.Identity{}, in)
		}
	})
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = table.Call(ctx, aws.Identity{}, start, in)
		}
	})
}
