// Package clock is the platform's time. Everything that waits, expires or is stamped asks a Clock, so that the time of
// the whole platform can be moved forward (DESIGN.md section 8). Signature ages, presigned expiry and the Date header
// use the machine's clock; function time-outs run on monotonic time.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and waits for it.
type Clock interface {
	// Now is the platform's time, in UTC.
	Now() time.Time
	// Until returns a channel that is closed once Now is at or after t. stop releases it and must be called, also
	// after t; it may be called more than once. A clock whose time can be moved (Busy) stands still from t until
	// then, so a loop that does its work when t comes arms its next Until before it stops this one.
	Until(t time.Time) (reached <-chan struct{}, stop func())
	// Sleep waits for d of the platform's time, or for ctx, whose error it returns.
	Sleep(ctx context.Context, d time.Duration) error
}
