package timer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
)

// Config is what a Runner needs.
type Config struct {
	Store store.Store
	Clock clock.Clock
	Log   *slog.Logger // nil: no log
	// Drain is how long those promises that are being kept may take when Run's context ends, before their own
	// context ends; 5 s when 0. By the machine's clock.
	Drain time.Duration
}

// Runner keeps the promises of all shards.
type Runner struct {
	Config
	started atomic.Int64 // attempts
	ended   atomic.Int64
	failed  atomic.Int64

	mu      sync.Mutex
	kinds   map[string]*kind
	running bool
	lanes   []*lane
	up      chan struct{} // closed when lanes is whole
}

// kind is what Handle registered.
type kind struct {
	name    string
	handler Handler
	policy  Policy
}

// New returns a Runner that does nothing yet.
func New(c Config) *Runner {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Drain <= 0 {
		c.Drain = defaultDrain
	}
	return &Runner{Config: c, kinds: map[string]*kind{}, up: make(chan struct{})}
}

// Handle has h keep the promises of a kind. It panics when the kind has a handler already and when the Runner runs.
func (r *Runner) Handle(name string, h Handler, p Policy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running || r.kinds[name] != nil {
		panic(fmt.Sprintf("timer: Handle(%q) twice, or while running", name))
	}
	r.kinds[name] = &kind{name: name, handler: h, policy: p.withDefaults()}
}

// Run keeps promises until ctx ends, then lets those that are being kept end, and returns ctx's error; or the store's,
// when that is closed or no longer ours. It may be called once.
func (r *Runner) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.begin(ctx)
	defer clock.Settle(r.Clock, r.idle)()
	close(r.up)
	var wg sync.WaitGroup
	for _, l := range r.lanes {
		wg.Go(func() {
			if err := l.run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	<-ctx.Done() // there may be no lane
	return context.Cause(ctx)
}

// begin makes a lane for each kind in each shard.
func (r *Runner) begin(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		panic("timer: Run called twice")
	}
	r.running = true
	for s := range r.Store.Shards(ctx) {
		for _, k := range r.kinds {
			r.lanes = append(r.lanes, newLane(r, s, k))
		}
	}
}

// Settle returns once every promise that is due now has been kept or is due later, those included that were made on
// the way; or with ctx's error. It waits for Run to begin. It is what a virtual clock asks before it moves on.
func (r *Runner) Settle(ctx context.Context) error {
	select {
	case <-r.up:
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		// An attempt that is under way may make a promise of a kind whose lane has been asked before.
		ended := r.ended.Load()
		before := r.started.Load()
		for _, l := range r.lanes {
			if err := l.settled(ctx); err != nil {
				return err
			}
		}
		if ended == before && r.started.Load() == before {
			return nil
		}
	}
}

// idle is Settle for a virtual clock: a runner that has stopped has nothing left to do.
func (r *Runner) idle(ctx context.Context) error {
	if err := r.Settle(ctx); !errors.Is(err, errStopped) {
		return err
	}
	return nil
}

// Metrics are counters since the start, and how many promises are being kept now.
type Metrics struct{ Started, Failed int64 }

// Metrics returns how many attempts were begun, and how many of them failed.
func (r *Runner) Metrics() Metrics {
	return Metrics{Started: r.started.Load(), Failed: r.failed.Load()}
}

// errStopped says that a lane does not run any more.
var errStopped = errors.New("timer: the runner has stopped")
