// Package notice is what S3 tells of changes to objects: which configurations want to hear of one, and the messages they
// get. It is pure; package bucket sends the messages in the transaction of the change.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
package notice

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
)

// Principal is who delivers.
const Principal = "s3.amazonaws.com"

// Cause is who caused a change, and by which request.
type Cause struct {
	Principal string // as records name it
	Account   string
	SourceIP  string
	Request   string
	Trace     string
}

// By is the cause that is a caller.
func By(id aws.Identity) Cause {
	c := Cause{Principal: "AWS:" + id.PrincipalID, Account: id.Account, SourceIP: id.Request.SourceIP, Request: id.Request.ID, Trace: id.Request.Trace}
	switch {
	case id.Kind == aws.Anonymous:
		c.Principal = "Anonymous"
	case id.Kind == aws.ServicePrincipal:
		c.Principal, c.Account = "AWS:"+id.Service, id.Service
	case id.PrincipalID == "":
		c.Principal = "AWS:" + id.Account
	}
	if c.SourceIP == "" {
		c.SourceIP = "127.0.0.1"
	}
	return c
}

// Lifecycle is the cause that is the bucket's lifecycle.
func Lifecycle() Cause {
	return Cause{Principal: Principal, Account: Principal, SourceIP: "s3.amazonaws.com"}
}

// Event is a change to an object.
type Event struct {
	Name    s3api.Event // with "s3:" before it
	Reason  string      // the operation, as EventBridge is told it
	Bucket  string
	Owner   string // canonical user id of the bucket's owner
	Region  string
	Key     string
	Size    *int64 // of what was created
	ETag    string
	Version string // "" in buckets that were never versioned
	Seq     uint64 // grows with every change to the bucket
	Time    time.Time
	Cause
}

// Destination is one configuration that wants to hear of events.
type Destination struct {
	ID     string
	ARN    string
	Events []s3api.Event
	Filter *s3api.NotificationConfigurationFilter
}

// Topic reports whether the destination is one of SNS.
func (d *Destination) Topic() bool { return strings.HasPrefix(d.ARN, "arn:aws:sns:") }

// Destinations lists the destinations of a configuration, but EventBridge.
func Destinations(c *s3api.NotificationConfiguration) (out []Destination) {
	for _, t := range c.TopicConfigurations {
		out = append(out, Destination{aws.Or(t.Id, ""), t.TopicArn, t.Events, t.Filter})
	}
	for _, q := range c.QueueConfigurations {
		out = append(out, Destination{aws.Or(q.Id, ""), q.QueueArn, q.Events, q.Filter})
	}
	for _, f := range c.LambdaFunctionConfigurations {
		out = append(out, Destination{aws.Or(f.Id, ""), f.LambdaFunctionArn, f.Events, f.Filter})
	}
	return out
}

// Wants reports whether a destination wants to hear of an event about key.
func (d *Destination) Wants(name s3api.Event, key string) bool {
	prefix, suffix := d.affixes()
	if !strings.HasPrefix(key, prefix) || !strings.HasSuffix(key, suffix) {
		return false
	}
	for _, e := range d.Events {
		if covers(e, name) {
			return true
		}
	}
	return false
}

// covers reports whether one event type is, or stands for, another.
func covers(wide, name s3api.Event) bool {
	family, any := strings.CutSuffix(string(wide), "*")
	return wide == name || any && strings.HasPrefix(string(name), family)
}

// affixes are the prefix and suffix of the filter.
func (d *Destination) affixes() (prefix, suffix string) {
	if d.Filter == nil || d.Filter.Key == nil {
		return "", ""
	}
	for _, r := range d.Filter.Key.FilterRules {
		if strings.EqualFold(string(r.Name), "prefix") {
			prefix = aws.Or(r.Value, "")
		} else {
			suffix = aws.Or(r.Value, "")
		}
	}
	return prefix, suffix
}

type identity struct {
	PrincipalID string `json:"principalId"`
}

