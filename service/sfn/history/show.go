package history

import (
	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl"
	"github.com/brume-dev/brume/aws"
)

// Show is an event as the API shows it. Without data there are no inputs, outputs and variables in it.
func Show(e *asl.Event, data bool) sfnapi.HistoryEvent {
	out := sfnapi.HistoryEvent{Timestamp: e.Time, Type: sfnapi.HistoryEventType(e.Type), Id: e.ID, PreviousEventId: new(e.Previous)}
	if show, ok := shows(e.Type); ok {
		show(&out, e, data)
	}
	return out
}

// text is a document that is shown, and what is said of it.
func text(doc []byte, data bool) (*string, *sfnapi.HistoryEventExecutionDataDetails) {
	if !data || doc == nil {
		return nil, nil
	}
	return new(string(doc)), &sfnapi.HistoryEventExecutionDataDetails{Truncated: new(false)}
}

type show func(out *sfnapi.HistoryEvent, e *asl.Event, data bool)

// shows says how the details of a type of events are shown. Types without details are not there.
func shows(t asl.EventType) (show, bool) {
	switch t {
	case asl.PassStateEntered, asl.TaskStateEntered, asl.ChoiceStateEntered, asl.WaitStateEntered, asl.SucceedStateEntered,
		asl.FailStateEntered, asl.ParallelStateEntered, asl.MapStateEntered:
		return entered, true
	case asl.PassStateExited, asl.TaskStateExited, asl.ChoiceStateExited, asl.WaitStateExited, asl.SucceedStateExited,
		asl.ParallelStateExited, asl.MapStateExited:
		return exited, true
	case asl.ExecutionStarted, asl.ExecutionSucceeded, asl.ExecutionFailed, asl.ExecutionAborted, asl.ExecutionTimedOut, asl.ExecutionRedriven:
		return execution, true
	case asl.TaskScheduled, asl.TaskStarted, asl.TaskSubmitted, asl.TaskSucceeded, asl.TaskFailed, asl.TaskTimedOut, asl.TaskStartFailed,
		asl.TaskSubmitFailed:
		return task, true
	case asl.LambdaFunctionScheduled, asl.LambdaFunctionSucceeded, asl.LambdaFunctionFailed, asl.LambdaFunctionTimedOut,
		asl.LambdaFunctionScheduleFailed, asl.LambdaFunctionStartFailed:
		return function, true
	case asl.ActivityScheduled, asl.ActivityStarted, asl.ActivitySucceeded, asl.ActivityFailed, asl.ActivityTimedOut,
		asl.ActivityScheduleFailed:
		return activity, true
	case asl.MapStateStarted, asl.MapIterationStarted, asl.MapIterationSucceeded, asl.MapIterationFailed, asl.MapIterationAborted,
		asl.MapRunStarted, asl.MapRunFailed, asl.MapRunRedriven:
		return mapState, true
	case asl.EvaluationFailed:
		return evaluation, true
	}
	return nil, false
}

func entered(out *sfnapi.HistoryEvent, e *asl.Event, data bool) {
	d := &sfnapi.StateEnteredEventDetails{Name: e.Name}
	d.Input, d.InputDetails = text(e.Input, data)
	out.StateEnteredEventDetails = d
}

func exited(out *sfnapi.HistoryEvent, e *asl.Event, data bool) {
	d := &sfnapi.StateExitedEventDetails{Name: e.Name}
	d.Output, d.OutputDetails = text(e.Output, data)
	if data && len(e.Assigned) > 0 {
		d.AssignedVariables = make(map[string]string, len(e.Assigned))
		for _, v := range e.Assigned {
			d.AssignedVariables[v.Name] = string(v.Value)
		}
		d.AssignedVariablesDetails = &sfnapi.AssignedVariablesDetails{Truncated: new(false)}
	}
	out.StateExitedEventDetails = d
}

