// Package eventinvoke is how events are handled that wait for a function: how often and how long they are tried, and where goes
// what became of them.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
package eventinvoke

import (
	"context"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// Settings implements the operations on FunctionEventInvokeConfigs.
type Settings struct {
	store     store.Store
	functions Functions
}

// Functions are the functions of the service that the settings belong to.
type Functions interface {
	// Find returns an error unless there is a function, version or alias at p.
	Find(r store.Reader, p keys.Place) error
	// FindFunction returns an error unless there is a function at p.
	FindFunction(r store.Reader, p keys.Place) error
	// CheckReach refuses a target that the execution role of the function at p may not deliver to.
	CheckReach(ctx context.Context, id aws.Identity, p keys.Place, arn string) error
}

// New returns the settings of a store.
func New(st store.Store, f Functions) *Settings { return &Settings{st, f} }

// Config is the FunctionEventInvokeConfig.
type Config struct {
	Modified  time.Time `cbor:"1,keyasint"`
	Retries   *int32    `cbor:"2,keyasint,omitempty"`
	MaxAge    *int32    `cbor:"3,keyasint,omitempty"` // seconds
	OnSuccess string    `cbor:"4,keyasint,omitempty"`
	OnFailure string    `cbor:"5,keyasint,omitempty"`
}

// Of returns what is set at p; nothing is where nothing was set.
func Of(r store.Reader, p keys.Place) (Config, error) {
	c, err := keys.Get[Config](r, p.Async(p.Name, p.Wanted()))
	if c == nil {
		return Config{}, err
	}
	return *c, err
}

// PutFunctionEventInvokeConfig sets how events are handled that wait for a function, version or alias.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
func (s *Settings) PutFunctionEventInvokeConfig(ctx context.Context, id aws.Identity, in *lambdaapi.PutFunctionEventInvokeConfigRequest) (*lambdaapi.FunctionEventInvokeConfig, error) {
	if err := setsSomething(in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig); err != nil {
		return nil, err
	}
	return s.setAsync(ctx, id, in.FunctionName, in.Qualifier, false, func(a *Config) {
		a.Retries, a.MaxAge = in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds
		a.OnSuccess, a.OnFailure = destinations(in.DestinationConfig, "", "")
	})
}

// UpdateFunctionEventInvokeConfig changes those settings that it names.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionEventInvokeConfig.html
func (s *Settings) UpdateFunctionEventInvokeConfig(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateFunctionEventInvokeConfigRequest) (*lambdaapi.FunctionEventInvokeConfig, error) {
	if err := setsSomething(in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig); err != nil {
		return nil, err
	}
	return s.setAsync(ctx, id, in.FunctionName, in.Qualifier, true, func(a *Config) {
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

// setsSomething refuses a request that names no setting.
func setsSomething(retries, age *int32, to *lambdaapi.DestinationConfig) error {
	if retries == nil && age == nil && to == nil {
		return fault.Invalid("You must specify at least one of error handling or destination setting.")
	}
	return nil
}

// destinations reads a DestinationConfig; what it does not name stays.
func destinations(in *lambdaapi.DestinationConfig, success, failure string) (string, string) {
	if in == nil {
		return success, failure
	}
	if in.OnSuccess != nil {
		success = aws.Or(in.OnSuccess.Destination, "")
	}
	if in.OnFailure != nil {
		failure = aws.Or(in.OnFailure.Destination, "")
	}
	return success, failure
}

func (s *Settings) setAsync(ctx context.Context, id aws.Identity, name string, qualifier *string, mustBe bool, change func(*Config)) (*lambdaapi.FunctionEventInvokeConfig, error) {
	p, err := keys.Find(id, name, qualifier)
	if err != nil {
		return nil, err
	}
	if err := s.checkDestinations(ctx, id, p, change); err != nil {
		return nil, err
	}
	return store.Update(ctx, p.Shard(s.store), func(_ context.Context, tx store.Tx) (*lambdaapi.FunctionEventInvokeConfig, error) {
		if err := s.functions.Find(tx, p); err != nil {
			return nil, err
		}
		a, err := keys.Get[Config](tx, p.Space.Async(p.Name, p.Wanted()))
		if err != nil {
			return nil, err
		}
		if a == nil {
			if mustBe {
				return nil, noAsync(p)
			}
			a = new(Config)
		}
		change(a)
		a.Modified = tx.Now()
		tx.Set(p.Space.Async(p.Name, p.Wanted()), keys.Encode(a))
		return a.describe(p), nil
	})
}

// checkDestinations refuses destinations that a change sets and that cannot be, or that the execution role may not use.
func (s *Settings) checkDestinations(ctx context.Context, id aws.Identity, p keys.Place, change func(*Config)) error {
	var set Config
	change(&set)
	for _, d := range []string{set.OnSuccess, set.OnFailure} {
		if d == "" {
			continue
		}
		if err := CheckDestination(p, d); err != nil {
			return err
		}
		if err := s.functions.CheckReach(ctx, id, p, d); err != nil {
			return err
		}
	}
	return nil
}

// CheckDestination refuses what the invocation records of a function cannot be sent to.
func CheckDestination(p keys.Place, arn string) error {
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

func noAsync(p keys.Place) error {
	return fault.NotFound("The function %s doesn't have an EventInvokeConfig", p.Space.ARN(p.Name, p.Wanted()))
}

func (a *Config) describe(p keys.Place) *lambdaapi.FunctionEventInvokeConfig {
	arn := p.Space.ARN(p.Name, p.Wanted())
	return &lambdaapi.FunctionEventInvokeConfig{LastModified: &a.Modified, FunctionArn: &arn, MaximumRetryAttempts: a.Retries,
		MaximumEventAgeInSeconds: a.MaxAge, DestinationConfig: &lambdaapi.DestinationConfig{
			OnSuccess: &lambdaapi.OnSuccess{Destination: aws.Some(a.OnSuccess)}, OnFailure: &lambdaapi.OnFailure{Destination: aws.Some(a.OnFailure)}}}
}

// GetFunctionEventInvokeConfig returns those settings.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionEventInvokeConfig.html
func (s *Settings) GetFunctionEventInvokeConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionEventInvokeConfigRequest) (*lambdaapi.FunctionEventInvokeConfig, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, p.Shard(s.store), func(_ context.Context, r store.Reader) (*lambdaapi.FunctionEventInvokeConfig, error) {
		if err := s.functions.Find(r, p); err != nil {
			return nil, err
		}
		a, err := keys.Get[Config](r, p.Space.Async(p.Name, p.Wanted()))
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
func (s *Settings) DeleteFunctionEventInvokeConfig(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteFunctionEventInvokeConfigRequest) (*lambdaapi.DeleteFunctionEventInvokeConfigOutput, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return store.Update(ctx, p.Shard(s.store), func(_ context.Context, tx store.Tx) (*lambdaapi.DeleteFunctionEventInvokeConfigOutput, error) {
		if err := s.functions.Find(tx, p); err != nil {
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
func (s *Settings) ListFunctionEventInvokeConfigs(ctx context.Context, id aws.Identity, in *lambdaapi.ListFunctionEventInvokeConfigsRequest) (*lambdaapi.ListFunctionEventInvokeConfigsResponse, error) {
	configs, next, err := keys.Listing[lambdaapi.FunctionEventInvokeConfig]{Store: s.store, ID: id, Function: in.FunctionName, Marker: in.Marker, MaxItems: in.MaxItems,
		Find: s.functions.FindFunction, Keys: func(p keys.Place) store.Tuple { return p.Asyncs(p.Name) }, Item: item}.Read(ctx)
	if err != nil {
		return nil, err
	}
	return &lambdaapi.ListFunctionEventInvokeConfigsResponse{FunctionEventInvokeConfigs: configs, NextMarker: next}, nil
}

// item describes what is set for q as lists have it.
func item(_ store.Reader, q keys.Place, v store.Value) (lambdaapi.FunctionEventInvokeConfig, error) {
	var c Config
	err := keys.Decode(v, &c)
	return *c.describe(q), err
}
