// Package timer keeps durable promises: do the thing called Kind with these arguments at or after this time. A promise
// is written in the caller's own transaction, so it exists if and only if that commits; due now, it is the outbox by
// which one service makes something happen in another. After the commit the Runner keeps it, at least once.
package timer

import (
	"context"
	"time"

	"github.com/brume-dev/brume/store"
)

// Promise is work that must happen.
type Promise struct {
	// Kind names the Handler, "lambda.async". Registered in code; a promise of a kind that nobody handles waits.
	Kind string
	// ID identifies the promise within its kind; setting the same ID again replaces the earlier promise. Empty:
	// the promise gets an ID of its own and cannot be cancelled.
	ID string
	// Args are the handler's own record, at most MaxArgs bytes.
	Args []byte
	// Due is the earliest time, by the platform's clock. Zero means now.
	Due time.Time
	// Order, when not empty, makes promises of one kind and the same order key run one at a time in the order of
	// their commits; a head that fails holds up only its own key.
	Order string
	// Dest groups promises without an order key: those of one destination share a bounded parallelism, so that a
	// slow destination holds up nobody else. Empty means the kind.
	Dest string
}

// Kept is a promise that is being kept.
type Kept struct {
	Promise
	// Shard is where the promise lies: the shard of the transaction that wrote it.
	Shard store.Shard
	// Attempt counts the attempts so far, this one included; an attempt that the process did not survive counts.
	Attempt int
	// Set is when the promise was made, by the platform's clock.
	Set time.Time
	// Key is what the promise is: the same at every attempt, unique among all promises. Callees that take an
	// idempotency token get it.
	Key string
}

// Handler keeps promises of a kind. When it returns nil the promise is deleted. When it returns an error from Later the
// promise is due again then. Any other error is logged, and the promise is due again after the back-off of its
// kind. A handler whose effect is in the promise's own shard calls Done in its transaction: then effect and
// deletion are one commit.
type Handler func(ctx context.Context, k *Kept) error
