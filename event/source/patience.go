package source

import (
	"context"
	"time"
)

type patienceKey struct{}

// Patient returns a context with which a read of a stream that finds nothing waits until there may be something, or the
// shard has ended, but for d at most. The APIs of streams know no such long poll; for those who read inside the platform
// it takes the place of asking again and again.
func Patient(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, d)
}

// Patience is how long a read of a stream that is asked with ctx waits for something: 0 unless the reader is Patient.
func Patience(ctx context.Context) time.Duration {
	d, _ := ctx.Value(patienceKey{}).(time.Duration)
	return d
}
