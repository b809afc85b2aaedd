package execute

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/apigateway/vtl"
)

// integrate has the integration answer, and makes the client's answer of that.
func (c *call) integrate() *failure {
	switch i := &c.method.integration; i.Type {
	case apigatewayapi.IntegrationTypeMock:
		return c.mock()
	case apigatewayapi.IntegrationTypeAws:
		body, f := c.requestBody()
		if f == nil {
			f = c.callAWS(body)
		}
		if f == nil {
			f = c.respond()
		}
		return f
	case apigatewayapi.IntegrationTypeHttp:
		body, f := c.requestBody()
		if f == nil {
			f = c.callHTTP(body)
		}
		if f == nil {
			f = c.respond()
		}
		return f
	case apigatewayapi.IntegrationTypeHttpProxy:
		if f := c.callHTTP(c.body); f != nil {
			return f
		}
		c.pass()
		return nil
	case apigatewayapi.IntegrationTypeAwsProxy:
		return c.proxyFunction()
	default:
		return configuration("no integration")
	}
}

// mock answers with the status that the request template says.
func (c *call) mock() *failure {
	body, f := c.requestBody()
	if f != nil {
		return f
	}
	c.reply = reply{sent: true, header: http.Header{}, began: c.now()}
	if doc, ok := parseBody(body).(*jsondoc.Object); ok {
		if v, ok := doc.Get("statusCode"); ok {
			c.reply.status, _ = strconv.Atoi(vtl.Text(v)) // 0: refused below
		}
	}
	if c.reply.status < 100 || c.reply.status > 999 {
		return configuration("Unable to parse statusCode. It should be an integer that is defined in the request template.")
	}
	return c.respond()
}

// requestBody is the body that the integration gets.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
func (c *call) requestBody() ([]byte, *failure) {
	i := &c.method.integration
	body, err := convert(c.body, c.program.isBinary(c.header.Get("Content-Type")), i.ContentHandling)
	if err != nil {
		return nil, configuration("Unable to base64 decode the body.")
	}
	contentType := mediaType(c.header.Get("Content-Type"))
	if contentType == "" {
		contentType = "application/json"
	}
	t, ok := i.templates[contentType]
	if !ok {
		t, ok = i.templates["$default"]
	}
	if !ok {
		switch behaviour := text(i.PassthroughBehavior); {
		case behaviour == "NEVER", behaviour == "WHEN_NO_TEMPLATES" && len(i.templates) > 0:
			return nil, &failure{kind: apigatewayapi.GatewayResponseTypeUnsupportedMediaType, status: http.StatusUnsupportedMediaType,
				message: "Unsupported Media Type", errorType: "UnsupportedMediaTypeException"}
		}
		return body, nil
	}
	c.note("INFO", true, "Method request body before transformations: %s", body)
	out, err := c.render(t, body, c.doc)
	if errors.Is(err, errNotJSON) {
		return nil, &failure{kind: apigatewayapi.GatewayResponseTypeBadRequestBody, status: http.StatusBadRequest, errorType: "BadRequestException",
			message: "Could not parse request body into json: Unrecognized token", detail: "Execution failed: Could not parse request body into json"}
	}
	if err != nil {
		return nil, configuration("Unable to transform request: %v", err)
	}
	c.note("INFO", true, "Endpoint request body after transformations: %s", out)
	return out, nil
}

// convert is content handling: binary data to base64 text and back.
func convert(body []byte, binary bool, how apigatewayapi.ContentHandlingStrategy) ([]byte, error) {
	switch {
	case how == apigatewayapi.ContentHandlingStrategyConvertToText && binary:
		return base64.StdEncoding.AppendEncode(nil, body), nil
	case how == apigatewayapi.ContentHandlingStrategyConvertToBinary && !binary:
		return base64.StdEncoding.DecodeString(string(body))
	}
	return body, nil
}

// errNotJSON says that a template looks into a body that is no JSON document.
var errNotJSON = errors.New("not a JSON document")

// timedOut is the answer when an integration takes too long.
func timedOut() *failure {
	return &failure{kind: apigatewayapi.GatewayResponseTypeIntegrationTimeout, status: http.StatusGatewayTimeout, message: "Endpoint request timed out",
		errorType: "InternalServerErrorException", detail: "Execution failed due to a timeout error"}
}

// unreachable is the answer when an integration cannot be reached.
func unreachable(err error) *failure {
	return &failure{kind: apigatewayapi.GatewayResponseTypeIntegrationFailure, status: http.StatusGatewayTimeout, message: "Network error communicating with endpoint",
		errorType: "InternalServerErrorException", detail: "Execution failed due to configuration error: " + err.Error()}
}

