package iam_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/dispatch"
	"github.com/brume-dev/brume/dispatch/script"
	"github.com/brume-dev/brume/service/iam"
	"github.com/brume-dev/brume/service/sts"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/storetest"
)

const account = "000000000000"

// world is IAM and STS behind a table that asks them what is allowed.
type world struct {
	iam   *iam.Service
	sts   *sts.Service
	table *dispatch.Table
	clock *clock.Virtual
	store store.Store
}

func newWorld(t testing.TB, s func(clock.Clock) store.Store) *world {
	t.Helper()
	c := clock.Frozen(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC))
	w := &world{clock: c, store: s(c)}
	random := rand.NewChaCha8([32]byte{1})
	var err error
	if w.iam, err = iam.New(iam.Config{Store: w.store, Clock: c, Account: account, Random: random}); err != nil {
		t.Fatal(err)
	}
	if w.sts, err = sts.New(sts.Config{Store: w.store, Clock: c, Entities: w.iam, Policies: w.iam, Random: random}); err != nil {
		t.Fatal(err)
	}
	if err := w.iam.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.table = dispatch.New(dispatch.Config{Policies: w.iam})
	w.table.Register(iamapi.Service, w.iam)
	w.table.Register(stsapi.Service, w.sts)
	return w
}

func shaken(c clock.Clock) store.Store { return storetest.Shaken(storetest.Split(c, 3), 7) }

func root(account string) aws.Identity {
	return aws.Identity{Kind: aws.Root, Account: account, Region: "us-east-1", PrincipalID: account, ARN: "arn:aws:iam::" + account + ":root"}
}

// who returns the identity that an access key proves.
func (w *world) who(t testing.TB, key, token string) (aws.Identity, bool) {
	t.Helper()
	var c aws.Credentials
	var id aws.Identity
	var ok bool
	var err error
	if len(key) > 4 && key[:4] == "ASIA" {
		c, id, ok, err = w.sts.Key(t.Context(), key, token)
	} else {
		c, id, ok, err = w.iam.Key(t.Context(), key, token)
	}
	if err != nil {
		t.Fatal(err)
	}
	id.Region, id.AccessKey = "us-east-1", key
	return id, ok && c.SessionToken == token && (c.Expires.IsZero() || w.clock.Now().Before(c.Expires))
}

// TestScripts reviews the behaviour of the operations as text: see testdata.
func TestScripts(t *testing.T) {
	script.Run(t, "testdata/*.txt", func(t *testing.T) script.Options {
		w := newWorld(t, shaken)
		return script.Options{Caller: w.table, Service: "iam", Identities: map[string]aws.Identity{
			"": root(account), "other": root("111122223333")},
			Advance: func(ctx context.Context, d time.Duration) error { _, err := w.clock.Advance(ctx, d); return err }}
	})
}
