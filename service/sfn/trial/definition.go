package trial

import (
	"fmt"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/lint"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
)

// alone is the name of a state that is defined without one.
const alone = "TestState"

func invalid(format string, args ...any) error {
	return &sfnapi.ValidationException{Message: fmt.Sprintf(format, args...)}
}

func badDefinition(why string) error {
	return &sfnapi.InvalidDefinition{Message: "Invalid State Machine Definition: '" + why + "'"}
}

// definition finds the state under test: the definition is that state, or the machine in which stateName is.
func (t *trial) definition() error {
	if name := aws.Or(t.in.StateName, ""); name != "" {
		if err := t.Lint(t.in.Definition, false); err != nil {
			return err
		}
		m, err := asl.Parse([]byte(t.in.Definition))
		if err != nil {
			return badDefinition(err.Error())
		}
		for _, b := range m.Blocks {
			if s := b.State(name); s != nil {
				t.machine, t.state = m, s
				return nil
			}
		}
		return invalid("State '%s' is not in the definition", name)
	}
	if why := lint.Refusal(lint.CheckState(t.in.Definition, lint.Options{Tasks: t.Tasks})); why != "" {
		return &sfnapi.InvalidDefinition{Message: why}
	}
	m, err := asl.ParseState(alone, []byte(t.in.Definition))
	if err != nil {
		return badDefinition(err.Error())
	}
	t.machine, t.state = m, m.Blocks[0].State(alone)
	return nil
}

// inputs checks what is given beside the definition, and whether a test of this state is one.
func (t *trial) inputs() error {
	if in := t.in.Input; in != nil {
		if _, err := jsondoc.Parse([]byte(*in)); err != nil {
			return &sfnapi.InvalidExecutionInput{Message: "Invalid State Machine Execution Input: '" + err.Error() + "'"}
		}
	}
	if role := t.in.RoleArn; role != nil {
		if a, err := aws.ParseARN(*role); err != nil || a.Service != "iam" {
			return &sfnapi.InvalidArn{Message: "Invalid Role Arn: '" + *role + "'"}
		}
	}
	s := t.state
	mockable := s.Type == asl.Task || s.Type == asl.Parallel || s.Type == asl.Map
	if t.in.Mock != nil {
		if !mockable {
			return invalid("A mock can only be specified for Task, Map, or Parallel states")
		}
		var err error
		if t.mock, err = readMock(t); err != nil {
			return err
		}
	}
	if t.mock == nil {
		switch waits := s.Resource != nil && (s.Resource.Style == asl.Activity || s.Resource.Pattern != asl.RequestResponse); {
		case s.Type == asl.Parallel || s.Type == asl.Map:
			return invalid("A mock must be specified for states of type %s", s.Type)
		case waits:
			return invalid("A mock must be specified for activities and for tasks with .sync or .waitForTaskToken")
		case s.Type == asl.Task && t.in.RoleArn == nil:
			return invalid("A role must be specified when no mock is specified for a Task state")
		case t.in.Context != nil:
			return invalid("A context can only be specified when a mock is specified")
		}
	}
	if t.in.Context != nil {
		doc, err := jsondoc.Parse([]byte(*t.in.Context))
		if _, ok := doc.(*jsondoc.Object); err != nil || !ok {
			return invalid("The context must be a JSON object")
		}
	}
	return t.configuration()
}

// configuration checks stateConfiguration.
func (t *trial) configuration() error {
	c := t.in.StateConfiguration
	if c == nil {
		return nil
	}
	s := t.state
	failing := t.mock != nil && t.mock.failure != nil
	switch {
	case c.RetrierRetryCount != nil && !failing:
		return invalid("A retrierRetryCount can only be specified when an error is mocked")
	case c.ErrorCausedByState != nil && (!failing || s.Type != asl.Map && s.Type != asl.Parallel):
		return invalid("An errorCausedByState can only be specified when an error is mocked for a Map or Parallel state")
	case c.MapIterationFailureCount != nil && s.Type != asl.Map:
		return invalid("A mapIterationFailureCount can only be specified for a Map state")
	case c.MapItemReaderData != nil && !s.Distributed():
		return invalid("A mapItemReaderData can only be specified for a distributed Map state")
	}
	if name := c.ErrorCausedByState; name != nil && !within(s, *name) {
		return invalid("State '%s' is not a state of '%s'", *name, s.Name)
	}
	return nil
}

// within reports whether a state is among those below s.
func within(s *asl.State, name string) bool {
	for _, b := range s.Blocks {
		for _, inner := range b.States {
			if inner.Name == name || within(inner, name) {
				return true
			}
		}
	}
	return false
}

// variables reads the variables of a request.
func variables(text *string) ([]asl.Variable, error) {
	if text == nil {
		return nil, nil
	}
	doc, err := jsondoc.Parse([]byte(*text))
	o, ok := doc.(*jsondoc.Object)
	if err != nil || !ok {
		return nil, invalid("The variables must be a JSON object")
	}
	var out []asl.Variable
	for name, v := range o.All() {
		out = append(out, asl.Variable{Name: name, Value: jsondoc.Append(nil, v)})
	}
	return out, nil
}
