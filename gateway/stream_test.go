package gateway_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/sigv4"
)

func put(body string) *http.Request { return request("PUT", "/bucket/key", "text/plain", "", body) }

func TestObjectsAreVerifiedAsTheyStream(t *testing.T) {
	for _, c := range []struct{ name, sent, want string }{
		{"whole", "hello", "200 "},
		{"changed", "hellO", "400 XAmzContentSHA256Mismatch"},
		{"empty for something", "", "400 XAmzContentSHA256Mismatch"},
	} {
		h := newHouse(false)
		r := put(c.sent)
		sigv4.Sign(r, longTerm, "us-east-1", "s3", []byte("hello"), now)
		if got := outcome(h.answer(r)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if c.want == "200 " && string(h.body) != c.sent {
			t.Errorf("%s: the service got %q", c.name, h.body)
		}
	}
}

func TestChunkedUpload(t *testing.T) {
	const body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
	for _, creds := range []aws.Credentials{longTerm, unknown, {}} {
		h := newHouse(true)
		r := put(body)
		r.Header.Set("Content-Encoding", "aws-chunked,gzip")
		r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		if creds.AccessKeyID != "" {
			stream(r, creds, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		}
		if w := h.answer(r); w.Code != 200 || string(h.body) != "hello" {
			t.Fatalf("%q: %s %q", creds.AccessKeyID, w.Body, h.body)
		}
		in := h.in.(*s3api.PutObjectRequest)
		if *in.ContentLength != 5 || *in.ContentEncoding != "gzip" || h.trailer.Get("X-Amz-Checksum-Crc32") != "NhCmhg==" {
			t.Errorf("length %d, encoding %q, trailer %v", *in.ContentLength, *in.ContentEncoding, h.trailer)
		}
	}
	r := put(body)
	r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	if got := outcome(newHouse(true).answer(r)); got != "411 MissingContentLength" {
		t.Errorf("without a length: %s", got)
	}
}

func TestUploadOfUnknownLength(t *testing.T) {
	r := put("hello")
	stream(r, longTerm, sigv4.UnsignedPayload)
	r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
	w := newHouse(false).answer(r)
	if outcome(w) != "501 NotImplemented" || !strings.Contains(w.Body.String(), "<Header>Transfer-Encoding</Header>") {
		t.Errorf("%s: %s", outcome(w), w.Body)
	}
}

// stream signs r with a payload marker instead of a hash.
func stream(r *http.Request, c aws.Credentials, marker string) {
	sigv4.SignStream(r, c, "us-east-1", "s3", marker, now)
}

func TestPresigned(t *testing.T) {
	presigned := func(life time.Duration, at time.Time, c aws.Credentials) *http.Request {
		r := put("hello")
		r.Header.Del("Content-Type")
		r.URL.RawQuery = "x-amz-acl=private&X-Amz-Meta-A=b%20c"
		sigv4.Presign(r, c, "eu-west-1", "s3", life, at)
		return r
	}
	for _, c := range []struct {
		name string
		r    *http.Request
		want string
	}{
		{"good", presigned(time.Minute, now, longTerm), "200 "},
		{"temporary", presigned(time.Minute, now, temporary), "200 "},
		{"lapsed", presigned(time.Minute, now.Add(-2*time.Minute), longTerm), "403 AccessDenied"},
		{"lapsed, unknown key", presigned(time.Minute, now.Add(-2*time.Minute), unknown), "403 AccessDenied"},
		{"not yet", presigned(time.Minute, now.Add(time.Hour), longTerm), "403 AccessDenied"},
		{"too long", presigned(8*24*time.Hour, now, longTerm), "400 AuthorizationQueryParametersError"},
	} {
		h := newHouse(true)
		if got := outcome(h.answer(c.r)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
			continue
		}
		if c.want != "200 " {
			continue
		}
		in := h.in.(*s3api.PutObjectRequest)
		if string(in.ACL) != "private" || in.Metadata["a"] != "b c" || string(h.body) != "hello" {
			t.Errorf("%s: acl %q, metadata %v, body %q", c.name, in.ACL, in.Metadata, h.body)
		}
	}
	r := request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", "", "")
	sigv4.Presign(r, temporary, "us-east-1", "sts", time.Minute, now)
	if w := newHouse(false).answer(r); w.Code != 200 || !strings.Contains(w.Body.String(), "user/ASIATEMP") {
		t.Errorf("presigned STS: %s", w.Body)
	}
}

func TestCompressedRequest(t *testing.T) {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	zw.Write([]byte(`{"TableName":"t","Key":{"k":{"S":"v"}}}`))
	zw.Close()
	for _, c := range []struct{ body, want string }{
		{b.String(), "200 "},
		{"nonsense", "400 SerializationException"},
	} {
		h := newHouse(false)
		r := getItem(c.body)
		r.Header.Set("Content-Encoding", "gzip")
		if got := outcome(h.answer(signed(r, longTerm, "dynamodb"))); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		} else if got == "200 " && h.in.(*dynamodbapi.GetItemInput).TableName != "t" {
			t.Errorf("%+v", h.in)
		}
	}
}

func TestDataPlanes(t *testing.T) {
	for _, c := range []struct {
		name, host, path string
		creds            aws.Credentials
		service          string
		open             bool
		want             aws.Visit
		whoErr           string
	}{
		{"host", "abc.execute-api.us-west-2.amazonaws.com", "/dev/a%2Fb?x=y", longTerm, "execute-api", false,
			aws.Visit{Resource: "abc", Path: "/dev/a%2Fb", Region: "us-west-2"}, ""},
		{"path", "127.0.0.1:4566", "/restapis/abc/dev/_user_request_/jobs", temporary, "execute-api", false,
			aws.Visit{Resource: "abc", Stage: "dev", Path: "/jobs"}, ""},
		{"unsigned", "127.0.0.1:4566", "/_aws/execute-api/abc/dev/jobs", aws.Credentials{}, "", false,
			aws.Visit{Resource: "abc", Stage: "dev", Path: "/jobs"}, "MissingAuthenticationTokenException"},
		{"unknown keys are not taken, open or not", "127.0.0.1:4566", "/_aws/execute-api/abc/dev/jobs", unknown, "execute-api", true,
			aws.Visit{Resource: "abc", Stage: "dev", Path: "/jobs"}, "UnrecognizedClientException"},
		{"another service's scope", "127.0.0.1:4566", "/_aws/execute-api/abc/dev/jobs", longTerm, "lambda", true,
			aws.Visit{Resource: "abc", Stage: "dev", Path: "/jobs"}, "InvalidSignatureException"},
		{"function URL", "url.lambda-url.localhost", "/x", longTerm, "lambda", false, aws.Visit{Resource: "url", Path: "/x"}, ""},
	} {
		h := newHouse(c.open)
		r := request("POST", c.path, "application/json", "", "body")
		r.Host = c.host
		if c.service != "" {
			r = signed(r, c.creds, c.service)
		}
		w := h.answer(r)
		if w.Body.String() != c.want.Resource+" body" {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		v := h.visited
		if v.Resource != c.want.Resource || v.Stage != c.want.Stage || v.Path != c.want.Path || v.Region != c.want.Region || v.Request.ID == "" {
			t.Errorf("%s: visit %+v", c.name, v)
		}
		switch {
		case c.whoErr == "":
			if h.whoErr != nil || h.who.Name != c.creds.AccessKeyID || h.who.Region != "eu-west-1" {
				t.Errorf("%s: who %+v, %v", c.name, h.who, h.whoErr)
			}
		case aws.CodeOf(h.whoErr) != c.whoErr || aws.InfoOf(h.whoErr).Status != 403:
			t.Errorf("%s: who %v, want %s", c.name, h.whoErr, c.whoErr)
		}
	}
}

func TestBrowsers(t *testing.T) {
	preflight := func(origin string) *http.Request {
		r := request("OPTIONS", "/", "", "", "")
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "x-amz-target")
		return r
	}
	for _, c := range []struct {
		open   bool
		origin string
		want   bool
	}{
		{true, "http://localhost:3000", true}, {true, "https://127.0.0.1", true}, {true, "http://app.localhost", true},
		{true, "https://evil.example", false}, {true, "null", false}, {true, "http://localhost.evil.example", false},
		{false, "https://app.example", true},
	} {
		w := newHouse(c.open).answer(preflight(c.origin))
		got := w.Header().Get("Access-Control-Allow-Origin") == c.origin && w.Code == 200
		if got != c.want || got != (w.Header().Get("Access-Control-Allow-Headers") == "x-amz-target") {
			t.Errorf("open %v, %s: %d %v", c.open, c.origin, w.Code, w.Header())
		}
	}
	r := signed(getItem("{}"), longTerm, "dynamodb")
	r.Header.Set("Origin", "http://localhost:3000")
	if w := newHouse(true).answer(r); w.Header().Get("Access-Control-Allow-Origin") != "http://localhost:3000" {
		t.Errorf("%v", w.Header())
	}
	r = request("POST", "/_brume/reset", "", "", "")
	r.Header.Set("Origin", "https://evil.example")
	if w := newHouse(true).answer(r); w.Code != 403 {
		t.Errorf("a foreign page at our own endpoint: %d %s", w.Code, w.Body)
	}
	r = request("GET", "/", "", "", "")
	r.Header.Set("Accept", "text/html")
	if w := newHouse(true).answer(r); w.Body.String() != "own" {
		t.Errorf("a browser at the root: %s", w.Body)
	}
}

func TestWire(t *testing.T) {
	h := newHouse(false)
	id := aws.Identity{Kind: aws.AssumedRole, Account: "1", Region: "r", ARN: "arn:x", Request: aws.Request{ID: "outer"}}
	u := &url.URL{Scheme: "https", Host: "dynamodb.us-east-1.amazonaws.com", Path: "/"}
	r := &http.Request{Method: "POST", URL: u, Header: http.Header{"X-Amz-Target": {"DynamoDB_20120810.GetItem"}, "Content-Type": {"application/json"}},
		Body: http.NoBody}
	res, err := h.RoundTrip(id, r)
	if err != nil || res.StatusCode != 200 || h.op != "dynamodb:GetItem" || h.id.ARN != "arn:x" || res.Header.Get("X-Amzn-Requestid") != "outer" {
		t.Errorf("%+v, %v, called %s as %+v", res, err, h.op, h.id)
	}
	r = &http.Request{Method: "POST", URL: &url.URL{Scheme: "https", Host: "sts.amazonaws.com", Path: "/", RawQuery: "Action=GetCallerIdentity"}, Header: http.Header{}}
	if res, err = h.RoundTrip(id, r); err != nil || res.StatusCode != 200 || h.op != "sts:GetCallerIdentity" {
		t.Errorf("%+v, %v, called %s", res, err, h.op)
	}
	h.err = aws.Errorf("Throttling", 400, "Rate exceeded")
	if res, err = h.RoundTrip(id, r); err != nil || res.StatusCode != 400 || res.ContentLength <= 0 {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err = h.RoundTrip(id, &http.Request{Method: "GET", URL: &url.URL{Path: "/_brume/health"}, Header: http.Header{}}); err == nil {
		t.Error("an own endpoint was reached")
	}
}
