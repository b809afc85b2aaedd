package store

import (
	"encoding/binary"
	"fmt"
)

// A value over MaxValue lies under its key and the keys that extend it by a number:
//
//	k             uvarint length of the whole, first piece
//	k, Uint(1…)   further pieces, in order
//
// A service that scans over k must expect those keys; no other key may extend k.
const firstPiece = MaxValue - binary.MaxVarintLen64

// SetLarge sets k to v, which may be larger than MaxValue (but not than MaxTx), in as many pairs as it needs. Such a
// key is read by GetLarge and deleted by DeleteLarge only.
func SetLarge(tx Tx, k Key, v Value) error {
	if err := DeleteLarge(tx, k); err != nil {
		return err
	}
	n := min(len(v), firstPiece)
	tx.Set(k, append(binary.AppendUvarint(make(Value, 0, n+binary.MaxVarintLen64), uint64(len(v))), v[:n]...))
	for i := uint64(1); n < len(v); i++ {
		m := min(len(v), n+MaxValue)
		tx.Set(Tuple(k).Uint(i), v[n:m])
		n = m
	}
	return nil
}

// GetLarge returns what SetLarge put at k.
func GetLarge(r Reader, k Key) (Value, bool, error) {
	first, ok, err := r.Get(k)
	if err != nil || !ok {
		return nil, false, err
	}
	total, rest, err := readFirst(k, first)
	if err != nil || uint64(len(rest)) == total {
		return rest, err == nil, err
	}
	out := append(make(Value, 0, total), rest...)
	pieces, done := r.Scan(Tuple(k).Range(), ScanOpt{})
	for kv := range pieces {
		out = append(out, kv.Value...)
	}
	if err := done(); err != nil {
		return nil, false, err
	}
	if uint64(len(out)) != total {
		return nil, false, fmt.Errorf("store: large value at %x: %d bytes of %d", k, len(out), total)
	}
	return out, true, nil
}

// DeleteLarge deletes what SetLarge put at k, if anything.
func DeleteLarge(tx Tx, k Key) error {
	first, ok, err := tx.Get(k)
	if err != nil || !ok {
		return err
	}
	total, rest, err := readFirst(k, first)
	if err != nil {
		return err
	}
	tx.Delete(k)
	if total > uint64(len(rest)) {
		tx.DeleteRange(Tuple(k).Range())
	}
	return nil
}

func readFirst(k Key, v Value) (total uint64, rest Value, err error) {
	total, n := binary.Uvarint(v)
	if n <= 0 || total > MaxTx || total < uint64(len(v)-n) {
		return 0, nil, fmt.Errorf("store: no large value at %x", k)
	}
	return total, v[n:], nil
}

// NextID returns 1, 2, 3… at each call with the same key: the small number that a directory gives a new resource. An
// id is never given again, and k is for NextID alone.
func NextID(tx Tx, k Key) (uint64, error) {
	v, _, err := tx.Get(k)
	if err != nil {
		return 0, err
	}
	tx.Add(k, 1)
	return uint64(ReadCounter(v)) + 1, nil
}
