// Package connection is what EventBridge's connections give to calls of HTTP endpoints: the headers, query parameters and
// body members by which a call is authorized. API destinations (event/target) and the HTTP tasks of Step Functions ask
// for them; service/eventbridge keeps them.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection.html
package connection

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/jsondoc"
)

// Pair is one header, query parameter or body member.
type Pair struct{ Name, Value string }

// Authorization is what a call carries for its connection: that of the authorization itself and the connection's
// invocation parameters.
type Authorization struct{ Header, Query, Body []Pair }

// Keeper keeps connections.
type Keeper interface {
	// Authorize returns what calls by the connection carry. fresh says that the endpoint has refused what an earlier
	// Authorize gave: a token that was kept is obtained anew. Errors are aws.Errors: ResourceNotFoundException when there
	// is no such connection, others when it is not authorized.
	Authorize(ctx context.Context, arn string, fresh bool) (*Authorization, error)
}

// ErrBody says that a connection has body parameters and the body is no object or form that could take them.
var ErrBody = errors.New("connection: the body cannot take the connection's parameters")

// Refused reports whether an endpoint's answer says that what it was given as authorization is no longer good.
func Refused(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired
}

// Apply adds a to the headers and the query of a call. What the connection says goes before what the call says.
func (a *Authorization) Apply(h http.Header, u *url.URL) {
	for _, p := range a.Header {
		h.Set(p.Name, p.Value)
	}
	if len(a.Query) == 0 {
		return
	}
	q := u.Query()
	for _, p := range a.Query {
		q.Set(p.Name, p.Value)
	}
	u.RawQuery = q.Encode()
}

// Merge adds a to the body of a call, a JSON object or a form by its content type; no body counts as an empty one.
func (a *Authorization) Merge(body []byte, contentType string) ([]byte, error) {
	if len(a.Body) == 0 {
		return body, nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err == nil && media == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, ErrBody
		}
		for _, p := range a.Body {
			form.Set(p.Name, p.Value)
		}
		return []byte(form.Encode()), nil
	}
	o := jsondoc.NewObject()
	if len(strings.TrimSpace(string(body))) > 0 {
		doc, err := jsondoc.Parse(body)
		ok := false
		if o, ok = doc.(*jsondoc.Object); err != nil || !ok {
			return nil, ErrBody
		}
	}
	for _, p := range a.Body {
		o.Set(p.Name, value(p.Value))
	}
	return jsondoc.Append(nil, o), nil
}

// value is a body parameter: JSON objects and arrays are that, everything else is a string.
func value(s string) any {
	if t := strings.TrimSpace(s); strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[") {
		if json.Valid([]byte(t)) {
			if v, err := jsondoc.Parse([]byte(t)); err == nil {
				return v
			}
		}
	}
	return s
}
