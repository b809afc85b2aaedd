// Package lint says what is wrong with a state machine's definition: all of it, with codes and places, in the words of
// ValidateStateMachineDefinition. What has an ERROR here is what CreateStateMachine refuses.
//
// https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html
package lint

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/asl/definition"
	"github.com/brume-dev/brume/jsondoc"
)

// Severity says whether a definition can be used in spite of a diagnostic.
type Severity string

// The severities.
const (
	Error   Severity = "ERROR"
	Warning Severity = "WARNING"
)

// Code is the code of a diagnostic.
type Code string

// AWS's codes.
const (
	NoDollar             Code = "NO_DOLLAR"
	NoPath               Code = "NO_PATH"
	PassResultIsStatic   Code = "PASS_RESULT_IS_STATIC"
	InvalidJSON          Code = "INVALID_JSON_DESCRIPTION"
	MissingDescription   Code = "MISSING_DESCRIPTION"
	SchemaValidation     Code = "SCHEMA_VALIDATION_FAILED"
	MissingEndState      Code = "MISSING_END_STATE"
	DuplicateStateName   Code = "DUPLICATE_STATE_NAME"
	InvalidStateName     Code = "INVALID_STATE_NAME"
	DuplicateLabelName   Code = "DUPLICATE_LABEL_NAME"
	InvalidLabelName     Code = "INVALID_LABEL_NAME"
	MissingTarget        Code = "MISSING_TRANSITION_TARGET"
	TooDeeplyNested      Code = "TOO_DEEPLY_NESTED"
	ReservedVariableName Code = "RESERVED_VARIABLE_NAME"
	InvalidVariableName  Code = "INVALID_VARIABLE_NAME"
)

// maxSource is how much of the definition a JSON error shows.
const maxSource = 500

// Diagnostic is one thing that is wrong, or may be.
type Diagnostic struct {
	Severity Severity
	Code     Code
	Message  string
	// Location is a JSON pointer in which elements of arrays are written as AWS does: "/States/P/Branches[0]/StartAt", "/" for
	// the definition itself. Empty when there is no place to name.
	Location string
}

// Tasks knows which resources there are. Package service/sfn/task does.
type Tasks interface {
	// Check says why a Task state cannot have the resource; empty when it can.
	Check(res *asl.Resource, express bool) string
	// CheckFields says what is wrong with the fields of Parameters or Arguments (names without ".$"). whole says that there
	// are no others, which an expression might give.
	CheckFields(res *asl.Resource, fields []string, whole bool) []string
}

// Options say what a definition is for.
type Options struct {
	// Express says that it is an express machine's.
	Express bool
	// Tasks is asked for each Task state; nil takes every resource.
	Tasks Tasks
}

// Check looks at a definition. Errors come in the order of the definition; transitions are looked at when everything
// else is right.
func Check(definition string, o Options) []Diagnostic {
	l := check(definition, o)
	if l.errors == 0 {
		if _, err := asl.Parse([]byte(definition)); err != nil {
			l.unforeseen(err)
		}
	}
	return l.found
}

// CheckState looks at the definition of one state that stands alone, as TestState takes it: where it leads is not looked at.
func CheckState(definition string, o Options) []Diagnostic {
	l, top, ok := read(definition, o)
	if ok {
		b := &block{targets: map[string][]target{}}
		top.state(b, "")
		for _, inner := range b.inner {
			if l.errors == 0 {
				l.transitions(inner)
			}
		}
	}
	if l.errors == 0 {
		if _, err := asl.ParseState("TestState", []byte(definition)); err != nil {
			l.unforeseen(err)
		}
	}
	return l.found
}

func check(definition string, o Options) *linter {
	l, top, ok := read(definition, o)
	if ok {
		l.machine(top)
	}
	return l
}

// read gives the object that a definition is.
func read(text string, o Options) (l *linter, top node, ok bool) {
	l = &linter{Options: o, names: map[string]bool{}, labels: map[string]bool{}}
	if strings.TrimSpace(text) == "" {
		l.report(MissingDescription, "", "The definition is empty")
		return l, node{}, false
	}
	doc, err := jsondoc.ParseString(text)
	if err != nil {
		l.notJSON(text, err)
		return l, node{}, false
	}
	root, ok := definition.Root(doc, func(at, problem string) { l.schema(at, "%s", problem) })
	return l, node{root, l}, ok
}

// Refusal is the message of CreateStateMachine's InvalidDefinition: all the errors, or "" when there is none.
func Refusal(found []Diagnostic) string {
	var texts []string
	for _, d := range found {
		if d.Severity != Error {
			continue
		}
		texts = append(texts, fmt.Sprintf("%s: %s at %s", d.Code, d.Message, cmp.Or(d.Location, "null")))
	}
	if texts == nil {
		return ""
	}
	return "Invalid State Machine Definition: '" + strings.Join(texts, ", ") + "'"
}

// notJSON tells of a syntax error as AWS's parser does: with the source and the place in it.
func (l *linter) notJSON(definition string, err error) {
	if errors.Is(err, jsondoc.ErrDepth) {
		l.report(TooDeeplyNested, "", "The states are too deeply nested")
		return
	}
	offset, problem := len(definition), err.Error()
	if s, ok := errors.AsType[*jsondoc.SyntaxError](err); ok {
		offset, problem = s.Offset, s.Problem
	}
	before := definition[:offset]
	line, column := strings.Count(before, "\n")+1, offset-strings.LastIndexByte(before, '\n')
	source, rest := definition, ""
	if len(source) > maxSource {
		source, rest = strings.ToValidUTF8(source[:maxSource], ""), fmt.Sprintf("[truncated %d chars]", len(definition)-maxSource)
	}
	l.report(InvalidJSON, fmt.Sprintf("[Source: (String)\"%s\"%s; line: %d, column: %d]", source, rest, line, column), "%s", problem)
}

// linter collects what is wrong.
type linter struct {
	Options
	found   []Diagnostic
	errors  int
	jsonata bool            // the machine's query language
	names   map[string]bool // of all states
	labels  map[string]bool // of all Map states
}

func (l *linter) report(code Code, at, format string, args ...any) {
	severity := Error
	switch code {
	case NoDollar, NoPath, PassResultIsStatic:
		severity = Warning
	default:
		l.errors++
	}
	l.found = append(l.found, Diagnostic{severity, code, fmt.Sprintf(format, args...), at})
}

func (l *linter) schema(at, format string, args ...any) {
	l.report(SchemaValidation, cmp.Or(at, "/"), format, args...)
}

// unforeseen reports what only the parser has found, so that what can be created can also be run.
func (l *linter) unforeseen(err error) {
	at, message := "", err.Error()
	if e, ok := errors.AsType[*asl.DefinitionError](err); ok {
		at, message = e.Location, e.Message
	}
	l.schema(at, "%s", message)
}
