// Package task makes the requests of Task states: it knows which resources there are, as whom a task calls, what becomes of
// its arguments on the way to a service and of the service's answer or error on the way back. It knows nothing of
// executions; their drivers hand it an execution.Request.
//
//	optimized integrations   optimized.go (the table), function.go, child.go, web/
//	aws-sdk integrations     package sdk
//
// https://docs.aws.amazon.com/step-functions/latest/dg/integrate-services.html
package task

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/task/sdk"
	"github.com/brume-dev/brume/service/sfn/task/web"
)

// Roles assumes roles: that of a state machine for states.amazonaws.com, and that of a Task state's Credentials for the
// machine's role.
type Roles interface {
	aws.Roles
	// Chain returns the identity of a session of role on behalf of another role's session, who must be of Kind
	// AssumedRole: its own policies and the role's trust policy must both allow it.
	Chain(ctx context.Context, who aws.Identity, role, session string) (aws.Identity, aws.Credentials, error)
}

// Config is what tasks need. What comes as a function may be nil until the first task.
type Config struct {
	Caller   aws.Caller
	Roles    Roles
	Services func() []*aws.Service // those of the table
	Policies aws.Policies          // for what tasks do that is no operation: HTTP tasks
	// APIs serves API Gateway's invoke URLs.
	APIs func() aws.DataPlane
	// Connections keeps those that HTTP tasks name.
	Connections func() connection.Keeper
	HTTP        http.RoundTripper
	Clock       clock.Clock
}

// Runner makes the requests of tasks. It is safe for concurrent use.
type Runner struct {
	Config
	catalogue func() *sdk.Catalogue
	functions lambdaapi.Client
	children  sfnapi.Client
	optimized map[string]integration
}

// New returns a Runner.
func New(c Config) *Runner {
	return &Runner{Config: c, functions: lambdaapi.NewClient(c.Caller), children: sfnapi.NewClient(c.Caller), optimized: optimized(),
		catalogue: sync.OnceValue(func() *sdk.Catalogue { return sdk.New(c.Services()) })}
}

var _ execution.Tasks = (*Runner)(nil)

// Call implements execution.Tasks.
func (r *Runner) Call(ctx context.Context, q *execution.Request) (execution.Answer, error) {
	out, stage, err := r.run(ctx, q)
	if err != nil {
		return failed(ctx, stage, err)
	}
	return execution.Answer{Output: out}, nil
}

// failed is the answer of a request that has come to an error. Only faults are the execution's own trouble; and when ctx has
// been cancelled nothing is known of the request.
func failed(ctx context.Context, stage asl.Stage, err error) (execution.Answer, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return execution.Answer{}, ctx.Err()
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return execution.Answer{Err: f, Stage: stage}, nil
	}
	return execution.Answer{}, err
}

func (r *Runner) run(ctx context.Context, q *execution.Request) ([]byte, asl.Stage, error) {
	id, err := r.identity(ctx, q)
	if err != nil {
		return nil, asl.Starting, err
	}
	out, err := (&attempt{Runner: r, Request: q, id: id}).make(ctx)
	return out, asl.Running, err
}

// attempt is one run of a request.
type attempt struct {
	*Runner
	*execution.Request
	id aws.Identity

	secrets  bool          // of the connection are shown in exchange
	exchange *web.Exchange // of an HTTP task
}

func (a *attempt) make(ctx context.Context) ([]byte, error) {
	res := a.Request.Call.Resource
	if res.Style == asl.LambdaFunction {
		return a.invokeFunction(ctx)
	}
	arguments, err := jsondoc.Parse(a.Request.Call.Arguments)
	if err != nil {
		return nil, fault.New(fault.Runtime, "The arguments of the task are no JSON: %v", err)
	}
	if service, ok := strings.CutPrefix(res.Service, sdkPrefix); ok {
		return a.callSDK(ctx, service, arguments)
	}
	o, ok := a.optimized[optimizedKey(res)]
	if !ok {
		return nil, fault.New(fault.Runtime, "%s", NotRecognized(res.Text))
	}
	object, ok := arguments.(*jsondoc.Object)
	if !ok {
		return nil, a.unusable([]string{"The arguments of a task must be an object"})
	}
	if problems := o.problems(object); problems != nil {
		return nil, a.unusable(problems)
	}
	if o.own != nil {
		return o.own(ctx, a, object)
	}
	return a.callOptimized(ctx, &o, object)
}

// unusable is what a task fails with when its arguments are not what the integration takes.
func (a *attempt) unusable(problems []string) error {
	return fault.New(fault.Runtime, "The Parameters '%s' could not be used to start the Task: [%s]", a.Request.Call.Arguments, strings.Join(problems, ", "))
}

// callSDK makes a call as the SDK would.
func (a *attempt) callSDK(ctx context.Context, service string, arguments any) ([]byte, error) {
	c, action := a.catalogue(), a.Request.Call.Resource.Action
	op := c.Find(service, action)
	if op == nil {
		return nil, fault.New(fault.Runtime, "%s", NotRecognized(a.Request.Call.Resource.Text))
	}
	doc, problems := c.Input(op, arguments, a.Key)
	if problems != nil {
		return nil, a.unusable(problems)
	}
	out, err := a.Caller.Document(ctx, a.id, op.Op, doc)
	if err != nil {
		return nil, a.timely(ctx, sdk.Failure(op, err, a.Key))
	}
	v, err := c.Output(op, out)
	if err != nil {
		return nil, fmt.Errorf("sfn: output of %v: %w", op.Op, err)
	}
	return jsondoc.Append(nil, v), nil
}

// timely is err, or what became of ctx meanwhile: a call that was cut off says nothing of the callee.
func (a *attempt) timely(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.New(fault.Timeout, "")
	}
	return err
}
