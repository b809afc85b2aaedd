package pebblestore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/brume-dev/brume/store"
)

// narrow is the number of keys up to which DeleteRange writes a deletion for each. Pebble walks all range deletions at
// every read, so they are for ranges that are large.
const narrow = 16

// tx is a transaction of the running group. The executor runs transactions one after another, so every read is
// repeatable and no conflict is possible; what it must do is to see its own writes and to leave no trace when it fails.
type tx struct {
	x        *executor
	now      time.Time
	began    time.Duration // by the executor's elapsed
	size     int
	dirty    bool // there is something to commit
	err      error
	stamped  []stamped
	signals  []store.Key
	onCommit []func(store.Commit)
}

// stamped is a write that waits for the version of the commit.
type stamped struct {
	inKey                      bool // the stamp is in the key, else in the value
	key, prefix, suffix, value []byte
}

func (t *tx) Version() store.Version { return t.x.head.Version }
func (t *tx) Snapshot() store.Reader { return t }
func (t *tx) Conflict(store.Range)   {}
func (t *tx) Now() time.Time         { return t.now }
func (t *tx) Size() int              { return t.size }

// overdue reports whether the closure has run for longer than it may.
func (t *tx) overdue() bool { return t.x.elapsed()-t.began > store.MaxDuration }

func (t *tx) Get(k store.Key) (store.Value, bool, error) {
	e, ok, hidden := t.x.layer.look(k)
	switch {
	case ok:
		return e.value, !e.dead, nil
	case hidden || len(k) == 0 || k[0] == store.Reserved:
		return nil, false, nil
	}
	if v, ok := t.x.known.get(k); ok {
		if v == nil {
			return nil, false, nil
		}
		return t.x.memory.copy(v), true, nil
	}
	v, ok, err := get(t.x.db, k, t.x.memory.copy)
	if err == nil {
		t.x.known.read(k, v)
	}
	return v, ok, err
}

// get reads k from Pebble and has the value copied.
func get(r pebble.Reader, k store.Key, keep func([]byte) []byte) (store.Value, bool, error) {
	v, closer, err := r.Get(k)
	if err == pebble.ErrNotFound {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("pebblestore: get: %w", err)
	}
	v = keep(v)
	return v, true, closer.Close()
}

func (t *tx) GetMany(ks []store.Key) ([]store.Value, error) { return getMany(t.Get, ks) }

func getMany(get func(store.Key) (store.Value, bool, error), ks []store.Key) ([]store.Value, error) {
	out := make([]store.Value, len(ks))
	for i, k := range ks {
		v, ok, err := get(k)
		if err != nil {
			return nil, err
		}
		if ok {
			out[i] = v
		}
	}
	return out, nil
}

// within cuts r to the keys of services.
func within(r store.Range) (store.Range, bool) {
	if len(r.Begin) == 0 {
		r.Begin = store.Key{0} // no key is empty
	}
	if r.End == nil || bytes.Compare(r.End, limit) > 0 {
		r.End = limit
	}
	return r, bytes.Compare(r.Begin, r.End) < 0
}

func (t *tx) Scan(in store.Range, o store.ScanOpt) (iter.Seq[store.KV], func() error) {
	var failed error
	return func(yield func(store.KV) bool) { failed = t.scan(in, o, yield) }, func() error { return failed }
}

func (t *tx) scan(in store.Range, o store.ScanOpt, yield func(store.KV) bool) error {
	in, some := within(in)
	if !some {
		return nil
	}
	it, err := t.x.iterator(in)
	if err != nil {
		return fmt.Errorf("pebblestore: scan: %w", err)
	}
	defer t.x.putBack(it)
	l, writes := t.x.layer, t.x.layer.writes
	s := scan{r: in, o: o, overdue: t.overdue, release: l.unlend, yield: yield}
	s.entries, s.base.hidden, s.gaps = l.lend()
	s.base.it, s.base.gaps = it, s.gaps
	s.learn = func(p span) {
		if l.writes == writes { // else the loop has set keys, perhaps in p
			l.learn(p)
		}
	}
	t.x.steps.Add(int64(s.run()))
	return s.err
}

func (t *tx) Signal(topic store.Key) {
	t.dirty = true
	t.signals = append(t.signals, bytes.Clone(topic))
}

func (t *tx) OnCommit(f func(store.Commit)) { t.onCommit = append(t.onCommit, f) }

