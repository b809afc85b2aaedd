package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/brume-dev/brume/aws"
)

// Whatever is sent, the answer is an answer: of the client's fault, never of ours.
func FuzzGateway(f *testing.F) {
	f.Add("POST", "/", "", "127.0.0.1", json10, "DynamoDB_20120810.GetItem", "dynamodb", `{"TableName":"abc","Key":{"k":{"S":"v"}}}`)
	f.Add("POST", "/", "", "sts.amazonaws.com", form, "", "sts", "Action=GetCallerIdentity&Version=2011-06-15")
	f.Add("PUT", "/b/k//%2e", "x-amz-acl=private&uploadId=x&partNumber=y", "b.s3.localhost", "text/xml", "", "s3", "<a><b/></a>")
	f.Add("POST", "/2015-03-31/functions/%00/invocations", "Qualifier=%zz", "lambda.localhost", "application/json", "", "lambda", "[")
	f.Add("GET", "/restapis/a/b/_user_request_", "", "x.execute-api.y", "", "", "execute-api", "")
	h := newHouse(true)
	h.err = aws.Errorf("Reached", 400, "the operation was called")
	f.Fuzz(func(t *testing.T, method, path, query, host, contentType, target, service, body string) {
		r := &http.Request{Method: method, URL: &url.URL{Path: path, RawPath: path, RawQuery: query}, Host: host, RemoteAddr: "127.0.0.1:1",
			Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Proto: "HTTP/1.1"}
		for k, v := range map[string]string{"Content-Type": contentType, "X-Amz-Target": target, "X-Amz-Date": "20261121T120000Z",
			"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261121/us-east-1/" + service + "/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0"} {
			if v != "" {
				r.Header.Set(k, v)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}
