// Package store is the contract of Brume's one ordered, transactional, durable key-value store, and what every
// backend shares. The contract is FoundationDB's, with its limits, so that outgrowing one machine is not a redesign;
// pebblestore is the embedded backend, memstore the model that tests run on, storetest the suite that both pass.
//
// Every key lives in a shard, named by the resource that it belongs to (a queue, an execution, all tables of one
// account and region); a transaction sees one shard. The embedded backends own a single shard, but services must
// not rely on that: storetest.Split spreads resources over stores of their own and finds those that do.
package store

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Key is an encoded tuple (see Tuple): keys compare as their tuples do. At most MaxKey bytes.
type Key = []byte

// Value is an opaque record of at most MaxValue bytes.
type Value = []byte

// Version is a commit version: it grows with every commit of a shard, also over a restart and a restore.
type Version uint64

// KV is a pair that Scan yields. Both slices are valid only until the next step of the iteration, and not to be written.
type KV struct {
	Key   Key
	Value Value
}

// Range is the half-open interval [Begin, End) of keys. A nil End means the end of the shard.
type Range struct{ Begin, End Key }

// ScanOpt directs a Scan. Limit 0 means no limit.
type ScanOpt struct {
	Reverse bool
	Limit   int
}

// Errors that a caller may test for. Limits that a transaction exceeds wrap ErrTooLarge and change nothing.
var (
	// ErrClosed is returned by every call once the store is closed.
	ErrClosed = errors.New("store: closed")
	// ErrTooLarge says that a key, a value or a transaction is over its limit.
	ErrTooLarge = errors.New("store: over a size limit")
	// ErrTooSlow says that a closure ran for longer than MaxDuration.
	ErrTooSlow = errors.New("store: transaction took too long")
	// ErrFenced says that another process has taken the folder over.
	ErrFenced = errors.New("store: another process owns the data")
)

// Reader reads one consistent state of a shard.
type Reader interface {
	// Get returns the value of k. The value is valid until the closure returns, and not to be written.
	Get(k Key) (Value, bool, error)
	// GetMany is Get for several keys; a missing one gives nil.
	GetMany(ks []Key) ([]Value, error)
	// Scan yields the pairs of r in order of their keys, or in reverse. An error ends the iteration: it is
	// what the function returned beside the sequence gives after the loop. The loop may write: what it yields is
	// the state at its start.
	Scan(r Range, o ScanOpt) (iter.Seq[KV], func() error)
	// Version is the version of the state that is read.
	Version() Version
}

// Tx is a read-write transaction. It sees its own writes, except stamped ones, whose keys or values are not known
// before the commit. It is used by one goroutine and not after the closure has returned.
type Tx interface {
	Reader // every read is in the conflict set

	// Snapshot reads the same state, own writes included, without adding to the conflict set.
	Snapshot() Reader
	// Conflict adds r to the conflict set, as if it had been read.
	Conflict(r Range)

	// Writes take effect at once for the reads that follow. What they are given is copied. A write over a limit fails
	// the whole transaction: Update then returns the error although fn returned nil.
	Set(k Key, v Value)
	Delete(k Key)
	DeleteRange(r Range)

	// Add adds delta to the 8-byte little-endian signed integer at k (absent = 0) when the transaction commits,
	// without reading it: concurrent Adds never conflict. ReadCounter decodes it.
	Add(k Key, delta int64)
	// Max sets the 8-byte little-endian unsigned integer at k to the larger of itself and v, likewise.
	Max(k Key, v uint64)

	// SetStampedKey sets the key prefix+stamp+suffix to v, where stamp is the StampSize bytes of this commit and
	// the call's position in it. Stamps order everything that AWS numbers. Stamped writes are done after all other
	// writes of the transaction: a DeleteRange that follows does not undo them.
	SetStampedKey(prefix, suffix Key, v Value)
	// SetStampedValue sets k to prefix+stamp+suffix.
	SetStampedValue(k Key, prefix, suffix Value)

	// Signal wakes those who Wait for topic once this transaction is durable.
	Signal(topic Key)
	// OnCommit runs f, on no particular goroutine, once this transaction is durable. Not for work that must not
	// be lost: that is a promise (package timer).
	OnCommit(f func(Commit))

	// Now is the time of the transaction by the store's clock. It never runs backwards, also over a restart.
	Now() time.Time
	// Size is the number of bytes that the transaction would write so far.
	Size() int
}

// Commit says what became of an Update.
type Commit struct {
	Version Version
	// Stamps holds the stamps of the SetStampedKey and SetStampedValue calls, in their order.
	Stamps []Stamp
	Time   time.Time
}

// Shard runs transactions on the keys of the resources that live in it.
type Shard interface {
	// View runs fn on the last durable state. It never waits for a sync.
	View(ctx context.Context, fn func(context.Context, Reader) error) error
	// Update runs fn in a strictly serialisable transaction and returns when it is durable. fn may be run more
	// than once and must have no effect but on its Tx; it does no I/O and stays under a millisecond. When fn
	// returns an error nothing is written and Update returns that error as it is, once all that fn may have read
	// is durable; when it panics, a *PanicError. When ctx ends before fn has been run, ctx's error is returned;
	// after that the outcome is waited for, so that an answer is never in doubt.
	Update(ctx context.Context, fn func(context.Context, Tx) error) (Commit, error)
	// Wait returns once topic has been signalled by a commit with a version above since, with that version or a
	// later one. None is lost; spurious returns are allowed. It returns ctx's error when ctx ends first.
	Wait(ctx context.Context, topic Key, since Version) (Version, error)
	// ID names the shard, stable over restarts.
	ID() string
}

// Store is the whole of the data of one Brume.
type Store interface {
	// Shard returns the shard in which the resource lives. No transaction spans two.
	Shard(resource Key) Shard
	// Shards yields the shards that this process owns now.
	Shards(ctx context.Context) iter.Seq[Shard]
	// Backup writes a consistent copy that Restore of any backend reads.
	Backup(ctx context.Context, w io.Writer) (Version, error)
	Metrics() Metrics
	Close() error
}

// Metrics are counters since the store was opened.
type Metrics struct {
	Commits     int64 // transactions committed
	Groups      int64 // groups written
	Syncs       int64 // syncs of the log
	Views       int64
	BytesLogged int64
	Relaxed     bool // no sync before a commit is acknowledged: survives kill -9, not power loss
}

// Update runs fn in a transaction on shard and returns its value. Use it rather than a captured variable: a closure
// that runs again must not leave half-filled captures.
func Update[T any](ctx context.Context, s Shard, fn func(context.Context, Tx) (T, error)) (T, error) {
	var out T
	_, err := s.Update(ctx, func(ctx context.Context, tx Tx) error {
		v, err := fn(ctx, tx)
		out = v
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return out, nil
}

// View runs fn on shard's last durable state and returns its value.
func View[T any](ctx context.Context, s Shard, fn func(context.Context, Reader) (T, error)) (T, error) {
	var out T
	err := s.View(ctx, func(ctx context.Context, r Reader) error {
		v, err := fn(ctx, r)
		out = v
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return out, nil
}

// Any reports whether a range holds a key.
func Any(r Reader, within Range) (found bool, err error) {
	pairs, done := r.Scan(within, ScanOpt{Limit: 1})
	for range pairs {
		found = true
	}
	return found, done()
}
