package execution

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// Begin is the start of an execution.
type Begin struct {
	Target machine.Target
	// Name is the execution's; of a child "label/name". Empty: a new one is made.
	Name  string
	Input []byte // JSON text
	Trace string
	// Request is the key of the task's request that starts the execution, "" when no task does: the same request starts it once,
	// and gets it also when it has ended since.
	Request string
	// Of the child of a map run: its ARN, the block of the machine that it runs, and how many items it has.
	MapRun string
	Block  int
	Items  int64
}

// Pending is an execution whose first step has been made, and waits to be written.
type Pending struct {
	e     *Engine
	st    *state
	out   asl.Outcome
	heard bool
}

// Ref is the execution.
func (p *Pending) Ref() Ref { return p.st.at.Ref }

// Prepare makes the first step of an execution, outside of a transaction.
func (e *Engine) Prepare(ctx context.Context, b *Begin) (*Pending, error) {
	name := b.Name
	if name == "" {
		id, err := uuid.NewRandomFromReader(e.Rand)
		if err != nil {
			return nil, fmt.Errorf("sfn: name an execution: %w", err)
		}
		name = id.String()
	}
	rev := b.Target.Revision
	at := At{Ref: of(rev.Spot, name)}
	h := &head{Status: Running, Start: e.Clock.Now().UnixMicro(), Next: 1, Revision: rev.Key, Version: b.Target.Version, Alias: b.Target.Alias,
		Trace: Header(b.Trace, rev.Tracing, e.Clock.Now(), at.ARN()), MapRun: b.MapRun, Block: b.Block, Items: b.Items, Request: b.Request}
	if len(b.Input) <= inline {
		h.Input = b.Input
	}
	st := &state{at: at, rev: rev, head: h, facts: facts(at.Ref, rev, h, b.Input), self: &thread{T: rev.Machine.Start(b.Block)}, fresh: true, next: 1}
	p := &Pending{e: e, st: st, heard: e.heard(ctx, at)}
	for {
		out, err := e.step(ctx, st, asl.Happening{What: asl.Begun, Input: b.Input})
		if err != nil {
			return nil, err
		}
		if st.few == 0 && large(out.Events) {
			st.few = fewStates
			continue
		}
		p.out = out
		return p, nil
	}
}

// errTaken says that there is an execution of that name.
var errTaken = errors.New("sfn: the name is taken")

// Write writes the execution with its first step. The transaction is on the machine's shard, and fails when there is an execution
// of that name.
func (p *Pending) Write(tx store.Tx) error {
	st := p.st
	if _, there, err := tx.Get(st.at.head()); err != nil || there {
		return errors.Join(err, errTaken)
	}
	if _, deleting, err := tx.Get(st.at.Deleting()); err != nil || deleting {
		return errors.Join(err, errDeleting)
	}
	h := *st.head
	c := &change{e: p.e, tx: tx, what: asl.Begun, st: st, head: &h, now: milli(tx.Now())}
	if h.Input == nil {
		if err := store.SetLarge(tx, st.at.document("in"), st.facts.Input); err != nil {
			return err
		}
	}
	if limit := st.rev.Machine.TimeoutSeconds; limit > 0 && h.Block == 0 && p.out.Command.Do != asl.End && p.out.Command.Do != asl.Fail {
		if err := c.deadline(moment(h.Start).Add(min(MaxOpen, time.Duration(limit)*time.Second))); err != nil {
			return err
		}
	}
	c.events = append(c.events, p.out.Events...)
	if err := c.follow(&p.out, nil); err != nil {
		return err
	}
	if err := c.finish(p.heard); err != nil {
		return err
	}
	return p.e.sweepLater(tx, st.at.Spot)
}

// Execution is one that has been started.
type Execution struct {
	ARN   string
	Start time.Time
}

// Start starts an execution. The same name and input as those of one that runs give that one. Errors are those of
// StartExecution.
func (e *Engine) Start(ctx context.Context, b *Begin) (Execution, error) {
	p, err := e.Prepare(ctx, b)
	if err != nil {
		return Execution{}, err
	}
	ref := p.Ref()
	started, err := store.Update(ctx, e.shard(ref), func(_ context.Context, tx store.Tx) (Execution, error) {
		if err := p.Write(tx); !errors.Is(err, errTaken) {
			return Execution{ref.ARN(), milli(moment(p.st.head.Start))}, err
		}
		h, err := get[head](tx, ref.head())
		if err != nil {
			return Execution{}, err
		}
		input, err := h.input(tx, ref)
		if err != nil {
			return Execution{}, err
		}
		again := b.Request != "" && h.Request == b.Request
		if !again && (h.Status != Running || !bytes.Equal(input, b.Input)) {
			return Execution{}, &sfnapi.ExecutionAlreadyExists{Message: "Execution Already Exists: '" + ref.ARN() + "'"}
		}
		return Execution{ref.ARN(), milli(moment(h.Start))}, nil
	})
	switch {
	case errors.Is(err, errDeleting):
		return Execution{}, machine.Deleting(ref.Spot.ARN())
	case err == nil:
		e.swept.Store(string(ref.Resource()), true)
	}
	return started, err
}

// sweepLater promises to forget executions of the machine, unless that has been promised since the process began.
func (e *Engine) sweepLater(tx store.Tx, spot machine.Spot) error {
	if _, ok := e.swept.Load(string(spot.Resource())); ok {
		return nil
	}
	at := At{Ref: Ref{Spot: spot}}
	id := at.promise(roleDeadline)
	if _, there, err := timer.Find(tx, kindSweep, id); err != nil || there {
		return err
	}
	return timer.Set(tx, timer.Promise{Kind: kindSweep, ID: id, Args: record.Encode(version, at.point(0, 0)), Due: tx.Now().Add(sweepEvery)})
}

// uuidOf makes a UUID of a step's randomness.
func uuidOf(seed [2]uint64, seq int64) string {
	id, err := uuid.NewRandomFromReader(&seeded{seed, seq})
	if err != nil {
		return "" // the reader has no errors
	}
	return id.String()
}

// seeded reads what follows from a seed.
type seeded struct {
	seed [2]uint64
	seq  int64
}

var _ io.Reader = (*seeded)(nil)

func (s *seeded) Read(b []byte) (int, error) {
	for i := range b {
		x := s.seed[i/8%2] ^ uint64(s.seq)*0x9e3779b97f4a7c15
		b[i] = byte(x >> (8 * (i % 8)))
	}
	return len(b), nil
}
