// Package timer keeps durable promises: do the thing called Kind with these arguments at or after this time. A promise
// is written in the caller's own transaction, so it exists if and only if that commits; due now, it is the outbox by
// which one service makes something happen in another. After the commit the Runner keeps it, at least once.
//
//	err := timer.Set(tx, timer.Promise{Kind: "lambda.async", Args: args, Dest: arn})      // in a transaction
//	runner.Handle("lambda.async", func(ctx context.Context, k *timer.Kept) error { … }, timer.Policy{})   // once
package timer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/brume-dev/brume/store"
)

// Promise is work that must happen.
type Promise struct {
	// Kind names the Handler, "lambda.async". Registered in code; a promise of a kind that nobody handles waits.
	Kind string
	// ID identifies the promise within its kind and shard; setting the same ID again replaces the earlier promise.
	// Empty: the promise cannot be cancelled. A promise with an order key has none.
	ID string
	// Args are the handler's own record, at most MaxArgs bytes.
	Args []byte
	// Due is the earliest time, by the platform's clock. Zero means now.
	Due time.Time
	// Order, when not empty, makes promises of one kind and the same order key run one at a time in the order of
	// their commits; a head that fails, or is not due yet, holds up only its own key.
	Order string
	// Dest groups promises without an order key: those of one destination share a bounded parallelism, so that a
	// slow destination holds up nobody else. Empty is a destination like any other.
	Dest string
}

// Kept is a promise that is being kept.
type Kept struct {
	Promise
	// Shard is where the promise lies: the shard of the transaction that wrote it.
	Shard store.Shard
	// Attempt counts the attempts so far, this one included. An attempt that the process did not survive does not
	// count, nor does one that ended in a Retry that says so.
	Attempt int
	// Set is when the promise was made, by the platform's clock.
	Set time.Time
	// Key is what the promise is: the same at every attempt, unique among all promises, in the form of a UUID.
	// Callees that take an idempotency token get it.
	Key string

	at   place
	long bool
}

// Handler keeps promises of a kind. When it returns nil the promise is deleted. When it returns a *Retry (see Later) the
// promise is due again as that says. Any other error is logged, and the promise is due again after the back-off of its
// kind. A handler whose effect is in the promise's own shard calls Done in its transaction: then effect and
// deletion are one commit.
//
// ctx ends when the platform stops; an attempt that fails after that does not count. A handler may run again although
// an earlier run had its effect: when the process dies between effect and deletion.
type Handler func(ctx context.Context, k *Kept) error

// ErrGone says that a promise has been cancelled or replaced while it was being kept.
var ErrGone = errors.New("timer: the promise is gone")

// Set makes a promise, which exists when tx commits.
func Set(tx store.Tx, p Promise) error {
	if err := p.check(); err != nil {
		return err
	}
	k, q := keysOf(p.Kind), p.queue()
	n, err := store.NextID(tx, k.counter())
	if err != nil {
		return err
	}
	now := micros(tx.Now())
	at := place{Class: q.class, Queue: q.name, Due: now, N: n}
	if p.Due.After(tx.Now()) {
		at.Due = microsUp(p.Due)
	}
	if p.ID != "" {
		if _, err := Cancel(tx, p.Kind, p.ID); err != nil {
			return err
		}
		tx.Set(k.id(p.ID), at.encode())
	}
	it := item{Set: now, ID: p.ID}
	if err := putItem(tx, k, at, &it, p.Args); err != nil {
		return err
	}
	return point(tx, k, at, now)
}

// Cancel removes the promise with this ID and reports whether there was one. One that is being kept at this moment goes
// on, unless its handler finds out by Done.
func Cancel(tx store.Tx, kind, id string) (bool, error) {
	k := keysOf(kind)
	at, ok, err := getPlace(tx, k, id)
	if err != nil || !ok {
		return false, err
	}
	tx.Delete(k.id(id))
	tx.Delete(k.item(at.queue(), at))
	return true, store.DeleteLarge(tx, k.args(at.N))
}

// Find returns the promise with this ID.
func Find(r store.Reader, kind, id string) (Promise, bool, error) {
	k := keysOf(kind)
	at, ok, err := getPlace(r, k, id)
	if err != nil || !ok {
		return Promise{}, false, err
	}
	it, ok, err := getItem(r, k, at)
	if err != nil || !ok {
		return Promise{}, false, err
	}
	p := Promise{Kind: kind, ID: id, Due: time.UnixMicro(at.Due).UTC(), Dest: at.Queue}
	p.Args, err = it.args(r, k, at)
	return p, err == nil, err
}

// Done deletes the promise in the handler's own transaction, which must be on k.Shard. The handler returns nil only if
// that commits. Done returns ErrGone when the promise has been cancelled or replaced: then the transaction must not
// have its effect, and the handler returns nil or ErrGone.
func (k *Kept) Done(tx store.Tx) error {
	keys := keysOf(k.Kind)
	_, ok, err := tx.Get(keys.item(k.at.queue(), k.at))
	if err != nil {
		return err
	}
	if !ok {
		return ErrGone
	}
	return remove(tx, keys, k.at, k.long, k.ID)
}

func (p *Promise) check() error {
	switch {
	case p.Kind == "" || len(p.Kind) > MaxKind:
		return fmt.Errorf("timer: kind %q", p.Kind)
	case len(p.ID) > MaxName || len(p.Order) > MaxName || len(p.Dest) > MaxName:
		return fmt.Errorf("timer: %s: a name is longer than %d bytes", p.Kind, MaxName)
	case len(p.Args) > MaxArgs:
		return fmt.Errorf("timer: %s: %w: %d bytes of arguments, at most %d", p.Kind, store.ErrTooLarge, len(p.Args), MaxArgs)
	case !utf8.ValidString(p.ID):
		return fmt.Errorf("timer: %s: ID %q is no text", p.Kind, p.ID) // its record could not be read
	case p.ID != "" && p.Order != "":
		return fmt.Errorf("timer: %s: a promise with an order key has no ID", p.Kind)
	}
	return nil
}

func (p *Promise) queue() queue {
	if p.Order != "" {
		return queue{classOrder, p.Order}
	}
	return queue{classDest, p.Dest}
}

// identity is the Key of the promise number n of a kind in a shard: a UUID of version 8 (RFC 9562), by SHA-256.
func identity(shard, kind string, n uint64) string {
	h := sha256.New()
	h.Write(store.Tuple(nil).Text(shard).Text(kind).Uint(n))
	b := h.Sum(nil)
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// jitter is a number in [0, 1) that follows from a promise and its attempt, so that promises that failed together do
// not come back together.
func jitter(n uint64, attempt int) float64 {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], n)
	binary.BigEndian.PutUint64(b[8:], uint64(attempt))
	h := sha256.Sum256(b[:])
	return float64(binary.BigEndian.Uint64(h[:])>>11) / (1 << 53)
}
