package apigateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway"
)

const requestID = "11223344-5566-7788-99aa-bbccddeeff00"

func deploy(t testing.TB, s *apigateway.Service, api string, variables map[string]string) string {
	t.Helper()
	d := must[*apigatewayapi.Deployment](t)(s.CreateDeployment(t.Context(), me, &apigatewayapi.CreateDeploymentRequest{RestApiId: api, StageName: p("dev"), Variables: variables}))
	return *d.Id
}

// ask sends a request and returns "status content-type body".
func ask(s *apigateway.Service, api, verb, target, body string, header ...string) (string, http.Header) {
	r := httptest.NewRequest(verb, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Plane().ServeData(w, r, aws.Visit{Resource: api, Stage: "dev", Path: r.URL.EscapedPath(),
		Request: aws.Request{ID: requestID, SourceIP: "192.0.2.7", UserAgent: r.UserAgent(), Trace: r.Header.Get("X-Amzn-Trace-Id")},
		Who: func([]byte) (aws.Identity, error) {
			switch r.Header.Get("Authorization") {
			case "":
				return aws.Identity{}, aws.Errorf("MissingAuthenticationTokenException", 403, "Missing Authentication Token")
			case "bad":
				return aws.Identity{}, aws.Errorf("InvalidSignatureException", 403, "The signature is wrong")
			}
			return aws.Identity{Kind: aws.User, Account: me.Account, ARN: "arn:aws:iam::111122223333:user/ada", PrincipalID: "AIDAADA", AccessKey: "AKIAADA"}, nil
		}})
	return fmt.Sprintf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body.String()), w.Header()
}

