package bucket

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/fault"
	"github.com/brume-dev/brume/store"
)

// Lifecycle is the setting.
type Lifecycle struct {
	Rules   []s3api.LifecycleRule
	Minimum string
}

// CheckRules judges the rules of a lifecycle and names those that have no ID.
func CheckRules(rules []s3api.LifecycleRule) error {
	seen := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		if aws.Or(r.ID, "") == "" {
			h := sha256.Sum256(fmt.Appendf(nil, "%d/%+v", i, *r))
			r.ID = new(hex.EncodeToString(h[:16]))
		}
		if len(*r.ID) > maxRuleID {
			return fault.InvalidArgument("ID length should not exceed allowed limit of 255", "ID", *r.ID)
		}
		if seen[*r.ID] {
			return fault.InvalidArgument("Rule ID must be unique. Found same ID for more than one rule", "ID", *r.ID)
		}
		seen[*r.ID] = true
		if err := cmp.Or(checkFilter(r), checkActions(r), checkExpiration(r.Expiration)); err != nil {
			return err
		}
	}
	return nil
}

func checkFilter(r *s3api.LifecycleRule) error {
	f := r.Filter
	if (f == nil) == (r.Prefix == nil) {
		return fault.MalformedXML()
	}
	if f == nil {
		return nil
	}
	n := 0
	for _, set := range []bool{f.Prefix != nil, f.Tag != nil, f.ObjectSizeGreaterThan != nil, f.ObjectSizeLessThan != nil, f.And != nil} {
		if set {
			n++
		}
	}
	if n > 1 {
		return fault.MalformedXML()
	}
	if a := f.And; a != nil {
		if more, less := a.ObjectSizeGreaterThan, a.ObjectSizeLessThan; more != nil && less != nil && *more >= *less {
			return fault.InvalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'")
		}
	}
	return nil
}

func checkActions(r *s3api.LifecycleRule) error {
	n, a := r.NoncurrentVersionExpiration, r.AbortIncompleteMultipartUpload
	switch {
	case r.Expiration == nil && n == nil && a == nil && len(r.Transitions) == 0 && len(r.NoncurrentVersionTransitions) == 0:
		return fault.InvalidRequest("At least one action needs to be specified in a rule")
	case n != nil && aws.Or(n.NoncurrentDays, 0) < 1:
		return fault.InvalidArgument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer", "NoncurrentDays", strconv.FormatInt(int64(aws.Or(n.NoncurrentDays, 0)), 10))
	case n != nil && n.NewerNoncurrentVersions != nil && (*n.NewerNoncurrentVersions < 1 || *n.NewerNoncurrentVersions > 100):
		return fault.InvalidArgument("'NewerNoncurrentVersions' must be a positive integer between 1 and 100", "NewerNoncurrentVersions", strconv.FormatInt(int64(*n.NewerNoncurrentVersions), 10))
	case a != nil && aws.Or(a.DaysAfterInitiation, 0) < 1:
		return fault.InvalidArgument("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer", "DaysAfterInitiation", strconv.FormatInt(int64(aws.Or(a.DaysAfterInitiation, 0)), 10))
	case a != nil && r.Filter != nil && (r.Filter.Tag != nil || r.Filter.And != nil && len(r.Filter.And.Tags) > 0):
		return fault.InvalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags.")
	}
	return nil
}

func checkExpiration(e *s3api.LifecycleExpiration) error {
	if e == nil {
		return nil
	}
	n := 0
	for _, set := range []bool{e.Days != nil, e.Date != nil, e.ExpiredObjectDeleteMarker != nil} {
		if set {
			n++
		}
	}
	switch {
	case n != 1:
		return fault.MalformedXML()
	case e.Days != nil && *e.Days < 1:
		return fault.InvalidArgument("'Days' for Expiration action must be a positive integer", "Days", strconv.FormatInt(int64(*e.Days), 10))
	case e.Date != nil && !e.Date.Equal(e.Date.Truncate(day)):
		return fault.InvalidArgument("'Date' must be at midnight GMT", "Date", e.Date.Format(time.RFC3339))
	}
	return nil
}

