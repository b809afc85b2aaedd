package s3

import (
	"context"
	"strconv"
	"time"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// kindRound is the promise to go through a bucket at midnight UTC and end what its lifecycle ends. One transaction does a
// chunk and promises the next; the bucket is the promise's ID.
const kindRound = "s3.lifecycle"

// roundArgs say where a round is.
type roundArgs struct {
	N     uint64 `cbor:"1,keyasint"`
	Name  string `cbor:"2,keyasint"`
	Phase int    `cbor:"3,keyasint,omitempty"` // into phases
	After string `cbor:"4,keyasint,omitempty"` // the last key that was seen
}

// phases are the families that a round goes through. Versions come first: what an expiry covers today has its own days.
func phases() []uint64 { return []uint64{familyVersion, familyCurrent, familyUpload} }

func roundID(n uint64) string { return strconv.FormatUint(n, 10) }

func setRound(tx store.Tx, a roundArgs, due time.Time) error {
	return timer.Set(tx, timer.Promise{Kind: kindRound, ID: roundID(a.N), Args: record.Encode(1, a), Due: due})
}

func cancelRound(tx store.Tx, n uint64) error {
	_, err := timer.Cancel(tx, kindRound, roundID(n))
	return err
}

// round keeps a promise of kindRound.
func (s *Service) round(ctx context.Context, k *timer.Kept) error {
	var a roundArgs
	if err := record.Decode(k.Args, 1, &a); err != nil {
		return err
	}
	b := &bucket{name: a.Name, dirRecord: dirRecord{N: a.N}}
	g, err := store.Update(ctx, k.Shard, func(_ context.Context, tx store.Tx) (g garbage, err error) {
		if err := k.Done(tx); err != nil {
			return nil, err
		}
		b := *b
		if _, ok, err := tx.Get(b.family(familyBucket)); err != nil || !ok {
			return nil, err // the bucket is gone
		}
		if err := b.load(tx); err != nil {
			return nil, err
		}
		l, err := b.lifecycle(tx)
		if err != nil || l == nil {
			return nil, err
		}
		next, due := a, tx.Now()
		last, more, err := b.chunk(tx, l, phases()[a.Phase], a.After, &g)
		if err != nil {
			return nil, err
		}
		if next.After = last; !more {
			next.Phase, next.After = a.Phase+1, ""
		}
		if next.Phase == len(phases()) {
			next.Phase, due = 0, midnight(tx.Now())
		}
		return g, setRound(tx, next, due)
	})
	if err != nil {
		return err
	}
	s.discard(ctx, g)
	return nil
}

// chunk looks at some keys of a family, and returns the last of them and whether there may be more.
func (b *bucket) chunk(tx store.Tx, l *lifecycle, f uint64, begin string, g *garbage) (last string, more bool, err error) {
	family := b.family(f)
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
		case familyCurrent:
			err = b.endCurrent(tx, l, key, kv.Value, g)
		case familyVersion:
			err = b.endVersions(tx, l, key, g)
		case familyUpload:
			err = b.endUploads(tx, l, key, g)
		}
		if err != nil {
			return "", false, err
		}
	}
	return last, n == chunk, done()
}

// endCurrent expires the current version.
func (b *bucket) endCurrent(tx store.Tx, l *lifecycle, key string, v store.Value, g *garbage) error {
	o, err := decodeObject(v)
	if err != nil {
		return err
	}
	if at, _, ok := l.ends(key, o); !ok || tx.Now().Before(at) {
		return nil
	}
	_, err = b.delete(tx, removal{key: key}, g)
	return err
}

// endVersions deletes versions that have been covered for long, and delete markers that cover nothing any more.
func (b *bucket) endVersions(tx store.Tx, l *lifecycle, key string, g *garbage) error {
	var all []*object
	pairs, done := tx.Scan(b.family(familyVersion).Text(key).Range(), store.ScanOpt{})
	for kv := range pairs {
		o, err := decodeObject(kv.Value)
		if err != nil {
			return err
		}
		all = append(all, o)
	}
	if err := done(); err != nil {
		return err
	}
	cur, err := getObject(tx, b.current(key))
	if err != nil {
		return err
	}
	left, newer := 0, int32(0)
	for i, o := range all {
		if cur == nil && i == 0 { // the latest, which is a marker
			left++
			continue
		}
		if l.endsVersion(key, o, newer, tx.Now()) {
			if err := b.forget(tx, key, o, g); err != nil {
				return err
			}
			continue
		}
		newer++
		left++
	}
	if cur == nil && left == 1 && all[0].Marker && l.endsMarker(key, all[0], tx.Now()) {
		return b.forget(tx, key, all[0], g)
	}
	return nil
}

// endsVersion decides about a version that newer others follow which are not current either.
func (l *lifecycle) endsVersion(key string, o *object, newer int32, now time.Time) bool {
	for i := range l.Rules {
		r := &l.Rules[i]
		n := r.NoncurrentVersionExpiration
		if n == nil || o.Left.IsZero() || !ruleMatches(r, key, o.Size, o.Tags) || newer < or(n.NewerNoncurrentVersions, 0) {
			continue
		}
		if !now.Before(after(o.Left, *n.NoncurrentDays)) {
			return true
		}
	}
	return false
}

// endsMarker decides about a delete marker that is alone.
func (l *lifecycle) endsMarker(key string, o *object, now time.Time) bool {
	for i := range l.Rules {
		r := &l.Rules[i]
		e := r.Expiration
		if e == nil || !ruleMatches(r, key, 0, nil) {
			continue
		}
		if or(e.ExpiredObjectDeleteMarker, false) || e.Days != nil && !now.Before(after(o.Modified, *e.Days)) {
			return true
		}
	}
	return false
}

// endUploads aborts uploads that were never completed.
func (b *bucket) endUploads(tx store.Tx, l *lifecycle, key string, g *garbage) error {
	prefix := b.family(familyUpload).Text(key)
	pairs, done := tx.Scan(prefix.Range(), store.ScanOpt{})
	for kv := range pairs {
		var u uploadRecord
		if err := record.Decode(kv.Value, uploadVersion, &u); err != nil {
			return err
		}
		a := l.aborts(key, u.Initiated)
		if a == nil || tx.Now().Before(a.date) {
			continue
		}
		if err := b.abort(tx, key, store.Decode(kv.Key, len(prefix)).Uint(), g); err != nil {
			return err
		}
	}
	return done()
}
