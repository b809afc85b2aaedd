package notice

import (
	"strings"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/s3api"
)

func filter(prefix, suffix string) *s3api.NotificationConfigurationFilter {
	return &s3api.NotificationConfigurationFilter{Key: &s3api.S3KeyFilter{FilterRules: []s3api.FilterRule{
		{Name: s3api.FilterRuleNamePrefix, Value: &prefix}, {Name: s3api.FilterRuleNameSuffix, Value: &suffix}}}}
}

func TestWants(t *testing.T) {
	d := Destination{Events: []s3api.Event{s3api.EventS3ObjectCreatedAny, s3api.EventS3ObjectRemovedDelete}, Filter: filter("in/", ".jpg")}
	for key, want := range map[string]bool{"in/a.jpg": true, "in/a.png": false, "out/a.jpg": false, "in/.jpg": true} {
		if got := d.Wants(s3api.EventS3ObjectCreatedPut, key); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
	if d.Wants(s3api.EventS3ObjectRemovedDeleteMarkerCreated, "in/a.jpg") {
		t.Error("a marker is no deletion")
	}
}

// TestMessage compares a whole record with the documented one.
func TestMessage(t *testing.T) {
	size := int64(1024)
	e := Event{Name: s3api.EventS3ObjectCreatedPut, Bucket: "b", Owner: "owner", Region: "us-east-1", Key: "a b/ü+.txt", Size: &size, ETag: "etag",
		Version: "v", Seq: 255, Time: time.UnixMilli(1), Cause: Cause{Principal: "AWS:AIDA", SourceIP: "127.0.0.1", Request: "R"}}
	got, err := e.Message("rule")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"1970-01-01T00:00:00.001Z","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"AWS:AIDA"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},"responseElements":{"x-amz-id-2":"` + hostID("R") + `","x-amz-request-id":"R"},"s3":{"s3SchemaVersion":"1.0","configurationId":"rule","bucket":{"name":"b","ownerIdentity":{"principalId":"owner"},"arn":"arn:aws:s3:::b"},"object":{"key":"a+b/%C3%BC%2B.txt","size":1024,"eTag":"etag","versionId":"v","sequencer":"0000000000000000FF"}}}]}`
	if string(got) != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	e.Name, e.Reason, e.Size = s3api.EventS3LifecycleExpirationDelete, "DeleteObject", nil
	kind, detail, err := e.Detail()
	if want := `"reason":"Lifecycle Expiration","deletion-type":"Permanently Deleted"`; err != nil || kind != "Object Deleted" || !strings.Contains(string(detail), want) {
		t.Errorf("%s %s %v", kind, detail, err)
	}
}

func TestCheck(t *testing.T) {
	queue := func(arn string, f *s3api.NotificationConfigurationFilter, events ...s3api.Event) s3api.QueueConfiguration {
		return s3api.QueueConfiguration{QueueArn: arn, Events: events, Filter: f}
	}
	const arn = "arn:aws:sqs:us-east-1:111122223333:q"
	put, all := s3api.EventS3ObjectCreatedPut, s3api.EventS3ObjectCreatedAny
	for _, c := range []struct {
		name string
		list []s3api.QueueConfiguration
		want string
	}{
		{"apart by prefix", []s3api.QueueConfiguration{queue(arn, filter("a/", ""), all), queue(arn, filter("b/", ""), put)}, ""},
		{"apart by suffix", []s3api.QueueConfiguration{queue(arn, filter("", ".a"), all), queue(arn, filter("", ".b"), put)}, ""},
		{"apart by event", []s3api.QueueConfiguration{queue(arn, nil, all), queue(arn, nil, s3api.EventS3ObjectRemovedAny)}, ""},
		{"overlap", []s3api.QueueConfiguration{queue(arn, filter("a", ".b"), all), queue(arn, filter("ab", "b"), put)}, "overlap"},
		{"a topic", []s3api.QueueConfiguration{queue("arn:aws:sns:us-east-1:111122223333:q", nil, put)}, "not well formed"},
		{"FIFO", []s3api.QueueConfiguration{queue(arn+".fifo", nil, put)}, "Unable to validate"},
		{"event", []s3api.QueueConfiguration{queue(arn, nil, "s3:Nothing")}, "not supported"},
		{"no event", []s3api.QueueConfiguration{queue(arn, nil)}, "not well-formed"},
	} {
		err := Check(&s3api.NotificationConfiguration{QueueConfigurations: c.list})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err == nil && *c.list[0].Id == "" {
			t.Errorf("%s: no id", c.name)
		}
	}
}
