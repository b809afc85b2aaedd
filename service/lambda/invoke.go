package lambda

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/payload"
	"github.com/brume-dev/brume/store"
)

// Invoke runs a function: at once and with its answer, or by a promise to do so, or only to see whether it could.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (s *Service) Invoke(ctx context.Context, id aws.Identity, in *lambdaapi.InvocationRequest) (*lambdaapi.InvocationResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := checkInvocation(in); err != nil {
		return nil, err
	}
	c, err := s.choose(ctx, p)
	if err != nil {
		return nil, err
	}
	ev, err := s.eventOf(id, p, in)
	if err != nil {
		return nil, err
	}
	switch in.InvocationType {
	case lambdaapi.InvocationTypeDryRun:
		return reply(http.StatusNoContent), nil
	case lambdaapi.InvocationTypeEvent:
		if err := s.enqueue(ctx, c, ev); err != nil {
			return nil, err
		}
		return reply(http.StatusAccepted), nil
	}
	// The function goes on although the client has gone.
	a, err := s.execute(context.WithoutCancel(ctx), c, ev)
	if err != nil {
		return nil, err
	}
	out := reply(http.StatusOK)
	out.Payload, out.ExecutedVersion = a.payload, &a.version
	if a.failed {
		out.FunctionError = aws.Some("Unhandled")
	}
	if ev.tail {
		out.LogResult = aws.Some(base64.StdEncoding.EncodeToString(a.tail))
	}
	return out, nil
}

// eventOf is what a request invokes a function with.
func (s *Service) eventOf(id aws.Identity, p place, in *lambdaapi.InvocationRequest) (*event, error) {
	ev := &event{id: s.requestID(id), payload: in.Payload, trace: id.Request.Trace, arn: p.ARN(), tail: in.LogType == lambdaapi.LogTypeTail}
	if len(ev.payload) == 0 {
		ev.payload = []byte("{}")
	}
	var err error
	if in.ClientContext != nil {
		ev.clientContext, err = payload.ClientContext(*in.ClientContext)
	}
	return ev, err
}

func reply(status int32) *lambdaapi.InvocationResponse {
	return &lambdaapi.InvocationResponse{StatusCode: &status}
}

// requestID is the id of the request, which the invocation has too.
func (s *Service) requestID(id aws.Identity) string {
	if id.Request.ID != "" {
		return id.Request.ID
	}
	return s.newID()
}

// choose finds the version to run. A function that is being created is waited for.
func (s *Service) choose(ctx context.Context, p place) (*chosen, error) {
	pick := s.chance()
	load := func() (*chosen, error) {
		return view(ctx, s, p.Space, func(r store.Reader) (*chosen, error) { return resolve(r, p, pick) })
	}
	c, err := load()
	if err == nil && c.cfg.State == string(lambdaapi.StatePending) {
		s.settle(ctx, p)
		c, err = load()
	}
	if err != nil {
		return nil, err
	}
	if c.cfg.State != string(lambdaapi.StateActive) {
		return nil, fault.Conflict("The operation cannot be performed at this time. The function is currently in the following state: %s", c.cfg.State)
	}
	return c, nil
}

// checkInvocation refuses payloads that are too large or no JSON.
func checkInvocation(in *lambdaapi.InvocationRequest) error {
	switch n := len(in.Payload); {
	case in.InvocationType == lambdaapi.InvocationTypeEvent && n > maxAsync:
		return &lambdaapi.RequestTooLargeException{Type: fault.User(),
			Message: fmt.Sprintf("%d byte payload is too large for the Event invocation type (limit %d bytes)", n, maxAsync)}
	case n > maxSync:
		return &lambdaapi.RequestTooLargeException{Type: fault.User(),
			Message: fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxSync)}
	}
	if in.DurableExecutionName != nil || in.TenantId != nil {
		return fault.Invalid("Brume has neither durable functions nor tenant isolation yet; docs/COMPATIBILITY.md lists what is there")
	}
	return payload.Check(in.Payload)
}

// InvokeAsync is the old form of an asynchronous Invoke.
// https://docs.aws.amazon.com/lambda/latest/api/API_InvokeAsync.html
func (s *Service) InvokeAsync(ctx context.Context, id aws.Identity, in *lambdaapi.InvokeAsyncRequest) (*lambdaapi.InvokeAsyncResponse, error) {
	payload, err := io.ReadAll(io.LimitReader(in.InvokeArgs, maxAsync+1))
	if err != nil {
		return nil, err
	}
	out, err := s.Invoke(ctx, id, &lambdaapi.InvocationRequest{FunctionName: in.FunctionName,
		InvocationType: lambdaapi.InvocationTypeEvent, Payload: payload})
	if err != nil {
		return nil, err
	}
	return &lambdaapi.InvokeAsyncResponse{Status: out.StatusCode}, nil
}
