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
	item *mapItem

	view    path.Scope // JSONPath's view; its Input is "$"
	context any
}

// mapItem is the context object's Map.Item.
type mapItem struct {
	index  int
	key    string
	value  *doc
	source string
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
		value, err := jsondoc.Parse(v.Value)
		if err != nil {
			return nil, false
		}
		r.parsed = append(r.parsed, parsed{place, value})
		return value, true
	}
	return nil, false
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
	execution := jsondoc.NewObject()
	execution.Set("Id", f.ExecutionID)
	execution.Set("Input", s.run.executionInput())
	execution.Set("StartTime", timeText(f.StartTime))
	execution.Set("Name", f.ExecutionName)
	execution.Set("RoleArn", f.RoleARN)
	execution.Set("RedriveCount", number(f.RedriveCount))
	if !f.RedriveTime.IsZero() {
		execution.Set("RedriveTime", timeText(f.RedriveTime))
	}
	machine := jsondoc.NewObject()
	machine.Set("Id", f.MachineID)
	machine.Set("Name", f.MachineName)
	state := jsondoc.NewObject()
	state.Set("Name", s.state.Name)
	state.Set("EnteredTime", timeText(s.thread.Entered))
	state.Set("RetryCount", number(int64(s.thread.RetryCount)))
	out := jsondoc.NewObject()
	out.Set("Execution", execution)
	out.Set("StateMachine", machine)
	out.Set("State", state)
	if s.thread.Token != "" && s.state.Type == Task {
		task := jsondoc.NewObject()
		task.Set("Token", s.thread.Token)
		out.Set("Task", task)
	}
	if item := s.mapItem(); item != nil {
		o := jsondoc.NewObject()
		o.Set("Index", number(int64(item.index)))
		if item.key != "" {
			o.Set("Key", item.key)
		}
		o.Set("Value", item.value.get())
		if item.source != "" {
			o.Set("Source", item.source)
		}
		m := jsondoc.NewObject()
		m.Set("Item", o)
		out.Set("Map", m)
	}
	return out
}

// executionInput is the execution's input, parsed once for the whole step.
func (r *run) executionInput() any {
	if r.facts == nil {
		r.facts = textDoc(r.set.Facts.Input)
	}
	return r.facts.get()
}

// mapItem is the item of the nearest iteration around.
func (s *scope) mapItem() *mapItem {
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

func itemOf(t *Thread) *mapItem {
	return &mapItem{index: t.Index, key: t.Key, value: textDoc(t.Item)}
}
