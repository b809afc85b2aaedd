package s3

import (
	"context"
	"strconv"
	"time"

	"github.com/brume-dev/brume/service/s3/bucket"
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
func phases() []uint64 {
	return []uint64{bucket.FamilyVersion, bucket.FamilyCurrent, bucket.FamilyUpload}
}

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
	b := &bucket.Bucket{Name: a.Name, DirRecord: bucket.DirRecord{N: a.N}}
	g, err := store.Update(ctx, k.Shard, func(_ context.Context, tx store.Tx) (g bucket.Garbage, err error) {
		if err := k.Done(tx); err != nil {
			return nil, err
		}
		b := *b
		if _, ok, err := tx.Get(b.Family(bucket.FamilyBucket)); err != nil || !ok {
			return nil, err // the bucket is gone
		}
		if err := b.Load(tx); err != nil {
			return nil, err
		}
		l, err := b.Rules(tx)
		if err != nil || l == nil {
			return nil, err
		}
		next, due := a, tx.Now()
		last, more, err := b.Chunk(tx, l, phases()[a.Phase], a.After, &g)
		if err != nil {
			return nil, err
		}
		if next.After = last; !more {
			next.Phase, next.After = a.Phase+1, ""
		}
		if next.Phase == len(phases()) {
			next.Phase, due = 0, bucket.Midnight(tx.Now())
		}
		return g, setRound(tx, next, due)
	})
	if err != nil {
		return err
	}
	s.discard(ctx, g)
	return nil
}
