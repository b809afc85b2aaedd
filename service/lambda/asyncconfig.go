package lambda

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// PutFunctionEventInvokeConfig sets how events are handled that wait for a function, version or alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
func (s *Service) PutFunctionEventInvokeConfig(ctx context.Context, id aws.Identity, in *lambdaapi.PutFunctionEventInvokeConfigRequest) (*lambdaapi.FunctionEventInvokeConfig, error) {
	return s.setAsync(ctx, id, in.FunctionName, in.Qualifier, false, func(a *asyncConfig) {
		a.Retries, a.MaxAge = in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds
		a.OnSuccess, a.OnFailure = destinations(in.DestinationConfig, "", "")
	})
}

// UpdateFunctionEventInvokeConfig changes those settings that it names.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionEventInvokeConfig.html
func (s *Service) UpdateFunctionEventInvokeConfig(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateFunctionEventInvokeConfigRequest) (*lambdaapi.FunctionEventInvokeConfig, error) {
	return s.setAsync(ctx, id, in.FunctionName, in.Qualifier, true, func(a *asyncConfig) {
		if in.MaximumRetryAttempts != nil {
			a.Retries = in.MaximumRetryAttempts
		}
		if in.MaximumEventAgeInSeconds != nil {
			a.MaxAge = in.MaximumEventAgeInSeconds
		}
		if in.DestinationConfig != nil {
			a.OnSuccess, a.OnFailure = destinations(in.DestinationConfig, a.OnSuccess, a.OnFailure)
		}
	})
}

// destinations reads a DestinationConfig; what it does not name stays.
func destinations(in *lambdaapi.DestinationConfig, success, failure string) (string, string) {
	if in == nil {
		return success, failure
	}
	if in.OnSuccess != nil {
		success = value(in.OnSuccess.Destination)
	}
	if in.OnFailure != nil {
		failure = value(in.OnFailure.Destination)
	}
	return success, failure
}

func (s *Service) setAsync(ctx context.Context, id aws.Identity, name string, qualifier *string, mustBe bool, change func(*asyncConfig)) (*lambdaapi.FunctionEventInvokeConfig, error) {
	p, err := keys.Find(id, name, qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.checkDestinations(ctx, id, p, change); err != nil {
		return nil, err
	}
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.FunctionEventInvokeConfig, error) {
		if _, err := resolve(tx, p, 1); err != nil {
			return nil, err
		}
		a, err := keys.Get[asyncConfig](tx, p.Space.Async(p.Name, p.Wanted()))
		if err != nil {
			return nil, err
		}
		if a == nil {
			if mustBe {
				return nil, noAsync(p)
			}
			a = new(asyncConfig)
		}
		change(a)
		a.Modified = tx.Now()
		tx.Set(p.Space.Async(p.Name, p.Wanted()), keys.Encode(a))
		return a.describe(p), nil
	})
}

// checkDestinations refuses destinations that a change sets and that cannot be, or that the execution role may not use.
func (s *Service) checkDestinations(ctx context.Context, id aws.Identity, p place, change func(*asyncConfig)) error {
	var set asyncConfig
	change(&set)
	for _, d := range []string{set.OnSuccess, set.OnFailure} {
		if d == "" {
			continue
		}
		if err := checkDestination(p, d); err != nil {
			return err
		}
		c, err := view(ctx, s, p.Space, func(r store.Reader) (*chosen, error) { return resolve(r, p, 1) })
		if err != nil {
			return err
		}
		if err := s.checkReach(ctx, id, p, c.cfg.Role, "function", d); err != nil {
			return err
		}
	}
	return nil
}

