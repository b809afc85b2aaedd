package apigateway_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/apigateway"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "eu-west-1", ARN: "arn:aws:iam::111122223333:root",
		Request: aws.Request{ID: "0f0e0d0c-0b0a-0908-0706-050403020100"}}
)

// world is everything outside the service: what it is asked is kept, what it answers can be set.
type world struct {
	mu      sync.Mutex
	wire    func(id aws.Identity, r *http.Request, body string) (*http.Response, error)
	http    func(r *http.Request, body string) (*http.Response, error)
	deny    string // a resource that nobody may invoke
	access  []aws.Access
	asked   []aws.Identity
	lines   []string // logged
	groups  []string
	traces  []string
	noRoles bool
	lambda  func(id aws.Identity, in *lambdaapi.InvocationRequest) (*lambdaapi.InvocationResponse, error) // of authorizers
}

func (w *world) RoundTrip(id aws.Identity, r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return w.wire(id, r, string(b))
}

// outside is the world as an http.RoundTripper.
type outside struct{ *world }

func (o outside) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return o.http(r, string(b))
}

func (w *world) Assume(_ context.Context, service aws.Identity, role, session string) (aws.Identity, aws.Credentials, error) {
	if w.noRoles || !strings.HasPrefix(role, "arn:aws:iam::") {
		return aws.Identity{}, aws.Credentials{}, aws.Errorf("AccessDenied", 403, "no")
	}
	return aws.Identity{Kind: aws.AssumedRole, Account: service.Account, Region: service.Region, RoleARN: role, ARN: role + "/" + session, Request: service.Request}, aws.Credentials{}, nil
}

func (w *world) Authorize(_ context.Context, id aws.Identity, access []aws.Access) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.access, w.asked = append(w.access, access...), append(w.asked, id)
	for _, a := range access {
		if w.deny != "" && strings.HasSuffix(a.Resource, w.deny) {
			return aws.Errorf("AccessDeniedException", 403, "User: %s is not authorized to perform: %s on resource: %s", id.ARN, a.Action, a.Resource)
		}
	}
	return nil
}

func (w *world) Call(_ context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch in := in.(type) {
	case *lambdaapi.InvocationRequest:
		return w.lambda(id, in)
	case *logsapi.PutLogEventsRequest:
		for _, e := range in.LogEvents {
			w.lines = append(w.lines, in.LogGroupName+" "+e.Message)
		}
		return &logsapi.PutLogEventsResponse{}, nil
	case *logsapi.CreateLogGroupRequest:
		w.groups = append(w.groups, in.LogGroupName)
		return &logsapi.CreateLogGroupOutput{}, nil
	case *logsapi.CreateLogStreamRequest:
		return &logsapi.CreateLogStreamOutput{}, nil
	case *xrayapi.PutTraceSegmentsRequest:
		w.traces = append(w.traces, in.TraceSegmentDocuments...)
		return &xrayapi.PutTraceSegmentsResult{}, nil
	}
	return nil, errors.New("no " + op.String())
}

func (w *world) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, errors.New("not used")
}

