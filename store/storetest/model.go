package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/brume-dev/brume/store"
)

// model is a state as simple as can be.
type model map[string]string

func (m model) in(r store.Range) []string {
	var out []string
	for k := range m {
		if k >= string(r.Begin) && (r.End == nil || k < string(r.End)) {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func (m model) scan(r store.Range, o store.ScanOpt) []string {
	keys := m.in(r)
	if o.Reverse {
		slices.Reverse(keys)
	}
	if o.Limit > 0 {
		keys = keys[:min(len(keys), o.Limit)]
	}
	var out []string
	for _, k := range keys {
		out = append(out, pair(k, m[k]))
	}
	return out
}

func (m model) counter(k string) uint64 {
	if len(m[k]) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64([]byte(m[k]))
}

func (m model) setCounter(k string, n uint64) {
	m[k] = string(binary.LittleEndian.AppendUint64(nil, n))
}

// program is a random transaction. It is made from its seed alone, so that running it again does the same.
type program struct {
	seed    uint64
	abort   bool
	stamped []func(model, store.Stamp) // what the stamped writes do, once their stamps are known
}

var errAborted = errors.New("storetest: aborted by the program")

// keyOf returns one of few keys, with those among them that are prefixes of others or hold the bytes next to the ends.
func keyOf(rnd *rand.Rand) store.Key {
	pieces := []string{"a", "b", "\x00", "\x01", "\xfe", "\xff"}
	k := "k" + pieces[rnd.IntN(3)]
	for range rnd.IntN(3) {
		k += pieces[rnd.IntN(len(pieces))]
	}
	return []byte(k)
}

func counterKeyOf(rnd *rand.Rand) store.Key { return fmt.Appendf(nil, "n%d", rnd.IntN(3)) }

func rangeOf(rnd *rand.Rand) store.Range {
	r := store.Range{Begin: keyOf(rnd), End: keyOf(rnd)}
	switch rnd.IntN(8) {
	case 0:
		r.Begin = nil
	case 1:
		r.End = nil
	}
	return r
}

func scanOf(rnd *rand.Rand) store.ScanOpt {
	return store.ScanOpt{Reverse: rnd.IntN(2) == 0, Limit: rnd.IntN(2) * rnd.IntN(5)}
}

// compare reads at random and returns a difference between r and m.
func compare(rnd *rand.Rand, r store.Reader, m model) error {
	switch rnd.IntN(3) {
	case 0:
		k := keyOf(rnd)
		v, ok, err := r.Get(k)
		if want, there := m[string(k)]; err != nil || ok != there || string(v) != want {
			return fmt.Errorf("Get(%q) is %q %v (%v), want %q %v", k, v, ok, err, want, there)
		}
	case 1:
		ks := []store.Key{keyOf(rnd), counterKeyOf(rnd), keyOf(rnd)}
		vs, err := r.GetMany(ks)
		for i, k := range ks {
			if want, there := m[string(k)]; err != nil || (vs[i] != nil) != there || string(vs[i]) != want {
				return fmt.Errorf("GetMany(%q) is %q (%v), want %q", ks, vs, err, want)
			}
		}
	case 2:
		in, o := rangeOf(rnd), scanOf(rnd)
		got, err := list(r, in, o)
		if want := m.scan(in, o); err != nil || !slices.Equal(got, want) {
			return fmt.Errorf("Scan(%q, %+v) is %q (%v), want %q", in, o, got, err, want)
		}
	}
	return nil
}

// run does the program on tx and m.
func (p *program) run(tx store.Tx, m model) error {
	rnd := rand.New(rand.NewPCG(p.seed, 2))
	p.abort, p.stamped = rnd.IntN(6) == 0, nil
	for range rnd.IntN(12) {
		if err := p.step(rnd, tx, m); err != nil {
			return err
		}
	}
	if p.abort {
		return errAborted
	}
	return nil
}

func (p *program) step(rnd *rand.Rand, tx store.Tx, m model) error {
	k, v := keyOf(rnd), fmt.Appendf(nil, "v%d", rnd.IntN(1000))
	switch rnd.IntN(13) {
	case 0, 1, 2:
		tx.Set(k, v)
		m[string(k)] = string(v)
	case 3, 4:
		tx.Delete(k)
		delete(m, string(k))
	case 5:
		r := rangeOf(rnd)
		tx.DeleteRange(r)
		for _, k := range m.in(r) {
			delete(m, k)
		}
	case 6:
		n, d := counterKeyOf(rnd), rnd.IntN(9)-4
		tx.Add(n, int64(d))
		m.setCounter(string(n), m.counter(string(n))+uint64(d))
	case 7:
		n, d := counterKeyOf(rnd), rnd.Uint64N(20)
		tx.Max(n, d)
		m.setCounter(string(n), max(m.counter(string(n)), d))
	case 8:
		tx.SetStampedKey(k, []byte("!"), v)
		p.stamped = append(p.stamped, func(m model, s store.Stamp) { m[string(k)+string(s[:])+"!"] = string(v) })
	case 9:
		tx.SetStampedValue(k, v, []byte("!"))
		p.stamped = append(p.stamped, func(m model, s store.Stamp) { m[string(k)] = string(v) + string(s[:]) + "!" })
	case 10:
		return p.walk(rnd, tx, m)
	default:
		return compare(rnd, tx, m)
	}
	return nil
}

// walk scans and does other steps in the loop, further walks among them. What the scan yields is the state at its start.
func (p *program) walk(rnd *rand.Rand, tx store.Tx, m model) error {
	in, o := rangeOf(rnd), scanOf(rnd)
	want := m.scan(in, o)
	var got []string
	seq, done := tx.Scan(in, o)
	for kv := range seq {
		got = append(got, pair(string(kv.Key), string(kv.Value)))
		for range rnd.IntN(3) {
			if err := p.step(rnd, tx, m); err != nil {
				return err
			}
		}
		if rnd.IntN(12) == 0 {
			want = want[:len(got)] // it ends early
			break
		}
	}
	if err := done(); err != nil || !slices.Equal(got, want) {
		return fmt.Errorf("Scan(%q, %+v) with writes in its loop is %q (%v), want %q", in, o, got, err, want)
	}
	return nil
}

// testModel compares random transactions, one after another, with the model.
func testModel(t *testing.T, b Backend) {
	const rounds, transactions = 6, 150
	for round := range rounds * b.effort() {
		seed := b.Seed + uint64(round)
		rnd := rand.New(rand.NewPCG(seed, 3))
		s, c := b.open(t)
		m := model{}
		for i := range transactions {
			if err := modelStep(t, s, rnd, &m); err != nil {
				t.Fatalf("seed %d, transaction %d: %v", seed, i, err)
			}
			if b.Reopen != nil && rnd.IntN(30) == 0 {
				s = b.Reopen(t, c, s)
				defer s.Close()
			}
		}
		view(t, s, func(r store.Reader) {
			if got, want := dump(t, r), m.scan(store.Range{}, store.ScanOpt{}); !slices.Equal(got, want) {
				t.Fatalf("seed %d: the state is %q, want %q", seed, got, want)
			}
		})
	}
}

// modelStep runs one program on s and, if it commits, makes its outcome the model.
func modelStep(t *testing.T, s store.Store, rnd *rand.Rand, m *model) error {
	p := &program{seed: rnd.Uint64()}
	var next model
	c, err := shardOf(s).Update(ctx(t), func(_ context.Context, tx store.Tx) error {
		next = maps.Clone(*m)
		return p.run(tx, next)
	})
	switch {
	case p.abort && err == errAborted:
	case err != nil:
		return err
	case len(c.Stamps) != len(p.stamped):
		return fmt.Errorf("%d stamps for %d stamped writes", len(c.Stamps), len(p.stamped))
	default:
		for i, do := range p.stamped {
			do(next, c.Stamps[i])
		}
		*m = next
	}
	return shardOf(s).View(ctx(t), func(_ context.Context, r store.Reader) error { return compare(rnd, r, *m) })
}
