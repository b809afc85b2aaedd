package apigateway_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/service/apigateway"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	return must[[]byte](t)(os.ReadFile("testdata/" + name))
}

func pathsOf(t *testing.T, s *apigateway.Service, api string) []string {
	t.Helper()
	var out []string
	for _, r := range must[*apigatewayapi.Resources](t)(s.GetResources(t.Context(), me, &apigatewayapi.GetResourcesRequest{RestApiId: api, Embed: []string{"methods"}})).Items {
		line := *r.Path
		verbs := []string{}
		for v, m := range r.ResourceMethods {
			verbs = append(verbs, v+":"+*m.AuthorizationType+":"+string(m.MethodIntegration.Type))
		}
		slices.Sort(verbs)
		out = append(out, strings.TrimSpace(line+" "+strings.Join(verbs, " ")))
	}
	slices.Sort(out)
	return out
}

func TestImportSwagger(t *testing.T) {
	s, _, _ := open(t)
	ctx := t.Context()
	a := must[*apigatewayapi.RestApi](t)(s.ImportRestApi(ctx, me, &apigatewayapi.ImportRestApiRequest{Body: file(t, "swagger.json"), Parameters: map[string]string{"endpointConfigurationTypes": "REGIONAL"}}))
	if *a.Name != "Imported" || *a.Version != "1.2" || *a.Description != "An API" || a.EndpointConfiguration.Types[0] != "REGIONAL" || a.BinaryMediaTypes[0] != "image/png" || len(a.Warnings) != 0 {
		t.Errorf("%+v", a)
	}
	want := []string{"/", "/pets GET:NONE:MOCK POST:AWS_IAM:MOCK", "/{proxy+} ANY:NONE:AWS_PROXY"}
	if got := pathsOf(t, s, *a.Id); !slices.Equal(got, want) {
		t.Errorf("resources %q", got)
	}
	deploy(t, s, *a.Id, nil)
	got, h := ask(s, *a.Id, "GET", "/pets?limit=3", "")
	wantAnswer(t, "200 application/json 3", got, h)
	if h.Get("X-H") != "h" {
		t.Error(h)
	}
	got, h = ask(s, *a.Id, "GET", "/pets", "")
	wantAnswer(t, `400 application/json {"m":"Missing required request parameters: [limit]"}`, got, h)
	if h.Get("X-Gw") != "1" {
		t.Error(h)
	}
	got, h = ask(s, *a.Id, "POST", "/pets", `{"name":"ada"}`, "Authorization", "good")
	wantAnswer(t, `200 application/json made`, got, h)
	got, h = ask(s, *a.Id, "POST", "/pets", `{"name":"grace"}`, "Authorization", "good")
	wantAnswer(t, `400 application/json {"m":"Invalid request body"}`, got, h)

	merged := must[*apigatewayapi.RestApi](t)(s.PutRestApi(ctx, me, &apigatewayapi.PutRestApiRequest{RestApiId: *a.Id, Mode: "merge", Body: file(t, "openapi.yaml")}))
	if len(merged.Warnings) != 1 {
		t.Errorf("warnings %q", merged.Warnings)
	}
	if got := pathsOf(t, s, *a.Id); !slices.Equal(got, []string{"/", "/pets GET:NONE:MOCK POST:AWS_IAM:MOCK", "/pets/{id} PUT:NONE:MOCK", "/{proxy+} ANY:NONE:AWS_PROXY"}) {
		t.Errorf("merged %q", got)
	}
	must[*apigatewayapi.RestApi](t)(s.PutRestApi(ctx, me, &apigatewayapi.PutRestApiRequest{RestApiId: *a.Id, Mode: "overwrite", Body: file(t, "openapi.yaml")}))
	if got := pathsOf(t, s, *a.Id); !slices.Equal(got, []string{"/", "/pets", "/pets/{id} PUT:NONE:MOCK"}) {
		t.Errorf("overwritten %q", got)
	}
	deploy(t, s, *a.Id, nil)
	got, h = ask(s, *a.Id, "PUT", "/pets/9", `{"name":"x"}`)
	wantAnswer(t, `200 application/json put 9`, got, h)
	got, h = ask(s, *a.Id, "PUT", "/pets/9", `{}`)
	wantAnswer(t, `400 application/json {"message":"Invalid request body"}`, got, h)
}

func TestImportRefuses(t *testing.T) {
	s, _, _ := open(t)
	for _, body := range []string{"", "[]", "{}", `{"swagger":"2.0"}`, `{"openapi":"3.1.0","info":{"title":"x"}}`,
		`{"swagger":"2.0","info":{"title":"x"},"paths":{"x":{}}}`,
		`{"swagger":"2.0","info":{"title":"x"},"paths":{"/x":{"get":{"x-amazon-apigateway-integration":{"type":"magic"}}}}}`,
		`{"swagger":"2.0","info":{"title":"x"},"paths":{"/x":{"get":{"x-amazon-apigateway-request-validator":"none","x-amazon-apigateway-integration":{"type":"mock"}}}}}`} {
		_, err := s.ImportRestApi(t.Context(), me, &apigatewayapi.ImportRestApiRequest{Body: []byte(body)})
		wantError(t, "BadRequestException", "Invalid OpenAPI input", err)
	}
	_, err := s.ImportRestApi(t.Context(), me, &apigatewayapi.ImportRestApiRequest{Body: file(t, "openapi.yaml"), FailOnWarnings: p(true)})
	wantError(t, "BadRequestException", "Warnings found during import", err)
	if apis := must[*apigatewayapi.RestApis](t)(s.GetRestApis(t.Context(), me, &apigatewayapi.GetRestApisRequest{})); len(apis.Items) != 0 {
		t.Errorf("%d APIs were made", len(apis.Items))
	}
}

func TestClone(t *testing.T) {
	s, _, _ := open(t)
	api, root := newAPI(t, s)
	mock(t, s, api, child(t, s, api, root, "x"), "GET", "cloned")
	a := must[*apigatewayapi.RestApi](t)(s.CreateRestApi(t.Context(), me, &apigatewayapi.CreateRestApiRequest{Name: "copy", CloneFrom: &api}))
	deploy(t, s, *a.Id, nil)
	got, h := ask(s, *a.Id, "GET", "/x", "")
	wantAnswer(t, "200 application/json cloned", got, h)
}
