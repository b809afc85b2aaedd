package s3

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// PutBucketTagging replaces the tags of a bucket.
func (s *Service) PutBucketTagging(ctx context.Context, _ aws.Identity, in *s3api.PutBucketTaggingRequest) (*s3api.PutBucketTaggingOutput, error) {
	t, err := bucket.NewTags(in.Tagging.TagSet, bucket.MaxBucketTags)
	if err != nil {
		return nil, err
	}
	return change[s3api.PutBucketTaggingOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		return t.Save(tx, b)
	})
}

// GetBucketTagging lists the tags of a bucket.
func (s *Service) GetBucketTagging(ctx context.Context, _ aws.Identity, in *s3api.GetBucketTaggingRequest) (*s3api.GetBucketTaggingOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.GetBucketTaggingOutput, error) {
		v, ok, err := store.GetLarge(r, b.Setting(bucket.SettingTags))
		if err != nil || !ok {
			return nil, cmp.Or(err, missing("NoSuchTagSet", "The TagSet does not exist"))
		}
		var t bucket.TagSet
		err = record.Decode(v, 1, &t)
		return &s3api.GetBucketTaggingOutput{TagSet: tagList(t.Tags)}, err
	})
}

// DeleteBucketTagging takes the tags of a bucket away.
func (s *Service) DeleteBucketTagging(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketTaggingRequest) (*s3api.DeleteBucketTaggingOutput, error) {
	return change[s3api.DeleteBucketTaggingOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		return bucket.TagSet{}.Save(tx, b)
	})
}

// retag changes the tags of a version of an object.
func (s *Service) retag(ctx context.Context, id aws.Identity, event s3api.Event, name, key string, version, expected *string, tags map[string]string) (*string, error) {
	return update(ctx, s, name, expected, func(tx store.Tx, b *bucket.Bucket) (*string, error) {
		o, err := b.Find(tx, key, version)
		if err != nil {
			return nil, err
		}
		o.Tags = tags
		b.Rewrite(tx, key, o)
		return o.VersionHeader(b), b.Changed(tx, key, o, event, notice.By(id))
	})
}

// PutObjectTagging replaces the tags of an object.
func (s *Service) PutObjectTagging(ctx context.Context, id aws.Identity, in *s3api.PutObjectTaggingRequest) (*s3api.PutObjectTaggingOutput, error) {
	t, err := bucket.NewTags(in.Tagging.TagSet, bucket.MaxObjectTags)
	if err != nil {
		return nil, err
	}
	v, err := s.retag(ctx, id, s3api.EventS3ObjectTaggingPut, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner, t.Tags)
	return &s3api.PutObjectTaggingOutput{VersionId: v}, err
}

// GetObjectTagging lists the tags of an object.
func (s *Service) GetObjectTagging(ctx context.Context, _ aws.Identity, in *s3api.GetObjectTaggingRequest) (*s3api.GetObjectTaggingOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.GetObjectTaggingOutput, error) {
		o, err := b.Find(r, in.Key, in.VersionId)
		if err != nil {
			return nil, err
		}
		return &s3api.GetObjectTaggingOutput{TagSet: tagList(o.Tags), VersionId: o.VersionHeader(b)}, nil
	})
}

// DeleteObjectTagging takes the tags of an object away.
func (s *Service) DeleteObjectTagging(ctx context.Context, id aws.Identity, in *s3api.DeleteObjectTaggingRequest) (*s3api.DeleteObjectTaggingOutput, error) {
	v, err := s.retag(ctx, id, s3api.EventS3ObjectTaggingDelete, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner, nil)
	return &s3api.DeleteObjectTaggingOutput{VersionId: v}, err
}

func tagList(m map[string]string) []s3api.Tag {
	out := []s3api.Tag{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, s3api.Tag{Key: k, Value: m[k]})
	}
	return out
}
