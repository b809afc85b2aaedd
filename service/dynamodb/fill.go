package dynamodb

import (
	"context"
	"errors"

	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// fill keeps a table.FillKind promise.
func (s *Service) fill(ctx context.Context, k *timer.Kept) error {
	return s.step(ctx, k, (*table.Table).FillSome)
}

// sweep keeps a table.SweepKind promise.
func (s *Service) sweep(ctx context.Context, k *timer.Kept) error {
	return s.step(ctx, k, (*table.Table).SweepSome)
}

// step does a part of a work and reports whether there is more. The table may be nil.
type step func(*table.Table, store.Tx, *timer.Kept, table.Work) (bool, error)

// step does a work in as many transactions as it takes.
func (s *Service) step(ctx context.Context, k *timer.Kept, some step) error {
	w, n, err := table.ReadWork(k.Args)
	for more := true; more && err == nil; {
		more, err = update(ctx, s, n, func(tx store.Tx) (bool, error) {
			t, err := s.table(tx, n)
			if err != nil {
				return false, err
			}
			return some(t, tx, k, w)
		})
	}
	if errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}
