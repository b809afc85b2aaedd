package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/brume-dev/brume/api/s3api"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// PutBucketLifecycleConfiguration says when objects, versions and uploads end. Transitions are kept but move nothing: every
// storage class is read at once here.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
func (s *Service) PutBucketLifecycleConfiguration(ctx context.Context, _ aws.Identity, in *s3api.PutBucketLifecycleConfigurationRequest) (*s3api.PutBucketLifecycleConfigurationOutput, error) {
	if in.LifecycleConfiguration == nil || len(in.LifecycleConfiguration.Rules) == 0 || len(in.LifecycleConfiguration.Rules) > maxRules {
		return nil, malformedXML()
	}
	rules := in.LifecycleConfiguration.Rules
	if err := checkRules(rules); err != nil {
		return nil, err
	}
	minimum := in.TransitionDefaultMinimumObjectSize
	if minimum == "" {
		minimum = s3api.TransitionDefaultMinimumObjectSizeAllStorageClasses128k
	}
	_, err := change[struct{}](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket) error {
		b.Lifecycle = true
		if err := b.writeSetting(tx, settingLifecycle, lifecycle{Rules: rules, Minimum: string(minimum)}); err != nil {
			return err
		}
		return setRound(tx, roundArgs{N: b.N, Name: b.name}, midnight(tx.Now()))
	})
	return &s3api.PutBucketLifecycleConfigurationOutput{TransitionDefaultMinimumObjectSize: minimum}, err
}

// lifecycle is the setting.
type lifecycle struct {
	Rules   []s3api.LifecycleRule
	Minimum string
}

func checkRules(rules []s3api.LifecycleRule) error {
	seen := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		if or(r.ID, "") == "" {
			h := sha256.Sum256(fmt.Appendf(nil, "%d/%+v", i, *r))
			r.ID = ptr(hex.EncodeToString(h[:16]))
		}
		if len(*r.ID) > maxRuleID {
			return invalidArgument("ID length should not exceed allowed limit of 255", "ID", *r.ID)
		}
		if seen[*r.ID] {
			return invalidArgument("Rule ID must be unique. Found same ID for more than one rule", "ID", *r.ID)
		}
		seen[*r.ID] = true
		if err := firstError(checkFilter(r), checkActions(r), checkExpiration(r.Expiration)); err != nil {
			return err
		}
	}
	return nil
}

func checkFilter(r *s3api.LifecycleRule) error {
	f := r.Filter
	if (f == nil) == (r.Prefix == nil) {
		return malformedXML()
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
		return malformedXML()
	}
	if a := f.And; a != nil {
		if more, less := a.ObjectSizeGreaterThan, a.ObjectSizeLessThan; more != nil && less != nil && *more >= *less {
			return invalidRequest("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'")
		}
	}
	return nil
}

func checkActions(r *s3api.LifecycleRule) error {
	n, a := r.NoncurrentVersionExpiration, r.AbortIncompleteMultipartUpload
	switch {
	case r.Expiration == nil && n == nil && a == nil && len(r.Transitions) == 0 && len(r.NoncurrentVersionTransitions) == 0:
		return invalidRequest("At least one action needs to be specified in a rule")
	case n != nil && or(n.NoncurrentDays, 0) < 1:
		return invalidArgument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer", "NoncurrentDays", itoa(int64(or(n.NoncurrentDays, 0))))
	case n != nil && n.NewerNoncurrentVersions != nil && (*n.NewerNoncurrentVersions < 1 || *n.NewerNoncurrentVersions > 100):
		return invalidArgument("'NewerNoncurrentVersions' must be a positive integer between 1 and 100", "NewerNoncurrentVersions", itoa(int64(*n.NewerNoncurrentVersions)))
	case a != nil && or(a.DaysAfterInitiation, 0) < 1:
		return invalidArgument("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer", "DaysAfterInitiation", itoa(int64(or(a.DaysAfterInitiation, 0))))
	case a != nil && r.Filter != nil && (r.Filter.Tag != nil || r.Filter.And != nil && len(r.Filter.And.Tags) > 0):
		return invalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags.")
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
		return malformedXML()
	case e.Days != nil && *e.Days < 1:
		return invalidArgument("'Days' for Expiration action must be a positive integer", "Days", itoa(int64(*e.Days)))
	case e.Date != nil && !e.Date.Equal(e.Date.Truncate(day)):
		return invalidArgument("'Date' must be at midnight GMT", "Date", e.Date.Format(time.RFC3339))
	}
	return nil
}

