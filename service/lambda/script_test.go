package lambda_test

import (
	"context"
	"testing"
	"time"

	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch/script"
	"github.com/brume-dev/brume/store"
)

// The control plane, as text, on every kind of store.
func TestScripts(t *testing.T) {
	stores := otherStores()
	stores["plain"] = nil
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { scripts(t, open) })
	}
}

func scripts(t *testing.T, open func(clock.Clock) store.Store) {
	script.Run(t, "testdata/*.txt", func(t *testing.T) script.Options {
		r := newRig(t, options{store: open})
		r.objects["bucket/code.zip"] = archive(map[string]string{"app.py": "from s3"})
		return script.Options{Caller: r.table, Service: "lambda", Identities: map[string]aws.Identity{"": alice},
			Advance: func(ctx context.Context, d time.Duration) error {
				_, err := r.clock.Advance(ctx, d)
				return err
			}}
	})
}
