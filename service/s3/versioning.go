package s3

import (
	"context"
	"net/http"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// GetBucketVersioning says whether versions are kept.
func (s *Service) GetBucketVersioning(ctx context.Context, _ aws.Identity, in *s3api.GetBucketVersioningRequest) (*s3api.GetBucketVersioningOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(_ store.Reader, b *bucket.Bucket) (*s3api.GetBucketVersioningOutput, error) {
		return &s3api.GetBucketVersioningOutput{Status: s3api.BucketVersioningStatus(b.Versioning)}, nil
	})
}

// PutBucketVersioning begins or suspends the keeping of versions; it cannot be as if it had never begun.
func (s *Service) PutBucketVersioning(ctx context.Context, _ aws.Identity, in *s3api.PutBucketVersioningRequest) (*s3api.PutBucketVersioningOutput, error) {
	c := in.VersioningConfiguration
	switch {
	case c.MFADelete == s3api.MFADeleteEnabled:
		return nil, fault.NotImplemented("Brume has no MFA delete")
	case c.Status == "":
		return nil, aws.Errorf("IllegalVersioningConfigurationException", 400, "The Versioning element must be specified")
	}
	return update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) (*s3api.PutBucketVersioningOutput, error) {
		if b.Locking && c.Status != s3api.BucketVersioningStatusEnabled {
			return nil, aws.Errorf("InvalidBucketState", http.StatusConflict, "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
		}
		b.Versioning = string(c.Status)
		b.Save(tx)
		return &s3api.PutBucketVersioningOutput{}, nil
	})
}

// ListObjectVersions lists all versions and delete markers.
func (s *Service) ListObjectVersions(ctx context.Context, _ aws.Identity, in *s3api.ListObjectVersionsRequest) (*s3api.ListObjectVersionsOutput, error) {
	key, version := aws.Or(in.KeyMarker, ""), aws.Or(in.VersionIdMarker, "")
	l, err := newListing(in.Prefix, in.Delimiter, key, in.MaxKeys, "maxKeys", in.EncodingType)
	if err != nil {
		return nil, err
	}
	if version != "" && key == "" {
		return nil, fault.InvalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", version)
	}
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.ListObjectVersionsOutput, error) {
		out := &s3api.ListObjectVersionsOutput{Name: &in.Bucket, Prefix: l.Text(l.Prefix), Delimiter: l.Optional(l.Delimiter), KeyMarker: l.Text(key),
			VersionIdMarker: &version, MaxKeys: new(int32(l.Limit)), IsTruncated: new(false), EncodingType: in.EncodingType}
		if l.Limit == 0 {
			return out, nil
		}
		v := bucket.Versions{B: b, L: l}
		if err := v.From(r, key, version); err != nil {
			return nil, err
		}
		begun := ""
		if version != "" {
			begun = key // its latest version has been listed
		}
		n, lastKey, lastVersion := 0, "", ""
		err := v.Walk(r, begun, func(key string, o *bucket.Object, latest bool) bool {
			if n == l.Limit {
				out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker = new(true), l.Text(lastKey), aws.Some(lastVersion)
				return false
			}
			n++
			lastKey, lastVersion = key, ""
			if o == nil {
				out.CommonPrefixes = append(out.CommonPrefixes, s3api.CommonPrefix{Prefix: l.Text(key)})
				return true
			}
			lastVersion = o.VersionID(b.N)
			b.List(out, l.Text(key), o, latest)
			return true
		})
		return out, err
	})
}
