package apigateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway"
)

// httpMethod is an HTTP integration of GET /{id}, with responses by status.
func httpMethod(t testing.TB, s *apigateway.Service, in *apigatewayapi.PutIntegrationRequest, parameters map[string]bool, responses ...*apigatewayapi.PutIntegrationResponseRequest) (api, resource string) {
	t.Helper()
	ctx := t.Context()
	api, root := newAPI(t, s)
	resource = child(t, s, api, root, "{id}")
	v := must[*apigatewayapi.RequestValidator](t)(s.CreateRequestValidator(ctx, me, &apigatewayapi.CreateRequestValidatorRequest{RestApiId: api, ValidateRequestParameters: p(true)}))
	must[*apigatewayapi.Method](t)(s.PutMethod(ctx, me, &apigatewayapi.PutMethodRequest{RestApiId: api, ResourceId: resource, HttpMethod: "POST", AuthorizationType: "NONE",
		RequestParameters: parameters, RequestValidatorId: v.Id}))
	in.RestApiId, in.ResourceId, in.HttpMethod, in.Type = api, resource, "POST", "HTTP"
	must[*apigatewayapi.Integration](t)(s.PutIntegration(ctx, me, in))
	for _, r := range responses {
		r.RestApiId, r.ResourceId, r.HttpMethod = api, resource, "POST"
		declared := map[string]bool{}
		for name := range r.ResponseParameters {
			declared[name] = false
		}
		must[*apigatewayapi.MethodResponse](t)(s.PutMethodResponse(ctx, me, &apigatewayapi.PutMethodResponseRequest{RestApiId: api, ResourceId: resource, HttpMethod: "POST", StatusCode: r.StatusCode, ResponseParameters: declared}))
		must[*apigatewayapi.IntegrationResponse](t)(s.PutIntegrationResponse(ctx, me, r))
	}
	return api, resource
}

func TestMappings(t *testing.T) {
	s, w, _ := open(t)
	api, _ := httpMethod(t, s, &apigatewayapi.PutIntegrationRequest{IntegrationHttpMethod: p("PUT"), Uri: p("https://backend/{where}"),
		RequestParameters: map[string]string{"integration.request.path.where": "method.request.path.id", "integration.request.header.X-Body": "method.request.body.a[1].b",
			"integration.request.querystring.q": "method.request.multivaluequerystring.q", "integration.request.header.X-Var": "stageVariables.v"},
		RequestTemplates: map[string]string{"application/json": `#set($context.requestOverride.header.X-Over = "o$input.params('h')")$input.json('$.a') $input.params().querystring.q $util.base64Encode('x')`}},
		map[string]bool{"method.request.querystring.q": true, "method.request.header.h": true, "method.request.path.id": true},
		&apigatewayapi.PutIntegrationResponseRequest{StatusCode: "200", ResponseParameters: map[string]string{"method.response.header.X-From": "integration.response.header.X-Own",
			"method.response.header.X-In": "integration.response.body.m.n", "method.response.header.X-All": "integration.response.multivalueheader.X-Own"},
			ResponseTemplates: map[string]string{"application/json": `{"got":$input.json('$.m')}`, "text/plain": `got $input.path('$.m.n')`}},
		&apigatewayapi.PutIntegrationResponseRequest{StatusCode: "409", SelectionPattern: p(`4\d\d`)})
	deploy(t, s, api, map[string]string{"v": "var"})
	var sent string
	w.http = func(r *http.Request, body string) (*http.Response, error) {
		sent = strings.Join([]string{r.Method, r.URL.String(), r.Header.Get("X-Body"), r.Header.Get("X-Var"), r.Header.Get("X-Over"), body}, "|")
		return answer(200, http.Header{"X-Own": {"1", "2"}, "Content-Type": {"application/json"}}, `{"m":{"n":5}}`)
	}
	const body = `{"a":[1,{"b":"deep"}]}`
	got, h := ask(s, api, "POST", "/x%2Fy?q=1&q=2", body, "h", "H")
	wantAnswer(t, `200 application/json {"got":{"n":5}}`, got, h)
	if want := `PUT|https://backend/x/y?q=1&q=2|deep|var|oH|[1,{"b":"deep"}] 2 eA==`; sent != want {
		t.Errorf("sent %s, want %s", sent, want)
	}
	if h.Get("X-From") != "2" || h.Get("X-In") != "5" || len(h["X-All"]) != 2 {
		t.Error(h)
	}
	got, h = ask(s, api, "POST", "/x?q=1", body, "h", "H", "Accept", "text/plain")
	wantAnswer(t, `200 text/plain got 5`, got, h)
	w.http = func(*http.Request, string) (*http.Response, error) { return answer(200, nil, "<xml/>") }
	got, h = ask(s, api, "POST", "/x?q=1", body, "h", "H")
	wantAnswer(t, `200 application/json {"got":""}`, got, h)
	w.http = func(*http.Request, string) (*http.Response, error) {
		return answer(404, nil, `{"m":{"n":5}}`)
	}
	got, h = ask(s, api, "POST", "/x?q=1", body, "h", "H")
	wantAnswer(t, `409 application/json {"m":{"n":5}}`, got, h)
	got, h = ask(s, api, "POST", "/x", body)
	wantAnswer(t, `400 application/json {"message":"Missing required request parameters: [h, q]"}`, got, h)
	got, h = ask(s, api, "POST", "/x?q=1", `{"a`, "h", "H")
	if !strings.HasPrefix(got, `400 application/json {"message":"Could not parse request body into json`) {
		t.Error(got)
	}
}

