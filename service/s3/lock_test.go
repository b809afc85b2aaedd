package s3_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/lambdaapi"
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/api/sqsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/blob/memblob"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/s3"
	"github.com/brume-dev/brume/store/storetest"
	"github.com/brume-dev/brume/timer"
)

// TestLock sees who may delete what is locked, and that a lifecycle may not.
func TestLock(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	must[*s3api.CreateBucketOutput](t)(w.CreateBucket(ctx, me, &s3api.CreateBucketRequest{Bucket: "locked", ObjectLockEnabledForBucket: new(true)}))
	put := func(key string, mode s3api.ObjectLockMode, days int, hold s3api.ObjectLockLegalHoldStatus) string {
		in := &s3api.PutObjectRequest{Bucket: "locked", Key: key, Body: strings.NewReader("x"), ObjectLockMode: mode, ObjectLockLegalHoldStatus: hold}
		if mode != "" {
			in.ObjectLockRetainUntilDate = new(start.AddDate(0, 0, days))
		}
		return *must[*s3api.PutObjectOutput](t)(w.PutObject(ctx, me, in)).VersionId
	}
	del := func(key, version string, bypass bool) error {
		_, err := w.DeleteObject(ctx, me, &s3api.DeleteObjectRequest{Bucket: "locked", Key: key, VersionId: &version, BypassGovernanceRetention: &bypass})
		return err
	}
	retain := func(key, version string, mode s3api.ObjectLockRetentionMode, days int, bypass bool) error {
		r := &s3api.ObjectLockRetention{}
		if mode != "" {
			r.Mode, r.RetainUntilDate = mode, new(start.AddDate(0, 0, days))
		}
		_, err := w.PutObjectRetention(ctx, me, &s3api.PutObjectRetentionRequest{Bucket: "locked", Key: key, VersionId: &version, Retention: r, BypassGovernanceRetention: &bypass})
		return err
	}
	strict, soft, held := put("strict", "COMPLIANCE", 10, ""), put("soft", "GOVERNANCE", 10, ""), put("held", "", 0, "ON")
	for _, err := range []error{del("strict", strict, true), del("soft", soft, false), del("held", held, true),
		retain("strict", strict, "COMPLIANCE", 9, true), retain("strict", strict, "GOVERNANCE", 20, true), retain("strict", strict, "", 0, true),
		retain("soft", soft, "GOVERNANCE", 9, false), retain("soft", soft, "", 0, false)} {
		wantCode(t, "AccessDenied", err)
	}
	wantCode(t, "InvalidArgument", retain("soft", soft, "GOVERNANCE", -1, true))
	for _, err := range []error{retain("strict", strict, "COMPLIANCE", 11, false), retain("soft", soft, "COMPLIANCE", 10, false)} {
		if err != nil {
			t.Error(err)
		}
	}
	must[*s3api.PutBucketLifecycleConfigurationOutput](t)(w.PutBucketLifecycleConfiguration(ctx, me, &s3api.PutBucketLifecycleConfigurationRequest{
		Bucket: "locked", LifecycleConfiguration: &s3api.BucketLifecycleConfiguration{Rules: []s3api.LifecycleRule{{ID: new("r"), Status: "Enabled",
			Filter: &s3api.LifecycleRuleFilter{}, Expiration: &s3api.LifecycleExpiration{Days: new(int32(1))},
			NoncurrentVersionExpiration: &s3api.NoncurrentVersionExpiration{NoncurrentDays: new(int32(1))}}}}}))
	left := func() (keys []string) {
		for _, v := range must[*s3api.ListObjectVersionsOutput](t)(w.ListObjectVersions(ctx, me, &s3api.ListObjectVersionsRequest{Bucket: "locked"})).Versions {
			keys = append(keys, *v.Key)
		}
		return keys
	}
	must[time.Time](t)(w.clock.Advance(ctx, 5*24*time.Hour))
	if got := strings.Join(left(), " "); got != "held soft strict" {
		t.Errorf("after 5 days: %s", got)
	}
	must[time.Time](t)(w.clock.Advance(ctx, 10*24*time.Hour))
	if got := strings.Join(left(), " "); got != "held" {
		t.Errorf("after 15 days: %s", got)
	}
}

// deaf is a platform whose queue "closed" takes nothing, whose function refuses to be invoked, and which keeps what else
// is sent.
type deaf struct{ sent chan string }

func (d deaf) Call(_ context.Context, id aws.Identity, op aws.Op, in any) (any, error) {
	if id.Kind != aws.ServicePrincipal || id.Service != "s3.amazonaws.com" || id.SourceARN != "arn:aws:s3:::told" {
		return nil, aws.Errorf("AccessDenied", 403, "%+v", id)
	}
	switch r := in.(type) {
	case *sqsapi.SendMessageRequest:
		if strings.HasSuffix(r.QueueUrl, "/closed") {
			return nil, aws.Errorf("AccessDenied", 403, "no")
		}
		d.sent <- r.MessageBody
		return &sqsapi.SendMessageResult{}, nil
	case *lambdaapi.InvocationRequest:
		return nil, aws.Errorf("AccessDeniedException", 403, "no")
	}
	return nil, aws.Errorf("InvalidAction", 400, "%v", op)
}

