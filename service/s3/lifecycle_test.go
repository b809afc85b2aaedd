package s3_test

import (
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/s3api"
)

// TestLifecycle lets days pass and sees what ends when.
func TestLifecycle(t *testing.T) {
	w := open(t)
	w.versioning(t, "Enabled")
	must[*s3api.PutBucketLifecycleConfigurationOutput](t)(w.PutBucketLifecycleConfiguration(t.Context(), me, &s3api.PutBucketLifecycleConfigurationRequest{
		Bucket: "bkt", LifecycleConfiguration: &s3api.BucketLifecycleConfiguration{Rules: []s3api.LifecycleRule{
			{ID: ptr("logs"), Status: "Enabled", Filter: &s3api.LifecycleRuleFilter{Prefix: ptr("log/")}, Expiration: &s3api.LifecycleExpiration{Days: ptr(int32(3))},
				NoncurrentVersionExpiration: &s3api.NoncurrentVersionExpiration{NoncurrentDays: ptr(int32(2))}},
			{ID: ptr("all"), Status: "Enabled", Filter: &s3api.LifecycleRuleFilter{Prefix: ptr("")},
				AbortIncompleteMultipartUpload: &s3api.AbortIncompleteMultipartUpload{DaysAfterInitiation: ptr(int32(1))}},
		}}}))
	upload := w.begin(t, "up")
	w.part(t, upload, 1, strings.Repeat("x", 1000))
	put := w.put(t, "log/1", "one")
	if want := `expiry-date="Tue, 06 Jan 2026 00:00:00 GMT", rule-id="logs"`; put.Expiration == nil || *put.Expiration != want {
		t.Errorf("expiration %v, want %s", put.Expiration, want)
	}
	w.put(t, "other", "stays")
	count := func() (versions, markers, uploads int) {
		v := must[*s3api.ListObjectVersionsOutput](t)(w.ListObjectVersions(t.Context(), me, &s3api.ListObjectVersionsRequest{Bucket: "bkt", Prefix: ptr("log/")}))
		u := must[*s3api.ListMultipartUploadsOutput](t)(w.ListMultipartUploads(t.Context(), me, &s3api.ListMultipartUploadsRequest{Bucket: "bkt"}))
		return len(v.Versions), len(v.DeleteMarkers), len(u.Uploads)
	}
	for _, step := range []struct {
		until                      string
		versions, markers, uploads int
	}{
		{"2026-01-03T23:00:00Z", 1, 0, 1}, // the upload began on the 2nd at 3:04
		{"2026-01-04T00:00:01Z", 1, 0, 0},
		{"2026-01-05T23:59:59Z", 1, 0, 0},
		{"2026-01-06T00:00:01Z", 1, 1, 0}, // expired: a marker covers it
		{"2026-01-07T23:59:59Z", 1, 1, 0},
		{"2026-01-08T00:00:01Z", 0, 1, 0}, // not current for two days
		{"2026-01-10T00:00:01Z", 0, 0, 0}, // a marker that covers nothing
	} {
		at := must[time.Time](t)(time.Parse(time.RFC3339, step.until))
		must[time.Time](t)(w.clock.Advance(t.Context(), at.Sub(w.clock.Now())))
		if v, m, u := count(); v != step.versions || m != step.markers || u != step.uploads {
			t.Errorf("at %s: %d versions, %d markers, %d uploads; want %d, %d, %d", step.until, v, m, u, step.versions, step.markers, step.uploads)
		}
	}
	if w.get(t, "other") != "stays" || w.blobsLeft(t) != 0 {
		t.Errorf("%d blobs left", w.blobsLeft(t))
	}
}

// TestSealing sees that whoever may not use the key can neither write nor read.
func TestSealing(t *testing.T) {
	w := open(t)
	seal := &s3api.PutObjectRequest{Bucket: "bkt", Key: "k", ServerSideEncryption: "aws:kms", SSEKMSKeyId: ptr("a-key"), Body: strings.NewReader("x")}
	out := must[*s3api.PutObjectOutput](t)(w.PutObject(t.Context(), me, seal))
	if out.SSEKMSKeyId == nil || *out.SSEKMSKeyId != "a-key" {
		t.Errorf("key %v", out.SSEKMSKeyId)
	}
	if w.get(t, "k") != "x" {
		t.Error("not what was put")
	}
	*w.closed = true
	_, err := w.GetObject(t.Context(), me, &s3api.GetObjectRequest{Bucket: "bkt", Key: "k"})
	wantCode(t, "AccessDenied", err)
	_, err = w.PutObject(t.Context(), me, seal)
	wantCode(t, "AccessDenied", err)
	seal.ServerSideEncryption, seal.SSEKMSKeyId, seal.SSECustomerAlgorithm = "", nil, ptr("AES256")
	_, err = w.PutObject(t.Context(), me, seal)
	wantCode(t, "NotImplemented", err)
}
