package bucket

import (
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
)

// Removal is one object that a request deletes.
type Removal struct {
	Key      string
	Version  *string
	Match    *string
	Modified *time.Time
	Size     *int64
	Bypass   bool // retention of the mode GOVERNANCE does not hold
	By       notice.Cause
}

// Removed is what became of it.
type Removed struct {
	Marker  bool    // what was deleted, or made, is a delete marker
	Version *string // of what was deleted or made
}

// Delete does what a DeleteObject says. Deleting what is not there is no error.
func (b *Bucket) Delete(tx store.Tx, d Removal, g *Garbage) (out Removed, err error) {
	if d.Version != nil && *d.Version != "" {
		return b.deleteVersion(tx, d, g)
	}
	cur, err := getObject(tx, b.Current(d.Key))
	if err == nil {
		err = d.check(cur)
	}
	if err != nil {
		return out, err
	}
	if b.Versioning != "" {
		o, err := b.mark(tx, d.Key, g)
		if err != nil {
			return out, err
		}
		return Removed{true, new(o.VersionID(b.N))}, b.removed(tx, d.Key, o, true, d.By)
	}
	if cur == nil {
		return out, nil
	}
	tx.Delete(b.Current(d.Key))
	if err := b.release(tx, d.Key, cur, g); err != nil {
		return out, err
	}
	return out, b.removed(tx, d.Key, cur, false, d.By)
}

func (b *Bucket) deleteVersion(tx store.Tx, d Removal, g *Garbage) (out Removed, err error) {
	o, latest, err := b.named(tx, d.Key, *d.Version)
	if err != nil {
		return out, err
	}
	if err := d.check(o); err != nil {
		return out, err
	}
	if b.Versioning != "" {
		out.Version = d.Version
	}
	if o == nil {
		return out, nil
	}
	if err := o.mayEnd(tx.Now(), d.Bypass); err != nil {
		return out, err
	}
	out.Marker = o.Marker
	if latest && !o.Marker {
		tx.Delete(b.Current(d.Key))
		err = b.release(tx, d.Key, o, g)
	} else {
		err = b.forget(tx, d.Key, o, g)
	}
	if err == nil && latest && b.Versioning != "" {
		err = b.promote(tx, d.Key)
	}
	if err == nil {
		err = b.removed(tx, d.Key, o, false, d.By)
	}
	return out, err
}

// check compares an object with the conditions of its deletion.
func (d Removal) check(o *Object) error {
	if d.Match == nil && d.Modified == nil && d.Size == nil {
		return nil
	}
	switch {
	case o == nil || o.Marker:
		return fault.NoSuchKey()
	case d.Match != nil && !matches(*d.Match, o.ETag):
		return &fault.PreconditionFailed{Condition: "If-Match"}
	case d.Modified != nil && !o.Modified.Truncate(time.Second).Equal(*d.Modified):
		return &fault.PreconditionFailed{Condition: "x-amz-if-match-last-modified-time"}
	case d.Size != nil && *d.Size != o.Size:
		return &fault.PreconditionFailed{Condition: "x-amz-if-match-size"}
	}
	return nil
}

// DeleteOne deletes one object of a DeleteObjects.
func (b *Bucket) DeleteOne(tx store.Tx, o s3api.ObjectIdentifier, bypass bool, by notice.Cause, g *Garbage) (Removed, error) {
	if err := CheckKey(o.Key); err != nil {
		return Removed{}, err
	}
	return b.Delete(tx, Removal{o.Key, o.VersionId, o.ETag, o.LastModifiedTime, o.Size, bypass, by}, g)
}
