package memstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"github.com/brume-dev/brume/store"
)

// reader reads a tree that is not written while it is iterated.
type reader struct {
	tree    *tree
	version store.Version
}

func (r *reader) Version() store.Version { return r.version }

func (r *reader) Get(k store.Key) (store.Value, bool, error) {
	kv, ok := r.tree.Get(store.KV{Key: k})
	return kv.Value, ok, nil
}

func (r *reader) GetMany(ks []store.Key) ([]store.Value, error) {
	out := make([]store.Value, len(ks))
	for i, k := range ks {
		out[i], _, _ = r.Get(k)
	}
	return out, nil
}

func (r *reader) Scan(in store.Range, o store.ScanOpt) (iter.Seq[store.KV], func() error) {
	return scan(r.tree, in, o), func() error { return nil }
}

func scan(t *tree, in store.Range, o store.ScanOpt) iter.Seq[store.KV] {
	return func(yield func(store.KV) bool) {
		n := 0
		each := func(kv store.KV) bool {
			n++
			return yield(kv) && n != o.Limit
		}
		switch {
		case !o.Reverse && in.End == nil:
			t.AscendGreaterOrEqual(store.KV{Key: in.Begin}, each)
		case !o.Reverse:
			t.AscendRange(store.KV{Key: in.Begin}, store.KV{Key: in.End}, each)
		default:
			down := func(kv store.KV) bool {
				if in.End != nil && bytes.Compare(kv.Key, in.End) >= 0 {
					return true
				}
				return bytes.Compare(kv.Key, in.Begin) >= 0 && each(kv)
			}
			if in.End == nil {
				t.Descend(down)
			} else {
				t.DescendLessOrEqual(store.KV{Key: in.End}, down)
			}
		}
	}
}

// tx writes to its own copy of the tree.
type tx struct {
	reader
	now      time.Time
	size     int
	writes   bool
	err      error // the first write that was refused; the transaction then fails
	stamped  []stamped
	signals  []store.Key
	onCommit []func(store.Commit)
}

// stamped is a write that waits for the version of the commit.
type stamped struct {
	inKey                      bool // the stamp is in the key, else in the value
	key, prefix, suffix, value []byte
}

// Scan iterates over the state at its start: the loop may write what it walks over.
func (t *tx) Scan(in store.Range, o store.ScanOpt) (iter.Seq[store.KV], func() error) {
	return func(yield func(store.KV) bool) { scan(t.tree.Clone(), in, o)(yield) }, func() error { return nil }
}

func (t *tx) Snapshot() store.Reader { return t }
func (t *tx) Conflict(store.Range)   {}
func (t *tx) Now() time.Time         { return t.now }
func (t *tx) Size() int              { return t.size }

func (t *tx) Signal(topic store.Key) {
	t.writes = true
	t.signals = append(t.signals, bytes.Clone(topic))
}

func (t *tx) OnCommit(f func(store.Commit)) { t.onCommit = append(t.onCommit, f) }

// admit counts a write of n bytes beside its value's and reports whether it may be done.
func (t *tx) admit(k store.Key, value int) bool {
	t.writes = true
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
		t.put(bytes.Clone(k), append(store.Value{}, v...))
	}
}

func (t *tx) put(k store.Key, v store.Value) { t.tree.ReplaceOrInsert(store.KV{Key: k, Value: v}) }

func (t *tx) Delete(k store.Key) {
	if t.admit(k, 0) {
		t.tree.Delete(store.KV{Key: k})
	}
}

func (t *tx) DeleteRange(r store.Range) {
	t.writes = true
	t.size += len(r.Begin) + len(r.End)
	for kv := range scan(t.tree.Clone(), r, store.ScanOpt{}) {
		t.tree.Delete(kv)
	}
}

// counter reads the eight bytes that Add and Max keep.
func (t *tx) counter(k store.Key) (uint64, bool) {
	v, ok, _ := t.Get(k)
	if ok && len(v) != 8 {
		t.err = fmt.Errorf("store: %x holds no counter", k)
	}
	if !ok || t.err != nil {
		return 0, ok
	}
	return binary.LittleEndian.Uint64(v), true
}

func (t *tx) Add(k store.Key, delta int64) {
	if !t.admit(k, 8) {
		return
	}
	old, _ := t.counter(k)
	if t.err == nil {
		t.put(bytes.Clone(k), binary.LittleEndian.AppendUint64(nil, old+uint64(delta)))
	}
}

func (t *tx) Max(k store.Key, v uint64) {
	if !t.admit(k, 8) {
		return
	}
	old, _ := t.counter(k)
	if t.err == nil {
		t.put(bytes.Clone(k), binary.LittleEndian.AppendUint64(nil, max(old, v)))
	}
}

func (t *tx) SetStampedKey(prefix, suffix store.Key, v store.Value) {
	t.addStamped(stamped{inKey: true, prefix: bytes.Clone(prefix), suffix: bytes.Clone(suffix), value: append(store.Value{}, v...)})
}

func (t *tx) SetStampedValue(k store.Key, prefix, suffix store.Value) {
	t.addStamped(stamped{key: bytes.Clone(k), prefix: bytes.Clone(prefix), suffix: bytes.Clone(suffix)})
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
	filled := append(append(bytes.Clone(s.prefix), at[:]...), s.suffix...)
	if s.inKey {
		return filled, s.value
	}
	return s.key, filled
}

// stamp does the stamped writes, after all others of the transaction.
func (t *tx) stamp(incarnation uint16, v store.Version) []store.Stamp {
	var out []store.Stamp
	for i, s := range t.stamped {
		at := store.MakeStamp(incarnation, v, i)
		t.put(s.pair(at))
		out = append(out, at)
	}
	return out
}
