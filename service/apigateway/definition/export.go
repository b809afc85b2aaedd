package definition

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// Deployed is an API as a stage serves it, to be written as a definition.
type Deployed struct {
	Name, Version, Description, Host, Stage string
	Models                                  []apigatewayapi.Model
	Resources                               []apigatewayapi.Resource
	Validators                              []apigatewayapi.RequestValidator
	Authorizers                             []apigatewayapi.Authorizer
	Responses                               []apigatewayapi.GatewayResponse
}

// Form is how a definition is written.
type Form struct {
	Three                    bool // OpenAPI 3.0.1, else Swagger 2.0
	Integrations, Authorizer bool // with the extensions for integrations, or for authorizers
}

// ReadForm reads the type of an export, "oas30" or "swagger", and the extensions that it is to have.
func ReadForm(kind, extensions string) (f Form, err error) {
	if kind != "oas30" && kind != "swagger" {
		return f, fmt.Errorf("Invalid export type specified: %s", kind) //nolint:staticcheck // a text for the client
	}
	f.Three = kind == "oas30"
	for _, one := range strings.Split(extensions, ",") { // any combination
		switch strings.TrimSpace(one) {
		case "", "none":
		case "integrations", "apigateway":
			f.Integrations = true
		case "authorizers":
			f.Authorizer = true
		default:
			return f, fmt.Errorf("Invalid extensions specified: %s", extensions) //nolint:staticcheck // a text for the client
		}
	}
	return f, nil
}

// writer is a definition in the making.
type writer struct {
	Deployed
	Form
}

// Write writes an API as a definition.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-export-api.html
func Write(d Deployed, f Form) *jsondoc.Object {
	w := writer{d, f}
	out := jsondoc.NewObject()
	info := pairs("title", d.Name)
	if d.Description != "" {
		info.Set("description", d.Description)
	}
	info.Set("version", d.Version)
	if f.Three {
		out.Set("openapi", "3.0.1")
		out.Set("info", info)
		out.Set("servers", &jsondoc.Array{Items: []any{pairs("url", "https://"+d.Host+"/{basePath}", "variables", pairs("basePath", pairs("default", d.Stage)))}})
	} else {
		out.Set("swagger", "2.0")
		out.Set("info", info)
		out.Set("host", d.Host)
		out.Set("basePath", "/"+d.Stage)
		out.Set("schemes", &jsondoc.Array{Items: []any{"https"}})
	}
	out.Set("paths", w.paths())
	w.components(out)
	if f.Integrations {
		w.extensions(out)
	}
	return out
}

// pairs makes an object of names and values in turn.
func pairs(all ...any) *jsondoc.Object {
	o := jsondoc.NewObject()
	for i := 0; i < len(all); i += 2 {
		o.Set(all[i].(string), all[i+1])
	}
	return o
}

func (w *writer) paths() *jsondoc.Object {
	out := jsondoc.NewObject()
	slices.SortFunc(w.Resources, func(a, b apigatewayapi.Resource) int { return strings.Compare(aws.Or(a.Path, ""), aws.Or(b.Path, "")) })
	for _, r := range w.Resources {
		if len(r.ResourceMethods) == 0 {
			continue
		}
		item := jsondoc.NewObject()
		for _, verb := range slices.Sorted(maps.Keys(r.ResourceMethods)) {
			name := strings.ToLower(verb)
			if verb == "ANY" {
				name = "x-amazon-apigateway-any-method"
			}
			m := r.ResourceMethods[verb]
			item.Set(name, w.operation(&m))
		}
		out.Set(aws.Or(r.Path, ""), item)
	}
	return out
}

