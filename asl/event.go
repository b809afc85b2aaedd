package asl

import "time"

// EventType is AWS's HistoryEventType.
type EventType string

// The event types of https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html.
const (
	ActivityFailed               EventType = "ActivityFailed"
	ActivityScheduled            EventType = "ActivityScheduled"
	ActivityScheduleFailed       EventType = "ActivityScheduleFailed"
	ActivityStarted              EventType = "ActivityStarted"
	ActivitySucceeded            EventType = "ActivitySucceeded"
	ActivityTimedOut             EventType = "ActivityTimedOut"
	ChoiceStateEntered           EventType = "ChoiceStateEntered"
	ChoiceStateExited            EventType = "ChoiceStateExited"
	EvaluationFailed             EventType = "EvaluationFailed"
	ExecutionAborted             EventType = "ExecutionAborted"
	ExecutionFailed              EventType = "ExecutionFailed"
	ExecutionRedriven            EventType = "ExecutionRedriven"
	ExecutionStarted             EventType = "ExecutionStarted"
	ExecutionSucceeded           EventType = "ExecutionSucceeded"
	ExecutionTimedOut            EventType = "ExecutionTimedOut"
	FailStateEntered             EventType = "FailStateEntered"
	LambdaFunctionFailed         EventType = "LambdaFunctionFailed"
	LambdaFunctionScheduled      EventType = "LambdaFunctionScheduled"
	LambdaFunctionScheduleFailed EventType = "LambdaFunctionScheduleFailed"
	LambdaFunctionStarted        EventType = "LambdaFunctionStarted"
	LambdaFunctionStartFailed    EventType = "LambdaFunctionStartFailed"
	LambdaFunctionSucceeded      EventType = "LambdaFunctionSucceeded"
	LambdaFunctionTimedOut       EventType = "LambdaFunctionTimedOut"
	MapIterationAborted          EventType = "MapIterationAborted"
	MapIterationFailed           EventType = "MapIterationFailed"
	MapIterationStarted          EventType = "MapIterationStarted"
	MapIterationSucceeded        EventType = "MapIterationSucceeded"
	MapRunAborted                EventType = "MapRunAborted"
	MapRunFailed                 EventType = "MapRunFailed"
	MapRunRedriven               EventType = "MapRunRedriven"
	MapRunStarted                EventType = "MapRunStarted"
	MapRunSucceeded              EventType = "MapRunSucceeded"
	MapStateAborted              EventType = "MapStateAborted"
	MapStateEntered              EventType = "MapStateEntered"
	MapStateExited               EventType = "MapStateExited"
	MapStateFailed               EventType = "MapStateFailed"
	MapStateStarted              EventType = "MapStateStarted"
	MapStateSucceeded            EventType = "MapStateSucceeded"
	ParallelStateAborted         EventType = "ParallelStateAborted"
	ParallelStateEntered         EventType = "ParallelStateEntered"
	ParallelStateExited          EventType = "ParallelStateExited"
	ParallelStateFailed          EventType = "ParallelStateFailed"
	ParallelStateStarted         EventType = "ParallelStateStarted"
	ParallelStateSucceeded       EventType = "ParallelStateSucceeded"
	PassStateEntered             EventType = "PassStateEntered"
	PassStateExited              EventType = "PassStateExited"
	SucceedStateEntered          EventType = "SucceedStateEntered"
	SucceedStateExited           EventType = "SucceedStateExited"
	TaskFailed                   EventType = "TaskFailed"
	TaskScheduled                EventType = "TaskScheduled"
	TaskStarted                  EventType = "TaskStarted"
	TaskStartFailed              EventType = "TaskStartFailed"
	TaskStateAborted             EventType = "TaskStateAborted"
	TaskStateEntered             EventType = "TaskStateEntered"
	TaskStateExited              EventType = "TaskStateExited"
	TaskSubmitFailed             EventType = "TaskSubmitFailed"
	TaskSubmitted                EventType = "TaskSubmitted"
	TaskSucceeded                EventType = "TaskSucceeded"
	TaskTimedOut                 EventType = "TaskTimedOut"
	WaitStateAborted             EventType = "WaitStateAborted"
	WaitStateEntered             EventType = "WaitStateEntered"
	WaitStateExited              EventType = "WaitStateExited"
)

