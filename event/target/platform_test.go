package target_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/timer"
)

const (
	function = "arn:aws:lambda:eu-west-1:111111111111:function:f:live"
	bus      = "arn:aws:events:eu-west-1:111111111111:event-bus/b"
	queue    = "arn:aws:sqs:eu-west-1:111111111111:q.fifo"
	dlq      = "arn:aws:sqs:eu-west-1:111111111111:dead"
	rule     = "arn:aws:events:us-east-1:000000000000:rule/r"
)

var (
	start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	from  = target.Sender{Service: "events.amazonaws.com", Account: "000000000000", Region: "us-east-1", ARN: rule}
)

// call is what the table was asked to do.
type call struct {
	op aws.Op
	id aws.Identity
	in any
	at time.Duration
}

// platform is a runner with the couriers on it, a table of operations that answers what it is told, and an STS.
type platform struct {
	t        *testing.T
	clock    *clock.Virtual
	store    *memstore.Store
	mu       sync.Mutex
	calls    []call
	answer   func(n int, c call) error // nil: all is well
	out      any
	assume   error
	outcomes []target.Outcome
	passed   []target.Event
}

func newPlatform(t *testing.T) *platform {
	p := &platform{t: t, clock: clock.Frozen(start)}
	p.store = memstore.New(p.clock)
	r := timer.New(timer.Config{Store: p.store, Clock: p.clock})
	target.Register(target.Config{Runner: r, Caller: p, Roles: p, Clock: p.clock, Observe: func(o target.Outcome) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.outcomes = append(p.outcomes, o)
	}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	if err := r.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *platform) Call(ctx context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if aws.InTx(ctx) {
		p.t.Error("a call in a transaction")
	}
	if e, ok := target.Passed(ctx); ok {
		p.passed = append(p.passed, e)
	}
	c := call{op, id, in, p.clock.Now().Sub(start)}
	p.calls = append(p.calls, c)
	if p.answer != nil {
		if err := p.answer(len(p.calls), c); err != nil {
			return nil, err
		}
	}
	if p.out != nil {
		return p.out, nil
	}
	switch in.(type) {
	case *lambdaapi.InvocationRequest:
		return &lambdaapi.InvocationResponse{}, nil
	case *eventbridgeapi.PutEventsRequest:
		return &eventbridgeapi.PutEventsResponse{Entries: []eventbridgeapi.PutEventsResultEntry{{}}}, nil
	case *sqsapi.SendMessageRequest:
		return &sqsapi.SendMessageResult{}, nil
	case *snsapi.PublishInput:
		return &snsapi.PublishResponse{}, nil
	case *sfnapi.StartExecutionInput:
		return &sfnapi.StartExecutionOutput{}, nil
	case *logsapi.PutLogEventsRequest:
		return &logsapi.PutLogEventsResponse{}, nil
	case *logsapi.CreateLogStreamRequest:
		return &logsapi.CreateLogStreamOutput{}, nil
	case *s3api.PutObjectRequest:
		return &s3api.PutObjectOutput{}, nil
	}
	return nil, fmt.Errorf("unexpected input %T", in)
}

func (p *platform) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, errors.New("unexpected document")
}

func (p *platform) Assume(_ context.Context, service aws.Identity, role, session string) (aws.Identity, aws.Credentials, error) {
	if service.Kind != aws.ServicePrincipal || service.Service != from.Service || service.SourceARN != rule || len(session) != 32 {
		p.t.Errorf("assumed by %+v in session %q", service, session)
	}
	return aws.Identity{Kind: aws.AssumedRole, Account: "000000000000", Region: "us-east-1", RoleARN: role}, aws.Credentials{}, p.assume
}

func (p *platform) send(ds ...target.Delivery) error {
	_, err := p.store.Update(p.t.Context(), func(_ context.Context, tx store.Tx) error {
		for _, d := range ds {
			if err := target.Send(tx, d); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// deliver sends d, moves the time and returns the calls.
func (p *platform) deliver(d target.Delivery, advance time.Duration) []call {
	p.t.Helper()
	d.From = from
	if err := p.send(d); err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if _, err := p.clock.Advance(ctx, advance); err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}