func (deaf) Document(context.Context, aws.Identity, aws.Op, []byte) ([]byte, error) {
	return nil, io.ErrUnexpectedEOF
}

// TestNotifications sees each kind of change told, with its own name, in order of its sequencer.
func TestNotifications(t *testing.T) {
	c := clock.Frozen(start)
	st := storetest.Split(c, 7)
	run := timer.New(timer.Config{Store: st, Clock: c})
	caller := deaf{make(chan string, 100)}
	target.Register(target.Config{Runner: run, Caller: caller, Clock: c})
	s := must[*s3.Service](t)(s3.New(s3.Config{Store: st, Blobs: memblob.New(c), Clock: c, Caller: caller, Timer: run}))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	must[*s3api.CreateBucketOutput](t)(s.CreateBucket(ctx, me, &s3api.CreateBucketRequest{Bucket: "told"}))
	configure := func(c s3api.NotificationConfiguration) error {
		_, err := s.PutBucketNotificationConfiguration(ctx, me, &s3api.PutBucketNotificationConfigurationRequest{Bucket: "told", NotificationConfiguration: &c})
		return err
	}
	queue := func(name string) s3api.NotificationConfiguration {
		return s3api.NotificationConfiguration{QueueConfigurations: []s3api.QueueConfiguration{{Id: new("q"), QueueArn: "arn:aws:sqs:us-east-1:111122223333:" + name,
			Events: []s3api.Event{s3api.EventS3ObjectCreatedAny, s3api.EventS3ObjectRemovedAny, s3api.EventS3ObjectTaggingAny, s3api.EventS3ObjectAclPut}}}}
	}
	wantCode(t, "InvalidArgument", configure(queue("closed")))
	wantCode(t, "InvalidArgument", configure(s3api.NotificationConfiguration{LambdaFunctionConfigurations: []s3api.LambdaFunctionConfiguration{
		{LambdaFunctionArn: "arn:aws:lambda:us-east-1:111122223333:function:f", Events: []s3api.Event{s3api.EventS3ObjectCreatedPut}}}}))
	if err := configure(queue("open")); err != nil {
		t.Fatal(err)
	}
	if test := <-caller.sent; !strings.Contains(test, `"Event":"s3:TestEvent"`) {
		t.Error(test)
	}
	var last string
	heard := func(want string) {
		t.Helper()
		if err := run.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		var m struct {
			Records []struct {
				EventName string
				S3        struct {
					Object struct{ Key, Sequencer string }
				}
			}
		}
		select {
		case text := <-caller.sent:
			if err := json.Unmarshal([]byte(text), &m); err != nil || len(m.Records) != 1 {
				t.Fatalf("%v: %s", err, text)
			}
		default:
		}
		got := ""
		for _, r := range m.Records {
			got = r.EventName + " " + r.S3.Object.Key
			if r.S3.Object.Sequencer <= last {
				t.Errorf("%s: sequencer %s after %s", got, r.S3.Object.Sequencer, last)
			}
			last = r.S3.Object.Sequencer
		}
		if got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	in := &s3api.PutObjectRequest{Bucket: "told", Key: "k", Body: strings.NewReader("x")}
	must[*s3api.PutObjectOutput](t)(s.PutObject(ctx, me, in))
	heard("ObjectCreated:Put k")
	posted := me
	posted.Request.Form = true
	in.Body = strings.NewReader("y")
	must[*s3api.PutObjectOutput](t)(s.PutObject(ctx, posted, in))
	heard("ObjectCreated:Post k")
	_, err := s.PutObject(ctx, me, &s3api.PutObjectRequest{Bucket: "told", Key: "k", Body: strings.NewReader("z"), IfNoneMatch: new("*")})
	wantCode(t, "PreconditionFailed", err)
	heard("")
	must[*s3api.PutObjectTaggingOutput](t)(s.PutObjectTagging(ctx, me, &s3api.PutObjectTaggingRequest{Bucket: "told", Key: "k", Tagging: &s3api.Tagging{TagSet: []s3api.Tag{{Key: "a"}}}}))
	heard("ObjectTagging:Put k")
	must[*s3api.DeleteObjectOutput](t)(s.DeleteObject(ctx, me, &s3api.DeleteObjectRequest{Bucket: "told", Key: "none"}))
	heard("")
	must[*s3api.DeleteObjectOutput](t)(s.DeleteObject(ctx, me, &s3api.DeleteObjectRequest{Bucket: "told", Key: "k"}))
	heard("ObjectRemoved:Delete k")
	must[*s3api.PutBucketVersioningOutput](t)(s.PutBucketVersioning(ctx, me, &s3api.PutBucketVersioningRequest{Bucket: "told",
		VersioningConfiguration: &s3api.VersioningConfiguration{Status: "Enabled"}}))
	must[*s3api.DeleteObjectOutput](t)(s.DeleteObject(ctx, me, &s3api.DeleteObjectRequest{Bucket: "told", Key: "k"}))
	heard("ObjectRemoved:DeleteMarkerCreated k")
	if err := configure(s3api.NotificationConfiguration{}); err != nil {
		t.Fatal(err)
	}
	in.Body = strings.NewReader("z")
	must[*s3api.PutObjectOutput](t)(s.PutObject(ctx, me, in))
	heard("")
}
