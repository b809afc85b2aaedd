package ssm

import (
	"context"
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/ssmapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// tagged finds the parameter that a request about tags is for, by its name or ARN. Other kinds of resources are not here.
func tagged(r store.Reader, k space, id aws.Identity, kind ssmapi.ResourceTypeForTagging, resource string) (string, error) {
	missing := &ssmapi.InvalidResourceId{Message: "The resource ID \"" + resource + "\" is not valid. Verify that you entered the correct ID and try again."}
	if kind != ssmapi.ResourceTypeForTaggingParameter {
		return "", missing
	}
	ref, err := refer(id, resource)
	if err != nil || ref.selector != "" {
		return "", missing
	}
	f, err := find(r, k, ref)
	if err != nil {
		if isMissing(err) {
			return "", missing
		}
		return "", err
	}
	return f.name, nil
}

// AddTagsToResource adds or replaces tags of a parameter.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AddTagsToResource.html
func (s *Service) AddTagsToResource(ctx context.Context, id aws.Identity, in *ssmapi.AddTagsToResourceRequest) (*ssmapi.AddTagsToResourceResult, error) {
	shard, k := s.at(id)
	return store.Update(ctx, shard, func(_ context.Context, tx store.Tx) (*ssmapi.AddTagsToResourceResult, error) {
		name, err := tagged(tx, k, id, in.ResourceType, in.ResourceId)
		if err != nil {
			return nil, err
		}
		tags, err := getTags(tx, k, name)
		if err != nil {
			return nil, err
		}
		if err := checkTags(tags, in.Tags); err != nil {
			return nil, err
		}
		if tags == nil {
			tags = map[string]string{}
		}
		for _, t := range in.Tags {
			tags[t.Key] = t.Value
		}
		setTags(tx, k, name, tags)
		return &ssmapi.AddTagsToResourceResult{}, nil
	})
}

// RemoveTagsFromResource removes tags of a parameter.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_RemoveTagsFromResource.html
func (s *Service) RemoveTagsFromResource(ctx context.Context, id aws.Identity, in *ssmapi.RemoveTagsFromResourceRequest) (*ssmapi.RemoveTagsFromResourceResult, error) {
	shard, k := s.at(id)
	return store.Update(ctx, shard, func(_ context.Context, tx store.Tx) (*ssmapi.RemoveTagsFromResourceResult, error) {
		name, err := tagged(tx, k, id, in.ResourceType, in.ResourceId)
		if err != nil {
			return nil, err
		}
		tags, err := getTags(tx, k, name)
		if err != nil {
			return nil, err
		}
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		setTags(tx, k, name, tags)
		return &ssmapi.RemoveTagsFromResourceResult{}, nil
	})
}

// ListTagsForResource returns the tags of a parameter.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListTagsForResource.html
func (s *Service) ListTagsForResource(ctx context.Context, id aws.Identity, in *ssmapi.ListTagsForResourceRequest) (*ssmapi.ListTagsForResourceResult, error) {
	shard, k := s.at(id)
	tags, err := store.View(ctx, shard, func(_ context.Context, r store.Reader) (map[string]string, error) {
		name, err := tagged(r, k, id, in.ResourceType, in.ResourceId)
		if err != nil {
			return nil, err
		}
		return getTags(r, k, name)
	})
	if err != nil {
		return nil, err
	}
	out := &ssmapi.ListTagsForResourceResult{TagList: []ssmapi.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.TagList = append(out.TagList, ssmapi.Tag{Key: key, Value: tags[key]})
	}
	return out, nil
}
