package asl

import (
	"time"

	"github.com/brume-dev/brume/asl/fault"
)

// Origin says what a thread is a line of control of.
type Origin uint8

// Where threads come from.
const (
	// Execution is the execution's own line, also that of a child execution of a distributed map. It has no parent.
	Execution Origin = iota
	// Branch of a Parallel state.
	Branch
	// Iteration of an inline Map state.
	Iteration
)

// Phase says what a thread waits for; it decides which Happenings the thread takes.
type Phase uint8

// The phases of a thread.
const (
	// Fresh: nothing has run. Takes Begun.
	Fresh Phase = iota
	// Ready: at the beginning of State, which has not been entered: what Yield leaves behind. Takes Resumed.
	Ready
	// Calling: the task's request is out. Takes Started, Answered, Completed, Faulted, TimedOut, HeartbeatMissed.
	Calling
	// Submitted: a .sync or .waitForTaskToken task whose request has been answered. Takes Completed, Faulted, TimedOut,
	// HeartbeatMissed.
	Submitted
	// Waiting: in a Wait state until WakeAt. Takes Woken.
	Waiting
	// Backoff: between a failure and its retry, until WakeAt. Takes Woken.
	Backoff
	// Joining: on the children of a Parallel or inline Map state. Takes Joined and ChildFailed.
	Joining
	// Mapping: on the map run of a distributed Map state. Takes Joined and Faulted.
	Mapping
	// Done: ended with Output. Takes nothing.
	Done
	// Broken: failed with Error, or expired. Takes Redriven.
	Broken
	// Stopped: aborted. Takes Redriven.
	Stopped
)

// Ended reports whether a thread in this phase has come to its end.
func (p Phase) Ended() bool { return p >= Done }

// Thread is one line of control of an execution: the execution's own, a branch of a Parallel state, or an iteration of
// an inline Map state. It is a value: Step never changes one but returns the next. Drivers store it as it is, together with
// whatever says where it lies and who its parent is. The byte slices are JSON texts that must not be changed.
type Thread struct {
	Origin Origin `cbor:"1,keyasint,omitempty"`
	// Index is which branch or iteration of its parent this is.
	Index int `cbor:"2,keyasint,omitempty"`
	// Block is the number in the Machine of the States among which State is.
	Block int   `cbor:"3,keyasint,omitempty"`
	Phase Phase `cbor:"4,keyasint,omitempty"`
	// Seq rises with every Step whose command is not Stay. A promise, token or request made for another Seq is void.
	Seq int64 `cbor:"5,keyasint,omitempty"`
	// Last is the id of the thread's last history event; 0 before the first.
	Last int64 `cbor:"6,keyasint,omitempty"`

	// State is the current state; of an ended thread, the last.
	State string `cbor:"7,keyasint,omitempty"`
	// Input is the raw input of State.
	Input []byte `cbor:"8,keyasint,omitempty"`
	// Entered and EnteredEvent are the time and the event id of ...StateEntered.
	Entered      time.Time `cbor:"9,keyasint,omitempty"`
	EnteredEvent int64     `cbor:"10,keyasint,omitempty"`
	// Retries counts, for each retrier of State, how often it has been used; RetryCount is their sum.
	Retries    []int `cbor:"11,keyasint,omitempty"`
	RetryCount int   `cbor:"12,keyasint,omitempty"`
	// WakeAt is when Waiting and Backoff end.
	WakeAt time.Time `cbor:"13,keyasint,omitempty"`
	// Token is that of the current task, if it has one.
	Token string `cbor:"14,keyasint,omitempty"`
	// Variables are those assigned in this scope, by name. Inner threads read them too; they do not change while inner
	// threads run.
	Variables []Variable `cbor:"15,keyasint,omitempty"`

	// Item is the item of an Iteration, as the Map state's items held it; Key its name when they are an object, which Keyed
	// says.
	Item  []byte `cbor:"16,keyasint,omitempty"`
	Key   string `cbor:"17,keyasint,omitempty"`
	Keyed bool   `cbor:"24,keyasint,omitempty"`

	// Output is the result of a thread that is Done.
	Output []byte `cbor:"18,keyasint,omitempty"`
	// Error is what a Broken thread failed with.
	Error *fault.Error `cbor:"19,keyasint,omitempty"`
	// Started says that the ...Started event of the current task has been written.
	Started bool `cbor:"20,keyasint,omitempty"`
	// TimedOut says of a Broken thread of Origin Execution that it is TIMED_OUT rather than FAILED.
	TimedOut bool `cbor:"21,keyasint,omitempty"`
	// MapRun is the ARN of the map run that a Mapping thread waits for, or that broke it; MapRedrives is how often that has been
	// redriven.
	MapRun      string `cbor:"22,keyasint,omitempty"`
	MapRedrives int64  `cbor:"25,keyasint,omitempty"`
	// Forked says of a Broken or Stopped thread that it ended while Joining: a redrive goes on in the children.
	Forked bool `cbor:"23,keyasint,omitempty"`
}
