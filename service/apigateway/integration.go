package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/execute"
)

// PutIntegration gives a method its integration, in the place of any that it has.
func (s *Service) PutIntegration(ctx context.Context, id aws.Identity, in *apigatewayapi.PutIntegrationRequest) (*apigatewayapi.Integration, error) {
	i := &apigatewayapi.Integration{Type: in.Type, HttpMethod: in.IntegrationHttpMethod, Uri: in.Uri, ConnectionType: in.ConnectionType,
		ConnectionId: in.ConnectionId, Credentials: in.Credentials, RequestParameters: in.RequestParameters,
		RequestTemplates: in.RequestTemplates, PassthroughBehavior: in.PassthroughBehavior, ContentHandling: in.ContentHandling,
		TimeoutInMillis: in.TimeoutInMillis, CacheNamespace: in.CacheNamespace, CacheKeyParameters: in.CacheKeyParameters,
		TlsConfig: in.TlsConfig, ResponseTransferMode: in.ResponseTransferMode, IntegrationTarget: in.IntegrationTarget}
	return changeMethod(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod, func(d *draft, m *apigatewayapi.Method) (*apigatewayapi.Integration, error) {
		d.completeIntegration(i, in.ResourceId)
		m.MethodIntegration = i
		return i, d.checkIntegration(i)
	})
}

// completeIntegration fills in the defaults.
func (d *draft) completeIntegration(i *apigatewayapi.Integration, resource string) {
	if i.PassthroughBehavior == nil {
		whenNoMatch := "WHEN_NO_MATCH"
		i.PassthroughBehavior = &whenNoMatch
	}
	if i.TimeoutInMillis == nil {
		full := int32(maxTimeout)
		i.TimeoutInMillis = &full
	}
	if i.CacheNamespace == nil {
		i.CacheNamespace = &resource
	}
	if i.CacheKeyParameters == nil {
		i.CacheKeyParameters = []string{}
	}
	if i.ConnectionType == "" && i.Type != apigatewayapi.IntegrationTypeMock {
		i.ConnectionType = apigatewayapi.ConnectionTypeInternet
	}
}

// checkIntegration checks what the model does not say of an integration.
func (d *draft) checkIntegration(i *apigatewayapi.Integration) error {
	if i.ConnectionType == apigatewayapi.ConnectionTypeVpcLink {
		return bad("Brume has no VPC links yet: the connection type is INTERNET")
	}
	if i.ResponseTransferMode == apigatewayapi.ResponseTransferModeStream {
		return bad("Brume does not stream the responses of integrations yet: the response transfer mode is BUFFERED")
	}
	if !slices.Contains([]string{"WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"}, text(i.PassthroughBehavior)) {
		return bad("Invalid passthrough behavior specified. Valid options are [WHEN_NO_MATCH, WHEN_NO_TEMPLATES, NEVER]")
	}
	most := int32(maxTimeout)
	if slices.ContainsFunc(d.api.EndpointConfiguration.Types, func(t apigatewayapi.EndpointType) bool { return t != apigatewayapi.EndpointTypeEdge }) {
		most = raisedTimeout
	}
	if n := *i.TimeoutInMillis; n < minTimeout || n > most {
		return bad("Timeout should be between %d ms and %d ms", minTimeout, maxTimeout)
	}
	if err := checkCredentials(text(i.Credentials)); err != nil {
		return err
	}
	if err := checkTemplates(i.RequestTemplates); err != nil {
		return err
	}
	for to, from := range i.RequestParameters {
		if err := execute.CheckRequestMapping(to, from); err != nil {
			return bad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [%v]", err)
		}
	}
	return checkEndpoint(i)
}

// checkEndpoint checks where an integration goes.
func checkEndpoint(i *apigatewayapi.Integration) error {
	if i.Type == apigatewayapi.IntegrationTypeMock {
		return nil
	}
	verb := text(i.HttpMethod)
	if verb == "" {
		return bad("Enumeration value for HttpMethod must be non-empty")
	}
	if !slices.Contains(verbs(), verb) {
		return bad("Invalid HttpMethod specified. Valid options are %s", strings.Join(verbs(), ", "))
	}
	uri := text(i.Uri)
	switch i.Type {
	case apigatewayapi.IntegrationTypeHttp, apigatewayapi.IntegrationTypeHttpProxy:
		if !regexp.MustCompile(`^(https?://[^/\s]+|\$\{stageVariables\.)`).MatchString(uri) {
			return bad("Invalid HTTP endpoint specified for URI")
		}
		return nil
	}
	u, err := execute.ParseURI(uri)
	if err != nil {
		return bad("%v", err)
	}
	if i.Type == apigatewayapi.IntegrationTypeAwsProxy && !u.Function() {
		return bad("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.")
	}
	return nil
}

