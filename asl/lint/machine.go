package lint

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/definition"
)

// block is one "StartAt" with its "States", and how they are connected.
type block struct {
	at      string
	start   string
	order   []string
	targets map[string][]target
	inner   []*block
	ends    bool // there is a terminal state
}

// target is where a state leads, and the place of the field that says so.
type target struct{ name, at string }

func (l *linter) machine(top node) {
	top.JSONata = top.Language()
	l.jsonata = top.JSONata
	top.known(topFields)
	top.Required("States", "StartAt")
	top.Text("Comment")
	top.Number("TimeoutSeconds", "Integer", 1, asl.MaxSeconds)
	if top.Text("Version"); top.Has("Version") {
		top.OneOf("Version", "1.0")
	}
	b := top.block()
	if l.errors == 0 {
		l.transitions(b)
	}
}

func (n node) block() *block {
	b := &block{at: n.At, start: n.Text("StartAt"), targets: map[string][]target{}}
	states, ok := n.inner("States")
	if !ok {
		return b
	}
	n.NotEmpty("States")
	for name, v := range states.Object.All() {
		at := states.Within(name)
		n.l.stateName(name, at)
		s, ok := states.Member(name, v)
		if !ok {
			continue
		}
		b.order = append(b.order, name)
		node{s, n.l}.state(b, name)
	}
	return b
}

func (l *linter) stateName(name, at string) {
	switch {
	case name == "":
		l.report(InvalidStateName, at, "State name cannot be empty")
	case utf8.RuneCountInString(name) > asl.MaxName:
		l.report(InvalidStateName, at, "State name '%s' exceeds the %d-character limit allowed by the service", name, asl.MaxName)
	}
	if l.names[name] {
		l.report(DuplicateStateName, at, "Duplicate State name: %s", name)
	}
	l.names[name] = true
}

// leads notes that a state goes on to what one of its fields names.
func (b *block) leads(from string, n node, key string) {
	if to := n.Text(key); to != "" {
		b.targets[from] = append(b.targets[from], target{to, n.Within(key)})
	}
}

// transitions looks at how states are connected. AWS tells of states that cannot be reached only when the workflow can
// end.
func (l *linter) transitions(b *block) {
	there := map[string]bool{}
	for _, name := range b.order {
		there[name] = true
	}
	if !there[b.start] {
		l.report(MissingTarget, definition.Within(b.at, "StartAt"), "Missing 'Next' target: %s", b.start)
	}
	for _, name := range b.order {
		for _, t := range b.targets[name] {
			if !there[t.name] {
				l.report(MissingTarget, t.at, "Missing 'Next' target: %s", t.name)
			}
		}
	}
	if !b.ends {
		l.report(MissingEndState, "", "Workflow has no terminal state")
	} else if there[b.start] {
		reached := b.reach()
		for _, name := range b.order {
			if !reached[name] {
				l.report(MissingTarget, definition.Within(b.at+"/States", name), "State \"%s\" is not reachable.", name)
			}
		}
	}
	for _, in := range b.inner {
		l.transitions(in)
	}
}

// reach is which states can be reached from the start.
func (b *block) reach() map[string]bool {
	reached := map[string]bool{b.start: true}
	for next := []string{b.start}; len(next) > 0; {
		name := next[0]
		next = next[1:]
		for _, t := range b.targets[name] {
			if !reached[t.name] {
				reached[t.name] = true
				next = append(next, t.name)
			}
		}
	}
	return reached
}

// resource looks at a Task's resource.
func (n node) resource() *asl.Resource {
	text := n.Filled("Resource")
	if text == "" {
		return nil
	}
	if !strings.HasPrefix(text, "arn:") {
		n.Fail("Resource", "Value is not a valid resource ARN")
		return nil
	}
	res, ok := asl.ParseResource(text)
	if !ok {
		n.Fail("Resource", "Value is not a valid resource ARN")
		return nil
	}
	if problem := n.l.express(res); problem != "" {
		n.Fail("Resource", "%s", problem)
		return res
	}
	if n.l.Tasks != nil {
		if problem := n.l.Tasks.Check(res, n.l.Express); problem != "" {
			n.Fail("Resource", "%s", problem)
		}
	}
	return res
}

// express says why an express machine cannot have a resource.
func (l *linter) express(res *asl.Resource) string {
	switch {
	case !l.Express:
		return ""
	case res.Style == asl.Activity:
		return "Express state machine does not support Activity ARN"
	case res.Pattern == asl.Sync:
		return fmt.Sprintf("Express state machine does not support '%s' service integration", ".sync")
	case res.Pattern == asl.CallBack:
		return fmt.Sprintf("Express state machine does not support '%s' service integration", ".waitForTaskToken")
	}
	return ""
}
