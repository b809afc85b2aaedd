// Package asl is the Amazon States Language as a pure function. A definition is parsed once into a Machine, in which every
// path, template, expression and rule is compiled. A Thread is one line of control. Step takes a thread and what has
// happened to it, and returns the next thread, the history events of the change, and the one thing that has to be done
// now. Nothing here waits, calls, stores, or knows what time it is: drivers do that, the durable one of standard
// executions as well as the one in memory of express executions.
//
// https://states-language.net/spec.html,
// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
package asl

import "github.com/brume-dev/brume/asl/choice"

// Type is the type of a state.
type Type string

// The eight state types.
const (
	Task     Type = "Task"
	Pass     Type = "Pass"
	Choice   Type = "Choice"
	Wait     Type = "Wait"
	Succeed  Type = "Succeed"
	FailType Type = "Fail"
	Parallel Type = "Parallel"
	Map      Type = "Map"
)

// Machine is a parsed state machine. It does not change and may be used by many at once.
type Machine struct {
	Comment string
	// TimeoutSeconds is how long an execution may take; 0 means no limit.
	TimeoutSeconds int64
	// Blocks are all collections of states: number 0 is the machine's own, the others belong to Parallel branches and
	// Map processors, in the order of the definition. A Thread's Block is an index here.
	Blocks []*Block
}

// Block is one "StartAt" with its "States".
type Block struct {
	// Number is the block's index in Machine.Blocks.
	Number  int
	StartAt string
	// States are in the order of the definition.
	States []*State
	// Parent is the Parallel or Map state that the block belongs to, nil for the machine's own.
	Parent *State
	// Distributed says that the block is run in child executions.
	Distributed bool

	byName map[string]*State
}

// State returns the state called name, or nil.
func (b *Block) State(name string) *State { return b.byName[name] }

// State is one state of a block, compiled.
type State struct {
	Name, Comment string
	Type          Type
	// JSONata says that the state's query language is JSONata rather than JSONPath.
	JSONata bool
	// Block is where the state stands.
	Block *Block
	// Next is empty when the state ends its block, and for Choice, Succeed and Fail.
	Next string
	// Choices are the Next of a Choice state's rules, Default its default, "" when there is none.
	Choices []string
	Default string
	// Catches are the Next of the catchers.
	Catches []string
	// Resource is a Task's.
	Resource *Resource
	// Blocks are the branches of a Parallel, or the one processor of a Map.
	Blocks []*Block
	// Label and Express are of a distributed Map; one that the definition does not label has a label that was made for it.
	Label   string
	Express bool

	flow         flow
	wholeContext bool  // the context object can be asked for the execution's input
	plain        bool  // what goes in comes out: no field needs to look at the data
	result       field // Pass's Result, nil when absent
	task         *taskFields
	wait         *waitFields
	rules        []rule
	failed       *failFields
	mapping      *mapFields
	retriers     []retrier
	catchers     []catcher
}

// Distributed reports whether the state is a distributed Map.
func (s *State) Distributed() bool { return s.mapping != nil && s.mapping.distributed }

// taskFields is what only a Task has; nil fields are absent.
type taskFields struct{ timeout, heartbeat, credentials field }

// waitFields is what only a Wait has: one of the two.
type waitFields struct{ seconds, timestamp field }

// failFields is what only a Fail has.
type failFields struct{ name, cause field }

// rule is one element of Choices: a comparison in JSONPath, a condition in JSONata.
type rule struct {
	next       string
	comparison *choice.Rule
	condition  field
	assign     *assignment
	output     field
}
