package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"github.com/brume-dev/brume/store"
)

// Backup is part of store.Store. It reads the last durable state beside everything else.
func (s *Store) Backup(ctx context.Context, w io.Writer) (store.Version, error) {
	st, err := s.acquire()
	if err != nil {
		return 0, err
	}
	defer s.release(st)
	return st.head.Version, store.WriteArchive(w, st.head, func(yield func(store.KV, error) bool) {
		v := &view{s, st}
		seq, done := v.Scan(store.Range{}, store.ScanOpt{})
		for kv := range seq {
			if !yield(kv, ctx.Err()) {
				return
			}
		}
		if err := errors.Join(done(), ctx.Err()); err != nil {
			yield(store.KV{}, err)
		}
	})
}

// restoreBatch is the size at which a restore writes what it has read.
const restoreBatch = 1 << 20

// Restore fills the empty folder of o with what Backup of any backend wrote. Its stamps are above all that the copy
// holds. When it fails the folder is left empty; when the process ends before, Open refuses the folder.
func Restore(o Options, r io.Reader) (err error) {
	o = o.withDefaults()
	o.Relaxed = false
	if names, err := o.FS.List(o.Dir); err == nil && len(names) > 0 {
		return fmt.Errorf("pebblestore: restore: %s is not empty", o.Dir)
	}
	s := &Store{o: o, dead: make(chan struct{})}
	if s.hold, err = take(o.FS, o.Dir); err != nil {
		return err
	}
	if s.db, err = pebble.Open(o.Dir, s.pebbleOptions()); err == nil {
		err = s.restore(r)
	}
	if err = errors.Join(err, s.shut()); err == nil {
		return nil
	}
	names, listErr := o.FS.List(o.Dir)
	err = errors.Join(err, listErr)
	for _, name := range names {
		err = errors.Join(err, o.FS.RemoveAll(o.FS.PathJoin(o.Dir, name)))
	}
	return fmt.Errorf("pebblestore: restore: %w", err)
}

func (s *Store) restore(r io.Reader) error {
	if err := s.db.Set([]byte(restoreKey), nil, pebble.Sync); err != nil {
		return err
	}
	b := s.db.NewBatch()
	head, err := store.ReadArchive(r, func(kv store.KV) error {
		if b.Len() > restoreBatch {
			if err := b.Commit(pebble.NoSync); err != nil {
				return err
			}
			b = s.db.NewBatch()
		}
		return b.Set(kv.Key, kv.Value, nil)
	})
	if err != nil {
		return errors.Join(err, b.Close())
	}
	if head.Incarnation == math.MaxUint16 {
		return errors.Join(errors.New("no incarnation is left"), b.Close())
	}
	head.Incarnation++
	return errors.Join(
		b.Set([]byte(headKey), encodeHead(head), nil),
		b.Set([]byte(ownerKey), encodeOwner(0), nil),
		b.Delete([]byte(restoreKey), nil),
		b.Commit(pebble.Sync),
		s.db.Flush(),
	)
}
