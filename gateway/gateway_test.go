package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/gateway"
	"github.com/brume-dev/brume/gateway/sigv4"
	"github.com/brume-dev/brume/protocol"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// keyring is a Keys over a map.
type keyring map[string]aws.Credentials

func (k keyring) Key(_ context.Context, accessKeyID, _ string) (aws.Credentials, aws.Identity, bool, error) {
	c, ok := k[accessKeyID]
	return c, aws.Identity{Kind: aws.User, Account: "111122223333", Name: accessKeyID, ARN: "arn:aws:iam::111122223333:user/" + accessKeyID}, ok, nil
}

var (
	longTerm  = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	temporary = aws.Credentials{AccessKeyID: "ASIATEMP", SecretAccessKey: "s", SessionToken: "token/+=", Expires: now.Add(time.Hour)}
	expired   = aws.Credentials{AccessKeyID: "ASIAEND", SecretAccessKey: "s", SessionToken: "t", Expires: now}
	unknown   = aws.Credentials{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "x"}
)

// house is a gateway whose services only write down what they are called with.
type house struct {
	*gateway.Gateway
	id   aws.Identity
	op   string
	in   any
	body []byte // of a streaming input, read to its end
	err  error  // what calls are answered with

	trailer http.Header
	visited aws.Visit
	who     aws.Identity
	whoErr  error
}

func (h *house) call(_ context.Context, id aws.Identity, op *aws.Operation, in any, _ *protocol.Request) (any, error) {
	h.id, h.op, h.in = id, op.Op.String(), in
	if put, ok := in.(*s3api.PutObjectRequest); ok && put.Body != nil {
		var err error
		if h.body, err = io.ReadAll(put.Body); err != nil {
			return nil, err
		}
		if t, ok := put.Body.(aws.Trailers); ok {
			h.trailer = t.Trailer()
		}
	}
	if h.err != nil {
		return nil, h.err
	}
	switch op.Name {
	case "GetCallerIdentity":
		return &stsapi.GetCallerIdentityResponse{Account: &id.Account, Arn: &id.ARN}, nil
	case "GetObject":
		return &s3api.GetObjectOutput{Body: strings.NewReader("content"), ContentLength: new(int64(7))}, nil
	}
	return newOutput(op), nil
}

func newOutput(op *aws.Operation) any {
	switch op.Name {
	case "PutObject":
		return &s3api.PutObjectOutput{}
	case "GetItem":
		return &dynamodbapi.GetItemOutput{}
	case "ListFunctions":
		return &lambdaapi.ListFunctionsResponse{}
	case "Invoke":
		return &lambdaapi.InvocationResponse{StatusCode: new(int32(200)), Payload: []byte("{}")}
	case "ListUsers":
		return &iamapi.ListUsersResponse{}
	}
	panic("no output for " + op.Name)
}

func (h *house) ServeData(w http.ResponseWriter, r *http.Request, v aws.Visit) {
	h.visited = v
	body, _ := io.ReadAll(r.Body)
	h.who, h.whoErr = v.Who(body)
	fmt.Fprintf(w, "%s %s", v.Resource, body)
}

func newHouse(open bool) *house {
	h := &house{}
	h.Gateway = gateway.New(gateway.Config{
		Services: []*aws.Service{dynamodbapi.Service, stsapi.Service, iamapi.Service, lambdaapi.Service, s3api.Service, kmsapi.Service},
		Call:     h.call,
		Keys:     keyring{"test": longTerm, "ASIATEMP": temporary, "ASIAEND": expired},
		Account:  "000000000000", Region: "us-east-1", Open: open,
		Planes: map[string]aws.DataPlane{"execute-api": h, "lambda-url": h},
		Own:    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "own") }),
		Clock:  clock.Frozen(now), Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	return h
}

// request builds a request as a client sends it.
func request(method, url, contentType, target, body string) *http.Request {
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.Host = "127.0.0.1:4566"
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	return r
}

func signed(r *http.Request, c aws.Credentials, service string) *http.Request {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	sigv4.Sign(r, c, "eu-west-1", service, body, now)
	return r
}

func (h *house) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	json10 = "application/x-amz-json-1.0"
	form   = "application/x-www-form-urlencoded"
)

