package apigateway_test

import (
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/apigatewayapi"
)

// What is exported and imported again is exported as before, but for the ids of the API.
func TestExport(t *testing.T) {
	s, _, _ := open(t)
	ctx := t.Context()
	api := jobs(t, s)
	deploy(t, s, api, nil)
	guardedAPI, _ := guarded(t, s, &apigatewayapi.CreateAuthorizerRequest{Type: "TOKEN", IdentitySource: p("method.request.header.Token")})
	export := func(api, kind, extensions string) string {
		t.Helper()
		out := must[*apigatewayapi.ExportResponse](t)(s.GetExport(ctx, me, &apigatewayapi.GetExportRequest{RestApiId: api, StageName: "dev", ExportType: kind,
			Parameters: map[string]string{"extensions": extensions}}))
		return strings.ReplaceAll(string(out.Body), api, "API")
	}
	for _, from := range []string{api, guardedAPI} {
		for _, kind := range []string{"oas30", "swagger"} {
			first := export(from, kind, "apigateway")
			again := *must[*apigatewayapi.RestApi](t)(s.ImportRestApi(ctx, me, &apigatewayapi.ImportRestApiRequest{Body: []byte(first), FailOnWarnings: p(true)})).Id
			deploy(t, s, again, nil)
			if second := export(again, kind, "apigateway"); second != first {
				t.Errorf("%s\nthen\n%s", first, second)
			}
			if plain := export(from, kind, ""); strings.Contains(plain, "x-amazon-apigateway-integration") || !strings.Contains(plain, `"paths"`) {
				t.Error(plain)
			}
		}
	}
	for _, in := range []apigatewayapi.GetExportRequest{{ExportType: "raml"}, {ExportType: "oas30", Parameters: map[string]string{"extensions": "all"}}} {
		in.RestApiId, in.StageName = api, "dev"
		_, err := s.GetExport(ctx, me, &in)
		wantError(t, "BadRequestException", "Invalid", err)
	}
	_, err := s.GetExport(ctx, me, &apigatewayapi.GetExportRequest{RestApiId: api, StageName: "nope", ExportType: "oas30"})
	wantError(t, "NotFoundException", "Invalid stage identifier specified", err)
}
