package ecr

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// named returns the name of the repository that an ARN of the caller's registry is of.
func named(k space, arn string) (string, error) {
	a, err := aws.ParseARN(arn)
	name, ok := strings.CutPrefix(a.Resource, "repository/")
	if err != nil || a.Service != "ecr" || !ok || strings.ContainsRune(name, 0) || len(name) > 256 {
		return "", invalid("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	if a.Account != k.account || a.Region != k.region {
		return "", missing(name, a.Account)
	}
	return name, nil
}

// tagsOf reads the tags of the repository that an ARN names.
func tagsOf(r store.Reader, k space, arn string) (name string, tags map[string]string, err error) {
	if name, err = named(k, arn); err != nil {
		return "", nil, err
	}
	if _, err = find(r, k, nil, name); err != nil {
		return "", nil, err
	}
	_, err = get(r, k.tags(name), &tags)
	return name, tags, err
}

// checkTags checks tags that are to be added to those that are there.
func checkTags(have map[string]string, add []ecrapi.Tag) error {
	for _, t := range add {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey || utf8.RuneCountInString(t.Value) > maxTagValue:
			return &ecrapi.InvalidTagParameterException{Message: "An invalid parameter has been specified. Tag keys can have a maximum " +
				"character length of 128 characters, and tag values can have a maximum length of 256 characters."}
		case aws.ReservedTag(t.Key):
			return &ecrapi.InvalidTagParameterException{Message: "Tag keys that begin with aws: are reserved"}
		}
	}
	if len(merge(have, add)) > maxTags {
		return &ecrapi.TooManyTagsException{Message: "The list of tags on the repository is over the limit. The maximum number of tags " +
			"that can be applied to a repository is 50."}
	}
	return nil
}

// merge returns have with add.
func merge(have map[string]string, add []ecrapi.Tag) map[string]string {
	out := maps.Clone(have)
	if out == nil {
		out = map[string]string{}
	}
	for _, t := range add {
		out[t.Key] = t.Value
	}
	return out
}

// TagResource adds or replaces tags of a repository.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_TagResource.html
func (s *Service) TagResource(ctx context.Context, id aws.Identity, in *ecrapi.TagResourceRequest) (*ecrapi.TagResourceResponse, error) {
	return update(ctx, s, id, func(tx store.Tx, k space) (*ecrapi.TagResourceResponse, error) {
		name, tags, err := tagsOf(tx, k, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		if err := checkTags(tags, in.Tags); err != nil {
			return nil, err
		}
		set(tx, k.tags(name), merge(tags, in.Tags))
		return &ecrapi.TagResourceResponse{}, nil
	})
}

// UntagResource removes tags of a repository.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UntagResource.html
func (s *Service) UntagResource(ctx context.Context, id aws.Identity, in *ecrapi.UntagResourceRequest) (*ecrapi.UntagResourceResponse, error) {
	return update(ctx, s, id, func(tx store.Tx, k space) (*ecrapi.UntagResourceResponse, error) {
		name, tags, err := tagsOf(tx, k, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		set(tx, k.tags(name), tags)
		return &ecrapi.UntagResourceResponse{}, nil
	})
}

// ListTagsForResource returns the tags of a repository.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListTagsForResource.html
func (s *Service) ListTagsForResource(ctx context.Context, id aws.Identity, in *ecrapi.ListTagsForResourceRequest) (*ecrapi.ListTagsForResourceResponse, error) {
	return view(ctx, s, id, func(r store.Reader, k space) (*ecrapi.ListTagsForResourceResponse, error) {
		_, tags, err := tagsOf(r, k, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		out := &ecrapi.ListTagsForResourceResponse{Tags: []ecrapi.Tag{}}
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			out.Tags = append(out.Tags, ecrapi.Tag{Key: key, Value: tags[key]})
		}
		return out, nil
	})
}
