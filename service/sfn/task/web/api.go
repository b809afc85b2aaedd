package web

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// API invokes a method of an API.
func (c *Config) API(ctx context.Context, q *Request) (*jsondoc.Object, error) {
	a := &arguments{Object: q.Arguments}
	method, host := a.method(), a.text("ApiEndpoint")
	api, rest, _ := strings.Cut(host, ".")
	if !strings.HasPrefix(rest, "execute-api.") || api == "" || strings.Trim(api, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		a.problem("The value for the field 'ApiEndpoint' must be of the form <API ID>.execute-api.<region>.amazonaws.com")
	}
	nulls, _ := a.Get("AllowNullValues")
	allowed, _ := nulls.(bool)
	header := a.headers()
	u := &url.URL{Scheme: "https", Host: host, RawQuery: a.query(allowed)}
	path := a.path()
	body := a.apiBody(method, allowed, header)
	who := c.caller(a, q)
	if a.problems != nil {
		return nil, a.problems
	}
	u.Path, u.RawPath = decoded(path), path
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, Unusable{err.Error()}
	}
	r.Header, r.Host, r.RequestURI = header, host, u.RequestURI()
	header.Set("User-Agent", "Amazon|StepFunctions")
	if q.ID.Request.Trace != "" {
		header.Set("X-Amzn-Trace-Id", q.ID.Request.Trace)
	}
	var w answer
	request := q.ID.Request
	request.UserAgent, request.TLS = header.Get("User-Agent"), true
	c.APIs().ServeData(&w, r, aws.Visit{Resource: api, Path: path, Region: q.Region, Request: request, Who: who})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return w.result()
}

// result is the task's result of an answer of API Gateway.
func (w *answer) result() (*jsondoc.Object, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if !succeeded(w.status) {
		return nil, fault.New("ApiGateway."+decimal(w.status), "%s", w.body.String())
	}
	if w.body.Len() > asl.MaxData {
		return nil, tooLarge()
	}
	return result(w.status, w.Header(), w.Header().Get("Content-Type"), w.body.Bytes()), nil
}

// path is the stage and path of an API, percent-encoded.
func (a *arguments) path() string {
	var p string
	for _, part := range []string{a.text("Stage"), a.text("Path")} {
		if part = strings.Trim(part, "/"); part != "" {
			p += "/" + (&url.URL{Path: part}).EscapedPath()
		}
	}
	if p == "" {
		return "/"
	}
	return p
}

func decoded(path string) string {
	if p, err := url.PathUnescape(path); err == nil {
		return p
	}
	return path
}

// query is the query string.
func (a *arguments) query(nulls bool) string {
	names, values := a.lists("QueryParameters", nulls)
	q := url.Values{}
	for _, k := range names {
		q[k] = values[k]
	}
	return q.Encode()
}

// apiBody is the body: a string as it is, any other JSON as text.
func (a *arguments) apiBody(method string, nulls bool, h http.Header) []byte {
	v, there := a.Get("RequestBody")
	if !there || v == nil && !nulls || method == http.MethodGet || method == http.MethodHead {
		return nil
	}
	if s, ok := v.(string); ok {
		return []byte(s)
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	if !nulls {
		v = withoutNulls(v)
	}
	return jsondoc.Append(nil, v)
}

// withoutNulls leaves out the members that are null, at every depth.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case *jsondoc.Object:
		out := jsondoc.NewObject()
		for k, m := range v.All() {
			if m != nil {
				out.Set(k, withoutNulls(m))
			}
		}
		return out
	case *jsondoc.Array:
		out := &jsondoc.Array{}
		for _, m := range v.Items {
			out.Items = append(out.Items, withoutNulls(m))
		}
		return out
	}
	return v
}

// caller says who the API is told to be called by.
func (c *Config) caller(a *arguments, q *Request) func([]byte) (aws.Identity, error) {
	switch kind := a.text("AuthType"); kind {
	case "", "NO_AUTH":
	case "IAM_ROLE":
		return func([]byte) (aws.Identity, error) { return q.ID, nil }
	case "RESOURCE_POLICY":
		id := aws.ForService("states.amazonaws.com", q.Account, q.Region, q.Machine, q.ID.Request)
		return func([]byte) (aws.Identity, error) { return id, nil }
	default:
		a.problem("The value for the field 'AuthType' must be one of NO_AUTH, IAM_ROLE, RESOURCE_POLICY")
	}
	return func([]byte) (aws.Identity, error) {
		return aws.Identity{}, aws.Errorf("MissingAuthenticationTokenException", http.StatusForbidden, "Missing Authentication Token")
	}
}

// answer is the http.ResponseWriter of a request that was made without a socket. It keeps no more than it has to.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

var _ io.Writer = (*answer)(nil)

// Header implements http.ResponseWriter.
func (w *answer) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader implements http.ResponseWriter.
func (w *answer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *answer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if room := asl.MaxData + 1 - w.body.Len(); room > 0 {
		w.body.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
