package s3

import (
	"context"
	"slices"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
)

// GetObjectAttributes tells those attributes of an object that are asked for.
func (s *Service) GetObjectAttributes(ctx context.Context, id aws.Identity, in *s3api.GetObjectAttributesRequest) (*s3api.GetObjectAttributesOutput, error) {
	if in.SSECustomerAlgorithm != nil || in.SSECustomerKey != nil {
		return nil, fault.InvalidRequest("The encryption parameters are not applicable to this object.")
	}
	for _, a := range in.ObjectAttributes {
		if !slices.Contains(a.EnumValues(), string(a)) {
			return nil, fault.InvalidArgument("Invalid attribute name specified.", "x-amz-object-attributes", string(a))
		}
	}
	f, err := s.look(ctx, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.unseal(ctx, id, f.b, in.Key, f.o.Sealed); err != nil {
		return nil, err
	}
	out := &s3api.GetObjectAttributesOutput{LastModified: &f.o.Modified, VersionId: f.o.VersionHeader(f.b)}
	for _, a := range in.ObjectAttributes {
		switch a {
		case s3api.ObjectAttributesETag:
			out.ETag = &f.o.ETag
		case s3api.ObjectAttributesChecksum:
			out.Checksum = &s3api.Checksum{}
			setSum(out.Checksum, f.o.Sum)
		case s3api.ObjectAttributesStorageClass:
			out.StorageClass = s3api.StorageClass(f.o.StorageClass())
		case s3api.ObjectAttributesObjectSize:
			out.ObjectSize = &f.o.Size
		case s3api.ObjectAttributesObjectParts:
			if f.o.Parts > 0 {
				out.ObjectParts = f.partsPage(in)
			}
		}
	}
	return out, nil
}

// partsPage lists parts; S3 lists them one by one only for objects whose parts have checksums of their own.
func (f *found) partsPage(in *s3api.GetObjectAttributesRequest) *s3api.GetObjectAttributesParts {
	limit, above := min(aws.Or(in.MaxParts, bucket.MaxPage), bucket.MaxPage), aws.Or(in.PartNumberMarker, 0)
	p := &s3api.GetObjectAttributesParts{TotalPartsCount: &f.o.Parts, PartNumberMarker: &above, MaxParts: &limit,
		NextPartNumberMarker: new(int32(0)), IsTruncated: new(false)}
	if f.o.Sum.Type != bucket.Composite {
		return p
	}
	for _, one := range f.Parts {
		if one.Number <= above {
			continue
		}
		if len(p.Parts) == int(limit) {
			p.IsTruncated = new(true)
			break
		}
		e := s3api.ObjectPart{PartNumber: &one.Number, Size: &one.Size}
		setSum(&e, bucket.Sum{Algorithm: f.o.Sum.Algorithm, Value: one.Sum})
		p.NextPartNumberMarker = &one.Number
		p.Parts = append(p.Parts, e)
	}
	return p
}