func checkCredentials(arn string) error {
	if arn == "" || arn == execute.CallerCredentials {
		return nil
	}
	if a, err := aws.ParseARN(arn); err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return bad("Invalid ARN specified in the request")
	}
	return nil
}

func checkTemplates(templates map[string]string) error {
	for t, v := range templates {
		if len(v) > maxTemplateSize {
			return bad("Mapping template for content type %s is too large: at most %d bytes", t, maxTemplateSize)
		}
	}
	return nil
}

// GetIntegration describes the integration of a method.
func (s *Service) GetIntegration(ctx context.Context, id aws.Identity, in *apigatewayapi.GetIntegrationRequest) (*apigatewayapi.Integration, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.Integration, error) {
		m, err := d.method(in.ResourceId, in.HttpMethod)
		if err != nil {
			return nil, err
		}
		if m.MethodIntegration == nil {
			return nil, noIntegration()
		}
		return m.MethodIntegration, nil
	})
}

// changeIntegration is changeMethod for a method that has an integration.
func changeIntegration[T any](ctx context.Context, s *Service, id aws.Identity, api, resource, verb string,
	f func(*draft, *apigatewayapi.Method, *apigatewayapi.Integration) (T, error)) (T, error) {
	return changeMethod(ctx, s, id, api, resource, verb, func(d *draft, m *apigatewayapi.Method) (T, error) {
		if m.MethodIntegration == nil {
			var zero T
			return zero, noIntegration()
		}
		return f(d, m, m.MethodIntegration)
	})
}

// DeleteIntegration deletes the integration of a method.
func (s *Service) DeleteIntegration(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteIntegrationRequest) (*apigatewayapi.DeleteIntegrationOutput, error) {
	return changeIntegration(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod,
		func(_ *draft, m *apigatewayapi.Method, _ *apigatewayapi.Integration) (*apigatewayapi.DeleteIntegrationOutput, error) {
			m.MethodIntegration = nil
			return &apigatewayapi.DeleteIntegrationOutput{}, nil
		})
}

func integrationRules() []rule[apigatewayapi.Integration] {
	type integration = apigatewayapi.Integration
	return []rule[integration]{
		textRule("/httpMethod", "replace", func(v *integration) **string { return &v.HttpMethod }),
		textRule("/uri", "replace", func(v *integration) **string { return &v.Uri }),
		textRule("/credentials", "replace remove", func(v *integration) **string { return &v.Credentials }),
		textRule("/passthroughBehavior", "replace", func(v *integration) **string { return &v.PassthroughBehavior }),
		textRule("/cacheNamespace", "replace", func(v *integration) **string { return &v.CacheNamespace }),
		listRule("/cacheKeyParameters/*", func(v *integration) *[]string { return &v.CacheKeyParameters }),
		textRule("/connectionId", "replace", func(v *integration) **string { return &v.ConnectionId }),
		enumRule("/connectionType", "replace", func(v *integration) *apigatewayapi.ConnectionType { return &v.ConnectionType }),
		enumRule("/type", "replace", func(v *integration) *apigatewayapi.IntegrationType { return &v.Type }),
		enumRule("/contentHandling", "replace remove", func(v *integration) *apigatewayapi.ContentHandlingStrategy { return &v.ContentHandling }),
		enumRule("/responseTransferMode", "replace", func(v *integration) *apigatewayapi.ResponseTransferMode { return &v.ResponseTransferMode }),
		mapRule("/requestParameters/*", func(v *integration) *map[string]string { return &v.RequestParameters }),
		mapRule("/requestTemplates/*", func(v *integration) *map[string]string { return &v.RequestTemplates }),
		{path: "/timeoutInMillis", ops: "replace", set: func(v *integration, _ []string, value string) error {
			n, err := readInt("/timeoutInMillis", value)
			v.TimeoutInMillis = &n
			return err
		}},
		{path: "/tlsConfig/insecureSkipVerification", ops: "replace", set: func(v *integration, _ []string, value string) error {
			b, err := readBool("/tlsConfig/insecureSkipVerification", value)
			v.TlsConfig = &apigatewayapi.TlsConfig{InsecureSkipVerification: &b}
			return err
		}},
	}
}

// UpdateIntegration changes the integration of a method.
func (s *Service) UpdateIntegration(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateIntegrationRequest) (*apigatewayapi.Integration, error) {
	return changeIntegration(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod,
		func(d *draft, _ *apigatewayapi.Method, i *apigatewayapi.Integration) (*apigatewayapi.Integration, error) {
			if err := patch(i, integrationRules(), in.PatchOperations); err != nil {
				return nil, err
			}
			return i, d.checkIntegration(i)
		})
}

