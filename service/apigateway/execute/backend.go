package execute

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// principal is API Gateway's, and session the name of its sessions of a role.
const (
	principal = "apigateway.amazonaws.com"
	session   = "BackplaneAssumeRoleSession"
)

// backendIdentity is as whom the integration is called: a role, the caller, or API Gateway for this method.
func (c *call) backendIdentity() (aws.Identity, *failure) {
	request := c.visit.Request
	if c.traceID != "" {
		request.Trace = c.traceHeader()
	}
	verb := c.method.verb
	if verb == "ANY" {
		verb = c.verb
	}
	self := aws.ForService(principal, c.stage.account, c.stage.region, c.stage.arn(verb+c.method.resource), request)
	switch role := substitute(text(c.method.integration.Credentials), c.variables, nil, nil); {
	case role == "":
		return self, nil
	case role == CallerCredentials:
		if !c.known {
			return self, configuration("Caller credentials need IAM authorization")
		}
		id := c.id
		id.Request, id.ViaService, id.Region = request, principal, c.stage.region
		return id, nil
	default:
		id, _, err := c.plane.Roles.Assume(c.ctx, self, role, session)
		if err != nil {
			if aws.InfoOf(err).Fault {
				c.plane.Log.ErrorContext(c.ctx, "API: assume role", "request", request.ID, "role", role, "error", err)
			}
			return id, configuration("API Gateway does not have permission to assume the provided role %s", role)
		}
		return id, nil
	}
}

// callAWS sends the request to an operation of a service.
func (c *call) callAWS(body []byte) *failure {
	i := &c.method.integration
	if i.uriErr != nil {
		return configuration("%v", i.uriErr)
	}
	m := c.mapRequest()
	m.override(c.overrides)
	r, f := c.awsRequest(body, m)
	if f != nil {
		return f
	}
	id, f := c.backendIdentity()
	if f != nil {
		return f
	}
	c.note("INFO", false, "Endpoint request URI: %s", r.URL)
	c.note("INFO", false, "Sending request to %s", r.URL)
	if f := c.send(func(ctx context.Context) (*http.Response, error) {
		return c.plane.Wire.RoundTrip(id, r.WithContext(ctx))
	}); f != nil {
		return f
	}
	if i.uri.Function() && c.reply.header.Get("X-Amz-Function-Error") != "" {
		c.reply.failed = true
		if doc, ok := c.reply.doc(); ok {
			if o, ok := doc.(*jsondoc.Object); ok {
				v, _ := o.Get("errorMessage")
				c.reply.errorText = plainText(v)
			}
		}
	}
	return nil
}

// awsRequest is the request that an AWS service gets.
func (c *call) awsRequest(body []byte, m mapped) (*http.Request, *failure) {
	i := &c.method.integration
	u := i.uri
	what := substitute(u.What, c.variables, m.path, escapePath)
	service := c.plane.service(u.Service)
	if service == nil {
		return nil, configuration("Invalid endpoint address: there is no service %s", u.Service)
	}
	host := service.Endpoint + "." + u.Region + ".amazonaws.com"
	if u.Subdomain != "" {
		host = u.Subdomain + "." + host
	}
	target := &url.URL{Scheme: "https", Host: host, Path: "/"}
	header := http.Header{}
	query := url.Values(m.query)
	if u.Action {
		action, rest, _ := strings.Cut(what, "&")
		if service.Protocols.Has(aws.JSON10 | aws.JSON11) {
			header["X-Amz-Target"] = []string{service.Target + "." + action}
			header["Content-Type"] = []string{"application/x-amz-json-1.0"}
			if service.Protocols.Has(aws.JSON11) {
				header["Content-Type"] = []string{"application/x-amz-json-1.1"}
			}
		} else {
			more, _ := url.ParseQuery(rest) // what is malformed is left out
			for k, v := range more {
				query[k] = v
			}
			query.Set("Action", action)
			if query.Get("Version") == "" {
				query.Set("Version", service.Version)
			}
			header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
		}
	} else {
		path, raw, _ := strings.Cut(what, "?")
		target.RawPath, target.Path = "/"+path, "/"+decoded(path)
		more, _ := url.ParseQuery(raw)
		for k, v := range more {
			if query[k] == nil {
				query[k] = v
			}
		}
		header["Content-Type"] = []string{"application/json"}
		if t := c.header.Get("Content-Type"); t != "" && !u.Function() {
			header["Content-Type"] = []string{t}
		}
	}
	target.RawQuery = query.Encode()
	for k, v := range m.header {
		header[k] = v
	}
	return c.newRequest(text(i.HttpMethod), target, header, body), nil
}

