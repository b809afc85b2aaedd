package lambda_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/sandbox"
)

// streaming is an answer in pieces; failure is the error that ends it, "" for none.
type streaming struct {
	contentType string
	pieces      []string
	failure     string
	meanwhile   func() // between the first and the second piece
}

func (s streaming) play(in *sandbox.Invocation) *sandbox.Result {
	w := in.Stream(s.contentType)
	for i, piece := range s.pieces {
		_, _ = io.WriteString(w, piece) // the reader may be gone
		if i == 0 && s.meanwhile != nil {
			s.meanwhile()
		}
	}
	r := &sandbox.Result{Streamed: true, ContentType: s.contentType}
	if s.failure != "" {
		r.Failed, r.ErrorType, r.Payload = true, "Broken", []byte(s.failure)
	}
	return r
}

// url makes the function's URL and returns its id.
func (r *rig) url(name string, change func(*lambdaapi.CreateFunctionUrlConfigRequest)) string {
	r.t.Helper()
	in := &lambdaapi.CreateFunctionUrlConfigRequest{FunctionName: name, AuthType: lambdaapi.FunctionUrlAuthTypeNone}
	if change != nil {
		change(in)
	}
	out, err := r.client.CreateFunctionUrlConfig(r.t.Context(), alice, in)
	if err != nil {
		r.t.Fatal(err)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(out.FunctionUrl, "https://"), ".")
	return id
}

// visit sends a request to a URL.
func (r *rig) visit(id string, req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.service.ServeData(w, req, aws.Visit{Resource: id, Path: req.URL.EscapedPath(), Request: aws.Request{ID: "id", SourceIP: "192.0.2.1", UserAgent: "test"},
		Who: func([]byte) (aws.Identity, error) {
			if req.Header.Get("Authorization") == "" {
				return aws.Identity{}, aws.Errorf("MissingAuthenticationTokenException", 403, "Missing Authentication Token")
			}
			who := alice
			who.AccessKey, who.PrincipalID = "AKIA", "AIDA"
			return who, nil
		}})
	return w
}

