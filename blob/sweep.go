package blob

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/brume-dev/brume/clock"
)

// sweepBatch is how many ids Live is asked about at once.
const sweepBatch = 256

// Live returns those of ids that a durable transaction names. It looks at one consistent state.
type Live func(ctx context.Context, ids []ID) ([]ID, error)

// SweepConfig is what a Sweeper needs.
type SweepConfig struct {
	Store Store
	// Clock is the machine's clock, never a virtual one: the age of a blob is how long the transaction that names
	// it has had, and that does not wait for days that were skipped.
	Clock clock.Clock
	// Live has a function for each space that is swept. Others are left alone.
	Live map[string]Live
	// Grace is how long a blob may stay without a name: an hour when 0. A transaction that names a blob must
	// commit within it.
	Grace time.Duration
	Log   *slog.Logger
}

// Sweeper removes orphans: blobs that no transaction names. A blob is deleted only if it was seen without a name twice,
// the grace time apart, so that Live need not be exact about a name that is moving from one key to another.
type Sweeper struct {
	SweepConfig
	condemned map[ID]time.Time // since when
}

// NewSweeper returns a Sweeper that has seen nothing yet.
func NewSweeper(c SweepConfig) *Sweeper {
	if c.Grace == 0 {
		c.Grace = time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Sweeper{SweepConfig: c, condemned: map[ID]time.Time{}}
}

// Run sweeps once every grace time until ctx ends. An error ends one sweep, not the next.
func (s *Sweeper) Run(ctx context.Context) error {
	for {
		if err := s.Clock.Sleep(ctx, s.Grace); err != nil {
			return err
		}
		switch n, err := s.Sweep(ctx); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.Log.Error("blob: sweep", "err", err)
		case n > 0:
			s.Log.Info("blob: orphans removed", "count", n)
		}
	}
}

// Sweep goes through all spaces once and returns how many blobs it deleted. It is not for concurrent use.
func (s *Sweeper) Sweep(ctx context.Context) (deleted int, err error) {
	seen := map[ID]time.Time{} // the condemned of this sweep
	for space, live := range s.Live {
		n, err := s.space(ctx, space, live, seen)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("blob: sweep %s: %w", space, err)
		}
	}
	s.condemned = seen
	return deleted, nil
}

func (s *Sweeper) space(ctx context.Context, space string, live Live, seen map[ID]time.Time) (deleted int, err error) {
	now := s.Clock.Now()
	var old []ID
	ask := func() error {
		n, err := s.batch(ctx, old, live, now, seen)
		deleted += n
		old = old[:0]
		return err
	}
	for e, err := range s.Store.List(ctx, space) {
		if err != nil {
			return deleted, err
		}
		if now.Sub(e.Written) < s.Grace {
			continue
		}
		if old = append(old, e.ID); len(old) == sweepBatch {
			if err := ask(); err != nil {
				return deleted, err
			}
		}
	}
	return deleted, ask()
}

// batch condemns those of ids that have no name, and deletes those that were condemned a grace time ago.
func (s *Sweeper) batch(ctx context.Context, ids []ID, live Live, now time.Time, seen map[ID]time.Time) (deleted int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	alive, err := live(ctx, ids)
	if err != nil {
		return 0, err
	}
	named := make(map[ID]bool, len(alive))
	for _, id := range alive {
		named[id] = true
	}
	for _, id := range ids {
		since, ok := s.condemned[id]
		switch {
		case named[id]:
		case !ok:
			seen[id] = now
		case now.Sub(since) < s.Grace:
			seen[id] = since
		default:
			if err := s.Store.Delete(ctx, id); err != nil {
				return deleted, err
			}
			deleted++
		}
	}
	return deleted, nil
}
