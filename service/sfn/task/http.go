package task

import (
	"context"
	"errors"

	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/task/web"
)

// web is what HTTP requests need.
func (a *attempt) web() *web.Config {
	return &web.Config{Policies: a.Policies, APIs: a.APIs, Connections: a.Connections, HTTP: a.HTTP}
}

func (a *attempt) webRequest(arguments *jsondoc.Object) *web.Request {
	return &web.Request{ID: a.id, Machine: a.Revision.ARN(), Account: a.Revision.Account, Region: a.Revision.Region, Arguments: arguments}
}

// invokeAPI is the integration of API Gateway.
func invokeAPI(ctx context.Context, a *attempt, arguments *jsondoc.Object) ([]byte, error) {
	out, err := a.web().API(ctx, a.webRequest(arguments))
	return a.webResult(ctx, out, err)
}

// invokeEndpoint is an HTTP task.
func invokeEndpoint(ctx context.Context, a *attempt, arguments *jsondoc.Object) ([]byte, error) {
	out, x, err := a.web().Endpoint(ctx, a.webRequest(arguments), a.secrets)
	a.exchange = x
	return a.webResult(ctx, out, err)
}

func (a *attempt) webResult(ctx context.Context, out *jsondoc.Object, err error) ([]byte, error) {
	if problems, ok := errors.AsType[web.Unusable](err); ok {
		return nil, a.unusable(problems)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = a.timely(ctx, err)
		}
		return nil, err
	}
	return jsondoc.Append(nil, out), nil
}

// Try is Call for TestState: it also returns what an HTTP task sent and got, with what its connection added if secrets.
func (r *Runner) Try(ctx context.Context, q *execution.Request, secrets bool) (execution.Answer, *web.Exchange, error) {
	id, err := r.identity(ctx, q)
	if err != nil {
		a, err := failed(ctx, 0, err)
		return a, nil, err
	}
	a := &attempt{Runner: r, Request: q, id: id, secrets: secrets}
	out, err := a.make(ctx)
	if err != nil {
		answer, err := failed(ctx, 0, err)
		return answer, a.exchange, err
	}
	return execution.Answer{Output: out}, a.exchange, nil
}
