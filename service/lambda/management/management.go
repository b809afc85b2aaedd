// Package management is when the runtimes of functions are to be renewed: settings that are kept and have no effect, since
// runtimes are the machine's.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html
package management

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// Managements implements the operations on runtime management.
type Managements struct {
	store store.Store
	find  func(store.Reader, keys.Place) error
}

// New returns the settings of a store; find says of a function or version that it is not there.
func New(st store.Store, find func(store.Reader, keys.Place) error) *Managements {
	return &Managements{st, find}
}

// management is the RuntimeManagementConfig, which is kept and has no effect: runtimes are the machine's.
type management struct {
	UpdateOn string `cbor:"1,keyasint"`
	Version  string `cbor:"2,keyasint,omitempty"` // ARN
}

// unmanaged finds what the settings of runtime management are for: $LATEST or a version.
func unmanaged(id aws.Identity, name string, qualifier *string) (keys.Place, error) {
	p, err := keys.Find(id, name, qualifier)
	if _, ok := keys.Number(p.Wanted()); err == nil && !ok {
		err = fault.Invalid("Runtime management configurations are of versions, not of aliases: %s", p.ARN())
	}
	return p, err
}

// PutRuntimeManagementConfig says when the runtime of a version is to be renewed.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutRuntimeManagementConfig.html
func (m *Managements) PutRuntimeManagementConfig(ctx context.Context, id aws.Identity, in *lambdaapi.PutRuntimeManagementConfigRequest) (*lambdaapi.PutRuntimeManagementConfigResponse, error) {
	p, err := unmanaged(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	version := ""
	if in.RuntimeVersionArn != nil {
		version = *in.RuntimeVersionArn
	}
	manual := in.UpdateRuntimeOn == lambdaapi.UpdateRuntimeOnManual
	if manual && in.RuntimeVersionArn == nil {
		return nil, fault.Invalid("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
	}
	if !manual && in.RuntimeVersionArn != nil {
		return nil, fault.Invalid("RuntimeVersionArn cannot be provided when UpdateRuntimeOn is %s.", in.UpdateRuntimeOn)
	}
	_, err = p.Shard(m.store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := m.find(tx, p); err != nil {
			return err
		}
		tx.Set(p.Management(p.Name, p.Wanted()), keys.Encode(management{UpdateOn: string(in.UpdateRuntimeOn), Version: version}))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &lambdaapi.PutRuntimeManagementConfigResponse{UpdateRuntimeOn: in.UpdateRuntimeOn, RuntimeVersionArn: in.RuntimeVersionArn,
		FunctionArn: p.Space.ARN(p.Name, p.Wanted())}, nil
}

// GetRuntimeManagementConfig returns that; runtimes change with the machine's where nothing was said.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetRuntimeManagementConfig.html
func (m *Managements) GetRuntimeManagementConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetRuntimeManagementConfigRequest) (*lambdaapi.GetRuntimeManagementConfigResponse, error) {
	p, err := unmanaged(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return store.View(ctx, p.Shard(m.store), func(_ context.Context, r store.Reader) (*lambdaapi.GetRuntimeManagementConfigResponse, error) {
		if err := m.find(r, p); err != nil {
			return nil, err
		}
		out := &lambdaapi.GetRuntimeManagementConfigResponse{UpdateRuntimeOn: lambdaapi.UpdateRuntimeOnAuto, FunctionArn: new(p.Space.ARN(p.Name, p.Wanted()))}
		kept, err := keys.Get[management](r, p.Management(p.Name, p.Wanted()))
		if kept != nil {
			out.UpdateRuntimeOn = lambdaapi.UpdateRuntimeOn(kept.UpdateOn)
			if kept.Version != "" {
				out.RuntimeVersionArn = &kept.Version
			}
		}
		return out, err
	})
}