// GetBucketLifecycleConfiguration tells the rules.
func (s *Service) GetBucketLifecycleConfiguration(ctx context.Context, _ aws.Identity, in *s3api.GetBucketLifecycleConfigurationRequest) (*s3api.GetBucketLifecycleConfigurationOutput, error) {
	return view(ctx, s, in.Bucket, in.ExpectedBucketOwner, func(r store.Reader, b *bucket) (*s3api.GetBucketLifecycleConfigurationOutput, error) {
		l, err := b.lifecycle(r)
		if err != nil || l == nil {
			return nil, firstError(err, missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"))
		}
		return &s3api.GetBucketLifecycleConfigurationOutput{Rules: l.Rules,
			TransitionDefaultMinimumObjectSize: s3api.TransitionDefaultMinimumObjectSize(l.Minimum)}, nil
	})
}

// DeleteBucketLifecycle takes the rules away.
func (s *Service) DeleteBucketLifecycle(ctx context.Context, _ aws.Identity, in *s3api.DeleteBucketLifecycleRequest) (*s3api.DeleteBucketLifecycleOutput, error) {
	return change[s3api.DeleteBucketLifecycleOutput](ctx, s, in.Bucket, in.ExpectedBucketOwner, func(tx store.Tx, b *bucket) error {
		b.Lifecycle = false
		return firstError(b.writeSetting(tx, settingLifecycle, nil), cancelRound(tx, b.N))
	})
}

// lifecycle returns the rules, or nil.
func (b *bucket) lifecycle(r store.Reader) (*lifecycle, error) {
	if !b.Lifecycle {
		return nil, nil
	}
	l := new(lifecycle)
	ok, err := b.readSetting(r, settingLifecycle, l)
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
		return strings.HasPrefix(key, or(r.Prefix, ""))
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
	return strings.HasPrefix(key, or(a.Prefix, "")) && size > or(a.ObjectSizeGreaterThan, -1) &&
		(a.ObjectSizeLessThan == nil || size < *a.ObjectSizeLessThan)
}

// after is the midnight at which something that began at t is days old, as S3 counts.
func after(t time.Time, days int32) time.Time {
	return midnight(t.Add(time.Duration(days) * day).Add(-time.Nanosecond))
}

// midnight is the first midnight UTC after t.
func midnight(t time.Time) time.Time { return t.UTC().Truncate(day).Add(day) }

// ends returns when the lifecycle ends the current version, and by which rule.
func (l *lifecycle) ends(key string, o *object) (at time.Time, rule string, ok bool) {
	for i := range l.Rules {
		r := &l.Rules[i]
		e := r.Expiration
		if e == nil || e.Days == nil && e.Date == nil || !ruleMatches(r, key, o.Size, o.Tags) {
			continue
		}
		t := or(e.Date, time.Time{})
		if e.Days != nil {
			t = after(o.Modified, *e.Days)
		}
		if !ok || t.Before(at) {
			at, rule, ok = t, *r.ID, true
		}
	}
	return at, rule, ok
}

// expiration is the x-amz-expiration header of a version, if it is current.
func (b *bucket) expiration(r store.Reader, key string, o *object) (*string, error) {
	l, err := b.lifecycle(r)
	if err != nil || l == nil || !o.Left.IsZero() {
		return nil, err
	}
	at, rule, ok := l.ends(key, o)
	if !ok {
		return nil, nil
	}
	return ptr(fmt.Sprintf("expiry-date=%q, rule-id=%q", at.Format(http.TimeFormat), url.QueryEscape(rule))), nil
}

// abortion is when the lifecycle aborts an upload.
type abortion struct {
	date time.Time
	rule string
}

// abortDate says when the lifecycle aborts an upload; nil is never.
func (b *bucket) abortDate(r store.Reader, key string, initiated time.Time) (*abortion, error) {
	l, err := b.lifecycle(r)
	if err != nil || l == nil {
		return nil, err
	}
	return l.aborts(key, initiated), nil
}

func (l *lifecycle) aborts(key string, initiated time.Time) (a *abortion) {
	for i := range l.Rules {
		r := &l.Rules[i]
		if r.AbortIncompleteMultipartUpload == nil || !ruleMatches(r, key, 0, nil) {
			continue
		}
		at := after(initiated, *r.AbortIncompleteMultipartUpload.DaysAfterInitiation)
		if a == nil || at.Before(a.date) {
			a = &abortion{at, *r.ID}
		}
	}
	return a
}