func getItem(body string) *http.Request {
	return request("POST", "/", json10, "DynamoDB_20120810.GetItem", body)
}
func listUsers() *http.Request {
	return request("POST", "/", form, "", "Action=ListUsers&Version=2010-05-08")
}
func listFunctions() *http.Request {
	r := request("GET", "/2015-03-31/functions", "", "", "")
	r.Host = "lambda.localhost:4566"
	return r
}
func getObject() *http.Request { return request("GET", "/bucket/key", "", "", "") }

// What AWS answers to requests that it does not believe, in the words of each family of services.
func TestRefusals(t *testing.T) {
	families := []struct {
		name, service string
		make          func() *http.Request
	}{
		{"json", "dynamodb", func() *http.Request { return getItem("{}") }},
		{"query", "iam", listUsers},
		{"rest", "lambda", listFunctions},
		{"s3", "s3", getObject},
	}
	wrongSecret, wrongToken := longTerm, temporary
	wrongSecret.SecretAccessKey, wrongToken.SessionToken = "x", "y"
	later := func(r *http.Request, service string) *http.Request {
		sigv4.Sign(r, longTerm, "eu-west-1", service, nil, now.Add(20*time.Minute))
		return r
	}
	for _, c := range []struct {
		name string
		sign func(r *http.Request, service string) *http.Request
		want [4]string // status and code of each family
	}{
		{"unsigned", func(r *http.Request, _ string) *http.Request { return r },
			[4]string{"400 MissingAuthenticationTokenException", "403 MissingAuthenticationToken", "403 MissingAuthenticationTokenException", ""}},
		{"unknown key", func(r *http.Request, s string) *http.Request { return signed(r, unknown, s) },
			[4]string{"400 UnrecognizedClientException", "403 InvalidClientTokenId", "403 UnrecognizedClientException", "403 InvalidAccessKeyId"}},
		{"wrong secret", func(r *http.Request, s string) *http.Request { return signed(r, wrongSecret, s) },
			[4]string{"400 InvalidSignatureException", "403 SignatureDoesNotMatch", "403 InvalidSignatureException", "403 SignatureDoesNotMatch"}},
		{"wrong token", func(r *http.Request, s string) *http.Request { return signed(r, wrongToken, s) },
			[4]string{"400 UnrecognizedClientException", "403 InvalidClientTokenId", "403 UnrecognizedClientException", "400 InvalidToken"}},
		{"expired token", func(r *http.Request, s string) *http.Request { return signed(r, expired, s) },
			[4]string{"400 ExpiredTokenException", "403 ExpiredToken", "403 ExpiredTokenException", "400 ExpiredToken"}},
		{"clock skew", later,
			[4]string{"400 InvalidSignatureException", "403 SignatureDoesNotMatch", "403 InvalidSignatureException", "403 RequestTimeTooSkewed"}},
		{"changed path", func(r *http.Request, s string) *http.Request {
			r = signed(r, longTerm, s)
			r.URL.RawQuery = "x=y"
			return r
		}, [4]string{"400 InvalidSignatureException", "403 SignatureDoesNotMatch", "403 InvalidSignatureException", "403 SignatureDoesNotMatch"}},
		{"malformed header", func(r *http.Request, _ string) *http.Request {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+scopeOf(r)+", Signature=0")
			return r
		}, [4]string{"400 IncompleteSignatureException", "400 IncompleteSignature", "403 IncompleteSignatureException", "400 AuthorizationHeaderMalformed"}},
		{"good", func(r *http.Request, s string) *http.Request { return signed(r, longTerm, s) }, [4]string{}},
		{"good token", func(r *http.Request, s string) *http.Request { return signed(r, temporary, s) }, [4]string{}},
	} {
		for i, f := range families {
			h := newHouse(false)
			w := h.answer(c.sign(f.make(), f.service))
			want := c.want[i]
			if want == "" {
				want = "200 "
			}
			if got := outcome(w); got != want {
				t.Errorf("%s, %s: %s, want %s (%s)", c.name, f.name, got, want, w.Body)
			}
			if refused := w.Code != 200; refused == (h.op != "") {
				t.Errorf("%s, %s: status %d, called %q", c.name, f.name, w.Code, h.op)
			}
		}
	}
}

// scopeOf is a credential for the service that r is for.
func scopeOf(r *http.Request) string {
	service := map[string]string{"/": "iam", "/2015-03-31/functions": "lambda", "/bucket/key": "s3"}[r.URL.Path]
	if r.Header.Get("X-Amz-Target") != "" {
		service = "dynamodb"
	}
	return "test/20261121/eu-west-1/" + service + "/aws4_request"
}

