package sfn

import (
	"context"
	"maps"

	"github.com/brume-dev/brume/api/sfnapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/activity"
	"github.com/brume-dev/brume/service/sfn/machine"
)

// taggable reads the ARN of what can have tags: a state machine, or an activity.
func taggable(arn string) (m machine.Ref, a activity.Ref, isActivity bool, err error) {
	if a, err := activity.ParseARN(arn); err == nil {
		return m, a, true, nil
	}
	n, err := machine.ParseARN(arn)
	if err == nil && (n.Qualifier != "" || n.Label != "") {
		err = machine.InvalidARN("Resource type not valid in this context: " + arn)
	}
	return n.Ref, a, false, err
}

func (s *Service) tags(ctx context.Context, arn string) (map[string]string, bool, error) {
	m, a, isActivity, err := taggable(arn)
	switch {
	case err != nil:
		return nil, false, err
	case isActivity:
		return s.Activities.Tags(ctx, a)
	}
	return s.Machines.Tags(ctx, m)
}

// retag changes the tags of what an ARN names.
func (s *Service) retag(ctx context.Context, arn string, f func(map[string]string) (map[string]string, error)) error {
	m, a, isActivity, err := taggable(arn)
	switch {
	case err != nil:
		return err
	case isActivity:
		return s.Activities.Retag(ctx, a, f)
	}
	return s.Machines.Retag(ctx, m, f)
}

// TagResource adds tags to a state machine or an activity.
func (s *Service) TagResource(ctx context.Context, _ aws.Identity, in *sfnapi.TagResourceInput) (*sfnapi.TagResourceOutput, error) {
	return &sfnapi.TagResourceOutput{}, s.retag(ctx, in.ResourceArn, func(tags map[string]string) (map[string]string, error) {
		return machine.AddTags(tags, in.Tags, in.ResourceArn)
	})
}

// UntagResource takes tags from a state machine or an activity.
func (s *Service) UntagResource(ctx context.Context, _ aws.Identity, in *sfnapi.UntagResourceInput) (*sfnapi.UntagResourceOutput, error) {
	return &sfnapi.UntagResourceOutput{}, s.retag(ctx, in.ResourceArn, func(tags map[string]string) (map[string]string, error) {
		left := maps.Clone(tags)
		for _, k := range in.TagKeys {
			delete(left, k)
		}
		return left, nil
	})
}

// ListTagsForResource lists the tags of a state machine or an activity.
func (s *Service) ListTagsForResource(ctx context.Context, _ aws.Identity, in *sfnapi.ListTagsForResourceInput) (*sfnapi.ListTagsForResourceOutput, error) {
	tags, there, err := s.tags(ctx, in.ResourceArn)
	if err == nil && !there {
		err = machine.NoResource(in.ResourceArn)
	}
	return &sfnapi.ListTagsForResourceOutput{Tags: machine.ShowTags(tags)}, err
}