// Rules returns the rules, or nil.
func (b *Bucket) Rules(r store.Reader) (*Lifecycle, error) {
	if !b.Lifecycle {
		return nil, nil
	}
	l := new(Lifecycle)
	ok, err := b.ReadSetting(r, SettingLifecycle, l)
	if err != nil || !ok {
		return nil, err
	}
	return l, nil
}

// ruleMatches reports whether a rule is about an object. An upload has neither size nor tags yet.
func ruleMatches(r *s3api.LifecycleRule, key string, size int64, tags map[string]string) bool {
	if r.Status != s3api.ExpirationStatusEnabled {
		return false
	}
	f := r.Filter
	if f == nil {
		return strings.HasPrefix(key, aws.Or(r.Prefix, ""))
	}
	a := s3api.LifecycleRuleAndOperator{Prefix: f.Prefix, ObjectSizeGreaterThan: f.ObjectSizeGreaterThan, ObjectSizeLessThan: f.ObjectSizeLessThan}
	if f.Tag != nil {
		a.Tags = []s3api.Tag{*f.Tag}
	}
	if f.And != nil {
		a = *f.And
	}
	for _, t := range a.Tags {
		if v, ok := tags[t.Key]; !ok || v != t.Value {
			return false
		}
	}
	return strings.HasPrefix(key, aws.Or(a.Prefix, "")) && size > aws.Or(a.ObjectSizeGreaterThan, -1) &&
		(a.ObjectSizeLessThan == nil || size < *a.ObjectSizeLessThan)
}

// after is the midnight at which something that began at t is days old, as S3 counts.
func after(t time.Time, days int32) time.Time {
	return Midnight(t.Add(time.Duration(days) * day).Add(-time.Nanosecond))
}

// Midnight is the first midnight UTC after t.
func Midnight(t time.Time) time.Time { return t.UTC().Truncate(day).Add(day) }

// ends returns when the lifecycle ends the current version, and by which rule.
func (l *Lifecycle) ends(key string, o *Object) (at time.Time, rule string, ok bool) {
	for i := range l.Rules {
		r := &l.Rules[i]
		e := r.Expiration
		if e == nil || e.Days == nil && e.Date == nil || !ruleMatches(r, key, o.Size, o.Tags) {
			continue
		}
		t := aws.Or(e.Date, time.Time{})
		if e.Days != nil {
			t = after(o.Modified, *e.Days)
		}
		if !ok || t.Before(at) {
			at, rule, ok = t, *r.ID, true
		}
	}
	return at, rule, ok
}

// Expiration is the x-amz-expiration header of a version, if it is current.
func (b *Bucket) Expiration(r store.Reader, key string, o *Object) (*string, error) {
	l, err := b.Rules(r)
	if err != nil || l == nil || !o.Left.IsZero() {
		return nil, err
	}
	at, rule, ok := l.ends(key, o)
	if !ok {
		return nil, nil
	}
	return new(fmt.Sprintf("expiry-date=%q, rule-id=%q", at.Format(http.TimeFormat), url.QueryEscape(rule))), nil
}

// Abortion is when the lifecycle aborts an upload.
type Abortion struct {
	Date time.Time
	Rule string
}

// AbortDate says when the lifecycle aborts an upload; nil is never.
func (b *Bucket) AbortDate(r store.Reader, key string, initiated time.Time) (*Abortion, error) {
	l, err := b.Rules(r)
	if err != nil || l == nil {
		return nil, err
	}
	return l.aborts(key, initiated), nil
}

func (l *Lifecycle) aborts(key string, initiated time.Time) (a *Abortion) {
	for i := range l.Rules {
		r := &l.Rules[i]
		if r.AbortIncompleteMultipartUpload == nil || !ruleMatches(r, key, 0, nil) {
			continue
		}
		at := after(initiated, *r.AbortIncompleteMultipartUpload.DaysAfterInitiation)
		if a == nil || at.Before(a.Date) {
			a = &Abortion{at, *r.ID}
		}
	}
	return a
}
