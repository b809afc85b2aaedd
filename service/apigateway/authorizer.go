package apigateway

import (
	"context"
	"slices"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/execute"
	"github.com/brume-dev/brume/service/apigateway/guard"
	"github.com/brume-dev/brume/store"
)

func (d *draft) authorizer(id string) (*apigatewayapi.Authorizer, error) {
	return must[apigatewayapi.Authorizer](d.r, d.key.authorizers().Text(id), notFound("Invalid Authorizer identifier specified"))
}

// checkAuthorizer checks what the model does not say of an authorizer.
func checkAuthorizer(a *apigatewayapi.Authorizer) error {
	if a.Type == apigatewayapi.AuthorizerTypeCognitoUserPools {
		return bad("Brume has no user pools yet: the type of an authorizer is TOKEN or REQUEST, not %s", a.Type)
	}
	if len(a.ProviderARNs) > 0 {
		return bad("Provider ARNs can only be specified for authorizers of type COGNITO_USER_POOLS")
	}
	if n := a.AuthorizerResultTtlInSeconds; n != nil && (*n < 0 || *n > guard.MaxLife) {
		return bad("Authorizer result TTL must be between 0 and %d", guard.MaxLife)
	}
	u, err := execute.ParseURI(text(a.AuthorizerUri))
	if err != nil || !u.Function() {
		return bad("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", text(a.AuthorizerUri))
	}
	if a.Type == apigatewayapi.AuthorizerTypeRequest && text(a.IdentitySource) == "" && (a.AuthorizerResultTtlInSeconds == nil || *a.AuthorizerResultTtlInSeconds > 0) {
		return bad("Identity source cannot be empty when authorizer result TTL is greater than 0")
	}
	if _, err := guard.Compile(a); err != nil {
		return bad("%v", err)
	}
	return nil
}

// CreateAuthorizer adds an authorizer to an API.
func (s *Service) CreateAuthorizer(ctx context.Context, id aws.Identity, in *apigatewayapi.CreateAuthorizerRequest) (*apigatewayapi.Authorizer, error) {
	own, err := s.newID(shortID)
	if err != nil {
		return nil, err
	}
	a := &apigatewayapi.Authorizer{Id: &own, Name: &in.Name, Type: in.Type, ProviderARNs: in.ProviderARNs, AuthType: in.AuthType, AuthorizerUri: in.AuthorizerUri,
		AuthorizerCredentials: in.AuthorizerCredentials, IdentitySource: in.IdentitySource, IdentityValidationExpression: in.IdentityValidationExpression,
		AuthorizerResultTtlInSeconds: in.AuthorizerResultTtlInSeconds}
	if a.AuthType == nil {
		custom := "custom"
		a.AuthType = &custom
	}
	if err := checkAuthorizer(a); err != nil {
		return nil, err
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Authorizer, error) { return a, d.addAuthorizer(a) })
}

func (d *draft) addAuthorizer(a *apigatewayapi.Authorizer) error {
	n := 0
	if err := each(d.r, d.key.authorizers(), d.key.authorizers().Range(), func(_ string, other *apigatewayapi.Authorizer) (bool, error) {
		n++
		if text(other.Name) == text(a.Name) {
			return false, conflict("Authorizer name must be unique. Authorizer %s already exists in this RestApi.", *a.Name)
		}
		return true, nil
	}); err != nil {
		return err
	}
	if n >= maxAuthorizers {
		return exceeded("Maximum number of Authorizers for this API has been reached. Please contact AWS if you need additional Authorizers.")
	}
	return save(d.tx, d.key.authorizers().Text(*a.Id), a)
}

// GetAuthorizer describes an authorizer.
func (s *Service) GetAuthorizer(ctx context.Context, id aws.Identity, in *apigatewayapi.GetAuthorizerRequest) (*apigatewayapi.Authorizer, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Authorizer, error) { return d.authorizer(in.AuthorizerId) })
}

// GetAuthorizers lists the authorizers of an API.
func (s *Service) GetAuthorizers(ctx context.Context, id aws.Identity, in *apigatewayapi.GetAuthorizersRequest) (*apigatewayapi.Authorizers, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Authorizers, error) {
		items, next, err := page[apigatewayapi.Authorizer](d.r, d.key.authorizers(), in.Position, in.Limit)
		return &apigatewayapi.Authorizers{Items: items, Position: next}, err
	})
}