func TestGatewayResponses(t *testing.T) {
	s, _, _ := open(t)
	ctx := t.Context()
	api, _ := httpMethod(t, s, &apigatewayapi.PutIntegrationRequest{IntegrationHttpMethod: p("GET"), Uri: p("http://backend/")}, map[string]bool{"method.request.querystring.q": true})
	list := must[*apigatewayapi.GatewayResponses](t)(s.GetGatewayResponses(ctx, me, &apigatewayapi.GetGatewayResponsesRequest{RestApiId: api}))
	if len(list.Items) != 21 || !*list.Items[0].DefaultResponse || *list.Items[0].StatusCode != "403" {
		t.Errorf("%d responses", len(list.Items))
	}
	must[*apigatewayapi.GatewayResponse](t)(s.PutGatewayResponse(ctx, me, &apigatewayapi.PutGatewayResponseRequest{RestApiId: api, ResponseType: "BAD_REQUEST_PARAMETERS", StatusCode: p("422"),
		ResponseParameters: map[string]string{"gatewayresponse.header.Access-Control-Allow-Origin": "'*'", "gatewayresponse.header.X-Path": "method.request.path.id"},
		ResponseTemplates:  map[string]string{"application/json": `{"why":$context.error.messageString,"type":"$context.error.responseType","detail":"$context.error.validationErrorString"}`}}))
	must[*apigatewayapi.GatewayResponse](t)(s.PutGatewayResponse(ctx, me, &apigatewayapi.PutGatewayResponseRequest{RestApiId: api, ResponseType: "DEFAULT_4XX",
		ResponseTemplates: map[string]string{"text/plain": `$context.error.message`}}))
	deploy(t, s, api, nil)
	got, h := ask(s, api, "POST", "/7", "")
	wantAnswer(t, `422 application/json {"why":"Missing required request parameters: [q]","type":"BAD_REQUEST_PARAMETERS","detail":"Missing required request parameters: [q]"}`, got, h)
	if h.Get("Access-Control-Allow-Origin") != "*" || h.Get("X-Path") != "7" {
		t.Error(h)
	}
	got, h = ask(s, api, "GET", "/7", "")
	wantAnswer(t, `403 text/plain Missing Authentication Token`, got, h)
	_, err := s.GetGatewayResponse(ctx, me, &apigatewayapi.GetGatewayResponseRequest{RestApiId: api, ResponseType: "NOPE"})
	wantError(t, "NotFoundException", "", err)
	must[*apigatewayapi.DeleteGatewayResponseOutput](t)(s.DeleteGatewayResponse(ctx, me, &apigatewayapi.DeleteGatewayResponseRequest{RestApiId: api, ResponseType: "DEFAULT_4XX"}))
	_, err = s.DeleteGatewayResponse(ctx, me, &apigatewayapi.DeleteGatewayResponseRequest{RestApiId: api, ResponseType: "DEFAULT_4XX"})
	wantError(t, "NotFoundException", "", err)
}

