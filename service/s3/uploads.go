package s3

import (
	"context"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// ListMultipartUploads lists the uploads that were begun and not ended, by key and age.
func (s *Service) ListMultipartUploads(ctx context.Context, _ aws.Identity, in *s3api.ListMultipartUploadsRequest) (*s3api.ListMultipartUploadsOutput, error) {
	key, marker := or(in.KeyMarker, ""), or(in.UploadIdMarker, "")
	l, err := newListing(in.Prefix, in.Delimiter, key, in.MaxUploads, "max-uploads", in.EncodingType)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket) (*s3api.ListMultipartUploadsOutput, error) {
		out := &s3api.ListMultipartUploadsOutput{Bucket: &in.Bucket, Prefix: l.text(l.prefix), Delimiter: l.optional(l.delimiter), KeyMarker: l.text(key),
			UploadIdMarker: &marker, MaxUploads: ptr(int32(l.limit)), IsTruncated: ptr(false), EncodingType: in.EncodingType}
		if l.limit == 0 {
			return out, nil
		}
		family := b.family(familyUpload)
		if key != "" && marker != "" {
			if seq, ok := openSeq(b.N, marker, "upload"); ok {
				l.resume = b.upload(key, seq)
			}
		}
		n, lastKey, lastID := 0, "", ""
		err := l.walk(r, family, func(key string, kv store.KV, common bool) (bool, error) {
			if n == l.limit {
				out.IsTruncated, out.NextKeyMarker, out.NextUploadIdMarker = ptr(true), l.text(lastKey), some(lastID)
				return false, nil
			}
			n++
			lastKey, lastID = key, ""
			if common {
				out.CommonPrefixes = append(out.CommonPrefixes, s3api.CommonPrefix{Prefix: l.text(key)})
				return true, nil
			}
			e := store.Decode(kv.Key, len(family))
			e.Text()
			lastID = sealSeq(b.N, e.Uint(), "upload")
			var u uploadRecord
			if err := record.Decode(kv.Value, uploadVersion, &u); err != nil {
				return false, err
			}
			out.Uploads = append(out.Uploads, b.listUpload(l.text(key), lastID, &u))
			return true, nil
		})
		return out, err
	})
}

func (b *bucket) listUpload(key *string, id string, u *uploadRecord) s3api.MultipartUpload {
	e := s3api.MultipartUpload{Key: key, UploadId: &id, Initiated: &u.Initiated, Owner: owner(b.Account), Initiator: b.initiator(u),
		StorageClass: s3api.StorageClass(u.Object.class())}
	if u.Asked {
		e.ChecksumAlgorithm, e.ChecksumType = s3api.ChecksumAlgorithm(u.Algorithm), s3api.ChecksumType(u.Type)
	}
	return e
}

// initiator is the ARN of a user or role, or the owner's canonical id for an account.
func (b *bucket) initiator(u *uploadRecord) *s3api.Initiator {
	if u.Initiator == "" || u.Initiator == aws.MakeARN("iam", "", b.Account, "root").String() {
		return &s3api.Initiator{ID: ptr(canonicalID(b.Account))}
	}
	return &s3api.Initiator{ID: ptr(u.Initiator)}
}

// ListParts lists the parts of an upload.
func (s *Service) ListParts(ctx context.Context, _ aws.Identity, in *s3api.ListPartsRequest) (*s3api.ListPartsOutput, error) {
	limit, above := int32(maxPage), int32(0)
	if in.MaxParts != nil {
		if *in.MaxParts < 0 {
			return nil, invalidArgument("Argument max-parts must be an integer between 0 and 2147483647", "max-parts", itoa(int64(*in.MaxParts)))
		}
		limit = min(*in.MaxParts, maxPage)
	}
	if in.PartNumberMarker != nil {
		if above = *in.PartNumberMarker; above < 0 {
			return nil, invalidArgument("Argument part-number-marker must be an integer between 0 and 2147483647", "part-number-marker", itoa(int64(above)))
		}
	}
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket) (*s3api.ListPartsOutput, error) {
		u, seq, err := b.readUpload(r, in.Key, in.UploadId)
		if err != nil {
			return nil, err
		}
		out := &s3api.ListPartsOutput{Bucket: &in.Bucket, Key: &in.Key, UploadId: &in.UploadId, PartNumberMarker: &above, MaxParts: &limit,
			NextPartNumberMarker: ptr(int32(0)), IsTruncated: ptr(false), Owner: owner(b.Account), Initiator: b.initiator(&u),
			StorageClass: s3api.StorageClass(u.Object.class())}
		if u.Asked {
			out.ChecksumAlgorithm, out.ChecksumType = s3api.ChecksumAlgorithm(u.Algorithm), s3api.ChecksumType(u.Type)
		}
		a, err := b.abortDate(r, in.Key, u.Initiated)
		if err != nil {
			return nil, err
		}
		if a != nil {
			out.AbortDate, out.AbortRuleId = &a.date, &a.rule
		}
		list, err := b.parts(r, seq, above, int(limit)+1)
		for i, p := range list {
			if i == int(limit) {
				out.IsTruncated = ptr(true)
				break
			}
			e := s3api.Part{PartNumber: &p.number, ETag: ptr(`"` + p.ETag + `"`), Size: &p.Size, LastModified: &p.Modified}
			if u.Asked {
				setSum(&e, p.Sum)
			}
			out.NextPartNumberMarker = &p.number
			out.Parts = append(out.Parts, e)
		}
		return out, err
	})
}
