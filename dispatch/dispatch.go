// Package dispatch is the table of operations: the one place where calls meet services, from the socket and between
// services alike. It allows, validates, serves, measures and logs, in that order, and knows nothing of wire formats
// or of what an operation does.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/shape"
)

// AllowAll is the aws.Policies of tests: everybody may do everything.
type AllowAll struct{}

// Authorize allows.
func (AllowAll) Authorize(context.Context, aws.Identity, []aws.Access) error { return nil }

// Call is one call, as hooks see it. It must not be changed or kept.
type Call struct {
	ID aws.Identity
	Op *aws.Operation
	In any // the typed input
}

// Tracer follows calls, for traces and for the audit trail.
type Tracer interface {
	// Begin is called when the operation has been found, before anything else. The call continues with the context
	// that it returns, and ends with end (which may be nil): out is nil when err is not.
	Begin(ctx context.Context, c Call) (traced context.Context, end func(out any, err error))
}

// Config is what a Table needs. The zero Config allows everything and logs nowhere.
type Config struct {
	Policies aws.Policies
	Tracer   Tracer
	// Fault, when set, is asked after authorization and validation; a call that it returns an error for fails with
	// that error and never reaches its service. It may also wait.
	Fault func(ctx context.Context, c Call) error
	Log   *slog.Logger
	// Elapsed reads the machine's monotonic clock, for the durations in Metrics: time.Since of the start of the
	// process. Without it they are zero.
	Elapsed func() time.Duration
}

// Table is the table of operations. It implements aws.Caller. Register everything before the first call; after that it
// is safe for any number of goroutines.
type Table struct {
	policies aws.Policies
	tracer   Tracer
	fault    func(context.Context, Call) error
	log      *slog.Logger
	elapsed  func() time.Duration

	services map[string]*service
	list     []*aws.Service
}

// service is a registered service with all its operations.
type service struct {
	handler  any
	accessor aws.Accessor // nil: "prefix:Operation" on "*"
	style    shape.Style
	ops      map[string]*entry
}

// entry is one line of the table.
type entry struct {
	op      *aws.Operation
	service *service
	access  []aws.Access // what the operation needs when the service is no Accessor
	count   counters
}

var _ aws.Caller = (*Table)(nil)

