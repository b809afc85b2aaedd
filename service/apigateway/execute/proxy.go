package execute

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// event is what a function behind a proxy integration gets,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format.
type event struct {
	Resource              string              `json:"resource"`
	Path                  string              `json:"path"`
	HTTPMethod            string              `json:"httpMethod"`
	Headers               map[string]string   `json:"headers"`
	MultiValueHeaders     map[string][]string `json:"multiValueHeaders"`
	QueryString           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryString map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters        map[string]string   `json:"pathParameters"`
	StageVariables        map[string]string   `json:"stageVariables"`
	RequestContext        eventContext        `json:"requestContext"`
	Body                  *string             `json:"body"`
	IsBase64Encoded       bool                `json:"isBase64Encoded"`
}

type eventContext struct {
	ResourceID        string        `json:"resourceId"`
	ResourcePath      string        `json:"resourcePath"`
	HTTPMethod        string        `json:"httpMethod"`
	ExtendedRequestID string        `json:"extendedRequestId"`
	RequestTime       string        `json:"requestTime"`
	Path              string        `json:"path"`
	AccountID         string        `json:"accountId"`
	Protocol          string        `json:"protocol"`
	Stage             string        `json:"stage"`
	DomainPrefix      string        `json:"domainPrefix"`
	RequestTimeEpoch  int64         `json:"requestTimeEpoch"`
	RequestID         string        `json:"requestId"`
	Identity          eventIdentity `json:"identity"`
	DomainName        string        `json:"domainName"`
	DeploymentID      string        `json:"deploymentId"`
	APIID             string        `json:"apiId"`
	Authorizer        any           `json:"authorizer,omitempty"`
}