// DeleteAuthorizer deletes an authorizer that no method names.
func (s *Service) DeleteAuthorizer(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteAuthorizerRequest) (*apigatewayapi.DeleteAuthorizerOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.DeleteAuthorizerOutput, error) {
		if _, err := d.authorizer(in.AuthorizerId); err != nil {
			return nil, err
		}
		if err := d.eachMethod(func(r *apigatewayapi.Resource, verb string, m *apigatewayapi.Method) error {
			if text(m.AuthorizerId) == in.AuthorizerId {
				return conflict("Cannot delete authorizer '%s', is referenced in method: %s/%s", in.AuthorizerId, *r.Id, verb)
			}
			return nil
		}); err != nil {
			return nil, err
		}
		return &apigatewayapi.DeleteAuthorizerOutput{}, store.DeleteLarge(d.tx, store.Key(d.key.authorizers().Text(in.AuthorizerId)))
	})
}

// UpdateAuthorizer changes an authorizer.
func (s *Service) UpdateAuthorizer(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateAuthorizerRequest) (*apigatewayapi.Authorizer, error) {
	type authorizer = apigatewayapi.Authorizer
	rules := []rule[authorizer]{
		textRule("/name", "replace", func(v *authorizer) **string { return &v.Name }),
		enumRule("/type", "replace", func(v *authorizer) *apigatewayapi.AuthorizerType { return &v.Type }),
		textRule("/authType", "replace", func(v *authorizer) **string { return &v.AuthType }),
		textRule("/authorizerUri", "replace", func(v *authorizer) **string { return &v.AuthorizerUri }),
		textRule("/authorizerCredentials", "replace remove", func(v *authorizer) **string { return &v.AuthorizerCredentials }),
		textRule("/identitySource", "replace remove", func(v *authorizer) **string { return &v.IdentitySource }),
		textRule("/identityValidationExpression", "replace remove", func(v *authorizer) **string { return &v.IdentityValidationExpression }),
		{path: "/authorizerResultTtlInSeconds", ops: "replace", set: func(v *authorizer, _ []string, value string) error {
			n, err := readInt("/authorizerResultTtlInSeconds", value)
			v.AuthorizerResultTtlInSeconds = &n
			return err
		}},
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*authorizer, error) {
		a, err := d.authorizer(in.AuthorizerId)
		if err != nil {
			return nil, err
		}
		if err := patch(a, rules, in.PatchOperations); err != nil {
			return nil, err
		}
		if err := checkAuthorizer(a); err != nil {
			return nil, err
		}
		return a, save(d.tx, d.key.authorizers().Text(in.AuthorizerId), a)
	})
}

// FlushStageAuthorizersCache has every authorizer of a stage asked anew.
func (s *Service) FlushStageAuthorizersCache(ctx context.Context, id aws.Identity, in *apigatewayapi.FlushStageAuthorizersCacheRequest) (*apigatewayapi.FlushStageAuthorizersCacheOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.FlushStageAuthorizersCacheOutput, error) {
		if _, err := must[apigatewayapi.Stage](d.r, d.key.stages().Text(in.StageName), noStage()); err != nil {
			return nil, err
		}
		d.serving() // what a stage remembers goes with its revision
		return &apigatewayapi.FlushStageAuthorizersCacheOutput{}, nil
	})
}

// takeAuthorizers writes the authorizers of a definition and returns the ids of all by their names.
func (d *draft) takeAuthorizers(list []apigatewayapi.Authorizer, next func() string) (map[string]string, error) {
	byName := map[string]string{}
	if err := each(d.r, d.key.authorizers(), d.key.authorizers().Range(), func(id string, a *apigatewayapi.Authorizer) (bool, error) {
		byName[text(a.Name)] = id
		return true, nil
	}); err != nil {
		return nil, err
	}
	for _, a := range slices.Clone(list) {
		own, known := byName[text(a.Name)]
		if !known {
			own = next()
		}
		a.Id = &own
		byName[*a.Name] = own
		if err := checkAuthorizer(&a); err != nil {
			return nil, err
		}
		if err := save(d.tx, d.key.authorizers().Text(own), &a); err != nil {
			return nil, err
		}
	}
	return byName, nil
}
