package asl

import (
	"math/rand/v2"
	"time"

	"github.com/brume-dev/brume/asl/path"
	"github.com/brume-dev/brume/jsondoc"
)

// scope is what the fields of a state can see: the input, the context object, the variables, and in JSONata what
// $states holds.
type scope struct {
	run   *run
	state *State
	// thread is in state; outer are those around it.
	thread *Thread
	outer  []*Thread

	raw *doc // the state's raw input: $states.input
	// result and failure are $states.result and $states.errorOutput, nil when there is none.
	result, failure *doc
	// item is what the context object's Map holds; nil: that of the nearest iteration.
	item *Item

	view    path.Scope // JSONPath's view; its Input is "$"
	context any
}

func (r *run) scope(s *State, t *Thread, outer []*Thread, raw *doc) *scope {
	sc := &scope{run: r, state: s, thread: t, outer: outer, raw: raw}
	sc.view = path.Scope{Context: sc.contextObject, Variable: sc.variable, Random: r}
	return sc
}

// over makes "$" mean v.
func (s *scope) over(v any) *scope {
	s.view.Input = v
	return s
}

// variable looks a variable up in this scope and those around it.
func (s *scope) variable(name string) (any, bool) {
	if v, ok := s.run.lookup(s.thread, name); ok {
		return v, true
	}
	for _, t := range s.outer {
		if v, ok := s.run.lookup(t, name); ok {
			return v, true
		}
	}
	return nil, false
}

// parsed is a variable that has been looked up in this Step.
type parsed struct {
	text  *byte // the value's text, by its place: equal texts of one Step are the same
	value any
}

func (r *run) lookup(t *Thread, name string) (any, bool) {
	for i := range t.Variables {
		v := &t.Variables[i]
		if v.Name != name {
			continue
		}
		if len(v.Value) == 0 {
			return nil, true
		}
		place := &v.Value[0]
		for _, p := range r.parsed {
			if p.text == place {
				return p.value, true
			}
		}
		value := r.recent(t).parse(v.Value)
		r.parsed = append(r.parsed, parsed{place, value})
		return value, true
	}
	return nil, false
}

// recent is where documents of a thread may have been parsed already: those of parents.
func (r *run) recent(t *Thread) *Recent {
	if t == &r.thread {
		return nil
	}
	return r.set.Recent
}

// Uint64 makes run a rand.Source: the step's randomness, begun only where it is needed.
func (r *run) Uint64() uint64 {
	if r.random == nil {
		r.random = rand.NewPCG(r.set.Seed[0], r.set.Seed[1])
	}
	return r.random.Uint64()
}

// timeText is how the context object and JSONata show a time.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// contextObject is "$$".
func (s *scope) contextObject() any {
	if s.context == nil {
		s.context = s.makeContext()
	}
	return s.context
}

func (s *scope) makeContext() any {
	f := s.run.set.Facts
	if f.Context != nil {
		return textDoc(f.Context).get()
	}
	execution := jsondoc.SizedObject(7)
	execution.Set("Id", f.ExecutionID)
	if s.state.wholeContext {
		execution.Set("Input", s.run.executionInput())
	}
	execution.Set("Name", f.ExecutionName)
	execution.Set("RoleArn", f.RoleARN)
	execution.Set("StartTime", timeText(f.StartTime))
	execution.Set("RedriveCount", number(f.RedriveCount))
	if !f.RedriveTime.IsZero() {
		execution.Set("RedriveTime", timeText(f.RedriveTime))
	}
	state := jsondoc.SizedObject(3)
	state.Set("EnteredTime", timeText(s.thread.Entered))
	state.Set("Name", s.state.Name)
	state.Set("RetryCount", number(int64(s.thread.RetryCount)))
	machine := jsondoc.SizedObject(2)
	machine.Set("Id", f.MachineID)
	machine.Set("Name", f.MachineName)
	out := jsondoc.SizedObject(5)
	out.Set("Execution", execution)
	out.Set("State", state)
	out.Set("StateMachine", machine)
	if s.thread.Token != "" && s.state.Type == Task {
		task := jsondoc.SizedObject(1)
		task.Set("Token", s.thread.Token)
		out.Set("Task", task)
	}
	if item := s.mapItem(); item != nil {
		m := jsondoc.SizedObject(1)
		m.Set("Item", item.context())
		out.Set("Map", m)
	}
	return out
}

// context is the item as the context object has it.
func (i *Item) context() any {
	o := jsondoc.SizedObject(4)
	o.Set("Index", number(int64(i.Index)))
	if i.Keyed {
		o.Set("Key", i.Key)
	}
	o.Set("Value", textDoc(i.Value).get())
	if i.Source != "" {
		o.Set("Source", i.Source)
	}
	return o
}

// executionInput is the execution's input, parsed once for the whole step.
func (r *run) executionInput() any {
	if r.facts == nil {
		r.facts = &doc{text: r.set.Facts.Input, recent: r.set.Recent}
	}
	return r.facts.get()
}

// mapItem is the item of the nearest iteration around.
func (s *scope) mapItem() *Item {
	if s.item != nil {
		return s.item
	}
	if s.thread.Origin == Iteration {
		return itemOf(s.thread)
	}
	for _, t := range s.outer {
		if t.Origin == Iteration {
			return itemOf(t)
		}
	}
	return nil
}
