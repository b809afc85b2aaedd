package bucket

import (
	"cmp"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/s3/notice"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Chunk looks at some keys of a family, and returns the last of them and whether there may be more.
func (b *Bucket) Chunk(tx store.Tx, l *Lifecycle, f uint64, begin string, g *Garbage) (last string, more bool, err error) {
	family := b.Family(f)
	rng := family.Range()
	if begin != "" {
		rng = family.Text(begin).After(rng)
	}
	n := 0
	pairs, done := tx.Scan(rng, store.ScanOpt{Limit: chunk})
	for kv := range pairs {
		n++
		key := store.Decode(kv.Key, len(family)).Text()
		if key == last && n > 1 {
			continue
		}
		last = key
		switch f {
		case FamilyCurrent:
			err = b.endCurrent(tx, l, key, kv.Value, g)
		case FamilyVersion:
			err = b.endVersions(tx, l, key, g)
		case FamilyUpload:
			err = b.endUploads(tx, l, key, g)
		}
		if err != nil {
			return "", false, err
		}
	}
	return last, n == chunk, done()
}

// endCurrent expires the current version.
func (b *Bucket) endCurrent(tx store.Tx, l *Lifecycle, key string, v store.Value, g *Garbage) error {
	o, err := DecodeObject(v)
	if err != nil {
		return err
	}
	if at, _, ok := l.ends(key, o); !ok || tx.Now().Before(at) {
		return nil
	}
	_, err = b.Delete(tx, Removal{Key: key, By: notice.Lifecycle()}, g)
	return err
}

// endVersions deletes versions that have been covered for long, and delete markers that cover nothing any more.
func (b *Bucket) endVersions(tx store.Tx, l *Lifecycle, key string, g *Garbage) error {
	var all []*Object
	pairs, done := tx.Scan(b.Family(FamilyVersion).Text(key).Range(), store.ScanOpt{})
	for kv := range pairs {
		o, err := DecodeObject(kv.Value)
		if err != nil {
			return err
		}
		all = append(all, o)
	}
	if err := done(); err != nil {
		return err
	}
	cur, err := getObject(tx, b.Current(key))
	if err != nil {
		return err
	}
	left, newer := 0, int32(0)
	for i, o := range all {
		if cur == nil && i == 0 { // the latest, which is a marker
			left++
			continue
		}
		if l.endsVersion(key, o, newer, tx.Now()) && o.mayEnd(tx.Now(), false) == nil {
			if err := cmp.Or(b.forget(tx, key, o, g), b.removed(tx, key, o, false, notice.Lifecycle())); err != nil {
				return err
			}
			continue
		}
		newer++
		left++
	}
	if cur == nil && left == 1 && all[0].Marker && l.endsMarker(key, all[0], tx.Now()) {
		return cmp.Or(b.forget(tx, key, all[0], g), b.removed(tx, key, all[0], false, notice.Lifecycle()))
	}
	return nil
}

// endsVersion decides about a version that newer others follow which are not current either.
func (l *Lifecycle) endsVersion(key string, o *Object, newer int32, now time.Time) bool {
	for i := range l.Rules {
		r := &l.Rules[i]
		n := r.NoncurrentVersionExpiration
		if n == nil || o.Left.IsZero() || !ruleMatches(r, key, o.Size, o.Tags) || newer < aws.Or(n.NewerNoncurrentVersions, 0) {
			continue
		}
		if !now.Before(after(o.Left, *n.NoncurrentDays)) {
			return true
		}
	}
	return false
}

// endsMarker decides about a delete marker that is alone.
func (l *Lifecycle) endsMarker(key string, o *Object, now time.Time) bool {
	for i := range l.Rules {
		r := &l.Rules[i]
		e := r.Expiration
		if e == nil || !ruleMatches(r, key, 0, nil) {
			continue
		}
		if aws.Or(e.ExpiredObjectDeleteMarker, false) || e.Days != nil && !now.Before(after(o.Modified, *e.Days)) {
			return true
		}
	}
	return false
}

// endUploads aborts uploads that were never completed.
func (b *Bucket) endUploads(tx store.Tx, l *Lifecycle, key string, g *Garbage) error {
	prefix := b.Family(FamilyUpload).Text(key)
	pairs, done := tx.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		var u UploadRecord
		if err := record.Decode(kv.Value, UploadVersion, &u); err != nil {
			return err
		}
		a := l.aborts(key, u.Initiated)
		if a == nil || tx.Now().Before(a.Date) {
			continue
		}
		if err := b.Abort(tx, key, store.Decode(kv.Key, len(prefix)).Uint(), g); err != nil {
			return err
		}
	}
	return done()
}
