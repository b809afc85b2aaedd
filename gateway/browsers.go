package gateway

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/route"
	"github.com/brume-dev/brume/protocol"
)

// A browser lets any page of the web send requests to this machine. AWS itself allows every origin, since nobody signs
// without a secret; but an open Brume believes keys that anybody can make up, so there a page of another machine
// gets no CORS headers, and a key that Brume did not issue is not believed from one.

// exposed are the answer headers that scripts may read.
const exposed = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,x-amz-request-id,x-amz-id-2,x-amz-version-id,x-amz-delete-marker,ETag,Date,Content-Length,Content-Range,x-amz-crc32,x-amzn-query-error,x-amz-function-error,x-amz-log-result,x-amz-executed-version"

// Buckets knows the CORS rules of S3's buckets. service/s3 implements it.
type Buckets interface {
	// Preflight answers a preflight request, whose headers are asked, for a bucket or an object in it: with headers in
	// answer, or with an error to send. found is false when there is no such bucket.
	Preflight(ctx context.Context, bucket string, object bool, asked, answer http.Header) (found bool, err error)
	// AllowOrigin adds to the headers of an answer what lets the page that sent the request, whose headers
	// are asked, read it, if the bucket's rules do.
	AllowOrigin(ctx context.Context, bucket, method string, asked, answer http.Header)
}

// admit lets a page's origin read the answer: to requests for a bucket by the bucket's own rules.
func (g *Gateway) admit(w http.ResponseWriter, r *http.Request, to route.Route) {
	bucket := to.Labels["Bucket"]
	if g.Buckets == nil || to.Service == nil || to.Service.Name != "s3" || bucket == "" {
		g.allowOrigin(w, r)
		return
	}
	g.Buckets.AllowOrigin(r.Context(), bucket, r.Method, r.Header, w.Header())
}

// allowOrigin answers to a page's origin that it may read the answer.
func (g *Gateway) allowOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header["Origin"]
	if len(origin) == 0 || g.Open && foreign(r) {
		return
	}
	h := w.Header()
	h["Access-Control-Allow-Origin"] = []string{origin[0]}
	h["Access-Control-Expose-Headers"] = []string{exposed}
	h["Vary"] = []string{"Origin"}
}

// own serves our own endpoints, which ask for no credentials: not to pages of other origins.
func (g *Gateway) own(w http.ResponseWriter, r *http.Request) {
	if foreign(r) {
		http.Error(w, "this endpoint is not for web pages of other origins", http.StatusForbidden)
		return
	}
	g.Own.ServeHTTP(w, r)
}

// preflight answers a browser that asks before it sends. For a bucket its rules answer; a first segment of the path that
// names a bucket is one, since a preflight request carries no credentials that could tell.
func (g *Gateway) preflight(w http.ResponseWriter, r *http.Request, x *exchange, to route.Route) {
	if bucket := to.Labels["Bucket"]; g.Buckets != nil && bucket != "" {
		found, err := g.Buckets.Preflight(r.Context(), bucket, to.Labels["Key"] != "", r.Header, w.Header())
		if found || to.Protocol != 0 {
			x.address(to)
			answer := &protocol.Response{Status: http.StatusOK, Header: http.Header{"X-Amz-Request-Id": {x.wire.ID}, "X-Amz-Id-2": {x.wire.HostID}}}
			if err != nil {
				answer = g.codecs[aws.RestXML].Error(to.Service, nil, &x.wire, err)
			}
			g.write(w, r, x, answer)
			return
		}
	}
	g.allowOrigin(w, r)
	h := w.Header()
	if h.Get("Access-Control-Allow-Origin") == "" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	h.Set("Access-Control-Allow-Methods", "GET,PUT,POST,DELETE,HEAD,PATCH")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	h.Set("Access-Control-Max-Age", "172800")
	w.WriteHeader(http.StatusOK)
}

// foreign reports whether a web page that is not of this machine sent r. Programs other than browsers send neither
// header.
func foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return r.Header.Get("Sec-Fetch-Site") == "cross-site"
	}
	u, err := url.Parse(origin)
	return err != nil || !loopback(u.Hostname())
}

// loopback reports whether a host name is this machine's by its form alone.
func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".localhost.localstack.cloud") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
