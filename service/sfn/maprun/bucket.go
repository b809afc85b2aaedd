package maprun

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/asl/fault"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sfn/dataset"
	"github.com/brume-dev/brume/service/sfn/machine"
)

// bucket reads and writes objects with the machine's role. What S3 refuses is an error of the execution with this name.
type bucket struct {
	runs  *Runs
	l     *loaded
	key   string // of the promise: the id of the requests
	error string
}

var _ dataset.Bucket = (*bucket)(nil)

func (b *bucket) identity(ctx context.Context) (aws.Identity, error) {
	arn := b.l.rev.ARN()
	request := aws.Request{ID: b.key, Trace: b.l.rec.Trace}
	service := aws.ForService(machine.Principal, b.l.rev.Account, b.l.rev.Region, arn, request)
	sum := sha256.Sum256([]byte(arn)) // the session that tasks of the machine have
	id, _, err := b.runs.Roles.Assume(ctx, service, b.l.rev.Role, fmt.Sprintf("%x", sum[:16]))
	if err != nil {
		if ctx.Err() != nil || aws.InfoOf(err).Status >= 500 {
			return id, err
		}
		return id, fault.New(fault.Permissions, "Neither the global service principal %s, nor the regional one is authorized to assume the provided role.",
			machine.Principal)
	}
	id.Request, id.Region = request, b.l.rev.Region
	return id, nil
}

// refused makes an error of the execution of one that S3 gave.
func (b *bucket) refused(ctx context.Context, err error) error {
	info := aws.InfoOf(err)
	if err == nil || ctx.Err() != nil || info.Status >= 500 {
		return err
	}
	return fault.New(b.error, "%s (Service: Amazon S3; Status Code: %d; Error Code: %s; Request ID: %s)", info.Message, info.Status, info.Code, b.key)
}

// Get implements dataset.Bucket.
func (b *bucket) Get(ctx context.Context, name, key, version, etag string, offset int64) (*dataset.Content, error) {
	id, err := b.identity(ctx)
	if err != nil {
		return nil, err
	}
	in := &s3api.GetObjectRequest{Bucket: name, Key: key, VersionId: aws.Some(version), IfMatch: aws.Some(etag)}
	if offset > 0 {
		in.Range = new(fmt.Sprintf("bytes=%d-", offset))
	}
	out, err := b.runs.s3.GetObject(ctx, id, in)
	if err != nil {
		if aws.InfoOf(err).Code == "InvalidRange" {
			return &dataset.Content{Body: io.NopCloser(empty{}), ETag: etag}, nil
		}
		return nil, b.refused(ctx, err)
	}
	body, ok := out.Body.(io.ReadCloser)
	if !ok {
		body = io.NopCloser(out.Body)
	}
	return &dataset.Content{Body: body, ETag: aws.Or(out.ETag, ""), Gzip: aws.Or(out.ContentEncoding, "") == "gzip"}, nil
}

type empty struct{}

func (empty) Read([]byte) (int, error) { return 0, io.EOF }

// List implements dataset.Bucket.
func (b *bucket) List(ctx context.Context, name, prefix, after string) ([]dataset.Object, bool, error) {
	id, err := b.identity(ctx)
	if err != nil {
		return nil, false, err
	}
	out, err := b.runs.s3.ListObjectsV2(ctx, id, &s3api.ListObjectsV2Request{Bucket: name, Prefix: aws.Some(prefix), StartAfter: aws.Some(after)})
	if err != nil {
		return nil, false, b.refused(ctx, err)
	}
	objects := make([]dataset.Object, len(out.Contents))
	for i, o := range out.Contents {
		objects[i] = dataset.Object{ETag: aws.Or(o.ETag, ""), Key: aws.Or(o.Key, ""), Size: aws.Or(o.Size, 0), StorageClass: string(o.StorageClass)}
		if o.LastModified != nil {
			objects[i].LastModified = o.LastModified.Unix()
		}
	}
	return objects, aws.Or(out.IsTruncated, false), nil
}

// Put writes an object as it comes.
func (b *bucket) Put(ctx context.Context, name, key string, body io.Reader) error {
	id, err := b.identity(ctx)
	if err != nil {
		return err
	}
	_, err = b.runs.s3.PutObject(ctx, id, &s3api.PutObjectRequest{Bucket: name, Key: key, Body: body, ContentType: new("application/json")})
	if _, ours := errors.AsType[*fault.Error](err); ours {
		return err
	}
	return b.refused(ctx, err)
}
