package lambda

import (
	"context"
	"errors"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// preparation is the promise to make a new or changed function ready: its code is unpacked and its runtime looked for, and
// then its state says that it is active.
type preparation struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Name    string `cbor:"3,keyasint"`
	ID      string `cbor:"4,keyasint"`
	Epoch   string `cbor:"5,keyasint"`
}

// setPrepare promises, in the transaction that creates or changes a function, to make it ready.
func setPrepare(tx store.Tx, p place, fn *function) error {
	return timer.Set(tx, timer.Promise{Kind: kindPrepare, ID: fn.ID, Dest: p.FunctionARN(),
		Args: keys.Encode(preparation{Account: p.Account, Region: p.Region, Name: p.Name, ID: fn.ID, Epoch: fn.Latest.Epoch})})
}

// prepare keeps the promise.
func (s *Service) prepare(ctx context.Context, k *timer.Kept) error {
	var a preparation
	if err := keys.Decode(k.Args, &a); err != nil {
		return err
	}
	p := place{Space: keys.Of(a.Account, a.Region), Name: a.Name}
	fn, err := view(ctx, s, p.Space, func(r store.Reader) (*function, error) { return keys.Get[function](r, p.Space.Function(p.Name)) })
	if err != nil {
		return err
	}
	if fn == nil || fn.ID != a.ID {
		return nil // deleted meanwhile
	}
	problem := s.ready(ctx, &fn.Latest)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.fleet.Retire(func(key fleet.Key) bool {
		return key.Function == fn.ID && key.Version == keys.Latest && key.Epoch != fn.Latest.Epoch
	})
	_, err = k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := k.Done(tx); err != nil {
			return err
		}
		return finish(tx, p, &a, problem)
	})
	if errors.Is(err, timer.ErrGone) {
		return nil // a newer change has its own promise
	}
	return err
}

// ready unpacks the code and asks for the runtime.
func (s *Service) ready(ctx context.Context, c *config) error {
	if _, err := s.Runner.Runtime(ctx, c.Runtime); err != nil {
		return err
	}
	_, _, done, err := s.folders(ctx, c)
	if err == nil {
		done()
	}
	return err
}

// finish writes how the preparation went.
func finish(tx store.Tx, p place, a *preparation, problem error) error {
	fn, err := keys.Get[function](tx, p.Space.Function(p.Name))
	if err != nil || fn == nil || fn.ID != a.ID || fn.Latest.Epoch != a.Epoch {
		return err
	}
	c := &fn.Latest
	fresh := c.State == string(lambdaapi.StatePending)
	c.State, c.StateReason, c.StateCode = string(lambdaapi.StateActive), "", ""
	c.Update, c.UpdateReason, c.UpdateCode = string(lambdaapi.LastUpdateStatusSuccessful), "", ""
	if problem != nil {
		reason := "InternalError"
		if errors.Is(problem, code.ErrNotZip) || errors.Is(problem, code.ErrEmpty) || errors.Is(problem, code.ErrTooBig) {
			reason = "InvalidZipFileException"
		}
		c.Update, c.UpdateReason, c.UpdateCode = string(lambdaapi.LastUpdateStatusFailed), problem.Error(), reason
		if fresh {
			c.State, c.StateReason, c.StateCode = string(lambdaapi.StateFailed), problem.Error(), reason
		}
	}
	tx.Set(p.Space.Function(p.Name), keys.Encode(fn))
	tx.Signal(p.Space.Function(p.Name))
	return nil
}
