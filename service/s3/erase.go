package s3

import (
	"context"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// erase deletes what a deleted bucket left: its settings, counters and the uploads that were never completed.
func (s *Service) erase(ctx context.Context, k *timer.Kept) error {
	var a eraseArgs
	if err := record.Decode(k.Args, 1, &a); err != nil {
		return err
	}
	if err := s.unpublish(ctx, a.N, a.Name); err != nil {
		return err
	}
	b := &bucket{name: a.Name, dirRecord: dirRecord{N: a.N}}
	for {
		type result struct {
			g    garbage
			more bool
		}
		done, err := store.Update(ctx, k.Shard, func(_ context.Context, tx store.Tx) (d result, err error) {
			if d.more, err = b.eraseParts(tx, &d.g); err != nil || d.more {
				return d, err
			}
			tx.DeleteRange(bucketPrefix(a.N).Range())
			return d, k.Done(tx)
		})
		if err != nil {
			return err
		}
		s.discard(ctx, done.g)
		if !done.more {
			return nil
		}
	}
}

// eraseParts deletes some parts of uploads; more is true when there may be others.
func (b *bucket) eraseParts(tx store.Tx, g *garbage) (more bool, err error) {
	n := 0
	pairs, done := tx.Scan(b.family(familyPart).Range(), store.ScanOpt{Limit: chunk})
	for kv := range pairs {
		var p partRecord
		if err := record.Decode(kv.Value, partVersion, &p); err != nil {
			return false, err
		}
		for _, one := range p.Pieces {
			if err := g.drop(tx, one); err != nil {
				return false, err
			}
		}
		tx.Delete(append(store.Key(nil), kv.Key...))
		n++
	}
	return n == chunk, done()
}