func (w *writer) operation(m *apigatewayapi.Method) *jsondoc.Object {
	out := jsondoc.NewObject()
	if m.OperationName != nil {
		out.Set("operationId", *m.OperationName)
	}
	types := slices.Sorted(maps.Keys(m.RequestModels))
	produced := map[string]bool{}
	for _, r := range m.MethodResponses {
		for t := range r.ResponseModels {
			produced[t] = true
		}
	}
	if !w.Three && len(types) > 0 {
		out.Set("consumes", listed(types))
	}
	if !w.Three && len(produced) > 0 {
		out.Set("produces", listed(slices.Sorted(maps.Keys(produced))))
	}
	if ps := w.parameters(m, types); len(ps.Items) > 0 {
		out.Set("parameters", ps)
	}
	if w.Three && len(types) > 0 {
		out.Set("requestBody", pairs("content", w.content(m.RequestModels), "required", true))
	}
	responses := jsondoc.NewObject()
	for _, status := range slices.Sorted(maps.Keys(m.MethodResponses)) {
		responses.Set(status, w.response(m.MethodResponses[status]))
	}
	out.Set("responses", responses)
	if s := w.security(m); len(s.Items) > 0 {
		out.Set("security", s)
	}
	for _, v := range w.Validators {
		if w.Integrations && aws.Or(v.Id, "") == aws.Or(m.RequestValidatorId, "") && m.RequestValidatorId != nil {
			out.Set("x-amazon-apigateway-request-validator", aws.Or(v.Name, ""))
		}
	}
	if w.Integrations && m.MethodIntegration != nil {
		out.Set("x-amazon-apigateway-integration", integrationDoc(m.MethodIntegration))
	}
	return out
}

func listed(texts []string) *jsondoc.Array {
	a := &jsondoc.Array{}
	for _, t := range texts {
		a.Items = append(a.Items, t)
	}
	return a
}

// model refers to a model.
func (w *writer) model(name string) *jsondoc.Object {
	if w.Three {
		return pairs("$ref", "#/components/schemas/"+name)
	}
	return pairs("$ref", "#/definitions/"+name)
}

// content is models by their content types, as OpenAPI 3 has them.
func (w *writer) content(models map[string]string) *jsondoc.Object {
	out := jsondoc.NewObject()
	for _, t := range slices.Sorted(maps.Keys(models)) {
		out.Set(t, pairs("schema", w.model(models[t])))
	}
	return out
}

func (w *writer) parameters(m *apigatewayapi.Method, types []string) *jsondoc.Array {
	out := &jsondoc.Array{}
	for _, name := range slices.Sorted(maps.Keys(m.RequestParameters)) {
		kind, own, _ := strings.Cut(strings.TrimPrefix(name, "method.request."), ".")
		in := map[string]string{"path": "path", "querystring": "query", "header": "header"}[kind]
		if in == "" {
			continue
		}
		p := pairs("name", own, "in", in, "required", m.RequestParameters[name] || in == "path")
		if w.Three {
			p.Set("schema", pairs("type", "string"))
		} else {
			p.Set("type", "string")
		}
		out.Items = append(out.Items, p)
	}
	if !w.Three && len(types) > 0 {
		name := m.RequestModels[types[0]]
		out.Items = append(out.Items, pairs("in", "body", "name", name, "required", true, "schema", w.model(name)))
	}
	return out
}

func (w *writer) response(r apigatewayapi.MethodResponse) *jsondoc.Object {
	out := pairs("description", aws.Or(r.StatusCode, "")+" response")
	headers := jsondoc.NewObject()
	for _, name := range slices.Sorted(maps.Keys(r.ResponseParameters)) {
		h := pairs("type", "string")
		if w.Three {
			h = pairs("schema", h)
		}
		headers.Set(strings.TrimPrefix(name, "method.response.header."), h)
	}
	if headers.Len() > 0 {
		out.Set("headers", headers)
	}
	switch types := slices.Sorted(maps.Keys(r.ResponseModels)); {
	case w.Three:
		out.Set("content", w.content(r.ResponseModels))
	case len(types) > 0:
		out.Set("schema", w.model(r.ResponseModels[types[0]]))
	}
	return out
}

