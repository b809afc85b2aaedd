package apigateway

import (
	"context"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

func (d *draft) validator(id string) (*apigatewayapi.RequestValidator, error) {
	return must[apigatewayapi.RequestValidator](d.r, d.key.validators().Text(id), notFound("Invalid Request Validator identifier specified"))
}

// CreateRequestValidator adds a validator to an API.
func (s *Service) CreateRequestValidator(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateRequestValidatorRequest) (*apigatewayapi.RequestValidator, error) {
	own, err := s.newID(shortID)
	if err != nil {
		return nil, err
	}
	body, parameters := truth(in.ValidateRequestBody), truth(in.ValidateRequestParameters)
	v := &apigatewayapi.RequestValidator{Id: &own, Name: in.Name, ValidateRequestBody: &body, ValidateRequestParameters: &parameters}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.RequestValidator, error) {
		return v, save(d.tx, d.key.validators().Text(own), v)
	})
}

// GetRequestValidator describes a validator.
func (s *Service) GetRequestValidator(ctx context.Context, id aws.Identity, in *apigatewayapi.GetRequestValidatorRequest) (*apigatewayapi.RequestValidator, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.RequestValidator, error) {
		return d.validator(in.RequestValidatorId)
	})
}

// GetRequestValidators lists the validators of an API.
func (s *Service) GetRequestValidators(ctx context.Context, id aws.Identity, in *apigatewayapi.GetRequestValidatorsRequest) (*apigatewayapi.RequestValidators, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.RequestValidators, error) {
		items, next, err := page[apigatewayapi.RequestValidator](d.r, d.key.validators(), in.Position, in.Limit)
		return &apigatewayapi.RequestValidators{Items: items, Position: next}, err
	})
}

// DeleteRequestValidator deletes a validator that no method names.
func (s *Service) DeleteRequestValidator(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteRequestValidatorRequest) (*apigatewayapi.DeleteRequestValidatorOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.DeleteRequestValidatorOutput, error) {
		if _, err := d.validator(in.RequestValidatorId); err != nil {
			return nil, err
		}
		if err := d.eachMethod(func(r *apigatewayapi.Resource, verb string, m *apigatewayapi.Method) error {
			if text(m.RequestValidatorId) == in.RequestValidatorId {
				return conflict("Cannot delete request validator '%s', is referenced in method: %s/%s", in.RequestValidatorId, *r.Id, verb)
			}
			return nil
		}); err != nil {
			return nil, err
		}
		return &apigatewayapi.DeleteRequestValidatorOutput{}, store.DeleteLarge(d.tx, store.Key(d.key.validators().Text(in.RequestValidatorId)))
	})
}

// UpdateRequestValidator changes a validator.
func (s *Service) UpdateRequestValidator(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateRequestValidatorRequest) (*apigatewayapi.RequestValidator, error) {
	type validator = apigatewayapi.RequestValidator
	rules := []rule[validator]{
		textRule("/name", "replace", func(v *validator) **string { return &v.Name }),
		boolRule("/validateRequestBody", func(v *validator) **bool { return &v.ValidateRequestBody }),
		boolRule("/validateRequestParameters", func(v *validator) **bool { return &v.ValidateRequestParameters }),
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*validator, error) {
		v, err := d.validator(in.RequestValidatorId)
		if err != nil {
			return nil, err
		}
		if err := patch(v, rules, in.PatchOperations); err != nil {
			return nil, err
		}
		return v, save(d.tx, d.key.validators().Text(in.RequestValidatorId), v)
	})
}
