package asl

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/brume-dev/brume/asl/fault"
)

// run is one Step that is being taken.
type run struct {
	ctx     context.Context
	machine *Machine
	set     *Setting
	inspect *Inspection

	thread  Thread
	input   *doc // thread.Input
	events  []Event
	command Command
	next    int64 // id of the next event
	told    bool
	bytes   int  // of the documents in events
	decided bool // command has been set

	cancelled error // of ctx, in the middle of an evaluation

	facts  *doc   // the execution's input
	own    *scope // of the thread's current state
	parsed []parsed
	random *rand.PCG
}

func (r *run) decide(phase Phase, c Command) {
	r.thread.Phase, r.command, r.decided = phase, c, true
}

// emit adds an event. What does not advance is beside the thread's line: the next event's previous one is that before.
func (r *run) emit(e Event, advance bool) {
	e.ID, e.Previous, e.Time = r.next, r.thread.Last, r.at(e.Time)
	r.next++
	if advance {
		r.thread.Last = e.ID
	}
	r.bytes += len(e.Input) + len(e.Output)
	r.events = append(r.events, e)
}

func (r *run) at(t time.Time) time.Time {
	if t.IsZero() {
		return r.set.Now
	}
	return t
}

func (r *run) block() *Block { return r.machine.Blocks[r.thread.Block] }

// state is the current state.
func (r *run) state() *State { return r.block().State(r.thread.State) }

// current is the scope of the current state, without result. There is one at a time: the next call begins it anew.
func (r *run) current(s *State) *scope {
	if r.own == nil {
		r.own = r.scope(s, &r.thread, r.set.Outer, r.input)
		return r.own
	}
	sc := r.own
	sc.state, sc.raw, sc.result, sc.failure, sc.context, sc.view.Input = s, r.input, nil, nil, nil, nil
	return sc
}

// goOn runs states from the thread's current one, which has not been entered, until something has to be decided.
func (r *run) goOn() {
	limit := r.set.MaxStates
	if limit <= 0 {
		limit = MaxStatesPerStep
	}
	for n := 0; !r.decided; n++ {
		if n >= limit || r.bytes > maxBytesPerStep {
			r.thread.EnteredEvent = 0
			r.decide(Ready, Command{Do: Yield})
			return
		}
		s := r.state()
		if s == nil { // a state that stands alone (ParseState): where it leads is not there
			r.thread.EnteredEvent = 0
			r.decide(Ready, Command{Do: Yield})
			return
		}
		r.enter(s)
	}
}

// enter enters a state and runs it.
func (r *run) enter(s *State) {
	t := &r.thread
	t.Entered, t.EnteredEvent = r.set.Now, r.next
	t.Retries, t.RetryCount, t.Token, t.Started, t.MapRun, t.Forked = nil, 0, "", false, "", false
	t.WakeAt = time.Time{}
	r.emit(Event{Type: enteredEvent(s.Type), Name: s.Name, Input: t.Input}, true)
	r.body(s)
}

// body does what the state is for: after it was entered, at each retry, and when it is redriven.
func (r *run) body(s *State) {
	if r.inspect != nil {
		r.begin(s)
	}
	var err error
	switch s.Type {
	case Task:
		err = r.call(s)
	case Pass:
		err = r.pass(s)
	case Choice:
		err = r.choose(s)
	case Wait:
		err = r.wait(s)
	case Succeed:
		err = r.through(s, r.current(s), s.flow.assign, s.flow.output, "")
	case FailType:
		err = r.giveUp(s)
	case Parallel, Map:
		err = r.fork(s)
	}
	if err != nil {
		r.fails(s, err, s.Type != FailType)
	}
}

// fails handles an error that came up while a state was evaluated. It tells the error's place in the history, and catches it
// if it may be caught.
func (r *run) fails(s *State, err error, catchable bool) {
	e := *fault.Of(err)
	if e.Location != "" {
		r.emit(Event{Type: EvaluationFailed, Name: s.Name, Error: e.Name, Cause: e.Cause, Location: e.Location}, true)
	}
	if e.Name != fault.DataLimitExceeded {
		e.Cause = r.within(s.Name, r.thread.EnteredEvent, e.Cause)
	}
	if catchable {
		r.handle(s, &e)
		return
	}
	r.broken(&e)
}

// within is a cause with the state where it came up.
func (r *run) within(state string, entered int64, cause string) string {
	if entered >= r.set.NextEvent {
		r.told = true
	}
	return fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s", state, entered, cause)
}

// exit leaves a state with its output and the variables that it assigns; next is "" when the thread ends here.
func (r *run) exit(s *State, out *doc, variables []Variable, next string) error {
	text := out.json()
	if len(text) > MaxData {
		return tooLarge(s.Name)
	}
	if err := r.remember(variables); err != nil {
		return err
	}
	t := &r.thread
	if r.inspect != nil {
		r.inspect.Variables = variablesText(t.Variables)
	}
	r.emit(Event{Type: exitedEvent(s.Type), Name: s.Name, Output: text, Assigned: variables}, true)
	t.Token = ""
	if next == "" {
		r.end(text)
		return nil
	}
	t.State, t.Input, r.input = next, text, out
	return nil
}

func tooLarge(what string) error {
	return fault.New(fault.DataLimitExceeded, "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", what)
}

// end ends the thread well.
func (r *run) end(output []byte) {
	t := &r.thread
	t.Output = output
	switch t.Origin {
	case Execution:
		r.emit(Event{Type: ExecutionSucceeded, Output: output}, true)
	case Iteration:
		r.emit(Event{Type: MapIterationSucceeded, Name: r.block().Parent.Name, Index: int64(t.Index)}, true)
	}
	r.decide(Done, Command{Do: End})
}

// broken ends the thread with an error. A terminal one fails the whole execution: iterations and states around
// say nothing of it.
func (r *run) broken(e *fault.Error) {
	t := &r.thread
	t.Error = &fault.Error{Name: e.Name, Cause: e.Cause}
	switch {
	case t.Origin == Execution:
		r.emit(Event{Type: ExecutionFailed, Error: e.Name, Cause: e.Cause}, true)
	case t.Origin == Iteration && !terminal(e.Name):
		r.emit(Event{Type: MapIterationFailed, Name: r.block().Parent.Name, Index: int64(t.Index)}, false)
	}
	r.decide(Broken, Command{Do: Fail})
}

func (r *run) sleep(phase Phase, until time.Time) {
	r.thread.WakeAt = until
	r.decide(phase, Command{Do: Sleep, Until: until})
}

// outcome is what has been decided.
func (r *run) outcome(before int64) Outcome {
	if r.command.Do != Stay {
		r.thread.Seq = before + 1
	}
	return Outcome{Thread: r.thread, Events: r.events, Command: r.command, first: r.set.NextEvent, told: r.told}
}
