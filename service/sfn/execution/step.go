package execution

import (
	"context"
	"errors"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/service/sfn/history"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// turn is something that has happened to a thread.
type turn struct {
	to   where
	what asl.What // that decides what has to be read
	// happening gives what has happened, from the state that was read.
	happening func(st *state) asl.Happening
	kept      *timer.Kept // the promise that this keeps, or nil
	// known is the state as it was a while ago, or nil. When it has changed since, it is read again.
	known *state
	// also is done in the same commit; or nil. The thread is as the step has left it, and still to be written.
	also func(c *change, t *thread) error
}

// Advance tells a thread that something has happened to it, in one commit with also, which may be nil. It returns false when
// the thread does not wait for it any more: then nothing is done.
func (e *Engine) Advance(ctx context.Context, at At, gen, seq int64, h asl.Happening, also func(store.Tx) error) (bool, error) {
	t := turn{to: at.point(gen, seq), what: h.What, happening: func(*state) asl.Happening { return h }}
	if also != nil {
		t.also = func(c *change, _ *thread) error { return also(c.tx) }
	}
	err := e.take(ctx, t)
	if errors.Is(err, errVoid) {
		return false, nil
	}
	return err == nil, err
}

// take makes a step of it. errVoid says that the thread does not wait for it any more.
func (e *Engine) take(ctx context.Context, t turn) error {
	next, few := int64(0), 0
	for {
		st, err := t.known, error(nil)
		if t.known = nil; st == nil {
			st, err = e.load(ctx, t.to, t.what)
		}
		if errors.Is(err, errDeleting) {
			if err = e.halt(ctx, t.to.at().Ref, &fault.Error{}, nil); err == nil {
				err = errVoid
			}
		}
		if err != nil {
			return err
		}
		st.next, st.few = max(next, st.head.Next), few
		out, err := e.step(ctx, st, t.happening(st))
		if errors.Is(err, asl.ErrVoid) {
			return errVoid
		}
		if err != nil {
			return err
		}
		if few == 0 && large(out.Events) {
			few = fewStates
			continue
		}
		err = e.commit(ctx, st, &out, t, &next)
		if !errors.Is(err, errStale) {
			return err
		}
	}
}

func (e *Engine) step(ctx context.Context, st *state, h asl.Happening) (asl.Outcome, error) {
	s, err := e.setting(st, st.next)
	if err != nil {
		return asl.Outcome{}, err
	}
	return st.rev.Machine.Step(ctx, &st.self.T, h, s)
}

// large reports whether events are too many bytes for one commit.
func large(events []asl.Event) bool {
	size := 0
	for i := range events {
		size += len(events[i].Input) + len(events[i].Output)
	}
	return size > maxStepBytes
}

// change is a commit of an execution in the making.
type change struct {
	e      *Engine
	tx     store.Tx
	what   asl.What
	st     *state
	head   *head
	was    Status // of the head before, 0 when it is new
	self   *thread
	events []asl.Event
	now    time.Time
	output []byte // of the execution, when it has just SUCCEEDED
}

// commit writes what a step has decided. next gets the id of the next event when that was another than the step thought.
func (e *Engine) commit(ctx context.Context, st *state, out *asl.Outcome, t turn, next *int64) error {
	heard := out.Command.Do != asl.End && out.Command.Do != asl.Fail || e.heard(ctx, st.at)
	_, err := e.shard(st.at.Ref).Update(ctx, func(_ context.Context, tx store.Tx) error {
		c := &change{e: e, tx: tx, what: t.what, st: st, now: milli(tx.Now())}
		if t.kept != nil {
			if err := t.kept.Done(tx); err != nil {
				return err
			}
		}
		if err := c.check(); err != nil {
			return err
		}
		if t.what == asl.ChildFailed {
			if err := c.abortBelow(st.at, append([]*asl.Thread{&st.self.T}, st.outer...)); err != nil {
				return err
			}
		}
		if !out.Renumber(c.nextEvent()) {
			*next = c.nextEvent()
			return errStale
		}
		c.events = append(c.events, out.Events...)
		if err := c.follow(out, t.also); err != nil {
			return err
		}
		return c.finish(heard)
	})
	if errors.Is(err, timer.ErrGone) {
		return errVoid
	}
	return err
}

// check reads what may have changed since the step's state was read.
func (c *change) check() (err error) {
	st := c.st
	if c.head, err = get[head](c.tx, st.at.head()); err != nil {
		return err
	}
	if c.head == nil || c.head.Status != Running || c.head.Redrives != st.head.Redrives {
		return errVoid
	}
	c.was = Running
	for i, at := 0, st.at; len(at.Path) > 0; i++ {
		at = at.parent()
		f, err := get[fork](c.tx, at.fork())
		if err != nil {
			return err
		}
		if f == nil || f.Failed > 0 || f.Gen != st.forks[i].Gen {
			return errVoid
		}
		if i == 0 {
			st.forks[0] = f // the counters as they are now
		}
	}
	if c.self, err = readThread(c.tx, st.at, true); err != nil {
		return err
	}
	switch {
	case c.self == nil && st.fresh:
	case c.self == nil || st.fresh:
		return errVoid
	case c.self.Rev != st.self.Rev:
		return errStale
	}
	return nil
}

func (c *change) nextEvent() int64 { return c.head.Next + int64(len(c.events)) }

// follow writes the thread, and does what the step's command says.
func (c *change) follow(out *asl.Outcome, also func(*change, *thread) error) error {
	at, old, t := c.st.at, c.st.self, *c.st.self
	t.T = out.Thread
	moved := t.T.Seq != old.T.Seq
	if moved {
		if err := c.forget(at, &t); err != nil {
			return err
		}
		t.Beat = 0
	}
	joined := old.T.Phase == asl.Joining && moved
	if kept := t.T.Phase == asl.Broken || t.T.Phase == asl.Stopped; joined && !kept {
		c.tx.DeleteRange(at.below())
		if err := c.dropFork(at); err != nil {
			return err
		}
	}
	if err := c.obey(at, &t, &out.Command); err != nil {
		return err
	}
	if also != nil {
		if err := also(c, &t); err != nil {
			return err
		}
	}
	if c.head.Status != Running && t.T.Phase == asl.Done {
		return nil // the execution has succeeded: its threads are gone
	}
	if c.st.fresh {
		old = nil
	}
	return t.write(c.tx, at, old)
}

func (c *change) dropFork(at At) error {
	c.tx.Delete(at.fork())
	c.tx.DeleteRange(at.items().Range())
	return store.DeleteLarge(c.tx, at.branchInput())
}

// forget cancels the promises of a thread that has moved on, and stops its job unless it has ended.
func (c *change) forget(at At, t *thread) error {
	for _, role := range t.Roles {
		kind := kindWake
		if role == rolePoll {
			kind = kindCall
		}
		if _, err := timer.Cancel(c.tx, kind, at.promise(role)); err != nil {
			return err
		}
	}
	lost := c.what == asl.TimedOut || c.what == asl.HeartbeatMissed || t.T.Phase == asl.Stopped
	var err error
	if t.Job != nil && lost {
		err = c.promise(kindStop, at, 0, time.Time{}, t.Job.Resource, stop{At: at.point(t.Gen, t.T.Seq), Revision: c.head.Revision, Job: *t.Job})
	}
	t.Roles, t.Job = nil, nil
	return err
}

// finish writes events and head, and what follows from a change of the status.
func (c *change) finish(heard bool) error {
	if err := c.bound(); err != nil {
		return err
	}
	h, ref := c.head, c.st.at.Ref
	if err := history.Append(c.tx, ref.history(), c.told()); err != nil {
		return err
	}
	h.Next += int64(len(c.events))
	if j := c.e.Journal; j != nil && len(c.events) > 0 {
		if err := j.Write(c.tx, &Log{Revision: c.st.rev, Execution: ref.ARN(), Redrives: h.Redrives, Events: c.events}); err != nil {
			return err
		}
	}
	if err := c.turnover(heard); err != nil {
		return err
	}
	put(c.tx, ref.head(), h)
	return nil
}

// told are the events without what the execution's own records have: its input and output.
func (c *change) told() []asl.Event {
	first, last := 0, len(c.events)-1
	if last < 0 || c.events[first].Type != asl.ExecutionStarted && c.events[last].Type != asl.ExecutionSucceeded {
		return c.events
	}
	out := append([]asl.Event(nil), c.events...)
	if out[first].Type == asl.ExecutionStarted {
		out[first].Input = nil
	}
	if out[last].Type == asl.ExecutionSucceeded {
		out[last].Output = nil
	}
	return out
}

// bound ends an execution whose history is full.
// https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html
func (c *change) bound() error {
	room := MaxEvents - (c.head.Next - 1) - int64(len(c.events))
	if room > 0 || room == 0 && c.events[len(c.events)-1].Type == asl.ExecutionSucceeded {
		return nil
	}
	root := At{Ref: c.st.at.Ref}
	if err := c.silence(root); err != nil {
		return err
	}
	c.events = c.events[:max(0, MaxEvents-c.head.Next)]
	last := asl.Event{ID: MaxEvents, Previous: MaxEvents - 1, Type: asl.ExecutionFailed, Time: c.now, Error: fault.Runtime,
		Cause: "The execution reached the maximum number of history events (25000)."}
	c.events = append(c.events, last)
	c.head.Status, c.head.Error, c.head.Output = Failed, &fault.Error{Name: last.Error, Cause: last.Cause}, nil
	c.output = nil
	return nil
}
