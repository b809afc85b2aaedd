// Package mapping is Lambda's event source mappings: what reads a queue or a stream of DynamoDB and invokes a function
// with what comes. Package event/source does the reading; how far streams are read is kept here.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
package mapping

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/brume-dev/brume/api/dynamodbstreamsapi"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// principal is Lambda as roles' trust policies name it.
const principal = "lambda.amazonaws.com"

// kindSettle is the kind of promises that end a change of a mapping's state.
const kindSettle = "lambda.mapping"

// Function is what a mapping needs to know of a function.
type Function struct {
	Account, Region string
	Name            string
	ARN             string // with the qualifier that it was named by
	Role            string
	Timeout         time.Duration
}

// Answer is what a function made of a batch.
type Answer struct {
	Payload []byte
	Failed  bool
	Request string // id
	Version string // that was executed
}

// Functions are the functions of the service that mappings belong to.
type Functions interface {
	// Function finds a function by a name in any of Lambda's forms. Errors are Lambda's own.
	Function(ctx context.Context, id aws.Identity, name string) (Function, error)
	// Run invokes the function at ARN with an event. It returns source.ErrNoRoom when that is throttled, and an error
	// when the function was not run to its end.
	Run(ctx context.Context, account, region, arn string, event []byte, trace string) (Answer, error)
	// Stops reports whether the function at arn, invoked once more in the request that trace belongs to, would be
	// stopped because it runs in a loop.
	Stops(ctx context.Context, account, region, arn, trace string) (bool, error)
	// CheckDestination refuses what batches that are given up cannot be sent to by the function.
	CheckDestination(ctx context.Context, id aws.Identity, fn Function, arn string) error
}

// Config is what Mappings need.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Caller    aws.Caller
	Roles     aws.Roles
	Timer     *timer.Runner
	Functions Functions
	NewID     func() string // a random UUID
	// Permits returns an error when id may not make a call; nil: everything is permitted.
	Permits func(ctx context.Context, id aws.Identity, op aws.Op, in any) error
	// Free reports whether the machine bears more invocations at a time; nil: always.
	Free func() bool
	Log  *slog.Logger
}

// Mappings has the operations on event source mappings, as a part of lambdaapi.Handler, and reads their sources.
type Mappings struct {
	Config
	sqs     sqsapi.Client
	streams dynamodbstreamsapi.Client

	syncing sync.Mutex // one look at what should run at a time

	mu      sync.Mutex
	ctx     context.Context    // of Run, nil before
	up      chan struct{}      // closed when Run has begun
	readers map[string]*reader // by UUID, those of the present revisions
	all     map[*reader]bool   // that have not ended
	results map[string]string  // LastProcessingResult by UUID
}

// New returns the mappings and registers their promises; their loop is Run.
func New(c Config) *Mappings {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Permits == nil {
		c.Permits = func(context.Context, aws.Identity, aws.Op, any) error { return nil }
	}
	m := &Mappings{Config: c, sqs: sqsapi.NewClient(c.Caller), streams: dynamodbstreamsapi.NewClient(c.Caller), up: make(chan struct{}), readers: map[string]*reader{}, all: map[*reader]bool{}, results: map[string]string{}}
	c.Timer.Handle(kindSettle, m.settle, timer.Policy{})
	return m
}

// home is the shard of the mappings of an account and region.
func (m *Mappings) home(k space) store.Shard { return m.Store.Shard(store.Home(k.account, k.region)) }
