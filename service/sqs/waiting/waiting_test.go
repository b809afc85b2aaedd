package waiting_test

import (
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sqs/waiting"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
)

// The first listens; when it leaves, the next one is first, in the order in which they came.
func TestOrder(t *testing.T) {
	rooms := waiting.New(clock.Frozen(time.Unix(0, 0)), nil)
	a, b, c, d := rooms.Enter([]byte("q")), rooms.Enter([]byte("q")), rooms.Enter([]byte("q")), rooms.Enter([]byte("q"))
	other := rooms.Enter([]byte("r"))
	if !a.First() || b.First() || c.First() || !other.First() {
		t.Fatal("the first is not the one who came first")
	}
	b.Leave()
	a.Leave()
	a.Leave()
	if !c.Turn(t.Context(), nil) || d.First() {
		t.Error("the second is not the next")
	}
	passed := make(chan struct{})
	close(passed)
	if d.Turn(t.Context(), passed) {
		t.Error("a turn after the deadline")
	}
	c.Leave()
	if !d.Turn(t.Context(), passed) {
		t.Error("no turn although it is the first")
	}
	d.Leave()
	if n := rooms.Guests([]byte("q")); n != 0 {
		t.Errorf("%d guests are left", n)
	}
	if e := rooms.Enter([]byte("q")); !e.First() {
		t.Error("an empty room has no first")
	}
}

// Everybody goes when the house closes.
func TestClosing(t *testing.T) {
	c := clock.Frozen(time.Unix(0, 0))
	closing := make(chan struct{})
	rooms := waiting.New(c, closing)
	shard := memstore.New(c).Shard(nil)
	first, second := rooms.Enter([]byte("q")), rooms.Enter([]byte("q"))
	done := make(chan bool, 2)
	go func() {
		again, release, err := first.Listen(t.Context(), shard, store.Version(0), time.Time{}, nil)
		release()
		done <- again || err != nil
	}()
	go func() { done <- second.Turn(t.Context(), nil) }()
	close(closing)
	if <-done || <-done {
		t.Error("somebody goes on")
	}
}