// outcome is the status and the error's code, wherever the protocol puts it.
func outcome(w *httptest.ResponseRecorder) string {
	body, code := w.Body.String(), ""
	switch {
	case w.Header().Get("X-Amzn-Errortype") != "":
		code = w.Header().Get("X-Amzn-Errortype")
	case strings.Contains(body, "<Code>"):
		_, rest, _ := strings.Cut(body, "<Code>")
		code, _, _ = strings.Cut(rest, "<")
	case strings.Contains(body, `"__type":"`):
		_, rest, _ := strings.Cut(body, `"__type":"`)
		code, _, _ = strings.Cut(rest, `"`)
		code = code[strings.IndexByte(code, '#')+1:]
	}
	return fmt.Sprintf("%d %s", w.Code, code)
}

// What AWS answers to requests that it cannot make sense of.
func TestNonsense(t *testing.T) {
	big := strings.Repeat("x", 17<<20)
	for _, c := range []struct {
		name    string
		r       *http.Request
		service string
		want    string
	}{
		{"json, unknown operation", request("POST", "/", json10, "DynamoDB_20120810.Nothing", "{}"), "dynamodb", "400 UnknownOperationException"},
		{"json, unknown service", request("POST", "/", json10, "Nobody.Nothing", "{}"), "dynamodb", "400 UnknownOperationException"},
		{"json, no target", request("POST", "/", json10, "", "{}"), "dynamodb", "400 UnknownOperationException"},
		{"json, content type", request("POST", "/", "text/plain", "DynamoDB_20120810.GetItem", "{}"), "dynamodb", "404 UnknownOperationException"},
		{"json, malformed", getItem("{"), "dynamodb", "400 SerializationException"},
		{"json, too large", getItem(big), "dynamodb", "413 RequestEntityTooLargeException"},
		{"json, not there yet", request("POST", "/", json10, "DynamoDB_20120810.CreateGlobalTable", "{}"), "dynamodb", "501 NotImplemented"},
		{"query, unknown action", request("POST", "/", form, "", "Action=Nothing&Version=2010-05-08"), "iam", "400 InvalidAction"},
		{"query, no action", request("POST", "/", form, "", "UserName=x"), "iam", "400 MissingAction"},
		{"query, not there yet", request("POST", "/", form, "", "Action=CreateSAMLProvider&Version=2010-05-08"), "iam", "501 NotImplemented"},
		{"rest, unknown path", request("GET", "/nowhere", "", "", ""), "lambda", "404 UnknownOperationException"},
		{"rest, malformed", request("POST", "/2015-03-31/functions", "application/json", "", "{"), "lambda", "400 SerializationException"},
		{"rest, too large", request("POST", "/2015-03-31/functions/f/invocations", "", "", big), "lambda", "413 RequestEntityTooLargeException"},
		{"s3, method", request("PATCH", "/bucket/key", "", "", ""), "s3", "405 MethodNotAllowed"},
		{"s3, malformed", request("PUT", "/bucket", "", "", "<a"), "s3", "400 MalformedXML"},
		{"no such service", request("GET", "/", "", "", ""), "timestream", "501 NotImplemented"},
	} {
		h := newHouse(false)
		if got := outcome(h.answer(signed(c.r, longTerm, c.service))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if h.op != "" {
			t.Errorf("%s: %s was called", c.name, h.op)
		}
	}
}

// A body of unknown length is bounded as well.
func TestTooLargeWithoutLength(t *testing.T) {
	r := request("POST", "/2015-03-31/functions/f/invocations", "", "", "")
	sigv4.Sign(r, longTerm, "eu-west-1", "lambda", nil, now)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 7<<20))), -1
	w := newHouse(true).answer(r)
	if outcome(w) != "413 RequestEntityTooLargeException" || !strings.Contains(w.Body.String(), "Request must be smaller than 6291456 bytes for the InvokeFunction operation") {
		t.Errorf("%s: %s", outcome(w), w.Body)
	}
}

