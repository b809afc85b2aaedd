package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// verbs are the methods that a resource may have.
func verbs() []string {
	return []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "ANY"}
}

func (d *draft) methodKey(resource, verb string) store.Tuple {
	return d.key.methods(resource).Text(strings.ToUpper(verb))
}

// method reads a method; the resource must exist.
func (d *draft) method(resource, verb string) (*apigatewayapi.Method, error) {
	if _, err := d.resource(resource); err != nil {
		return nil, err
	}
	return must[apigatewayapi.Method](d.r, d.methodKey(resource, verb), noMethod())
}

func (d *draft) saveMethod(resource, verb string, m *apigatewayapi.Method) error {
	return save(d.tx, d.methodKey(resource, verb), m)
}

// changeMethod reads a method, lets f change it, and writes it.
func changeMethod[T any](ctx context.Context, s *Service, id aws.Identity, api, resource, verb string,
	f func(*draft, *apigatewayapi.Method) (T, error)) (T, error) {
	return update(ctx, s, id, api, func(d *draft) (T, error) {
		m, err := d.method(resource, verb)
		if err != nil {
			var zero T
			return zero, err
		}
		out, err := f(d, m)
		if err == nil {
			err = d.saveMethod(resource, verb, m)
		}
		return out, err
	})
}

// PutMethod adds a method to a resource.
func (s *Service) PutMethod(ctx context.Context, id aws.Identity, in *apigatewayapi.PutMethodRequest) (*apigatewayapi.Method, error) {
	verb := strings.ToUpper(in.HttpMethod)
	m := &apigatewayapi.Method{HttpMethod: &verb, AuthorizationType: &in.AuthorizationType, AuthorizerId: in.AuthorizerId,
		ApiKeyRequired: in.ApiKeyRequired, OperationName: in.OperationName, RequestParameters: in.RequestParameters,
		RequestModels: in.RequestModels, RequestValidatorId: in.RequestValidatorId, AuthorizationScopes: in.AuthorizationScopes}
	if m.ApiKeyRequired == nil {
		m.ApiKeyRequired = new(bool)
	}
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Method, error) {
		if _, err := d.resource(in.ResourceId); err != nil {
			return nil, err
		}
		if old, err := load[apigatewayapi.Method](d.r, d.methodKey(in.ResourceId, verb)); err != nil || old != nil {
			if err != nil {
				return nil, err
			}
			return nil, conflict("Method already exists for this resource")
		}
		if err := d.checkMethod(m); err != nil {
			return nil, err
		}
		return m, d.saveMethod(in.ResourceId, verb, m)
	})
}

// checkMethod checks what the model does not say of a method.
func (d *draft) checkMethod(m *apigatewayapi.Method) error {
	if !slices.Contains(verbs(), *m.HttpMethod) {
		return bad("Invalid HttpMethod specified. Valid options are %s", strings.Join(verbs(), ", "))
	}
	switch text(m.AuthorizationType) {
	case "NONE", "AWS_IAM":
		if m.AuthorizerId != nil && *m.AuthorizerId != "" {
			return bad("Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")
		}
	case "CUSTOM":
		if _, err := must[apigatewayapi.Authorizer](d.r, d.key.authorizers().Text(text(m.AuthorizerId)), bad("Invalid authorizer ID specified. "+
			"Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")); err != nil {
			return err
		}
	case "COGNITO_USER_POOLS":
		return bad("Brume has no user pools yet: the authorization type is NONE, AWS_IAM or CUSTOM, not %s", *m.AuthorizationType)
	default:
		return bad("Invalid authorization type specified. Valid options are [NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS]")
	}
	if len(m.AuthorizationScopes) > 0 {
		return bad("Authorization scopes can only be set for methods with authorization type COGNITO_USER_POOLS")
	}
	for name := range m.RequestParameters {
		if !regexp.MustCompile(`^method\.request\.(path|querystring|multivaluequerystring|header|multivalueheader)\.[^\s]+$`).MatchString(name) {
			return bad("Invalid parameter mapping specified: %s", name)
		}
	}
	if v := text(m.RequestValidatorId); v != "" {
		if _, err := must[apigatewayapi.RequestValidator](d.r, d.key.validators().Text(v), bad("Invalid Request Validator identifier specified")); err != nil {
			return err
		}
	}
	return d.checkModels(m.RequestModels)
}

// checkModels checks that models that a method names exist.
func (d *draft) checkModels(models map[string]string) error {
	for _, name := range models {
		if _, err := must[apigatewayapi.Model](d.r, d.key.models().Text(name), bad("Invalid model identifier specified: %s", name)); err != nil {
			return err
		}
	}
	return nil
}

// GetMethod describes a method.
func (s *Service) GetMethod(ctx context.Context, id aws.Identity, in *apigatewayapi.GetMethodRequest) (*apigatewayapi.Method, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Method, error) { return d.method(in.ResourceId, in.HttpMethod) })
}

// DeleteMethod deletes a method.
func (s *Service) DeleteMethod(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteMethodRequest) (*apigatewayapi.DeleteMethodOutput, error) {
	return update(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.DeleteMethodOutput, error) {
		if _, err := d.method(in.ResourceId, in.HttpMethod); err != nil {
			return nil, err
		}
		return &apigatewayapi.DeleteMethodOutput{}, store.DeleteLarge(d.tx, store.Key(d.methodKey(in.ResourceId, in.HttpMethod)))
	})
}