// send makes the request to the integration and reads its answer, within the time that it has. One of a service that is too
// slow goes on by itself: a function that was invoked is not stopped because its caller has gone.
func (c *call) send(trip func(context.Context) (*http.Response, error)) *failure {
	type result struct {
		reply reply
		err   error
	}
	c.reply = reply{sent: true, began: c.now()}
	ctx, cancel := context.WithTimeout(c.ctx, c.method.integration.timeout)
	defer cancel()
	done := make(chan result, 1)
	away := ctx
	if c.method.integration.uri.Service != "" {
		away = context.WithoutCancel(ctx)
	}
	go func() {
		var out result
		res, err := trip(away)
		if err != nil {
			done <- result{err: err}
			return
		}
		out.reply.status, out.reply.header = res.StatusCode, res.Header
		out.reply.body, out.err = io.ReadAll(io.LimitReader(res.Body, maxPayload+1))
		_ = res.Body.Close() // nothing is left to read of it
		done <- out
	}()
	select {
	case got := <-done:
		began := c.reply.began
		c.reply = got.reply
		c.reply.sent, c.reply.began, c.reply.latency = true, began, c.now().Sub(began)
		if errors.Is(got.err, context.DeadlineExceeded) {
			return timedOut()
		}
		if got.err != nil {
			return unreachable(got.err)
		}
	case <-ctx.Done():
		c.reply.latency = c.now().Sub(c.reply.began)
		return timedOut()
	}
	if len(c.reply.body) > maxPayload {
		return configuration("Integration response of reported length is larger than allowed maximum of %d bytes.", maxPayload)
	}
	c.reply.requestID = c.reply.header.Get("X-Amzn-Requestid")
	c.note("INFO", false, "Received response. Status: %d, Integration latency: %d ms", c.reply.status, c.reply.latency.Milliseconds())
	c.note("INFO", true, "Endpoint response headers: %s", headerText(c.reply.header))
	c.note("INFO", true, "Endpoint response body before transformations: %s", c.reply.body)
	return nil
}

// choose finds the response for what the integration answered: a function's error by its message, everything else by its
// status; the one without a pattern where none fits.
func (c *call) choose() *integrationResponse {
	i := &c.method.integration
	key := strconv.Itoa(c.reply.status)
	if i.uri.Function() && c.reply.status < 300 {
		if !c.reply.failed {
			return i.fallback
		}
		key = c.reply.errorText
	}
	for n := range i.responses {
		if i.responses[n].pattern.MatchString(key) {
			return &i.responses[n]
		}
	}
	return i.fallback
}

// respond maps the integration's answer to the client's.
func (c *call) respond() *failure {
	r := c.choose()
	if r == nil {
		return configuration("No match for output mapping and no default output mapping configured. Endpoint Response Status Code: %d", c.reply.status)
	}
	c.out = answer{status: r.status, header: http.Header{}}
	body, err := convert(c.reply.body, c.program.isBinary(c.reply.header.Get("Content-Type")), r.handling)
	if err != nil {
		return configuration("Unable to base64 decode the body.")
	}
	contentType := "application/json"
	if t := pickType(r.types, c.header.Get("Accept"), c.reply.header.Get("Content-Type")); t != "" {
		contentType = t
		if body, err = c.render(r.templates[t], body, c.reply.docOrText); err != nil {
			return configuration("Unable to transform response: %v", err)
		}
		c.note("INFO", true, "Method response body after transformations: %s", body)
	} else if t := c.reply.header.Get("Content-Type"); t != "" && c.method.integration.Type == apigatewayapi.IntegrationTypeHttp {
		contentType = t
	}
	c.out.header.Set("Content-Type", contentType)
	for _, m := range r.mappings {
		if v := c.resolve(m.from); len(v) > 0 {
			c.out.header[http.CanonicalHeaderKey(strings.TrimPrefix(m.to, "method.response.header."))] = v
		}
	}
	c.out.body = body
	c.overrideResponse()
	c.note("INFO", true, "Method response headers: %s", headerText(c.out.header))
	return nil
}

// overrideResponse lets what the templates set go over the mappings.
func (c *call) overrideResponse() {
	if c.overrides == nil {
		return
	}
	o := c.overrides.response
	if v, ok := o.Get("status"); ok && v != nil {
		if status, err := strconv.Atoi(vtl.Text(v)); err == nil && status >= 100 && status <= 599 {
			c.out.status = status
		}
	}
	for k, v := range overridden(o, "header") {
		c.out.header.Set(k, v)
	}
}

// pass answers with what an HTTP endpoint answered.
func (c *call) pass() {
	c.out = answer{status: c.reply.status, header: http.Header{}, body: c.reply.body}
	for k, v := range c.reply.header {
		c.out.header[remapped(k)] = v
	}
	delete(c.out.header, "Transfer-Encoding")
}

// remapped is the name that a header of an integration's answer gets.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
func remapped(name string) string {
	switch name {
	case "Authorization", "Connection", "Content-Length", "Content-Md5", "Date", "Host", "Server", "User-Agent", "Www-Authenticate",
		"X-Amzn-Requestid", "X-Amz-Apigw-Id":
		return "X-Amzn-Remapped-" + name
	}
	return name
}