// admit counts a write and reports whether it may be done.
func (t *tx) admit(k store.Key, value int) bool {
	t.dirty = true
	t.size += len(k) + value
	if t.err == nil {
		t.err = store.CheckPair(k, value)
	}
	if t.err == nil {
		t.err = store.CheckTx(t.size)
	}
	return t.err == nil
}

func (t *tx) Set(k store.Key, v store.Value) {
	if t.admit(k, len(v)) {
		t.x.layer.set(t.x.memory.copy(k), t.x.memory.copy(v))
	}
}

func (t *tx) Delete(k store.Key) {
	if t.admit(k, 0) {
		t.x.layer.delete(t.x.memory.copy(k))
	}
}

func (t *tx) DeleteRange(r store.Range) {
	t.dirty = true
	t.size += len(r.Begin) + len(r.End)
	r, some := within(r)
	if !some || t.err != nil {
		return
	}
	var few []store.Key
	if err := t.scan(r, store.ScanOpt{Limit: narrow + 1}, func(kv store.KV) bool {
		few = append(few, t.x.memory.copy(kv.Key))
		return true
	}); err != nil {
		t.err = err
		return
	}
	if len(few) > narrow {
		t.x.layer.hide(span{bytes.Clone(r.Begin), bytes.Clone(r.End)})
		return
	}
	for _, k := range few {
		t.x.layer.delete(k)
	}
}

// counter reads the eight bytes that Add and Max keep.
func (t *tx) counter(k store.Key) uint64 {
	v, ok, err := t.Get(k)
	switch {
	case err != nil:
		t.err = err
	case ok && len(v) != 8:
		t.err = fmt.Errorf("store: %x holds no counter", k)
	case ok:
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (t *tx) setCounter(k store.Key, n uint64) {
	if t.err == nil {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		t.x.layer.set(t.x.memory.copy(k), t.x.memory.copy(b[:]))
	}
}

// Add reads after all: with one executor a read conflicts with nobody.
func (t *tx) Add(k store.Key, delta int64) {
	if t.admit(k, 8) {
		t.setCounter(k, t.counter(k)+uint64(delta))
	}
}

func (t *tx) Max(k store.Key, v uint64) {
	if t.admit(k, 8) {
		t.setCounter(k, max(t.counter(k), v))
	}
}

func (t *tx) SetStampedKey(prefix, suffix store.Key, v store.Value) {
	keep := t.x.memory.copy
	t.addStamped(stamped{inKey: true, prefix: keep(prefix), suffix: keep(suffix), value: keep(v)})
}

func (t *tx) SetStampedValue(k store.Key, prefix, suffix store.Value) {
	keep := t.x.memory.copy
	t.addStamped(stamped{key: keep(k), prefix: keep(prefix), suffix: keep(suffix)})
}

func (t *tx) addStamped(s stamped) {
	k, v := s.pair(store.Stamp{})
	if !t.admit(k, len(v)) {
		return
	}
	if t.stamped = append(t.stamped, s); len(t.stamped) > store.MaxStamps {
		t.err = fmt.Errorf("%w: %d stamps, at most %d", store.ErrTooLarge, len(t.stamped), store.MaxStamps)
	}
}

// pair is the pair that s becomes.
func (s stamped) pair(at store.Stamp) (store.Key, store.Value) {
	filled := append(make([]byte, 0, len(s.prefix)+len(at)+len(s.suffix)), s.prefix...)
	filled = append(append(filled, at[:]...), s.suffix...)
	if s.inKey {
		return filled, s.value
	}
	return s.key, filled
}

// stamp does the stamped writes, after all others of the transaction.
func (t *tx) stamp(incarnation uint16, v store.Version) []store.Stamp {
	if len(t.stamped) == 0 {
		return nil
	}
	out := make([]store.Stamp, len(t.stamped))
	for i, s := range t.stamped {
		out[i] = store.MakeStamp(incarnation, v, i)
		t.x.layer.set(s.pair(out[i]))
	}
	return out
}

// memory hands out room for what transactions read and write, cut from large pieces that are never used twice: a
// service that keeps a slice for too long must not see another's data.
type memory struct{ free []byte }

const pieceSize = 64 << 10

// copy returns a copy of b that nobody appends to. It is not nil.
func (m *memory) copy(b []byte) []byte {
	n := len(b)
	if n == 0 {
		return []byte{}
	}
	if n > len(m.free) {
		if n > pieceSize/4 {
			return append(make([]byte, 0, n), b...)
		}
		m.free = make([]byte, pieceSize)
	}
	out := m.free[:n:n]
	m.free = m.free[n:]
	copy(out, b)
	return out
}