// eventIdentity has null for what is not known.
type eventIdentity struct {
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	AccountID                     *string `json:"accountId"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	Caller                        *string `json:"caller"`
	SourceIP                      *string `json:"sourceIp"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	AccessKey                     *string `json:"accessKey"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	UserArn                       *string `json:"userArn"`
	UserAgent                     *string `json:"userAgent"`
	User                          *string `json:"user"`
	APIKey                        *string `json:"apiKey,omitempty"`
	APIKeyID                      *string `json:"apiKeyId,omitempty"`
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (c *call) event() *event {
	e := &event{Resource: c.method.resource, Path: decoded(c.path), HTTPMethod: c.verb, StageVariables: c.variables}
	header := http.Header{}
	for k, v := range c.header {
		header[k] = v
	}
	if c.host != "" {
		header["Host"] = []string{c.host}
	}
	if c.traceID != "" && header["X-Amzn-Trace-Id"] == nil {
		header["X-Amzn-Trace-Id"] = []string{"Root=" + c.traceID}
	}
	if !c.test {
		c.forwarded(header)
	}
	if len(header) > 0 {
		e.Headers, e.MultiValueHeaders = lastOf(header), header
	}
	if q := c.values(); len(q) > 0 {
		e.QueryString, e.MultiValueQueryString = lastOf(http.Header(q)), q
	}
	if len(c.params) > 0 {
		e.PathParameters = map[string]string{}
		for _, p := range c.params {
			e.PathParameters[p.name] = p.value
		}
	}
	if len(e.StageVariables) == 0 {
		e.StageVariables = nil
	}
	if len(c.body) > 0 {
		b := string(c.body)
		if c.program.isBinary(c.header.Get("Content-Type")) {
			b, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(c.body), true
		}
		e.Body = &b
	}
	e.RequestContext = eventContext{ResourceID: c.method.resourceID, ResourcePath: c.method.resource, HTTPMethod: c.verb, ExtendedRequestID: c.extendedID(),
		RequestTime: c.value("requestTime"), Path: c.basePath, AccountID: c.stage.account, Protocol: c.value("protocol"), Stage: c.stage.stage,
		DomainPrefix: c.value("domainPrefix"), RequestTimeEpoch: c.started.UnixMilli(), RequestID: c.visit.Request.ID, DomainName: c.host,
		DeploymentID: c.program.deployment, APIID: c.stage.api,
		Identity: eventIdentity{SourceIP: orNull(c.identity("sourceIp")), UserAgent: orNull(c.identity("userAgent")), AccountID: orNull(c.identity("accountId")),
			Caller: orNull(c.identity("caller")), User: orNull(c.identity("user")), UserArn: orNull(c.identity("userArn")), AccessKey: orNull(c.identity("accessKey")),
			APIKey: orNull(c.identity("apiKey")), APIKeyID: orNull(c.identity("apiKeyId"))}}
	if v := c.verdict; v != nil {
		said := map[string]any{"principalId": v.Principal, "integrationLatency": c.asked.Milliseconds()}
		for name, value := range v.Context {
			said[name] = value
		}
		e.RequestContext.Authorizer = said
	}
	return e
}

// proxyFunction hands the request to a function, whose answer is the client's.
func (c *call) proxyFunction() *failure {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c.event()); err != nil {
		return internal("encode event: " + err.Error())
	}
	c.note("INFO", true, "Endpoint request body after transformations: %s", buf.Bytes())
	if f := c.callAWS(buf.Bytes()); f != nil {
		return f
	}
	if c.reply.status >= 300 {
		return configuration("the function could not be invoked: status %d: %s", c.reply.status, c.reply.body)
	}
	if c.reply.failed {
		return malformed("Lambda execution failed with status 200 due to customer function error: " + c.reply.errorText)
	}
	return c.fromFunction()
}

// malformed is the answer when a function does not answer as a proxy must.
func malformed(detail string) *failure {
	f := internal("Execution failed due to configuration error: " + detail)
	f.status = http.StatusBadGateway
	return f
}

// fromFunction makes the answer from a function's,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format.
func (c *call) fromFunction() *failure {
	wrong := malformed("Malformed Lambda proxy response")
	doc, ok := c.reply.doc()
	o, isObject := doc.(*jsondoc.Object)
	if !ok || !isObject {
		return wrong
	}
	out := answer{status: http.StatusOK, header: http.Header{}}
	encoded := false
	for name, v := range o.All() {
		good := true
		switch name {
		case "statusCode":
			out.status, good = statusOf(v)
		case "headers":
			good = addHeaders(out.header, v, false)
		case "multiValueHeaders":
			good = addHeaders(out.header, v, true)
		case "body":
			switch b := v.(type) {
			case string:
				out.body = []byte(b)
			case nil:
			default:
				good = false
			}
		case "isBase64Encoded":
			encoded, good = v.(bool)
			good = good || v == nil
		default:
			good = false
		}
		if !good {
			return wrong
		}
	}
	accept, _, _ := strings.Cut(c.header.Get("Accept"), ",")
	if encoded && (c.program.isBinary(accept) || c.program.isBinary("*/*")) {
		b, err := base64.StdEncoding.DecodeString(string(out.body))
		if err != nil {
			return configuration("Unable to base64 decode the body.")
		}
		out.body = b
	}
	c.out = out
	c.note("INFO", true, "Method response body after transformations: %s", out.body)
	return nil
}

func statusOf(v any) (int, bool) {
	var s string
	switch v := v.(type) {
	case json.Number:
		s = string(v)
	case string:
		s = v
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 200 && n <= 599
}

// addHeaders adds a function's headers: values are scalars, or lists of them.
func addHeaders(h http.Header, v any, lists bool) bool {
	if v == nil {
		return true
	}
	o, ok := v.(*jsondoc.Object)
	if !ok {
		return false
	}
	members := maps.Collect(o.All())
	for _, name := range slices.Sorted(maps.Keys(members)) {
		to := remapped(http.CanonicalHeaderKey(name))
		var values []any
		switch v := members[name].(type) {
		case *jsondoc.Array:
			if !lists {
				return false
			}
			values = v.Items
		case *jsondoc.Object:
			return false
		case nil:
			continue
		default:
			if lists {
				return false
			}
			if len(h[to]) == 0 {
				values = []any{v}
			}
		}
		if lists {
			delete(h, to)
		}
		for _, one := range values {
			h[to] = append(h[to], plainText(one))
		}
	}
	return true
}
