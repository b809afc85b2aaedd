package lambda

import (
	"context"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// What clients read after a create, answered truly.

// GetFunctionCodeSigningConfig says that a function has none: code signing is not there.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionCodeSigningConfig.html
func (s *Service) GetFunctionCodeSigningConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetFunctionCodeSigningConfigRequest) (*lambdaapi.GetFunctionCodeSigningConfigResponse, error) {
	_, p, err := s.function(ctx, id, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return &lambdaapi.GetFunctionCodeSigningConfigResponse{FunctionName: p.Name}, nil
}

// GetRuntimeManagementConfig says that runtimes change with the machine's.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetRuntimeManagementConfig.html
func (s *Service) GetRuntimeManagementConfig(ctx context.Context, id aws.Identity, in *lambdaapi.GetRuntimeManagementConfigRequest) (*lambdaapi.GetRuntimeManagementConfigResponse, error) {
	p, err := keys.Find(id, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if _, err := view(ctx, s, p.Space, func(r store.Reader) (*chosen, error) { return resolve(r, p, 1) }); err != nil {
		return nil, err
	}
	arn := p.Space.ARN(p.Name, p.Wanted())
	return &lambdaapi.GetRuntimeManagementConfigResponse{UpdateRuntimeOn: lambdaapi.UpdateRuntimeOnAuto, FunctionArn: &arn}, nil
}
