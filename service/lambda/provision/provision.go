// Package provision is provisioned concurrency: environments of a version that are initialised before anybody invokes it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
package provision

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/brume-dev/brume/service/lambda/fleet"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Functions is what the settings need of the functions behind them.
type Functions interface {
	// Target says which versions p leads to, or that there is no such thing.
	Target(r store.Reader, p keys.Place) (*Target, error)
	// Start initialises an environment of a version, which then waits in the fleet. problem is the function's own.
	Start(ctx context.Context, p keys.Place, version string) (problem, err error)
}

// Target is what is provisioned for.
type Target struct {
	Reserved *int32 // the function's reserved concurrency
	Active   bool   // whether its versions can run
	Versions []Version
}

// Version is a version that an alias leads to, with its part of the invocations.
type Version struct {
	Key    fleet.Key
	Weight float64
}

// Config is what provisioned concurrency needs.
type Config struct {
	Store store.Store
	Timer *timer.Runner
	Fleet *fleet.Fleet
	Log   *slog.Logger
}

// Provisions implements the operations on provisioned concurrency, and keeps what they promise. Its loop is Run.
type Provisions struct {
	Config
	functions Functions
	wake      chan struct{}

	mu       sync.Mutex
	problems map[fleet.Key]problem
}

// problem is why environments of a version do not start.
type problem struct {
	text  string
	until time.Time // when the next try is due, by the machine's clock
	wait  time.Duration
}

// kindForget is the promise to take a setting that is deleted out of the directory.
const kindForget = "lambda.unprovision"

// New returns the settings of a store and registers their promises.
func New(c Config, functions Functions) *Provisions {
	s := &Provisions{Config: c, functions: functions, wake: make(chan struct{}, 1), problems: map[fleet.Key]problem{}}
	c.Timer.Handle(kindForget, s.forget, timer.Policy{})
	return s
}

// Bounds of our own; AWS names none.
const (
	lookEvery    = 5 * time.Second // between looks at whether environments have ended
	firstRetry   = 5 * time.Second // after an initialisation that failed
	longestRetry = 5 * time.Minute
	startsAtOnce = 4 // environments of one version
	targetsBound = 1000
)

// Wake says that settings, or what they are for, have changed.
func (s *Provisions) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run keeps as many environments as are provisioned until ctx ends.
func (s *Provisions) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var starting sync.WaitGroup
	defer starting.Wait()
	busy := map[string]bool{} // by ARN: whether the setting is to be looked at again
	done := make(chan string, targetsBound)
	s.Wake() // what was provisioned before the platform began
	kept := map[fleet.Key]bool{}
	for {
		select {
		case arn := <-done:
			again := busy[arn]
			if delete(busy, arn); !again {
				continue
			}
		case <-s.wake:
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		wanted, err := s.all(ctx)
		if err != nil {
			if ctx.Err() == nil {
				s.Log.Error("lambda: provisioned concurrency", "problem", err)
			}
			continue
		}
		now := map[fleet.Key]bool{}
		for _, w := range wanted {
			for _, v := range w.parts {
				now[v.key] = true
			}
			arn := w.place.ARN()
			if _, under := busy[arn]; under {
				busy[arn] = true
				continue
			}
			busy[arn] = false
			starting.Go(func() {
				s.reach(ctx, w)
				done <- arn
			})
		}
		for key := range kept {
			if !now[key] {
				s.Fleet.Trim(key, 0)
			}
		}
		kept = now
	}
}

// wanted is what is to be there for one setting.
type wanted struct {
	place keys.Place
	parts []part
}

type part struct {
	key fleet.Key
	n   int
}

// all reads the settings.
func (s *Provisions) all(ctx context.Context) ([]wanted, error) {
	var places []keys.Place
	t := keys.Provisioned()
	err := s.Store.Shard(store.Global()).View(ctx, func(_ context.Context, r store.Reader) error {
		places = places[:0]
		pairs, done := r.Scan(t.Range(), store.ScanOpt{Limit: targetsBound})
		for kv := range pairs {
			e := store.Decode(kv.Key, len(t))
			account, region := e.Text(), e.Text()
			places = append(places, keys.Place{Space: keys.Of(account, region), Name: e.Text(), Qualifier: e.Text()})
		}
		return done()
	})
	if err != nil {
		return nil, err
	}
	var out []wanted
	for _, p := range places {
		w, err := s.wanted(ctx, p)
		if err != nil {
			return nil, err
		}
		if len(w.parts) > 0 {
			out = append(out, w)
		}
	}
	return out, nil
}

// wanted reads one setting; it has no parts when there is none, or nothing that could run.
func (s *Provisions) wanted(ctx context.Context, p keys.Place) (wanted, error) {
	w := wanted{place: p}
	err := p.Shard(s.Store).View(ctx, func(_ context.Context, r store.Reader) error {
		c, err := keys.Get[record](r, p.Provision(p.Name, p.Qualifier))
		if err != nil || c == nil {
			return err
		}
		target, err := s.functions.Target(r, p)
		if err != nil || !target.Active {
			return nil // it is being deleted
		}
		w.parts = target.split(int(c.Requested))
		return nil
	})
	return w, err
}

// split divides n among the versions by their weights; each has one at least.
func (t *Target) split(n int) []part {
	left := n
	var out []part
	for i, v := range t.Versions {
		m := left
		if i < len(t.Versions)-1 {
			m = min(max(int(math.Round(float64(n)*v.Weight)), 1), n)
		}
		left -= m
		if m > 0 {
			out = append(out, part{key: v.Key, n: m})
		}
	}
	return out
}

// reach starts and stops environments until there are as many as are wanted, or one cannot be started.
func (s *Provisions) reach(ctx context.Context, w wanted) {
	for _, v := range w.parts {
		missing := v.n - s.Fleet.Trim(v.key, v.n)
		if missing <= 0 || s.waits(v.key) {
			continue
		}
		var starts sync.WaitGroup
		room := make(chan struct{}, startsAtOnce)
		for range missing {
			starts.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				if !s.waits(v.key) && ctx.Err() == nil {
					s.start(ctx, w.place, v.key)
				}
			})
		}
		starts.Wait()
	}
}

// waits reports whether the last start of a version failed not long ago.
func (s *Provisions) waits(key fleet.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Fleet.Now().Before(s.problems[key].until)
}

// start starts one environment and notes how that went.
func (s *Provisions) start(ctx context.Context, p keys.Place, key fleet.Key) {
	failed, err := s.functions.Start(ctx, p, key.Version)
	if ctx.Err() != nil {
		return
	}
	text := ""
	switch {
	case err != nil:
		s.Log.Error("lambda: provisioned concurrency", "function", p.ARN(), "problem", err)
		text = "INTERNAL_ERROR"
	case failed != nil:
		text = "FUNCTION_ERROR_INIT_FAILURE"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == "" {
		delete(s.problems, key)
		return
	}
	wait := min(max(2*s.problems[key].wait, firstRetry), longestRetry)
	s.problems[key] = problem{text: text, wait: wait, until: s.Fleet.Now().Add(wait)}
}