func (c *call) newRequest(verb string, u *url.URL, h http.Header, body []byte) *http.Request {
	if verb == "ANY" || verb == "" {
		verb = c.verb
	}
	r := &http.Request{Method: verb, URL: u, Host: u.Host, Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
		Body: http.NoBody}
	if len(body) > 0 {
		r.Body = readCloser{bytes.NewReader(body)}
	}
	return r
}

type readCloser struct{ *bytes.Reader }

// Close does nothing.
func (readCloser) Close() error { return nil }

// escapePath escapes what is not allowed in a path. Slashes stay.
func escapePath(s string) string {
	parts := strings.Split(s, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// callHTTP sends the request to an HTTP endpoint: with everything that the client sent for a proxy, else with what is mapped.
func (c *call) callHTTP(body []byte) *failure {
	i := &c.method.integration
	proxy := i.Type == apigatewayapi.IntegrationTypeHttpProxy
	m := c.mapRequest()
	m.override(c.overrides)
	u, err := url.Parse(substitute(text(i.Uri), c.variables, m.path, escapePath))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return configuration("Invalid endpoint address")
	}
	query, _ := url.ParseQuery(u.RawQuery) // what is malformed is left out
	header := http.Header{}
	if proxy {
		for k, v := range c.values() {
			query[k] = v
		}
		for k, v := range c.header {
			header[k] = v
		}
		for _, hop := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"} {
			delete(header, hop)
		}
		c.forwarded(header)
	} else {
		header["Accept"] = []string{"application/json"}
		if len(body) > 0 {
			header["Content-Type"] = []string{"application/json"}
			if t := c.header.Get("Content-Type"); t != "" {
				header["Content-Type"] = []string{t}
			}
		}
	}
	header["X-Amzn-Apigateway-Api-Id"] = []string{c.stage.api}
	if header["User-Agent"] == nil {
		header["User-Agent"] = []string{"AmazonAPIGateway_" + c.stage.api}
	}
	if c.traceID != "" {
		header["X-Amzn-Trace-Id"] = []string{c.traceHeader()}
	}
	for k, v := range m.query {
		query[k] = v
	}
	for k, v := range m.header {
		header[k] = v
	}
	u.RawQuery = query.Encode()
	r := c.newRequest(text(i.HttpMethod), u, header, body)
	if host := header.Get("Host"); host != "" {
		r.Host = host
		header.Del("Host")
	}
	c.note("INFO", false, "Endpoint request URI: %s", u)
	c.note("INFO", true, "Endpoint request headers: %s", headerText(header))
	c.note("INFO", false, "Sending request to %s", u)
	return c.send(func(ctx context.Context) (*http.Response, error) { return c.plane.HTTP.RoundTrip(r.WithContext(ctx)) })
}

// forwarded adds the headers that say for whom a proxy asks.
func (c *call) forwarded(h http.Header) {
	ip := c.visit.Request.SourceIP
	if before := h.Get("X-Forwarded-For"); before != "" {
		ip = before + ", " + ip
	}
	h["X-Forwarded-For"] = []string{ip}
	scheme, port := "http", "80"
	if c.visit.Request.TLS {
		scheme, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(c.host); err == nil {
		port = p
	}
	h["X-Forwarded-Proto"] = []string{scheme}
	h["X-Forwarded-Port"] = []string{port}
}
