package s3

import (
	"context"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
)

// CompleteMultipartUpload makes an object of parts. Nothing is copied: the object lists the blobs of its parts. Completing
// an upload again answers the same as long as its object is the current one.
func (s *Service) CompleteMultipartUpload(ctx context.Context, id aws.Identity, in *s3api.CompleteMultipartUploadRequest) (*s3api.CompleteMultipartUploadOutput, error) {
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 {
		return nil, fault.MalformedXML()
	}
	if err := bucket.CheckKey(in.Key); err != nil {
		return nil, err
	}
	want, err := bucket.SumOf(in)
	if err != nil {
		return nil, err
	}
	cond, err := writeConditionOf(in.IfMatch, in.IfNoneMatch)
	if err != nil {
		return nil, err
	}
	done, err := update(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) (bucket.Committed, error) {
		c, err := b.Complete(tx, in, want, cond, notice.By(id))
		if aws.CodeOf(err) == "NoSuchUpload" {
			return b.Again(tx, in)
		}
		return c, err
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, done.Garbage)
	o := done.O
	out := &s3api.CompleteMultipartUploadOutput{Location: new(objectURL(id.Request.Endpoint, done.B, in.Key)),
		Bucket: &in.Bucket, Key: &in.Key, ETag: new(o.Quoted()), VersionId: o.VersionHeader(done.B), Expiration: done.Expiration,
		ServerSideEncryption: s3api.ServerSideEncryption(o.Sealed.Algorithm), SSEKMSKeyId: o.Sealed.KeyOf(), BucketKeyEnabled: o.Sealed.BucketKeyOf()}
	setSum(out, o.Sum)
	return out, nil
}

// objectURL is where an object is read: below the address by which its author reached the platform.
func objectURL(endpoint string, b *bucket.Bucket, key string) string {
	path := "/" + *(&bucket.Listing{Url: true}).Text(key)
	switch _, host, _ := strings.Cut(endpoint, "://"); {
	case endpoint == "":
		return "https://" + b.Name + ".s3." + b.Region + ".amazonaws.com" + path
	case strings.HasPrefix(host, b.Name+"."):
		return endpoint + path
	}
	return endpoint + "/" + b.Name + path
}
