package lambda

import (
	"context"
	"errors"
	"fmt"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/service/lambda/fleet"
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
	return timer.Set(tx, timer.Promise{Kind: kindPrepare, ID: fn.ID, Dest: p.functionARN(),
		Args: encode(preparation{Account: p.account, Region: p.region, Name: p.name, ID: fn.ID, Epoch: fn.Latest.Epoch})})
}

// prepare keeps the promise.
func (s *Service) prepare(ctx context.Context, k *timer.Kept) error {
	var a preparation
	if err := decode(k.Args, &a); err != nil {
		return err
	}
	p := place{space: spaceOf(a.Account, a.Region), name: a.Name}
	fn, err := view(ctx, s, p.space, func(r store.Reader) (*function, error) { return get[function](r, p.space.function(p.name)) })
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
		return key.Function == fn.ID && key.Version == latest && key.Epoch != fn.Latest.Epoch
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
	id, err := blob.ParseID(c.Package.Blob)
	if err != nil {
		return fmt.Errorf("lambda: %w", err)
	}
	_, done, err := s.code.Get(ctx, id, c.Package.Size)
	if err == nil {
		done()
	}
	return err
}

// finish writes how the preparation went.
func finish(tx store.Tx, p place, a *preparation, problem error) error {
	fn, err := get[function](tx, p.space.function(p.name))
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
	tx.Set(p.space.function(p.name), encode(fn))
	tx.Signal(p.space.function(p.name))
	return nil
}

// erasure is the promise to delete a package.
type erasure struct {
	Blob string `cbor:"1,keyasint"`
}

func setErase(tx store.Tx, blob string) error {
	return timer.Set(tx, timer.Promise{Kind: kindErase, ID: blob, Args: encode(erasure{Blob: blob})})
}

// erase keeps it: first the bytes, then the note of whose they were.
func (s *Service) erase(ctx context.Context, k *timer.Kept) error {
	var a erasure
	if err := decode(k.Args, &a); err != nil {
		return err
	}
	id, err := blob.ParseID(a.Blob)
	if err != nil {
		return err
	}
	s.code.Forget(id)
	if err := s.Blobs.Delete(ctx, id); err != nil {
		return err
	}
	_, err = s.Store.Shard(store.Global()).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Delete(ownerKey(a.Blob))
		return nil
	})
	return err
}
