package asl

import (
	"time"

	"github.com/brume-dev/brume/asl/fault"
)

// What says what has happened to a thread.
type What uint8

// The happenings. The comment names the fields of Happening that count.
const (
	// Begun starts a Fresh thread. Input: the execution's or branch's input; of an Iteration it is Thread.Item that
	// counts, which Child has set.
	Begun What = iota
	// Resumed goes on after Yield.
	Resumed
	// Started says that the task's request is being made (ActivityStarted: a worker has taken it). Worker. Optional but for
	// activities: what follows writes the event where it is missing. Command Stay.
	Started
	// Answered is the answer to the request of a .sync or .waitForTaskToken task. Output. Command Stay.
	Answered
	// Completed is the result of a task. Output, Returned.
	Completed
	// Faulted is the failure of a task or map run. Error, Stage, Returned.
	Faulted
	// TimedOut says that the task ran longer than its Call's Timeout.
	TimedOut
	// HeartbeatMissed says that no heartbeat came for the Call's Heartbeat.
	HeartbeatMissed
	// Woken says that WakeAt has come.
	Woken
	// Joined says that every child has ended well. Outputs, in the order of Index; of a distributed map instead Output, the
	// whole result. Last: the id of the last event of the child that ended last (0 for a map run).
	Joined
	// ChildFailed says that a child is Broken. Error is its error, Last the id of its last event. The driver stops the
	// other children (happening Aborted) first.
	ChildFailed
	// Aborted stops a thread: a sibling failed, or the parent was stopped or timed out; of Origin Execution: StopExecution,
	// with its Error (may be nil).
	Aborted
	// Expired says that the execution ran longer than the machine's TimeoutSeconds. Only Origin Execution.
	Expired
	// Redriven runs the state again in which the thread was Broken or Stopped. Of Origin Execution: RedriveExecution,
	// with Count, how often the execution has been redriven. Of a Branch: Input, in case that it never began.
	Redriven
)

// Stage says where in a task's life it failed.
type Stage uint8

// The stages, in the order of a task's life.
const (
	// Running is the usual one: the request, the work or the job failed. A .sync or .waitForTaskToken task whose request
	// failed has not been submitted: Step writes TaskSubmitFailed for it, by the thread's phase and Returned.
	Running Stage = iota
	// Scheduling: Step Functions could not take the task on (ActivityScheduleFailed, LambdaFunctionScheduleFailed).
	Scheduling
	// Starting: the request could not be made (TaskStartFailed, LambdaFunctionStartFailed).
	Starting
)

// Happening is what has happened to a thread: flat, What says which fields count.
type Happening struct {
	What    What
	Input   []byte
	Output  []byte
	Outputs [][]byte
	Error   *fault.Error
	Stage   Stage
	// Returned says that result or failure came with the task's token, and not as the answer to its request: it may come
	// before that.
	Returned bool
	Worker   string
	Last     int64
	// Count is Redriven's.
	Count int64
	// At, if not zero, is when the task's request was made: the time of the ...Started event that Step writes late.
	At time.Time
}
