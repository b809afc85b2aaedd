package execute

import (
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/apigateway/vtl"
)

// value is a $context variable by its name,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html and
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html.
func (c *call) value(name string) string {
	group, rest, nested := strings.Cut(name, ".")
	if nested {
		switch group {
		case "identity":
			return c.identity(rest)
		case "error":
			return c.errorValue(rest)
		case "integration":
			return c.integrationValue(rest)
		case "authorizer":
			return c.authorizerValue(rest)
		}
		return ""
	}
	switch name {
	case "accountId":
		return c.stage.account
	case "apiId":
		return c.stage.api
	case "deploymentId":
		return c.program.deployment
	case "domainName":
		return c.host
	case "domainPrefix":
		prefix, _, _ := strings.Cut(c.host, ".")
		return prefix
	case "extendedRequestId":
		return c.extendedID()
	case "httpMethod":
		return c.verb
	case "isCanaryRequest":
		return strconv.FormatBool(c.canary)
	case "path":
		return c.basePath
	case "protocol":
		if c.request != nil {
			return c.request.Proto
		}
		return "HTTP/1.1"
	case "requestId":
		return c.visit.Request.ID
	case "requestTime":
		return c.started.UTC().Format("02/Jan/2006:15:04:05 -0700")
	case "requestTimeEpoch":
		return strconv.FormatInt(c.started.UnixMilli(), 10)
	case "stage":
		return c.stage.stage
	case "xrayTraceId":
		return c.traceID
	}
	return c.late(name)
}

// late are the variables that depend on the method or the answer.
func (c *call) late(name string) string {
	switch name {
	case "resourceId":
		if c.method != nil {
			return c.method.resourceID
		}
	case "resourcePath":
		if c.method != nil {
			return c.method.resource
		}
	case "status":
		if c.out.status != 0 {
			return strconv.Itoa(c.out.status)
		}
	case "responseLength":
		return strconv.Itoa(len(c.out.body))
	case "responseLatency":
		return strconv.FormatInt(c.plane.Clock.Now().Sub(c.started).Milliseconds(), 10)
	case "integrationLatency":
		return c.integrationValue("latency")
	case "integrationStatus":
		return c.integrationValue("integrationStatus")
	case "integrationErrorMessage":
		return c.integrationValue("error")
	case "awsEndpointRequestId":
		return c.reply.requestID
	case "endpointType":
		if c.program != nil && c.program.api.EndpointConfiguration != nil && len(c.program.api.EndpointConfiguration.Types) > 0 {
			return string(c.program.api.EndpointConfiguration.Types[0])
		}
	}
	return ""
}

func (c *call) identity(name string) string {
	switch name {
	case "sourceIp":
		return c.visit.Request.SourceIP
	case "userAgent":
		return c.visit.Request.UserAgent
	}
	if c.client != nil {
		switch name {
		case "apiKey":
			return c.client.Value
		case "apiKeyId":
			return c.client.Key
		}
	}
	if !c.known {
		return ""
	}
	switch name {
	case "accessKey":
		return c.id.AccessKey
	case "accountId":
		return c.id.Account
	case "caller", "user":
		return c.id.PrincipalID
	case "userArn":
		return c.id.ARN
	}
	return ""
}

// authorizerValue is what the method's authorizer says of the caller.
func (c *call) authorizerValue(name string) string {
	switch {
	case c.verdict == nil:
		return ""
	case name == "principalId":
		return c.verdict.Principal
	case name == "integrationLatency", name == "latency":
		return strconv.FormatInt(c.asked.Milliseconds(), 10)
	}
	return c.verdict.Context[name]
}

func (c *call) errorValue(name string) string {
	f := c.failure
	if f == nil {
		return ""
	}
	switch name {
	case "message":
		return f.message
	case "messageString":
		if f.noMessage {
			return "null"
		}
		return string(jsondoc.AppendString(nil, f.message))
	case "responseType":
		return string(f.kind)
	case "validationErrorString":
		return f.validation
	}
	return ""
}

func (c *call) integrationValue(name string) string {
	r := &c.reply
	if !r.sent {
		return ""
	}
	switch name {
	case "latency":
		return strconv.FormatInt(r.latency.Milliseconds(), 10)
	case "status", "integrationStatus":
		if r.status != 0 {
			return strconv.Itoa(r.status)
		}
	case "requestId":
		return r.requestID
	case "error":
		if c.failure != nil {
			return c.failure.detail
		}
	}
	return ""
}

// contextNode is $context in a template, or one of its groups.
type contextNode struct {
	c     *call
	group string
}

// Property implements vtl.Object.
func (n contextNode) Property(name string) (any, bool) {
	if n.group != "" {
		return n.c.value(n.group + "." + name), true
	}
	switch name {
	case "identity", "error", "integration", "authorizer":
		return contextNode{n.c, name}, true
	case "requestOverride":
		return n.c.override().request, true
	case "responseOverride":
		return n.c.override().response, true
	}
	return n.c.value(name), true
}

// Call implements vtl.Object: $context.get("requestId").
func (n contextNode) Call(method string, args []any) (any, error) {
	if method == "get" && len(args) == 1 {
		v, _ := n.Property(vtl.Text(args[0]))
		return v, nil
	}
	return nil, vtl.ErrNoMethod
}

// overrides are what templates set of request and response.
type overrides struct{ request, response *jsondoc.Object }

func (c *call) override() *overrides {
	if c.overrides == nil {
		o := &overrides{jsondoc.NewObject(), jsondoc.NewObject()}
		for _, group := range []string{"header", "querystring", "path"} {
			o.request.Set(group, jsondoc.NewObject())
		}
		o.response.Set("header", jsondoc.NewObject())
		c.overrides = o
	}
	return c.overrides
}

// overridden yields what a template set of a group.
func overridden(o *jsondoc.Object, group string) map[string]string {
	v, _ := o.Get(group)
	g, ok := v.(*jsondoc.Object)
	if !ok || g.Len() == 0 {
		return nil
	}
	out := map[string]string{}
	for k, v := range g.All() {
		if v != nil {
			out[k] = vtl.Text(v)
		}
	}
	return out
}

// variableNode is $stageVariables.
type variableNode struct{ c *call }

// Property implements vtl.Object.
func (n variableNode) Property(name string) (any, bool) {
	v, ok := n.c.variables[name]
	return v, ok
}

// Call implements vtl.Object: $stageVariables.get("name"), and keySet for loops over all.
func (n variableNode) Call(method string, args []any) (any, error) {
	switch {
	case method == "get" && len(args) == 1:
		if v, ok := n.c.variables[vtl.Text(args[0])]; ok {
			return v, nil
		}
		return nil, nil
	case method == "keySet" && len(args) == 0:
		return &jsondoc.Array{Items: keysOf(n.c.variables)}, nil
	}
	return nil, vtl.ErrNoMethod
}

const longTime = "Mon Jan 02 15:04:05 MST 2006"

func (c *call) now() time.Time { return c.plane.Clock.Now() }
