package storetest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"iter"

	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/memstore"
)

// Split returns a store whose resources are spread over n independent memstores, as they will be over the nodes of a
// cluster. The embedded backends have one shard, so a service that touches keys of one resource in a transaction of
// another works on them; here it does not find what it wrote. Tests of services run on it.
func Split(c clock.Clock, n int) store.Store {
	s := &split{}
	for i := range n {
		s.shards = append(s.shards, &named{Store: memstore.New(c), id: fmt.Sprint(i)})
	}
	return s
}

type split struct{ shards []*named }

type named struct {
	*memstore.Store
	id string
}

func (n *named) ID() string { return n.id }

func (s *split) Shard(resource store.Key) store.Shard {
	h := fnv.New32a()
	h.Write(resource)
	return s.shards[h.Sum32()%uint32(len(s.shards))]
}

func (s *split) Shards(context.Context) iter.Seq[store.Shard] {
	return func(yield func(store.Shard) bool) {
		for _, sh := range s.shards {
			if !yield(sh) {
				return
			}
		}
	}
}

// Backup is refused: an archive holds one shard.
func (s *split) Backup(context.Context, io.Writer) (store.Version, error) {
	return 0, fmt.Errorf("storetest: split: backup: %w", errors.ErrUnsupported)
}

func (s *split) Metrics() (m store.Metrics) {
	for _, sh := range s.shards {
		n := sh.Metrics()
		m.Commits += n.Commits
		m.Groups += n.Groups
		m.Syncs += n.Syncs
		m.Views += n.Views
		m.BytesLogged += n.BytesLogged
	}
	return m
}

func (s *split) Close() error {
	for _, sh := range s.shards {
		if err := sh.Close(); err != nil {
			return err
		}
	}
	return nil
}