// record is the structure of https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
type record struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	AWSRegion         string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      identity          `json:"userIdentity"`
	RequestParameters map[string]string `json:"requestParameters"`
	ResponseElements  map[string]string `json:"responseElements"`
	S3                struct {
		SchemaVersion   string `json:"s3SchemaVersion"`
		ConfigurationID string `json:"configurationId"`
		Bucket          struct {
			Name          string   `json:"name"`
			OwnerIdentity identity `json:"ownerIdentity"`
			ARN           string   `json:"arn"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      *int64 `json:"size,omitempty"`
			ETag      string `json:"eTag,omitempty"`
			VersionID string `json:"versionId,omitempty"`
			Sequencer string `json:"sequencer"`
		} `json:"object"`
	} `json:"s3"`
}

// millis is how records write times.
const millis = "2006-01-02T15:04:05.000Z"

// sequencer is a number such that of two events about a key the later has the larger text.
func (e *Event) sequencer() string { return fmt.Sprintf("%018X", e.Seq) }

// Message is what the destination with a configuration's id gets.
func (e *Event) Message(id string) ([]byte, error) {
	r := record{EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: e.Region, EventTime: e.Time.UTC().Format(millis),
		EventName: strings.TrimPrefix(string(e.Name), "s3:"), UserIdentity: identity{e.Principal},
		RequestParameters: map[string]string{"sourceIPAddress": e.SourceIP},
		ResponseElements:  map[string]string{"x-amz-request-id": e.Request, "x-amz-id-2": hostID(e.Request)}}
	for _, later := range []string{"LifecycleExpiration", "ObjectTagging", "ObjectAcl"} {
		if strings.HasPrefix(r.EventName, later) {
			r.EventVersion = "2.3"
		}
	}
	r.S3.SchemaVersion, r.S3.ConfigurationID = "1.0", id
	r.S3.Bucket.Name, r.S3.Bucket.OwnerIdentity.PrincipalID, r.S3.Bucket.ARN = e.Bucket, e.Owner, "arn:aws:s3:::"+e.Bucket
	o := &r.S3.Object
	o.Key, o.Size, o.ETag, o.VersionID, o.Sequencer = encodeKey(e.Key), e.Size, e.ETag, e.Version, e.sequencer()
	return json.Marshal(map[string][]record{"Records": {r}})
}

// encodeKey encodes a key as forms do, but for the slashes: "red flower.jpg" is "red+flower.jpg".
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

// hostID is the second id of a request.
func hostID(request string) string {
	h := sha256.Sum256([]byte(request))
	return base64.StdEncoding.EncodeToString(h[:])
}

// Greeting is what a destination gets when it is configured.
func Greeting(bucket, request string, at time.Time) ([]byte, error) {
	return json.Marshal(struct {
		Service, Event, Time, Bucket, RequestID, HostID string
	}{"Amazon S3", "s3:TestEvent", at.UTC().Format(millis), bucket, request, hostID(request)})
}

// detail is the detail of an event for EventBridge: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
type detail struct {
	Version string `json:"version"`
	Bucket  struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object struct {
		Key       string `json:"key"`
		Size      *int64 `json:"size,omitempty"`
		ETag      string `json:"etag,omitempty"`
		VersionID string `json:"version-id,omitempty"`
		Sequencer string `json:"sequencer"`
	} `json:"object"`
	RequestID    string `json:"request-id,omitempty"`
	Requester    string `json:"requester"`
	SourceIP     string `json:"source-ip-address,omitempty"`
	Reason       string `json:"reason,omitempty"`
	DeletionType string `json:"deletion-type,omitempty"`
}

// Detail is what EventBridge is told; kind is "" for what it is not told.
func (e *Event) Detail() (kind string, body []byte, err error) {
	family, what, _ := strings.Cut(strings.TrimPrefix(string(e.Name), "s3:"), ":")
	d := detail{Version: "0", RequestID: e.Request, Requester: e.Account, SourceIP: e.SourceIP}
	d.Bucket.Name = e.Bucket
	o := &d.Object
	o.Key, o.Size, o.ETag, o.VersionID, o.Sequencer = e.Key, e.Size, e.ETag, e.Version, e.sequencer()
	switch family {
	case "ObjectCreated":
		kind, d.Reason = "Object Created", e.Reason
	case "ObjectRemoved", "LifecycleExpiration":
		kind, d.Reason, d.DeletionType = "Object Deleted", e.Reason, "Permanently Deleted"
		if what == "DeleteMarkerCreated" {
			d.DeletionType = "Delete Marker Created"
		}
		if family == "LifecycleExpiration" {
			d.Reason, d.SourceIP = "Lifecycle Expiration", ""
		}
	case "ObjectTagging":
		kind = "Object Tags Added"
		if what == "Delete" {
			kind = "Object Tags Deleted"
		}
	case "ObjectAcl":
		kind = "Object ACL Updated"
	default:
		return "", nil, nil
	}
	body, err = json.Marshal(d)
	return kind, body, err
}
