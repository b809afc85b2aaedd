package target

import (
	"bytes"
	"context"

	"github.com/brume-dev/brume/api/s3api"
)

// toBucket puts an object, as Lambda's on-failure destinations do. Putting it twice is putting it once.
func toBucket(ctx context.Context, a *attempt) error {
	size, kind := int64(len(a.Body)), "application/json"
	_, err := s3api.NewClient(a.caller).PutObject(ctx, a.id, &s3api.PutObjectRequest{
		Bucket:        a.arn.Resource,
		Key:           a.Key,
		Body:          bytes.NewReader(a.Body),
		ContentLength: &size,
		ContentType:   &kind,
	})
	return err
}
