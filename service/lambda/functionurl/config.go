package functionurl

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// timeFormat is how the times of URLs are written.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// CreateFunctionUrlConfig gives a function or an alias a URL.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunctionUrlConfig.html
func (u *URLs) CreateFunctionUrlConfig(ctx context.Context, id aws.Identity, in *lambdaapi.CreateFunctionUrlConfigRequest) (*lambdaapi.CreateFunctionUrlConfigResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := checkCors(in.Cors); err != nil {
		return nil, err
	}
	r := record{ID: newLabel(u.NewID()), Auth: string(in.AuthType), Mode: string(in.InvokeMode), Cors: sharingOf(in.Cors)}
	if r.Mode == "" {
		r.Mode = string(lambdaapi.InvokeModeBuffered)
	}
	// Found out before the host name is known; the transaction looks again.
	absent := func(r store.Reader) error { return u.absent(r, p) }
	if err := p.Shard(u.Store).View(ctx, func(_ context.Context, r store.Reader) error { return absent(r) }); err != nil {
		return nil, err
	}
	// The host name leads nowhere until the settings are there.
	global := u.Store.Shard(store.Global())
	if _, err := global.Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.Set(keys.Address(r.ID), keys.Encode(address{Account: p.Account, Region: p.Region, Name: p.Name, Qualifier: p.Qualifier}))
		return nil
	}); err != nil {
		return nil, err
	}
	made, err := store.Update(ctx, p.Shard(u.Store), func(_ context.Context, tx store.Tx) (record, error) {
		r := r
		r.Created, r.Modified = tx.Now(), tx.Now()
		if err := absent(tx); err != nil {
			return r, err
		}
		tx.Set(p.URL(p.Name, p.Wanted()), keys.Encode(r))
		return r, nil
	})
	if err != nil {
		_, undone := global.Update(ctx, func(_ context.Context, tx store.Tx) error { tx.Delete(keys.Address(r.ID)); return nil })
		return nil, errors.Join(err, undone)
	}
	c := u.describe(p, &made)
	return &lambdaapi.CreateFunctionUrlConfigResponse{FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, AuthType: c.AuthType, Cors: c.Cors,
		CreationTime: c.CreationTime, InvokeMode: c.InvokeMode}, nil
}

// absent refuses a second URL.
func (u *URLs) absent(r store.Reader, p keys.Place) error {
	if err := u.functions.Find(r, p); err != nil {
		return err
	}
	_, there, err := r.Get(p.URL(p.Name, p.Wanted()))
	if err == nil && there {
		err = fault.Conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", p.ARN())
	}
	return err
}

// newLabel makes the first label of a host name, 32 characters as Lambda's have, from something random.
func newLabel(random string) string {
	sum := sha256.Sum256([]byte(random))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20]))
}

func recordAt(r store.Reader, p keys.Place) (*record, error) {
	found, err := keys.Get[record](r, p.URL(p.Name, p.Wanted()))
	if err == nil && found == nil {
		err = fault.NotFound("The resource you requested does not exist.")
	}
	return found, err
}

func (u *URLs) describe(p keys.Place, r *record) *lambdaapi.GetFunctionUrlConfigResponse {
	return &lambdaapi.GetFunctionUrlConfigResponse{FunctionUrl: u.URL(r.ID, p.Region), FunctionArn: p.ARN(), AuthType: lambdaapi.FunctionUrlAuthType(r.Auth),
		InvokeMode: lambdaapi.InvokeMode(r.Mode), Cors: r.Cors.describe(), CreationTime: text(r.Created), LastModifiedTime: text(r.Modified)}
}

func text(t time.Time) string { return t.UTC().Format(timeFormat) }

// GetFunctionUrlConfig returns the settings of a URL.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionUrlConfig.html
func (u *URLs) GetFunctionUrlConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionUrlConfigRequest) (*lambdaapi.GetFunctionUrlConfigResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	r, err := store.View(ctx, p.Shard(u.Store), func(_ context.Context, r store.Reader) (*record, error) {
		if err := u.functions.Find(r, p); err != nil {
			return nil, err
		}
		return recordAt(r, p)
	})
	if err != nil {
		return nil, err
	}
	return u.describe(p, r), nil
}

// UpdateFunctionUrlConfig changes those settings that it names.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionUrlConfig.html
func (u *URLs) UpdateFunctionUrlConfig(ctx context.Context, id aws.Identity, in *lambdaapi.UpdateFunctionUrlConfigRequest) (*lambdaapi.UpdateFunctionUrlConfigResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := checkCors(in.Cors); err != nil {
		return nil, err
	}
	r, err := store.Update(ctx, p.Shard(u.Store), func(_ context.Context, tx store.Tx) (*record, error) {
		if err := u.functions.Find(tx, p); err != nil {
			return nil, err
		}
		r, err := recordAt(tx, p)
		if err != nil {
			return nil, err
		}
		if in.AuthType != "" {
			r.Auth = string(in.AuthType)
		}
		if in.InvokeMode != "" {
			r.Mode = string(in.InvokeMode)
		}
		if in.Cors != nil {
			r.Cors = sharingOf(in.Cors)
		}
		r.Modified = tx.Now()
		tx.Set(p.URL(p.Name, p.Wanted()), keys.Encode(r))
		return r, nil
	})
	if err != nil {
		return nil, err
	}
	return (*lambdaapi.UpdateFunctionUrlConfigResponse)(u.describe(p, r)), nil
}

// DeleteFunctionUrlConfig takes the URL away, for ever.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionUrlConfig.html
func (u *URLs) DeleteFunctionUrlConfig(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteFunctionUrlConfigRequest) (*lambdaapi.DeleteFunctionUrlConfigOutput, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	_, err = p.Shard(u.Store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if err := u.functions.Find(tx, p); err != nil {
			return err
		}
		return u.remove(tx, p)
	})
	return new(lambdaapi.DeleteFunctionUrlConfigOutput), err
}

// ListFunctionUrlConfigs lists the URLs of a function and of its aliases.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionUrlConfigs.html
func (u *URLs) ListFunctionUrlConfigs(ctx context.Context, id aws.Identity, in *lambdaapi.ListFunctionUrlConfigsRequest) (*lambdaapi.ListFunctionUrlConfigsResponse, error) {
	configs, next, err := keys.Listing[lambdaapi.FunctionUrlConfig]{Store: u.Store, ID: id, Function: in.FunctionName, Marker: in.Marker, MaxItems: in.MaxItems,
		Find: u.functions.Find, Keys: func(p keys.Place) store.Tuple { return p.URLs(p.Name) }, Item: u.item}.Read(ctx)
	if err != nil {
		return nil, err
	}
	return &lambdaapi.ListFunctionUrlConfigsResponse{FunctionUrlConfigs: configs, NextMarker: next}, nil
}

// item describes the URL of q as lists have it.
func (u *URLs) item(_ store.Reader, q keys.Place, v store.Value) (lambdaapi.FunctionUrlConfig, error) {
	var r record
	err := keys.Decode(v, &r)
	if q.Qualifier == keys.Latest {
		q.Qualifier = ""
	}
	c := u.describe(q, &r)
	return lambdaapi.FunctionUrlConfig{FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, CreationTime: c.CreationTime,
		LastModifiedTime: c.LastModifiedTime, Cors: c.Cors, AuthType: c.AuthType, InvokeMode: c.InvokeMode}, err
}
