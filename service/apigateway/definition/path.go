package definition

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/jsondoc"
)

// paths reads the methods of all paths.
func (r *reader) paths() error {
	for path, item := range members(r.root, "paths") {
		if !strings.HasPrefix(path, "/") {
			return fmt.Errorf("the path %s does not begin with a slash", path)
		}
		p := Path{Path: path}
		for verb, op := range item.All() {
			o, ok := op.(*jsondoc.Object)
			if !ok {
				continue
			}
			name := strings.ToUpper(verb)
			switch verb {
			case "x-amazon-apigateway-any-method":
				name = "ANY"
			case "get", "put", "post", "delete", "options", "head", "patch":
			default:
				continue
			}
			m, err := r.method(name, item, o)
			if err != nil {
				return fmt.Errorf("%s %s: %w", name, path, err)
			}
			p.Methods = append(p.Methods, m)
		}
		r.out.Paths = append(r.out.Paths, p)
	}
	return nil
}

func (r *reader) method(verb string, item, op *jsondoc.Object) (Method, error) {
	m := Method{Method: apigatewayapi.Method{HttpMethod: &verb, OperationName: orNil(str(op, "operationId")), MethodResponses: map[string]apigatewayapi.MethodResponse{}}}
	if m.Validator = str(op, "x-amazon-apigateway-request-validator"); m.Validator == "" {
		m.Validator = str(r.root, "x-amazon-apigateway-request-validator")
	}
	r.security(&m, op)
	for _, holder := range []*jsondoc.Object{item, op} { // those of the operation go over those of the path
		for _, v := range list(holder, "parameters") {
			if o, ok := v.(*jsondoc.Object); ok {
				r.parameter(&m, op, r.resolve(o))
			}
		}
	}
	for contentType, media := range members(r.resolve(orEmpty(obj(op, "requestBody"))), "content") {
		r.requestModel(&m, contentType, obj(media, "schema"))
	}
	for status, v := range members(op, "responses") {
		r.response(&m, op, status, r.resolve(v))
	}
	if i := obj(op, "x-amazon-apigateway-integration"); i != nil {
		var err error
		if m.MethodIntegration, err = r.integration(i); err != nil {
			return m, err
		}
	}
	return m, nil
}

func orEmpty(o *jsondoc.Object) *jsondoc.Object {
	if o == nil {
		return jsondoc.NewObject()
	}
	return o
}

// security reads who may call a method.
func (r *reader) security(m *Method, op *jsondoc.Object) {
	kind := "NONE"
	key := false
	required := get(op, "security")
	if required == nil {
		required = get(r.root, "security")
	}
	schemes := r.schemes()
	if a, ok := required.(*jsondoc.Array); ok {
		for _, v := range a.Items {
			o, ok := v.(*jsondoc.Object)
			if !ok {
				continue
			}
			for name := range o.All() {
				scheme := obj(schemes, name)
				switch t := str(scheme, "x-amazon-apigateway-authtype"); {
				case strings.EqualFold(t, "awsSigv4"):
					kind = "AWS_IAM"
				case strings.EqualFold(t, "cognito_user_pools"):
					kind = "COGNITO_USER_POOLS"
				case obj(scheme, "x-amazon-apigateway-authorizer") != nil:
					kind, m.Authorizer = "CUSTOM", name
				case str(scheme, "type") == "apiKey" && strings.EqualFold(str(scheme, "name"), "x-api-key"):
					key = true
				}
			}
		}
	}
	if t := str(obj(op, "x-amazon-apigateway-auth"), "type"); t != "" {
		kind = strings.ToUpper(t)
	}
	m.AuthorizationType, m.ApiKeyRequired = &kind, &key
}

// schemes are the security schemes of the file.
func (r *reader) schemes() *jsondoc.Object {
	if r.three {
		return obj(obj(r.root, "components"), "securitySchemes")
	}
	return obj(r.root, "securityDefinitions")
}

// authorizers reads the Lambda authorizers among the security schemes.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authorizer.html
func (r *reader) authorizers() {
	all := r.schemes()
	if all == nil {
		return
	}
	for name, v := range all.All() {
		scheme, _ := v.(*jsondoc.Object)
		x := obj(scheme, "x-amazon-apigateway-authorizer")
		if x == nil || strings.EqualFold(str(scheme, "x-amazon-apigateway-authtype"), "cognito_user_pools") {
			continue
		}
		authType := str(scheme, "x-amazon-apigateway-authtype")
		a := apigatewayapi.Authorizer{Name: &name, Type: apigatewayapi.AuthorizerType(strings.ToUpper(str(x, "type"))), AuthType: &authType,
			AuthorizerUri: orNil(str(x, "authorizerUri")), AuthorizerCredentials: orNil(str(x, "authorizerCredentials")),
			IdentitySource: orNil(str(x, "identitySource")), IdentityValidationExpression: orNil(str(x, "identityValidationExpression")),
			AuthorizerResultTtlInSeconds: number(x, "authorizerResultTtlInSeconds")}
		if a.Type == apigatewayapi.AuthorizerTypeToken && a.IdentitySource == nil { // the scheme says where the token is
			source := "method.request.header." + str(scheme, "name")
			a.IdentitySource = &source
		}
		r.out.Authorizers = append(r.out.Authorizers, a)
	}
}

