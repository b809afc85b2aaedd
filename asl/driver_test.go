package asl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/jsondoc"
)

// mock is what a task answers, one after another; the last one again and again.
type mock struct {
	Output   string
	Error    string
	Cause    string
	Answer   string // the answer to a request that only submits
	TimedOut bool
	Missed   bool // a heartbeat
	Hang     bool
	Stage    Stage
	Returned bool
}

// line is a thread with what the driver knows of it.
type line struct {
	Thread
	parent   *line
	fork     *Fork
	children []*line
	run      *MapRun
}

// driver runs executions in memory, one happening after another, with time of its own.
type driver struct {
	t       testing.TB
	machine *Machine
	facts   Facts
	now     time.Time
	next    int64
	history []Event
	mocks   map[string][]mock
	calls   map[string]int
	made    []string // the calls, as text
	queue   []func()
	timers  []timed
	root    *line
	states  int
	stop    map[string]Happening // by state: what happens instead of its call
}

type timed struct {
	at time.Time
	f  func()
}

var started = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func newDriver(t testing.TB, definition string) *driver {
	m, err := Parse([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	return &driver{t: t, machine: m, now: started, next: 1, mocks: map[string][]mock{}, calls: map[string]int{}, facts: Facts{
		ExecutionID: "arn:aws:states:us-east-1:000000000000:execution:m:e", ExecutionName: "e", RoleARN: "arn:aws:iam::000000000000:role/r",
		StartTime: started, MachineID: "arn:aws:states:us-east-1:000000000000:stateMachine:m", MachineName: "m", Region: "us-east-1",
	}}
}

func (d *driver) setting(l *line) *Setting {
	s := &Setting{Facts: &d.facts, Now: d.now, Seed: [2]uint64{uint64(l.Seq), uint64(l.Index)}, NextEvent: d.next, MaxStates: d.states}
	s.NewToken = func(seq int64) string { return fmt.Sprintf("token-%s-%d", l.State, seq) }
	s.NewMapRun = func(label string) string { return "arn:aws:states:us-east-1:000000000000:mapRun:m/" + label + ":1" }
	for p := l.parent; p != nil; p = p.parent {
		s.Outer = append(s.Outer, &p.Thread)
	}
	return s
}

// step takes a step and does its command.
func (d *driver) step(l *line, h Happening) {
	o, err := d.machine.Step(context.Background(), &l.Thread, h, d.setting(l))
	if errors.Is(err, ErrVoid) {
		return
	}
	if err != nil {
		d.t.Fatal(err)
	}
	for i := range o.Events {
		if o.Events[i].ID != d.next+int64(i) {
			d.t.Fatalf("event %d is numbered %d", d.next+int64(i), o.Events[i].ID)
		}
	}
	d.next += int64(len(o.Events))
	d.history = append(d.history, o.Events...)
	l.Thread = o.Thread
	d.do(l, o.Command)
}

func (d *driver) later(f func()) { d.queue = append(d.queue, f) }

func (d *driver) do(l *line, c Command) {
	seq := l.Seq
	valid := func(f func()) func() {
		return func() {
			if l.Seq == seq {
				f()
			}
		}
	}
	switch c.Do {
	case Yield:
		d.later(func() { d.step(l, Happening{What: Resumed}) })
	case Sleep:
		d.timers = append(d.timers, timed{c.Until, valid(func() { d.step(l, Happening{What: Woken}) })})
	case CallTask:
		d.later(valid(func() { d.call(l, c.Call) }))
	case ForkThreads:
		l.fork, l.children = c.Fork, nil
		for i := range c.Fork.Count {
			l.children = append(l.children, &line{Thread: d.machine.Child(&l.Thread, c.Fork, i), parent: l})
		}
		for _, k := range l.children {
			d.later(func() { d.step(k, Happening{What: Begun, Input: l.fork.Input}) })
		}
	case Rejoin:
		for _, k := range l.children {
			if k.Phase != Done {
				d.later(func() { d.step(k, Happening{What: Redriven, Input: l.fork.Input}) })
			}
		}
		d.join(l, l.Last)
	case RunMap:
		l.run = c.MapRun
		d.made = append(d.made, "map run "+describe(c.MapRun))
		if c.MapRun.Redriven {
			d.later(func() { d.step(l, Happening{What: Joined, Output: []byte(`["redriven"]`)}) })
			return
		}
		d.later(valid(func() { d.answer(l, l.State, nil) }))
	case End, Fail:
		if l.parent != nil {
			d.childEnded(l)
		}
	}
}

func (d *driver) childEnded(l *line) {
	p := l.parent
	switch l.Phase {
	case Done:
		d.join(p, l.Last)
	case Broken:
		for _, k := range p.children {
			d.abort(k)
		}
		d.step(p, Happening{What: ChildFailed, Error: l.Error, Last: l.Last})
	}
}

// join joins when all children are done.
func (d *driver) join(p *line, last int64) {
	var outputs [][]byte
	for _, k := range p.children {
		if k.Phase != Done {
			return
		}
		outputs = append(outputs, k.Output)
	}
	d.step(p, Happening{What: Joined, Outputs: outputs, Last: last})
}

func (d *driver) abort(l *line) {
	if l.Phase.Ended() {
		return
	}
	for _, k := range l.children {
		d.abort(k)
	}
	d.step(l, Happening{What: Aborted})
}

func (d *driver) call(l *line, c *Call) {
	text := fmt.Sprintf("%s %s %s", c.State, c.Resource.Text, c.Arguments)
	if c.RoleARN != "" {
		text += " as " + c.RoleARN
	}
	if c.Token != "" {
		text += " with " + c.Token
	}
	if c.Timeout+c.Heartbeat > 0 {
		text += fmt.Sprintf(" within %d/%d", c.Timeout, c.Heartbeat)
	}
	d.made = append(d.made, text)
	d.answer(l, c.State, c.Resource)
}

// answer takes the mocks of a state in turn.
func (d *driver) answer(l *line, state string, r *Resource) {
	if h, ok := d.stop[state]; ok {
		delete(d.stop, state)
		d.step(d.root, h)
		return
	}
	list := d.mocks[state]
	if len(list) == 0 {
		d.step(l, Happening{What: Completed, Output: []byte(`{}`)})
		return
	}
	m := list[min(d.calls[state], len(list)-1)]
	d.calls[state]++
	if r != nil && r.Style == Activity && !m.Hang {
		d.step(l, Happening{What: Started, Worker: "worker"})
	}
	if r != nil && r.Pattern != RequestResponse && m.Answer != "" {
		d.step(l, Happening{What: Answered, Output: []byte(m.Answer)})
	}
	switch {
	case m.Hang:
	case m.TimedOut:
		d.step(l, Happening{What: TimedOut})
	case m.Missed:
		d.step(l, Happening{What: HeartbeatMissed})
	case m.Error != "":
		d.step(l, Happening{What: Faulted, Stage: m.Stage, Returned: m.Returned, Error: &fault.Error{Name: m.Error, Cause: m.Cause}})
	case l.Phase == Mapping:
		d.step(l, Happening{What: Joined, Output: []byte(m.Output)})
	default:
		d.step(l, Happening{What: Completed, Output: []byte(m.Output)})
	}
}

// start runs an execution to its end, or until nothing is left to do.
func (d *driver) start(input string) {
	d.facts.Input = []byte(input)
	d.root = &line{Thread: d.machine.Start(0)}
	d.step(d.root, Happening{What: Begun, Input: []byte(input)})
	d.drain()
}

func (d *driver) drain() {
	for len(d.queue)+len(d.timers) > 0 {
		if len(d.queue) > 0 {
			f := d.queue[0]
			d.queue = d.queue[1:]
			f()
			continue
		}
		slices.SortStableFunc(d.timers, func(a, b timed) int { return a.at.Compare(b.at) })
		first := d.timers[0]
		d.timers = d.timers[1:]
		if first.at.After(d.now) {
			d.now = first.at
		}
		first.f()
	}
}

func describe(m *MapRun) string {
	out := fmt.Sprintf("%s redriven=%v label=%q express=%v concurrency=%d tolerated=%d/%g selects=%v items=%s", m.State, m.Redriven, m.Label, m.Express, m.MaxConcurrency,
		m.ToleratedCount, m.ToleratedPercentage, m.Selects, m.Items)
	if m.Reader != nil {
		out += fmt.Sprintf(" reader=%s %s %s", m.Reader.Resource, m.Reader.Arguments, m.Reader.Config)
	}
	if m.Batcher != nil {
		out += fmt.Sprintf(" batcher=%d/%d %s", m.Batcher.MaxItems, m.Batcher.MaxBytes, m.Batcher.Input)
	}
	if m.Writer != nil {
		out += fmt.Sprintf(" writer=%s %s %s %s", m.Writer.Resource, m.Writer.Arguments, m.Writer.Transformation, m.Writer.OutputType)
	}
	return out
}

// String is the history as the golden files have it.
func (e Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d<-%d %s", e.ID, e.Previous, e.Type)
	put := func(name, v string) {
		if v != "" {
			fmt.Fprintf(&b, " %s=%s", name, v)
		}
	}
	put("name", e.Name)
	put("input", string(e.Input))
	put("output", string(e.Output))
	for _, v := range e.Assigned {
		put("$"+v.Name, string(v.Value))
	}
	put("error", e.Error)
	put("cause", e.Cause)
	put("at", e.Location)
	put("type", e.ResourceType)
	put("resource", e.Resource)
	put("region", e.Region)
	if e.Timeout+e.Heartbeat > 0 {
		put("within", fmt.Sprintf("%d/%d", e.Timeout, e.Heartbeat))
	}
	put("role", e.RoleARN)
	put("worker", e.Worker)
	put("run", e.MapRunARN)
	switch e.Type {
	case MapStateStarted:
		put("length", fmt.Sprint(e.Length))
	case MapIterationStarted, MapIterationSucceeded, MapIterationFailed, MapIterationAborted:
		put("index", fmt.Sprint(e.Index))
	case ExecutionRedriven, MapRunRedriven:
		put("count", fmt.Sprint(e.RedriveCount))
	}
	return b.String()
}

func parseMocks(t testing.TB, text string) map[string][]mock {
	v, err := jsondoc.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]mock{}
	for state, list := range v.(*jsondoc.Object).All() {
		for _, one := range list.(*jsondoc.Array).Items {
			var m mock
			for k, v := range one.(*jsondoc.Object).All() {
				switch k {
				case "Output":
					m.Output = jsondoc.Text(v)
				case "Answer":
					m.Answer = jsondoc.Text(v)
				case "Error":
					m.Error = v.(string)
				case "Cause":
					m.Cause = v.(string)
				case "TimedOut":
					m.TimedOut = true
				case "Returned":
					m.Returned = true
				case "Missed":
					m.Missed = true
				case "Hang":
					m.Hang = true
				case "Scheduling":
					m.Stage = Scheduling
				case "Starting":
					m.Stage = Starting
				default:
					t.Fatalf("mock of %s: %s", state, k)
				}
			}
			out[state] = append(out[state], m)
		}
	}
	return out
}