// PutIntegrationResponse adds a response to an integration, or replaces the one for its status.
func (s *Service) PutIntegrationResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.PutIntegrationResponseRequest) (*apigatewayapi.IntegrationResponse, error) {
	r := apigatewayapi.IntegrationResponse{StatusCode: &in.StatusCode, SelectionPattern: in.SelectionPattern,
		ResponseParameters: in.ResponseParameters, ResponseTemplates: in.ResponseTemplates, ContentHandling: in.ContentHandling}
	return changeIntegration(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod,
		func(_ *draft, m *apigatewayapi.Method, i *apigatewayapi.Integration) (*apigatewayapi.IntegrationResponse, error) {
			return &r, setIntegrationResponse(m, i, r)
		})
}

// setIntegrationResponse checks a response and gives it to the integration. What it sets, the method must declare.
func setIntegrationResponse(m *apigatewayapi.Method, i *apigatewayapi.Integration, r apigatewayapi.IntegrationResponse) error {
	if err := checkStatus(text(r.StatusCode)); err != nil {
		return err
	}
	declared, ok := m.MethodResponses[*r.StatusCode]
	if !ok {
		return noResponse()
	}
	for to, from := range r.ResponseParameters {
		if _, ok := declared.ResponseParameters[to]; !ok {
			return bad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: %s]", to)
		}
		if err := execute.CheckResponseMapping(to, from); err != nil {
			return bad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [%v]", err)
		}
	}
	if p := text(r.SelectionPattern); p != "" {
		if _, err := execute.CompilePattern(p); err != nil {
			return bad("Invalid selection pattern specified: %s", p)
		}
	}
	if err := checkTemplates(r.ResponseTemplates); err != nil {
		return err
	}
	if i.IntegrationResponses == nil {
		i.IntegrationResponses = map[string]apigatewayapi.IntegrationResponse{}
	}
	i.IntegrationResponses[*r.StatusCode] = r
	return nil
}

// GetIntegrationResponse describes a response of an integration.
func (s *Service) GetIntegrationResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.GetIntegrationResponseRequest) (*apigatewayapi.IntegrationResponse, error) {
	return view(ctx, s, id, in.RestApiId, func(d *draft) (*apigatewayapi.IntegrationResponse, error) {
		m, err := d.method(in.ResourceId, in.HttpMethod)
		if err != nil {
			return nil, err
		}
		if m.MethodIntegration == nil {
			return nil, noIntegration()
		}
		r, ok := m.MethodIntegration.IntegrationResponses[in.StatusCode]
		if !ok {
			return nil, noResponse()
		}
		return &r, nil
	})
}

// DeleteIntegrationResponse deletes a response of an integration.
func (s *Service) DeleteIntegrationResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.DeleteIntegrationResponseRequest) (*apigatewayapi.DeleteIntegrationResponseOutput, error) {
	return changeIntegration(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod,
		func(_ *draft, _ *apigatewayapi.Method, i *apigatewayapi.Integration) (*apigatewayapi.DeleteIntegrationResponseOutput, error) {
			if _, ok := i.IntegrationResponses[in.StatusCode]; !ok {
				return nil, noResponse()
			}
			delete(i.IntegrationResponses, in.StatusCode)
			return &apigatewayapi.DeleteIntegrationResponseOutput{}, nil
		})
}

// UpdateIntegrationResponse changes a response of an integration.
func (s *Service) UpdateIntegrationResponse(ctx context.Context, id aws.Identity, in *apigatewayapi.UpdateIntegrationResponseRequest) (*apigatewayapi.IntegrationResponse, error) {
	type response = apigatewayapi.IntegrationResponse
	rules := []rule[response]{
		mapRule("/responseParameters/*", func(v *response) *map[string]string { return &v.ResponseParameters }),
		mapRule("/responseTemplates/*", func(v *response) *map[string]string { return &v.ResponseTemplates }),
		textRule("/selectionPattern", "add replace remove", func(v *response) **string { return &v.SelectionPattern }),
		textRule("/statusCode", "replace", func(v *response) **string { return &v.StatusCode }),
		enumRule("/contentHandling", "replace remove", func(v *response) *apigatewayapi.ContentHandlingStrategy { return &v.ContentHandling }),
	}
	return changeIntegration(ctx, s, id, in.RestApiId, in.ResourceId, in.HttpMethod,
		func(_ *draft, m *apigatewayapi.Method, i *apigatewayapi.Integration) (*response, error) {
			r, ok := i.IntegrationResponses[in.StatusCode]
			if !ok {
				return nil, noResponse()
			}
			if err := patch(&r, rules, in.PatchOperations); err != nil {
				return nil, err
			}
			delete(i.IntegrationResponses, in.StatusCode)
			return &r, setIntegrationResponse(m, i, r)
		})
}
