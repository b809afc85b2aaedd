package s3

import (
	"cmp"
	"context"
	"net/http"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/service/s3/cors"
	"github.com/brume-dev/brume/store"
)

// PutBucketCors says which web pages may use the bucket.
func (s *Service) PutBucketCors(ctx context.Context, _ aws.Identity, in *s3api.PutBucketCorsRequest) (*s3api.PutBucketCorsOutput, error) {
	if err := cors.Check(in.CORSConfiguration.CORSRules); err != nil {
		return nil, err
	}
	return change[s3api.PutBucketCorsOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		b.CORS = true
		return b.WriteSetting(tx, bucket.SettingCORS, in.CORSConfiguration.CORSRules)
	})
}

// GetBucketCors tells the CORS rules.
func (s *Service) GetBucketCors(ctx context.Context, _ aws.Identity, in *s3api.GetBucketCorsRequest) (*s3api.GetBucketCorsOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket.Bucket) (*s3api.GetBucketCorsOutput, error) {
		out := new(s3api.GetBucketCorsOutput)
		if ok, err := b.ReadSetting(r, bucket.SettingCORS, &out.CORSRules); err != nil || !ok {
			return nil, cmp.Or(err, missing("NoSuchCORSConfiguration", "The CORS configuration does not exist"))
		}
		return out, nil
	})
}

// DeleteBucketCors takes the CORS rules away.
func (s *Service) DeleteBucketCors(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketCorsRequest) (*s3api.DeleteBucketCorsOutput, error) {
	return change[s3api.DeleteBucketCorsOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket.Bucket) error {
		b.CORS = false
		return b.WriteSetting(tx, bucket.SettingCORS, nil)
	})
}

// rulesOf returns the CORS rules of a bucket, none when there are none.
func (s *Service) rulesOf(ctx context.Context, name string) ([]s3api.CORSRule, error) {
	return view(ctx, s, name, nil, func(r store.Reader, b *bucket.Bucket) (rules []s3api.CORSRule, err error) {
		if b.CORS {
			_, err = b.ReadSetting(r, bucket.SettingCORS, &rules)
		}
		return rules, err
	})
}

// Preflight answers a browser's preflight request for a bucket or, when there is a key, an object: with headers in out,
// or an error. found is false when there is no such bucket.
func (s *Service) Preflight(ctx context.Context, name string, object bool, asked, out http.Header) (found bool, err error) {
	rules, err := s.rulesOf(ctx, name)
	if err != nil {
		return aws.CodeOf(err) != "NoSuchBucket" && aws.CodeOf(err) != "InvalidBucketName", err
	}
	resource := "BUCKET"
	if object {
		resource = "OBJECT"
	}
	q, err := cors.Preflight(asked)
	switch {
	case err != nil:
		return true, err
	case len(rules) == 0:
		return true, cors.Disabled(q.Method, resource)
	case !cors.Allow(rules, q, out):
		return true, cors.Refused(q.Method, resource)
	}
	return true, nil
}

// AllowOrigin adds to the headers of an answer what lets the page that sent the request, whose headers are asked, read it,
// if the rules of the bucket do.
func (s *Service) AllowOrigin(ctx context.Context, name, method string, asked, out http.Header) {
	if asked.Get("Origin") == "" {
		return
	}
	rules, err := s.rulesOf(ctx, name)
	if err != nil {
		return // the answer itself says so
	}
	q := cors.Question{Origin: asked.Get("Origin"), Method: method}
	if asked.Get("Access-Control-Request-Method") != "" {
		if q, err = cors.Preflight(asked); err != nil {
			return // nonsense that no browser sends
		}
	}
	cors.Allow(rules, q, out)
}
