package s3

import (
	"context"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
)

// DeleteObject deletes a version, or, without a version id, the object: in a versioned bucket it puts a marker on it.
func (s *Service) DeleteObject(ctx context.Context, id aws.Identity, in *s3api.DeleteObjectRequest) (*s3api.DeleteObjectOutput, error) {
	if err := bucket.CheckKey(in.Key); err != nil {
		return nil, err
	}
	type result struct {
		bucket.Removed
		g bucket.Garbage
	}
	bypass, err := s.bypass(ctx, id, in.Bucket, in.Key, in.BypassGovernanceRetention)
	if err != nil {
		return nil, err
	}
	done, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) (d result, err error) {
		d.Removed, err = b.Delete(tx, bucket.Removal{Key: in.Key, Version: in.VersionId, Match: in.IfMatch, Modified: in.IfMatchLastModifiedTime, Size: in.IfMatchSize, Bypass: bypass, By: notice.By(id)}, &d.g)
		return d, err
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, done.g)
	return &s3api.DeleteObjectOutput{DeleteMarker: aws.Some(done.Marker), VersionId: done.Version}, nil
}

// DeleteObjects deletes up to 1,000 objects; what cannot be deleted is told one by one.
func (s *Service) DeleteObjects(ctx context.Context, id aws.Identity, in *s3api.DeleteObjectsRequest) (*s3api.DeleteObjectsOutput, error) {
	if n := len(in.Delete.Objects); n == 0 || n > bucket.MaxDelete {
		return nil, fault.MalformedXML()
	}
	type result struct {
		s3api.DeleteObjectsOutput
		g bucket.Garbage
	}
	denied, err := s.denials(ctx, id, in.Bucket, in.Delete.Objects)
	if err != nil {
		return nil, err
	}
	bypass, err := s.bypass(ctx, id, in.Bucket, "*", in.BypassGovernanceRetention)
	if err != nil {
		return nil, err
	}
	done, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) (d result, err error) {
		for i, o := range in.Delete.Objects {
			var done bucket.Removed
			err := denied[i]
			if err == nil {
				done, err = b.DeleteOne(tx, o, bypass, notice.By(id), &d.g)
			}
			switch {
			case err != nil && aws.CodeOf(err) == "InternalFailure":
				return d, err
			case err != nil:
				info := aws.InfoOf(err)
				d.Errors = append(d.Errors, s3api.Error{Key: new(o.Key), VersionId: o.VersionId, Code: &info.Code, Message: &info.Message})
			case !aws.Or(in.Delete.Quiet, false):
				d.Deleted = append(d.Deleted, deletedObject(o, done))
			}
		}
		return d, nil
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, done.g)
	return &done.DeleteObjectsOutput, nil
}

func deletedObject(o s3api.ObjectIdentifier, done bucket.Removed) s3api.DeletedObject {
	d := s3api.DeletedObject{Key: new(o.Key), DeleteMarker: aws.Some(done.Marker)}
	if o.VersionId != nil {
		d.VersionId = o.VersionId
	}
	if done.Marker {
		d.DeleteMarkerVersionId = done.Version
	}
	return d
}
