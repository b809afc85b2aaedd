package asl

import (
	"fmt"
	"unicode/utf8"

	"github.com/brume-dev/brume/jsondoc"
)

// Parse reads a definition and compiles all that is in it. The error is a *DefinitionError for the first thing that is
// wrong. Fields that the language does not know are skipped: to complain about them, and to find all that is wrong, is
// validation's business.
func Parse(definition []byte) (*Machine, error) {
	doc, err := jsondoc.Parse(definition)
	if err != nil {
		return nil, &DefinitionError{Message: fmt.Sprintf("Invalid JSON: %v", err)}
	}
	r := &reading{machine: &Machine{}}
	top, ok := r.object(doc, "")
	if !ok {
		return nil, r.err
	}
	r.machine.Comment = top.text("Comment")
	r.machine.TimeoutSeconds = top.integer("TimeoutSeconds", 0, MaxSeconds, 0)
	r.jsonata = top.language(false)
	r.block(top, nil, false)
	if r.err == nil {
		r.scopes()
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.machine, nil
}

// ParseState reads the definition of one state that stands alone, as TestState takes it: a machine whose only state is
// called name, and whose transitions lead to states that are not there.
func ParseState(name string, definition []byte) (*Machine, error) {
	doc, err := jsondoc.Parse(definition)
	if err != nil {
		return nil, &DefinitionError{Message: fmt.Sprintf("Invalid JSON: %v", err)}
	}
	r := &reading{machine: &Machine{}}
	top, ok := r.object(doc, "")
	if !ok {
		return nil, r.err
	}
	b := &Block{StartAt: name, byName: map[string]*State{}}
	r.machine.Blocks = []*Block{b}
	s := r.state(top, name, b)
	b.States, b.byName[name] = []*State{s}, s
	if r.err == nil {
		r.scopes()
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.machine, nil
}

// language is whether the query language is JSONata; what is written around counts when a node does not say.
func (n node) language(outer bool) bool {
	switch l := n.text("QueryLanguage"); l {
	case "":
		return outer
	case "JSONata":
		return true
	case "JSONPath":
		if outer {
			n.fail("QueryLanguage", "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
		}
		return false
	default:
		n.fail("QueryLanguage", "Value is not valid. Valid values are: JSONPath, JSONata")
		return outer
	}
}

// block reads "StartAt" and "States".
func (r *reading) block(n node, parent *State, distributed bool) *Block {
	b := &Block{Number: len(r.machine.Blocks), Parent: parent, Distributed: distributed, byName: map[string]*State{}}
	r.machine.Blocks = append(r.machine.Blocks, b)
	b.StartAt = n.required("StartAt")
	states, ok := n.object("States")
	if !ok {
		r.fail(n.at, "Missing field 'States'")
		return b
	}
	for name, v := range states.o.All() {
		if size := utf8.RuneCountInString(name); size == 0 || size > MaxName {
			states.fail(name, "State name must be between 1 and %d characters", MaxName)
		}
		if one, ok := r.object(v, states.within(name)); ok {
			s := r.state(one, name, b)
			b.States = append(b.States, s)
			b.byName[name] = s
		}
	}
	if len(b.States) == 0 {
		r.fail(states.at, "'States' object must not be empty")
	}
	if b.byName[b.StartAt] == nil {
		n.fail("StartAt", "Missing 'Next' target: %s", b.StartAt)
	}
	for _, s := range b.States {
		r.targets(s, states.within(s.Name))
	}
	return b
}

// targets checks that a state leads only to states of its own block.
func (r *reading) targets(s *State, at string) {
	check := func(name string) {
		if name != "" && s.Block.byName[name] == nil {
			r.fail(at, "Missing 'Next' target: %s", name)
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
func (r *reading) state(n node, name string, b *Block) *State {
	s := &State{Name: name, Block: b, Type: Type(n.required("Type")), Comment: n.text("Comment")}
	s.JSONata = n.language(r.jsonata)
	s.wholeContext = wholeContext(jsondoc.Text(n.o))
	if s.Type != Choice && s.Type != Succeed && s.Type != FailType {
		s.Next = n.text("Next")
		if (s.Next == "") == !n.bool("End") {
			r.fail(n.at, "Exactly one of 'Next' and 'End' must be given")
		}
	}
	c := compiler{node: n, state: s}
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
		n.fail("Type", "Value is not valid. Valid values are: Choice, Fail, Map, Parallel, Pass, Succeed, Task, Wait")
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
					r.fail("/States", "Variable '%s' is assigned in an outer scope and can not be assigned in an inner scope", name)
				}
			}
		}
	}
}
