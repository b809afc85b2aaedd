package pebblestore_test

import (
	"flag"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/pebblestore"
	"github.com/brume-dev/brume/store/storetest"
)

var (
	effort = flag.Int("store.effort", 1, "multiplies the lengths of the random runs")
	seed   = flag.Uint64("store.seed", 1, "begins the random runs")
)

// files lets the suite reopen what it was given as a store.Store.
type files struct {
	*pebblestore.Store
	o pebblestore.Options
}

func open(t testing.TB, o pebblestore.Options) store.Store {
	t.Helper()
	if o.Fatal == nil {
		o.Fatal = func(err error) { t.Errorf("the store failed: %v", err) }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := pebblestore.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return files{s, o}
}

func epoch() time.Time { return time.Unix(1e9, 0).UTC() }

func backend(relaxed bool) storetest.Backend {
	return storetest.Backend{
		Open: func(t testing.TB, c clock.Clock) store.Store {
			return open(t, pebblestore.Options{Dir: "data", FS: vfs.NewMem(), Clock: c, Relaxed: relaxed})
		},
		Reopen: func(t testing.TB, c clock.Clock, s store.Store) store.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, s.(files).o)
		},
		Restore: func(t testing.TB, c clock.Clock, r io.Reader) (store.Store, error) {
			o := pebblestore.Options{Dir: "data", FS: vfs.NewMem(), Clock: c, Relaxed: relaxed}
			if err := pebblestore.Restore(o, r); err != nil {
				return nil, err
			}
			return open(t, o), nil
		},
		Effort: *effort,
		Seed:   *seed,
	}
}

func TestStore(t *testing.T)   { storetest.Run(t, backend(false)) }
func TestRelaxed(t *testing.T) { storetest.Run(t, backend(true)) }
