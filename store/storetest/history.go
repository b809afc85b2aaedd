package storetest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/brume-dev/brume/store"
)

// deed is one thing that a transaction did, with what it saw.
type deed struct {
	write    bool
	deletes  bool // of a write: the range in, else key is set to value
	key      string
	value    string
	in       store.Range
	reverse  bool
	observed []string // of a read: the pairs in the range
}

func (d deed) String() string {
	switch {
	case d.write && d.deletes:
		return fmt.Sprintf("delete [%s,%s)", d.in.Begin, d.in.End)
	case d.write:
		return fmt.Sprintf("%s:=%s", d.key, d.value)
	}
	return fmt.Sprintf("[%s,%s)=%s", d.in.Begin, d.in.End, strings.Join(d.observed, " "))
}

// serial is the specification for porcupine: a history is strictly serialisable if its transactions, each taken as
// one operation that does its deeds on a single copy of the state, are linearisable.
func serial() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return model{} },
		Step: func(state, _, output any) (bool, any) {
			next, copied := state.(model), false
			for _, d := range output.([]deed) {
				if !d.write {
					if !slices.Equal(next.scan(d.in, store.ScanOpt{Reverse: d.reverse}), d.observed) {
						return false, nil
					}
					continue
				}
				if !copied {
					next, copied = maps.Clone(next), true
				}
				if !d.deletes {
					next[d.key] = d.value
					continue
				}
				for _, k := range next.in(d.in) {
					delete(next, k)
				}
			}
			return true, next
		},
		Equal: func(a, b any) bool {
			return slices.Equal(a.(model).scan(store.Range{}, store.ScanOpt{}), b.(model).scan(store.Range{}, store.ScanOpt{}))
		},
		DescribeOperation: func(_, output any) string { return fmt.Sprint(output) },
	}
}

// actor runs random transactions of a kind that anomalies come from: read some, write some that depend on nothing, so
// that every order leaves its own trace.
type actor struct {
	id    int
	rnd   *rand.Rand
	shard store.Shard
	wrote int
}

func (a *actor) key() string { return fmt.Sprintf("k%d", a.rnd.IntN(4)) }

func (a *actor) read(r store.Reader, one bool) (deed, error) {
	from := a.key()
	d := deed{in: store.Range{Begin: []byte(from), End: []byte("l")}, reverse: a.rnd.IntN(2) == 0}
	if one {
		d.in.End = []byte(from + "\x00")
		v, ok, err := r.Get([]byte(from))
		if ok {
			d.observed = []string{pair(from, string(v))}
		}
		return d, err
	}
	var err error
	d.observed, err = list(r, d.in, store.ScanOpt{Reverse: d.reverse})
	return d, err
}

func (a *actor) write(tx store.Tx) deed {
	d := deed{write: true, key: a.key()}
	if a.rnd.IntN(4) == 0 {
		d.deletes = true
		d.in = store.Range{Begin: []byte(d.key), End: []byte(a.key())}
		tx.DeleteRange(d.in)
		return d
	}
	a.wrote++
	d.value = fmt.Sprintf("%d.%d", a.id, a.wrote)
	tx.Set([]byte(d.key), []byte(d.value))
	return d
}

// transact runs one transaction and returns what it did. A transaction that fails after it has read is an operation
// too: what it saw must have been the state.
func (a *actor) transact(ctx context.Context) ([]deed, error) {
	if a.rnd.IntN(4) == 0 {
		return store.View(ctx, a.shard, func(_ context.Context, r store.Reader) ([]deed, error) {
			d, err := a.read(r, a.rnd.IntN(2) == 0)
			return []deed{d}, err
		})
	}
	steps, fails := 1+a.rnd.IntN(4), a.rnd.IntN(5) == 0
	var seen []deed
	done, err := store.Update(ctx, a.shard, func(_ context.Context, tx store.Tx) ([]deed, error) {
		var done []deed
		seen = nil
		for range steps {
			if a.rnd.IntN(2) == 0 {
				d, err := a.read(tx, a.rnd.IntN(2) == 0)
				if err != nil {
					return nil, err
				}
				done = append(done, d)
				if len(done) == len(seen)+1 { // nothing written so far
					seen = append(seen, d)
				}
				continue
			}
			done = append(done, a.write(tx))
		}
		if fails {
			return nil, errAborted
		}
		return done, nil
	})
	if err == errAborted {
		return seen, nil
	}
	return done, err
}

// testSerialisable records histories of concurrent transactions and has porcupine look for a serial order.
func testSerialisable(t *testing.T, b Backend) {
	const histories, actors, each = 20, 4, 12
	for h := range histories * b.effort() {
		seed := b.Seed + uint64(h)
		s, _ := b.open(t)
		var (
			now atomic.Int64
			mu  sync.Mutex
			ops []porcupine.Operation
			wg  sync.WaitGroup
			c   = ctx(t)
		)
		for id := range actors {
			a := &actor{id: id, rnd: rand.New(rand.NewPCG(seed, uint64(id))), shard: shardOf(s)}
			wg.Go(func() {
				for range each {
					call := now.Add(1)
					deeds, err := a.transact(c)
					back := now.Add(1)
					if err != nil {
						t.Errorf("seed %d: %v", seed, err)
						return
					}
					mu.Lock()
					ops = append(ops, porcupine.Operation{ClientId: id, Call: call, Output: deeds, Return: back})
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		s.Close()
		if res := porcupine.CheckOperationsTimeout(serial(), ops, time.Minute); res != porcupine.Ok {
			for _, o := range ops {
				t.Logf("actor %d, %d to %d: %v", o.ClientId, o.Call, o.Return, o.Output)
			}
			t.Fatalf("seed %d: no serial order (%v)", seed, res)
		}
	}
}