func execution(out *sfnapi.HistoryEvent, e *asl.Event, data bool) {
	name, cause := aws.Some(e.Error), aws.Some(e.Cause)
	switch e.Type {
	case asl.ExecutionStarted:
		d := &sfnapi.ExecutionStartedEventDetails{RoleArn: aws.Some(e.RoleARN), StateMachineAliasArn: aws.Some(e.AliasARN),
			StateMachineVersionArn: aws.Some(e.VersionARN)}
		d.Input, d.InputDetails = text(e.Input, data)
		out.ExecutionStartedEventDetails = d
	case asl.ExecutionSucceeded:
		d := &sfnapi.ExecutionSucceededEventDetails{}
		d.Output, d.OutputDetails = text(e.Output, data)
		out.ExecutionSucceededEventDetails = d
	case asl.ExecutionFailed:
		out.ExecutionFailedEventDetails = &sfnapi.ExecutionFailedEventDetails{Error: name, Cause: cause}
	case asl.ExecutionAborted:
		out.ExecutionAbortedEventDetails = &sfnapi.ExecutionAbortedEventDetails{Error: name, Cause: cause}
	case asl.ExecutionTimedOut:
		out.ExecutionTimedOutEventDetails = &sfnapi.ExecutionTimedOutEventDetails{Error: name, Cause: cause}
	case asl.ExecutionRedriven:
		out.ExecutionRedrivenEventDetails = &sfnapi.ExecutionRedrivenEventDetails{RedriveCount: new(int32(e.RedriveCount))}
	}
}

func task(out *sfnapi.HistoryEvent, e *asl.Event, data bool) {
	kind, resource, name, cause := e.ResourceType, e.Resource, aws.Some(e.Error), aws.Some(e.Cause)
	switch e.Type {
	case asl.TaskScheduled:
		d := &sfnapi.TaskScheduledEventDetails{ResourceType: kind, Resource: resource, Region: e.Region, TimeoutInSeconds: aws.Some(e.Timeout),
			HeartbeatInSeconds: aws.Some(e.Heartbeat), TaskCredentials: credentials(e)}
		if data {
			d.Parameters = string(e.Input)
		}
		out.TaskScheduledEventDetails = d
	case asl.TaskStarted:
		out.TaskStartedEventDetails = &sfnapi.TaskStartedEventDetails{ResourceType: kind, Resource: resource}
	case asl.TaskSubmitted:
		d := &sfnapi.TaskSubmittedEventDetails{ResourceType: kind, Resource: resource}
		d.Output, d.OutputDetails = text(e.Output, data)
		out.TaskSubmittedEventDetails = d
	case asl.TaskSucceeded:
		d := &sfnapi.TaskSucceededEventDetails{ResourceType: kind, Resource: resource}
		d.Output, d.OutputDetails = text(e.Output, data)
		out.TaskSucceededEventDetails = d
	case asl.TaskFailed:
		out.TaskFailedEventDetails = &sfnapi.TaskFailedEventDetails{ResourceType: kind, Resource: resource, Error: name, Cause: cause}
	case asl.TaskTimedOut:
		out.TaskTimedOutEventDetails = &sfnapi.TaskTimedOutEventDetails{ResourceType: kind, Resource: resource, Error: name, Cause: cause}
	case asl.TaskStartFailed:
		out.TaskStartFailedEventDetails = &sfnapi.TaskStartFailedEventDetails{ResourceType: kind, Resource: resource, Error: name, Cause: cause}
	case asl.TaskSubmitFailed:
		out.TaskSubmitFailedEventDetails = &sfnapi.TaskSubmitFailedEventDetails{ResourceType: kind, Resource: resource, Error: name, Cause: cause}
	}
}

func credentials(e *asl.Event) *sfnapi.TaskCredentials {
	if e.RoleARN == "" {
		return nil
	}
	return &sfnapi.TaskCredentials{RoleArn: new(e.RoleARN)}
}

