package execute

import (
	"net/http"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/service/apigateway/usage"
)

// checkKey holds the caller to the usage plan of the API key, where the method wants one.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
func (c *call) checkKey() *failure {
	if !c.method.wantsKey {
		return nil
	}
	value := c.header.Get("X-Api-Key")
	if c.program.api.ApiKeySource == apigatewayapi.ApiKeySourceTypeAuthorizer {
		if value = ""; c.verdict != nil {
			value = c.verdict.UsageKey
		}
	}
	forbidden := &failure{kind: apigatewayapi.GatewayResponseTypeInvalidApiKey, status: http.StatusForbidden, message: "Forbidden",
		errorType: "ForbiddenException", detail: "API key not authorized"}
	if value == "" {
		return forbidden
	}
	client, err := c.plane.Source.Client(c.ctx, c.stage.account, c.stage.region, value, c.stage.api, c.stage.stage)
	if err != nil {
		return internal("API key: " + err.Error())
	}
	if client == nil {
		return forbidden
	}
	c.client = client
	verdict, err := c.plane.meter.Take(c.ctx, client, c.method.resource+"/"+c.method.verb, c.started)
	if err != nil {
		return internal("usage plan: " + err.Error())
	}
	c.plane.writer.signal() // counts are written with the logs
	switch verdict {
	case usage.Throttled:
		return &failure{kind: apigatewayapi.GatewayResponseTypeThrottled, status: http.StatusTooManyRequests, message: "Too Many Requests",
			errorType: "TooManyRequestsException", detail: "Usage plan throttle exceeded"}
	case usage.Exhausted:
		return &failure{kind: apigatewayapi.GatewayResponseTypeQuotaExceeded, status: http.StatusTooManyRequests, message: "Limit Exceeded",
			errorType: "LimitExceededException", detail: "Usage plan quota exceeded"}
	}
	return nil
}
