package execution

import (
	"slices"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/store"
)

// call are the arguments of kindCall.
type call struct {
	At        where  `cbor:"1,keyasint"`
	State     string `cbor:"2,keyasint"`
	Resource  string `cbor:"3,keyasint"`
	Arguments []byte `cbor:"4,keyasint"`
	Role      string `cbor:"5,keyasint,omitempty"`
	Timeout   int64  `cbor:"6,keyasint,omitempty"`
	Beat      int64  `cbor:"7,keyasint,omitempty"`
	Token     string `cbor:"8,keyasint,omitempty"`
	// Submitted is set when the promise is to ask for the job: what the request was answered with.
	Submitted []byte `cbor:"9,keyasint,omitempty"`
	// Key is that of the request, when the promise is to ask for its job.
	Key     string `cbor:"10,keyasint,omitempty"`
	Watched bool   `cbor:"11,keyasint,omitempty"` // the job's own end is told
}

// obey does what a step's command says.
func (c *change) obey(at At, t *thread, cmd *asl.Command) error {
	switch cmd.Do {
	case asl.Yield:
		return c.wake(at, t, 0, asl.Resumed, time.Time{})
	case asl.Sleep:
		until := cmd.Until
		if end := c.latest(); until.After(end) {
			until = end
		}
		return c.wake(at, t, roleWake, asl.Woken, until)
	case asl.CallTask:
		return c.callTask(at, t, cmd.Call)
	case asl.ForkThreads:
		return c.fork(at, t, cmd.Fork)
	case asl.Rejoin:
		return c.rejoin(at, t)
	case asl.RunMap:
		if c.e.Maps == nil {
			return nil
		}
		start := &MapStart{Revision: c.st.rev, At: at, Seq: t.T.Seq, Gen: t.Gen, Run: cmd.MapRun, Trace: c.head.Trace}
		if cmd.MapRun.Redriven {
			return c.e.Maps.Redrive(c.tx, start)
		}
		return c.e.Maps.Begin(c.tx, start)
	case asl.End, asl.Fail:
		if len(at.Path) > 0 {
			return c.childEnded(at, t)
		}
		return c.close(t)
	}
	return nil
}

// latest is when the execution ends at the latest.
func (c *change) latest() time.Time { return moment(c.head.Start).Add(MaxOpen) }

// wake promises to tell the thread that something has happened.
func (c *change) wake(at At, t *thread, role byte, what asl.What, due time.Time) error {
	if role != 0 && !slices.Contains(t.Roles, role) {
		t.Roles = append(slices.Clone(t.Roles), role)
	}
	return c.promise(kindWake, at, role, due, at.Spot.Name, wake{At: at.point(t.Gen, t.T.Seq), What: what})
}

// callTask promises the request of a task, and that it does not take too long.
func (c *change) callTask(at At, t *thread, request *asl.Call) error {
	r := request.Resource
	args := call{At: at.point(t.Gen, t.T.Seq), State: request.State, Resource: r.Text, Arguments: request.Arguments, Role: request.RoleARN,
		Timeout: request.Timeout, Beat: request.Heartbeat, Token: request.Token}
	if err := c.promise(kindCall, at, 0, time.Time{}, r.Text, args); err != nil {
		return err
	}
	waits := r.Style == asl.Activity || r.Pattern != asl.RequestResponse
	if waits {
		t.Beat = request.Heartbeat
	}
	if request.Timeout > 0 {
		if err := c.wake(at, t, roleTimeout, asl.TimedOut, c.now.Add(time.Duration(request.Timeout)*time.Second)); err != nil {
			return err
		}
	} else if waits {
		if err := c.deadline(c.latest()); err != nil {
			return err
		}
	}
	if waits && r.Style != asl.Activity { // that of an activity counts from when a worker takes it
		return c.beat(at, t)
	}
	return nil
}

