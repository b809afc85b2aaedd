package asl

import (
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
)

// call starts a task: its first attempt, a retry, or a redrive.
func (r *run) call(s *State) error {
	t, sc := &r.thread, r.current(s)
	t.Started = false
	t.Token = ""
	needs := s.Resource.Style == Activity || s.Resource.Pattern == CallBack
	if needs && r.set.NewToken != nil {
		t.Token = r.set.NewToken(t.Seq + 1)
	}
	c := &Call{State: s.Name, Resource: s.Resource, Token: t.Token}
	in, err := sc.effective()
	if err != nil {
		return err
	}
	if c.Timeout, err = sc.integer(s.task.timeout, 1, MaxSeconds, 0); err != nil {
		return err
	}
	if c.Heartbeat, err = sc.integer(s.task.heartbeat, 1, MaxSeconds, 0); err != nil {
		return err
	}
	if c.RoleARN, err = sc.role(s.task.credentials); err != nil {
		return err
	}
	if c.Arguments = in.json(); len(c.Arguments) > MaxData {
		return tooLarge(s.Resource.name())
	}
	r.emit(s.scheduled(c, r.set.Facts.Region), true)
	r.decide(Calling, Command{Do: CallTask, Call: c})
	return nil
}

func (s *scope) role(f field) (string, error) {
	if f == nil {
		return "", nil
	}
	v, err := f.eval(s)
	if err != nil {
		return "", err
	}
	if o, ok := v.(*jsondoc.Object); ok {
		if arn, ok := o.Get("RoleArn"); ok {
			if text, ok := arn.(string); ok {
				return text, nil
			}
		}
	}
	if s.state.JSONata {
		return "", &fault.Error{Name: fault.QueryEvaluationError, Location: "Credentials/RoleArn", Cause: "The field 'Credentials/RoleArn' must be of type 'string'"}
	}
	return "", fault.New(fault.Runtime, "The RoleArn of the field 'Credentials' must be a string")
}

// scheduled is the event that tells of a call.
func (s *State) scheduled(c *Call, region string) Event {
	e := s.taskEvent(scheduledEvents)
	e.Input, e.Timeout, e.Heartbeat, e.RoleARN = c.Arguments, c.Timeout, c.Heartbeat, c.RoleARN
	switch s.Resource.Style {
	case Integration:
		e.Region = region
	case LambdaFunction:
		e.Resource, e.Heartbeat = s.Resource.Text, 0
	case Activity:
		e.Resource, e.RoleARN = s.Resource.Text, ""
	}
	return e
}

// taskEvents are the types of one kind of event for each Style.
type taskEvents [3]EventType

var (
	scheduledEvents      = taskEvents{TaskScheduled, LambdaFunctionScheduled, ActivityScheduled}
	startedEvents        = taskEvents{TaskStarted, LambdaFunctionStarted, ActivityStarted}
	succeededEvents      = taskEvents{TaskSucceeded, LambdaFunctionSucceeded, ActivitySucceeded}
	failedEvents         = taskEvents{TaskFailed, LambdaFunctionFailed, ActivityFailed}
	timedOutEvents       = taskEvents{TaskTimedOut, LambdaFunctionTimedOut, ActivityTimedOut}
	scheduleFailedEvents = taskEvents{TaskFailed, LambdaFunctionScheduleFailed, ActivityScheduleFailed}
	startFailedEvents    = taskEvents{TaskStartFailed, LambdaFunctionStartFailed, ActivityFailed}
	submitFailedEvents   = taskEvents{TaskSubmitFailed, LambdaFunctionFailed, ActivityFailed}
)

// taskEvent is an event of a task: those of integrations name the service and the action.
func (s *State) taskEvent(types taskEvents) Event {
	e := Event{Type: types[s.Resource.Style], Name: ""}
	if s.Resource.Style == Integration {
		e.ResourceType, e.Resource = s.Resource.Service, s.Resource.Full
	}
	return e
}

// started writes the ...Started event, once.
func (r *run) started(s *State, h *Happening) {
	if r.thread.Started {
		return
	}
	r.thread.Started = true
	e := s.taskEvent(startedEvents)
	e.Time = h.At
	if s.Resource.Style == Activity {
		e.Worker = h.Worker
	}
	r.emit(e, true)
}

// answered is the answer to a request that only submits the work.
func (r *run) answered(s *State, h *Happening) {
	r.started(s, h)
	e := s.taskEvent([3]EventType{TaskSubmitted, TaskSubmitted, TaskSubmitted})
	e.Output = h.Output
	r.emit(e, true)
	r.decide(Submitted, Command{Do: Stay})
}

// completed is a task's result.
func (r *run) completed(s *State, h *Happening) {
	r.started(s, h)
	if len(h.Output) > MaxData {
		err := fault.Of(tooLarge(s.Resource.name()))
		e := s.taskEvent(failedEvents)
		e.Error, e.Cause = err.Name, err.Cause
		r.emit(e, true)
		r.handle(s, err)
		return
	}
	e := s.taskEvent(succeededEvents)
	e.Output = h.Output
	r.emit(e, true)
	if err := r.settle(s, textDoc(h.Output)); err != nil {
		r.fails(s, err, true)
	}
}

// faulted is a task's failure.
func (r *run) faulted(s *State, h *Happening) {
	err := h.Error
	if err == nil {
		err = &fault.Error{}
	}
	if terminal(err.Name) { // the call could not be made of what the state gave: that is the state's error, not the task's
		r.fails(s, err, true)
		return
	}
	types := failedEvents
	switch {
	case h.Stage == Scheduling:
		types = scheduleFailedEvents
	case h.Stage == Starting:
		types = startFailedEvents
	case s.Resource.Pattern != RequestResponse && r.thread.Phase == Calling && !h.Returned:
		types = submitFailedEvents
	}
	if h.Stage == Running {
		r.started(s, h)
	}
	e := s.taskEvent(types)
	e.Error, e.Cause = err.Name, err.Cause
	r.emit(e, true)
	r.handle(s, err)
}

// expired is a task's time-out or missed heartbeat.
func (r *run) expired(s *State, what What) {
	name := fault.Timeout
	if what == HeartbeatMissed {
		name = fault.HeartbeatTimeout
	}
	e := s.taskEvent(timedOutEvents)
	e.Error = name
	r.emit(e, true)
	r.handle(s, &fault.Error{Name: name})
}
