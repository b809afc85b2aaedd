package asl

// Style says how a task is done and which events tell of it.
type Style uint8

// The styles of tasks.
const (
	// Integration is "arn:aws:states:::service:action": Task... events.
	Integration Style = iota
	// LambdaFunction is a function's own ARN: LambdaFunction... events.
	LambdaFunction
	// Activity is an activity's ARN: Activity... events.
	Activity
)

// Pattern says what a task waits for.
type Pattern uint8

// The patterns of https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html.
const (
	// RequestResponse waits for the answer only. Lambda functions and activities count as this.
	RequestResponse Pattern = iota
	// Sync waits for the job that the request has started (".sync", ".sync:2").
	Sync
	// CallBack waits until the token comes back (".waitForTaskToken").
	CallBack
)

// Resource is the parsed Resource of a Task state.
type Resource struct {
	// Text is the ARN as the definition has it.
	Text  string
	Style Style
	// Service and Action of an Integration: "sqs" and "sendMessage"; "aws-sdk:dynamodb" and "putItem". Action is without the
	// pattern's suffix.
	Service, Action string
	Pattern         Pattern
	// Version is 2 for ".sync:2", otherwise 0.
	Version int
	// Full is Action with the suffix, as events show it: "startExecution.sync:2".
	Full string
}
