package lambda

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/service/lambda/provision"
	"github.com/brume-dev/brume/store"
)

// PutFunctionConcurrency reserves concurrency for a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
func (s *Service) PutFunctionConcurrency(ctx context.Context, id aws.Identity, in *lambdaapi.PutFunctionConcurrencyRequest) (*lambdaapi.Concurrency, error) {
	n := in.ReservedConcurrentExecutions
	if err := s.reserve(ctx, id, in.FunctionName, &n); err != nil {
		return nil, err
	}
	return &lambdaapi.Concurrency{ReservedConcurrentExecutions: &n}, nil
}

// DeleteFunctionConcurrency gives reserved concurrency back.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionConcurrency.html
func (s *Service) DeleteFunctionConcurrency(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteFunctionConcurrencyRequest) (*lambdaapi.DeleteFunctionConcurrencyOutput, error) {
	return new(lambdaapi.DeleteFunctionConcurrencyOutput), s.reserve(ctx, id, in.FunctionName, nil)
}

// reserve sets the reserved concurrency of a function; nil: none.
func (s *Service) reserve(ctx context.Context, id aws.Identity, name string, n *int32) error {
	p, err := keys.FindFunction(id, name)
	if err != nil {
		return err
	}
	_, err = p.Space.Shard(s.Store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		fn, err := functionAt(tx, p)
		if err != nil {
			return err
		}
		sum, _, err := tx.Get(p.Space.Reserved())
		if err != nil {
			return err
		}
		provisioned, err := provision.Sum(tx, p)
		if err != nil {
			return err
		}
		if n != nil && *n < provisioned {
			return fault.Invalid("Specified ReservedConcurrentExecutions for function is below its ProvisionedConcurrentExecutions of [%d].", provisioned)
		}
		// What is provisioned comes out of the reserve where there is one, else out of what is shared.
		change := int64(aws.Or(n, provisioned)) - int64(aws.Or(fn.Reserved, provisioned))
		if n != nil && concurrentLimit-(store.ReadCounter(sum)+change) < minUnreserved {
			return fault.Invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "+
				"below its minimum value of [%d].", minUnreserved)
		}
		fn.Reserved = n
		tx.Add(p.Space.Reserved(), change)
		tx.Set(p.Space.Function(p.Name), keys.Encode(fn))
		return nil
	})
	return err
}

// GetFunctionConcurrency returns the reserved concurrency of a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConcurrency.html
func (s *Service) GetFunctionConcurrency(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionConcurrencyRequest) (*lambdaapi.GetFunctionConcurrencyResponse, error) {
	fn, _, err := s.function(ctx, id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return &lambdaapi.GetFunctionConcurrencyResponse{ReservedConcurrentExecutions: fn.Reserved}, nil
}

// function returns a function as a whole.
func (s *Service) function(ctx context.Context, id aws.Identity, name string) (*function, place, error) {
	p, err := keys.FindFunction(id, name)
	if err != nil {
		return nil, p, err
	}
	fn, err := view(ctx, s, p.Space, func(r store.Reader) (*function, error) { return functionAt(r, p) })
	return fn, p, err
}

// share is what an invocation of c counts against.
func (c *chosen) share() fleet.Share {
	sh := fleet.Share{Home: c.Space.Home(), Function: c.fn.ID, Shared: concurrentLimit - int(c.reserved)}
	if c.fn.Reserved != nil {
		n := int(*c.fn.Reserved)
		sh.Reserved = &n
	}
	return sh
}

// throttled is the answer when the share is used up.
func (c *chosen) throttled() error {
	reason := lambdaapi.ThrottleReasonConcurrentInvocationLimitExceeded
	if c.fn.Reserved != nil {
		reason = lambdaapi.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded
	}
	return &lambdaapi.TooManyRequestsException{Type: fault.User(), Reason: reason, Message: "Rate Exceeded."}
}

// GetAccountSettings returns the limits of the account and region, and what is used of them.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
func (s *Service) GetAccountSettings(ctx context.Context, id aws.Identity, _ *lambdaapi.GetAccountSettingsRequest) (*lambdaapi.GetAccountSettingsResponse, error) {
	k := keys.Of(id.Account, id.Region)
	return view(ctx, s, k, func(r store.Reader) (*lambdaapi.GetAccountSettingsResponse, error) {
		values, err := r.GetMany([]store.Key{k.Bytes(), k.Count(), k.Reserved()})
		if err != nil {
			return nil, err
		}
		total, unzipped, zipped := int64(code.MaxStored), int64(code.MaxUnzipped), int64(code.MaxDirect)
		concurrent := int32(concurrentLimit)
		used, count := store.ReadCounter(values[0]), store.ReadCounter(values[1])
		unreserved := concurrent - int32(store.ReadCounter(values[2]))
		return &lambdaapi.GetAccountSettingsResponse{
			AccountLimit: &lambdaapi.AccountLimit{TotalCodeSize: &total, CodeSizeUnzipped: &unzipped, CodeSizeZipped: &zipped,
				ConcurrentExecutions: &concurrent, UnreservedConcurrentExecutions: &unreserved},
			AccountUsage: &lambdaapi.AccountUsage{TotalCodeSize: &used, FunctionCount: &count}}, nil
	})
}
