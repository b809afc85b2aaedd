package asl

import (
	"cmp"
	"fmt"
	"unicode/utf8"

	"github.com/brume-dev/brume/asl/definition"
	"github.com/brume-dev/brume/jsondoc"
)

// DefinitionError says what is wrong with a definition, and where.
type DefinitionError struct {
	// Location is a JSON pointer: "/States/Check/Next".
	Location string
	Message  string
}

// Error is the message and the place.
func (e *DefinitionError) Error() string { return e.Message + " at " + e.Location }

// reading holds what parsing a definition needs to know everywhere. The first error counts; what is read after it is
// thrown away.
type reading struct {
	machine *Machine
	jsonata bool // the machine's query language
	err     error
}

func (r *reading) fail(at, problem string) {
	r.err = cmp.Or[error](r.err, &DefinitionError{Location: at, Message: problem})
}

// begin reads a definition's JSON.
func begin(text []byte) (r *reading, top definition.Node, err error) {
	doc, err := jsondoc.Parse(text)
	if err != nil {
		return nil, top, &DefinitionError{Message: fmt.Sprintf("Invalid JSON: %v", err)}
	}
	r = &reading{machine: &Machine{}}
	top, _ = definition.Root(doc, r.fail)
	return r, top, r.err
}

// result is the machine, when nothing is wrong with it.
func (r *reading) result() (*Machine, error) {
	if r.err == nil {
		r.scopes()
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.machine, nil
}

// Parse reads a definition and compiles all that is in it. The error is a *DefinitionError for the first thing that is
// wrong. Fields that the language does not know are skipped: to complain about them, and to find all that is wrong, is
// validation's business.
func Parse(text []byte) (*Machine, error) {
	r, top, err := begin(text)
	if err != nil {
		return nil, err
	}
	r.machine.Comment = top.Text("Comment")
	r.machine.TimeoutSeconds = top.Integer("TimeoutSeconds", 0, MaxSeconds, 0)
	r.jsonata = top.Language()
	r.block(top, nil, false)
	return r.result()
}

// ParseState reads the definition of one state that stands alone, as TestState takes it: a machine whose only state is
// called name, and whose transitions lead to states that are not there.
func ParseState(name string, text []byte) (*Machine, error) {
	r, top, err := begin(text)
	if err != nil {
		return nil, err
	}
	b := &Block{StartAt: name, byName: map[string]*State{}}
	r.machine.Blocks = []*Block{b}
	s := r.state(top, name, b)
	b.States, b.byName[name] = []*State{s}, s
	return r.result()
}

// block reads "StartAt" and "States".
func (r *reading) block(n definition.Node, parent *State, distributed bool) *Block {
	b := &Block{Number: len(r.machine.Blocks), Parent: parent, Distributed: distributed, byName: map[string]*State{}}
	r.machine.Blocks = append(r.machine.Blocks, b)
	n.Required("StartAt", "States")
	n.NotEmpty("States")
	b.StartAt = n.Text("StartAt")
	states, ok := n.Inner("States")
	if !ok {
		return b
	}
	for name, v := range states.Object.All() {
		if size := utf8.RuneCountInString(name); size == 0 || size > MaxName {
			states.Fail(name, "State name must be between 1 and %d characters", MaxName)
		}
		if one, ok := states.Member(name, v); ok {
			s := r.state(one, name, b)
			b.States = append(b.States, s)
			b.byName[name] = s
		}
	}
	if b.byName[b.StartAt] == nil {
		n.Fail("StartAt", "Missing 'Next' target: %s", b.StartAt)
	}
	for _, s := range b.States {
		r.targets(s, states.Within(s.Name))
	}
	return b
}

// targets checks that a state leads only to states of its own block.
func (r *reading) targets(s *State, at string) {
	check := func(name string) {
		if name != "" && s.Block.byName[name] == nil {
			r.fail(at, "Missing 'Next' target: "+name)
		}
	}
	check(s.Next)
	check(s.Default)
	for _, name := range s.Choices {
		check(name)
	}
	for _, name := range s.Catches {
		check(name)
	}
}

// state reads one state.
func (r *reading) state(n definition.Node, name string, b *Block) *State {
	s := &State{Name: name, Block: b, Type: Type(n.Text("Type")), Comment: n.Text("Comment")}
	n.JSONata = r.jsonata // and not that of the state around
	s.JSONata = n.Language()
	s.wholeContext = wholeContext(jsondoc.Text(n.Object))
	if s.Type != Choice && s.Type != Succeed && s.Type != FailType {
		s.Next = n.Text("Next")
		if (s.Next == "") == !n.Bool("End") {
			n.Wrong("Exactly one of 'Next' and 'End' must be given")
		}
	}
	c := compiler{n, r, s}
	c.flow()
	switch s.Type {
	case Task:
		c.task()
	case Pass:
		c.pass()
	case Choice:
		c.choice()
	case Wait:
		c.wait()
	case Succeed:
	case FailType:
		c.failure()
	case Parallel:
		c.parallel()
	case Map:
		c.mapping()
	default:
		n.Fail("Type", "Value is not valid. Valid values are: Choice, Fail, Map, Parallel, Pass, Succeed, Task, Wait")
	}
	s.plain = s.transparent()
	return s
}

// scopes checks that no inner scope assigns a variable that an outer one assigns: an inner name would hide the outer one.
func (r *reading) scopes() {
	assigned := make([]map[string]bool, len(r.machine.Blocks))
	for i, b := range r.machine.Blocks {
		assigned[i] = map[string]bool{}
		for _, s := range b.States {
			for name := range s.assigns() {
				assigned[i][name] = true
			}
		}
	}
	for i, b := range r.machine.Blocks {
		for outer := b; outer.Parent != nil && !outer.Distributed; {
			outer = outer.Parent.Block
			for name := range assigned[i] {
				if assigned[outer.Number][name] {
					r.fail("/States", "Variable '"+name+"' is assigned in an outer scope and can not be assigned in an inner scope")
				}
			}
		}
	}
}
