// Package apigateway is Amazon API Gateway's REST APIs: what they are made of, their deployments and stages, and through
// package execute the invoke URLs that serve them.
// https://docs.aws.amazon.com/apigateway/latest/api/Welcome.html
package apigateway

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/brume-dev/brume/api/apigatewayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/apigateway/execute"
	"github.com/brume-dev/brume/service/apigateway/usage"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store    store.Store
	Clock    clock.Clock
	Timer    *timer.Runner
	Caller   aws.Caller            // logs and traces are written through it
	Wire     aws.Wire              // AWS integrations go through it
	Roles    aws.Roles             // the credentials of integrations, and the account's role for logs
	Policies aws.Policies          // who may invoke
	Services func() []*aws.Service // what AWS integrations may name
	HTTP     http.RoundTripper     // HTTP integrations go through it
	Rand     io.Reader             // crypto/rand.Reader
	Log      *slog.Logger

	Rate  float64 // requests a second that an account may make to its APIs; 0: AWS's quota
	Burst int
}

// Service implements apigatewayapi.Handler.
type Service struct {
	Config
	plane *execute.Plane
}

var _ apigatewayapi.Handler = (*Service)(nil)

// kindForget is the promise to take a deleted API's id out of the directory of all ids; its ID is the API's.
const kindForget = "apigateway.forget"

// New returns the service and registers its promises with the timer. Run of Plane must run for its logs to be written.
func New(c Config) (*Service, error) {
	s := &Service{Config: c}
	s.plane = execute.New(execute.Config{Source: s, Usage: usage.Ledger{Store: c.Store}, Clock: c.Clock, Caller: c.Caller, Wire: c.Wire, Roles: c.Roles, Policies: c.Policies,
		Services: c.Services, HTTP: c.HTTP, Rand: c.Rand, Log: c.Log, Rate: c.Rate, Burst: c.Burst})
	c.Timer.Handle(kindForget, s.forget, timer.Policy{})
	return s, nil
}

// Plane is what serves the invoke URLs of all APIs.
func (s *Service) Plane() *execute.Plane { return s.plane }

func (s *Service) shard(account, region string) store.Shard {
	return s.Store.Shard(store.Home(account, region))
}

// newID returns a random name of n small letters and digits.
func (s *Service) newID(n int) (string, error) {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	if _, err := io.ReadFull(s.Rand, b); err != nil {
		return "", fmt.Errorf("apigateway: read random bytes: %w", err)
	}
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b), nil
}

// draft is a transaction on one API, or a view of it: then tx is nil.
type draft struct {
	r   store.Reader
	tx  store.Tx
	id  aws.Identity
	key place
	api *apigatewayapi.RestApi
}

// update runs fn in a transaction on an API that must exist.
func update[T any](ctx context.Context, s *Service, id aws.Identity, api string, fn func(*draft) (T, error)) (T, error) {
	return store.Update(ctx, s.shard(id.Account, id.Region), func(_ context.Context, tx store.Tx) (T, error) {
		d := &draft{r: tx, tx: tx, id: id, key: placeOf(id.Account, id.Region, api)}
		if err := d.open(api); err != nil {
			var zero T
			return zero, err
		}
		return fn(d)
	})
}

// view is update for reading.
func view[T any](ctx context.Context, s *Service, id aws.Identity, api string, fn func(*draft) (T, error)) (T, error) {
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (T, error) {
		d := &draft{r: r, id: id, key: placeOf(id.Account, id.Region, api)}
		if err := d.open(api); err != nil {
			var zero T
			return zero, err
		}
		return fn(d)
	})
}

func (d *draft) open(api string) (err error) {
	d.api, err = must[apigatewayapi.RestApi](d.r, d.key.record(), notFound("Invalid API identifier specified %s:%s", d.id.Account, api))
	return err
}

// serving says that what the data plane serves of the API has changed.
func (d *draft) serving() { d.tx.Add(d.key.revision(), 1) }
