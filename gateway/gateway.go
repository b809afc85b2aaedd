// Package gateway is the socket: it accepts a request, finds out what it is for (package route) and who sent it (package
// sigv4), turns its bytes into the operation's input, has the call made, and writes the answer. It is the only way in,
// for clients and, through Wire, for services that speak to others in their wire formats.
package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/gateway/route"
	"github.com/brume-dev/brume/gateway/sigv4"
	"github.com/brume-dev/brume/protocol"
	"github.com/brume-dev/brume/protocol/cbor"
	"github.com/brume-dev/brume/protocol/json"
	"github.com/brume-dev/brume/protocol/query"
	"github.com/brume-dev/brume/protocol/rest"
)

// Config is what a Gateway needs.
type Config struct {
	// Services are the APIs to route to.
	Services []*aws.Service
	// Call makes a call: dispatch's table. r.Notes is what the decoder saw that in cannot say.
	Call func(ctx context.Context, id aws.Identity, op *aws.Operation, in any, r *protocol.Request) (out any, err error)
	Keys Keys

	// Account and Region are those of requests that name none.
	Account, Region string
	// Open takes an access key that Keys does not know as the Root of its account; a key id of 12 digits names
	// the account. Its signature cannot be verified, since there is no secret.
	Open bool

	// Buckets says which web pages may use a bucket of S3; nil lets the rules for all other services hold there too.
	Buckets Buckets

	// Planes serve what is no AWS operation, by the word in the host name: "execute-api", "lambda-url", "s3-website".
	Planes map[string]aws.DataPlane
	// Own serves the paths that begin with "/_", and "/" to browsers.
	Own http.Handler

	// Clock is the platform's: temporary credentials end by it. Now is the machine's: signatures age by it.
	Clock clock.Clock
	Now   func() time.Time
	Log   *slog.Logger
}

// Gateway answers requests. It is safe for concurrent use.
type Gateway struct {
	Config
	routes   *route.Table
	verifier *sigv4.Verifier
	codecs   map[aws.Protocol]protocol.Codec
	rooms    sync.Pool // of *[]byte: where answers are written before they are sent
}

// New returns a gateway.
func New(c Config) *Gateway {
	return &Gateway{Config: c, routes: route.New(c.Services), verifier: sigv4.NewVerifier(),
		codecs: map[aws.Protocol]protocol.Codec{aws.JSON10: json.Codec{}, aws.JSON11: json.Codec{}, aws.Query: query.Codec{},
			aws.EC2Query: query.EC2{}, aws.RestJSON: rest.JSON{}, aws.RestXML: rest.XML{}, aws.CBOR: cbor.Codec{}},
		rooms: sync.Pool{New: func() any { b := make([]byte, 0, roomSize); return &b }}}
}

// ServeHTTP answers one request. The order is the whole of the house's front door:
// accept, route, who, decode, call, encode.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := g.accept(r)
	to := g.routes.Find(&x.look)
	switch to.Kind {
	case route.Own:
		g.own(w, r)
	case route.Welcome:
		g.Own.ServeHTTP(w, r)
	case route.Preflight:
		g.preflight(w, r, x, to)
	case route.Data:
		g.visit(w, r, x, to)
	default:
		g.admit(w, r, to)
		room := g.rooms.Get().(*[]byte)
		defer g.rooms.Put(room)
		x.wire.Answer, x.wire.Room = w.Header(), *room
		g.write(w, r, x, g.serve(r.Context(), x, to))
	}
}

// serve answers a call of an operation.
func (g *Gateway) serve(ctx context.Context, x *exchange, to route.Route) (answer *protocol.Response) {
	codec := g.codecOf(to)
	x.address(to)
	defer func() {
		if r := recover(); r != nil {
			err := fmt.Errorf("panic: %v", r)
			g.Log.ErrorContext(ctx, "request failed", "request", x.wire.ID, "error", err, "stack", string(debug.Stack()))
			answer = codec.Error(to.Service, to.Op, &x.wire, err)
		}
	}()
	var err error
	if to.Kind == route.Form {
		answer, err = g.post(ctx, x, to, codec)
	} else {
		var out any
		if out, err = g.call(ctx, x, to, codec); err == nil {
			answer, err = codec.Encode(to.Op, &x.wire, out)
		}
	}
	if err != nil {
		g.report(ctx, x, err)
		answer = codec.Error(to.Service, to.Op, &x.wire, err)
	}
	return answer
}

// call is serve without the bytes of the answer.
func (g *Gateway) call(ctx context.Context, x *exchange, to route.Route, codec protocol.Codec) (any, error) {
	if to.Err != nil {
		return nil, to.Err
	}
	if !to.Op.Implemented() {
		return nil, aws.NotImplemented(to.Service.ID, to.Op.Name)
	}
	if err := x.bound(to); err != nil {
		return nil, err
	}
	id, err := g.who(ctx, x, to)
	if err != nil {
		return nil, err
	}
	if err := x.inflate(to); err != nil {
		return nil, err
	}
	in := to.Op.NewInput()
	if err := x.verify(to, in); err != nil {
		return nil, err
	}
	if err := codec.Decode(to.Op, &x.wire, in); err != nil {
		return nil, err
	}
	return g.Call(ctx, id, to.Op, in, &x.wire)
}

// codecOf returns the codec to answer in, also when there is no operation.
func (g *Gateway) codecOf(to route.Route) protocol.Codec {
	if c := g.codecs[to.Protocol]; c != nil {
		return c
	}
	return g.codecs[aws.JSON10]
}

// report logs what is our own fault; the client is shown InternalFailure and the request id.
func (g *Gateway) report(ctx context.Context, x *exchange, err error) {
	if aws.CodeOf(err) == "InternalFailure" && ctx.Err() == nil {
		g.Log.ErrorContext(ctx, "request failed", "request", x.wire.ID, "error", err)
	}
}
