package gateway

import (
	"bytes"
	"io"
	"net/http"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/gateway/route"
	"github.com/brume-dev/brume/protocol"
)

var _ aws.Wire = (*Gateway)(nil)

// RoundTrip implements aws.Wire: r is routed, decoded, called and encoded as if it had been received, but for id, and
// without a signature. Errors of the operation are answers; only what reaches no operation at all is an error.
func (g *Gateway) RoundTrip(id aws.Identity, r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	r = r.Clone(ctx) // headers are rewritten on the way
	x := g.accept(r)
	if id.Request.ID != "" {
		x.info.ID, x.wire.ID = id.Request.ID, id.Request.ID
	}
	x.look.AnyType = true
	to := g.routes.Find(&x.look)
	if to.Kind != route.Operation && to.Kind != route.Nothing {
		return nil, aws.Errorf("UnknownOperationException", http.StatusNotFound, "%s %s is no operation of AWS", r.Method, r.URL)
	}
	x.given = &id
	return response(r, g.serve(ctx, x, to)), nil
}

// response turns an answer into what an HTTP client gets.
func response(r *http.Request, a *protocol.Response) *http.Response {
	body := io.ReadCloser(io.NopCloser(bytes.NewReader(a.Body)))
	length := int64(len(a.Body))
	if a.Stream != nil {
		body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(a.Body), a.Stream), a.Stream}
		if length = -1; a.Length >= 0 {
			length = int64(len(a.Body)) + a.Length
		}
	}
	h := a.Header
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{Status: http.StatusText(a.Status), StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: body, ContentLength: length, Request: r}
}