func TestURLEvent(t *testing.T) {
	r := newRig(t, options{})
	var event map[string]any
	r.stage.on("f", func(_ context.Context, in *sandbox.Invocation, _ *performer) (any, error) {
		event = nil
		return nil, json.Unmarshal(in.Payload, &event)
	})
	r.create("f", nil)
	id := r.url("f", func(in *lambdaapi.CreateFunctionUrlConfigRequest) { in.AuthType = lambdaapi.FunctionUrlAuthTypeAwsIam })
	req := httptest.NewRequest("POST", "http://"+id+".lambda-url.us-east-1.localhost:4566/a%20b/c?x=1&x=2&y=%2B", strings.NewReader("k=v"))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 …")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Add("Cookie", "a=1; b=2")
	req.Header.Add("X-Many", "1")
	req.Header.Add("X-Many", "2")
	if w := r.visit(id, req); w.Code != 200 || w.Body.String() != "null" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	got, _ := json.MarshalIndent(event, "", " ")
	want := `{
 "body": "az12",
 "cookies": [
  "a=1",
  "b=2"
 ],
 "headers": {
  "authorization": "AWS4-HMAC-SHA256 …",
  "content-type": "application/x-www-form-urlencoded",
  "host": "` + id + `.lambda-url.us-east-1.localhost:4566",
  "x-forwarded-for": "192.0.2.1",
  "x-forwarded-port": "4566",
  "x-forwarded-proto": "http",
  "x-many": "1,2"
 },
 "isBase64Encoded": true,
 "queryStringParameters": {
  "x": "1,2",
  "y": "+"
 },
 "rawPath": "/a%20b/c",
 "rawQueryString": "x=1\u0026x=2\u0026y=%2B",
 "requestContext": {
  "accountId": "000000000000",
  "apiId": "` + id + `",
  "authorizer": {
   "iam": {
    "accessKey": "AKIA",
    "accountId": "000000000000",
    "callerId": "AIDA",
    "cognitoIdentity": null,
    "principalOrgId": null,
    "userArn": "arn:aws:iam::000000000000:user/alice",
    "userId": "AIDA"
   }
  },
  "domainName": "` + id + `.lambda-url.us-east-1.localhost",
  "domainPrefix": "` + id + `",
  "http": {
   "method": "POST",
   "path": "/a%20b/c",
   "protocol": "HTTP/1.1",
   "sourceIp": "192.0.2.1",
   "userAgent": "test"
  },
  "requestId": "id",
  "routeKey": "$default",
  "stage": "$default",
  "time": "01/Nov/2026:12:00:00 +0000",
  "timeEpoch": 1793534400000
 },
 "routeKey": "$default",
 "version": "2.0"
}`
	if string(got) != want {
		t.Errorf("event %s", got)
	}
	w := r.visit(id, httptest.NewRequest("GET", "/", nil))
	if w.Code != 403 || w.Header().Get("X-Amzn-ErrorType") != "AccessDeniedException" || !strings.HasPrefix(w.Body.String(), `{"Message":"Forbidden`) {
		t.Errorf("unsigned: %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := r.visit("none", httptest.NewRequest("GET", "/", nil)); w.Code != 403 {
		t.Errorf("no such URL: %d %s", w.Code, w.Body)
	}
}

func TestURLAnswers(t *testing.T) {
	r := newRig(t, options{})
	var answer any
	var fails error
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) { return answer, fails })
	r.create("f", nil)
	id := r.url("f", nil)
	for _, c := range []struct {
		answer any
		want   string
	}{
		{"Hello", `200 application/json "Hello"`},
		{map[string]any{"message": "Hello"}, `200 application/json {"message":"Hello"}`},
		{map[string]any{"statusCode": 201, "headers": map[string]any{"content-type": "text/plain", "x-n": 7}, "body": "made", "cookies": []string{"a=1", "b=2"}},
			`201 text/plain 7 [a=1 b=2] made`},
		{map[string]any{"statusCode": "404"}, `404 application/json `},
		{map[string]any{"statusCode": 200, "body": "aGk=", "isBase64Encoded": true}, `200 application/json hi`},
		{map[string]any{"statusCode": 200, "body": "no base64", "isBase64Encoded": true}, `502 application/json Internal Server Error`},
		{map[string]any{"statusCode": 200, "body": map[string]any{}}, `502 application/json Internal Server Error`},
		{map[string]any{"statusCode": 99}, `502 application/json Internal Server Error`},
		{map[string]any{"statusCode": 200, "headers": map[string]any{"bad name": "x"}}, `502 application/json Internal Server Error`},
		{nil, `200 application/json null`},
	} {
		answer = c.answer
		w := r.visit(id, httptest.NewRequest("GET", "/", nil))
		got := fmt.Sprint(w.Code, " ", w.Header().Get("Content-Type"), " ")
		if n := w.Header().Get("X-N"); n != "" {
			got += n + " "
		}
		if cookies := w.Header()["Set-Cookie"]; cookies != nil {
			got += fmt.Sprint(cookies, " ")
		}
		if got += w.Body.String(); got != c.want {
			t.Errorf("%v: %s\nwant %s", c.answer, got, c.want)
		}
	}
	fails = errors.New("oh")
	if w := r.visit(id, httptest.NewRequest("GET", "/", nil)); w.Code != 502 || w.Body.String() != "Internal Server Error" {
		t.Errorf("an error: %d %s", w.Code, w.Body)
	}
	w := r.visit(id, httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", 6<<20))))
	if w.Code != 413 || !strings.Contains(w.Body.String(), "Request must be smaller than 6291456 bytes") {
		t.Errorf("too large: %d %s", w.Code, w.Body)
	}
	zero := int32(0)
	if _, err := r.client.PutFunctionConcurrency(t.Context(), alice, &lambdaapi.PutFunctionConcurrencyRequest{FunctionName: "f", ReservedConcurrentExecutions: zero}); err != nil {
		t.Fatal(err)
	}
	want := `{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`
	if w := r.visit(id, httptest.NewRequest("GET", "/", nil)); w.Code != 429 || w.Body.String() != want {
		t.Errorf("throttled: %d %s", w.Code, w.Body)
	}
}

func TestURLSharing(t *testing.T) {
	r := newRig(t, options{})
	calls := 0
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) {
		calls++
		return map[string]any{"statusCode": 200, "headers": map[string]any{"Access-Control-Allow-Origin": "its own"}}, nil
	})
	r.create("f", nil)
	yes, age := true, int32(60)
	id := r.url("f", func(in *lambdaapi.CreateFunctionUrlConfigRequest) {
		in.Cors = &lambdaapi.Cors{AllowOrigins: []string{"https://a.example", "https://*.b.example"}, AllowMethods: []string{"GET", "PUT"},
			AllowHeaders: []string{"X-A"}, ExposeHeaders: []string{"X-B"}, AllowCredentials: &yes, MaxAge: &age}
	})
	ask := func(method, origin, wants string) string {
		req := httptest.NewRequest(method, "/", nil)
		req.Header.Set("Origin", origin)
		if wants != "" {
			req.Header.Set("Access-Control-Request-Method", wants)
		}
		w := r.visit(id, req)
		h := w.Header()
		return strings.TrimSpace(fmt.Sprint(w.Code, " ", h.Get("Access-Control-Allow-Origin"), " ", h.Get("Access-Control-Allow-Methods"), " ", h.Get("Access-Control-Allow-Headers"), " ",
			h.Get("Access-Control-Max-Age"), " ", h.Get("Access-Control-Allow-Credentials"), " ", h.Get("Access-Control-Expose-Headers")))
	}
	for _, c := range []struct{ method, origin, wants, want string }{
		{"OPTIONS", "https://a.example", "PUT", "200 https://a.example GET,PUT X-A 60 true"},
		{"OPTIONS", "https://x.b.example", "GET", "200 https://x.b.example GET,PUT X-A 60 true"},
		{"OPTIONS", "https://b.example", "GET", "200"},
		{"GET", "https://a.example", "", "200 https://a.example    true X-B"},
		{"GET", "https://c.example", "", "200"},
	} {
		if got := ask(c.method, c.origin, c.wants); got != c.want {
			t.Errorf("%s from %s: %q, want %q", c.method, c.origin, got, c.want)
		}
	}
	if calls != 2 {
		t.Errorf("%d calls: preflights are not the function's", calls)
	}
}

