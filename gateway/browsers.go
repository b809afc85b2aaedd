package gateway

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// A browser lets any page of the web send requests to this machine. AWS itself allows every origin, since nobody signs
// without a secret; but an open Brume believes keys that anybody can make up, so there a page of another machine
// gets no CORS headers, and a key that Brume did not issue is not believed from one.

// exposed are the answer headers that scripts may read.
const exposed = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,x-amz-request-id,x-amz-id-2,x-amz-version-id,x-amz-delete-marker,ETag,Date,Content-Length,Content-Range,x-amz-crc32,x-amzn-query-error,x-amz-function-error,x-amz-log-result,x-amz-executed-version"

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

// preflight answers a browser that asks before it sends.
func (g *Gateway) preflight(w http.ResponseWriter, r *http.Request) {
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
