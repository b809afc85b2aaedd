package apigateway_test

import (
	"testing"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
)

func TestAccess(t *testing.T) {
	s, _, _ := open(t)
	for _, c := range []struct {
		op, action, resource string
		in                   any
	}{
		{"GetRestApis", "apigateway:GET", "/restapis", &apigatewayapi.GetRestApisRequest{}},
		{"DeleteRestApi", "apigateway:DELETE", "/restapis/*", &apigatewayapi.DeleteRestApiRequest{}},
		{"PutIntegration", "apigateway:PUT", "/restapis/a/resources/r/methods/GET/integration",
			&apigatewayapi.PutIntegrationRequest{RestApiId: "a", ResourceId: "r", HttpMethod: "GET"}},
		{"UpdateStage", "apigateway:PATCH", "/restapis/a/stages/dev", &apigatewayapi.UpdateStageRequest{RestApiId: "a", StageName: "dev"}},
		{"GetGatewayResponse", "apigateway:GET", "/restapis/a/gatewayresponses/THROTTLED", &apigatewayapi.GetGatewayResponseRequest{RestApiId: "a", ResponseType: "THROTTLED"}},
		{"TagResource", "apigateway:PUT", "/tags/arn:aws:apigateway:r::%2Frestapis%2Fa", &apigatewayapi.TagResourceRequest{ResourceArn: "arn:aws:apigateway:r::/restapis/a"}},
	} {
		got := must[[]aws.Access](t)(s.Access(t.Context(), me, c.op, c.in))
		if len(got) != 1 || got[0].Action != c.action || got[0].Resource != "arn:aws:apigateway:eu-west-1::"+c.resource {
			t.Errorf("%s: %+v", c.op, got)
		}
	}
}
