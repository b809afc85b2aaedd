package logs

import (
	"context"
	"maps"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// tag adds tags to a group.
func (s *Service) tag(ctx context.Context, id aws.Identity, name string, tags map[string]string) error {
	for k := range tags {
		if aws.ReservedTag(k) {
			return badParameter("Tag keys beginning with aws: are reserved for AWS use")
		}
	}
	return s.change(ctx, id, name, func(_ store.Tx, g *groupRecord) error {
		all := maps.Clone(g.Tags)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, tags)
		if len(all) > maxTags {
			return &logsapi.TooManyTagsException{Message: "A resource can have no more than 50 tags."}
		}
		g.Tags = all
		return nil
	})
}

func (s *Service) untag(ctx context.Context, id aws.Identity, name string, keys []string) error {
	return s.change(ctx, id, name, func(_ store.Tx, g *groupRecord) error {
		for _, k := range keys {
			delete(g.Tags, k)
		}
		return nil
	})
}

// TagResource adds tags to the group that the ARN names.
func (s *Service) TagResource(ctx context.Context, id aws.Identity, in *logsapi.TagResourceRequest) (*logsapi.TagResourceOutput, error) {
	return &logsapi.TagResourceOutput{}, s.tag(ctx, id, nameFromARN(id, in.ResourceArn), in.Tags)
}

// UntagResource takes tags away from the group that the ARN names.
func (s *Service) UntagResource(ctx context.Context, id aws.Identity, in *logsapi.UntagResourceRequest) (*logsapi.UntagResourceOutput, error) {
	return &logsapi.UntagResourceOutput{}, s.untag(ctx, id, nameFromARN(id, in.ResourceArn), in.TagKeys)
}

// ListTagsForResource lists the tags of the group that the ARN names.
func (s *Service) ListTagsForResource(ctx context.Context, id aws.Identity, in *logsapi.ListTagsForResourceRequest) (*logsapi.ListTagsForResourceResponse, error) {
	g, _, err := s.find(ctx, id, nameFromARN(id, in.ResourceArn))
	return &logsapi.ListTagsForResourceResponse{Tags: present(g.Tags)}, err
}

// TagLogGroup is the older TagResource.
func (s *Service) TagLogGroup(ctx context.Context, id aws.Identity, in *logsapi.TagLogGroupRequest) (*logsapi.TagLogGroupOutput, error) {
	return &logsapi.TagLogGroupOutput{}, s.tag(ctx, id, in.LogGroupName, in.Tags)
}

// UntagLogGroup is the older UntagResource.
func (s *Service) UntagLogGroup(ctx context.Context, id aws.Identity, in *logsapi.UntagLogGroupRequest) (*logsapi.UntagLogGroupOutput, error) {
	return &logsapi.UntagLogGroupOutput{}, s.untag(ctx, id, in.LogGroupName, in.Tags)
}

// ListTagsLogGroup is the older ListTagsForResource.
func (s *Service) ListTagsLogGroup(ctx context.Context, id aws.Identity, in *logsapi.ListTagsLogGroupRequest) (*logsapi.ListTagsLogGroupResponse, error) {
	g, _, err := s.find(ctx, id, in.LogGroupName)
	return &logsapi.ListTagsLogGroupResponse{Tags: present(g.Tags)}, err
}

// present makes no tags an empty object, as the service answers.
func present(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}