func (r *reader) parameter(m *Method, op, p *jsondoc.Object) {
	place := map[string]string{"path": "path", "query": "querystring", "header": "header"}[str(p, "in")]
	switch {
	case str(p, "in") == "body":
		consumes := strs(op, "consumes")
		if consumes == nil {
			consumes = strs(r.root, "consumes")
		}
		if len(consumes) == 0 {
			consumes = []string{"application/json"}
		}
		for _, t := range consumes {
			r.requestModel(m, t, obj(p, "schema"))
		}
	case place == "":
		r.warn("parameter %s in %s is not supported", str(p, "name"), str(p, "in"))
	default:
		if m.RequestParameters == nil {
			m.RequestParameters = map[string]bool{}
		}
		m.RequestParameters["method.request."+place+"."+str(p, "name")] = boolean(p, "required")
	}
}

func (r *reader) requestModel(m *Method, contentType string, schema *jsondoc.Object) {
	if schema == nil {
		return
	}
	if m.RequestModels == nil {
		m.RequestModels = map[string]string{}
	}
	m.RequestModels[contentType] = r.modelOf(schema)
}

// modelOf is the name of the model for a schema; one without a name gets one.
func (r *reader) modelOf(schema *jsondoc.Object) string {
	if name, ok := strings.CutPrefix(r.reference(str(schema, "$ref")), ModelPrefix); ok && schema.Len() == 1 {
		return name
	}
	h := sha256.Sum256(jsondoc.Append(nil, schema))
	name := "MODEL" + hex.EncodeToString(h[:3])
	r.addModel(name, schema)
	return name
}

func (r *reader) response(m *Method, op *jsondoc.Object, status string, v *jsondoc.Object) {
	if !regexp.MustCompile(`^[1-5]\d\d$`).MatchString(status) {
		r.warn("response %s of %s is not supported", status, *m.HttpMethod)
		return
	}
	out := apigatewayapi.MethodResponse{StatusCode: &status}
	for name := range members(v, "headers") {
		if out.ResponseParameters == nil {
			out.ResponseParameters = map[string]bool{}
		}
		out.ResponseParameters["method.response.header."+name] = false
	}
	add := func(contentType string, schema *jsondoc.Object) {
		if schema == nil {
			return
		}
		if out.ResponseModels == nil {
			out.ResponseModels = map[string]string{}
		}
		out.ResponseModels[contentType] = r.modelOf(schema)
	}
	produces := strs(op, "produces")
	if len(produces) == 0 {
		produces = []string{"application/json"}
	}
	for _, t := range produces {
		add(t, obj(v, "schema"))
	}
	for t, media := range members(v, "content") {
		add(t, obj(media, "schema"))
	}
	m.MethodResponses[status] = out
}

// integration reads x-amazon-apigateway-integration.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html
func (r *reader) integration(o *jsondoc.Object) (*apigatewayapi.Integration, error) {
	i := &apigatewayapi.Integration{Type: apigatewayapi.IntegrationType(strings.ToUpper(str(o, "type"))), HttpMethod: orNil(strings.ToUpper(str(o, "httpMethod"))),
		Uri: orNil(str(o, "uri")), Credentials: orNil(str(o, "credentials")), RequestParameters: texts(o, "requestParameters"),
		RequestTemplates: texts(o, "requestTemplates"), PassthroughBehavior: orNil(strings.ToUpper(str(o, "passthroughBehavior"))),
		ContentHandling: apigatewayapi.ContentHandlingStrategy(strings.ToUpper(str(o, "contentHandling"))), TimeoutInMillis: number(o, "timeoutInMillis"),
		CacheNamespace: orNil(str(o, "cacheNamespace")), CacheKeyParameters: strs(o, "cacheKeyParameters"),
		ConnectionType: apigatewayapi.ConnectionType(strings.ToUpper(str(o, "connectionType"))), ConnectionId: orNil(str(o, "connectionId"))}
	switch i.Type {
	case apigatewayapi.IntegrationTypeAws, apigatewayapi.IntegrationTypeAwsProxy, apigatewayapi.IntegrationTypeHttp,
		apigatewayapi.IntegrationTypeHttpProxy, apigatewayapi.IntegrationTypeMock:
	default:
		return nil, fmt.Errorf("the integration's type %q is not supported", str(o, "type"))
	}
	if t := obj(o, "tlsConfig"); t != nil {
		skip := boolean(t, "insecureSkipVerification")
		i.TlsConfig = &apigatewayapi.TlsConfig{InsecureSkipVerification: &skip}
	}
	for pattern, v := range members(o, "responses") {
		status := scalar(v, "statusCode")
		out := apigatewayapi.IntegrationResponse{StatusCode: &status, ResponseParameters: texts(v, "responseParameters"),
			ResponseTemplates: texts(v, "responseTemplates"), ContentHandling: apigatewayapi.ContentHandlingStrategy(strings.ToUpper(str(v, "contentHandling")))}
		if pattern != "default" {
			out.SelectionPattern = &pattern
		}
		if i.IntegrationResponses == nil {
			i.IntegrationResponses = map[string]apigatewayapi.IntegrationResponse{}
		}
		i.IntegrationResponses[status] = out
	}
	return i, nil
}
