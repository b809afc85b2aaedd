package eventbridge_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/shape"
)

// endpoint is an HTTP endpoint outside, and its authorization server.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []string
	status int
	tokens int
	good   string // the bearer token that is taken; "": any
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{status: 200}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	e.seen = append(e.seen, fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("X-Key"), body))
	switch {
	case r.URL.Path == "/token" && e.status == 200:
		e.tokens++
		fmt.Fprintf(w, `{"access_token":"t%d","token_type":"bearer","expires_in":3600}`, e.tokens)
	case e.good != "" && r.Header.Get("Authorization") != "Bearer "+e.good:
		w.WriteHeader(401)
	default:
		w.WriteHeader(e.status)
	}
}

// take returns what was seen since the last take.
func (e *endpoint) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.seen
	e.seen = nil
	return s
}

func (e *endpoint) answer(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
}

func document(t *testing.T, v any) string {
	t.Helper()
	b, err := shape.AppendJSON(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	d, err := jsondoc.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return jsondoc.Text(d)
}

func (r *rig) connect(name string, kind eventbridgeapi.ConnectionAuthorizationType, p *eventbridgeapi.CreateConnectionAuthRequestParameters) string {
	r.t.Helper()
	out, err := r.CreateConnection(r.t.Context(), me, &eventbridgeapi.CreateConnectionRequest{Name: name, AuthorizationType: kind, AuthParameters: p})
	if err != nil {
		r.t.Fatal(err)
	}
	r.settle()
	return *out.ConnectionArn
}

func apiKey(value string) *eventbridgeapi.CreateConnectionAuthRequestParameters {
	return &eventbridgeapi.CreateConnectionAuthRequestParameters{ApiKeyAuthParameters: &eventbridgeapi.CreateConnectionApiKeyAuthRequestParameters{ApiKeyName: "X-Key", ApiKeyValue: value}}
}

func clientOf(e *endpoint) *eventbridgeapi.CreateConnectionAuthRequestParameters {
	return &eventbridgeapi.CreateConnectionAuthRequestParameters{OAuthParameters: &eventbridgeapi.CreateConnectionOAuthRequestParameters{
		ClientParameters:      &eventbridgeapi.CreateConnectionOAuthClientRequestParameters{ClientID: "me", ClientSecret: "hush"},
		AuthorizationEndpoint: e.URL + "/token", HttpMethod: "POST"}}
}

func TestConnections(t *testing.T) {
	r := newRig(t)
	secret := true
	p := apiKey("hush")
	p.InvocationHttpParameters = &eventbridgeapi.ConnectionHttpParameters{HeaderParameters: []eventbridgeapi.ConnectionHeaderParameter{
		{Key: new("A"), Value: new("open")}, {Key: new("B"), Value: new("hush"), IsValueSecret: &secret}}}
	arn := r.connect("c", eventbridgeapi.ConnectionAuthorizationTypeApiKey, p)
	if !strings.HasPrefix(arn, arnOf+"connection/c/") {
		t.Error(arn)
	}
	d, err := r.DescribeConnection(t.Context(), me, &eventbridgeapi.DescribeConnectionRequest{Name: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if text := document(t, d); strings.Contains(text, "hush") || !strings.Contains(text, `"AuthParameters":{"ApiKeyAuthParameters":{"ApiKeyName":"X-Key"},`+
		`"InvocationHttpParameters":{"HeaderParameters":[{"Key":"A","Value":"open","IsValueSecret":false},{"Key":"B","IsValueSecret":true}]}}`) ||
		d.ConnectionState != "AUTHORIZED" || !strings.HasPrefix(*d.SecretArn, "arn:aws:secretsmanager:eu-west-1:111122223333:secret:events!connection/c/") {
		t.Error(text)
	}
	auth, err := r.Authorize(t.Context(), arn, false)
	if err != nil || fmt.Sprint(auth.Header) != "[{A open} {B hush} {X-Key hush}]" {
		t.Error(auth, err)
	}
	_, err = r.CreateConnection(t.Context(), me, &eventbridgeapi.CreateConnectionRequest{Name: "c", AuthorizationType: "API_KEY", AuthParameters: p})
	if aws.CodeOf(err) != "ResourceAlreadyExistsException" {
		t.Error(err)
	}
	if _, err = r.CreateConnection(t.Context(), me, &eventbridgeapi.CreateConnectionRequest{Name: "d", AuthorizationType: "BASIC", AuthParameters: p}); aws.CodeOf(err) != "ValidationException" {
		t.Error(err)
	}
	// What is not given stays.
	if _, err := r.UpdateConnection(t.Context(), me, &eventbridgeapi.UpdateConnectionRequest{Name: "c", AuthParameters: &eventbridgeapi.UpdateConnectionAuthRequestParameters{
		ApiKeyAuthParameters: &eventbridgeapi.UpdateConnectionApiKeyAuthRequestParameters{ApiKeyValue: new("new")}}}); err != nil {
		t.Fatal(err)
	}
	if auth, err = r.Authorize(t.Context(), arn, false); err != nil || fmt.Sprint(auth.Header) != "[{A open} {B hush} {X-Key new}]" {
		t.Error(auth, err)
	}
	// Another type needs its own parameters.
	if _, err := r.UpdateConnection(t.Context(), me, &eventbridgeapi.UpdateConnectionRequest{Name: "c", AuthorizationType: "BASIC"}); aws.CodeOf(err) != "ValidationException" {
		t.Error(err)
	}
	if _, err := r.DeauthorizeConnection(t.Context(), me, &eventbridgeapi.DeauthorizeConnectionRequest{Name: "c"}); err != nil {
		t.Fatal(err)
	}
	if _, err = r.Authorize(t.Context(), arn, false); aws.CodeOf(err) != "AccessDeniedException" {
		t.Error(err)
	}
	r.connect("b", "BASIC", &eventbridgeapi.CreateConnectionAuthRequestParameters{BasicAuthParameters: &eventbridgeapi.CreateConnectionBasicAuthRequestParameters{Username: "u", Password: "p"}})
	list, err := r.ListConnections(t.Context(), me, &eventbridgeapi.ListConnectionsRequest{ConnectionState: "AUTHORIZED"})
	if err != nil || len(list.Connections) != 1 || *list.Connections[0].Name != "b" {
		t.Error(list, err)
	}
	if _, err := r.DeleteConnection(t.Context(), me, &eventbridgeapi.DeleteConnectionRequest{Name: "c"}); err != nil {
		t.Fatal(err)
	}
	if _, err = r.Authorize(t.Context(), arn, false); aws.CodeOf(err) != "ResourceNotFoundException" {
		t.Error(err)
	}
}

func TestOAuth(t *testing.T) {
	r, e := newRig(t), newEndpoint(t)
	arn := r.connect("c", "OAUTH_CLIENT_CREDENTIALS", clientOf(e))
	if seen := e.take(); len(seen) != 1 || seen[0] != "POST /token   client_id=me&client_secret=hush&grant_type=client_credentials" {
		t.Error(seen)
	}
	state := func(name string) string {
		d, err := r.DescribeConnection(t.Context(), me, &eventbridgeapi.DescribeConnectionRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return string(d.ConnectionState) + " " + aws.Or(d.StateReason, "")
	}
	if got := state("c"); got != "AUTHORIZED " {
		t.Error(got)
	}
	bearer := func(fresh bool) string {
		a, err := r.Authorize(t.Context(), arn, fresh)
		if err != nil {
			return err.Error()
		}
		return a.Header[0].Value
	}
	if got := []string{bearer(false), bearer(false), bearer(true), bearer(false)}; fmt.Sprint(got) != "[Bearer t1 Bearer t1 Bearer t2 Bearer t2]" {
		t.Error(got)
	}
	r.advance(time.Hour)
	if got := bearer(false); got != "Bearer t3" {
		t.Error(got, "is not renewed")
	}
	e.answer(403)
	r.connect("refused", "OAUTH_CLIENT_CREDENTIALS", clientOf(e))
	if got := state("refused"); got != "DEAUTHORIZED The authorization endpoint answered with status 403 and no access token." {
		t.Error(got)
	}
}

// TestDestination: events that match go to the endpoint, with what the target and the connection add; what it refuses is tried
// again as AWS does.
func TestDestination(t *testing.T) {
	r, e := newRig(t), newEndpoint(t)
	out, err := r.CreateApiDestination(t.Context(), me, &eventbridgeapi.CreateApiDestinationRequest{Name: "d", ConnectionArn: r.connect("c", "API_KEY", apiKey("hush")),
		InvocationEndpoint: e.URL + "/in/*/x", HttpMethod: "POST"})
	if err != nil || out.ApiDestinationState != "ACTIVE" || !strings.HasPrefix(*out.ApiDestinationArn, arnOf+"api-destination/d/") {
		t.Fatal(out, err)
	}
	put := func(role *string) error {
		if _, err := r.PutRule(t.Context(), me, &eventbridgeapi.PutRuleRequest{Name: "r", EventPattern: new(`{"source":["s"]}`)}); err != nil {
			return err
		}
		_, err := r.PutTargets(t.Context(), me, &eventbridgeapi.PutTargetsRequest{Rule: "r", Targets: []eventbridgeapi.Target{{Id: "1", Arn: *out.ApiDestinationArn, RoleArn: role,
			InputPath:      new("$.detail"),
			HttpParameters: &eventbridgeapi.HttpParameters{PathParameterValues: []string{"a b"}, HeaderParameters: map[string]string{"X-Key": "mine"}, QueryStringParameters: map[string]string{"q": "1"}}}}})
		return err
	}
	if err := put(nil); aws.CodeOf(err) != "ValidationException" {
		t.Error("a destination without a role", err)
	}
	if err := put(new("arn:aws:iam::111122223333:role/r")); err != nil {
		t.Fatal(err)
	}
	send := func() {
		t.Helper()
		o, err := r.PutEvents(t.Context(), me, &eventbridgeapi.PutEventsRequest{Entries: []eventbridgeapi.PutEventsRequestEntry{{Source: new("s"), DetailType: new("d"), Detail: new(`{"n":1}`)}}})
		if err != nil || *o.FailedEntryCount != 0 {
			t.Fatal(o, err)
		}
		r.settle()
	}
	send()
	if seen := e.take(); len(seen) != 1 || seen[0] != `POST /in/a%20b/x?q=1  hush {"n":1}` {
		t.Error(seen)
	}
	e.answer(404)
	send()
	r.advance(time.Hour)
	if seen := e.take(); len(seen) != 1 {
		t.Error("what the endpoint does not want is tried again:", len(seen))
	}
	e.answer(503)
	send()
	e.answer(200)
	r.advance(time.Hour)
	if seen := e.take(); len(seen) != 2 {
		t.Error("what failed is not tried again:", len(seen))
	}
	if _, err := r.DeleteConnection(t.Context(), me, &eventbridgeapi.DeleteConnectionRequest{Name: "c"}); err != nil {
		t.Fatal(err)
	}
	d, err := r.DescribeApiDestination(t.Context(), me, &eventbridgeapi.DescribeApiDestinationRequest{Name: "d"})
	if err != nil || d.ApiDestinationState != "INACTIVE" || *d.InvocationRateLimitPerSecond != 300 {
		t.Error(d, err)
	}
}

// A bearer token that the endpoint no longer takes is renewed at once.
func TestTokenRefused(t *testing.T) {
	r, e := newRig(t), newEndpoint(t)
	out, err := r.CreateApiDestination(t.Context(), me, &eventbridgeapi.CreateApiDestinationRequest{Name: "d", ConnectionArn: r.connect("c", "OAUTH_CLIENT_CREDENTIALS", clientOf(e)),
		InvocationEndpoint: e.URL + "/in", HttpMethod: "PUT", InvocationRateLimitPerSecond: new(int32(1))})
	if err != nil {
		t.Fatal(err)
	}
	e.take()
	e.good = "t2"
	r.forward("r", *out.ApiDestinationArn)
	if _, err := r.PutEvents(t.Context(), me, &eventbridgeapi.PutEventsRequest{Entries: []eventbridgeapi.PutEventsRequestEntry{{Source: new("s"), DetailType: new("d"), Detail: new(`{}`)}}}); err != nil {
		t.Fatal(err)
	}
	r.settle()
	if seen := e.take(); len(seen) != 3 || !strings.HasPrefix(seen[0], "PUT /in Bearer t1") || !strings.HasPrefix(seen[1], "POST /token") || !strings.HasPrefix(seen[2], "PUT /in Bearer t2") {
		t.Error(seen)
	}
}

func (r *rig) forward(name, destination string) {
	r.t.Helper()
	if _, err := r.PutRule(r.t.Context(), me, &eventbridgeapi.PutRuleRequest{Name: name, EventPattern: new(`{"source":["s"]}`)}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.PutTargets(r.t.Context(), me, &eventbridgeapi.PutTargetsRequest{Rule: name, Targets: []eventbridgeapi.Target{{Id: "1", Arn: destination,
		RoleArn: new("arn:aws:iam::111122223333:role/r"), Input: new(`"in"`)}}}); err != nil {
		r.t.Fatal(err)
	}
}

type everybody struct{}

func (everybody) Authorize(context.Context, aws.Identity, []aws.Access) error { return nil }
