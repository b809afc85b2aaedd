package s3

import (
	"context"

	"github.com/brume-dev/brume/service/s3/bucket"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// erase deletes what a deleted bucket left: its settings, counters and the uploads that were never completed.
func (s *Service) erase(ctx context.Context, k *timer.Kept) error {
	var a bucket.EraseArgs
	if err := record.Decode(k.Args, 1, &a); err != nil {
		return err
	}
	if err := s.unpublish(ctx, a.N, a.Name); err != nil {
		return err
	}
	b := &bucket.Bucket{Name: a.Name, DirRecord: bucket.DirRecord{N: a.N}}
	for {
		type result struct {
			g    bucket.Garbage
			more bool
		}
		done, err := store.Update(ctx, k.Shard, func(_ context.Context, tx store.Tx) (d result, err error) {
			if d.more, err = b.EraseParts(tx, &d.g); err != nil || d.more {
				return d, err
			}
			tx.DeleteRange(bucket.BucketPrefix(a.N).Range())
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
