package memstore_test

import (
	"flag"
	"io"
	"testing"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/storetest"
)

var (
	effort = flag.Int("store.effort", 1, "multiplies the lengths of the random runs")
	seed   = flag.Uint64("store.seed", 1, "begins the random runs")
)

func backend() storetest.Backend {
	return storetest.Backend{
		Open:    func(_ testing.TB, c clock.Clock) store.Store { return memstore.New(c) },
		Restore: func(_ testing.TB, c clock.Clock, r io.Reader) (store.Store, error) { return memstore.Restore(c, r) },
		Effort:  *effort,
		Seed:    *seed,
	}
}

func TestStore(t *testing.T) { storetest.Run(t, backend()) }

// TestShaken runs the suite on the wrapper itself: what it does must be allowed by the contract.
func TestShaken(t *testing.T) {
	b := backend()
	b.Reruns = true
	b.Open = func(_ testing.TB, c clock.Clock) store.Store { return storetest.Shaken(memstore.New(c), *seed) }
	storetest.Run(t, b)
}
