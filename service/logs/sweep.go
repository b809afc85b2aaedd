package logs

import (
	"context"
	"fmt"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// groupRef are the arguments of this service's promises: a group, and a stream when only that is meant.
type groupRef struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Name    string `cbor:"3,keyasint"`
	ID      uint64 `cbor:"4,keyasint"`
	Stream  uint64 `cbor:"5,keyasint,omitempty"`
}

func refTo(id aws.Identity, name string, g groupRecord) groupRef {
	return groupRef{Account: id.Account, Region: id.Region, Name: name, ID: g.ID}
}

func (g groupRef) ofStream(id uint64) groupRef { g.Stream = id; return g }

func (g groupRef) id() string { return fmt.Sprintf("%s/%s/%d/%d", g.Account, g.Region, g.ID, g.Stream) }

const refVersion = 1

func (s *Service) promise(tx store.Tx, kind string, g groupRef, due time.Time) error {
	return timer.Set(tx, timer.Promise{Kind: kind, ID: g.id(), Args: record.Encode(refVersion, g), Due: due})
}

// erase deletes the contents of a deleted group, which is one range.
func (s *Service) erase(ctx context.Context, k *timer.Kept) error {
	var g groupRef
	if err := record.Decode(k.Args, refVersion, &g); err != nil {
		return err
	}
	p := placeOf(g.Account, g.Region, g.ID)
	_, err := s.shard(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		tx.DeleteRange(p.resource.Range())
		return nil
	})
	return err
}

// sweep deletes the oldest events that have expired, or those of a deleted stream, a batch at a time: it is due again at
// once while there are more.
func (s *Service) sweep(ctx context.Context, k *timer.Kept) error {
	var ref groupRef
	if err := record.Decode(k.Args, refVersion, &ref); err != nil {
		return err
	}
	p := placeOf(ref.Account, ref.Region, ref.ID)
	if ref.Stream != 0 {
		return s.eraseStream(ctx, k, p, ref)
	}
	g, _, err := s.find(ctx, aws.Identity{Account: ref.Account, Region: ref.Region}, ref.Name)
	if aws.CodeOf(err) == "ResourceNotFoundException" || err == nil && (g.ID != ref.ID || g.Retention == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	base := p.times()
	left, err := store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (bool, error) {
		rng := span{0, millis(expiry(tx.Now(), g.Retention))}.in(base)
		return deleteEvents(tx, p, base, rng, func(_ spot, v store.Value) uint64 { return store.Decode(v, 0).Uint() })
	})
	if err != nil {
		return err
	}
	if left {
		return timer.Later(s.Clock.Now(), nil)
	}
	return timer.Later(s.Clock.Now().Add(sweepInterval), nil)
}

func (s *Service) eraseStream(ctx context.Context, k *timer.Kept, p place, ref groupRef) error {
	base := p.events(ref.Stream)
	left, err := store.Update(ctx, s.shard(p), func(_ context.Context, tx store.Tx) (bool, error) {
		left, err := deleteEvents(tx, p, base, base.Range(), func(spot, store.Value) uint64 { return ref.Stream })
		if err != nil || left {
			return left, err
		}
		return false, k.Done(tx)
	})
	if err == nil && left {
		err = timer.Later(s.Clock.Now(), nil)
	}
	return err
}

// deleteEvents deletes up to sweepBatch of the events that the pairs of rng name, and reports whether there may be more. It
// reads what it deletes, so that large messages end a batch sooner.
func deleteEvents(tx store.Tx, p place, base store.Tuple, rng store.Range, stream func(spot, store.Value) uint64) (more bool, err error) {
	size, n := int64(0), 0
	pairs, done := tx.Scan(rng, store.ScanOpt{Limit: sweepBatch})
	for kv := range pairs {
		if size > sweepBytes {
			more = true
			break
		}
		at, err := readSpot(kv.Key, len(base))
		if err != nil {
			return false, err
		}
		key := at.in(p.events(stream(at, kv.Value)))
		v, ok, err := tx.Get(key)
		if err != nil {
			return false, err
		}
		if ok {
			e, err := decodeEvent(tx, p, at, v)
			if err != nil {
				return false, err
			}
			size += int64(len(e.message) + eventOverhead)
			if len(e.message) > inline {
				if err := store.DeleteLarge(tx, store.Key(p.big(at))); err != nil {
					return false, err
				}
			}
		}
		tx.Delete(key)
		tx.Delete(at.in(p.times()))
		n++
	}
	if size > 0 { // the counter of a group that has been erased is not made again
		tx.Add(p.bytes(), -size)
	}
	return more || n == sweepBatch, done()
}
