package egress

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store/memstore"
	"github.com/brume-dev/brume/timer"
)

// TestAuthorizingIsKept: the promise to authorize a connection ends when the connection is gone, and not when that cannot be told.
func TestAuthorizingIsKept(t *testing.T) {
	c := clock.Frozen(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	st := memstore.New(c)
	e := New(Config{Store: st, Clock: c, Timer: timer.New(timer.Config{Store: st, Clock: c})})
	k := &timer.Kept{Promise: timer.Promise{Args: []byte("arn:aws:events:eu-west-1:111122223333:connection/c/id")}}
	if err := e.authorized(t.Context(), k); err != nil {
		t.Errorf("of a connection that is gone: %v", err)
	}
	stopping, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.authorized(stopping, k); !errors.Is(err, context.Canceled) {
		t.Errorf("while the platform stops: %v", err)
	}
}
