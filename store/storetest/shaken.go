package storetest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/brume-dev/brume/store"
)

// Shaken wraps a store so that it does everything that the contract allows and the embedded backends seldom do: it
// runs closures again (after other transactions have come in between), delays and reorders Updates, returns early from
// Wait, and overwrites every slice that it handed out as soon as the slice is no longer valid. A service that leaves
// half-filled captures, counts in a closure or keeps a slice passes on the store but not on this. seed makes the
// choices repeatable as far as the scheduling of goroutines is.
func Shaken(s store.Store, seed uint64) store.Store {
	return &shaken{Store: s, dice: &dice{rnd: rand.New(rand.NewPCG(seed, 1))}}
}

type shaken struct {
	store.Store
	dice *dice
}

type dice struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

// roll returns a number in [0, n).
func (d *dice) roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.IntN(n)
}

func (s *shaken) Shard(resource store.Key) store.Shard {
	return &shakenShard{Shard: s.Store.Shard(resource), dice: s.dice}
}

func (s *shaken) Shards(ctx context.Context) iter.Seq[store.Shard] {
	return func(yield func(store.Shard) bool) {
		for sh := range s.Store.Shards(ctx) {
			if !yield(&shakenShard{Shard: sh, dice: s.dice}) {
				return
			}
		}
	}
}

type shakenShard struct {
	store.Shard
	dice *dice
}

var errAgain = errors.New("storetest: run it again")

// delay lets others go first, now and then by long enough for several commits.
func (s *shakenShard) delay() {
	for range s.dice.roll(4) {
		runtime.Gosched()
	}
	if s.dice.roll(16) == 0 {
		time.Sleep(time.Duration(s.dice.roll(300)) * time.Microsecond)
	}
}

func (s *shakenShard) Update(ctx context.Context, fn func(context.Context, store.Tx) error) (store.Commit, error) {
	s.delay()
	run := func(ctx context.Context, tx store.Tx) error {
		p := &poison{Reader: tx}
		defer p.spoil()
		return fn(ctx, &shakenTx{Tx: tx, poison: p})
	}
	for s.dice.roll(3) == 0 {
		// This attempt "conflicts": its writes are dropped, and others may commit before the next.
		s.Shard.Update(ctx, func(ctx context.Context, tx store.Tx) error {
			run(ctx, tx)
			return errAgain
		})
		s.delay()
	}
	return s.Shard.Update(ctx, run)
}

func (s *shakenShard) View(ctx context.Context, fn func(context.Context, store.Reader) error) error {
	s.delay()
	return s.Shard.View(ctx, func(ctx context.Context, r store.Reader) error {
		p := &poison{Reader: r}
		defer p.spoil()
		return fn(ctx, p)
	})
}

func (s *shakenShard) Wait(ctx context.Context, topic store.Key, since store.Version) (store.Version, error) {
	if s.dice.roll(4) == 0 {
		var now store.Version
		err := s.Shard.View(ctx, func(_ context.Context, r store.Reader) error { now = r.Version(); return nil })
		if err == nil && now > since {
			return now, nil
		}
	}
	return s.Shard.Wait(ctx, topic, since)
}

// poison hands out copies and overwrites them when they are no longer valid.
type poison struct {
	store.Reader
	out [][]byte
}

func (p *poison) lend(v []byte) []byte {
	if v == nil {
		return nil
	}
	c := append([]byte{}, v...)
	p.out = append(p.out, c)
	return c
}

func (p *poison) spoil() {
	for _, b := range p.out {
		overwrite(b)
	}
}

func overwrite(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
}

func (p *poison) Get(k store.Key) (store.Value, bool, error) {
	v, ok, err := p.Reader.Get(k)
	return p.lend(v), ok, err
}

func (p *poison) GetMany(ks []store.Key) ([]store.Value, error) {
	vs, err := p.Reader.GetMany(ks)
	for i := range vs {
		vs[i] = p.lend(vs[i])
	}
	return vs, err
}

func (p *poison) Scan(r store.Range, o store.ScanOpt) (iter.Seq[store.KV], func() error) {
	seq, done := p.Reader.Scan(r, o)
	return func(yield func(store.KV) bool) {
		for kv := range seq {
			c := store.KV{Key: bytes.Clone(kv.Key), Value: append([]byte{}, kv.Value...)}
			k, v := c.Key, c.Value
			more := yield(c)
			overwrite(k)
			overwrite(v)
			if !more {
				return
			}
		}
	}, done
}

// shakenTx reads through poison and writes through the transaction.
type shakenTx struct {
	store.Tx
	poison *poison
}

func (t *shakenTx) Get(k store.Key) (store.Value, bool, error)    { return t.poison.Get(k) }
func (t *shakenTx) GetMany(ks []store.Key) ([]store.Value, error) { return t.poison.GetMany(ks) }
func (t *shakenTx) Snapshot() store.Reader                        { return t.poison }
func (t *shakenTx) Scan(r store.Range, o store.ScanOpt) (iter.Seq[store.KV], func() error) {
	return t.poison.Scan(r, o)
}
