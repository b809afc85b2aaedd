package lambda

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/trace"
	"github.com/brume-dev/brume/store"
)

// maxRuns is how often a function runs in one chain of requests before that is taken for a loop.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
const maxRuns = 16

// loops reports whether to run the function once more in the request that a trace header belongs to would be a loop, and
// one that the function does not allow.
func (s *Service) loops(ctx context.Context, p place, header string) (bool, error) {
	if header == "" || trace.Runs(header, p.FunctionARN()) < maxRuns {
		return false, nil
	}
	allowed, err := view(ctx, s, p.Space, func(r store.Reader) (bool, error) {
		_, allowed, err := r.Get(p.Space.Loops(p.Name))
		return allowed, err
	})
	return !allowed && err == nil, err
}

// stopLoop is the error of an invocation that would be part of a loop.
func (s *Service) stopLoop(ctx context.Context, p place, header string) error {
	loops, err := s.loops(ctx, p, header)
	if err != nil || !loops {
		return err
	}
	s.Log.Warn("lambda: a recursive loop is stopped", "function", p.FunctionARN())
	return &lambdaapi.RecursiveInvocationException{Type: fault.User(), Message: "Lambda has detected your function being invoked in a recursive loop " +
		"with other AWS resources and stopped your function's invocation."}
}

// PutFunctionRecursionConfig says what is done about recursive loops of a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html
func (s *Service) PutFunctionRecursionConfig(ctx context.Context, id aws.Identity, in *lambdaapi.PutFunctionRecursionConfigRequest) (*lambdaapi.PutFunctionRecursionConfigResponse, error) {
	_, p, err := s.function(ctx, id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.PutFunctionRecursionConfigResponse, error) {
		if _, err := functionAt(tx, p); err != nil {
			return nil, err
		}
		if in.RecursiveLoop == lambdaapi.RecursiveLoopAllow {
			tx.Set(p.Space.Loops(p.Name), nil)
		} else {
			tx.Delete(p.Space.Loops(p.Name))
		}
		return &lambdaapi.PutFunctionRecursionConfigResponse{RecursiveLoop: in.RecursiveLoop}, nil
	})
}

// GetFunctionRecursionConfig says what is done about recursive loops: by default they are ended.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionRecursionConfig.html
func (s *Service) GetFunctionRecursionConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionRecursionConfigRequest) (*lambdaapi.GetFunctionRecursionConfigResponse, error) {
	_, p, err := s.function(ctx, id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.GetFunctionRecursionConfigResponse, error) {
		out := &lambdaapi.GetFunctionRecursionConfigResponse{RecursiveLoop: lambdaapi.RecursiveLoopTerminate}
		_, allowed, err := r.Get(p.Space.Loops(p.Name))
		if allowed {
			out.RecursiveLoop = lambdaapi.RecursiveLoopAllow
		}
		return out, err
	})
}
