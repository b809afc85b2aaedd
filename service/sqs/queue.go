package sqs

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/sqs/backlog"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// queueRecord is a queue, as its account has it.
type queueRecord struct {
	ID         uint64            `cbor:"1,keyasint"`
	Created    int64             `cbor:"2,keyasint"` // seconds
	Modified   int64             `cbor:"3,keyasint"` // seconds
	Attributes map[string]string `cbor:"4,keyasint,omitempty"`
	Tags       map[string]string `cbor:"5,keyasint,omitempty"`
}

const queueVersion = 1

// queue is a queue with its attributes as requests need them. It is never changed.
type queue struct {
	place
	queueRecord
	root store.Tuple
	log  *backlog.Queue

	fifo         bool
	contentDedup bool
	groupDedup   bool // ids are compared within groups only
	visibility   int64
	delay        int64
	wait         int64
	maxSize      int
	retention    time.Duration
	redrive      *redrive
}

func newQueue(p place, rec queueRecord) *queue {
	q := &queue{place: p, queueRecord: rec, root: resource(p.account, p.region, rec.ID)}
	q.fifo = rec.Attributes[attributeFifo] == "true"
	q.log = backlog.At(q.root, q.fifo)
	q.contentDedup = rec.Attributes["ContentBasedDeduplication"] == "true"
	q.groupDedup = rec.Attributes["DeduplicationScope"] == "messageGroup"
	q.visibility = q.number("VisibilityTimeout")
	q.delay = q.number("DelaySeconds")
	q.wait = q.number("ReceiveMessageWaitTimeSeconds")
	q.maxSize = int(q.number("MaximumMessageSize"))
	q.retention = time.Duration(q.number("MessageRetentionPeriod")) * time.Second
	if text := rec.Attributes[attributeRedrive]; text != "" {
		q.redrive = new(redrive)
		if err := json.Unmarshal([]byte(text), q.redrive); err != nil {
			q.redrive = nil // cannot be: it was written by redrive.String
		}
	}
	return q
}

// number is the value of an attribute that is one.
func (q *queue) number(name string) int64 {
	n, _ := strconv.ParseInt(q.attribute(name), 10, 64) // it was checked when it was set
	return n
}

// attribute is the value of an attribute, or what it is when nobody has set it.
func (q *queue) attribute(name string) string {
	if v, ok := q.Attributes[name]; ok {
		return v
	}
	return usual[name]
}

// expired is the time at or before which messages were sent that are too old now.
func (q *queue) expired(now time.Time) int64 { return now.Add(-q.retention).UnixMicro() }

// known are the queues that were looked up, until something about them changes: most requests need no more of the home
// shard, and look there twice, once to see whether they are allowed.
type known struct {
	mu      sync.RWMutex
	queues  map[place]*queue
	changes uint64 // counts the calls of forget: what was read before one must not be kept after it
}

// maxKnown bounds the memory of known.
const maxKnown = 10_000

func (k *known) get(p place) (q *queue, changes uint64) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.queues[p], k.changes
}

func (k *known) put(q *queue, changes uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.changes != changes {
		return
	}
	if k.queues == nil || len(k.queues) >= maxKnown {
		k.queues = map[place]*queue{}
	}
	k.queues[q.place] = q
}

// forget is called when a change is durable, before it is answered.
func (k *known) forget(p place) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.queues, p)
	k.changes++
}

func (s *Service) home(p place) store.Shard { return s.Store.Shard(store.Home(p.account, p.region)) }

// shard is where the contents of a queue lie.
func (s *Service) shard(q *queue) store.Shard { return s.Store.Shard(q.root) }

// read returns the queue at p; the error is QueueDoesNotExist when there is none.
func read(r store.Reader, p place) (*queue, error) {
	v, ok, err := r.Get(p.queueKey())
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, noQueue()
	}
	var rec queueRecord
	if err := record.Decode(v, queueVersion, &rec); err != nil {
		return nil, err
	}
	return newQueue(p, rec), nil
}

// lookUp returns the queue at p as the last durable state has it.
func (s *Service) lookUp(ctx context.Context, p place) (*queue, error) {
	q, changes := s.known.get(p)
	if q != nil {
		return q, nil
	}
	q, err := store.View(ctx, s.home(p), func(_ context.Context, r store.Reader) (*queue, error) { return read(r, p) })
	if err == nil {
		s.known.put(q, changes)
	}
	return q, err
}

// find returns the queue that a request of id names by its URL.
func (s *Service) find(ctx context.Context, id aws.Identity, url string) (*queue, error) {
	p, err := locate(id, url)
	if err != nil {
		return nil, err
	}
	return s.lookUp(ctx, p)
}

// write stores the record of a queue.
func write(tx store.Tx, p place, rec queueRecord) {
	tx.Set(p.queueKey(), record.Encode(queueVersion, rec))
}

// change lets f change the record of the queue that url names, and writes it.
func (s *Service) change(ctx context.Context, id aws.Identity, url string, f func(tx store.Tx, q *queue, rec *queueRecord) error) error {
	p, err := locate(id, url)
	if err != nil {
		return err
	}
	_, err = s.home(p).Update(ctx, func(_ context.Context, tx store.Tx) error {
		q, err := read(tx, p)
		if err != nil {
			return err
		}
		rec := q.queueRecord
		rec.Attributes, rec.Tags = clone(rec.Attributes), clone(rec.Tags)
		if err := f(tx, q, &rec); err != nil {
			return err
		}
		write(tx, p, rec)
		return nil
	})
	s.known.forget(p)
	return err
}

// clone is maps.Clone, but never nil.
func clone(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	maps.Copy(out, m)
	return out
}

// update runs f on the data of a queue, which must still be there.
func update[T any](ctx context.Context, s *Service, q *queue, f func(tx store.Tx) (T, error)) (T, error) {
	return store.Update(ctx, s.shard(q), func(_ context.Context, tx store.Tx) (T, error) {
		if alive, err := q.log.Alive(tx); err != nil || !alive {
			var zero T
			if err == nil {
				err = noQueue()
			}
			return zero, err
		}
		return f(tx)
	})
}
