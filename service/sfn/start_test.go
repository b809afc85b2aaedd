package sfn

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// TestPromisedExpress: the promise to run an express execution ends when its machine is gone, and not when that cannot be told.
func TestPromisedExpress(t *testing.T) {
	c := clock.Frozen(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	st := memstore.New(c)
	s, err := New(Config{Store: st, Clock: c, Timer: timer.New(timer.Config{Store: st, Clock: c}), Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	k := &timer.Kept{Promise: timer.Promise{Args: record.Encode(version, promised{Account: "111122223333", Region: "eu-west-1", Machine: "m", ID: 1, Revision: "r"})}}
	if err := s.keepExpress(t.Context(), k); err != nil {
		t.Errorf("of a machine that is gone: %v", err)
	}
	stopping, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.keepExpress(stopping, k); !errors.Is(err, context.Canceled) {
		t.Errorf("while the platform stops: %v", err)
	}
}