func wantAnswer(t *testing.T, want string, got string, _ http.Header) {
	t.Helper()
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRouting(t *testing.T) {
	s, _, _ := open(t)
	api, root := newAPI(t, s)
	where := `"$context.resourcePath $context.httpMethod $input.params('id')$input.params('proxy')"`
	pets := child(t, s, api, root, "pets")
	mock(t, s, api, root, "GET", where)
	mock(t, s, api, pets, "ANY", where)
	mock(t, s, api, pets, "POST", where)
	mock(t, s, api, child(t, s, api, pets, "{id}"), "GET", where)
	mock(t, s, api, child(t, s, api, pets, "best"), "GET", where)
	mock(t, s, api, child(t, s, api, root, "{proxy+}"), "GET", where)
	deploy(t, s, api, nil)
	for _, c := range []struct{ verb, path, want string }{
		{"GET", "/", `200 application/json "/ GET "`},
		{"GET", "/pets", `200 application/json "/pets GET "`},
		{"GET", "/pets/", `200 application/json "/pets GET "`},
		{"PATCH", "/pets", `200 application/json "/pets PATCH "`},
		{"POST", "/pets", `200 application/json "/pets POST "`},
		{"GET", "/pets/7", `200 application/json "/pets/{id} GET 7"`},
		{"GET", "/pets/a%20b%2Fc", `200 application/json "/pets/{id} GET a b/c"`},
		{"GET", "/pets/best", `200 application/json "/pets/best GET "`},
		{"GET", "/pets/7/toys/9", `200 application/json "/{proxy+} GET pets/7/toys/9"`},
		{"GET", "/x", `200 application/json "/{proxy+} GET x"`},
		{"PUT", "/x", `403 application/json {"message":"Missing Authentication Token"}`},
		{"DELETE", "/", `403 application/json {"message":"Missing Authentication Token"}`},
	} {
		got, _ := ask(s, api, c.verb, c.path, "")
		if got != c.want {
			t.Errorf("%s %s: %s", c.verb, c.path, got)
		}
	}
	got, h := ask(s, "nope", "GET", "/", "")
	if got != `403 application/json {"message":"Forbidden"}` || h.Get("X-Amzn-Errortype") != "ForbiddenException" || h.Get("X-Amzn-Requestid") != requestID || h.Get("X-Amz-Apigw-Id") == "" {
		t.Error(got, h)
	}
}

func TestDeploymentsAreSnapshots(t *testing.T) {
	s, _, _ := open(t)
	ctx := t.Context()
	api, root := newAPI(t, s)
	mock(t, s, api, root, "GET", "$stageVariables.v one")
	first := deploy(t, s, api, map[string]string{"v": "a"})
	must[*apigatewayapi.IntegrationResponse](t)(s.UpdateIntegrationResponse(ctx, me, &apigatewayapi.UpdateIntegrationResponseRequest{RestApiId: api, ResourceId: root, HttpMethod: "GET", StatusCode: "200",
		PatchOperations: []apigatewayapi.PatchOperation{{Op: "replace", Path: p("/responseTemplates/application~1json"), Value: p("$stageVariables.v two")}}}))
	got, h := ask(s, api, "GET", "/", "")
	wantAnswer(t, "200 application/json a one", got, h)
	second := deploy(t, s, api, nil)
	got, h = ask(s, api, "GET", "/", "")
	wantAnswer(t, "200 application/json a two", got, h)
	change := func(ops ...apigatewayapi.PatchOperation) error {
		_, err := s.UpdateStage(ctx, me, &apigatewayapi.UpdateStageRequest{RestApiId: api, StageName: "dev", PatchOperations: ops})
		return err
	}
	if err := change(apigatewayapi.PatchOperation{Op: "replace", Path: p("/deploymentId"), Value: &first},
		apigatewayapi.PatchOperation{Op: "replace", Path: p("/variables/v"), Value: p("b")}); err != nil {
		t.Fatal(err)
	}
	got, h = ask(s, api, "GET", "/", "")
	wantAnswer(t, "200 application/json b one", got, h)
	if err := change(apigatewayapi.PatchOperation{Op: "replace", Path: p("/canarySettings/deploymentId"), Value: &second},
		apigatewayapi.PatchOperation{Op: "replace", Path: p("/canarySettings/percentTraffic"), Value: p("100")},
		apigatewayapi.PatchOperation{Op: "replace", Path: p("/canarySettings/stageVariableOverrides/v"), Value: p("c")}); err != nil {
		t.Fatal(err)
	}
	got, h = ask(s, api, "GET", "/", "")
	wantAnswer(t, "200 application/json c two", got, h)
	for _, d := range []string{first, second} {
		_, err := s.DeleteDeployment(ctx, me, &apigatewayapi.DeleteDeploymentRequest{RestApiId: api, DeploymentId: d})
		wantError(t, "BadRequestException", "Active stages pointing to this deployment must be moved or deleted", err)
	}
	wantError(t, "BadRequestException", "Deployment id does not exist", change(apigatewayapi.PatchOperation{Op: "replace", Path: p("/deploymentId"), Value: p("nope")}))
	wantError(t, "BadRequestException", "Invalid patch path  '/foo' specified for op 'replace'. Must be one of: [/deploymentId,", change(apigatewayapi.PatchOperation{Op: "replace", Path: p("/foo")}))
	must[*apigatewayapi.DeleteRestApiOutput](t)(s.DeleteRestApi(ctx, me, &apigatewayapi.DeleteRestApiRequest{RestApiId: api}))
	got, h = ask(s, api, "GET", "/", "")
	wantAnswer(t, `403 application/json {"message":"Forbidden"}`, got, h)
}

// jobs is the API of examples/jobs.
func jobs(t testing.TB, s *apigateway.Service) string {
	t.Helper()
	ctx := t.Context()
	api, root := newAPI(t, s)
	all := child(t, s, api, root, "jobs")
	must[*apigatewayapi.Model](t)(s.CreateModel(ctx, me, &apigatewayapi.CreateModelRequest{RestApiId: api, Name: "Job", ContentType: "application/json",
		Schema: p(`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","properties":{"seconds":{"type":"integer","minimum":1}},"required":["seconds"],"additionalProperties":false}`)}))
	v := must[*apigatewayapi.RequestValidator](t)(s.CreateRequestValidator(ctx, me, &apigatewayapi.CreateRequestValidatorRequest{RestApiId: api, Name: p("body"), ValidateRequestBody: p(true)}))
	must[*apigatewayapi.Method](t)(s.PutMethod(ctx, me, &apigatewayapi.PutMethodRequest{RestApiId: api, ResourceId: all, HttpMethod: "POST", AuthorizationType: "AWS_IAM",
		RequestModels: map[string]string{"application/json": "Job"}, RequestValidatorId: v.Id}))
	must[*apigatewayapi.Integration](t)(s.PutIntegration(ctx, me, &apigatewayapi.PutIntegrationRequest{RestApiId: api, ResourceId: all, HttpMethod: "POST", Type: "AWS",
		IntegrationHttpMethod: p("POST"), Uri: p("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:f/invocations"),
		Credentials: p("arn:aws:iam::111122223333:role/api"), PassthroughBehavior: p("NEVER"),
		RequestParameters: map[string]string{"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
		RequestTemplates:  map[string]string{"application/json": `{"id": "$context.requestId", "parameters": $input.body}`}}))
	for status, pattern := range map[string]*string{"200": nil, "500": p(`[45]\d{2}`)} {
		must[*apigatewayapi.MethodResponse](t)(s.PutMethodResponse(ctx, me, &apigatewayapi.PutMethodResponseRequest{RestApiId: api, ResourceId: all, HttpMethod: "POST", StatusCode: status}))
		template := `{"id": "$context.requestId"}`
		if status == "500" {
			template = `{"message": "The job could not be started"}`
		}
		must[*apigatewayapi.IntegrationResponse](t)(s.PutIntegrationResponse(ctx, me, &apigatewayapi.PutIntegrationResponseRequest{RestApiId: api, ResourceId: all, HttpMethod: "POST",
			StatusCode: status, SelectionPattern: pattern, ResponseTemplates: map[string]string{"application/json": template}}))
	}
	deploy(t, s, api, nil)
	return api
}

func TestJobs(t *testing.T) {
	s, w, _ := open(t)
	api := jobs(t, s)
	status := 202
	var got []string
	w.wire = func(id aws.Identity, r *http.Request, body string) (*http.Response, error) {
		got = append(got, r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Amz-Invocation-Type")+" "+id.ARN+" "+body)
		return answer(status, nil, "")
	}
	asJSON := []string{"Content-Type", "application/json; charset=utf-8", "Authorization", "good"}
	text, h := ask(s, api, "POST", "/jobs", `{"seconds":1}`, asJSON...)
	wantAnswer(t, `200 application/json {"id": "`+requestID+`"}`, text, h)
	if want := `POST https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:f/invocations Event ` +
		`arn:aws:iam::111122223333:role/api/BackplaneAssumeRoleSession {"id": "` + requestID + `", "parameters": {"seconds":1}}`; len(got) != 1 || got[0] != want {
		t.Errorf("invoked %q", got)
	}
	if a := w.access[0]; a.Action != "execute-api:Invoke" || a.Resource != "arn:aws:execute-api:eu-west-1:111122223333:"+api+"/dev/POST/jobs" {
		t.Errorf("access %+v", a)
	}
	status = 404
	text, h = ask(s, api, "POST", "/jobs", `{"seconds":1}`, asJSON...)
	wantAnswer(t, `500 application/json {"message": "The job could not be started"}`, text, h)
	for _, body := range []string{`{"seconds":0}`, `{"seconds":"1"}`, `{}`, `{"seconds":1,"x":2}`, `{`, ``, `[]`} {
		text, h = ask(s, api, "POST", "/jobs", body, asJSON...)
		wantAnswer(t, `400 application/json {"message":"Invalid request body"}`, text, h)
	}
	if h.Get("X-Amzn-Errortype") != "BadRequestException" {
		t.Error(h)
	}
	text, h = ask(s, api, "POST", "/jobs", `x`, "Content-Type", "text/plain", "Authorization", "good")
	wantAnswer(t, `415 application/json {"message":"Unsupported Media Type"}`, text, h)
	text, h = ask(s, api, "POST", "/jobs", `{"seconds":1}`, "Content-Type", "application/json")
	wantAnswer(t, `403 application/json {"message":"Missing Authentication Token"}`, text, h)
	text, h = ask(s, api, "POST", "/jobs", `{"seconds":1}`, "Authorization", "bad")
	wantAnswer(t, `403 application/json {"message":"The signature is wrong"}`, text, h)
	w.deny = "/POST/jobs"
	text, h = ask(s, api, "POST", "/jobs", `{"seconds":1}`, asJSON...)
	wantAnswer(t, `403 application/json {"Message":"User: arn:aws:iam::111122223333:user/ada is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:eu-west-1:********3333:`+
		api+`/dev/POST/jobs"}`, text, h)
	w.deny, w.noRoles = "", true
	text, h = ask(s, api, "POST", "/jobs", `{"seconds":1}`, asJSON...)
	wantAnswer(t, `500 application/json {"message": "Internal server error"}`, strings.ReplaceAll(text, `":"`, `": "`), h)
	w.noRoles = false
	w.wire = func(aws.Identity, *http.Request, string) (*http.Response, error) { return nil, errors.New("gone") }
	text, h = ask(s, api, "POST", "/jobs", `{"seconds":1}`, asJSON...)
	wantAnswer(t, `504 application/json {"message":"Network error communicating with endpoint"}`, text, h)
}

// integrated gives the root of a new API an ANY method with an integration, and deploys it.
func integrated(t testing.TB, s *apigateway.Service, in *apigatewayapi.PutIntegrationRequest, patches ...apigatewayapi.PatchOperation) string {
	t.Helper()
	api, root := newAPI(t, s)
	if len(patches) > 0 {
		must[*apigatewayapi.RestApi](t)(s.UpdateRestApi(t.Context(), me, &apigatewayapi.UpdateRestApiRequest{RestApiId: api, PatchOperations: patches}))
	}
	in.RestApiId, in.ResourceId, in.HttpMethod = api, child(t, s, api, root, "{proxy+}"), "ANY"
	must[*apigatewayapi.Method](t)(s.PutMethod(t.Context(), me, &apigatewayapi.PutMethodRequest{RestApiId: api, ResourceId: in.ResourceId, HttpMethod: "ANY", AuthorizationType: "NONE",
		RequestParameters: map[string]bool{"method.request.path.proxy": true}}))
	must[*apigatewayapi.Integration](t)(s.PutIntegration(t.Context(), me, in))
	deploy(t, s, api, map[string]string{"host": "example.com"})
	return api
}

func TestFunctionProxy(t *testing.T) {
	s, w, _ := open(t)
	api := integrated(t, s, &apigatewayapi.PutIntegrationRequest{Type: "AWS_PROXY", IntegrationHttpMethod: p("POST"),
		Uri: p("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:f/invocations")},
		apigatewayapi.PatchOperation{Op: "add", Path: p("/binaryMediaTypes/image~1png"), Value: p("image/png")})
	result, failed := "", ""
	var as aws.Identity
	var event map[string]any
	w.wire = func(id aws.Identity, _ *http.Request, body string) (*http.Response, error) {
		as, event = id, nil
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Error(err)
		}
		h := http.Header{}
		if failed != "" {
			h.Set("X-Amz-Function-Error", failed)
		}
		return answer(200, h, result)
	}
	for _, c := range []struct{ result, failed, want string }{
		{`{"statusCode":201,"body":"hi","headers":{"X-A":"1","Content-Type":"text/plain"}}`, "", "201 text/plain hi"},
		{`{"statusCode":"200","body":null}`, "", "200 application/json "},
		{`{"statusCode":200,"multiValueHeaders":{"Content-Type":["text/html"]},"body":"x"}`, "", "200 text/html x"},
		{`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, "", "200 application/json aGk="},
		{`{"statusCode":200,"body":{"a":1}}`, "", `502 application/json {"message":"Internal server error"}`},
		{`{"hello":"world"}`, "", `502 application/json {"message":"Internal server error"}`},
		{`"hello"`, "", `502 application/json {"message":"Internal server error"}`},
		{`hello`, "", `502 application/json {"message":"Internal server error"}`},
		{`{"statusCode":"many"}`, "", `502 application/json {"message":"Internal server error"}`},
		{`{"errorMessage":"x"}`, "Unhandled", `502 application/json {"message":"Internal server error"}`},
	} {
		result, failed = c.result, c.failed
		got, h := ask(s, api, "POST", "/a/b%20c?q=1&q=2&r=", "body", "X-One", "1", "X-One", "2")
		wantAnswer(t, c.want, got, h)
	}
	if as.Service != "apigateway.amazonaws.com" || as.SourceARN != "arn:aws:execute-api:eu-west-1:111122223333:"+api+"/dev/POST/{proxy+}" {
		t.Errorf("called as %+v", as)
	}
	rc := event["requestContext"].(map[string]any)
	for k, want := range map[string]string{"requestId": requestID, "path": "/dev/a/b%20c", "stage": "dev", "httpMethod": "POST", "resourcePath": "/{proxy+}", "apiId": api,
		"accountId": "111122223333", "requestTime": "02/Jan/2026:03:04:05 +0000", "domainName": "example.com"} {
		if got := fmt.Sprint(rc[k]); got != want {
			t.Errorf("requestContext.%s is %s, want %s", k, got, want)
		}
	}
	for _, c := range []struct{ got, want any }{
		{event["path"], "/a/b c"}, {event["resource"], "/{proxy+}"}, {event["body"], "body"}, {event["isBase64Encoded"], false},
		{event["pathParameters"], map[string]any{"proxy": "a/b c"}}, {event["queryStringParameters"], map[string]any{"q": "2", "r": ""}},
		{event["multiValueQueryStringParameters"], map[string]any{"q": []any{"1", "2"}, "r": []any{""}}},
		{event["stageVariables"], map[string]any{"host": "example.com"}}, {event["headers"].(map[string]any)["X-One"], "2"},
		{event["multiValueHeaders"].(map[string]any)["X-One"], []any{"1", "2"}}, {rc["identity"].(map[string]any)["sourceIp"], "192.0.2.7"},
		{rc["identity"].(map[string]any)["userArn"], nil},
	} {
		if fmt.Sprint(c.got) != fmt.Sprint(c.want) {
			t.Errorf("event has %v, want %v", c.got, c.want)
		}
	}
	failed, result = "", `{"statusCode":200,"body":"aGk=","isBase64Encoded":true,"headers":{"Content-Type":"image/png","Date":"x"}}`
	got, h := ask(s, api, "POST", "/a", "\x89PNG", "Content-Type", "image/png", "Accept", "image/png")
	wantAnswer(t, "200 image/png hi", got, h)
	if event["body"] != "iVBORw==" || event["isBase64Encoded"] != true || h.Get("X-Amzn-Remapped-Date") != "x" {
		t.Errorf("binary: %v %v", event["body"], h)
	}
}

func TestHTTPProxy(t *testing.T) {
	s, w, _ := open(t)
	api := integrated(t, s, &apigatewayapi.PutIntegrationRequest{Type: "HTTP_PROXY", IntegrationHttpMethod: p("ANY"), Uri: p("http://${stageVariables.host}/base/{proxy}?k=v"),
		RequestParameters: map[string]string{"integration.request.path.proxy": "method.request.path.proxy", "integration.request.header.X-Static": "'s'",
			"integration.request.querystring.id": "context.requestId"}})
	w.http = func(r *http.Request, body string) (*http.Response, error) {
		names := []string{}
		for k := range r.Header {
			names = append(names, k)
		}
		slices.Sort(names)
		return answer(418, http.Header{"Content-Type": {"text/plain"}, "Server": {"teapot"}, "X-Own": {"1", "2"}},
			fmt.Sprint(r.Method, " ", r.Host, " ", r.URL, " ", body, " ", r.Header.Get("X-Static"), " ", strings.Join(names, ",")))
	}
	got, h := ask(s, api, "PUT", "/x/y%20z?a=1", "b", "X-Client", "c")
	wantAnswer(t, "418 text/plain PUT example.com http://example.com/base/x/y%20z?a=1&id="+requestID+"&k=v b s User-Agent,X-Amzn-Apigateway-Api-Id,X-Client,X-Forwarded-For,X-Forwarded-Port,X-Forwarded-Proto,X-Static", got, h)
	if h.Get("Server") != "" || h.Get("X-Amzn-Remapped-Server") != "teapot" || len(h["X-Own"]) != 2 {
		t.Error(h)
	}
}

func TestTimeout(t *testing.T) {
	s, w, _ := open(t)
	api := integrated(t, s, &apigatewayapi.PutIntegrationRequest{Type: "HTTP_PROXY", IntegrationHttpMethod: p("GET"), Uri: p("http://example.com/"), TimeoutInMillis: p(int32(50))})
	end := make(chan struct{})
	defer close(end)
	w.http = func(*http.Request, string) (*http.Response, error) { <-end; return nil, errors.New("late") }
	got, h := ask(s, api, "GET", "/x", "")
	wantAnswer(t, `504 application/json {"message":"Endpoint request timed out"}`, got, h)
	got, h = ask(s, api, "POST", "/x", strings.Repeat("x", 10<<20+1))
	wantAnswer(t, `413 application/json {"message":"Request Too Long"}`, got, h)
}