// Event is one line of an execution's history, flat: which fields count follows from Type, as in AWS's ...EventDetails
// structures. Texts of documents are shared with other events and threads and must not be changed.
//
// Step numbers events from Setting.NextEvent (see Outcome.Renumber); the fields are tagged so that a driver can store
// events as they are.
type Event struct {
	ID       int64     `cbor:"1,keyasint"`
	Previous int64     `cbor:"2,keyasint,omitempty"`
	Type     EventType `cbor:"3,keyasint"`
	Time     time.Time `cbor:"4,keyasint"`

	// Name is the state's of ...StateEntered, ...StateExited and MapIteration...; also EvaluationFailed's state.
	Name string `cbor:"5,keyasint,omitempty"`
	// Input is JSON text: ExecutionStarted, ...StateEntered, LambdaFunctionScheduled, ActivityScheduled, and the
	// parameters of TaskScheduled.
	Input []byte `cbor:"6,keyasint,omitempty"`
	// Output is JSON text: ExecutionSucceeded, ...StateExited, ...Succeeded, TaskSubmitted.
	Output []byte `cbor:"7,keyasint,omitempty"`
	// Error and Cause: ...Failed, ...TimedOut, ...Aborted.
	Error string `cbor:"8,keyasint,omitempty"`
	Cause string `cbor:"9,keyasint,omitempty"`
	// Assigned are the assignedVariables of ...StateExited.
	Assigned []Variable `cbor:"10,keyasint,omitempty"`
	// Location is EvaluationFailed's.
	Location string `cbor:"11,keyasint,omitempty"`

	// Resource is an ARN for Lambda functions and activities, the action ("sendMessage.waitForTaskToken") for Task... events.
	Resource string `cbor:"12,keyasint,omitempty"`
	// ResourceType is the service of Task... events: "sqs", "aws-sdk:dynamodb".
	ResourceType string `cbor:"13,keyasint,omitempty"`
	// Region is TaskScheduled's.
	Region string `cbor:"14,keyasint,omitempty"`
	// Timeout and Heartbeat are the seconds of ...Scheduled, 0 when there is none.
	Timeout   int64 `cbor:"15,keyasint,omitempty"`
	Heartbeat int64 `cbor:"16,keyasint,omitempty"`
	// RoleARN is taskCredentials' of ...Scheduled and ExecutionStarted's roleArn.
	RoleARN string `cbor:"17,keyasint,omitempty"`
	// Worker is ActivityStarted's.
	Worker string `cbor:"18,keyasint,omitempty"`

	// Length is MapStateStarted's; Index MapIteration...'s.
	Length int64 `cbor:"19,keyasint,omitempty"`
	Index  int64 `cbor:"20,keyasint,omitempty"`
	// MapRunARN is MapRunStarted's and MapRunRedriven's.
	MapRunARN string `cbor:"21,keyasint,omitempty"`
	// RedriveCount is ExecutionRedriven's and MapRunRedriven's.
	RedriveCount int64 `cbor:"22,keyasint,omitempty"`
	// AliasARN and VersionARN are ExecutionStarted's.
	AliasARN   string `cbor:"23,keyasint,omitempty"`
	VersionARN string `cbor:"24,keyasint,omitempty"`
}

// Variable is one workflow variable with its value as JSON text.
type Variable struct {
	Name  string `cbor:"1,keyasint"`
	Value []byte `cbor:"2,keyasint"`
}

// enteredEvent says that a state was entered.
func enteredEvent(t Type) EventType {
	switch t {
	case Task:
		return TaskStateEntered
	case Pass:
		return PassStateEntered
	case Choice:
		return ChoiceStateEntered
	case Wait:
		return WaitStateEntered
	case Succeed:
		return SucceedStateEntered
	case FailType:
		return FailStateEntered
	case Parallel:
		return ParallelStateEntered
	case Map:
		return MapStateEntered
	}
	return ""
}

// exitedEvent says that a state was left; a Fail state never is.
func exitedEvent(t Type) EventType {
	switch t {
	case Task:
		return TaskStateExited
	case Pass:
		return PassStateExited
	case Choice:
		return ChoiceStateExited
	case Wait:
		return WaitStateExited
	case Succeed:
		return SucceedStateExited
	case Parallel:
		return ParallelStateExited
	case Map:
		return MapStateExited
	}
	return ""
}

// abortedEvent says that a state was stopped; states of the other types do not stop anywhere.
func abortedEvent(t Type) EventType {
	switch t {
	case Task:
		return TaskStateAborted
	case Wait:
		return WaitStateAborted
	case Parallel:
		return ParallelStateAborted
	case Map:
		return MapStateAborted
	}
	return ""
}
