package execution

import (
	"context"
	"encoding/json"
	"time"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/sfn/machine"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// close ends the execution as its own thread has ended.
func (c *change) close(t *thread) error {
	h, ref := c.head, c.st.at.Ref
	switch {
	case t.T.Phase == asl.Done:
		h.Status, c.output = Succeeded, t.T.Output
		c.tx.DeleteRange(ref.threads().Range())
		if h.Output = t.T.Output; len(h.Output) > inline {
			h.Output = nil
			return store.SetLarge(c.tx, ref.document("out"), t.T.Output)
		}
	case t.T.TimedOut:
		h.Status = TimedOut
	case t.T.Phase == asl.Stopped:
		h.Status, h.Error = Aborted, t.T.Error
	default:
		h.Status, h.Error = Failed, t.T.Error
	}
	return nil
}

// turnover does what follows from a change of the status: lists, the machine's count of running executions, those who wait
// for the end, and events for the default event bus.
func (c *change) turnover(heard bool) error {
	h, ref := c.head, c.st.at.Ref
	if c.was == h.Status {
		return nil
	}
	running := int64(0)
	if h.Status == Running {
		running++
	} else {
		h.Stop = max(c.now.UnixMicro(), h.Start)
	}
	if c.was != 0 {
		before := *h
		before.Status = c.was
		c.tx.Delete(before.listKey(ref))
	}
	if c.was == Running {
		running--
	}
	put(c.tx, h.listKey(ref), h.summary())
	if running != 0 {
		c.tx.Add(ref.Running(), running)
	}
	if h.Status != Running {
		if err := c.ended(); err != nil {
			return err
		}
	}
	if !heard || h.MapRun != "" {
		return nil
	}
	if c.was != Running && h.Status != Running { // it begins and ends in one commit
		if err := c.announce(Running); err != nil {
			return err
		}
	}
	return c.announce(h.Status)
}

// ended tells those who wait for the end of the execution.
func (c *change) ended() error {
	h, ref := c.head, c.st.at.Ref
	if h.Deadline {
		h.Deadline = false
		if _, err := timer.Cancel(c.tx, kindWake, (At{Ref: ref}).promise(roleDeadline)); err != nil {
			return err
		}
	}
	if h.Watched {
		h.Watched = false
		if err := c.tellWatchers(); err != nil {
			return err
		}
	}
	if h.MapRun == "" || c.e.Maps == nil {
		return nil
	}
	return c.e.Maps.Ended(c.tx, &Child{Revision: c.st.rev, Ref: ref, MapRun: h.MapRun, Status: h.Status, Output: c.output, Error: h.Error,
		Input: c.st.facts.Input, Start: moment(h.Start), Stop: moment(h.Stop), Items: h.Items, Redrives: h.Redrives})
}

// heard reports whether events for the default event bus are worth the promise.
func (e *Engine) heard(ctx context.Context, at At) bool {
	return e.Listening == nil || e.Listening(ctx, at.Account, at.Region)
}

// detail is that of an event of EventBridge.
// https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
type detail struct {
	ExecutionARN  string    `json:"executionArn"`
	MachineARN    string    `json:"stateMachineArn"`
	Name          string    `json:"name"`
	Status        string    `json:"status"`
	StartDate     int64     `json:"startDate"`
	StopDate      *int64    `json:"stopDate"`
	Input         *string   `json:"input"`
	Output        *string   `json:"output"`
	VersionARN    *string   `json:"stateMachineVersionArn"`
	AliasARN      *string   `json:"stateMachineAliasArn"`
	RedriveCount  int       `json:"redriveCount"`
	RedriveDate   *int64    `json:"redriveDate"`
	RedriveStatus string    `json:"redriveStatus"`
	RedriveReason *string   `json:"redriveStatusReason"`
	InputDetails  *included `json:"inputDetails"`
	OutputDetails *included `json:"outputDetails"`
	Error         *string   `json:"error"`
	Cause         *string   `json:"cause"`
}

type included struct {
	Included bool `json:"included"`
}

// announce promises an event about the status.
func (c *change) announce(s Status) error {
	h, ref := *c.head, c.st.at.Ref
	at := moment(h.Stop)
	if h.Status = s; s == Running {
		h.Stop, h.Error = 0, nil
		if at = moment(h.Start); h.Redriven != 0 {
			at = moment(h.Redriven)
		}
	}
	to := machine.Target{Revision: c.st.rev, Version: h.Version, Alias: h.Alias}
	status, reason := redriveStatus(&h, at)
	d := detail{ExecutionARN: ref.ARN(), MachineARN: c.st.rev.ARN(), Name: ref.Short(), Status: s.String(), StartDate: h.Start / 1000,
		VersionARN: aws.Some(to.VersionARN()), AliasARN: aws.Some(to.AliasARN()), RedriveCount: h.Redrives, RedriveStatus: status,
		RedriveReason: aws.Some(reason), StopDate: aws.Some(h.Stop / 1000), RedriveDate: aws.Some(h.Redriven / 1000)}
	if h.Error != nil {
		d.Error, d.Cause = aws.Some(h.Error.Name), aws.Some(h.Error.Cause)
	}
	d.InputDetails = &included{len(c.st.facts.Input) < maxDetail}
	if d.InputDetails.Included {
		d.Input = new(string(c.st.facts.Input))
	}
	if s == Succeeded {
		d.OutputDetails = &included{len(c.output) < maxDetail}
		if d.OutputDetails.Included {
			d.Output = new(string(c.output))
		}
		if d.Input != nil && d.Output != nil && len(*d.Input)+len(*d.Output) > maxDetail {
			d.Input, d.InputDetails = nil, &included{}
		}
	}
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	event := target.Event{Source: "aws.states", DetailType: "Step Functions Execution Status Change", Time: at.Truncate(time.Second),
		Resources: []string{ref.ARN()}, Detail: body}
	if body, err = event.Body(); err != nil {
		return err
	}
	return target.Send(c.tx, target.Delivery{Target: aws.MakeARN("events", ref.Region, ref.Account, "event-bus/default").String(), Body: body,
		From: target.Sender{Service: machine.Principal, Account: ref.Account, Region: ref.Region, ARN: c.st.rev.ARN()}, Trace: h.Trace})
}

// abortBelow aborts the children of a thread, and theirs before them. outer are the thread and its parents.
func (c *change) abortBelow(at At, outer []*asl.Thread) error {
	k, err := get[fork](c.tx, at.fork())
	if err != nil || k == nil {
		return err
	}
	for i := range k.Next {
		child := at.child(i)
		t, err := readThread(c.tx, child, true)
		if err != nil {
			return err
		}
		if t == nil || t.T.Phase.Ended() {
			continue
		}
		if err := c.abortBelow(child, append([]*asl.Thread{&t.T}, outer...)); err != nil {
			return err
		}
		if _, err := c.end(child, t, outer, asl.Happening{What: asl.Aborted}); err != nil {
			return err
		}
	}
	return nil
}

// end stops a thread within the transaction: nothing is evaluated by such a step.
func (c *change) end(at At, t *thread, outer []*asl.Thread, h asl.Happening) (*thread, error) {
	s := &asl.Setting{Facts: c.st.facts, Now: c.now, NextEvent: c.nextEvent(), Outer: outer}
	out, err := c.st.rev.Machine.Step(context.Background(), &t.T, h, s)
	if err != nil {
		return nil, err
	}
	c.events = append(c.events, out.Events...)
	n := *t
	n.T = out.Thread
	if t.T.Phase == asl.Mapping && c.e.Maps != nil {
		if err := c.e.Maps.Stop(c.tx, c.st.rev, t.T.MapRun); err != nil {
			return nil, err
		}
	}
	if err := c.forget(at, &n); err != nil {
		return nil, err
	}
	return &n, n.write(c.tx, at, t)
}

// silence cancels what the threads from at on have promised, and forgets them.
func (c *change) silence(at At) error {
	t, err := readThread(c.tx, at, true)
	if err != nil {
		return err
	}
	k, err := get[fork](c.tx, at.fork())
	if err != nil {
		return err
	}
	if k != nil {
		for i := range k.Next {
			if err := c.silence(at.child(i)); err != nil {
				return err
			}
		}
	}
	if t == nil {
		return nil
	}
	t.T.Phase = asl.Stopped
	if err := c.forget(at, t); err != nil {
		return err
	}
	if len(at.Path) == 0 {
		c.tx.DeleteRange(at.threads().Range())
	}
	return nil
}

// halt ends a running execution from outside: with an error (which may be empty) it is ABORTED, and TIMED_OUT otherwise. errVoid says
// that it does not run. k is the promise that this keeps, or nil.
func (e *Engine) halt(ctx context.Context, ref Ref, why *fault.Error, k *timer.Kept) error {
	h, err := e.peek(ctx, ref)
	if err != nil {
		return err
	}
	rev, err := e.Revision(ctx, ref.Spot, h.Revision)
	if err != nil {
		return err
	}
	heard := e.heard(ctx, At{Ref: ref})
	_, err = e.shard(ref).Update(ctx, func(_ context.Context, tx store.Tx) error {
		at := At{Ref: ref}
		c := &change{e: e, tx: tx, st: &state{at: at, rev: rev}, now: milli(tx.Now()), was: Running}
		if k != nil {
			if err := k.Done(tx); err != nil {
				return err
			}
		}
		if c.head, err = get[head](tx, ref.head()); err != nil {
			return err
		}
		if c.head == nil || c.head.Status != Running {
			return errVoid
		}
		input, err := c.head.input(tx, ref)
		if err != nil {
			return err
		}
		c.st.head, c.st.facts = c.head, facts(ref, rev, c.head, input)
		return c.haltNow(at, why, heard)
	})
	return err
}

func (c *change) haltNow(at At, why *fault.Error, heard bool) error {
	root, err := readThread(c.tx, at, true)
	if err != nil {
		return err
	}
	if root == nil {
		return errVoid
	}
	if err := c.abortBelow(at, []*asl.Thread{&root.T}); err != nil {
		return err
	}
	h := asl.Happening{What: asl.Expired}
	if why != nil {
		if h.What = asl.Aborted; *why != (fault.Error{}) {
			h.Error = why
		}
	}
	ended, err := c.end(at, root, nil, h)
	if err != nil {
		return err
	}
	if err := c.close(ended); err != nil {
		return err
	}
	if h.What == asl.Aborted {
		c.head.Status, c.head.Error = Aborted, h.Error
	}
	return c.finish(heard)
}

// peek reads a running execution; errVoid when it does not run.
func (e *Engine) peek(ctx context.Context, ref Ref) (*head, error) {
	h, err := store.View(ctx, e.shard(ref), func(_ context.Context, r store.Reader) (*head, error) { return get[head](r, ref.head()) })
	if err == nil && (h == nil || h.Status != Running) {
		err = errVoid
	}
	return h, err
}
