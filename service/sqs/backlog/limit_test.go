package backlog

import (
	"context"
	"testing"
	"time"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/sqs/message"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
)

// No more may be in flight than the limit says, and what has become visible again does not count.
func TestLimit(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		c := clock.Frozen(time.Unix(1_700_000_000, 0))
		shard := memstore.New(c).Shard(nil)
		q := At(store.Tuple(nil).Text("q"), fifo)
		var got Taken
		do := func(f func(tx store.Tx) error) {
			t.Helper()
			if _, err := shard.Update(t.Context(), func(_ context.Context, tx store.Tx) error { return f(tx) }); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 12 {
			do(func(tx store.Tx) error {
				now := tx.Now().UnixMicro()
				m := &message.Message{Ref: message.Ref{Sent: now, ID: message.ID{byte(i)}}, Visible: now, Body: "x"}
				if fifo {
					m.Group = string(rune('a' + i))
				}
				_, err := q.Put(tx, m)
				return err
			})
		}
		take := func(want int, over bool) {
			t.Helper()
			do(func(tx store.Tx) (err error) {
				got, err = q.Take(tx, Order{Max: 4, Hidden: 10e6, Limit: 6, Expired: -1})
				return err
			})
			if len(got.Claims) != want || got.Over != over {
				t.Errorf("fifo %v: %d claims, over %v, want %d, %v", fifo, len(got.Claims), got.Over, want, over)
			}
		}
		take(4, false)
		take(2, false)
		take(0, true)
		if got.Next != c.Now().UnixMicro()+10e6 {
			t.Errorf("fifo %v: room at %d", fifo, got.Next)
		}
		if _, err := c.Advance(t.Context(), 10*time.Second); err != nil {
			t.Fatal(err)
		}
		take(4, false)
	}
}
