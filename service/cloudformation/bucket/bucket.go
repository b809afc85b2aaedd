// Package bucket reads what templates, policies and snippets name by their place in S3: it is the platform's own, whatever host of
// S3 a URL names, never the network.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/deploy/template"
)

// more is what CloudFormation adds to the words of S3.
const more = "\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"

// Read reads an object as text. What S3 refuses is a ValidationError that begins with the complaint.
func Read(ctx context.Context, caller aws.Caller, id aws.Identity, bucket, key, complaint string) (string, error) {
	out, err := s3api.NewClient(caller).GetObject(ctx, id, &s3api.GetObjectRequest{Bucket: bucket, Key: key})
	if err != nil {
		var known aws.Error
		if errors.As(err, &known) {
			return "", aws.Errorf("ValidationError", 400, "%s%s%s", complaint, known.ErrorInfo().Message, more)
		}
		return "", err
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	b, err := io.ReadAll(io.LimitReader(out.Body, template.MaxObject+1))
	if err != nil {
		return "", fmt.Errorf("cloudformation: read s3://%s/%s: %w", bucket, key, err)
	}
	if len(b) > template.MaxObject {
		return "", aws.Errorf("ValidationError", 400, "Template may not exceed %d bytes in size.", template.MaxObject)
	}
	return string(b), nil
}

// Locate reads the bucket and the key out of a URL of S3 in any of its forms: s3://b/k, https://b.s3.R.amazonaws.com/k,
// https://s3.R.amazonaws.com/b/k, https://s3-R.amazonaws.com/b/k and those of a local endpoint.
func Locate(where string) (bucket, key string, ok bool) {
	u, err := url.Parse(where)
	if err != nil {
		return "", "", false
	}
	path := strings.TrimPrefix(u.Path, "/")
	host := u.Hostname()
	if u.Scheme == "s3" {
		return host, path, host != "" && path != ""
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return "", "", false
	}
	for _, mark := range []string{".s3.", ".s3-"} {
		if b, _, virtual := strings.Cut(host, mark); virtual {
			return b, path, b != "" && path != ""
		}
	}
	bucket, key, ok = strings.Cut(path, "/")
	return bucket, key, ok && bucket != "" && key != ""
}