func answer(status int, header http.Header, body string) (*http.Response, error) {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func open(t testing.TB) (*apigateway.Service, *world, *clock.Virtual) {
	t.Helper()
	return openWith(t, 0)
}

// openWith is open with another rate for accounts.
func openWith(t testing.TB, rate float64) (*apigateway.Service, *world, *clock.Virtual) {
	t.Helper()
	c := clock.Frozen(start)
	st := storetest.Split(c, 4)
	run := timer.New(timer.Config{Store: st, Clock: c})
	w := &world{}
	s, err := apigateway.New(apigateway.Config{Store: st, Clock: c, Timer: run, Caller: w, Wire: w, Roles: w, Policies: w, HTTP: outside{w},
		Services: func() []*aws.Service { return []*aws.Service{lambdaapi.Service, dynamodbapi.Service} },
		Rate:     rate, Burst: int(rate), Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return s, w, c
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantError(t *testing.T, code, message string, err error) {
	t.Helper()
	if err == nil || aws.CodeOf(err) != code || !strings.Contains(aws.InfoOf(err).Message, message) {
		t.Errorf("error %v, want %s: %s", err, code, message)
	}
}

func p[T any](v T) *T { return &v }

func newAPI(t testing.TB, s *apigateway.Service) (api, root string) {
	t.Helper()
	a := must[*apigatewayapi.RestApi](t)(s.CreateRestApi(t.Context(), me, &apigatewayapi.CreateRestApiRequest{Name: "pets",
		EndpointConfiguration: &apigatewayapi.EndpointConfiguration{Types: []apigatewayapi.EndpointType{"REGIONAL"}}}))
	return *a.Id, *a.RootResourceId
}

func child(t testing.TB, s *apigateway.Service, api, parent, part string) string {
	t.Helper()
	return *must[*apigatewayapi.Resource](t)(s.CreateResource(t.Context(), me, &apigatewayapi.CreateResourceRequest{RestApiId: api, ParentId: parent, PathPart: part})).Id
}

// mock gives a resource a method that answers 200 with a template.
func mock(t testing.TB, s *apigateway.Service, api, resource, verb, template string) {
	t.Helper()
	ctx := t.Context()
	must[*apigatewayapi.Method](t)(s.PutMethod(ctx, me, &apigatewayapi.PutMethodRequest{RestApiId: api, ResourceId: resource, HttpMethod: verb, AuthorizationType: "NONE"}))
	must[*apigatewayapi.Integration](t)(s.PutIntegration(ctx, me, &apigatewayapi.PutIntegrationRequest{RestApiId: api, ResourceId: resource, HttpMethod: verb, Type: "MOCK",
		RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`}}))
	must[*apigatewayapi.MethodResponse](t)(s.PutMethodResponse(ctx, me, &apigatewayapi.PutMethodResponseRequest{RestApiId: api, ResourceId: resource, HttpMethod: verb, StatusCode: "200"}))
	must[*apigatewayapi.IntegrationResponse](t)(s.PutIntegrationResponse(ctx, me, &apigatewayapi.PutIntegrationResponseRequest{RestApiId: api, ResourceId: resource, HttpMethod: verb,
		StatusCode: "200", ResponseTemplates: map[string]string{"application/json": template}}))
}

func TestResources(t *testing.T) {
	s, _, _ := open(t)
	ctx := t.Context()
	api, root := newAPI(t, s)
	pets := child(t, s, api, root, "pets")
	pet := child(t, s, api, pets, "{id}")
	child(t, s, api, pet, "toys")
	add := func(api, parent, part string) error {
		_, err := s.CreateResource(ctx, me, &apigatewayapi.CreateResourceRequest{RestApiId: api, ParentId: parent, PathPart: part})
		return err
	}
	wantError(t, "ConflictException", "Another resource with the same parent already has this name: pets", add(api, root, "pets"))
	wantError(t, "BadRequestException", "A sibling ({id}) of this resource already has a variable path part", add(api, pets, "{name}"))
	wantError(t, "BadRequestException", "Resource's path part only allow", add(api, root, "a/b"))
	wantError(t, "NotFoundException", "Invalid Resource identifier specified", add(api, "nope", "x"))
	wantError(t, "NotFoundException", "Invalid API identifier specified 111122223333:nope", add("nope", root, "x"))
	greedy := child(t, s, api, root, "{proxy+}")
	wantError(t, "BadRequestException", "greedy", add(api, greedy, "x"))

	moved := must[*apigatewayapi.Resource](t)(s.UpdateResource(ctx, me, &apigatewayapi.UpdateResourceRequest{RestApiId: api, ResourceId: pets,
		PatchOperations: []apigatewayapi.PatchOperation{{Op: "replace", Path: p("/pathPart"), Value: p("animals")}}}))
	if *moved.Path != "/animals" {
		t.Errorf("moved to %s", *moved.Path)
	}
	paths := map[string]bool{}
	in := &apigatewayapi.GetResourcesRequest{RestApiId: api, Limit: p(int32(2))}
	for pages := 0; ; pages++ {
		out := must[*apigatewayapi.Resources](t)(s.GetResources(ctx, me, in))
		for _, r := range out.Items {
			paths[*r.Path] = true
		}
		if in.Position = out.Position; in.Position == nil || pages > 5 {
			break
		}
	}
	for _, want := range []string{"/", "/animals", "/animals/{id}", "/animals/{id}/toys", "/{proxy+}"} {
		if !paths[want] {
			t.Errorf("no %s in %v", want, paths)
		}
	}
	must[*apigatewayapi.DeleteResourceOutput](t)(s.DeleteResource(ctx, me, &apigatewayapi.DeleteResourceRequest{RestApiId: api, ResourceId: pets}))
	_, err := s.GetResource(ctx, me, &apigatewayapi.GetResourceRequest{RestApiId: api, ResourceId: pet})
	wantError(t, "NotFoundException", "Invalid Resource identifier specified", err)
	_, err = s.DeleteResource(ctx, me, &apigatewayapi.DeleteResourceRequest{RestApiId: api, ResourceId: root})
	wantError(t, "BadRequestException", "Root resource", err)
}

func TestModels(t *testing.T) {
	s, _, _ := open(t)
	ctx := t.Context()
	api, root := newAPI(t, s)
	create := func(name, schema string) error {
		_, err := s.CreateModel(ctx, me, &apigatewayapi.CreateModelRequest{RestApiId: api, Name: name, ContentType: "application/json", Schema: &schema})
		return err
	}
	if err := create("Name", `{"type":"string","maxLength":3}`); err != nil {
		t.Fatal(err)
	}
	ref := `https://apigateway.amazonaws.com/restapis/` + api + `/models/Name`
	if err := create("Pet", `{"type":"object","properties":{"name":{"$ref":"`+ref+`"}}}`); err != nil {
		t.Fatal(err)
	}
	wantError(t, "ConflictException", "Model name already exists for this REST API", create("Pet", "{}"))
	wantError(t, "BadRequestException", "alphanumeric", create("a-b", "{}"))
	wantError(t, "BadRequestException", "errors", create("Bad", "{"))
	wantError(t, "BadRequestException", "Invalid model reference", create("Bad", `{"$ref":"`+strings.Replace(ref, "Name", "Nope", 1)+`"}`))
	flat := must[*apigatewayapi.Model](t)(s.GetModel(ctx, me, &apigatewayapi.GetModelRequest{RestApiId: api, ModelName: "Pet", Flatten: p(true)}))
	if want := `{"type":"object","properties":{"name":{"$ref":"#/definitions/Name"}},"definitions":{"Name":{"type":"string","maxLength":3}}}`; *flat.Schema != want {
		t.Errorf("flat: %s", *flat.Schema)
	}
	del := func(name string) error {
		_, err := s.DeleteModel(ctx, me, &apigatewayapi.DeleteModelRequest{RestApiId: api, ModelName: name})
		return err
	}
	wantError(t, "ConflictException", "Cannot delete model 'Name'", del("Name"))
	must[*apigatewayapi.Method](t)(s.PutMethod(ctx, me, &apigatewayapi.PutMethodRequest{RestApiId: api, ResourceId: root, HttpMethod: "POST", AuthorizationType: "NONE",
		RequestModels: map[string]string{"application/json": "Pet"}}))
	wantError(t, "ConflictException", "is referenced in method request", del("Pet"))
	wantError(t, "NotFoundException", "Invalid model name specified: Nope", del("Nope"))
	models := must[*apigatewayapi.Models](t)(s.GetModels(ctx, me, &apigatewayapi.GetModelsRequest{RestApiId: api}))
	if len(models.Items) != 4 {
		t.Errorf("%d models", len(models.Items))
	}
}

func TestMethodsRefuse(t *testing.T) {
	s, _, _ := open(t)
	ctx := t.Context()
	api, root := newAPI(t, s)
	put := func(verb, auth string, f func(*apigatewayapi.PutMethodRequest)) error {
		in := &apigatewayapi.PutMethodRequest{RestApiId: api, ResourceId: root, HttpMethod: verb, AuthorizationType: auth}
		if f != nil {
			f(in)
		}
		_, err := s.PutMethod(ctx, me, in)
		return err
	}
	wantError(t, "BadRequestException", "Invalid HttpMethod", put("FETCH", "NONE", nil))
	wantError(t, "BadRequestException", "Invalid authorization type", put("GET", "SOME", nil))
	wantError(t, "BadRequestException", "Invalid authorizer ID specified", put("GET", "CUSTOM", nil))
	wantError(t, "BadRequestException", "Invalid model identifier", put("GET", "NONE", func(r *apigatewayapi.PutMethodRequest) { r.RequestModels = map[string]string{"a/b": "No"} }))
	wantError(t, "BadRequestException", "Invalid Request Validator", put("GET", "NONE", func(r *apigatewayapi.PutMethodRequest) { r.RequestValidatorId = p("no") }))
	if err := put("get", "NONE", nil); err != nil {
		t.Fatal(err)
	}
	wantError(t, "ConflictException", "Method already exists for this resource", put("GET", "NONE", nil))

	integrate := func(kind apigatewayapi.IntegrationType, verb, uri string, f func(*apigatewayapi.PutIntegrationRequest)) error {
		in := &apigatewayapi.PutIntegrationRequest{RestApiId: api, ResourceId: root, HttpMethod: "GET", Type: kind}
		if verb != "" {
			in.IntegrationHttpMethod, in.Uri = &verb, &uri
		}
		if f != nil {
			f(in)
		}
		_, err := s.PutIntegration(ctx, me, in)
		return err
	}
	wantError(t, "BadRequestException", "Enumeration value for HttpMethod must be non-empty", integrate("AWS", "", "", nil))
	wantError(t, "BadRequestException", "Invalid HTTP endpoint specified for URI", integrate("HTTP", "GET", "ftp://x", nil))
	wantError(t, "BadRequestException", "Invalid ARN specified in the request", integrate("AWS", "POST", "http://x", nil))
	wantError(t, "BadRequestException", "AWS ARN for integration must contain path or action", integrate("AWS", "POST", "arn:aws:apigateway:eu-west-1:lambda:x", nil))
	wantError(t, "BadRequestException", "Integrations of type 'AWS_PROXY' currently only supports Lambda",
		integrate("AWS_PROXY", "POST", "arn:aws:apigateway:eu-west-1:dynamodb:action/GetItem", nil))
	wantError(t, "BadRequestException", "Timeout should be between 50 ms and 29000 ms", integrate("MOCK", "", "", func(r *apigatewayapi.PutIntegrationRequest) { r.TimeoutInMillis = p(int32(49)) }))
	wantError(t, "BadRequestException", "Invalid mapping expression", integrate("MOCK", "", "", func(r *apigatewayapi.PutIntegrationRequest) {
		r.RequestParameters = map[string]string{"integration.request.header.x": "method.body"}
	}))
	_, err := s.CreateDeployment(ctx, me, &apigatewayapi.CreateDeploymentRequest{RestApiId: api})
	wantError(t, "BadRequestException", "No integration defined for method", err)
	_, err = s.GetIntegration(ctx, me, &apigatewayapi.GetIntegrationRequest{RestApiId: api, ResourceId: root, HttpMethod: "GET"})
	wantError(t, "NotFoundException", "Invalid Integration identifier specified", err)
	if err := integrate("MOCK", "", "", nil); err != nil {
		t.Fatal(err)
	}
	_, err = s.PutIntegrationResponse(ctx, me, &apigatewayapi.PutIntegrationResponseRequest{RestApiId: api, ResourceId: root, HttpMethod: "GET", StatusCode: "200"})
	wantError(t, "NotFoundException", "Invalid Response status code specified", err)
	must[*apigatewayapi.MethodResponse](t)(s.PutMethodResponse(ctx, me, &apigatewayapi.PutMethodResponseRequest{RestApiId: api, ResourceId: root, HttpMethod: "GET", StatusCode: "200"}))
	_, err = s.PutIntegrationResponse(ctx, me, &apigatewayapi.PutIntegrationResponseRequest{RestApiId: api, ResourceId: root, HttpMethod: "GET", StatusCode: "200",
		ResponseParameters: map[string]string{"method.response.header.X": "'1'"}})
	wantError(t, "BadRequestException", "Invalid mapping expression parameter specified: method.response.header.X", err)
}