// checkDestination refuses what invocation records cannot be sent to.
func checkDestination(p place, arn string) error {
	if arn == "" {
		return nil
	}
	a, err := aws.ParseARN(arn)
	if err != nil || target.Check(arn) != nil {
		return fault.Invalid("The destination ARN %s is invalid.", arn)
	}
	switch a.Service {
	case "lambda":
		if arn == p.FunctionARN() || strings.HasPrefix(arn, p.FunctionARN()+":") {
			return fault.Invalid("You can't specify the function as a destination for itself.")
		}
	case "events":
	case "sqs", "sns":
		if strings.HasSuffix(a.Resource, ".fifo") {
			return fault.Invalid("The destination ARN %s is invalid: FIFO queues and topics are not supported.", arn)
		}
	case "s3":
	default:
		return fault.Invalid("The destination ARN %s is invalid.", arn)
	}
	return nil
}

func noAsync(p place) error {
	return fault.NotFound("The function %s doesn't have an EventInvokeConfig", p.Space.ARN(p.Name, p.Wanted()))
}

func (a *asyncConfig) describe(p place) *lambdaapi.FunctionEventInvokeConfig {
	arn := p.Space.ARN(p.Name, p.Wanted())
	return &lambdaapi.FunctionEventInvokeConfig{LastModified: &a.Modified, FunctionArn: &arn, MaximumRetryAttempts: a.Retries,
		MaximumEventAgeInSeconds: a.MaxAge, DestinationConfig: &lambdaapi.DestinationConfig{
			OnSuccess: &lambdaapi.OnSuccess{Destination: aws.Some(a.OnSuccess)}, OnFailure: &lambdaapi.OnFailure{Destination: aws.Some(a.OnFailure)}}}
}

// GetFunctionEventInvokeConfig returns those settings.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionEventInvokeConfig.html
func (s *Service) GetFunctionEventInvokeConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionEventInvokeConfigRequest) (*lambdaapi.FunctionEventInvokeConfig, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.FunctionEventInvokeConfig, error) {
		if _, err := resolve(r, p, 1); err != nil {
			return nil, err
		}
		a, err := keys.Get[asyncConfig](r, p.Space.Async(p.Name, p.Wanted()))
		if err != nil {
			return nil, err
		}
		if a == nil {
			return nil, noAsync(p)
		}
		return a.describe(p), nil
	})
}

// DeleteFunctionEventInvokeConfig removes them.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionEventInvokeConfig.html
func (s *Service) DeleteFunctionEventInvokeConfig(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteFunctionEventInvokeConfigRequest) (*lambdaapi.DeleteFunctionEventInvokeConfigOutput, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, p.Space, func(tx store.Tx) (*lambdaapi.DeleteFunctionEventInvokeConfigOutput, error) {
		if _, err := resolve(tx, p, 1); err != nil {
			return nil, err
		}
		_, there, err := tx.Get(p.Space.Async(p.Name, p.Wanted()))
		if err == nil && !there {
			err = noAsync(p)
		}
		tx.Delete(p.Space.Async(p.Name, p.Wanted()))
		return new(lambdaapi.DeleteFunctionEventInvokeConfigOutput), err
	})
}

// ListFunctionEventInvokeConfigs lists the settings of a function and of its versions and aliases.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionEventInvokeConfigs.html
func (s *Service) ListFunctionEventInvokeConfigs(ctx context.Context, id aws.Identity, in *lambdaapi.ListFunctionEventInvokeConfigsRequest) (*lambdaapi.ListFunctionEventInvokeConfigsResponse, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.ListFunctionEventInvokeConfigsResponse, error) {
		if _, err := functionAt(r, p); err != nil {
			return nil, err
		}
		out := &lambdaapi.ListFunctionEventInvokeConfigsResponse{FunctionEventInvokeConfigs: []lambdaapi.FunctionEventInvokeConfig{}}
		t := p.Space.Asyncs(p.Name)
		next, err := keys.Page(r, t, in.Marker, in.MaxItems, func(key store.Key, v store.Value) error {
			var a asyncConfig
			if err := keys.Decode(v, &a); err != nil {
				return err
			}
			q := p
			q.Qualifier = store.Decode(key, len(t)).Text()
			out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, *a.describe(q))
			return nil
		})
		out.NextMarker = next
		return out, err
	})
}
