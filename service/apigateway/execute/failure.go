package execute

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/apigateway/vtl"
)

// failure is why API Gateway itself answers, and what.
type failure struct {
	kind       apigatewayapi.GatewayResponseType // "" is not for the API to shape
	status     int
	message    string
	errorType  string // x-amzn-ErrorType
	validation string // $context.error.validationErrorString
	detail     string // for the logs
	noMessage  bool   // the answer's message is null
}

// gatewayResponse is a compiled gateway response.
type gatewayResponse struct {
	status    int // 0: that of the failure
	mappings  []mapping
	templates map[string]template
	types     []string
}

const defaultTemplate = `{"message":$context.error.messageString}`

// DefaultResponse is what API Gateway answers for a type when the API does not say,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html.
func DefaultResponse(t apigatewayapi.GatewayResponseType) *apigatewayapi.GatewayResponse {
	byDefault := true
	g := &apigatewayapi.GatewayResponse{ResponseType: t, DefaultResponse: &byDefault, ResponseParameters: map[string]string{},
		ResponseTemplates: map[string]string{"application/json": defaultTemplate}}
	if status := defaultStatus(t); status != "" {
		g.StatusCode = &status
	}
	return g
}

func defaultStatus(t apigatewayapi.GatewayResponseType) string {
	switch t {
	case apigatewayapi.GatewayResponseTypeDefault4xx, apigatewayapi.GatewayResponseTypeDefault5xx:
		return ""
	case apigatewayapi.GatewayResponseTypeApiConfigurationError, apigatewayapi.GatewayResponseTypeAuthorizerConfigurationError,
		apigatewayapi.GatewayResponseTypeAuthorizerFailure:
		return "500"
	case apigatewayapi.GatewayResponseTypeBadRequestBody, apigatewayapi.GatewayResponseTypeBadRequestParameters:
		return "400"
	case apigatewayapi.GatewayResponseTypeIntegrationFailure, apigatewayapi.GatewayResponseTypeIntegrationTimeout:
		return "504"
	case apigatewayapi.GatewayResponseTypeThrottled, apigatewayapi.GatewayResponseTypeQuotaExceeded:
		return "429"
	case apigatewayapi.GatewayResponseTypeRequestTooLarge:
		return "413"
	case apigatewayapi.GatewayResponseTypeResourceNotFound:
		return "404"
	case apigatewayapi.GatewayResponseTypeUnauthorized:
		return "401"
	case apigatewayapi.GatewayResponseTypeUnsupportedMediaType:
		return "415"
	}
	return "403"
}

func compileResponse(r *apigatewayapi.GatewayResponse) *gatewayResponse {
	g := &gatewayResponse{mappings: compileMappings(r.ResponseParameters), templates: compileTemplates(r.ResponseTemplates)}
	g.status, _ = strconv.Atoi(text(r.StatusCode)) // checked when it was written
	for t := range g.templates {
		g.types = append(g.types, t)
	}
	slices.Sort(g.types)
	return g
}

// fail makes the answer to a failure: the API's response of its type, else the API's of its class, else API Gateway's.
func (c *call) fail(f *failure) {
	c.failure = f
	if f.detail != "" {
		c.note("ERROR", false, "%s", f.detail)
	}
	c.out = answer{status: f.status, header: http.Header{}}
	if f.errorType != "" {
		c.out.header["X-Amzn-Errortype"] = []string{f.errorType}
	}
	g := c.responseFor(f)
	if g == nil {
		member := "message"
		if f.kind == apigatewayapi.GatewayResponseTypeAccessDenied {
			member = "Message" // the policies' own answer
		}
		c.out.body = append(jsondoc.AppendString([]byte(`{"`+member+`":`), f.message), '}')
		if f.noMessage {
			c.out.body = []byte(`{"message":null}`)
		}
	} else {
		c.shape(g)
	}
	c.note("ERROR", false, "Method completed with status: %d", c.out.status)
}

func (c *call) responseFor(f *failure) *gatewayResponse {
	if f.kind == "" || c.program == nil {
		return nil
	}
	if g := c.program.responses[f.kind]; g != nil {
		return g
	}
	class := apigatewayapi.GatewayResponseTypeDefault4xx
	if f.status >= 500 {
		class = apigatewayapi.GatewayResponseTypeDefault5xx
	}
	return c.program.responses[class]
}

// shape answers as a gateway response says. Its templates are no Velocity: only variables are replaced.
func (c *call) shape(g *gatewayResponse) {
	if g.status != 0 {
		c.out.status = g.status
	}
	for _, m := range g.mappings {
		for _, v := range c.resolve(m.from) {
			c.out.header.Add(strings.TrimPrefix(m.to, "gatewayresponse.header."), v)
		}
	}
	t := pickType(g.types, c.header.Get("Accept"), "application/json")
	if t == "" {
		return
	}
	c.out.header.Set("Content-Type", t)
	compiled := g.templates[t]
	if compiled.err != nil {
		return
	}
	if out, err := compiled.compiled.Render(map[string]any{"context": contextNode{c: c}, "stageVariables": variableNode{c}, "util": util{},
		"input": inputNode{body: c.body, doc: c.doc, c: c}}); err == nil {
		c.out.body = []byte(out)
	}
}

// pickType chooses a content type among those that there are: one that is accepted, else the preferred one, else the first.
func pickType(types []string, accept, preferred string) string {
	if len(types) == 0 {
		return ""
	}
	for a := range strings.SplitSeq(accept, ",") {
		if a = mediaType(a); slices.Contains(types, a) {
			return a
		}
	}
	if p := mediaType(preferred); slices.Contains(types, p) {
		return p
	}
	if slices.Contains(types, "application/json") {
		return "application/json"
	}
	return types[0]
}

var _ vtl.Object = contextNode{}
