package asl

import "strings"

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

// name is what AWS calls the task in messages: the service, or the ARN of a function or activity.
func (r *Resource) name() string {
	if r.Style == Integration {
		return r.Service
	}
	return r.Text
}

// Suffixes of integrations.
const (
	syncSuffix  = ".sync"
	sync2Suffix = ".sync:2"
	tokenSuffix = ".waitForTaskToken"
)

// ParseResource reads the Resource of a Task state. Whether there is such a service or function is not its business.
func ParseResource(text string) (*Resource, bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[5] == "" {
		return nil, false
	}
	r := &Resource{Text: text}
	service, region, rest := parts[2], parts[3], parts[5]
	switch {
	case service == "lambda":
		r.Style = LambdaFunction
		return r, strings.HasPrefix(rest, "function:")
	case service == "states" && strings.HasPrefix(rest, "activity:"):
		r.Style = Activity
		return r, true
	case service != "states" || region != "":
		return nil, false
	}
	name, action, ok := strings.Cut(rest, ":")
	if name == "aws-sdk" {
		var sdk string
		sdk, action, ok = strings.Cut(action, ":")
		name += ":" + sdk
	}
	if !ok || action == "" {
		return nil, false
	}
	r.Service, r.Full, r.Action = name, action, action
	for _, s := range []struct {
		suffix  string
		pattern Pattern
		version int
	}{{sync2Suffix, Sync, 2}, {syncSuffix, Sync, 0}, {tokenSuffix, CallBack, 0}} {
		if plain, ok := strings.CutSuffix(action, s.suffix); ok {
			r.Action, r.Pattern, r.Version = plain, s.pattern, s.version
			break
		}
	}
	return r, r.Action != ""
}
