package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/connection"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/task/web"
)

// outside is everything that a task's HTTP requests reach: an API, a keeper of connections, the policies.
type outside struct {
	seen   string // the last request
	visit  aws.Visit
	status int
	kind   string // Content-Type
	body   string
	denied string // action
	fresh  int
	closed bool // 401 until the authorization is fresh
}

func (o *outside) ServeData(w http.ResponseWriter, r *http.Request, v aws.Visit) {
	o.visit = v
	o.ServeHTTP(w, r)
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.seen = fmt.Sprintf("%s %s %s %q %s", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), r.Header.Values("X-Own"), body)
	w.Header().Set("Content-Type", o.kind)
	w.Header().Set("Date", "now")
	if o.closed && r.Header.Get("X-Key") != "secret1" {
		w.WriteHeader(401)
		return
	}
	w.WriteHeader(o.status)
	io.WriteString(w, o.body)
}

func (o *outside) Authorize(_ context.Context, arn string, fresh bool) (*connection.Authorization, error) {
	if arn != "arn:c" {
		return nil, aws.Errorf("ResourceNotFoundException", 404, "Connection '%s' does not exist.", arn)
	}
	if fresh {
		o.fresh++
	}
	return &connection.Authorization{Header: []connection.Pair{{Name: "X-Key", Value: fmt.Sprint("secret", o.fresh)}}, Query: []connection.Pair{{Name: "q", Value: "theirs"}},
		Body: []connection.Pair{{Name: "b", Value: "theirs"}}}, nil
}

type policies struct{ *outside }

func (p policies) Authorize(_ context.Context, id aws.Identity, access []aws.Access) error {
	for _, a := range access {
		if a.Action == p.denied {
			return aws.Errorf("AccessDeniedException", 403, "User: %s is not authorized to perform: %s on resource: %s", id.ARN, a.Action, a.Resource)
		}
	}
	return nil
}

func (o *outside) config() *web.Config {
	return &web.Config{Policies: policies{o}, APIs: func() aws.DataPlane { return o }, Connections: func() connection.Keeper { return o }, HTTP: http.DefaultTransport}
}

func request(t *testing.T, arguments string) *web.Request {
	t.Helper()
	v, err := jsondoc.Parse([]byte(arguments))
	if err != nil {
		t.Fatal(err)
	}
	return &web.Request{ID: aws.Identity{ARN: "role"}, Machine: "arn:m", Account: "1", Region: "eu-west-1", Arguments: v.(*jsondoc.Object)}
}

func text(v *jsondoc.Object, err error) string {
	if err != nil {
		return err.Error()
	}
	return jsondoc.Text(v)
}