// beat has the thread told when no heartbeat comes from now on.
func (c *change) beat(at At, t *thread) error {
	if t.Beat <= 0 {
		return nil
	}
	return c.wake(at, t, roleHeartbeat, asl.HeartbeatMissed, c.now.Add(time.Duration(t.Beat)*time.Second))
}

// deadline has the execution end at a time, if it does not yet have to earlier.
func (c *change) deadline(end time.Time) error {
	if c.head.Deadline {
		return nil
	}
	c.head.Deadline = true
	root := At{Ref: c.st.at.Ref}
	return c.promise(kindWake, root, roleDeadline, end, root.Spot.Name, wake{At: root.point(0, int64(c.head.Redrives)), What: asl.Expired})
}

// fork starts the children of a Parallel or Map state.
func (c *change) fork(at At, t *thread, f *asl.Fork) error {
	if c.what == asl.Redriven { // from the beginning: the children were kept to go on with, and are not
		c.tx.DeleteRange(at.below())
		if err := c.dropFork(at); err != nil {
			return err
		}
	}
	k := &fork{Count: f.Count, Max: f.MaxConcurrency, Gen: c.head.Next, Mapped: f.Items != nil, Keyed: f.Keys != nil, State: f.State}
	switch {
	case k.Mapped && (k.Max <= 0 || k.Max > asl.MaxInlineConcurrency):
		k.Max = asl.MaxInlineConcurrency
	case k.Max <= 0:
		k.Max = k.Count
	}
	if k.Mapped {
		if err := writeItems(c.tx, at, f); err != nil {
			return err
		}
	} else if err := store.SetLarge(c.tx, at.branchInput(), f.Input); err != nil {
		return err
	}
	return c.spawn(at, t, k)
}

// spawn begins as many children as may run, and writes the fork. When there is nothing to wait for, the parent is told.
func (c *change) spawn(at At, t *thread, k *fork) error {
	for k.Next < k.Count && k.Running < k.Max {
		child := at.child(k.Next)
		k.Next++
		k.Running++
		if err := c.promise(kindWake, child, 0, time.Time{}, child.Spot.Name, wake{At: child.point(k.Gen, 0), What: asl.Begun}); err != nil {
			return err
		}
	}
	put(c.tx, at.fork(), k)
	if k.Done == k.Count {
		return c.wake(at, t, 0, asl.Joined, time.Time{})
	}
	return nil
}

// rejoin goes on with a fork whose state is redriven: the children that did not end well are redriven too.
func (c *change) rejoin(at At, t *thread) error {
	k, err := get[fork](c.tx, at.fork())
	if err != nil {
		return err
	}
	k.Failed, k.Running, k.Done = 0, 0, 0
	for i := range k.Next {
		child := at.child(i)
		ct, err := readThread(c.tx, child, true)
		if err != nil {
			return err
		}
		what, seq := asl.Begun, int64(0)
		switch {
		case ct == nil:
		case ct.T.Phase == asl.Done:
			k.Done++
			continue
		default:
			what, seq = asl.Redriven, ct.T.Seq
		}
		k.Running++
		if err := c.promise(kindWake, child, 0, time.Time{}, child.Spot.Name, wake{At: child.point(k.Gen, seq), What: what}); err != nil {
			return err
		}
	}
	return c.spawn(at, t, k)
}

// childEnded counts a child that has ended; its parent is told when it has something to do.
func (c *change) childEnded(at At, t *thread) error {
	up, k, parent := at.parent(), c.st.forks[0], c.st.outer[0]
	k.Last = t.T.Last
	k.Running--
	above := &thread{T: *parent, Gen: c.st.genAbove()}
	if t.T.Phase != asl.Done {
		k.Failed = at.Path[len(at.Path)-1] + 1
		put(c.tx, up.fork(), k)
		return c.wake(up, above, 0, asl.ChildFailed, time.Time{})
	}
	k.Done++
	return c.spawn(up, above, k)
}

// genAbove is the generation of the parent.
func (st *state) genAbove() int64 {
	if len(st.forks) > 1 {
		return st.forks[1].Gen
	}
	return 0
}
