package bucket

import (
	"net/http"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// Object Lock keeps versions from being deleted: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html

// Retention says until when a version is kept.
type Retention struct {
	Mode  string    `cbor:"1,keyasint"` // GOVERNANCE or COMPLIANCE
	Until time.Time `cbor:"2,keyasint"`
}

// LockRule is the retention of new objects that say nothing of one.
type LockRule struct {
	Mode  string `cbor:"1,keyasint"`
	Days  int32  `cbor:"2,keyasint,omitempty"` // one of the two is set
	Years int32  `cbor:"3,keyasint,omitempty"`
}

// Lock is what a request says of a new object's retention and legal hold.
type Lock struct {
	Mode  s3api.ObjectLockMode
	Until *time.Time
	Hold  s3api.ObjectLockLegalHoldStatus
}

func (l Lock) given() bool { return l.Mode != "" || l.Until != nil || l.Hold != "" }

// Apply checks what a request says and locks o by it, else by the rule of the bucket.
func (l Lock) Apply(b *Bucket, o *Object, now time.Time) error {
	if !l.given() {
		if b.LockRule != nil {
			o.Retention = b.LockRule.from(now)
		}
		return nil
	}
	switch {
	case (l.Mode == "") != (l.Until == nil):
		return fault.InvalidArgument("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied", "x-amz-object-lock-mode", string(l.Mode))
	case l.Mode != "" && l.Mode != s3api.ObjectLockModeGovernance && l.Mode != s3api.ObjectLockModeCompliance:
		return fault.InvalidArgument("Unknown wormMode directive.", "x-amz-object-lock-mode", string(l.Mode))
	case l.Hold != "" && l.Hold != s3api.ObjectLockLegalHoldStatusOn && l.Hold != s3api.ObjectLockLegalHoldStatusOff:
		return fault.InvalidArgument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", string(l.Hold))
	case l.Until != nil && !l.Until.After(now):
		return pastRetention(*l.Until)
	case !b.Locking:
		return NoLock()
	}
	o.Hold = string(l.Hold)
	if l.Mode != "" {
		o.Retention = &Retention{string(l.Mode), *l.Until}
	} else if b.LockRule != nil {
		o.Retention = b.LockRule.from(now)
	}
	return nil
}

func pastRetention(t time.Time) error {
	return fault.InvalidArgument("The retain until date must be in the future!", "x-amz-object-lock-retain-until-date", t.UTC().Format(time.RFC3339))
}

func (r *LockRule) from(now time.Time) *Retention {
	return &Retention{r.Mode, now.AddDate(int(r.Years), 0, int(r.Days))}
}

// NoLock says that a bucket was not made for locked objects.
func NoLock() error { return fault.InvalidRequest("Bucket is missing Object Lock Configuration") }

func locked() error {
	return aws.Errorf("AccessDenied", http.StatusForbidden, "Access Denied because object protected by object lock.")
}

// mayEnd says whether a version may be deleted: not under a legal hold, nor before its retention ends, unless that is of
// the mode GOVERNANCE and whoever deletes may bypass it.
func (o *Object) mayEnd(now time.Time, bypass bool) error {
	r := o.Retention
	held := r != nil && now.Before(r.Until) && (r.Mode == string(s3api.ObjectLockRetentionModeCompliance) || !bypass)
	if held || o.Hold == string(s3api.ObjectLockLegalHoldStatusOn) {
		return locked()
	}
	return nil
}

// Retain changes the retention of a version; next is nil for none. What is kept may be kept longer; GOVERNANCE can also
// be weakened by whoever may bypass it.
func (b *Bucket) Retain(tx store.Tx, key string, version *string, next *Retention, bypass bool) error {
	o, err := b.Find(tx, key, version)
	if err != nil {
		return err
	}
	if !b.Locking {
		return NoLock()
	}
	now := tx.Now()
	if next != nil && !next.Until.After(now) {
		return pastRetention(next.Until)
	}
	if old := o.Retention; old != nil && now.Before(old.Until) {
		strict := old.Mode == string(s3api.ObjectLockRetentionModeCompliance)
		weaker := next == nil || next.Until.Before(old.Until) || next.Mode != old.Mode && (strict || next.Mode == string(s3api.ObjectLockRetentionModeGovernance))
		if weaker && (strict || !bypass) {
			return locked()
		}
	}
	o.Retention = next
	b.Rewrite(tx, key, o)
	return nil
}

// Hold puts a version under a legal hold, or frees it.
func (b *Bucket) Hold(tx store.Tx, key string, version *string, status string) error {
	o, err := b.Find(tx, key, version)
	if err != nil {
		return err
	}
	if !b.Locking {
		return NoLock()
	}
	o.Hold = status
	b.Rewrite(tx, key, o)
	return nil
}

// Rewrite writes the record of a version that was read, and of which neither body nor place changes.
func (b *Bucket) Rewrite(tx store.Tx, key string, o *Object) {
	if o.Left.IsZero() {
		tx.Set(b.Current(key), o.Encode())
	} else {
		b.Keep(tx, key, o)
	}
}
