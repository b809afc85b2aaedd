package iam

import (
	"context"
	"sync"
	"time"

	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// usage remembers when access keys and roles were last used. AWS promises no more than a few hours' exactness; here the
// store is told at the first use and then once an hour for each, by Run.
type usage struct {
	mu    sync.Mutex
	seen  map[string]use // by access key id or role id
	queue chan noted
}

type noted struct {
	account, id string
	use         use
}

const (
	usageRecord = 1
	usageEvery  = time.Hour
	usageQueue  = 256
	maxSeen     = 10_000
)

// use is the stored record of one.
type use struct {
	Time    time.Time `cbor:"1,keyasint"`
	Service string    `cbor:"2,keyasint"`
	Region  string    `cbor:"3,keyasint"`
	written time.Time
}

func (u *usage) init() {
	u.seen = map[string]use{}
	u.queue = make(chan noted, usageQueue)
}

// note remembers a use, and queues it when the store is due to be told. A full queue forgets: the next use comes soon.
func (u *usage) note(account, id, service, region string, now time.Time) {
	now = now.UTC().Truncate(time.Second)
	u.mu.Lock()
	defer u.mu.Unlock()
	was, known := u.seen[id]
	if known && was.Time.Equal(now) {
		return
	}
	if !known && len(u.seen) >= maxSeen {
		clear(u.seen)
	}
	n := use{Time: now, Service: service, Region: region, written: was.written}
	if now.Sub(was.written) >= usageEvery {
		select {
		case u.queue <- noted{account, id, n}:
			n.written = now
		default:
		}
	}
	u.seen[id] = n
}

// Run writes down when keys and roles were used, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case n := <-s.used.queue:
			if err := s.writeUse(ctx, n); err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "iam: last use not written", "id", n.id, "error", err)
			}
		}
	}
}

// writeUse does not go through update: it changes nothing that a decision depends on.
func (s *Service) writeUse(ctx context.Context, n noted) error {
	root := store.Home(n.account, "")
	_, err := s.store.Shard(root).Update(ctx, func(_ context.Context, tx store.Tx) error {
		c := &scope{Reader: tx, tx: tx, account: n.account, root: root.Text(service)}
		_, isKey, err := tx.Get(c.accessKey(n.id))
		if err != nil {
			return err
		}
		_, isRole, err := tx.Get(c.idKey(n.id))
		if err == nil && (isKey || isRole) {
			tx.Set(c.usedKey(n.id), record.Encode(usageRecord, &n.use))
		}
		return err
	})
	return err
}

// lastUsed returns the last known use of an access key or role, nil when there is none.
func (s *Service) lastUsed(c *scope, id string) (*use, error) {
	s.used.mu.Lock()
	u, ok := s.used.seen[id]
	s.used.mu.Unlock()
	if ok {
		return &u, nil
	}
	v, ok, err := c.Get(c.usedKey(id))
	if err != nil || !ok {
		return nil, err
	}
	return &u, record.Decode(v, usageRecord, &u)
}