func TestThrottle(t *testing.T) {
	s, _, c := open(t)
	api, root := newAPI(t, s)
	mock(t, s, api, root, "GET", "ok")
	deploy(t, s, api, nil)
	must[*apigatewayapi.Stage](t)(s.UpdateStage(t.Context(), me, &apigatewayapi.UpdateStageRequest{RestApiId: api, StageName: "dev", PatchOperations: []apigatewayapi.PatchOperation{
		{Op: "replace", Path: p("/*/*/throttling/rateLimit"), Value: p("1")}, {Op: "replace", Path: p("/*/*/throttling/burstLimit"), Value: p("2")}}}))
	for i, want := range []string{"200 application/json ok", "200 application/json ok", `429 application/json {"message":"Too Many Requests"}`} {
		if got, _ := ask(s, api, "GET", "/", ""); got != want {
			t.Errorf("request %d: %s", i, got)
		}
	}
	if _, err := c.Advance(t.Context(), 1e9); err != nil {
		t.Fatal(err)
	}
	got, h := ask(s, api, "GET", "/", "")
	wantAnswer(t, "200 application/json ok", got, h)
}

func TestLogsAndTraces(t *testing.T) {
	s, w, _ := open(t)
	ctx := t.Context()
	api, root := newAPI(t, s)
	mock(t, s, api, root, "GET", "ok")
	deploy(t, s, api, nil)
	_, err := s.UpdateStage(ctx, me, &apigatewayapi.UpdateStageRequest{RestApiId: api, StageName: "dev", PatchOperations: []apigatewayapi.PatchOperation{
		{Op: "replace", Path: p("/accessLogSettings/format"), Value: p("$context.status")}}})
	wantError(t, "BadRequestException", "Access Log format must include at least $context.requestId", err)
	must[*apigatewayapi.Stage](t)(s.UpdateStage(ctx, me, &apigatewayapi.UpdateStageRequest{RestApiId: api, StageName: "dev", PatchOperations: []apigatewayapi.PatchOperation{
		{Op: "replace", Path: p("/accessLogSettings/destinationArn"), Value: p("arn:aws:logs:eu-west-1:111122223333:log-group:access:*")},
		{Op: "replace", Path: p("/accessLogSettings/format"), Value: p(`{"id":"$context.requestId","agent":"$context.identity.userAgent","user":"$context.identity.user","status":$context.status,"err":$context.error.messageString}`)},
		{Op: "replace", Path: p("/tracingEnabled"), Value: p("true")}, {Op: "replace", Path: p("/~1/GET/logging/loglevel"), Value: p("INFO")},
		{Op: "replace", Path: p("/~1/GET/logging/dataTrace"), Value: p("true")}}}))
	must[*apigatewayapi.Account](t)(s.UpdateAccount(ctx, me, &apigatewayapi.UpdateAccountRequest{PatchOperations: []apigatewayapi.PatchOperation{
		{Op: "replace", Path: p("/cloudwatchRoleArn"), Value: p("arn:aws:iam::111122223333:role/logs")}}}))
	if a := must[*apigatewayapi.Account](t)(s.GetAccount(ctx, me, &apigatewayapi.GetAccountRequest{})); *a.CloudwatchRoleArn != "arn:aws:iam::111122223333:role/logs" || *a.ThrottleSettings.BurstLimit != 5000 {
		t.Errorf("%+v", a)
	}
	ask(s, api, "GET", "/", "", "User-Agent", `a"b`)
	ask(s, api, "GET", "/nope", "")
	s.Plane().Flush(ctx)
	want := []string{`access {"id":"` + requestID + `","agent":"a\"b","user":"-","status":200,"err":-}`,
		`access {"id":"` + requestID + `","agent":"-","user":"-","status":403,"err":"Missing Authentication Token"}`}
	var access, execution []string
	for _, l := range w.lines {
		if strings.HasPrefix(l, "access ") {
			access = append(access, l)
		} else {
			execution = append(execution, l)
		}
	}
	if strings.Join(access, "\n") != strings.Join(want, "\n") {
		t.Errorf("access log:\n%s", strings.Join(access, "\n"))
	}
	group := "API-Gateway-Execution-Logs_" + api + "/dev"
	if all := strings.Join(execution, "\n"); len(w.groups) != 1 || w.groups[0] != group || !strings.Contains(all, group+" ("+requestID+") Starting execution for request: "+requestID) ||
		!strings.Contains(all, "Method completed with status: 200") || !strings.Contains(all, "Method request path: {}") {
		t.Errorf("execution log in %v:\n%s", w.groups, all)
	}
	if len(w.traces) != 2 {
		t.Fatalf("%d traces", len(w.traces))
	}
	var segment struct {
		ID      string `json:"id"`
		TraceID string `json:"trace_id"`
		Name    string `json:"name"`
		Error   bool   `json:"error"`
	}
	if err := json.Unmarshal([]byte(w.traces[1]), &segment); err != nil || segment.Name != "pets/dev" || len(segment.ID) != 16 || !strings.HasPrefix(segment.TraceID, "1-") || !segment.Error {
		t.Errorf("%v %+v", err, segment)
	}
}