func TestURLStreams(t *testing.T) {
	r := newRig(t, options{})
	var answer streaming
	r.stage.on("f", func(context.Context, *sandbox.Invocation, *performer) (any, error) { return answer, nil })
	r.create("f", nil)
	id := r.url("f", func(in *lambdaapi.CreateFunctionUrlConfigRequest) { in.InvokeMode = lambdaapi.InvokeModeResponseStream })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.service.ServeData(w, req, aws.Visit{Resource: id, Path: "/", Request: aws.Request{ID: "id"}})
	}))
	defer server.Close()
	get := func() (*http.Response, string, error) {
		t.Helper()
		res, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		return res, string(b), err
	}
	answer = streaming{contentType: "text/plain", pieces: []string{"one ", "two"}}
	if res, body, err := get(); err != nil || body != "one two" || res.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("plain: %q %v %v", body, res.Header, err)
	}
	// The first piece is there before the function makes the second.
	first := make(chan struct{})
	answer = streaming{contentType: "application/vnd.awslambda.http-integration-response",
		pieces:    []string{`{"statusCode":202,"headers":{"x-a":"b"},"cookies":["c=d"]}` + "\x00\x00\x00\x00\x00\x00\x00\x00begin ", "end"},
		meanwhile: func() { <-first }}
	res, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 6)
	if _, err := io.ReadFull(res.Body, piece); err != nil || string(piece) != "begin " {
		t.Errorf("%q %v", piece, err)
	}
	close(first)
	rest, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || string(rest) != "end" || res.StatusCode != 202 || res.Header.Get("X-A") != "b" || res.Header.Get("Set-Cookie") != "c=d" {
		t.Errorf("%q %v %d %v", rest, err, res.StatusCode, res.Header)
	}
	// A client must not take a part for the whole.
	answer = streaming{contentType: "text/plain", pieces: []string{"one "}, failure: `{"errorMessage":"oh"}`}
	if _, body, err := get(); err == nil {
		t.Errorf("an answer that broke off was taken for whole: %q", body)
	}
}

// messages reads an event stream.
func messages(t *testing.T, r io.Reader) (out []string) {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for len(b) > 0 {
		total, head := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		headers, payload := string(b[12:12+head]), string(b[12+head:total-4])
		kind := "PayloadChunk"
		if strings.Contains(headers, "InvokeComplete") {
			kind = "InvokeComplete"
		}
		out, b = append(out, kind+" "+payload), b[total:]
	}
	return out
}

func TestInvokeWithResponseStream(t *testing.T) {
	r := newRig(t, options{})
	var answer any
	var fails error
	r.stage.on("f", func(_ context.Context, _ *sandbox.Invocation, e *performer) (any, error) {
		e.print("hello")
		return answer, fails
	})
	r.create("f", nil)
	invoke := func() []string {
		t.Helper()
		out, err := r.client.InvokeWithResponseStream(t.Context(), alice, &lambdaapi.InvokeWithResponseStreamRequest{FunctionName: "f", Payload: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		if *out.ExecutedVersion != "$LATEST" || *out.ResponseStreamContentType != "application/vnd.amazon.eventstream" {
			t.Errorf("%+v", out)
		}
		return messages(t, out.EventStream)
	}
	for _, c := range []struct {
		answer any
		fails  error
		want   string
	}{
		{streaming{pieces: []string{"a", "b"}}, nil, "[PayloadChunk a PayloadChunk b InvokeComplete {}]"},
		{streaming{}, nil, "[InvokeComplete {}]"},
		{"whole", nil, `[PayloadChunk "whole" InvokeComplete {}]`},
		{nil, errors.New("oh"), `[InvokeComplete {"ErrorCode":"Error","ErrorDetails":"{\"errorMessage\":\"oh\",\"errorType\":\"Error\"}"}]`},
		{streaming{pieces: []string{"a"}, failure: "{}"}, nil, `[PayloadChunk a InvokeComplete {"ErrorCode":"Broken","ErrorDetails":"{}"}]`},
	} {
		answer, fails = c.answer, c.fails
		if got := fmt.Sprint(invoke()); got != c.want {
			t.Errorf("%v: %s\nwant %s", c.answer, got, c.want)
		}
	}
	if _, err := r.client.InvokeWithResponseStream(t.Context(), alice, &lambdaapi.InvokeWithResponseStreamRequest{FunctionName: "g"}); aws.CodeOf(err) != "ResourceNotFoundException" {
		t.Errorf("no function: %v", err)
	}
	fails = nil
	out, err := r.client.InvokeWithResponseStream(t.Context(), alice, &lambdaapi.InvokeWithResponseStreamRequest{FunctionName: "f", LogType: lambdaapi.LogTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	if got := messages(t, out.EventStream); !strings.Contains(got[len(got)-1], `"LogResult":"`) {
		t.Errorf("no log: %v", got)
	}
}