// New returns an empty table.
func New(c Config) *Table {
	t := &Table{policies: c.Policies, tracer: c.Tracer, fault: c.Fault, log: c.Log, elapsed: c.Elapsed,
		services: make(map[string]*service)}
	if t.policies == nil {
		t.policies = AllowAll{}
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	if t.elapsed == nil {
		t.elapsed = func() time.Duration { return 0 }
	}
	return t
}

// Register adds a service. handler implements the generated Handler interface and may implement aws.Accessor; a nil
// handler makes every operation answer NotImplemented. It panics when the handler does not fit or the service is there
// already.
func (t *Table) Register(svc *aws.Service, handler any) {
	if _, dup := t.services[svc.Name]; dup {
		panic("dispatch: " + svc.Name + " is registered twice")
	}
	if handler != nil {
		if err := svc.Check(handler); err != nil {
			panic("dispatch: " + err.Error())
		}
	}
	s := &service{handler: handler, style: shape.StyleOf(svc.Name), ops: make(map[string]*entry, len(svc.Ops))}
	s.accessor, _ = handler.(aws.Accessor)
	for _, op := range svc.Ops {
		s.ops[op.Name] = &entry{op: op, service: s,
			access: []aws.Access{{Action: svc.Prefix + ":" + op.Name, Resource: "*"}}}
	}
	t.services[svc.Name] = s
	t.list = append(t.list, svc)
}

// Services returns the registered services in the order of their registration.
func (t *Table) Services() []*aws.Service { return t.list }

// Call implements aws.Caller.
func (t *Table) Call(ctx context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	e, err := t.find(op)
	if err != nil {
		return nil, err
	}
	return t.serve(ctx, id, e, in, nil)
}

// Permits returns the error that id would get for want of a permission if it made a call now; nil when it has them all, or
// when there is no such operation. Services ask it when something is configured that will need a permission later.
func (t *Table) Permits(ctx context.Context, id aws.Identity, op aws.Op, in any) error {
	e, err := t.find(op)
	if err != nil {
		return nil
	}
	if err := t.authorize(ctx, id, e, in); err != nil {
		return t.coded(ctx, id, e, err)
	}
	return nil
}

// Serve is Call for an input that came off the wire: notes is what the decoder saw of it that Go values cannot say.
func (t *Table) Serve(ctx context.Context, id aws.Identity, op *aws.Operation, in any, notes shape.Notes) (any, error) {
	e, err := t.find(op.Op)
	if err != nil {
		return nil, err
	}
	return t.serve(ctx, id, e, in, notes)
}

// find returns the line of an operation that can be served.
func (t *Table) find(op aws.Op) (*entry, error) {
	s := t.services[op.Service]
	if s == nil {
		return nil, aws.Errorf("UnknownOperationException", http.StatusBadRequest, "there is no service %s here", op.Service)
	}
	e := s.ops[op.Name]
	if e == nil {
		return nil, aws.Errorf("UnknownOperationException", http.StatusBadRequest, "%s has no operation %s", op.Service, op.Name)
	}
	if !e.op.Implemented() || s.handler == nil {
		return nil, aws.NotImplemented(e.op.Service.ID, op.Name)
	}
	return e, nil
}

// serve makes one call and accounts for it.
func (t *Table) serve(ctx context.Context, id aws.Identity, e *entry, in any, notes shape.Notes) (out any, err error) {
	if aws.InTx(ctx) {
		panic(fmt.Sprintf("dispatch: %v called inside a store transaction", e.op.Op))
	}
	start := t.elapsed()
	if t.tracer == nil {
		out, err = t.run(ctx, id, e, in, notes)
	} else {
		traced, end := t.tracer.Begin(ctx, Call{ID: id, Op: e.op, In: in})
		out, err = t.run(traced, id, e, in, notes)
		if end != nil {
			end(out, err)
		}
	}
	e.count.add(t.elapsed()-start, err)
	return out, err
}

// run does what the table is for: allow, validate, serve. AWS authorizes before it looks at the parameters: a caller
// without permission learns nothing about what would have been valid.
func (t *Table) run(ctx context.Context, id aws.Identity, e *entry, in any, notes shape.Notes) (out any, err error) {
	defer func() {
		if r := recover(); r != nil {
			t.log.ErrorContext(ctx, "panic in an operation", "op", e.op.String(), "request", id.Request.ID, "panic", r,
				"stack", string(debug.Stack()))
			out, err = nil, internal(fmt.Errorf("panic: %v", r))
		}
	}()
	if err := t.authorize(ctx, id, e, in); err != nil {
		return nil, t.coded(ctx, id, e, err)
	}
	if err := shape.Validate(in, notes, e.service.style); err != nil {
		return nil, err
	}
	if t.fault != nil {
		if err := t.fault(ctx, Call{ID: id, Op: e.op, In: in}); err != nil {
			return nil, t.coded(ctx, id, e, err)
		}
	}
	out, err = e.op.Call(ctx, e.service.handler, id, in)
	if err != nil {
		return nil, t.coded(ctx, id, e, err)
	}
	return out, nil
}

func (t *Table) authorize(ctx context.Context, id aws.Identity, e *entry, in any) error {
	if e.op.Anonymous {
		return nil // the operation checks what it is given instead: a token, an assertion
	}
	access := e.access
	if a := e.service.accessor; a != nil {
		var err error
		if access, err = a.Access(ctx, id, e.op.Name, in); err != nil {
			return err
		}
	}
	if len(access) == 0 {
		return nil
	}
	return t.policies.Authorize(ctx, id, access)
}

// coded lets errors for clients through and turns any other into InternalFailure, which it logs: such an error is our
// own fault. The error stays in the chain.
func (t *Table) coded(ctx context.Context, id aws.Identity, e *entry, err error) error {
	if known, ok := errors.AsType[aws.Error](err); ok {
		return known
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return internal(err) // the caller has gone
	}
	t.log.ErrorContext(ctx, "operation failed", "op", e.op.String(), "request", id.Request.ID, "error", err)
	return internal(err)
}

func internal(err error) error { return &aws.CodedError{Info: aws.InfoOf(nil), Err: err} }
