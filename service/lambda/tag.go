package lambda

import (
	"context"
	"maps"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/lambda/fault"
	"github.com/brume-dev/brume/service/lambda/keys"
	"github.com/brume-dev/brume/store"
)

// TagResource sets tags of a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html
func (s *Service) TagResource(ctx context.Context, id aws.Identity, in *lambdaapi.TagResourceRequest) (*lambdaapi.TagResourceOutput, error) {
	return new(lambdaapi.TagResourceOutput), s.changeTags(ctx, id, in.Resource, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

// UntagResource removes tags of a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_UntagResource.html
func (s *Service) UntagResource(ctx context.Context, id aws.Identity, in *lambdaapi.UntagResourceRequest) (*lambdaapi.UntagResourceOutput, error) {
	return new(lambdaapi.UntagResourceOutput), s.changeTags(ctx, id, in.Resource, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) changeTags(ctx context.Context, id aws.Identity, arn string, change func(map[string]string)) error {
	if ok, err := s.Mappings.Tag(ctx, id, arn, change); ok {
		return err
	}
	p, err := tagged(id, arn)
	if err != nil {
		return err
	}
	_, err = p.Space.Shard(s.Store).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tags, err := tagsAt(tx, p)
		if err != nil {
			return err
		}
		change(tags)
		if err := checkTags(tags); err != nil {
			return err
		}
		if len(tags) == 0 {
			tx.Delete(p.Space.Tags(p.Name))
		} else {
			tx.Set(p.Space.Tags(p.Name), keys.Encode(tags))
		}
		return nil
	})
	return err
}

// ListTags returns the tags of a function.
// https://docs.aws.amazon.com/lambda/latest/api/API_ListTags.html
func (s *Service) ListTags(ctx context.Context, id aws.Identity, in *lambdaapi.ListTagsRequest) (*lambdaapi.ListTagsResponse, error) {
	if tags, ok, err := s.Mappings.Tags(ctx, id, in.Resource); ok {
		return &lambdaapi.ListTagsResponse{Tags: tags}, err
	}
	p, err := tagged(id, in.Resource)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, p.Space, func(r store.Reader) (*lambdaapi.ListTagsResponse, error) {
		tags, err := tagsAt(r, p)
		if err != nil {
			return nil, err
		}
		return &lambdaapi.ListTagsResponse{Tags: tags}, nil
	})
}

// checkTags refuses tags that a function cannot have.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return fault.Invalid("The number of tags exceeds the limit of %d.", maxTags)
	}
	for key := range tags {
		if aws.ReservedTag(key) {
			return fault.Invalid("Tag keys that begin with aws: are reserved.")
		}
	}
	return nil
}

// tagged finds the function that an ARN names: versions and aliases have no tags.
func tagged(id aws.Identity, arn string) (place, error) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Service != "lambda" {
		return place{}, fault.Invalid("Invalid ARN: %s", arn)
	}
	if kind, _ := a.Split(); kind != "function" {
		return place{}, fault.NotFound("The resource you requested does not exist.")
	}
	p, err := keys.Find(id, arn, nil)
	if err == nil && p.Qualifier != "" {
		return place{}, fault.Invalid("Tags on function aliases and versions are not supported. Please specify either a function ARN or an event source mapping ARN.")
	}
	return p, err
}

func tagsAt(r store.Reader, p place) (map[string]string, error) {
	if _, err := functionAt(r, p); err != nil {
		return nil, err
	}
	tags, err := keys.Get[map[string]string](r, p.Space.Tags(p.Name))
	if err != nil || tags == nil {
		return map[string]string{}, err
	}
	return *tags, nil
}