func (w *writer) security(m *apigatewayapi.Method) *jsondoc.Array {
	out := &jsondoc.Array{}
	need := func(name string) { out.Items = append(out.Items, pairs(name, &jsondoc.Array{})) }
	switch aws.Or(m.AuthorizationType, "") {
	case "AWS_IAM":
		need("sigv4")
	case "CUSTOM":
		for _, a := range w.Authorizers {
			if aws.Or(a.Id, "") == aws.Or(m.AuthorizerId, "") {
				need(aws.Or(a.Name, ""))
			}
		}
	}
	if m.ApiKeyRequired != nil && *m.ApiKeyRequired {
		need("api_key")
	}
	return out
}

// integrationDoc is x-amazon-apigateway-integration.
func integrationDoc(i *apigatewayapi.Integration) *jsondoc.Object {
	out := jsondoc.NewObject()
	text := func(name, value string) {
		if value != "" {
			out.Set(name, value)
		}
	}
	text("type", strings.ToLower(string(i.Type)))
	text("httpMethod", aws.Or(i.HttpMethod, ""))
	text("uri", aws.Or(i.Uri, ""))
	text("credentials", aws.Or(i.Credentials, ""))
	if len(i.IntegrationResponses) > 0 {
		responses := jsondoc.NewObject()
		for _, status := range slices.Sorted(maps.Keys(i.IntegrationResponses)) {
			r := i.IntegrationResponses[status]
			one := pairs("statusCode", status)
			if r.ContentHandling != "" {
				one.Set("contentHandling", string(r.ContentHandling))
			}
			setTexts(one, "responseParameters", r.ResponseParameters)
			setTexts(one, "responseTemplates", r.ResponseTemplates)
			pattern := aws.Or(r.SelectionPattern, "")
			if pattern == "" {
				pattern = "default"
			}
			responses.Set(pattern, one)
		}
		out.Set("responses", responses)
	}
	setTexts(out, "requestParameters", i.RequestParameters)
	setTexts(out, "requestTemplates", i.RequestTemplates)
	text("passthroughBehavior", strings.ToLower(aws.Or(i.PassthroughBehavior, "")))
	text("contentHandling", string(i.ContentHandling))
	if i.TimeoutInMillis != nil {
		out.Set("timeoutInMillis", whole(*i.TimeoutInMillis))
	}
	return out
}

func setTexts(o *jsondoc.Object, name string, texts map[string]string) {
	if len(texts) == 0 {
		return
	}
	out := jsondoc.NewObject()
	for _, k := range slices.Sorted(maps.Keys(texts)) {
		out.Set(k, texts[k])
	}
	o.Set(name, out)
}

// components writes models and security schemes.
func (w *writer) components(out *jsondoc.Object) {
	schemas, schemes := jsondoc.NewObject(), jsondoc.NewObject()
	slices.SortFunc(w.Models, func(a, b apigatewayapi.Model) int { return strings.Compare(aws.Or(a.Name, ""), aws.Or(b.Name, "")) })
	for _, m := range w.Models {
		if v, err := jsondoc.Parse([]byte(aws.Or(m.Schema, ""))); err == nil {
			schemas.Set(aws.Or(m.Name, ""), w.local(v))
		}
	}
	for _, name := range w.schemes() {
		schemes.Set(name, w.scheme(name))
	}
	names := [2]string{"definitions", "securityDefinitions"}
	into := out
	if w.Three {
		names, into = [2]string{"schemas", "securitySchemes"}, jsondoc.NewObject()
	}
	for i, part := range []*jsondoc.Object{schemas, schemes} {
		if part.Len() > 0 {
			into.Set(names[i], part)
		}
	}
	if w.Three && into.Len() > 0 {
		out.Set("components", into)
	}
}

