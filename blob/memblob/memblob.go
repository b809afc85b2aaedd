// Package memblob keeps blobs in memory, for tests.
package memblob

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/brume-dev/brume/blob"
	"github.com/brume-dev/brume/clock"
)

// Store is a blob.Store that forgets everything when the process ends.
type Store struct {
	clock clock.Clock
	mu    sync.Mutex
	blobs map[blob.ID]kept
}

type kept struct {
	data    []byte
	written time.Time
}

// New returns an empty store, whose blobs have the age that c gives them.
func New(c clock.Clock) *Store { return &Store{clock: c, blobs: map[blob.ID]kept{}} }

// Put is part of blob.Store.
func (s *Store) Put(ctx context.Context, space string, r io.Reader) (blob.Info, error) {
	if err := blob.CheckSpace(space); err != nil {
		return blob.Info{}, err
	}
	data, err := io.ReadAll(r)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return blob.Info{}, err
	}
	var random [16]byte
	rand.Read(random[:]) // never fails
	id := blob.MakeID(space, random)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[id] = kept{data, s.clock.Now()}
	return blob.Info{ID: id, Size: int64(len(data)), SHA256: sha256.Sum256(data)}, nil
}

// Open is part of blob.Store.
func (s *Store) Open(ctx context.Context, id blob.ID, off, n int64) (io.ReadCloser, error) {
	if off < 0 {
		return nil, fmt.Errorf("blob: offset %d", off)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[id]
	if !ok {
		return nil, fmt.Errorf("%w: %s", blob.ErrNotFound, id)
	}
	rest := b.data[min(off, int64(len(b.data))):]
	if n >= 0 {
		rest = rest[:min(n, int64(len(rest)))]
	}
	return io.NopCloser(bytes.NewReader(rest)), ctx.Err()
}

// Delete is part of blob.Store.
func (s *Store) Delete(ctx context.Context, id blob.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blobs, id)
	return ctx.Err()
}

// List is part of blob.Store.
func (s *Store) List(ctx context.Context, space string) iter.Seq2[blob.Entry, error] {
	return func(yield func(blob.Entry, error) bool) {
		s.mu.Lock()
		blobs := maps.Clone(s.blobs)
		s.mu.Unlock()
		for _, id := range slices.Sorted(maps.Keys(blobs)) {
			if id.Space() != space {
				continue
			}
			b := blobs[id]
			if !yield(blob.Entry{ID: id, Size: int64(len(b.data)), Written: b.written}, ctx.Err()) {
				return
			}
		}
	}
}