func TestOpenBelievesKeysThatNobodyIssued(t *testing.T) {
	twelve := aws.Credentials{AccessKeyID: "123456789012", SecretAccessKey: "x"}
	wrong := longTerm
	wrong.SecretAccessKey = "x"
	for _, c := range []struct {
		name   string
		creds  aws.Credentials
		header string // one more
		want   string
		arn    string
	}{
		{"unknown", unknown, "", "200 ", "arn:aws:iam::000000000000:root"},
		{"account", twelve, "", "200 ", "arn:aws:iam::123456789012:root"},
		{"known", longTerm, "", "200 ", "arn:aws:iam::111122223333:user/test"},
		{"known, but wrong", wrong, "", "400 InvalidSignatureException", ""},
		{"expired", expired, "", "400 ExpiredTokenException", ""},
		{"unknown, from a page of this machine", unknown, "Origin: http://localhost:3000", "200 ", "arn:aws:iam::000000000000:root"},
		{"unknown, from a page elsewhere", unknown, "Origin: https://evil.example", "400 AccessDeniedException", ""},
		{"unknown, from nowhere", unknown, "Origin: null", "400 AccessDeniedException", ""},
		{"unknown, from an image elsewhere", unknown, "Sec-Fetch-Site: cross-site", "400 AccessDeniedException", ""},
		{"known, from a page elsewhere", longTerm, "Origin: https://evil.example", "200 ", "arn:aws:iam::111122223333:user/test"},
	} {
		h := newHouse(true)
		r := signed(getItem("{}"), c.creds, "dynamodb")
		if k, v, ok := strings.Cut(c.header, ": "); ok {
			r.Header.Set(k, v)
		}
		w := h.answer(r)
		if got := outcome(w); got != c.want || h.id.ARN != c.arn {
			t.Errorf("%s: %s as %q, want %s as %q", c.name, got, h.id.ARN, c.want, c.arn)
		}
		if c.arn != "" && (h.id.Region != "eu-west-1" || h.id.AccessKey != c.creds.AccessKeyID || h.id.Request.ID != w.Header().Get("X-Amzn-Requestid") || h.id.Request.SourceIP != "192.0.2.1") {
			t.Errorf("%s: identity %+v", c.name, h.id)
		}
	}
}

func TestAnonymous(t *testing.T) {
	h := newHouse(true)
	if w := h.answer(getObject()); w.Code != 200 || h.id.Kind != aws.Anonymous || h.id.Region != "us-east-1" || w.Body.String() != "content" {
		t.Errorf("%d %s, %+v", w.Code, w.Body, h.id)
	}
	if w := h.answer(getItem("{}")); outcome(w) != "400 MissingAuthenticationTokenException" {
		t.Errorf("unsigned GetItem: %s", outcome(w))
	}
}

func TestErrorsOfServices(t *testing.T) {
	h := newHouse(true)
	h.err = aws.Errorf("ResourceNotFoundException", 400, "Requested resource not found")
	w := h.answer(signed(getItem("{}"), unknown, "dynamodb"))
	if outcome(w) != "400 ResourceNotFoundException" || !strings.Contains(w.Body.String(), `"message":"Requested resource not found"`) {
		t.Errorf("%s", w.Body)
	}
	h.err = fmt.Errorf("disk: full")
	w = h.answer(signed(getItem("{}"), unknown, "dynamodb"))
	if outcome(w) != "500 InternalFailure" || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("%s", w.Body)
	}
}

func TestRequestIDs(t *testing.T) {
	h := newHouse(true)
	w := h.answer(signed(getItem("{}"), unknown, "dynamodb"))
	if id := w.Header().Get("X-Amzn-Requestid"); len(id) != 36 || id[14] != '4' || w.Header().Get("Server") != "Brume" {
		t.Errorf("headers %v", w.Header())
	}
	w = h.answer(getObject())
	if len(w.Header().Get("X-Amz-Request-Id")) != 16 || len(w.Header().Get("X-Amz-Id-2")) != 76 || w.Header().Get("Server") != "AmazonS3" {
		t.Errorf("headers %v", w.Header())
	}
	h.err = aws.Errorf("NoSuchKey", 404, "The specified key does not exist.")
	w = h.answer(getObject())
	if !strings.Contains(w.Body.String(), "<RequestId>"+w.Header().Get("X-Amz-Request-Id")+"</RequestId><HostId>"+w.Header().Get("X-Amz-Id-2")) {
		t.Errorf("%s", w.Body)
	}
	if r := request("HEAD", "/bucket/key", "", "", ""); h.answer(r).Body.Len() != 0 {
		t.Error("an answer to HEAD has a body")
	}
}
