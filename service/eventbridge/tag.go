package eventbridge

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/brume-dev/brume/api/eventbridgeapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// addTags returns all with tags added.
func addTags(all map[string]string, tags []eventbridgeapi.Tag) (map[string]string, error) {
	out := maps.Clone(all)
	for _, t := range tags {
		if aws.ReservedTag(t.Key) {
			return nil, invalid("Parameter Tags is not valid. Reason: Tag keys that begin with aws: are reserved.")
		}
		if out == nil {
			out = map[string]string{}
		}
		out[t.Key] = t.Value
	}
	if len(out) > maxTags {
		return nil, invalid("Parameter Tags is not valid. Reason: A resource has at most %d tags.", maxTags)
	}
	return out, nil
}

// tagged finds what an ARN names: a bus, or a rule on it.
func tagged(id aws.Identity, arn string) (b ref, rule string, err error) {
	a, err := aws.ParseARN(arn)
	if err != nil || a.Service != service || a.Account != id.Account || a.Region != id.Region {
		return b, "", invalid("Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.")
	}
	kind, name, _ := strings.Cut(a.Resource, "/")
	switch kind {
	case "event-bus":
		return ref{here(id), name}, "", nil
	case "rule":
		if onBus, rule, ok := strings.Cut(name, "/"); ok {
			return ref{here(id), onBus}, rule, nil
		}
		return ref{here(id), defaultBus}, name, nil
	}
	return b, "", invalid("Parameter ResourceARN is not valid. Reason: Only event buses and rules have tags.")
}

// changeTags gives the tags of a resource to f and stores what it returns.
func (s *Service) changeTags(ctx context.Context, id aws.Identity, arn string, f func(map[string]string) (map[string]string, error)) error {
	b, rule, err := tagged(id, arn)
	if err != nil {
		return err
	}
	_, err = s.shard(b.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		if rule != "" {
			rec, err := mustRule(tx, b, rule)
			if err != nil {
				return err
			}
			if rec.Tags, err = f(rec.Tags); err == nil {
				write(tx, b.rules(b.name).Text(rule), rec)
			}
			return err
		}
		rec, err := mustBus(tx, b)
		if err != nil {
			return err
		}
		if rec.Tags, err = f(rec.Tags); err == nil {
			write(tx, b.key(), rec)
		}
		return err
	})
	return err
}

// TagResource adds tags to a bus or rule.
func (s *Service) TagResource(ctx context.Context, id aws.Identity, in *eventbridgeapi.TagResourceRequest) (*eventbridgeapi.TagResourceResponse, error) {
	err := s.changeTags(ctx, id, in.ResourceARN, func(all map[string]string) (map[string]string, error) { return addTags(all, in.Tags) })
	return &eventbridgeapi.TagResourceResponse{}, err
}

// UntagResource takes tags from a bus or rule.
func (s *Service) UntagResource(ctx context.Context, id aws.Identity, in *eventbridgeapi.UntagResourceRequest) (*eventbridgeapi.UntagResourceResponse, error) {
	err := s.changeTags(ctx, id, in.ResourceARN, func(all map[string]string) (map[string]string, error) {
		for _, k := range in.TagKeys {
			delete(all, k)
		}
		return all, nil
	})
	return &eventbridgeapi.UntagResourceResponse{}, err
}

// ListTagsForResource lists the tags of a bus or rule.
func (s *Service) ListTagsForResource(ctx context.Context, id aws.Identity, in *eventbridgeapi.ListTagsForResourceRequest) (*eventbridgeapi.ListTagsForResourceResponse, error) {
	b, rule, err := tagged(id, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	tags, err := store.View(ctx, s.shard(b.place), func(_ context.Context, r store.Reader) (map[string]string, error) {
		if rule != "" {
			rec, err := mustRule(r, b, rule)
			return rec.Tags, err
		}
		rec, err := mustBus(r, b)
		return rec.Tags, err
	})
	if err != nil {
		return nil, err
	}
	out := &eventbridgeapi.ListTagsForResourceResponse{Tags: []eventbridgeapi.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, eventbridgeapi.Tag{Key: k, Value: tags[k]})
	}
	return out, nil
}
