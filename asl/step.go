package asl

import (
	"context"
	"errors"
	"time"
)

// ErrVoid says that a thread does not take the happening in the phase it is in: a promise, token or request of an earlier
// Seq has come late. The driver drops it.
var ErrVoid = errors.New("asl: the thread no longer waits for this")

// errForeign: the driver has mixed up its records.
var errForeign = errors.New("asl: the thread is not of this machine")

// Setting is what a Step may know beside the machine, the thread and the happening. Drivers fill one per Step; children
// and parents of one execution share the facts.
type Setting struct {
	// Facts of the execution, the same for all its threads.
	Facts *Facts
	// Now is the platform's time: of events, waits, back-offs.
	Now time.Time
	// Seed makes the step's randomness (States.UUID, jitter …): the same seed gives the same outcome. It should come from
	// the driver's source of randomness, or from a hash of execution, thread and Seq.
	Seed [2]uint64
	// NextEvent is the id that the next history event of the execution gets. See Outcome.Renumber.
	NextEvent int64
	// Outer are the parents of the thread, the nearest first. They give variables, the items of the Map states around, and
	// ItemSelector its input.
	Outer []*Thread
	// Recent is optional: see there.
	Recent *Recent
	// NewToken makes the task token of the Call that the thread with this Seq is about to make. Called only for tasks that
	// need one.
	NewToken func(seq int64) string
	// NewMapRun makes the ARN of a map run of the Map state with this label.
	NewMapRun func(label string) string
	// MaxStates bounds how many states one Step may go through; 0 means MaxStatesPerStep. 1 runs one state (TestState): the
	// thread is then Ready before the next one, with its input.
	MaxStates int
	// Inspect, when not nil, is filled with the data flow of the last state that ran (TestState's inspectionData).
	Inspect *Inspection
}

// Facts are the members of the context object that stay the same, and what events say of the execution.
//
// https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
type Facts struct {
	ExecutionID   string // ARN
	ExecutionName string
	// Input of the execution as JSON text.
	Input                  []byte
	RoleARN                string
	StartTime              time.Time
	RedriveCount           int64
	RedriveTime            time.Time // zero until redriven
	MachineID, MachineName string
	Region                 string
	AliasARN, VersionARN   string
	// Context, when not nil, is taken as the whole context object (TestState's context).
	Context []byte
}

// Outcome is what a Step decides. Thread, Events and Command are one commit.
type Outcome struct {
	Thread  Thread
	Events  []Event
	Command Command

	first int64 // Setting.NextEvent
	told  bool  // a text names the id of an event of this outcome
}

// Renumber moves the ids of the outcome's events so that they begin at next instead of at the Setting's NextEvent, which a
// sibling's commit has taken. It returns false when that cannot be done, because an error's text names an id: then Step
// has to run again with the right NextEvent.
func (o *Outcome) Renumber(next int64) bool {
	if next == o.first {
		return true
	}
	if o.told {
		return false
	}
	shift := func(id *int64) {
		if *id >= o.first {
			*id += next - o.first
		}
	}
	for i := range o.Events {
		shift(&o.Events[i].ID)
		shift(&o.Events[i].Previous)
	}
	shift(&o.Thread.Last)
	shift(&o.Thread.EnteredEvent)
	o.first = next
	return true
}

// Step says how a thread goes on after a happening. It is a pure function: the thread is not changed, and the same arguments
// give the same outcome, so a driver may run it outside of its transaction and again when it has to. ctx bounds the evaluation of
// JSONata expressions only.
//
// States in a row that need nothing from outside run in one Step. What goes wrong inside the execution is in the
// outcome; the error is ErrVoid, ctx's, or says that thread and machine do not belong together.
func (m *Machine) Step(ctx context.Context, t *Thread, h Happening, s *Setting) (Outcome, error) {
	if t.Block < 0 || t.Block >= len(m.Blocks) || !m.fits(t) {
		return Outcome{}, errForeign
	}
	r := &run{ctx: ctx, machine: m, set: s, inspect: s.Inspect, thread: *t, next: s.NextEvent, input: textDoc(t.Input)}
	if h.What == Begun || h.What == Resumed {
		r.events = make([]Event, 0, manyEvents)
	}
	if !r.take(&h) {
		return Outcome{}, ErrVoid
	}
	r.goOn()
	if r.cancelled != nil {
		return Outcome{}, r.cancelled
	}
	return r.outcome(t.Seq), nil
}

// fits reports whether the state that a thread is in can be in the thread's phase.
func (m *Machine) fits(t *Thread) bool {
	b := m.Blocks[t.Block]
	if t.Origin == Iteration && (b.Parent == nil || b.Parent.Type != Map) {
		return false
	}
	s := b.State(t.State)
	switch t.Phase {
	case Calling, Submitted:
		return s != nil && s.Type == Task
	case Waiting:
		return s != nil && s.Type == Wait
	case Backoff:
		return s != nil && (s.Type == Task || s.Type == Parallel || s.Type == Map)
	case Joining:
		return s != nil && (s.Type == Parallel || s.Type == Map && !s.Distributed())
	case Mapping:
		return s != nil && s.Distributed()
	}
	return true
}

// Start returns the thread of an execution: block 0 for the machine's own, MapRun.Block for a child execution of a
// distributed map. Step it with Begun.
func (m *Machine) Start(block int) Thread { return Thread{Origin: Execution, Block: block} }
