package apigateway_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway"
)

const authorizerURI = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:guard/invocations"

// guarded is an API whose GET / answers what an authorizer said.
func guarded(t *testing.T, s *apigateway.Service, in *apigatewayapi.CreateAuthorizerRequest) (api, authorizer string) {
	t.Helper()
	api, root := newAPI(t, s)
	in.RestApiId, in.Name, in.AuthorizerUri = api, "guard", p(authorizerURI)
	a := must[*apigatewayapi.Authorizer](t)(s.CreateAuthorizer(t.Context(), me, in))
	mock(t, s, api, root, "GET", `"$context.authorizer.principalId $context.authorizer.n"`)
	mock(t, s, api, child(t, s, api, root, "other"), "GET", `"other"`)
	for _, r := range must[*apigatewayapi.Resources](t)(s.GetResources(t.Context(), me, &apigatewayapi.GetResourcesRequest{RestApiId: api})).Items {
		must[*apigatewayapi.Method](t)(s.UpdateMethod(t.Context(), me, &apigatewayapi.UpdateMethodRequest{RestApiId: api, ResourceId: *r.Id, HttpMethod: "GET", PatchOperations: []apigatewayapi.PatchOperation{
			{Op: "replace", Path: p("/authorizationType"), Value: p("CUSTOM")}, {Op: "replace", Path: p("/authorizerId"), Value: a.Id}}}))
	}
	deploy(t, s, api, map[string]string{"v": "1"})
	return api, *a.Id
}

func verdict(effect, resource string) string {
	return `{"principalId":"ada","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"execute-api:Invoke","Resource":"` + resource + `"}]},"context":{"n":1}}`
}

// says has the authorizer's function answer, and notes what it was asked.
func (w *world) says(failed bool, answer string) *[]map[string]any {
	asked := &[]map[string]any{}
	w.lambda = func(id aws.Identity, in *lambdaapi.InvocationRequest) (*lambdaapi.InvocationResponse, error) {
		var q map[string]any
		if err := json.Unmarshal(in.Payload, &q); err != nil {
			return nil, err
		}
		q["function"], q["as"] = in.FunctionName, id.SourceARN
		*asked = append(*asked, q)
		out := &lambdaapi.InvocationResponse{Payload: []byte(answer)}
		if failed {
			out.FunctionError = p("Unhandled")
		}
		return out, nil
	}
	return asked
}

func TestTokenAuthorizer(t *testing.T) {
	s, w, c := open(t)
	api, id := guarded(t, s, &apigatewayapi.CreateAuthorizerRequest{Type: "TOKEN", IdentitySource: p("method.request.header.Token"), IdentityValidationExpression: p("t.*")})
	arn := "arn:aws:execute-api:eu-west-1:111122223333:" + api + "/dev/GET/"
	asked := w.says(false, verdict("Allow", arn))
	for range 3 {
		got, h := ask(s, api, "GET", "/", "", "Token", "t1")
		wantAnswer(t, `200 application/json "ada 1"`, got, h)
	}
	if len(*asked) != 1 {
		t.Fatalf("asked %d times", len(*asked))
	}
	if q := (*asked)[0]; q["type"] != "TOKEN" || q["authorizationToken"] != "t1" || q["methodArn"] != arn || q["function"] != "arn:aws:lambda:eu-west-1:111122223333:function:guard" ||
		q["as"] != "arn:aws:execute-api:eu-west-1:111122223333:"+api+"/authorizers/"+id {
		t.Errorf("%v", q)
	}
	// The answer is remembered for the token, whatever it asks for.
	got, h := ask(s, api, "GET", "/other", "", "Token", "t1")
	wantAnswer(t, `403 application/json {"Message":"User is not authorized to access this resource"}`, got, h)
	for _, token := range []string{"", "x"} {
		got, h := ask(s, api, "GET", "/", "", "Token", token)
		wantAnswer(t, `401 application/json {"message":"Unauthorized"}`, got, h)
	}
	if len(*asked) != 1 {
		t.Errorf("asked %d times", len(*asked))
	}
	if _, err := c.Advance(t.Context(), 301*time.Second); err != nil {
		t.Fatal(err)
	}
	ask(s, api, "GET", "/", "", "Token", "t1")
	must[*apigatewayapi.FlushStageAuthorizersCacheOutput](t)(s.FlushStageAuthorizersCache(t.Context(), me, &apigatewayapi.FlushStageAuthorizersCacheRequest{RestApiId: api, StageName: "dev"}))
	ask(s, api, "GET", "/", "", "Token", "t1")
	if len(*asked) != 3 {
		t.Errorf("asked %d times, want anew after its life and after the flush", len(*asked))
	}
	for i, a := range []struct {
		failed       bool
		answer, want string
	}{
		{false, verdict("Deny", "*"), `403 application/json {"Message":"User is not authorized to access this resource with an explicit deny"}`},
		{true, `{"errorMessage":"Unauthorized"}`, `401 application/json {"message":"Unauthorized"}`},
		{true, `{"errorMessage":"broken"}`, `500 application/json {"message":null}`},
		{false, `"yes"`, `500 application/json {"message":null}`},
		{false, `{"principalId":"x"}`, `500 application/json {"message":null}`},
	} {
		w.says(a.failed, a.answer)
		got, h := ask(s, api, "GET", "/", "", "Token", "t"+strings.Repeat("x", i+2))
		wantAnswer(t, a.want, got, h)
	}
	_, err := s.DeleteAuthorizer(t.Context(), me, &apigatewayapi.DeleteAuthorizerRequest{RestApiId: api, AuthorizerId: id})
	wantError(t, "ConflictException", "Cannot delete authorizer", err)
}