func TestAPI(t *testing.T) {
	const host = `"ApiEndpoint":"abc1.execute-api.eu-west-1.amazonaws.com"`
	for _, c := range []struct {
		in, kind, body string
		status         int
		seen, want     string
	}{
		{`{` + host + `,"Method":"GET","Stage":"prod","Path":"/bills/a b","QueryParameters":{"id":["1","2"],"n":3,"z":null},"Headers":{"X-Own":["a","b"]}}`,
			"application/json", `{"n":1.50}`, 200, `GET /prod/bills/a%20b?id=1&id=2&n=3  ["a" "b"] `,
			`{"Headers":{"Content-Type":["application/json"],"Date":["now"]},"ResponseBody":{"n":1.50},"StatusCode":200,"StatusText":"OK"}`},
		{`{` + host + `,"Method":"POST","RequestBody":{"a":null,"b":{"c":null},"d":[1]}}`, "text/plain", `plain`, 201, `POST / application/json [] {"b":{},"d":[1]}`,
			`{"Headers":{"Content-Type":["text/plain"],"Date":["now"]},"ResponseBody":"plain","StatusCode":201,"StatusText":"Created"}`},
		{`{` + host + `,"Method":"PUT","RequestBody":{"a":null},"AllowNullValues":true}`, "", ``, 200, `PUT / application/json [] {"a":null}`,
			`{"Headers":{"Content-Type":[""],"Date":["now"]},"ResponseBody":"","StatusCode":200,"StatusText":"OK"}`},
		{`{` + host + `,"Method":"POST","RequestBody":"as it is"}`, "application/json", `{"message":"Missing Authentication Token"}`, 403, `POST /  [] as it is`,
			`ApiGateway.403: {"message":"Missing Authentication Token"}`},
		{`{"ApiEndpoint":"example.com","Method":"FETCH","AuthType":"X","Headers":{"Host":"h","X-Amz-Date":"d"}}`, "", "", 200, "",
			`The value for the field 'Method' must be one of GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS, ` +
				`The value for the field 'ApiEndpoint' must be of the form <API ID>.execute-api.<region>.amazonaws.com, The header 'Host' is not allowed, ` +
				`The header 'X-Amz-Date' is not allowed, The value for the field 'AuthType' must be one of NO_AUTH, IAM_ROLE, RESOURCE_POLICY`},
		{`{` + host + `,"Method":"GET"}`, "text/plain", strings.Repeat("x", asl.MaxData+1), 200, `GET /  [] `,
			"States.DataLimitExceeded: The state/task returned a result with a size exceeding the maximum number of bytes service limit."},
	} {
		o := &outside{status: c.status, kind: c.kind, body: c.body}
		if got := text(o.config().API(t.Context(), request(t, c.in))); got != c.want || o.seen != c.seen {
			t.Errorf("%s\nsaw %s\n    %s\n got %.300s\nwant %s", c.in, o.seen, c.seen, got, c.want)
		}
	}
	for auth, want := range map[string]string{"IAM_ROLE": "role", "RESOURCE_POLICY": "states.amazonaws.com for arn:m", "NO_AUTH": "error MissingAuthenticationTokenException"} {
		o := &outside{status: 200}
		text(o.config().API(t.Context(), request(t, `{`+host+`,"Method":"GET","Stage":"s","AuthType":"`+auth+`"}`)))
		id, err := o.visit.Who(nil)
		got := id.ARN
		if id.Kind == aws.ServicePrincipal {
			got = id.Service + " for " + id.SourceARN
		}
		if err != nil {
			got = "error " + aws.CodeOf(err)
		}
		if got != want || o.visit.Resource != "abc1" || o.visit.Path != "/s" {
			t.Errorf("%s: %s %+v", auth, got, o.visit)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for _, c := range []struct {
		in         string
		o          outside
		seen, want string
	}{
		{`"Method":"POST","RequestBody":{"a":1,"b":"mine"},"QueryParameters":{"q":"mine","p":["1","2"]}`, outside{status: 200, kind: "application/json", body: `{"ok":true}`},
			`POST /path?own=1&p=1&p=2&q=theirs application/json; charset=UTF-8 [] {"a":1,"b":"theirs"}`,
			`{"Headers":{"content-length":["11"],"content-type":["application/json"],"date":["now"]},"ResponseBody":{"ok":true},"StatusCode":200,"StatusText":"OK"}`},
		{`"Method":"POST","RequestBody":{"a":[1,{"c":"d e"}],"b":"mine"},"Transform":{"RequestBodyEncoding":"URL_ENCODED"}`, outside{status: 204},
			`POST /path?own=1&q=theirs application/x-www-form-urlencoded [] a%5B0%5D=1&a%5B1%5D%5Bc%5D=d+e&b=theirs`,
			`{"Headers":{"content-type":[""],"date":["now"]},"ResponseBody":"","StatusCode":204,"StatusText":"No Content"}`},
		{`"Method":"GET"`, outside{status: 404, body: `gone`}, `GET /path?own=1&q=theirs application/json; charset=UTF-8 [] {"b":"theirs"}`, `States.Http.StatusCode.404: gone`},
		{`"Method":"GET"`, outside{status: 302}, `GET /path?own=1&q=theirs application/json; charset=UTF-8 [] {"b":"theirs"}`, `States.Http.StatusCode.302`},
		{`"Method":"GET"`, outside{status: 200, closed: true, body: `"in"`, kind: "application/json"}, `GET /path?own=1&q=theirs application/json; charset=UTF-8 [] {"b":"theirs"}`,
			`{"Headers":{"content-length":["4"],"content-type":["application/json"],"date":["now"]},"ResponseBody":"in","StatusCode":200,"StatusText":"OK"}`},
		{`"Method":"GET","RequestBody":"text"`, outside{status: 200}, "", `States.Runtime: The request body cannot be merged with the body parameters of the connection.`},
		{`"Method":"GET"`, outside{denied: "states:InvokeHTTPEndpoint"}, "", "States.Permissions: User: role is not authorized to perform: states:InvokeHTTPEndpoint on resource: arn:m"},
		{`"Method":"GET"`, outside{denied: "events:RetrieveConnectionCredentials"}, "",
			"States.Permissions: User: role is not authorized to perform: events:RetrieveConnectionCredentials on resource: arn:c"},
		{`"Method":"GET","InvocationConfig":{"ConnectionArn":"arn:none"}`, outside{}, "", "Events.ResourceNotFoundException: Connection 'arn:none' does not exist."},
		{`"Method":"GET","Headers":{"authorization":"mine"},"Transform":{"RequestBodyEncoding":"ZIP"}`, outside{}, "",
			`The header 'authorization' is not allowed, The value for the field 'RequestBodyEncoding' must be one of NONE, URL_ENCODED`},
		{`"Method":"GET"`, outside{status: 200, body: strings.Repeat("x", asl.MaxData+1)}, `GET /path?own=1&q=theirs application/json; charset=UTF-8 [] {"b":"theirs"}`,
			"States.DataLimitExceeded: The state/task returned a result with a size exceeding the maximum number of bytes service limit."},
	} {
		o := &c.o
		server := httptest.NewServer(o)
		in := `{"ApiEndpoint":"` + server.URL + `/path?own=1","Authentication":{"ConnectionArn":"arn:c"},` + c.in + `}`
		out, _, err := o.config().Endpoint(t.Context(), request(t, in), false)
		if got := text(out, err); got != c.want && got != c.want+": " || o.seen != c.seen {
			t.Errorf("%s\nsaw %s\n    %s\n got %.300s\nwant %s", c.in, o.seen, c.seen, got, c.want)
		}
		server.Close()
	}
	o := &outside{}
	_, _, err := o.config().Endpoint(t.Context(), request(t, `{"ApiEndpoint":"http://127.0.0.1:1/","Method":"GET","Authentication":{"ConnectionArn":"arn:c"}}`), false)
	if got := text(nil, err); !strings.HasPrefix(got, "States.Http.Socket: ") {
		t.Error(got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = o.config().Endpoint(ctx, request(t, `{"ApiEndpoint":"http://127.0.0.1:1/","Method":"GET","Authentication":{"ConnectionArn":"arn:c"}}`), false)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestExchange(t *testing.T) {
	o := &outside{status: 200, body: "answer", kind: "text/plain"}
	server := httptest.NewServer(o)
	defer server.Close()
	for secrets, want := range map[bool]string{
		false: `GET ` + server.URL + `/ [Range: bytes=0-262144, User-Agent: Amazon|StepFunctions|HttpInvoke|eu-west-1] `,
		true: `GET ` + server.URL + `/?q=theirs [Content-Type: application/json; charset=UTF-8, Range: bytes=0-262144, User-Agent: Amazon|StepFunctions|HttpInvoke|eu-west-1, X-Key: secret0] ` +
			`{"b":"theirs"}`,
	} {
		_, x, err := o.config().Endpoint(t.Context(), request(t, `{"ApiEndpoint":"`+server.URL+`/","Method":"GET","Authentication":{"ConnectionArn":"arn:c"}}`), secrets)
		if err != nil || x.Method+" "+x.URL+" "+x.RequestHeader+" "+x.RequestBody != want || x.StatusCode != "200" || x.ResponseBody != "answer" {
			t.Errorf("%+v %v", x, err)
		}
	}
}
