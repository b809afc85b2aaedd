package execution

import (
	"context"
	"errors"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// keepWake tells a thread that something has happened.
func (e *Engine) keepWake(ctx context.Context, k *timer.Kept) error {
	var w wake
	if err := record.Decode(k.Args, version, &w); err != nil {
		return err
	}
	if w.What == asl.Expired {
		return done(e.expire(ctx, w.At, k))
	}
	t := turn{to: w.At, what: w.What, kept: k}
	t.happening = func(st *state) asl.Happening {
		switch w.What {
		case asl.Begun:
			return asl.Happening{What: asl.Begun, Input: st.begun}
		case asl.Joined:
			return st.joined()
		case asl.ChildFailed:
			return asl.Happening{What: asl.ChildFailed, Error: st.failed.T.Error, Last: st.last}
		}
		return asl.Happening{What: w.What}
	}
	if w.What == asl.Woken && e.overdue(ctx, w.At, k) {
		return done(e.halt(ctx, w.At.at().Ref, nil, k))
	}
	return done(e.take(ctx, t))
}

// joined is what the end of the last child is to its parent.
func (st *state) joined() asl.Happening {
	if st.outsized {
		return asl.Happening{What: asl.ChildFailed, Last: st.last, Error: fault.New(fault.DataLimitExceeded,
			"The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", st.self.T.State)}
	}
	return asl.Happening{What: asl.Joined, Outputs: st.outputs, Last: st.last}
}

// done ends the handler of a promise that may have come too late.
func done(err error) error {
	if errors.Is(err, errVoid) || errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}

// overdue reports whether a promise was brought forward because the execution may not run any longer.
func (e *Engine) overdue(ctx context.Context, w where, k *timer.Kept) bool {
	h, err := e.peek(ctx, w.at().Ref)
	return err == nil && !e.Clock.Now().Before(moment(h.Start).Add(MaxOpen))
}

// expire ends an execution that has taken too long. The promise names the redrive for which it was made.
func (e *Engine) expire(ctx context.Context, w where, k *timer.Kept) error {
	ref := w.at().Ref
	h, err := e.peek(ctx, ref)
	if err != nil {
		return err
	}
	if int64(h.Redrives) != w.Seq {
		return errVoid
	}
	return e.halt(ctx, ref, nil, k)
}

// keepCall makes the request of a task, or asks for its job.
func (e *Engine) keepCall(ctx context.Context, k *timer.Kept) error {
	var c call
	if err := record.Decode(k.Args, version, &c); err != nil {
		return err
	}
	st, err := e.load(ctx, c.At, asl.Completed)
	if errors.Is(err, errDeleting) {
		return done(e.halt(ctx, c.At.at().Ref, &fault.Error{}, k))
	}
	if err != nil {
		return done(err)
	}
	resource, ok := asl.ParseResource(c.Resource)
	if !ok {
		return errors.New("sfn: no resource: " + c.Resource) // the definition has it
	}
	request := &Request{Revision: st.rev, Execution: st.at.ARN(), Trace: Onward(st.head.Trace, st.rev.Tracing, st.at.ARN()), Key: k.Key, Call: &asl.Call{State: c.State,
		Resource: resource, Arguments: c.Arguments, RoleARN: c.Role, Timeout: c.Timeout, Heartbeat: c.Beat, Token: c.Token}}
	switch {
	case resource.Style == asl.Activity:
		return e.schedule(ctx, k, &c)
	case c.Submitted != nil:
		return e.poll(ctx, k, &c, request)
	}
	made := e.now()
	shown := e.showStart(ctx, c.At, made)
	answer, err := e.Tasks.Call(ctx, request)
	shown()
	if err != nil {
		return err
	}
	h := asl.Happening{What: asl.Completed, Output: answer.Output, At: made}
	t := turn{to: c.At, kept: k, known: st}
	switch {
	case answer.Err != nil:
		h = asl.Happening{What: asl.Faulted, Error: answer.Err, Stage: answer.Stage, At: made}
	case resource.Pattern == asl.Sync:
		h.What = asl.Answered
		t.also = func(ch *change, t *thread) error { return ch.submit(t, &c, k.Key, answer.Output) }
	case resource.Pattern == asl.CallBack:
		h.What = asl.Answered
	}
	t.what, t.happening = h.What, func(*state) asl.Happening { return h }
	return done(e.take(ctx, t))
}

// showStart has the history say that the request is being made, when its answer takes a while; otherwise the answer's commit says it too.
// What it returns ends that.
func (e *Engine) showStart(ctx context.Context, at where, made time.Time) (end func()) {
	reached, release := e.Clock.Until(made.Add(longCall))
	answered, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		defer release()
		select {
		case <-answered:
		case <-reached:
			h := asl.Happening{What: asl.Started, At: made}
			if err := e.take(ctx, turn{to: at, what: h.What, happening: func(*state) asl.Happening { return h }}); done(err) != nil {
				e.Log.Debug("sfn: the start of a task is not shown", "execution", at.Name, "problem", err)
			}
		}
	}()
	return func() {
		close(answered)
		<-over
	}
}

// schedule gives the task to the workers of its activity.
func (e *Engine) schedule(ctx context.Context, k *timer.Kept, c *call) error {
	err := e.Schedule(ctx, c.Resource, k.Key, Activity{Token: c.Token, Input: c.Arguments})
	f, ours := errors.AsType[*fault.Error](err)
	if !ours {
		return err
	}
	h := asl.Happening{What: asl.Faulted, Error: f, Stage: asl.Scheduling}
	return done(e.take(ctx, turn{to: c.At, what: h.What, kept: k, happening: func(*state) asl.Happening { return h }}))
}
