package execute

import (
	"net/http"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
)

// authorize asks who calls, where the method wants IAM authorization, and whether they may: by their policies and the
// API's. https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
func (c *call) authorize() *failure {
	if c.method.authorizer != "" {
		return c.ask()
	}
	if !c.method.iam && c.program.policy == "" {
		return nil
	}
	id := aws.Identity{Kind: aws.Anonymous, Account: c.stage.account, Region: c.stage.region, Request: c.visit.Request}
	if c.method.iam {
		var err error
		if id, err = c.visit.Who(c.body); err != nil {
			return c.stranger(err)
		}
		c.id, c.known = id, true
	}
	access := aws.Access{Action: "execute-api:Invoke", Resource: c.stage.arn(c.verb + c.path), ResourcePolicy: c.program.policy,
		ResourceAccount: c.stage.account, Decisive: !c.method.iam}
	err := c.plane.Policies.Authorize(c.ctx, id, []aws.Access{access})
	if err == nil {
		return nil
	}
	info := aws.InfoOf(err)
	if info.Fault {
		c.plane.Log.ErrorContext(c.ctx, "API: authorize", "request", c.visit.Request.ID, "error", err)
		return internal("authorize: " + err.Error())
	}
	masked := "********" + c.stage.account[len(c.stage.account)-4:]
	message := strings.ReplaceAll(info.Message, ":"+c.stage.account+":"+c.stage.api+"/", ":"+masked+":"+c.stage.api+"/")
	return &failure{kind: apigatewayapi.GatewayResponseTypeAccessDenied, status: http.StatusForbidden, message: message,
		errorType: "AccessDeniedException", detail: message}
}

// stranger is the answer to a signature that is not believed.
func (c *call) stranger(err error) *failure {
	info := aws.InfoOf(err)
	if info.Fault {
		c.plane.Log.ErrorContext(c.ctx, "API: verify signature", "request", c.visit.Request.ID, "error", err)
		return internal("verify signature: " + err.Error())
	}
	f := &failure{kind: apigatewayapi.GatewayResponseTypeAccessDenied, status: http.StatusForbidden, message: info.Message, errorType: info.Code, detail: info.Message}
	switch info.Code {
	case "MissingAuthenticationTokenException", "MissingAuthenticationToken":
		f.kind, f.message = apigatewayapi.GatewayResponseTypeMissingAuthenticationToken, "Missing Authentication Token"
	case "ExpiredTokenException", "ExpiredToken":
		f.kind = apigatewayapi.GatewayResponseTypeExpiredToken
	case "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignatureException", "IncompleteSignature":
		f.kind = apigatewayapi.GatewayResponseTypeInvalidSignature
	default:
		f.kind = apigatewayapi.GatewayResponseTypeInvalidSignature
	}
	return f
}