// local makes references to models of the API those within the file.
func (w *writer) local(v any) any {
	switch v := v.(type) {
	case *jsondoc.Array:
		out := &jsondoc.Array{}
		for _, item := range v.Items {
			out.Items = append(out.Items, w.local(item))
		}
		return out
	case *jsondoc.Object:
		out := jsondoc.NewObject()
		for k, m := range v.All() {
			if ref, ok := m.(string); ok && k == "$ref" && strings.Contains(ref, "/models/") {
				to, _ := w.model(ref[strings.LastIndexByte(ref, '/')+1:]).Get("$ref")
				out.Set(k, to)
				continue
			}
			out.Set(k, w.local(m))
		}
		return out
	}
	return v
}

// schemes are the names of the security schemes that methods need.
func (w *writer) schemes() []string {
	found := map[string]bool{}
	for _, r := range w.Resources {
		for _, m := range r.ResourceMethods {
			for _, item := range w.security(&m).Items {
				found[item.(*jsondoc.Object).Keys()[0]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (w *writer) scheme(name string) *jsondoc.Object {
	switch name {
	case "sigv4":
		return pairs("type", "apiKey", "name", "Authorization", "in", "header", "x-amazon-apigateway-authtype", "awsSigv4")
	case "api_key":
		return pairs("type", "apiKey", "name", "x-api-key", "in", "header")
	}
	for _, a := range w.Authorizers {
		if aws.Or(a.Name, "") == name {
			return w.authorizer(&a)
		}
	}
	return jsondoc.NewObject()
}

func (w *writer) authorizer(a *apigatewayapi.Authorizer) *jsondoc.Object {
	header := "Unused"
	if a.Type == apigatewayapi.AuthorizerTypeToken {
		header = strings.TrimPrefix(aws.Or(a.IdentitySource, ""), "method.request.header.")
	}
	out := pairs("type", "apiKey", "name", header, "in", "header", "x-amazon-apigateway-authtype", aws.Or(a.AuthType, ""))
	if !w.Authorizer && !w.Integrations {
		return out
	}
	x := pairs("type", strings.ToLower(string(a.Type)), "authorizerUri", aws.Or(a.AuthorizerUri, ""))
	for _, m := range [][2]string{{"authorizerCredentials", aws.Or(a.AuthorizerCredentials, "")}, {"identitySource", aws.Or(a.IdentitySource, "")},
		{"identityValidationExpression", aws.Or(a.IdentityValidationExpression, "")}} {
		if m[1] != "" {
			x.Set(m[0], m[1])
		}
	}
	if n := a.AuthorizerResultTtlInSeconds; n != nil {
		x.Set("authorizerResultTtlInSeconds", whole(*n))
	}
	out.Set("x-amazon-apigateway-authorizer", x)
	return out
}

// extensions writes what stands at the root beside OpenAPI's own members.
func (w *writer) extensions(out *jsondoc.Object) {
	responses, validators := jsondoc.NewObject(), jsondoc.NewObject()
	for _, g := range w.Responses {
		one := jsondoc.NewObject()
		if g.StatusCode != nil {
			one.Set("statusCode", json.Number(*g.StatusCode))
		}
		setTexts(one, "responseParameters", g.ResponseParameters)
		setTexts(one, "responseTemplates", g.ResponseTemplates)
		responses.Set(string(g.ResponseType), one)
	}
	for _, v := range w.Validators {
		validators.Set(aws.Or(v.Name, ""), pairs("validateRequestParameters", v.ValidateRequestParameters != nil && *v.ValidateRequestParameters,
			"validateRequestBody", v.ValidateRequestBody != nil && *v.ValidateRequestBody))
	}
	if responses.Len() > 0 {
		out.Set("x-amazon-apigateway-gateway-responses", responses)
	}
	if validators.Len() > 0 {
		out.Set("x-amazon-apigateway-request-validators", validators)
	}
}

func whole(n int32) json.Number { return json.Number(strconv.Itoa(int(n))) }
