// Package maprun runs distributed Map states. A map run reads its items from where they are (package dataset), starts a child
// execution for each, or for each batch, keeps as many going as it may, counts how they end, and writes their results to a
// bucket or puts them together.
//
// Everything is by promises: to read on from a cursor, which is committed together with the children that were made of what was
// read; to run an express child; to stop the children of a run that has failed; to finish. A process that dies leaves a run that goes
// on when the next one starts, with no item lost and none taken twice.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
package maprun

import (
	"context"
	"log/slog"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sfn/dataset"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/express"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// The kinds of promises of map runs.
const (
	kindFeed    = "sfn.map"       // read on, and start children
	kindChild   = "sfn.mapchild"  // run an express child
	kindRedrive = "sfn.mapagain"  // redrive a standard child
	kindHalt    = "sfn.maphalt"   // stop the children
	kindFinish  = "sfn.mapfinish" // write the results, and tell the parent
)

// Engine runs standard executions. It is *execution.Engine.
type Engine interface {
	Prepare(ctx context.Context, b *execution.Begin) (*execution.Pending, error)
	Advance(ctx context.Context, at execution.At, gen, seq int64, h asl.Happening, also func(store.Tx) error) (bool, error)
	Mapping(ctx context.Context, at execution.At, gen, seq int64) (*asl.Thread, *asl.Setting, error)
	List(ctx context.Context, f *execution.Filter, limit int, after string) ([]execution.Listed, string, error)
	Describe(ctx context.Context, ref execution.Ref) (*execution.Description, error)
	Stop(ctx context.Context, ref execution.Ref, why *fault.Error) (time.Time, error)
	Redrive(ctx context.Context, ref execution.Ref, clientToken string, byMapRun bool) (time.Time, error)
}

// Express runs express executions to their end. It is *express.Runner.
type Express interface {
	Run(ctx context.Context, e *express.Run) (*express.Result, error)
}

// Config is what Runs need.
type Config struct {
	Store    store.Store
	Clock    clock.Clock
	Timer    *timer.Runner
	Caller   aws.Caller
	Roles    aws.Roles
	Policies aws.Policies // for children, which are begun without an operation
	Engine   Engine
	Express  Express
	Revision func(ctx context.Context, at machine.Spot, key string) (*machine.Revision, error)
	// Machine returns what a name stands for now. Errors are StateMachineDoesNotExist.
	Machine func(ctx context.Context, n machine.Name) (at machine.Spot, express bool, err error)
	Log     *slog.Logger
}

// Runs are the map runs.
type Runs struct {
	Config
	s3 s3api.Client
}

var _ execution.Maps = (*Runs)(nil)

// New returns the map runs and registers their promises with the timer.
func New(c Config) *Runs {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Runs{Config: c, s3: s3api.NewClient(c.Caller)}
	c.Timer.Handle(kindFeed, r.keepFeed, timer.Policy{})
	c.Timer.Handle(kindChild, r.keepChild, timer.Policy{Parallel: expressAtOnce})
	c.Timer.Handle(kindRedrive, r.keepRedrive, timer.Policy{})
	c.Timer.Handle(kindHalt, r.keepHalt, timer.Policy{})
	c.Timer.Handle(kindFinish, r.keepFinish, timer.Policy{})
	return r
}

func (r *Runs) shard(k key) store.Shard { return r.Store.Shard(store.Key(k.spot().Resource())) }

// promise makes a promise of the map run; there is one of each kind.
func promise(tx store.Tx, kind string, k key) error {
	return timer.Set(tx, timer.Promise{Kind: kind, ID: k.promise(), Args: record.Encode(version, k), Dest: k.Run})
}

// Begin implements execution.Maps.
func (r *Runs) Begin(tx store.Tx, m *execution.MapStart) error {
	k := keyOf(m.At.Spot, m.Run.ARN)
	rec := newRun(m, tx.Now())
	if err := putLarge(tx, k.record(), rec); err != nil {
		return err
	}
	tx.Set(store.Key(k.listed(rec.Execution).Uint(uint64(rec.Start)).Text(k.Run)), nil)
	if rec.Reader == nil {
		if err := store.SetLarge(tx, k.items(), m.Run.Items); err != nil {
			return err
		}
	}
	put(tx, k.progress(), &progress{Phase: going, Feeding: true, Total: m.Run.Count, Max: m.Run.MaxConcurrency, Count: m.Run.ToleratedCount,
		Percent: m.Run.ToleratedPercentage})
	return promise(tx, kindFeed, k)
}

// Ended implements execution.Maps.
func (r *Runs) Ended(tx store.Tx, c *execution.Child) error {
	k := keyOf(c.Ref.Spot, c.MapRun)
	p, err := get[progress](tx, k.progress())
	if err != nil || p == nil {
		return err
	}
	_, name := cut(c.Ref.Name)
	i := k.index(name)
	if i < 0 || p.Phase == over {
		return nil
	}
	o := &outcome{Name: name, Status: c.Status, Items: c.Items, Start: c.Start.UnixMicro(), Stop: c.Stop.UnixMicro(), Redrives: c.Redrives,
		Input: c.Input, Output: c.Output, Error: c.Error}
	return r.ended(tx, k, p, i, o)
}

// ended counts a child that has ended, and does what follows.
func (r *Runs) ended(tx store.Tx, k key, p *progress, i int64, o *outcome) error {
	if err := putLarge(tx, k.outcome(i), o); err != nil {
		return err
	}
	p.Open--
	p.OpenItems -= o.Items
	p.Children[o.Status]++
	p.Items[o.Status] += o.Items
	return r.settle(tx, k, p)
}

// settle writes how far the run is, and promises what there is to do now.
func (r *Runs) settle(tx store.Tx, k key, p *progress) (err error) {
	if p.Phase == going && p.exceeded() {
		p.Phase = failing
		p.Error = fault.New(fault.ExceedToleratedFailureThreshold, "The specified tolerated failure threshold was exceeded")
		if p.Open > 0 {
			err = promise(tx, kindHalt, k)
		}
	}
	switch {
	case err != nil:
	case p.Phase == going && (!p.EOF || p.Redriving):
		if !p.Feeding && p.worth() {
			p.Feeding = true
			err = promise(tx, kindFeed, k)
		}
	case p.Phase != over && p.Open == 0 && !p.Feeding && !p.Finishing:
		p.Finishing = true
		err = promise(tx, kindFinish, k)
	}
	put(tx, k.progress(), p)
	return err
}

// Stop implements execution.Maps.
func (r *Runs) Stop(tx store.Tx, rev *machine.Revision, arn string) error {
	k := keyOf(rev.Spot, arn)
	p, err := get[progress](tx, k.progress())
	if err != nil || p == nil || p.Phase == over || p.Phase == aborting {
		return err
	}
	p.Phase = aborting
	rec, err := getLarge[run](tx, k.record())
	if err != nil || rec == nil {
		return err
	}
	rec.Status, rec.Stop = "ABORTED", tx.Now().UnixMicro()
	if err := putLarge(tx, k.record(), rec); err != nil {
		return err
	}
	if p.Open > 0 {
		if err := promise(tx, kindHalt, k); err != nil {
			return err
		}
	}
	return r.settle(tx, k, p)
}

// Redrive implements execution.Maps: what did not succeed runs again, and what was not read is read.
// https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
func (r *Runs) Redrive(tx store.Tx, m *execution.MapStart) error {
	k := keyOf(m.At.Spot, m.Run.ARN)
	rec, err := getLarge[run](tx, k.record())
	if err != nil {
		return err
	}
	p, err := get[progress](tx, k.progress())
	if err != nil {
		return err
	}
	if rec == nil || p == nil {
		return r.Begin(tx, m)
	}
	rec.Path, rec.Gen, rec.Seq = m.At.Path, m.Gen, m.Seq
	rec.Status, rec.Stop = "RUNNING", 0
	rec.Redrives++
	rec.Redriven = tx.Now().UnixMicro()
	if err := putLarge(tx, k.record(), rec); err != nil {
		return err
	}
	for _, c := range []*counts{&p.Children, &p.Items} {
		c[execution.PendingRedrive] += c.unwell()
		c[execution.Failed], c[execution.TimedOut], c[execution.Aborted] = 0, 0, 0
	}
	p.Phase, p.Error, p.Finishing, p.Redriving, p.Again = going, nil, false, true, 0
	p.Written, p.WrittenItems = 0, 0
	if rec.Redrives > MaxRedrives {
		p.Phase, p.Error = failing, fault.New(fault.Runtime, "The Map Run has exceeded the limit of %d redrives", MaxRedrives)
	}
	return r.settle(tx, k, p)
}

// Forget implements execution.Maps.
func (r *Runs) Forget(tx store.Tx, ref execution.Ref) error {
	k := keyOf(ref.Spot, "")
	listed := k.listed(ref.Name)
	pairs, done := tx.Scan(listed.Range(), store.ScanOpt{})
	for kv := range pairs {
		at := store.Decode(kv.Key, len(listed))
		at.Uint()
		k.Run = at.Text()
		tx.DeleteRange(k.root().Range())
	}
	tx.DeleteRange(listed.Range())
	return done()
}

// loaded is a map run, read.
type loaded struct {
	key key
	rec *run
	p   *progress
	rev *machine.Revision
	// cursor is where to read on.
	cursor dataset.Cursor
}

func (l *loaded) at() execution.At {
	return execution.At{Ref: execution.Ref{Spot: l.key.spot(), Name: l.rec.Execution}, Path: l.rec.Path}
}

// load reads the map run of a promise; nil when it is gone, with its machine.
func (r *Runs) load(ctx context.Context, kept *timer.Kept) (*loaded, error) {
	l := &loaded{}
	if err := record.Decode(kept.Args, version, &l.key); err != nil {
		return nil, err
	}
	return r.read(ctx, l.key)
}

func (r *Runs) read(ctx context.Context, k key) (*loaded, error) {
	l, err := store.View(ctx, r.shard(k), func(_ context.Context, rd store.Reader) (*loaded, error) {
		rec, err := getLarge[run](rd, k.record())
		if err != nil || rec == nil {
			return nil, err
		}
		l := &loaded{key: k, rec: rec}
		if l.p, err = get[progress](rd, k.progress()); err != nil {
			return nil, err
		}
		at, err := get[dataset.Cursor](rd, k.cursor())
		if at != nil {
			l.cursor = *at
		}
		return l, err
	})
	if err != nil || l == nil || l.p == nil {
		return nil, err
	}
	l.rev, err = r.Revision(ctx, k.spot(), l.rec.Revision)
	return l, err
}

// update changes how far the run is and settles, keeping the promise in the same commit when f says so.
func (r *Runs) update(ctx context.Context, k key, kept *timer.Kept, f func(tx store.Tx, p *progress) (done bool, err error)) (*progress, error) {
	return store.Update(ctx, r.shard(k), func(_ context.Context, tx store.Tx) (*progress, error) {
		p, err := get[progress](tx, k.progress())
		if err != nil || p == nil {
			return nil, err
		}
		done, err := f(tx, p)
		if err != nil {
			return nil, err
		}
		if done {
			if err := kept.Done(tx); err != nil {
				return nil, err
			}
		}
		if err := r.settle(tx, k, p); err != nil {
			return nil, err
		}
		return get[progress](tx, k.progress())
	})
}

// fail ends the run with an error, and keeps the promise.
func (r *Runs) fail(ctx context.Context, l *loaded, kept *timer.Kept, why *fault.Error) error {
	_, err := r.update(ctx, l.key, kept, func(tx store.Tx, p *progress) (bool, error) {
		p.Feeding = false
		if p.Phase != going {
			return true, nil
		}
		p.Phase, p.Error = failing, why
		if p.Open > 0 {
			return true, promise(tx, kindHalt, l.key)
		}
		return true, nil
	})
	return err
}