func methodRules() []rule[apigatewayapi.Method] {
	type method = apigatewayapi.Method
	return []rule[method]{
		textRule("/authorizationType", "replace", func(v *method) **string { return &v.AuthorizationType }),
		textRule("/authorizerId", "replace remove", func(v *method) **string { return &v.AuthorizerId }),
		listRule("/authorizationScopes/*", func(v *method) *[]string { return &v.AuthorizationScopes }),
		listRule("/authorizationScopes", func(v *method) *[]string { return &v.AuthorizationScopes }),
		boolRule("/apiKeyRequired", func(v *method) **bool { return &v.ApiKeyRequired }),
		textRule("/operationName", "replace remove", func(v *method) **string { return &v.OperationName }),
		textRule("/requestValidatorId", "replace remove", func(v *method) **string { return &v.RequestValidatorId }),
		boolMapRule("/requestParameters/*", func(v *method) *map[string]bool { return &v.RequestParameters }),
		mapRule("/requestModels/*", func(v *method) *map[string]string { return &v.RequestModels }),
	}
}

// UpdateMethod changes a method.
func (s *Service) UpdateMethod(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateMethodRequest) (*apigatewayapi.Method, error) {
	return changeMethod(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod, func(d *draft, m *apigatewayapi.Method) (*apigatewayapi.Method, error) {
		if err := patch(m, methodRules(), in.PatchOperations); err != nil {
			return nil, err
		}
		return m, d.checkMethod(m)
	})
}

// checkStatus refuses what is no HTTP status.
func checkStatus(status string) error {
	if !regexp.MustCompile(`^[1-5]\d\d$`).MatchString(status) {
		return bad("Invalid status code specified: %s", status)
	}
	return nil
}

// PutMethodResponse adds a response to a method.
func (s *Service) PutMethodResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.PutMethodResponseRequest) (*apigatewayapi.MethodResponse, error) {
	r := apigatewayapi.MethodResponse{StatusCode: &in.StatusCode, ResponseParameters: in.ResponseParameters, ResponseModels: in.ResponseModels}
	return changeMethod(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod, func(d *draft, m *apigatewayapi.Method) (*apigatewayapi.MethodResponse, error) {
		if _, there := m.MethodResponses[in.StatusCode]; there {
			return nil, conflict("Response already exists for this resource")
		}
		return &r, d.setResponse(m, r)
	})
}

// setResponse checks a response and gives it to the method.
func (d *draft) setResponse(m *apigatewayapi.Method, r apigatewayapi.MethodResponse) error {
	if err := checkStatus(*r.StatusCode); err != nil {
		return err
	}
	for name := range r.ResponseParameters {
		if header, ok := strings.CutPrefix(name, "method.response.header."); !ok || header == "" {
			return bad("Invalid parameter mapping specified: %s", name)
		}
	}
	if err := d.checkModels(r.ResponseModels); err != nil {
		return err
	}
	if m.MethodResponses == nil {
		m.MethodResponses = map[string]apigatewayapi.MethodResponse{}
	}
	m.MethodResponses[*r.StatusCode] = r
	return nil
}

// GetMethodResponse describes a response of a method.
func (s *Service) GetMethodResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.GetMethodResponseRequest) (*apigatewayapi.MethodResponse, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.MethodResponse, error) {
		m, err := d.method(in.ResourceId, in.HttpMethod)
		if err != nil {
			return nil, err
		}
		r, ok := m.MethodResponses[in.StatusCode]
		if !ok {
			return nil, noResponse()
		}
		return &r, nil
	})
}

// DeleteMethodResponse deletes a response of a method.
func (s *Service) DeleteMethodResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteMethodResponseRequest) (*apigatewayapi.DeleteMethodResponseOutput, error) {
	return changeMethod(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *draft, m *apigatewayapi.Method) (*apigatewayapi.DeleteMethodResponseOutput, error) {
		if _, ok := m.MethodResponses[in.StatusCode]; !ok {
			return nil, noResponse()
		}
		delete(m.MethodResponses, in.StatusCode)
		return &apigatewayapi.DeleteMethodResponseOutput{}, nil
	})
}

// UpdateMethodResponse changes a response of a method.
func (s *Service) UpdateMethodResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateMethodResponseRequest) (*apigatewayapi.MethodResponse, error) {
	type response = apigatewayapi.MethodResponse
	rules := []rule[response]{
		boolMapRule("/responseParameters/*", func(v *response) *map[string]bool { return &v.ResponseParameters }),
		mapRule("/responseModels/*", func(v *response) *map[string]string { return &v.ResponseModels }),
		textRule("/statusCode", "replace", func(v *response) **string { return &v.StatusCode }),
	}
	return changeMethod(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod, func(d *draft, m *apigatewayapi.Method) (*response, error) {
		r, ok := m.MethodResponses[in.StatusCode]
		if !ok {
			return nil, noResponse()
		}
		if err := patch(&r, rules, in.PatchOperations); err != nil {
			return nil, err
		}
		if r.StatusCode == nil {
			return nil, bad("Invalid status code specified: ")
		}
		delete(m.MethodResponses, in.StatusCode)
		return &r, d.setResponse(m, r)
	})
}
