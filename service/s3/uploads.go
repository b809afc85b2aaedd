package s3

import (
	"context"
	"strconv"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// ListMultipartUploads lists the uploads that were begun and not ended, by key and age.
func (s *Service) ListMultipartUploads(ctx context.Context, _ aws.Identity, in *s3api.ListMultipartUploadsRequest) (*s3api.ListMultipartUploadsOutput, error) {
	key, marker := aws.Or(in.KeyMarker, ""), aws.Or(in.UploadIdMarker, "")
	l, err := newListing(in.Prefix, in.Delimiter, key, in.MaxUploads, "max-uploads", in.EncodingType)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.ListMultipartUploadsOutput, error) {
		out := &s3api.ListMultipartUploadsOutput{Bucket: &in.Bucket, Prefix: l.Text(l.Prefix), Delimiter: l.Optional(l.Delimiter), KeyMarker: l.Text(key),
			UploadIdMarker: &marker, MaxUploads: new(int32(l.Limit)), IsTruncated: new(false), EncodingType: in.EncodingType}
		if l.Limit == 0 {
			return out, nil
		}
		family := b.Family(bucket.FamilyUpload)
		if key != "" && marker != "" {
			seq, ok := bucket.OpenSeq(b.N, marker, "upload")
			if !ok {
				return nil, fault.InvalidArgument("Invalid uploadId marker", "upload-id-marker", marker)
			}
			l.Resume = b.Upload(key, seq)
		}
		n, lastKey, lastID := 0, "", ""
		err := l.Walk(r, family, func(key string, kv store.KV, common bool) (bool, error) {
			if n == l.Limit {
				out.IsTruncated, out.NextKeyMarker, out.NextUploadIdMarker = new(true), l.Text(lastKey), aws.Some(lastID)
				return false, nil
			}
			n++
			lastKey, lastID = key, ""
			if common {
				out.CommonPrefixes = append(out.CommonPrefixes, s3api.CommonPrefix{Prefix: l.Text(key)})
				return true, nil
			}
			e := store.Decode(kv.Key, len(family))
			e.Text()
			lastID = bucket.SealSeq(b.N, e.Uint(), "upload")
			var u bucket.UploadRecord
			if err := record.Decode(kv.Value, bucket.UploadVersion, &u); err != nil {
				return false, err
			}
			out.Uploads = append(out.Uploads, b.ListUpload(l.Text(key), lastID, &u))
			return true, nil
		})
		return out, err
	})
}

// ListParts lists the parts of an upload.
func (s *Service) ListParts(ctx context.Context, _ aws.Identity, in *s3api.ListPartsRequest) (*s3api.ListPartsOutput, error) {
	limit, above := int32(bucket.MaxPage), int32(0)
	if in.MaxParts != nil {
		if *in.MaxParts < 0 {
			return nil, fault.InvalidArgument("Argument max-parts must be an integer between 0 and 2147483647", "max-parts", strconv.FormatInt(int64(*in.MaxParts), 10))
		}
		limit = min(*in.MaxParts, bucket.MaxPage)
	}
	if in.PartNumberMarker != nil {
		if above = *in.PartNumberMarker; above < 0 {
			return nil, fault.InvalidArgument("Argument part-number-marker must be an integer between 0 and 2147483647", "part-number-marker", strconv.FormatInt(int64(above), 10))
		}
	}
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.ListPartsOutput, error) {
		u, seq, err := b.ReadUpload(r, in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		out := &s3api.ListPartsOutput{Bucket: &in.Bucket, Key: &in.Key, UploadId: &in.UploadId, PartNumberMarker: &above, MaxParts: &limit,
			NextPartNumberMarker: new(int32(0)), IsTruncated: new(false), Owner: bucket.Owner(b.Account), Initiator: b.Initiator(&u),
			StorageClass: s3api.StorageClass(u.Object.StorageClass())}
		if u.Asked {
			out.ChecksumAlgorithm, out.ChecksumType = s3api.ChecksumAlgorithm(u.Algorithm), s3api.ChecksumType(u.Type)
		}
		a, err := b.AbortDate(r, in.Key, u.Initiated)
		if err != nil {
			return nil, err
		}
		if a != nil {
			out.AbortDate, out.AbortRuleId = &a.Date, &a.Rule
		}
		list, err := b.Parts(r, seq, above, int(limit)+1)
		for i, p := range list {
			if i == int(limit) {
				out.IsTruncated = new(true)
				break
			}
			e := s3api.Part{PartNumber: &p.Number, ETag: new(`"` + p.ETag + `"`), Size: &p.Size, LastModified: &p.Modified}
			if u.Asked {
				setSum(&e, p.Sum)
			}
			out.NextPartNumberMarker = &p.Number
			out.Parts = append(out.Parts, e)
		}
		return out, err
	})
}
