package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/blob/memblob"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/s3"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	me    = aws.Identity{Kind: aws.Root, Account: "111122223333", Region: "us-east-1"}
)

// keys is a KMS that refuses everything when it is closed.
type keys struct {
	aws.Caller
	closed *bool
}

func (k keys) Call(_ context.Context, _ aws.Identity, op aws.Op, in any) (any, error) {
	if *k.closed {
		return nil, aws.Errorf("AccessDeniedException", 400, "no")
	}
	switch r := in.(type) {
	case *kmsapi.GenerateDataKeyRequest:
		return &kmsapi.GenerateDataKeyResponse{KeyId: &r.KeyId, CiphertextBlob: []byte(r.EncryptionContext["aws:s3:arn"])}, nil
	case *kmsapi.DecryptRequest:
		if string(r.CiphertextBlob) == r.EncryptionContext["aws:s3:arn"] {
			return &kmsapi.DecryptResponse{}, nil
		}
	}
	return nil, aws.Errorf("InvalidCiphertextException", 400, "%v", op)
}

type world struct {
	*s3.Service
	clock  *clock.Virtual
	blobs  *memblob.Store
	closed *bool
	run    *timer.Runner
}

func open(t testing.TB) world {
	t.Helper()
	c := clock.Frozen(start)
	st := storetest.Split(c, 5)
	w := world{clock: c, blobs: memblob.New(c), closed: new(bool), run: timer.New(timer.Config{Store: st, Clock: c})}
	s, err := s3.New(s3.Config{Store: st, Blobs: w.blobs, Clock: c, Caller: keys{closed: w.closed}, Timer: w.run})
	if err != nil {
		t.Fatal(err)
	}
	w.Service = s
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.run.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if err := w.run.Settle(ctx); err != nil { // it runs
		t.Fatal(err)
	}
	_, err = s.CreateBucket(ctx, me, &s3api.CreateBucketRequest{Bucket: "bkt"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantCode(t *testing.T, code string, err error) {
	t.Helper()
	if err == nil || aws.CodeOf(err) != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

func ptr[T any](v T) *T { return &v }

func (w world) put(t testing.TB, key, body string) *s3api.PutObjectOutput {
	t.Helper()
	return must[*s3api.PutObjectOutput](t)(w.PutObject(context.Background(), me, &s3api.PutObjectRequest{Bucket: "bkt", Key: key, Body: strings.NewReader(body)}))
}

func (w world) get(t testing.TB, key string) string {
	t.Helper()
	out := must[*s3api.GetObjectOutput](t)(w.GetObject(context.Background(), me, &s3api.GetObjectRequest{Bucket: "bkt", Key: key}))
	return string(must[[]byte](t)(io.ReadAll(out.Body)))
}

// blobsLeft counts the blobs.
func (w world) blobsLeft(t testing.TB) (n int) {
	for _, err := range w.blobs.List(context.Background(), s3.Space) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func (w world) versioning(t testing.TB, state s3api.BucketVersioningStatus) {
	t.Helper()
	must[*s3api.PutBucketVersioningOutput](t)(w.PutBucketVersioning(context.Background(), me, &s3api.PutBucketVersioningRequest{Bucket: "bkt",
		VersioningConfiguration: &s3api.VersioningConfiguration{Status: state}}))
}

func TestBucketNames(t *testing.T) {
	w := open(t)
	for name, code := range map[string]string{"bkt": "", "Aa": "InvalidBucketName", "ab": "InvalidBucketName", "a..b": "InvalidBucketName",
		"192.168.0.1": "InvalidBucketName", "xn--a": "InvalidBucketName", "a-s3alias": "InvalidBucketName", "a.b-c": ""} {
		_, err := w.CreateBucket(t.Context(), me, &s3api.CreateBucketRequest{Bucket: name})
		if code == "" && err != nil || code != "" && aws.CodeOf(err) != code {
			t.Errorf("%s: %v, want %q", name, err, code)
		}
	}
	other := aws.Identity{Kind: aws.Root, Account: "999999999999", Region: "us-east-1"}
	_, err := w.CreateBucket(t.Context(), other, &s3api.CreateBucketRequest{Bucket: "bkt"})
	wantCode(t, "BucketAlreadyExists", err)
	west := aws.Identity{Kind: aws.Root, Account: me.Account, Region: "eu-west-1"}
	_, err = w.CreateBucket(t.Context(), west, &s3api.CreateBucketRequest{Bucket: "west"})
	wantCode(t, "IllegalLocationConstraintException", err)
	in := &s3api.CreateBucketRequest{Bucket: "west", CreateBucketConfiguration: &s3api.CreateBucketConfiguration{LocationConstraint: ptr("eu-west-1")}}
	must[*s3api.CreateBucketOutput](t)(w.CreateBucket(t.Context(), west, in))
	for _, wrong := range []string{"us-east-1", "mars-1", "moon"} {
		_, err = w.CreateBucket(t.Context(), me, &s3api.CreateBucketRequest{Bucket: "east", CreateBucketConfiguration: &s3api.CreateBucketConfiguration{LocationConstraint: &wrong}})
		wantCode(t, "InvalidLocationConstraint", err)
	}
	_, err = w.CreateBucket(t.Context(), west, in)
	wantCode(t, "BucketAlreadyOwnedByYou", err)
	list := must[*s3api.ListBucketsOutput](t)(w.ListBuckets(t.Context(), me, &s3api.ListBucketsRequest{Prefix: ptr("b")}))
	if len(list.Buckets) != 1 || *list.Buckets[0].Name != "bkt" {
		t.Errorf("buckets %v", list.Buckets)
	}
}

// TestBucketGoesWhole deletes a bucket with an upload in it, and makes another of its name.
func TestBucketGoesWhole(t *testing.T) {
	w := open(t)
	w.put(t, "k", "x")
	_, err := w.DeleteBucket(t.Context(), me, &s3api.DeleteBucketRequest{Bucket: "bkt"})
	wantCode(t, "BucketNotEmpty", err)
	must[*s3api.DeleteObjectOutput](t)(w.DeleteObject(t.Context(), me, &s3api.DeleteObjectRequest{Bucket: "bkt", Key: "k"}))
	w.part(t, w.begin(t, "up"), 1, strings.Repeat("x", 99))
	must[*s3api.DeleteBucketOutput](t)(w.DeleteBucket(t.Context(), me, &s3api.DeleteBucketRequest{Bucket: "bkt"}))
	_, err = w.HeadBucket(t.Context(), me, &s3api.HeadBucketRequest{Bucket: "bkt"})
	wantCode(t, "NoSuchBucket", err)
	must[*s3api.CreateBucketOutput](t)(w.CreateBucket(t.Context(), me, &s3api.CreateBucketRequest{Bucket: "bkt"}))
	if err := w.run.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.put(t, "k", "y") // the promise of the old bucket left the new one alone
	if n := w.blobsLeft(t); n != 0 {
		t.Errorf("%d blobs left", n)
	}
}

func (w world) begin(t testing.TB, key string) string {
	t.Helper()
	return *must[*s3api.CreateMultipartUploadOutput](t)(w.CreateMultipartUpload(context.Background(), me, &s3api.CreateMultipartUploadRequest{Bucket: "bkt", Key: key})).UploadId
}

func (w world) part(t testing.TB, upload string, n int32, body string) s3api.CompletedPart {
	t.Helper()
	out := must[*s3api.UploadPartOutput](t)(w.UploadPart(context.Background(), me, &s3api.UploadPartRequest{Bucket: "bkt", Key: "up", UploadId: upload,
		PartNumber: n, Body: strings.NewReader(body)}))
	return s3api.CompletedPart{PartNumber: &n, ETag: out.ETag}
}

// TestBodies writes bodies around the size at which they leave the store, and sees that no blob outlives its object.
func TestBodies(t *testing.T) {
	w := open(t)
	for _, n := range []int{0, 1, 32 << 10, 32<<10 + 1, 1 << 20} {
		body := strings.Repeat("abcdefg", n/7+1)[:n]
		w.put(t, "k", body)
		if w.get(t, "k") != body {
			t.Errorf("%d bytes: not what was put", n)
		}
	}
	if n := w.blobsLeft(t); n != 1 {
		t.Errorf("%d blobs for one large object", n)
	}
	_, err := w.PutObject(t.Context(), me, &s3api.PutObjectRequest{Bucket: "bkt", Key: "bad", ContentMD5: ptr("XUFAKrxLKna5cZ2REBfFkg=="),
		Body: strings.NewReader(strings.Repeat("x", 1<<17))})
	wantCode(t, "BadDigest", err)
	_, err = w.PutObject(t.Context(), me, &s3api.PutObjectRequest{Bucket: "bkt", Key: "k", IfNoneMatch: ptr("*"), Body: strings.NewReader(strings.Repeat("x", 1<<17))})
	wantCode(t, "PreconditionFailed", err)
	must[*s3api.CopyObjectOutput](t)(w.CopyObject(t.Context(), me, &s3api.CopyObjectRequest{Bucket: "bkt", Key: "copy", CopySource: "bkt/k"}))
	if n := w.blobsLeft(t); n != 1 {
		t.Errorf("%d blobs for a shared body", n)
	}
	for _, k := range []string{"k", "copy"} {
		if got := w.get(t, k); len(got) != 1<<20 {
			t.Errorf("%s: %d bytes", k, len(got))
		}
		must[*s3api.DeleteObjectOutput](t)(w.DeleteObject(t.Context(), me, &s3api.DeleteObjectRequest{Bucket: "bkt", Key: k}))
	}
	if n := w.blobsLeft(t); n != 0 {
		t.Errorf("%d blobs of nothing", n)
	}
}

// TestLive keeps the blobs that are named from the sweeper.
func TestLive(t *testing.T) {
	w := open(t)
	w.put(t, "k", strings.Repeat("x", 1<<17))
	orphan := must[blob.Info](t)(w.blobs.Put(t.Context(), s3.Space, strings.NewReader("orphan")))
	sweeper := blob.NewSweeper(blob.SweepConfig{Store: w.blobs, Clock: w.clock, Live: map[string]blob.Live{s3.Space: w.Live}})
	for range 3 {
		must[time.Time](t)(w.clock.Advance(t.Context(), 2*time.Hour))
		must[int](t)(sweeper.Sweep(t.Context()))
	}
	if _, err := w.blobs.Open(t.Context(), orphan.ID, 0, -1); err == nil {
		t.Error("the orphan stayed")
	}
	if len(w.get(t, "k")) != 1<<17 {
		t.Error("the object lost its body")
	}
}

// TestListing compares pages of every size with a model, over names that try the encoding of keys.
func TestListing(t *testing.T) {
	w := open(t)
	rnd := rand.New(rand.NewSource(1))
	letters := []string{"a", "b", "/", "\x00", "é", "\U0001f600", "\U0010ffff"}
	var names []string
	for range 120 {
		k := ""
		for range 1 + rnd.Intn(6) {
			k += letters[rnd.Intn(len(letters))]
		}
		if !slices.Contains(names, k) {
			names = append(names, k)
			w.put(t, k, k)
		}
	}
	slices.Sort(names)
	for _, prefix := range []string{"", "a", "a/", "\x00", "é", "b\x00"} {
		for _, delimiter := range []string{"", "/", "a", "\x00", "//"} {
			var want []string
			for _, k := range names {
				rest, ok := strings.CutPrefix(k, prefix)
				if !ok {
					continue
				}
				if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
					k = prefix + rest[:i+len(delimiter)]
				}
				if !slices.Contains(want, k) {
					want = append(want, k)
				}
			}
			for _, size := range []int32{1, 3, 1000} {
				if got := w.list(t, prefix, delimiter, size); !slices.Equal(got, want) {
					t.Errorf("prefix %q delimiter %q pages of %d:\n%q\nwant\n%q", prefix, delimiter, size, got, want)
				}
			}
		}
	}
}

func (w world) list(t *testing.T, prefix, delimiter string, size int32) (got []string) {
	t.Helper()
	var token *string
	for range 1000 {
		out := must[*s3api.ListObjectsV2Output](t)(w.ListObjectsV2(t.Context(), me, &s3api.ListObjectsV2Request{Bucket: "bkt", Prefix: &prefix,
			Delimiter: &delimiter, MaxKeys: &size, ContinuationToken: token}))
		var page []string
		for _, o := range out.Contents {
			page = append(page, *o.Key)
		}
		for _, p := range out.CommonPrefixes {
			page = append(page, *p.Prefix)
		}
		slices.Sort(page)
		got = append(got, page...)
		if token = out.NextContinuationToken; token == nil {
			return got
		}
	}
	t.Fatal("the list does not end")
	return nil
}

// TestVersions runs random writes and deletions against a model of what versions there are.
func TestVersions(t *testing.T) {
	w := open(t)
	rnd := rand.New(rand.NewSource(2))
	type version struct {
		id, body string
		marker   bool
	}
	model := []version{} // newest first
	drop := func(id string) {
		model = slices.DeleteFunc(model, func(v version) bool { return v.id == id })
	}
	state := s3api.BucketVersioningStatus("")
	for i := range 400 {
		switch n := rnd.Intn(10); {
		case n == 0 && i > 20:
			state = []s3api.BucketVersioningStatus{"Enabled", "Suspended"}[rnd.Intn(2)]
			w.versioning(t, state)
		case n < 6:
			body := fmt.Sprint(i)
			out := w.put(t, "k", body)
			id := "null"
			if state == "Enabled" {
				id = *out.VersionId
			}
			drop(id)
			model = append([]version{{id, body, false}}, model...)
		case n < 8:
			out := must[*s3api.DeleteObjectOutput](t)(w.DeleteObject(t.Context(), me, &s3api.DeleteObjectRequest{Bucket: "bkt", Key: "k"}))
			if state == "" {
				drop("null")
				break
			}
			drop(*out.VersionId)
			model = append([]version{{*out.VersionId, "", true}}, model...)
		case len(model) > 0:
			id := model[rnd.Intn(len(model))].id
			must[*s3api.DeleteObjectOutput](t)(w.DeleteObject(t.Context(), me, &s3api.DeleteObjectRequest{Bucket: "bkt", Key: "k", VersionId: &id}))
			drop(id)
		}
		out := must[*s3api.ListObjectVersionsOutput](t)(w.ListObjectVersions(t.Context(), me, &s3api.ListObjectVersionsRequest{Bucket: "bkt"}))
		if len(out.Versions)+len(out.DeleteMarkers) != len(model) {
			t.Fatalf("step %d: %d versions and %d markers, want %d", i, len(out.Versions), len(out.DeleteMarkers), len(model))
		}
		got, err := w.GetObject(t.Context(), me, &s3api.GetObjectRequest{Bucket: "bkt", Key: "k"})
		if len(model) == 0 || model[0].marker {
			wantCode(t, "NoSuchKey", err)
		} else if b := must[[]byte](t)(io.ReadAll(got.Body)); string(b) != model[0].body {
			t.Fatalf("step %d: read %q, want %q", i, b, model[0].body)
		}
		for j, v := range model {
			got, err := w.GetObject(t.Context(), me, &s3api.GetObjectRequest{Bucket: "bkt", Key: "k", VersionId: &v.id})
			if v.marker {
				wantCode(t, "MethodNotAllowed", err)
			} else if b := must[[]byte](t)(io.ReadAll(must[*s3api.GetObjectOutput](t)(got, err).Body)); string(b) != v.body {
				t.Fatalf("step %d: version %d is %q, want %q", i, j, b, v.body)
			}
		}
	}
}

func BenchmarkPutSmall(b *testing.B) {
	w := open(b)
	body := bytes.Repeat([]byte("x"), 1024)
	for i := 0; b.Loop(); i++ {
		_, err := w.PutObject(context.Background(), me, &s3api.PutObjectRequest{Bucket: "bkt", Key: fmt.Sprint("k", i%1000), Body: bytes.NewReader(body)})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetSmall(b *testing.B) {
	w := open(b)
	w.put(b, "k", strings.Repeat("x", 1024))
	for b.Loop() {
		out, err := w.GetObject(context.Background(), me, &s3api.GetObjectRequest{Bucket: "bkt", Key: "k"})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, out.Body); err != nil {
			b.Fatal(err)
		}
	}
}
