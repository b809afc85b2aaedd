package setting

import (
	"context"
	"fmt"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// Tags checks the tags of a request.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html
func Tags(tags []api.Tag) (map[string]string, error) {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		if _, twice := out[t.Key]; twice {
			return nil, invalid("One or more parameter values were invalid: Duplicate tag key: " + t.Key)
		}
		if aws.ReservedTag(t.Key) {
			return nil, invalid("One or more parameter values were invalid: Tag keys that begin with aws: are reserved for AWS: " + t.Key)
		}
		out[t.Key] = t.Value
	}
	if len(out) > maxTags {
		return nil, tooManyTags()
	}
	return out, nil
}

func tooManyTags() error {
	return invalid(fmt.Sprintf("One or more parameter values were invalid: The number of tags exceeds the limit of %d tags per resource", maxTags))
}

// TagResource sets tags of a table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html
func (b *Book) TagResource(ctx context.Context, _ aws.Identity, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	n, err := table.ParseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, invalid("Atleast one Tag needs to be provided as Input.") // sic
	}
	tags, err := Tags(in.Tags)
	if err != nil {
		return nil, err
	}
	return update(ctx, b, n, func(tx store.Tx) (*api.TagResourceOutput, error) {
		t, err := b.onResource(tx, n, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		for k, v := range tags {
			tx.Set(t.TagKey(k), []byte(v))
		}
		all, err := t.ListTags(tx)
		if err == nil && len(all) > maxTags {
			err = tooManyTags()
		}
		return &api.TagResourceOutput{}, err
	})
}

// UntagResource removes tags of a table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UntagResource.html
func (b *Book) UntagResource(ctx context.Context, _ aws.Identity, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	n, err := table.ParseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, invalid("Atleast one Tag Key needs to be provided as Input.") // sic
	}
	return update(ctx, b, n, func(tx store.Tx) (*api.UntagResourceOutput, error) {
		t, err := b.onResource(tx, n, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		for _, k := range in.TagKeys {
			tx.Delete(t.TagKey(k))
		}
		return &api.UntagResourceOutput{}, nil
	})
}

// ListTagsOfResource lists the tags of a table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html
func (b *Book) ListTagsOfResource(ctx context.Context, _ aws.Identity, in *api.ListTagsOfResourceInput) (*api.ListTagsOfResourceOutput, error) {
	n, err := table.ParseARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return view(ctx, b, n, func(r store.Reader) (*api.ListTagsOfResourceOutput, error) {
		t, err := b.onResource(r, n, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		tags, err := t.ListTags(r)
		return &api.ListTagsOfResourceOutput{Tags: tags}, err
	})
}