func TestRequestAuthorizer(t *testing.T) {
	s, w, _ := open(t)
	api, _ := guarded(t, s, &apigatewayapi.CreateAuthorizerRequest{Type: "REQUEST", IdentitySource: p("method.request.header.A, method.request.querystring.q, stageVariables.v"), AuthorizerResultTtlInSeconds: p(int32(60))})
	asked := w.says(false, verdict("Allow", "*"))
	for _, c := range []struct{ header, target, want string }{
		{"a", "/?q=1", `200 application/json "ada 1"`}, {"a", "/?q=1&more=2", `200 application/json "ada 1"`}, {"a", "/?q=2", `200 application/json "ada 1"`},
		{"a", "/", `401 application/json {"message":"Unauthorized"}`}, {"", "/?q=1", `401 application/json {"message":"Unauthorized"}`},
	} {
		got, h := ask(s, api, "GET", c.target, "", "A", c.header)
		wantAnswer(t, c.want, got, h)
	}
	if len(*asked) != 2 {
		t.Fatalf("asked %d times", len(*asked))
	}
	q := (*asked)[0]
	if _, body := q["body"]; body || q["type"] != "REQUEST" || q["httpMethod"] != "GET" || q["path"] != "/" || q["queryStringParameters"].(map[string]any)["q"] != "1" ||
		q["stageVariables"].(map[string]any)["v"] != "1" || q["requestContext"].(map[string]any)["requestId"] != requestID {
		t.Errorf("%v", q)
	}
	// A resource policy that denies is asked first.
	must[*apigatewayapi.RestApi](t)(s.UpdateRestApi(t.Context(), me, &apigatewayapi.UpdateRestApiRequest{RestApiId: api, PatchOperations: []apigatewayapi.PatchOperation{{Op: "replace", Path: p("/policy"),
		Value: p(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/dev/GET/other"}]}`)}}}))
	deploy(t, s, api, nil)
	got, h := ask(s, api, "GET", "/other?q=9", "", "A", "a")
	wantAnswer(t, `403 application/json {"Message":"User is not authorized to access this resource with an explicit deny"}`, got, h)
	if len(*asked) != 2 {
		t.Errorf("asked %d times", len(*asked))
	}
	got, h = ask(s, api, "GET", "/?q=9", "", "A", "a")
	wantAnswer(t, `200 application/json "ada 1"`, got, h)
}

func TestAuthorizersAreChecked(t *testing.T) {
	s, _, _ := open(t)
	api, _ := newAPI(t, s)
	for _, in := range []apigatewayapi.CreateAuthorizerRequest{
		{Type: "TOKEN", AuthorizerUri: p(authorizerURI)},
		{Type: "TOKEN", AuthorizerUri: p("arn:aws:lambda:eu-west-1:111122223333:function:guard"), IdentitySource: p("method.request.header.A")},
		{Type: "REQUEST", AuthorizerUri: p(authorizerURI)},
		{Type: "REQUEST", AuthorizerUri: p(authorizerURI), IdentitySource: p("header.A")},
		{Type: "TOKEN", AuthorizerUri: p(authorizerURI), IdentitySource: p("method.request.header.A"), AuthorizerResultTtlInSeconds: p(int32(3601))},
		{Type: "COGNITO_USER_POOLS", ProviderARNs: []string{"x"}},
	} {
		in.RestApiId, in.Name = api, "a"
		if _, err := s.CreateAuthorizer(t.Context(), me, &in); aws.CodeOf(err) != "BadRequestException" {
			t.Errorf("%+v: %v", in, err)
		}
	}
	if l := must[*apigatewayapi.Authorizers](t)(s.GetAuthorizers(t.Context(), me, &apigatewayapi.GetAuthorizersRequest{RestApiId: api})); len(l.Items) != 0 {
		t.Errorf("%d are there", len(l.Items))
	}
}

func TestImportedAuthorizer(t *testing.T) {
	s, w, _ := open(t)
	file := `{"openapi":"3.0.1","info":{"title":"t"},"paths":{"/":{"get":{"security":[{"guard":[]}],"responses":{"200":{}},
	  "x-amazon-apigateway-integration":{"type":"mock","requestTemplates":{"application/json":"{\"statusCode\":200}"},"responses":{"default":{"statusCode":"200"}}}}}},
	  "components":{"securitySchemes":{"guard":{"type":"apiKey","name":"Token","in":"header","x-amazon-apigateway-authtype":"custom",
	    "x-amazon-apigateway-authorizer":{"type":"token","authorizerUri":"` + authorizerURI + `","authorizerResultTtlInSeconds":0}}}}}`
	api := *must[*apigatewayapi.RestApi](t)(s.ImportRestApi(t.Context(), me, &apigatewayapi.ImportRestApiRequest{Body: []byte(file)})).Id
	deploy(t, s, api, nil)
	asked := w.says(false, verdict("Allow", "*"))
	for range 2 {
		if got, _ := ask(s, api, "GET", "/", "", "Token", "x"); !strings.HasPrefix(got, "200 ") {
			t.Error(got)
		}
	}
	if got, _ := ask(s, api, "GET", "/", ""); !strings.HasPrefix(got, "401 ") {
		t.Error(got)
	}
	if len(*asked) != 2 {
		t.Errorf("asked %d times: with a life of 0 each request asks", len(*asked))
	}
}
