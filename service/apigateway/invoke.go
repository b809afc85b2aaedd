package apigateway

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/apigateway/execute"
)

// TestInvokeMethod runs a method as it stands, without authorization, and tells what happened.
func (s *Service) TestInvokeMethod(ctx context.Context, id aws.Identity, in *apigatewayapi.TestInvokeMethodRequest) (*apigatewayapi.TestInvokeMethodResponse, error) {
	snap, err := view(ctx, s, id, in.RestApiId, func(d *draft) (*execute.Snapshot, error) {
		if _, err := d.resource(in.ResourceId); err != nil {
			return nil, err
		}
		return d.snapshot()
	})
	if err != nil {
		return nil, err
	}
	t := &execute.Trial{API: in.RestApiId, Account: id.Account, Region: id.Region, Snapshot: snap, ResourceID: in.ResourceId,
		Verb: strings.ToUpper(in.HttpMethod), Header: http.Header{}, Body: []byte(text(in.Body)), Variables: in.StageVariables, Caller: id}
	t.Path, t.Query, _ = strings.Cut(text(in.PathWithQueryString), "?")
	if _, err := url.ParseQuery(t.Query); err != nil {
		return nil, bad("Invalid path with query string: %s", text(in.PathWithQueryString))
	}
	for k, v := range in.Headers {
		t.Header.Set(k, v)
	}
	for k, v := range in.MultiValueHeaders {
		t.Header[http.CanonicalHeaderKey(k)] = v
	}
	o, ok := s.plane.Try(ctx, t)
	if !ok {
		return nil, noMethod()
	}
	status, body, latency := int32(o.Status), string(o.Body), o.Latency.Milliseconds()
	out := &apigatewayapi.TestInvokeMethodResponse{Status: &status, Body: &body, Log: &o.Log, Latency: &latency,
		Headers: map[string]string{}, MultiValueHeaders: o.Header}
	for k, v := range o.Header {
		out.Headers[k] = v[len(v)-1]
	}
	return out, nil
}
