package execute

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/apigateway/guard"
	"github.com/brume-dev/brume/service/apigateway/vtl"
)

// program is a compiled deployment. It never changes.
type program struct {
	deployment  string
	root        *node
	api         apigatewayapi.RestApi
	policy      string // resource policy with whole ARNs, or ""
	binary      []string
	disabled    bool
	compression int // least size to compress, -1: never
	responses   map[apigatewayapi.GatewayResponseType]*gatewayResponse
	document    *policy.Document // policy, nil when there is none
	authorizers map[string]*guard.Authorizer
}

// method is a compiled method.
type method struct {
	verb, resource, resourceID string
	iam                        bool
	authorizer                 string // id, "" for none
	wantsKey                   bool
	checkBody, checkParameters bool
	required                   []string // parameters, "header.X"
	schemas                    map[string]schema
	integration                integration
}

// schema is a compiled model; broken ones fail the requests that need them.
type schema struct {
	compiled *jsonschema.Schema
	err      error
}

// integration is a compiled integration.
type integration struct {
	apigatewayapi.Integration
	timeout   time.Duration
	templates map[string]template
	mappings  []mapping
	uri       URI
	uriErr    error
	responses []integrationResponse // those with a pattern, in order of their status
	fallback  *integrationResponse  // the one without
}

type template struct {
	compiled *vtl.Template
	err      error
}

// integrationResponse is a compiled response of an integration.
type integrationResponse struct {
	status    int
	pattern   *regexp.Regexp
	mappings  []mapping
	templates map[string]template
	types     []string // the content types of templates, in order
	handling  apigatewayapi.ContentHandlingStrategy
}

// compile makes a program of a snapshot. What is wrong in it is found out by the requests that come to it.
func compile(s *Snapshot, o owner, deployment string) *program {
	p := &program{deployment: deployment, root: &node{}, api: s.API, binary: s.API.BinaryMediaTypes, disabled: truth(s.API.DisableExecuteApiEndpoint),
		compression: -1, responses: map[apigatewayapi.GatewayResponseType]*gatewayResponse{},
		authorizers: map[string]*guard.Authorizer{}}
	if s.API.MinimumCompressionSize != nil {
		p.compression = int(*s.API.MinimumCompressionSize)
	}
	if s.API.Policy != nil {
		p.policy = ExpandPolicy(*s.API.Policy, "arn:aws:execute-api:"+o.region+":"+o.account+":"+text(s.API.Id)+"/")
	}
	if p.policy != "" {
		p.document, _ = policy.Parse(policy.Resource, p.policy) // checked when it was written
	}
	for _, a := range s.Authorizers {
		if g, err := guard.Compile(&a); err == nil { // checked when it was written
			p.authorizers[g.ID] = g
		}
	}
	for _, r := range s.Responses {
		p.responses[r.ResponseType] = compileResponse(&r)
	}
	validators := map[string]apigatewayapi.RequestValidator{}
	for _, v := range s.Validators {
		validators[text(v.Id)] = v
	}
	models := map[string]string{}
	for _, m := range s.Models {
		models[text(m.Name)] = text(m.Schema)
	}
	for _, r := range s.Resources {
		n := p.root.add(text(r.Path))
		n.path, n.id = text(r.Path), text(r.Id)
		for verb, m := range r.ResourceMethods {
			if n.methods == nil {
				n.methods = map[string]*method{}
			}
			n.methods[verb] = compileMethod(&m, n, verb, validators, models)
		}
	}
	return p
}

func compileMethod(m *apigatewayapi.Method, n *node, verb string, validators map[string]apigatewayapi.RequestValidator, models map[string]string) *method {
	out := &method{verb: verb, resource: n.path, resourceID: n.id, iam: text(m.AuthorizationType) == "AWS_IAM"}
	out.wantsKey = truth(m.ApiKeyRequired)
	if text(m.AuthorizationType) == "CUSTOM" {
		out.authorizer = text(m.AuthorizerId)
	}
	v := validators[text(m.RequestValidatorId)]
	out.checkBody, out.checkParameters = truth(v.ValidateRequestBody), truth(v.ValidateRequestParameters)
	for name, required := range m.RequestParameters {
		name = strings.TrimPrefix(name, "method.request.")
		if required {
			out.required = append(out.required, name)
		}
	}
	slices.Sort(out.required)
	if out.checkBody {
		out.schemas = map[string]schema{}
		for contentType, model := range m.RequestModels {
			lookup := func(name string) (string, bool) { s, ok := models[name]; return s, ok }
			compiled, err := compileSchema(model, models[model], lookup)
			out.schemas[mediaType(contentType)] = schema{compiled, err}
		}
	}
	if m.MethodIntegration != nil {
		out.integration = compileIntegration(m.MethodIntegration)
	}
	return out
}

func compileIntegration(in *apigatewayapi.Integration) integration {
	out := integration{Integration: *in, timeout: fullTimeout, templates: compileTemplates(in.RequestTemplates), mappings: compileMappings(in.RequestParameters)}
	if in.TimeoutInMillis != nil {
		out.timeout = time.Duration(*in.TimeoutInMillis) * time.Millisecond
	}
	if in.Type == apigatewayapi.IntegrationTypeAws || in.Type == apigatewayapi.IntegrationTypeAwsProxy {
		out.uri, out.uriErr = ParseURI(text(in.Uri))
	}
	statuses := make([]string, 0, len(in.IntegrationResponses))
	for status := range in.IntegrationResponses {
		statuses = append(statuses, status)
	}
	slices.Sort(statuses)
	for _, status := range statuses {
		r := in.IntegrationResponses[status]
		c := integrationResponse{mappings: compileMappings(r.ResponseParameters), templates: compileTemplates(r.ResponseTemplates), handling: r.ContentHandling}
		c.status, _ = strconv.Atoi(status) // checked when it was written
		for t := range c.templates {
			c.types = append(c.types, t)
		}
		slices.Sort(c.types)
		if text(r.SelectionPattern) == "" {
			if out.fallback == nil {
				out.fallback = &c
			}
			continue
		}
		if re, err := CompilePattern(*r.SelectionPattern); err == nil {
			c.pattern = re
			out.responses = append(out.responses, c)
		}
	}
	return out
}

// CompilePattern compiles a selection pattern, which must match all of a text.
func CompilePattern(p string) (*regexp.Regexp, error) { return regexp.Compile(`^(?:` + p + `)$`) }

func compileTemplates(in map[string]string) map[string]template {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]template, len(in))
	for t, source := range in {
		compiled, err := vtl.Parse(source)
		out[mediaType(t)] = template{compiled, err}
	}
	return out
}

// mediaType is a content type without its parameters.
func mediaType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(s))
}

// isBinary says whether bodies of a content type are binary data.
func (p *program) isBinary(contentType string) bool {
	t := mediaType(contentType)
	for _, b := range p.binary {
		b = strings.ToLower(strings.ReplaceAll(b, "~1", "/"))
		if b == t || b == "*/*" {
			return true
		}
		if kind, ok := strings.CutSuffix(b, "/*"); ok && strings.HasPrefix(t, kind+"/") {
			return true
		}
	}
	return false
}
