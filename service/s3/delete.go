package s3

import (
	"context"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// removal is one object that a request deletes.
type removal struct {
	key      string
	version  *string
	match    *string
	modified *time.Time
	size     *int64
}

// removed is what became of it.
type removed struct {
	marker  bool    // what was deleted, or made, is a delete marker
	version *string // of what was deleted or made
}

// DeleteObject deletes a version, or, without a version id, the object: in a versioned bucket it puts a marker on it.
func (s *Service) DeleteObject(ctx context.Context, _ aws.Identity, in *s3api.DeleteObjectRequest) (*s3api.DeleteObjectOutput, error) {
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	type result struct {
		removed
		g garbage
	}
	done, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket) (d result, err error) {
		d.removed, err = b.delete(tx, removal{in.Key, in.VersionId, in.IfMatch, in.IfMatchLastModifiedTime, in.IfMatchSize}, &d.g)
		return d, err
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, done.g)
	return &s3api.DeleteObjectOutput{DeleteMarker: some(done.marker), VersionId: done.version}, nil
}

// delete does what a DeleteObject says. Deleting what is not there is no error.
func (b *bucket) delete(tx store.Tx, d removal, g *garbage) (out removed, err error) {
	if d.version != nil && *d.version != "" {
		return b.deleteVersion(tx, d, g)
	}
	cur, err := getObject(tx, b.current(d.key))
	if err == nil {
		err = d.check(cur)
	}
	if err != nil {
		return out, err
	}
	if b.Versioning != "" {
		o, err := b.mark(tx, d.key, g)
		if err != nil {
			return out, err
		}
		return removed{true, ptr(o.versionID(b.N))}, nil
	}
	if cur == nil {
		return out, nil
	}
	tx.Delete(b.current(d.key))
	return out, b.release(tx, d.key, cur, g)
}

func (b *bucket) deleteVersion(tx store.Tx, d removal, g *garbage) (out removed, err error) {
	o, latest, err := b.named(tx, d.key, *d.version)
	if err != nil {
		return out, err
	}
	if err := d.check(o); err != nil {
		return out, err
	}
	if b.Versioning != "" {
		out.version = d.version
	}
	if o == nil {
		return out, nil
	}
	out.marker = o.Marker
	if latest && !o.Marker {
		tx.Delete(b.current(d.key))
		err = b.release(tx, d.key, o, g)
	} else {
		err = b.forget(tx, d.key, o, g)
	}
	if err == nil && latest && b.Versioning != "" {
		err = b.promote(tx, d.key)
	}
	return out, err
}

// check compares an object with the conditions of its deletion.
func (d removal) check(o *object) error {
	if d.match == nil && d.modified == nil && d.size == nil {
		return nil
	}
	switch {
	case o == nil || o.Marker:
		return noSuchKey()
	case d.match != nil && !matches(*d.match, o.ETag):
		return &preconditionFailed{"If-Match"}
	case d.modified != nil && !o.Modified.Truncate(time.Second).Equal(*d.modified):
		return &preconditionFailed{"x-amz-if-match-last-modified-time"}
	case d.size != nil && *d.size != o.Size:
		return &preconditionFailed{"x-amz-if-match-size"}
	}
	return nil
}

// DeleteObjects deletes up to 1,000 objects; what cannot be deleted is told one by one.
func (s *Service) DeleteObjects(ctx context.Context, id aws.Identity, in *s3api.DeleteObjectsRequest) (*s3api.DeleteObjectsOutput, error) {
	if n := len(in.Delete.Objects); n == 0 || n > maxDelete {
		return nil, malformedXML()
	}
	type result struct {
		s3api.DeleteObjectsOutput
		g garbage
	}
	done, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket) (d result, err error) {
		for _, o := range in.Delete.Objects {
			done, err := b.deleteOne(tx, o, &d.g)
			switch coded := error(nil); {
			case err != nil:
				if coded = err; aws.CodeOf(coded) == "InternalFailure" {
					return d, err
				}
				info := aws.InfoOf(err)
				d.Errors = append(d.Errors, s3api.Error{Key: ptr(o.Key), VersionId: o.VersionId, Code: &info.Code, Message: &info.Message})
			case !or(in.Delete.Quiet, false):
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

func (b *bucket) deleteOne(tx store.Tx, o s3api.ObjectIdentifier, g *garbage) (removed, error) {
	if err := checkKey(o.Key); err != nil {
		return removed{}, err
	}
	return b.delete(tx, removal{o.Key, o.VersionId, o.ETag, o.LastModifiedTime, o.Size}, g)
}

func deletedObject(o s3api.ObjectIdentifier, done removed) s3api.DeletedObject {
	d := s3api.DeletedObject{Key: ptr(o.Key), DeleteMarker: some(done.marker)}
	if o.VersionId != nil {
		d.VersionId = o.VersionId
	}
	if done.marker {
		d.DeleteMarkerVersionId = done.version
	}
	return d
}
