package xray

import (
	"context"
	"time"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// placeRef are the arguments of a promise: an account and region.
type placeRef struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
}

const refVersion = 1

// promiseSweep makes sure that there is a promise to sweep.
func promiseSweep(tx store.Tx, p place) error {
	_, there, err := tx.Get(store.Key(p.sweeping()))
	if err != nil || there {
		return err
	}
	tx.Set(store.Key(p.sweeping()), nil)
	return timer.Set(tx, timer.Promise{Kind: kindSweep, ID: p.account + "/" + p.region,
		Args: record.Encode(refVersion, placeRef{p.account, p.region}), Due: tx.Now().Add(retention)})
}

// sweep deletes the traces that have expired, a batch at a time, and is due again when the next one does. When none is
// left the promise ends, and the next segment makes another.
func (s *Service) sweep(ctx context.Context, k *timer.Kept) error {
	var ref placeRef
	if err := record.Decode(k.Args, refVersion, &ref); err != nil {
		return err
	}
	p := placeOf(ref.Account, ref.Region)
	next, err := store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (time.Time, error) {
		next, err := deleteExpired(tx, p)
		if err != nil || !next.IsZero() {
			return next, err
		}
		tx.Delete(store.Key(p.sweeping()))
		return next, k.Done(tx)
	})
	if err != nil || next.IsZero() {
		return err
	}
	return timer.Later(next, nil)
}

// deleteExpired deletes up to sweepBatch traces and returns when the next one expires; the zero time if there is none.
func deleteExpired(tx store.Tx, p place) (next time.Time, err error) {
	base := p.times(byEvent)
	cut := tx.Now().Add(-retention).UnixMicro()
	pairs, done := tx.Scan(base.Range(), store.ScanOpt{Limit: sweepBatch + 1})
	n := 0
	for kv := range pairs {
		at, err := readSpot(kv.Key, len(base))
		if err != nil {
			return next, err
		}
		if n++; at.time > cut || n > sweepBatch {
			return time.UnixMicro(at.time).Add(retention).UTC(), nil
		}
		rec, there, err := getTrace(tx, p, at.trace)
		if err != nil {
			return next, err
		}
		if there {
			rec.remove(tx, p, at.trace)
		}
		tx.Delete(store.Key(p.trace(at.trace)))
		tx.DeleteRange(p.segments(at.trace).Range())
	}
	return next, done()
}
