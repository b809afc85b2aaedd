package storetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/brume-dev/brume/store"
)

// testLostUpdates: read, add one, write back, from many sides.
func testLostUpdates(t *testing.T, b Backend) {
	s, _ := b.open(t)
	const workers, each = 16, 25
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				update(t, s, func(tx store.Tx) {
					v, _, _ := tx.Get([]byte("n"))
					tx.Set([]byte("n"), binary.LittleEndian.AppendUint64(nil, uint64(store.ReadCounter(v)+1)))
				})
			}
		})
	}
	wg.Wait()
	view(t, s, func(r store.Reader) {
		v, _, _ := r.Get([]byte("n"))
		if n := store.ReadCounter(v); n != workers*each {
			t.Errorf("%d increments left %d", workers*each, n)
		}
	})
}

// testWriteSkew: two doctors, each of whom may leave if the other is on call.
func testWriteSkew(t *testing.T, b Backend) {
	s, _ := b.open(t)
	for range 30 * b.effort() {
		update(t, s, func(tx store.Tx) { tx.Set([]byte("call/0"), nil); tx.Set([]byte("call/1"), nil) })
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() {
				update(t, s, func(tx store.Tx) {
					if _, ok := get(t, tx, fmt.Sprintf("call/%d", 1-i)); ok {
						tx.Delete(fmt.Appendf(nil, "call/%d", i))
					}
				})
			})
		}
		wg.Wait()
		view(t, s, func(r store.Reader) {
			if d := dump(t, r); len(d) != 1 {
				t.Fatalf("on call are %q, want exactly one", d)
			}
		})
	}
}

// testPhantoms: each inserts a row if it counts fewer than the limit.
func testPhantoms(t *testing.T, b Backend) {
	s, _ := b.open(t)
	const workers, limit = 8, 5
	rows := store.Tuple(nil).Text("row")
	for round := range 15 * b.effort() {
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := range 3 {
					update(t, s, func(tx store.Tx) {
						if got, err := list(tx, rows.Range(), store.ScanOpt{}); err == nil && len(got) < limit {
							tx.Set(rows.Uint(uint64(w)).Uint(uint64(i)), nil)
						}
					})
				}
			})
		}
		wg.Wait()
		update(t, s, func(tx store.Tx) {
			if d := dump(t, tx); len(d) != limit {
				t.Fatalf("round %d: %d rows, want %d", round, len(d), limit)
			}
			tx.DeleteRange(rows.Range())
		})
	}
}

// testToken: however often a request comes, it is done once, and everyone gets the answer of the one time.
func testToken(t *testing.T, b Backend) {
	s, _ := b.open(t)
	const tokens, tries = 20, 6
	var wg sync.WaitGroup
	answers := make([][tries]uint64, tokens)
	for token := range tokens {
		for try := range tries {
			wg.Go(func() {
				id, err := store.Update(ctx(t), shardOf(s), func(_ context.Context, tx store.Tx) (uint64, error) {
					k := store.Tuple(nil).Text("token").Uint(uint64(token))
					if v, ok, err := tx.Get(k); ok || err != nil {
						return binary.BigEndian.Uint64(v), err
					}
					id, err := store.NextID(tx, []byte("ids"))
					tx.Set(k, binary.BigEndian.AppendUint64(nil, id))
					return id, err
				})
				if err != nil {
					t.Error(err)
				}
				answers[token][try] = id
			})
		}
	}
	wg.Wait()
	given := map[uint64]int{}
	for token, ids := range answers {
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("token %d was answered with the ids %v", token, ids)
				break
			}
		}
		if other, twice := given[ids[0]]; twice {
			t.Errorf("the tokens %d and %d got the same id", other, token)
		}
		given[ids[0]] = token
	}
	view(t, s, func(r store.Reader) {
		v, _, _ := r.Get([]byte("ids"))
		if n := store.ReadCounter(v); n != tokens {
			t.Errorf("%d tokens were done %d times", tokens, n)
		}
	})
}
