package sfn

import (
	"context"
	"errors"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/service/sfn/execution"
	"github.com/brume-dev/brume/service/sfn/worklist"
)

// SendTaskSuccess brings the result of a task.
func (s *Service) SendTaskSuccess(ctx context.Context, _ aws.Identity, in *sfnapi.SendTaskSuccessInput) (*sfnapi.SendTaskSuccessOutput, error) {
	if _, err := jsondoc.ParseString(in.Output); err != nil {
		return nil, &sfnapi.InvalidOutput{Message: "Invalid Output: '" + err.Error() + "'"}
	}
	return &sfnapi.SendTaskSuccessOutput{}, s.engine.Return(ctx, in.TaskToken, []byte(in.Output), nil)
}

// SendTaskFailure says that a task has failed.
func (s *Service) SendTaskFailure(ctx context.Context, _ aws.Identity, in *sfnapi.SendTaskFailureInput) (*sfnapi.SendTaskFailureOutput, error) {
	err := s.engine.Return(ctx, in.TaskToken, nil, &fault.Error{Name: aws.Or(in.Error, ""), Cause: aws.Or(in.Cause, "")})
	return &sfnapi.SendTaskFailureOutput{}, err
}

// SendTaskHeartbeat says that a task goes on.
func (s *Service) SendTaskHeartbeat(ctx context.Context, _ aws.Identity, in *sfnapi.SendTaskHeartbeatInput) (*sfnapi.SendTaskHeartbeatOutput, error) {
	return &sfnapi.SendTaskHeartbeatOutput{}, s.engine.Beat(ctx, in.TaskToken)
}

// GetActivityTask waits for a task of an activity and gives it to a worker.
func (s *Service) GetActivityTask(ctx context.Context, _ aws.Identity, in *sfnapi.GetActivityTaskInput) (*sfnapi.GetActivityTaskOutput, error) {
	at, err := s.Activities.Resource(ctx, in.ActivityArn)
	if err != nil {
		return nil, err
	}
	t, err := s.lists.Poll(ctx, at, func(ctx context.Context, t worklist.Task) (bool, error) {
		return s.engine.Taken(ctx, t.Token, aws.Or(in.WorkerName, ""))
	})
	switch {
	case errors.Is(err, worklist.ErrPolls):
		return nil, &sfnapi.ActivityWorkerLimitExceeded{Message: "Activity Worker Limit Exceeded: '" + in.ActivityArn + "'"}
	case err != nil:
		return nil, err
	case t == nil:
		return &sfnapi.GetActivityTaskOutput{}, nil
	}
	return &sfnapi.GetActivityTaskOutput{TaskToken: &t.Token, Input: new(string(t.Input))}, nil
}

// schedule puts the task of an execution on the list of its activity.
func (s *Service) schedule(ctx context.Context, activity, id string, t execution.Activity) error {
	at, err := s.Activities.Resource(ctx, activity)
	if code := aws.CodeOf(err); code == "ActivityDoesNotExist" || code == "InvalidArn" {
		return fault.New(fault.Runtime, "%s", aws.InfoOf(err).Message)
	}
	if err != nil {
		return err
	}
	return s.lists.Put(ctx, at, worklist.Task{Token: t.Token, Input: t.Input, ID: id})
}
