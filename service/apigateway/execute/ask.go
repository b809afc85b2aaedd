package execute

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/guard"
)

// ask has the method's Lambda authorizer say whether the caller may.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
func (c *call) ask() *failure {
	g := c.program.authorizers[c.method.authorizer]
	if g == nil {
		return authorizerBroken("there is no authorizer " + c.method.authorizer)
	}
	arn, now := c.stage.arn(c.verb+c.path), c.now()
	if guard.Denied(c.program.document, arn, c.visit.Request, c.stage.account, now) {
		return notAuthorized(true)
	}
	values, ok := g.Identify(c.identitySource)
	if !ok {
		return unauthorized()
	}
	key := guard.Key(g.ID, values)
	if g.Life > 0 && len(values) > 0 {
		c.verdict = c.stage.verdicts.Find(key, now)
	}
	if c.verdict == nil {
		v, f := c.askFunction(g, values, arn)
		if f != nil {
			return f
		}
		c.verdict = v
		if c.asked = c.now().Sub(now); g.Life > 0 && len(values) > 0 {
			c.stage.verdicts.Keep(key, v, now.Add(g.Life))
		}
	}
	if allowed, explicit := c.verdict.Allows(c.program.document, arn, c.visit.Request, c.stage.account, now); !allowed {
		return notAuthorized(explicit)
	}
	return nil
}

// identitySource finds a part of the caller's identity.
func (c *call) identitySource(s guard.Source) (string, bool) {
	switch s.Kind {
	case "header":
		return c.headerValue(s.Name)
	case "querystring":
		v := c.values()[s.Name]
		if len(v) == 0 {
			return "", false
		}
		return v[len(v)-1], true
	case "stageVariables":
		v, ok := c.variables[s.Name]
		return v, ok
	}
	v := c.value(s.Name)
	return v, v != ""
}

// requestEvent is what an authorizer of the type REQUEST is asked: the event of a proxy without the body.
type requestEvent struct {
	Type      string `json:"type"`
	MethodARN string `json:"methodArn"`
	*event
	Body            *struct{} `json:"body,omitempty"`
	IsBase64Encoded *struct{} `json:"isBase64Encoded,omitempty"`
}

// askFunction invokes the authorizer's function.
func (c *call) askFunction(g *guard.Authorizer, values []string, arn string) (*guard.Verdict, *failure) {
	var question any = map[string]string{"type": "TOKEN", "methodArn": arn, "authorizationToken": strings.Join(values, "")}
	if !g.Token {
		question = requestEvent{Type: "REQUEST", MethodARN: arn, event: c.event()}
	}
	payload, err := json.Marshal(question)
	if err != nil {
		return nil, authorizerBroken(err.Error())
	}
	uri, err := ParseURI(g.URI)
	if err != nil {
		return nil, authorizerBroken(err.Error())
	}
	name := strings.TrimSuffix(strings.TrimPrefix(substitute(uri.What, c.variables, nil, nil), "2015-03-31/functions/"), "/invocations")
	id := aws.ForService(principal, c.stage.account, c.stage.region,
		"arn:aws:execute-api:"+c.stage.region+":"+c.stage.account+":"+c.stage.api+"/authorizers/"+g.ID, c.visit.Request)
	if g.Credentials != "" {
		if id, _, err = c.plane.Roles.Assume(c.ctx, id, g.Credentials, session); err != nil {
			return nil, authorizerBroken("API Gateway does not have permission to assume the provided role " + g.Credentials)
		}
	}
	ctx, cancel := context.WithTimeout(c.ctx, guard.Patience)
	defer cancel()
	out, err := lambdaapi.NewClient(c.plane.Caller).Invoke(ctx, id, &lambdaapi.InvocationRequest{FunctionName: name, Payload: payload})
	if err != nil {
		return nil, authorizerBroken("the authorizer could not be invoked: " + aws.InfoOf(err).Message)
	}
	if out.FunctionError != nil {
		var told struct{ ErrorMessage string }
		if json.Unmarshal(out.Payload, &told) == nil && told.ErrorMessage == "Unauthorized" {
			return nil, unauthorized()
		}
		return nil, authorizerFailed("the authorizer failed: " + told.ErrorMessage)
	}
	v, err := guard.Read(out.Payload)
	if err != nil {
		return nil, authorizerBroken(err.Error())
	}
	return v, nil
}

func unauthorized() *failure {
	return &failure{kind: apigatewayapi.GatewayResponseTypeUnauthorized, status: http.StatusUnauthorized, message: "Unauthorized",
		errorType: "UnauthorizedException", detail: "Unauthorized request"}
}

func notAuthorized(explicit bool) *failure {
	message := "User is not authorized to access this resource"
	if explicit {
		message += " with an explicit deny"
	}
	return &failure{kind: apigatewayapi.GatewayResponseTypeAccessDenied, status: http.StatusForbidden, message: message,
		errorType: "AccessDeniedException", detail: "The client is not authorized to perform this operation."}
}

func authorizerBroken(detail string) *failure {
	return &failure{kind: apigatewayapi.GatewayResponseTypeAuthorizerConfigurationError, status: http.StatusInternalServerError,
		errorType: "AuthorizerConfigurationException", noMessage: true, detail: "Execution failed due to configuration error: " + detail}
}

func authorizerFailed(detail string) *failure {
	f := authorizerBroken(detail)
	f.kind, f.errorType, f.detail = apigatewayapi.GatewayResponseTypeAuthorizerFailure, "AuthorizerFailureException", "Execution failed due to an authorizer error: "+detail
	return f
}