func TestCORS(t *testing.T) {
	s, _, _ := open(t)
	api, root := newAPI(t, s)
	mock(t, s, api, root, "OPTIONS", "")
	ctx := t.Context()
	must[*apigatewayapi.MethodResponse](t)(s.UpdateMethodResponse(ctx, me, &apigatewayapi.UpdateMethodResponseRequest{RestApiId: api, ResourceId: root, HttpMethod: "OPTIONS", StatusCode: "200",
		PatchOperations: []apigatewayapi.PatchOperation{{Op: "add", Path: p("/responseParameters/method.response.header.Access-Control-Allow-Origin"), Value: p("false")}}}))
	must[*apigatewayapi.IntegrationResponse](t)(s.UpdateIntegrationResponse(ctx, me, &apigatewayapi.UpdateIntegrationResponseRequest{RestApiId: api, ResourceId: root, HttpMethod: "OPTIONS", StatusCode: "200",
		PatchOperations: []apigatewayapi.PatchOperation{{Op: "add", Path: p("/responseParameters/method.response.header.Access-Control-Allow-Origin"), Value: p("'*'")}}}))
	deploy(t, s, api, nil)
	got, h := ask(s, api, "OPTIONS", "/", "", "Origin", "http://x", "Access-Control-Request-Method", "GET")
	wantAnswer(t, "200 application/json ", got, h)
	if h.Get("Access-Control-Allow-Origin") != "*" {
		t.Error(h)
	}
}

