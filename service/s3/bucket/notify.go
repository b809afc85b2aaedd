package bucket

import (
	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/event/target"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
)

// Sender is who delivers the bucket's notifications.
func (b *Bucket) Sender() target.Sender {
	return target.Sender{Service: notice.Principal, Account: b.Account, Region: b.Region, ARN: b.Arn()}
}

// Notify promises to tell of a change, in the transaction of the change, whoever wants to hear of it. The event needs its
// name, key, cause and what is known of the object; the rest is filled in.
func (b *Bucket) Notify(tx store.Tx, e notice.Event) error {
	if !b.Notifies {
		return nil
	}
	if b.wanted == nil {
		b.wanted = new(s3api.NotificationConfiguration)
		if _, err := b.ReadSetting(tx, SettingNotification, b.wanted); err != nil {
			return err
		}
	}
	seq, err := b.NextSeq(tx)
	if err != nil {
		return err
	}
	e.Bucket, e.Owner, e.Region, e.Seq, e.Time = b.Name, CanonicalID(b.Account), b.Region, seq, tx.Now()
	all := notice.Destinations(b.wanted)
	for i := range all {
		if err := b.tell(tx, &all[i], &e); err != nil {
			return err
		}
	}
	if b.wanted.EventBridgeConfiguration == nil {
		return nil
	}
	kind, detail, err := e.Detail()
	if err != nil || kind == "" {
		return err
	}
	body, err := target.Event{Source: "aws.s3", DetailType: kind, Time: e.Time, Resources: []string{b.Arn()}, Detail: detail}.Body()
	if err != nil {
		return err
	}
	bus := aws.MakeARN("events", b.Region, b.Account, "event-bus/default").String()
	return target.Send(tx, target.Delivery{Target: bus, Body: body, From: b.Sender(), Trace: e.Trace})
}

func (b *Bucket) tell(tx store.Tx, d *notice.Destination, e *notice.Event) error {
	if !d.Wants(e.Name, e.Key) {
		return nil
	}
	body, err := e.Message(d.ID)
	if err != nil {
		return err
	}
	out := target.Delivery{Target: d.ARN, Body: body, From: b.Sender(), Trace: e.Trace}
	if d.Topic() {
		out.Subject = "Amazon S3 Notification"
	}
	return target.Send(tx, out)
}

// about is an event about a version of an object.
func (b *Bucket) about(key string, o *Object, name s3api.Event, by notice.Cause) notice.Event {
	e := notice.Event{Name: name, Key: key, ETag: o.ETag, Cause: by}
	if b.Versioning != "" {
		e.Version = o.VersionID(b.N)
	}
	return e
}

// Created tells of a new object; reason is the operation, as EventBridge is told it.
func (b *Bucket) Created(tx store.Tx, key string, o *Object, name s3api.Event, reason string, by notice.Cause) error {
	e := b.about(key, o, name, by)
	e.Size, e.Reason = &o.Size, reason
	return b.Notify(tx, e)
}

// Changed tells of new tags or a new access control list.
func (b *Bucket) Changed(tx store.Tx, key string, o *Object, name s3api.Event, by notice.Cause) error {
	return b.Notify(tx, b.about(key, o, name, by))
}

// removed tells of a version that was deleted, or of a delete marker that was made.
func (b *Bucket) removed(tx store.Tx, key string, o *Object, marked bool, by notice.Cause) error {
	name := s3api.EventS3ObjectRemovedDelete
	lifecycle := by.Account == notice.Principal
	switch {
	case lifecycle && marked:
		name = s3api.EventS3LifecycleExpirationDeleteMarkerCreated
	case lifecycle:
		name = s3api.EventS3LifecycleExpirationDelete
	case marked:
		name = s3api.EventS3ObjectRemovedDeleteMarkerCreated
	}
	e := b.about(key, o, name, by)
	e.ETag, e.Reason = "", "DeleteObject"
	if marked {
		e.ETag = emptyETag
	}
	return b.Notify(tx, e)
}

// emptyETag is the MD5 of nothing, which events give delete markers.
const emptyETag = "d41d8cd98f00b204e9800998ecf8427e"
