package execution

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// A .sync task waits for the job that its request has started: a promise asks for it again and again, less and less often. When the
// job is another execution, that tells of its end, so that nobody has to ask.

// stop are the arguments of kindStop.
type stop struct {
	At       where  `cbor:"1,keyasint"`
	Revision string `cbor:"2,keyasint"`
	Job      job    `cbor:"3,keyasint"`
}

// submit has the thread wait for the job that its request has started.
func (c *change) submit(t *thread, args *call, key string, submitted []byte) error {
	t.Job = &job{State: args.State, Resource: args.Resource, Role: args.Role, Submitted: submitted}
	t.Roles = append(t.Roles[:len(t.Roles):len(t.Roles)], rolePoll)
	next := *args
	next.At.Seq, next.Submitted, next.Key, next.Arguments = t.T.Seq, submitted, key, nil
	return c.promise(kindCall, c.st.at, rolePoll, c.now.Add(shortestPoll), args.Resource, next)
}

// poll asks for the job.
func (e *Engine) poll(ctx context.Context, k *timer.Kept, c *call, request *Request) error {
	request.Key = c.Key
	if child, ok := executionOf(c); ok && !c.Watched {
		running, err := e.watch(ctx, child, k)
		if err != nil {
			return err
		}
		if running {
			next := *c
			next.Watched = true
			return &timer.Retry{At: e.Clock.Now().Add(watchPoll), Args: record.Encode(version, next), Uncounted: true}
		}
	}
	answer, ready, err := e.Tasks.Poll(ctx, request, c.Submitted)
	if err != nil {
		return err
	}
	if !ready {
		wait := k.Backoff(shortestPoll, longestPoll)
		if c.Watched {
			wait = watchPoll
		}
		return timer.Later(e.Clock.Now().Add(wait), nil)
	}
	h := asl.Happening{What: asl.Completed, Output: answer.Output}
	if answer.Err != nil {
		h = asl.Happening{What: asl.Faulted, Error: answer.Err, Stage: answer.Stage}
	}
	return done(e.take(ctx, turn{to: c.At, what: h.What, kept: k, happening: func(*state) asl.Happening { return h }}))
}

// executionOf is the ARN of the execution that the task has started, if its job is one.
func executionOf(c *call) (arn string, ok bool) {
	if !strings.HasPrefix(c.Resource, "arn:aws:states:::states:startExecution") {
		return "", false
	}
	doc, err := jsondoc.Parse(c.Submitted)
	if err != nil {
		return "", false
	}
	o, _ := doc.(*jsondoc.Object)
	if o == nil {
		return "", false
	}
	v, _ := o.Get("ExecutionArn")
	arn, ok = v.(string)
	return arn, ok
}

// watcher is who waits for the end of an execution: a promise to ask for it.
type watcher struct {
	At where  `cbor:"1,keyasint"`
	ID string `cbor:"2,keyasint"` // of the promise
}

// watch has the promise brought forward when the execution ends; it returns false when it does not run.
func (e *Engine) watch(ctx context.Context, arn string, k *timer.Kept) (bool, error) {
	ref, err := e.locate(ctx, arn)
	if err != nil {
		return false, nil // the question itself will say what is wrong
	}
	var c call
	if err := record.Decode(k.Args, version, &c); err != nil {
		return false, err
	}
	return store.Update(ctx, e.shard(ref), func(_ context.Context, tx store.Tx) (bool, error) {
		h, err := get[head](tx, ref.head())
		if err != nil || h == nil || h.Status != Running {
			return false, err
		}
		put(tx, store.Key(ref.watchers().Text(k.ID)), watcher{At: c.At, ID: k.ID})
		if !h.Watched {
			h.Watched = true
			put(tx, ref.head(), h)
		}
		return true, nil
	})
}

// tellWatchers promises to tell those who wait for the end of the execution.
func (c *change) tellWatchers() error {
	all := c.st.at.watchers()
	pairs, done := c.tx.Scan(all.Range(), store.ScanOpt{})
	for kv := range pairs {
		if err := timer.Set(c.tx, timer.Promise{Kind: kindEnded, Args: kv.Value}); err != nil {
			return err
		}
	}
	c.tx.DeleteRange(all.Range())
	return done()
}

// keepEnded brings forward the question for a job that has ended.
func (e *Engine) keepEnded(ctx context.Context, k *timer.Kept) error {
	var w watcher
	if err := record.Decode(k.Args, version, &w); err != nil {
		return err
	}
	_, err := e.shard(Ref{Spot: w.At.spot()}).Update(ctx, func(_ context.Context, tx store.Tx) error {
		p, there, err := timer.Find(tx, kindCall, w.ID)
		if err != nil || !there {
			return err
		}
		p.Due = time.Time{}
		return timer.Set(tx, p)
	})
	return err
}

// keepStop stops the job of a task that does not wait for it any more.
func (e *Engine) keepStop(ctx context.Context, k *timer.Kept) error {
	var s stop
	if err := record.Decode(k.Args, version, &s); err != nil {
		return err
	}
	at := s.At.at()
	rev, err := e.Revision(ctx, at.Spot, s.Revision)
	if errors.Is(err, machine.ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	resource, _ := asl.ParseResource(s.Job.Resource)
	if resource == nil {
		return nil
	}
	return e.Tasks.Cancel(ctx, &Request{Revision: rev, Execution: at.ARN(), Key: k.Key,
		Call: &asl.Call{State: s.Job.State, Resource: resource, RoleARN: s.Job.Role}}, s.Job.Submitted)
}

// locate is the execution with an ARN; its machine is there.
func (e *Engine) locate(ctx context.Context, arn string) (Ref, error) {
	n, name, err := ParseARN(arn)
	if err != nil {
		return Ref{}, err
	}
	spot, _, err := e.Machine(ctx, machine.Name{Ref: n})
	return of(spot, name), err
}
