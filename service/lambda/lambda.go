// Package lambda is AWS Lambda: functions with their versions, aliases and permissions; synchronous and asynchronous
// invocation; the environments that functions run in, by way of package sandbox.
//
// https://docs.aws.amazon.com/lambda/latest/dg/welcome.html
package lambda

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/xrayapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/logbook"
	"github.com/brume-dev/brume/sandbox"
	"github.com/brume-dev/brume/service/lambda/code"
	"github.com/brume-dev/brume/service/lambda/eventinvoke"
	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/service/lambda/functionurl"
	"github.com/brume-dev/brume/service/lambda/layer"
	"github.com/brume-dev/brume/service/lambda/management"
	"github.com/brume-dev/brume/service/lambda/mapping"
	"github.com/brume-dev/brume/service/lambda/provision"
	"github.com/brume-dev/brume/service/lambda/signing"
	"github.com/brume-dev/brume/service/lambda/trace"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Space is the blob space of deployment packages.
const Space = code.Space

// principal is the service as roles' trust policies and resource policies name it.
const principal = "lambda.amazonaws.com"

// Config is what the service needs.
type Config struct {
	Store  store.Store
	Blobs  blob.Store
	Clock  clock.Clock
	Caller aws.Caller
	Timer  *timer.Runner
	Roles  aws.Roles
	Runner sandbox.Runner
	// Dir is a folder of the service's own, for unpacked code. What is in it can be lost.
	Dir string
	// CodeURL makes the address at which ServeCode is reached with a token; nil: GetFunction names none.
	CodeURL func(token string) string
	// URL makes the address of a function URL; Policies decides who may invoke one.
	URL      func(id, region string) string
	Policies aws.Policies
	// Memory reads the part of the machine's memory that is free; nil: it is not watched.
	Memory func() float64
	// Bears reports whether the machine bears more invocations at a time than there are; nil: always.
	Bears func() bool
	// Permits returns an error when id may not make a call; nil: everything is permitted.
	Permits func(ctx context.Context, id aws.Identity, op aws.Op, in any) error
	Now     func() time.Time // the machine's clock, by which functions time out
	Rand    io.Reader        // nil: crypto/rand
	Log     *slog.Logger
}

// Service implements lambdaapi.Handler and aws.Accessor.
type Service struct {
	Config
	*mapping.Mappings
	*functionurl.URLs
	*layer.Layers
	*provision.Provisions
	*signing.Configs
	*management.Managements
	*eventinvoke.Settings
	xray     xrayapi.Client
	depot    *code.Depot
	fleet    *fleet.Fleet
	capacity *fleet.Capacity
	book     *logbook.Book
	links    *code.Links
	past     context.Context // one that has ended: what is asked with it does not wait

	random struct {
		sync.Mutex
		*mathrand.ChaCha8
	}
	sampler trace.Sampler
}

var (
	_ lambdaapi.Handler = (*Service)(nil)
	_ aws.Accessor      = (*Service)(nil)
)

// The kinds of promises of this service.
const (
	kindPrepare = "lambda.prepare" // make a new or changed function ready
	kindAsync   = "lambda.async"   // invoke a function with an event
)

// New returns the service and registers its promises. Its loop is Run.
func New(c Config) (*Service, error) {
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, xray: xrayapi.NewClient(c.Caller),
		depot: code.NewDepot(c.Store, c.Blobs, code.NewCache(c.Dir, c.Blobs, code.Space), c.Caller, c.Timer), fleet: fleet.New(fleet.Config{Clock: c.Clock, Now: c.Now, Memory: c.Memory, Log: c.Log}), capacity: fleet.NewCapacity(),
		book: logbook.New(logbook.Config{Caller: c.Caller, Log: c.Log})}
	s.links = &code.Links{URL: c.CodeURL, Blobs: c.Blobs, Now: c.Now}
	var seed [32]byte
	for _, b := range [][]byte{seed[:], s.links.Secret[:]} {
		if _, err := io.ReadFull(c.Rand, b); err != nil {
			return nil, fmt.Errorf("lambda: randomness: %w", err)
		}
	}
	var end context.CancelFunc
	s.past, end = context.WithCancel(context.Background())
	end()
	s.random.ChaCha8 = mathrand.NewChaCha8(seed)
	s.Mappings = mapping.New(mapping.Config{Store: c.Store, Clock: c.Clock, Caller: c.Caller, Roles: c.Roles, Timer: c.Timer,
		Functions: mapped{s}, NewID: s.newID, Permits: c.Permits, Free: c.Bears, Log: c.Log})
	s.Layers = layer.New(layer.Config{Store: c.Store, Depot: s.depot, Link: s.links.To, NewID: s.newID})
	s.Configs = signing.New(signing.Config{Store: c.Store, NewID: s.newID}, behind{s})
	s.Managements = management.New(c.Store, behind{s}.Find)
	s.Settings = eventinvoke.New(c.Store, behind{s})
	s.Provisions = provision.New(provision.Config{Store: c.Store, Timer: c.Timer, Fleet: s.fleet, Log: c.Log}, behind{s})
	s.URLs = functionurl.New(functionurl.Config{Store: c.Store, Clock: c.Clock, Timer: c.Timer, Policies: c.Policies, URL: c.URL, NewID: s.newID, Log: c.Log}, behind{s})
	c.Timer.Handle(kindPrepare, s.prepare, timer.Policy{})
	c.Timer.Handle(kindAsync, s.keepAsync, timer.Policy{Parallel: parallelAsync})
	return s, nil
}

// Run keeps environments and writes logs until ctx ends, and then stops the environments.
func (s *Service) Run(ctx context.Context) error {
	// The book is closed last: it writes what functions print when they are stopped.
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var g errgroup.Group
	g.Go(func() error { return s.book.Run(writing) })
	var reading sync.WaitGroup
	reading.Go(func() { _ = s.Mappings.Run(ctx) })
	g.Go(func() error { return s.Provisions.Run(ctx) })
	err := s.fleet.Run(ctx)
	reading.Wait()
	stop()
	_ = g.Wait() // it ends with its context only
	return err
}

// newID returns a random UUID.
func (s *Service) newID() string {
	var b [16]byte
	s.random.Lock()
	_, _ = s.random.Read(b[:]) // never fails
	s.random.Unlock()
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return uuid.UUID(b).String()
}

// chance returns a random number in [0, 1).
func (s *Service) chance() float64 {
	s.random.Lock()
	defer s.random.Unlock()
	return float64(s.random.Uint64()>>11) / (1 << 53)
}

func update[T any](ctx context.Context, s *Service, k space, fn func(store.Tx) (T, error)) (T, error) {
	return store.Update(ctx, k.Shard(s.Store), func(_ context.Context, tx store.Tx) (T, error) { return fn(tx) })
}

func view[T any](ctx context.Context, s *Service, k space, fn func(store.Reader) (T, error)) (T, error) {
	return store.View(ctx, k.Shard(s.Store), func(_ context.Context, r store.Reader) (T, error) { return fn(r) })
}

// Live reports which packages are used: it is the service's part in the sweep of orphaned blobs.
func (s *Service) Live(ctx context.Context, ids []blob.ID) ([]blob.ID, error) {
	return s.depot.Live(ctx, ids)
}

// ServeCode answers a link to a package; the token is what CodeURL was given.
func (s *Service) ServeCode(w http.ResponseWriter, r *http.Request, token string) {
	s.links.ServeCode(w, r, token)
}
