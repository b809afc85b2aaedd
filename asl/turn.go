package asl

import "github.com/brume-dev/brume/asl/fault"

// take does what follows from a happening, up to the point where the thread can go on from its State or something has been
// decided. False: the thread does not wait for this.
func (r *run) take(h *Happening) bool {
	t := &r.thread
	switch h.What {
	case Begun:
		return t.Phase == Fresh && r.begun(h)
	case Resumed:
		return t.Phase == Ready
	case Aborted:
		return !t.Phase.Ended() && r.aborted(h)
	case Expired:
		return !t.Phase.Ended() && t.Origin == Execution && r.timedOut()
	case Redriven:
		return (t.Phase == Broken || t.Phase == Stopped) && r.redriven(h)
	}
	s := r.state()
	if s == nil {
		return false
	}
	working := t.Phase == Calling || t.Phase == Submitted
	switch h.What {
	case Started:
		if t.Phase != Calling || t.Started {
			return false
		}
		r.started(s, h)
		r.decide(Calling, Command{Do: Stay})
	case Answered:
		if t.Phase != Calling {
			return false
		}
		r.answered(s, h)
	case Completed:
		if !working {
			return false
		}
		r.completed(s, h)
	case Faulted:
		switch {
		case working:
			r.faulted(s, h)
		case t.Phase == Mapping:
			r.childFailed(s, h)
		default:
			return false
		}
	case TimedOut, HeartbeatMissed:
		if !working {
			return false
		}
		r.expired(s, h.What)
	case Woken:
		return r.woken(s)
	case Joined:
		if t.Phase != Joining && t.Phase != Mapping {
			return false
		}
		r.joined(s, h)
	case ChildFailed:
		if t.Phase != Joining {
			return false
		}
		r.childFailed(s, h)
	default:
		return false
	}
	return true
}

// begun starts a thread.
func (r *run) begun(h *Happening) bool {
	t := &r.thread
	t.State = r.block().StartAt
	switch t.Origin {
	case Execution:
		f := r.set.Facts
		r.emit(Event{Type: ExecutionStarted, Input: h.Input, RoleARN: f.RoleARN, AliasARN: f.AliasARN, VersionARN: f.VersionARN}, false)
		t.Input = h.Input
	case Branch:
		t.Input = h.Input
	case Iteration:
		if len(r.set.Outer) == 0 {
			return false
		}
		r.iterate()
		return true
	}
	r.input = textDoc(t.Input)
	return true
}

// woken ends a wait or a back-off.
func (r *run) woken(s *State) bool {
	t := &r.thread
	switch t.Phase {
	case Waiting:
		sc := r.current(s)
		if err := r.through(s, sc, s.flow.assign, s.flow.output, s.Next); err != nil {
			r.fails(s, err, false)
		}
	case Backoff:
		r.body(s)
	default:
		return false
	}
	return true
}

// aborted stops a thread. Of a whole execution only that is told.
func (r *run) aborted(h *Happening) bool {
	t := &r.thread
	e := h.Error
	if t.Origin == Execution {
		if e == nil {
			e = &fault.Error{}
		}
		last := t.Last
		t.Last = 0
		r.emit(Event{Type: ExecutionAborted, Error: e.Name, Cause: e.Cause}, false)
		t.Last, t.Error = last, h.Error
		r.decide(Stopped, Command{Do: Fail})
		return true
	}
	began := t.Phase != Fresh
	if s := r.state(); began && t.Phase != Ready && s != nil {
		r.emit(Event{Type: abortedEvent(s.Type)}, false)
	}
	if began && t.Origin == Iteration {
		r.emit(Event{Type: MapIterationAborted, Name: r.block().Parent.Name, Index: int64(t.Index)}, false)
	}
	r.decide(Stopped, Command{Do: Fail})
	return true
}

// timedOut ends an execution that took longer than the machine allows.
func (r *run) timedOut() bool {
	t := &r.thread
	last := t.Last
	t.Last = 0
	r.emit(Event{Type: ExecutionTimedOut, Error: fault.Timeout}, false)
	t.Last = last
	t.TimedOut = true
	t.Error = &fault.Error{Name: fault.Timeout}
	r.decide(Broken, Command{Do: Fail})
	return true
}

// redriven runs the state again that the thread ended in. A state is not entered a second time, except a Fail state and one
// that had not been entered.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
func (r *run) redriven(h *Happening) bool {
	t := &r.thread
	failed := t.Error
	t.Error, t.TimedOut, t.Retries, t.RetryCount = nil, false, nil, 0
	if t.Origin == Execution {
		r.emit(Event{Type: ExecutionRedriven, RedriveCount: h.Count}, true)
	}
	s := r.state()
	anew := failed != nil && failed.Name == fault.DataLimitExceeded // then the children that were well run again too
	switch {
	case t.EnteredEvent == 0 && t.Input == nil: // an iteration whose ItemSelector failed, or a thread that never began
		return r.begun(h)
	case s == nil || t.EnteredEvent == 0 || s.Type == FailType:
		return true
	case t.Forked && !s.Distributed() && len(s.Blocks) > 0 && !anew:
		r.decide(Joining, Command{Do: Rejoin})
	case t.MapRun != "" && s.Distributed() && !anew:
		if err := r.remap(s); err != nil {
			r.fails(s, err, true)
		}
	default:
		r.body(s)
	}
	return true
}