func TestResourcePolicy(t *testing.T) {
	s, w, _ := open(t)
	ctx := t.Context()
	api, root := newAPI(t, s)
	mock(t, s, api, root, "GET", "ok")
	change := func(policy string) error {
		_, err := s.UpdateRestApi(ctx, me, &apigatewayapi.UpdateRestApiRequest{RestApiId: api, PatchOperations: []apigatewayapi.PatchOperation{{Op: "replace", Path: p("/policy"), Value: &policy}}})
		return err
	}
	wantError(t, "BadRequestException", "Invalid policy document", change(`{"Statement":1}`))
	if err := change(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*"}]}`); err != nil {
		t.Fatal(err)
	}
	deploy(t, s, api, nil)
	got, h := ask(s, api, "GET", "/", "")
	wantAnswer(t, "200 application/json ok", got, h)
	if a, id := w.access[0], w.asked[0]; id.Kind != aws.Anonymous || !a.Decisive || !strings.Contains(a.ResourcePolicy, `"arn:aws:execute-api:eu-west-1:111122223333:`+api+`/*"`) {
		t.Errorf("%+v of %+v", a, id)
	}
	shown := must[*apigatewayapi.RestApi](t)(s.GetRestApi(ctx, me, &apigatewayapi.GetRestApiRequest{RestApiId: api}))
	if !strings.HasPrefix(*shown.Policy, `{\"Version\"`) {
		t.Error(*shown.Policy)
	}
}

func TestTags(t *testing.T) {
	s, _, _ := open(t)
	ctx := t.Context()
	api, root := newAPI(t, s)
	mock(t, s, api, root, "GET", "ok")
	deploy(t, s, api, nil)
	for _, arn := range []string{"arn:aws:apigateway:eu-west-1::/restapis/" + api, "arn:aws:apigateway:eu-west-1::/restapis/" + api + "/stages/dev"} {
		must[*apigatewayapi.TagResourceOutput](t)(s.TagResource(ctx, me, &apigatewayapi.TagResourceRequest{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}}))
		must[*apigatewayapi.UntagResourceOutput](t)(s.UntagResource(ctx, me, &apigatewayapi.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{"a"}}))
		if tags := must[*apigatewayapi.Tags](t)(s.GetTags(ctx, me, &apigatewayapi.GetTagsRequest{ResourceArn: arn})); len(tags.Tags) != 1 || tags.Tags["b"] != "2" {
			t.Errorf("%s: %v", arn, tags.Tags)
		}
	}
	_, err := s.TagResource(ctx, me, &apigatewayapi.TagResourceRequest{ResourceArn: "arn:aws:apigateway:eu-west-1::/restapis/" + api, Tags: map[string]string{"aws:x": "1"}})
	wantError(t, "BadRequestException", "reserved", err)
}

func TestTestInvoke(t *testing.T) {
	s, w, _ := open(t)
	api, resource := httpMethod(t, s, &apigatewayapi.PutIntegrationRequest{IntegrationHttpMethod: p("GET"), Uri: p("http://backend/{x}"),
		RequestParameters: map[string]string{"integration.request.path.x": "method.request.path.id"}}, map[string]bool{"method.request.path.id": true},
		&apigatewayapi.PutIntegrationResponseRequest{StatusCode: "200", ResponseTemplates: map[string]string{"application/json": `$input.body $stageVariables.v`}})
	w.http = func(r *http.Request, _ string) (*http.Response, error) { return answer(200, nil, r.URL.Path) }
	out := must[*apigatewayapi.TestInvokeMethodResponse](t)(s.TestInvokeMethod(t.Context(), me, &apigatewayapi.TestInvokeMethodRequest{RestApiId: api, ResourceId: resource, HttpMethod: "POST",
		PathWithQueryString: p("/seven?x=1"), StageVariables: map[string]string{"v": "w"}, Body: p("{}")}))
	if *out.Status != 200 || *out.Body != "/seven w" || !strings.HasPrefix(*out.Log, "Execution log for request "+me.Request.ID+"\nFri Jan 02 03:04:05 UTC 2026 : Starting execution for request: "+me.Request.ID+"\n") ||
		!strings.Contains(*out.Log, " : Method request path: {id=seven}\n") || !strings.HasSuffix(*out.Log, " : Method completed with status: 200\n") {
		t.Errorf("%d %s\n%s", *out.Status, *out.Body, *out.Log)
	}
	_, err := s.TestInvokeMethod(t.Context(), me, &apigatewayapi.TestInvokeMethodRequest{RestApiId: api, ResourceId: resource, HttpMethod: "GET"})
	wantError(t, "NotFoundException", "Invalid Method identifier specified", err)
}
