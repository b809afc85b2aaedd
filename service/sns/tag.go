package sns

import (
	"context"
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/snsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/jsondoc"
	"github.com/brume-dev/brume/store"
)

// addTags returns all with tags added.
func addTags(all map[string]string, tags []snsapi.Tag) (map[string]string, error) {
	out := maps.Clone(all)
	if out == nil {
		out = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range tags {
		if aws.ReservedTag(t.Key) {
			return nil, invalid("Tags Reason: Tag keys that begin with aws: are reserved")
		}
		if seen[t.Key] {
			return nil, invalid("Duplicated keys are not allowed.")
		}
		seen[t.Key] = true
		out[t.Key] = t.Value
	}
	if len(out) > maxTags {
		return nil, &snsapi.TagLimitExceededException{Message: "Could not complete request: tag quota of per resource exceeded"}
	}
	return out, nil
}

// changeTopic gives the record of a topic to f and stores what it makes of it; a topic that is missing is a resource that
// is not found.
func (s *Service) changeTopic(ctx context.Context, id aws.Identity, arn string, f func(rec *topicRecord) error) error {
	t, err := topicOf(id, "ResourceArn", arn)
	if err != nil {
		return err
	}
	_, err = s.shard(t.place).Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, there, err := read[topicRecord](tx, t.key())
		if err != nil {
			return err
		}
		if !there {
			return noResource()
		}
		if err := f(&rec); err != nil {
			return err
		}
		write(tx, t.key(), rec)
		return nil
	})
	return err
}

// TagResource adds tags to a topic.
func (s *Service) TagResource(ctx context.Context, id aws.Identity, in *snsapi.TagResourceRequest) (*snsapi.TagResourceResponse, error) {
	err := s.changeTopic(ctx, id, in.ResourceArn, func(rec *topicRecord) (err error) {
		rec.Tags, err = addTags(rec.Tags, in.Tags)
		return err
	})
	return &snsapi.TagResourceResponse{}, err
}

// UntagResource takes tags from a topic.
func (s *Service) UntagResource(ctx context.Context, id aws.Identity, in *snsapi.UntagResourceRequest) (*snsapi.UntagResourceResponse, error) {
	err := s.changeTopic(ctx, id, in.ResourceArn, func(rec *topicRecord) error {
		for _, k := range in.TagKeys {
			delete(rec.Tags, k)
		}
		return nil
	})
	return &snsapi.UntagResourceResponse{}, err
}

// topicView reads a topic as a resource.
func (s *Service) topicView(ctx context.Context, id aws.Identity, arn string) (topicRecord, error) {
	t, err := topicOf(id, "ResourceArn", arn)
	if err != nil {
		return topicRecord{}, err
	}
	return store.View(ctx, s.shard(t.place), func(_ context.Context, r store.Reader) (topicRecord, error) {
		rec, there, err := read[topicRecord](r, t.key())
		if err == nil && !there {
			err = noResource()
		}
		return rec, err
	})
}

// ListTagsForResource lists the tags of a topic.
func (s *Service) ListTagsForResource(ctx context.Context, id aws.Identity, in *snsapi.ListTagsForResourceRequest) (*snsapi.ListTagsForResourceResponse, error) {
	rec, err := s.topicView(ctx, id, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &snsapi.ListTagsForResourceResponse{Tags: []snsapi.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(rec.Tags)) {
		out.Tags = append(out.Tags, snsapi.Tag{Key: k, Value: rec.Tags[k]})
	}
	return out, nil
}

// checkMasking checks a data protection policy, which is kept and has no effect here.
func checkMasking(text, parameter string) error {
	if text == "" {
		return nil
	}
	doc, err := jsondoc.Parse([]byte(text))
	if _, ok := doc.(*jsondoc.Object); err != nil || !ok || len(text) > maxMasking {
		return invalid("%s Reason: not a JSON document of at most %d characters", parameter, maxMasking)
	}
	return nil
}

// PutDataProtectionPolicy stores the data protection policy of a topic, without effect.
func (s *Service) PutDataProtectionPolicy(ctx context.Context, id aws.Identity, in *snsapi.PutDataProtectionPolicyInput) (*snsapi.PutDataProtectionPolicyOutput, error) {
	if err := checkMasking(in.DataProtectionPolicy, "DataProtectionPolicy"); err != nil {
		return nil, err
	}
	err := s.changeTopic(ctx, id, in.ResourceArn, func(rec *topicRecord) error {
		if rec.FIFO {
			return invalid("DataProtectionPolicy Reason: data protection is not supported on FIFO topics")
		}
		rec.Masking = in.DataProtectionPolicy
		return nil
	})
	return &snsapi.PutDataProtectionPolicyOutput{}, asTopic(err)
}

// GetDataProtectionPolicy returns it.
func (s *Service) GetDataProtectionPolicy(ctx context.Context, id aws.Identity, in *snsapi.GetDataProtectionPolicyInput) (*snsapi.GetDataProtectionPolicyResponse, error) {
	rec, err := s.topicView(ctx, id, in.ResourceArn)
	if err != nil {
		return nil, asTopic(err)
	}
	out := &snsapi.GetDataProtectionPolicyResponse{}
	if rec.Masking != "" {
		out.DataProtectionPolicy = &rec.Masking
	}
	return out, nil
}

// asTopic words a missing resource as operations on topics do.
func asTopic(err error) error {
	if err != nil && aws.CodeOf(err) == "ResourceNotFound" {
		return noTopic()
	}
	return err
}
