package signing

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// PutFunctionCodeSigningConfig gives a function a configuration. The package that it has already is not looked at.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionCodeSigningConfig.html
func (s *Configs) PutFunctionCodeSigningConfig(ctx context.Context, id aws.Identity, in *lambdaapi.PutFunctionCodeSigningConfigRequest) (*lambdaapi.PutFunctionCodeSigningConfigResponse, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	_, err = p.Shard(s.Store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		before, err := s.functions.Signing(tx, p)
		if err != nil {
			return err
		}
		if err := s.Attach(tx, p, before, in.CodeSigningConfigArn); err != nil {
			return err
		}
		return s.functions.SetSigning(tx, p, in.CodeSigningConfigArn)
	})
	if err != nil {
		return nil, err
	}
	return &lambdaapi.PutFunctionCodeSigningConfigResponse{CodeSigningConfigArn: in.CodeSigningConfigArn, FunctionName: p.Name}, nil
}

// Attach notes in tx that a function has another configuration than before, which must be there; "" is none.
func (s *Configs) Attach(tx store.Tx, p keys.Place, before, arn string) error {
	owner := aws.Identity{Account: p.Account, Region: p.Region}
	if before != "" {
		if k, name, err := find(owner, before); err == nil {
			tx.Delete(k.Signed(name).Text(p.Name))
		}
	}
	if arn == "" {
		return nil
	}
	k, name, err := find(owner, arn)
	if err == nil {
		_, err = at(tx, k, name)
	}
	if err != nil {
		return err
	}
	tx.Set(k.Signed(name).Text(p.Name), store.Value{1})
	return nil
}

// Verify refuses a package for a function of k that has the configuration: it is not signed.
func (s *Configs) Verify(ctx context.Context, k keys.Space, arn string) error {
	if arn == "" {
		return nil
	}
	k, name, err := find(aws.Identity{Account: k.Account, Region: k.Region}, arn)
	if err != nil {
		return err
	}
	c, err := store.View(ctx, k.Shard(s.Store), func(_ context.Context, r store.Reader) (*record, error) { return at(r, k, name) })
	if err == nil && c.Policy == string(lambdaapi.CodeSigningPolicyEnforce) {
		err = &lambdaapi.CodeVerificationFailedException{Type: fault.User(), Message: "Lambda cannot deploy the function. " +
			"The function or layer might be signed using a signature that the client is not configured to accept. " +
			"Check the provided signature for unsigned."}
	}
	return err
}

// GetFunctionCodeSigningConfig returns a function's configuration.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionCodeSigningConfig.html
func (s *Configs) GetFunctionCodeSigningConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionCodeSigningConfigRequest) (*lambdaapi.GetFunctionCodeSigningConfigResponse, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	arn, err := store.View(ctx, p.Shard(s.Store), func(_ context.Context, r store.Reader) (string, error) { return s.functions.Signing(r, p) })
	if err != nil {
		return nil, err
	}
	return &lambdaapi.GetFunctionCodeSigningConfigResponse{CodeSigningConfigArn: arn, FunctionName: p.Name}, nil
}

// DeleteFunctionCodeSigningConfig takes the configuration away from a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunctionCodeSigningConfig.html
func (s *Configs) DeleteFunctionCodeSigningConfig(ctx context.Context, id aws.Identity, in *lambdaapi.DeleteFunctionCodeSigningConfigRequest) (*lambdaapi.DeleteFunctionCodeSigningConfigOutput, error) {
	p, err := keys.FindFunction(id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	_, err = p.Shard(s.Store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		before, err := s.functions.Signing(tx, p)
		if err != nil || before == "" {
			return err
		}
		if err := s.Attach(tx, p, before, ""); err != nil {
			return err
		}
		return s.functions.SetSigning(tx, p, "")
	})
	return new(lambdaapi.DeleteFunctionCodeSigningConfigOutput), err
}

// ListFunctionsByCodeSigningConfig lists the functions that have a configuration.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctionsByCodeSigningConfig.html
func (s *Configs) ListFunctionsByCodeSigningConfig(ctx context.Context, id aws.Identity, in *lambdaapi.ListFunctionsByCodeSigningConfigRequest) (*lambdaapi.ListFunctionsByCodeSigningConfigResponse, error) {
	k, name, err := find(id, in.CodeSigningConfigArn)
	if err != nil {
		return nil, notThere(err)
	}
	return store.View(ctx, k.Shard(s.Store), func(_ context.Context, r store.Reader) (*lambdaapi.ListFunctionsByCodeSigningConfigResponse, error) {
		if _, err := at(r, k, name); err != nil {
			return nil, notThere(err)
		}
		out := &lambdaapi.ListFunctionsByCodeSigningConfigResponse{FunctionArns: []string{}}
		var err error
		t := k.Signed(name)
		out.NextMarker, err = keys.Page(r, t, in.Marker, in.MaxItems, func(key *store.Elements, _ store.Value) error {
			out.FunctionArns = append(out.FunctionArns, k.ARN(key.Text(), ""))
			return nil
		})
		return out, err
	})
}

// OperationAccess says what the operations on configurations need; ok is false for others. Those on a function need the
// same permission on the function, and Put also on the configuration.
func OperationAccess(in any, op string) (access []aws.Access, ok bool) {
	arn := ""
	switch in := in.(type) {
	case *lambdaapi.CreateCodeSigningConfigRequest, *lambdaapi.ListCodeSigningConfigsRequest:
		arn = "*"
	case *lambdaapi.UpdateCodeSigningConfigRequest:
		arn = in.CodeSigningConfigArn
	case *lambdaapi.GetCodeSigningConfigRequest:
		arn = in.CodeSigningConfigArn
	case *lambdaapi.DeleteCodeSigningConfigRequest:
		arn = in.CodeSigningConfigArn
	case *lambdaapi.ListFunctionsByCodeSigningConfigRequest:
		arn = in.CodeSigningConfigArn
	default:
		return nil, false
	}
	return []aws.Access{{Action: "lambda:" + op, Resource: arn}}, true
}