func function(out *sfnapi.HistoryEvent, e *asl.Event, data bool) {
	name, cause := aws.Some(e.Error), aws.Some(e.Cause)
	switch e.Type {
	case asl.LambdaFunctionScheduled:
		d := &sfnapi.LambdaFunctionScheduledEventDetails{Resource: e.Resource, TimeoutInSeconds: aws.Some(e.Timeout), TaskCredentials: credentials(e)}
		d.Input, d.InputDetails = text(e.Input, data)
		out.LambdaFunctionScheduledEventDetails = d
	case asl.LambdaFunctionSucceeded:
		d := &sfnapi.LambdaFunctionSucceededEventDetails{}
		d.Output, d.OutputDetails = text(e.Output, data)
		out.LambdaFunctionSucceededEventDetails = d
	case asl.LambdaFunctionFailed:
		out.LambdaFunctionFailedEventDetails = &sfnapi.LambdaFunctionFailedEventDetails{Error: name, Cause: cause}
	case asl.LambdaFunctionTimedOut:
		out.LambdaFunctionTimedOutEventDetails = &sfnapi.LambdaFunctionTimedOutEventDetails{Error: name, Cause: cause}
	case asl.LambdaFunctionScheduleFailed:
		out.LambdaFunctionScheduleFailedEventDetails = &sfnapi.LambdaFunctionScheduleFailedEventDetails{Error: name, Cause: cause}
	case asl.LambdaFunctionStartFailed:
		out.LambdaFunctionStartFailedEventDetails = &sfnapi.LambdaFunctionStartFailedEventDetails{Error: name, Cause: cause}
	}
}

func activity(out *sfnapi.HistoryEvent, e *asl.Event, data bool) {
	name, cause := aws.Some(e.Error), aws.Some(e.Cause)
	switch e.Type {
	case asl.ActivityScheduled:
		d := &sfnapi.ActivityScheduledEventDetails{Resource: e.Resource, TimeoutInSeconds: aws.Some(e.Timeout), HeartbeatInSeconds: aws.Some(e.Heartbeat)}
		d.Input, d.InputDetails = text(e.Input, data)
		out.ActivityScheduledEventDetails = d
	case asl.ActivityStarted:
		out.ActivityStartedEventDetails = &sfnapi.ActivityStartedEventDetails{WorkerName: aws.Some(e.Worker)}
	case asl.ActivitySucceeded:
		d := &sfnapi.ActivitySucceededEventDetails{}
		d.Output, d.OutputDetails = text(e.Output, data)
		out.ActivitySucceededEventDetails = d
	case asl.ActivityFailed:
		out.ActivityFailedEventDetails = &sfnapi.ActivityFailedEventDetails{Error: name, Cause: cause}
	case asl.ActivityTimedOut:
		out.ActivityTimedOutEventDetails = &sfnapi.ActivityTimedOutEventDetails{Error: name, Cause: cause}
	case asl.ActivityScheduleFailed:
		out.ActivityScheduleFailedEventDetails = &sfnapi.ActivityScheduleFailedEventDetails{Error: name, Cause: cause}
	}
}

func mapState(out *sfnapi.HistoryEvent, e *asl.Event, _ bool) {
	iteration := &sfnapi.MapIterationEventDetails{Name: aws.Some(e.Name), Index: new(int32(e.Index))}
	switch e.Type {
	case asl.MapStateStarted:
		out.MapStateStartedEventDetails = &sfnapi.MapStateStartedEventDetails{Length: new(int32(e.Length))}
	case asl.MapIterationStarted:
		out.MapIterationStartedEventDetails = iteration
	case asl.MapIterationSucceeded:
		out.MapIterationSucceededEventDetails = iteration
	case asl.MapIterationFailed:
		out.MapIterationFailedEventDetails = iteration
	case asl.MapIterationAborted:
		out.MapIterationAbortedEventDetails = iteration
	case asl.MapRunStarted:
		out.MapRunStartedEventDetails = &sfnapi.MapRunStartedEventDetails{MapRunArn: aws.Some(e.MapRunARN)}
	case asl.MapRunFailed:
		out.MapRunFailedEventDetails = &sfnapi.MapRunFailedEventDetails{Error: aws.Some(e.Error), Cause: aws.Some(e.Cause)}
	case asl.MapRunRedriven:
		out.MapRunRedrivenEventDetails = &sfnapi.MapRunRedrivenEventDetails{MapRunArn: aws.Some(e.MapRunARN), RedriveCount: new(int32(e.RedriveCount))}
	}
}

func evaluation(out *sfnapi.HistoryEvent, e *asl.Event, _ bool) {
	out.EvaluationFailedEventDetails = &sfnapi.EvaluationFailedEventDetails{Error: aws.Some(e.Error), Cause: aws.Some(e.Cause),
		Location: aws.Some(e.Location), State: e.Name}
}
