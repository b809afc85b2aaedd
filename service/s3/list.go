package s3

import (
	"context"
	"strconv"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// newListing reads the parameters that lists share.
func newListing(prefix, delimiter *string, after string, max *int32, name string, encoding s3api.EncodingType) (l bucket.Listing, err error) {
	l = bucket.Listing{Prefix: aws.Or(prefix, ""), Delimiter: aws.Or(delimiter, ""), After: after, Limit: bucket.MaxPage}
	if max != nil {
		if *max < 0 {
			return l, fault.InvalidArgument("Argument "+name+" must be an integer between 0 and 2147483647", name, strconv.FormatInt(int64(*max), 10))
		}
		l.Limit = min(int(*max), bucket.MaxPage)
	}
	if encoding != "" {
		if encoding != s3api.EncodingTypeUrl {
			return l, fault.InvalidArgument("Invalid Encoding Method specified in Request", "encoding-type", string(encoding))
		}
		l.Url = true
	}
	return l, nil
}

// page is what a listing of objects gives.
type page struct {
	objects   []s3api.Object
	prefixes  []s3api.CommonPrefix
	last      string // the last name of the page
	truncated bool
}

// objects lists the current versions.
func (s *Service) objects(ctx context.Context, l bucket.Listing, name string, expected *string, owned bool) (page, error) {
	return view(ctx, s, name, expected, func(r store.Reader, b *bucket.Bucket) (p page, err error) {
		if l.Limit == 0 {
			return p, nil
		}
		n := 0
		err = l.Walk(r, b.Family(bucket.FamilyCurrent), func(key string, kv store.KV, common bool) (bool, error) {
			if n == l.Limit {
				p.truncated = true
				return false, nil
			}
			n++
			p.last = key
			if common {
				p.prefixes = append(p.prefixes, s3api.CommonPrefix{Prefix: l.Text(key)})
				return true, nil
			}
			o, err := bucket.DecodeObject(kv.Value)
			if err != nil {
				return false, err
			}
			e := s3api.Object{Key: l.Text(key), LastModified: &o.Modified, ETag: new(o.Quoted()), Size: &o.Size,
				StorageClass: s3api.ObjectStorageClass(o.StorageClass())}
			e.ChecksumAlgorithm, e.ChecksumType = o.Sum.Listed()
			if owned {
				e.Owner = bucket.Owner(b.Account)
			}
			p.objects = append(p.objects, e)
			return true, nil
		})
		return p, err
	})
}

// ListObjectsV2 lists objects.
func (s *Service) ListObjectsV2(ctx context.Context, _ aws.Identity, in *s3api.ListObjectsV2Request) (*s3api.ListObjectsV2Output, error) {
	after := aws.Or(in.StartAfter, "")
	if in.ContinuationToken != nil {
		var err error
		if after, err = bucket.OpenToken(*in.ContinuationToken); err != nil {
			return nil, err
		}
	}
	l, err := newListing(in.Prefix, in.Delimiter, after, in.MaxKeys, "maxKeys", in.EncodingType)
	if err != nil {
		return nil, err
	}
	p, err := s.objects(ctx, l, in.Bucket, in.ExpectedBucketOwner, aws.Or(in.FetchOwner, false))
	if err != nil {
		return nil, err
	}
	out := &s3api.ListObjectsV2Output{Name: &in.Bucket, Prefix: l.Text(l.Prefix), Delimiter: l.Optional(l.Delimiter), MaxKeys: new(int32(l.Limit)),
		KeyCount: new(int32(len(p.objects) + len(p.prefixes))), IsTruncated: &p.truncated, Contents: p.objects, CommonPrefixes: p.prefixes,
		EncodingType: in.EncodingType, ContinuationToken: in.ContinuationToken, StartAfter: l.Optional(aws.Or(in.StartAfter, ""))}
	if p.truncated {
		out.NextContinuationToken = new(sealToken(p.last))
	}
	return out, nil
}

// ListObjects is the first version of the same list. NextMarker is there with a delimiter only.
func (s *Service) ListObjects(ctx context.Context, _ aws.Identity, in *s3api.ListObjectsRequest) (*s3api.ListObjectsOutput, error) {
	l, err := newListing(in.Prefix, in.Delimiter, aws.Or(in.Marker, ""), in.MaxKeys, "maxKeys", in.EncodingType)
	if err != nil {
		return nil, err
	}
	p, err := s.objects(ctx, l, in.Bucket, in.ExpectedBucketOwner, true)
	if err != nil {
		return nil, err
	}
	out := &s3api.ListObjectsOutput{Name: &in.Bucket, Prefix: l.Text(l.Prefix), Marker: l.Text(l.After), Delimiter: l.Optional(l.Delimiter),
		MaxKeys: new(int32(l.Limit)), IsTruncated: &p.truncated, Contents: p.objects, CommonPrefixes: p.prefixes, EncodingType: in.EncodingType}
	if p.truncated && l.Delimiter != "" {
		out.NextMarker = l.Text(p.last)
	}
	return out, nil
}
