package dynamodb

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/brume-dev/brume/api/logsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
)

// bucket stands for S3, with one bucket, and for CloudWatch Logs.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	logged  []string
	streams map[string]bool
	fail    int // the number of calls from now at which one fails, as when the process dies in it; 0: none
	via     map[string]bool
}

const bucketName = "the-bucket"

var errDown = errors.New("the machine is down")

func (b *bucket) Call(_ context.Context, id aws.Identity, _ aws.Op, in any) (any, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.via[id.ViaService] = true
	if b.fail > 0 {
		if b.fail--; b.fail == 0 {
			return nil, errDown
		}
	}
	switch in := in.(type) {
	case *s3api.PutObjectRequest:
		if in.Bucket != bucketName {
			return nil, &s3api.NoSuchBucket{Message: "The specified bucket does not exist"}
		}
		body, err := io.ReadAll(in.Body)
		b.objects[in.Key] = body
		tag := fmt.Sprintf("%q", fmt.Sprintf("%x", md5.Sum(body)))
		return &s3api.PutObjectOutput{ETag: &tag}, err
	case *s3api.GetObjectRequest:
		body := b.objects[in.Key]
		return &s3api.GetObjectOutput{Body: bytes.NewReader(body), ContentLength: new(int64(len(body)))}, nil
	case *s3api.ListObjectsV2Request:
		if in.Bucket != bucketName {
			return nil, &s3api.NoSuchBucket{Message: "The specified bucket does not exist"}
		}
		out := &s3api.ListObjectsV2Output{}
		for _, key := range slices.Sorted(maps.Keys(b.objects)) {
			if !strings.HasPrefix(key, aws.Or(in.Prefix, "")) || key <= aws.Or(in.StartAfter, "") {
				continue
			}
			if len(out.Contents) == 2 { // small pages
				out.IsTruncated = new(true)
				break
			}
			out.Contents = append(out.Contents, s3api.Object{Key: &key})
		}
		return out, nil
	case *logsapi.CreateLogGroupRequest:
		return &logsapi.CreateLogGroupOutput{}, nil
	case *logsapi.CreateLogStreamRequest:
		b.streams[in.LogStreamName] = true
		return &logsapi.CreateLogStreamOutput{}, nil
	case *logsapi.PutLogEventsRequest:
		if !b.streams[in.LogStreamName] {
			return nil, &logsapi.ResourceNotFoundException{Message: "The specified log group does not exist."}
		}
		for _, e := range in.LogEvents {
			b.logged = append(b.logged, e.Message)
		}
		return &logsapi.PutLogEventsResponse{}, nil
	}
	return nil, fmt.Errorf("no operation with %T", in)
}

func (b *bucket) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, errors.ErrUnsupported
}
