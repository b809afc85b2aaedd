// Package execution runs the executions of standard state machines. What a step decides is committed before any of its effects
// is seen: thread, events, and a promise for what has to happen next are one commit, and nothing that an execution needs is
// in memory. The promises bring it forward; so a process that dies at any moment leaves executions that go on when the
// next one starts.
//
// An execution lives in the shard of its state machine, all its threads with it: that its name is taken, that it is in the lists, and its
// first step are one commit. Package asl says what happens next; this package does it.
package execution

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// The kinds of promises of executions.
const (
	kindWake  = "sfn.wake"  // tell a thread that something has happened
	kindCall  = "sfn.call"  // make the request of a task, or ask for its job
	kindStop  = "sfn.stop"  // stop the job of a task
	kindEnded = "sfn.ended" // tell a .sync task that the execution has ended that it waits for
	kindSweep = "sfn.sweep" // forget the executions of a machine that were closed long ago
)

// Config is what an Engine needs.
type Config struct {
	Store store.Store
	Clock clock.Clock
	Timer *timer.Runner
	Rand  io.Reader // crypto/rand.Reader
	// Revision returns a revision of a machine by its key. It may be machine.ErrGone.
	Revision func(ctx context.Context, at machine.Spot, key string) (*machine.Revision, error)
	// Machine returns what a name stands for now. Errors are StateMachineDoesNotExist.
	Machine func(ctx context.Context, n machine.Name) (at machine.Spot, express bool, err error)
	Tasks   Tasks
	// Schedule puts a task of an activity into its queue, once for each id. Errors that are the execution's are *fault.Error.
	Schedule func(ctx context.Context, activity, id string, t Activity) error
	Maps     Maps    // nil: no distributed maps; it may be set until the Timer runs
	Journal  Journal // nil: no logs
	// Listening reports whether anybody takes the events of an account and region off its default event bus; nil: somebody may.
	Listening func(ctx context.Context, account, region string) bool
	Log       *slog.Logger
}

// Activity is a task for the workers of an activity.
type Activity struct {
	Token string
	Input []byte
}

// Engine runs executions.
type Engine struct {
	Config
	swept sync.Map // resources of machines that have a promise to sweep, as far as this process knows
}

// New returns the engine and registers its promises with the timer.
func New(c Config) *Engine {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{Config: c}
	c.Timer.Handle(kindWake, e.keepWake, timer.Policy{Parallel: callsAtOnce})
	c.Timer.Handle(kindCall, e.keepCall, timer.Policy{Parallel: callsAtOnce})
	c.Timer.Handle(kindStop, e.keepStop, timer.Policy{})
	c.Timer.Handle(kindEnded, e.keepEnded, timer.Policy{})
	c.Timer.Handle(kindSweep, e.keepSweep, timer.Policy{})
	return e
}

func (e *Engine) shard(r Ref) store.Shard { return e.Store.Shard(store.Key(r.under())) }

func (e *Engine) now() time.Time { return milli(e.Clock.Now()) }

// setting fills in what a Step may know. next is the id of the next event.
func (e *Engine) setting(st *state, next int64) (*asl.Setting, error) {
	var seed [16]byte
	if _, err := io.ReadFull(e.Rand, seed[:]); err != nil {
		return nil, fmt.Errorf("sfn: randomness: %w", err)
	}
	s := &asl.Setting{Facts: st.facts, Now: e.now(), NextEvent: next, MaxStates: st.few, Outer: st.outer,
		Seed: [2]uint64{binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])}}
	s.NewToken = func(seq int64) string { return e.newToken(st.at, st.self.Gen, seq) }
	s.NewMapRun = func(label string) string { return newMapRun(st.at.Ref, label, s.Seed, st.self.T.Seq) }
	return s, nil
}

// where is a thread at one point of its life, as promises and tokens name it.
type where struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Machine string `cbor:"3,keyasint"`
	ID      uint64 `cbor:"4,keyasint"`
	Name    string `cbor:"5,keyasint"`
	Path    []int  `cbor:"6,keyasint,omitempty"`
	Gen     int64  `cbor:"7,keyasint,omitempty"`
	Seq     int64  `cbor:"8,keyasint,omitempty"`
}

func (a At) point(gen, seq int64) where {
	return where{a.Account, a.Region, a.Spot.Name, a.ID, a.Name, a.Path, gen, seq}
}

func (w where) spot() machine.Spot {
	return machine.Spot{Ref: machine.Ref{Place: machine.Place{Account: w.Account, Region: w.Region}, Name: w.Machine}, ID: w.ID}
}

func (w where) at() At { return At{of(w.spot(), w.Name), w.Path} }

// wake are the arguments of kindWake.
type wake struct {
	At   where    `cbor:"1,keyasint"`
	What asl.What `cbor:"2,keyasint"`
}

// promise makes a promise about a thread; role 0 means one without an ID.
func (c *change) promise(kind string, at At, role byte, due time.Time, dest string, args any) error {
	p := timer.Promise{Kind: kind, Args: record.Encode(version, args), Due: due, Dest: dest}
	if role != 0 {
		p.ID = at.promise(role)
	}
	return timer.Set(c.tx, p)
}
