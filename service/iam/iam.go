// Package iam is AWS Identity and Access Management: users, groups, roles, instance profiles, their policies and access
// keys; and the platform's authority on what an identity may do. IAM is a global service: an account's whole IAM lives
// in the home shard of the account (region "").
//
// Besides the API (iamapi.Handler) the Service implements what the gateway asks of each signed request (Key) and the
// table of each call (Authorize), from a cache of whole entities that is emptied before a change to the account is
// acknowledged: whoever was told that a policy changed sees it in force.
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html
package iam

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/brume-dev/brume/api/iamapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/service/iam/catalogue"
	"github.com/brume-dev/brume/store"
)

// Config is what the service needs.
type Config struct {
	Store store.Store
	Clock clock.Clock
	// Account is the default account: the one in which Bootstrap makes the user admin, and in which access key ids
	// that name no account are looked up.
	Account string
	// Random is the source of ids and secrets; nil means crypto/rand.
	Random io.Reader
	Log    *slog.Logger
}

// Service implements iamapi.Handler and aws.Accessor.
type Service struct {
	store   store.Store
	clock   clock.Clock
	account string
	random  io.Reader
	log     *slog.Logger
	managed *catalogue.Catalogue // AWS's own policies
	// everything is AdministratorAccess, which stands for what a root user may do.
	everything []*policy.Document
	cache      cache
	used       usage
	decisions  sync.Pool // of *decision
}

var (
	_ iamapi.Handler = (*Service)(nil)
	_ aws.Accessor   = (*Service)(nil)
)

// New returns the service.
func New(c Config) (*Service, error) {
	managed, err := catalogue.Read()
	if err != nil {
		return nil, fmt.Errorf("iam: %w", err)
	}
	s := &Service{store: c.Store, clock: c.Clock, account: c.Account, random: c.Random, log: c.Log, managed: managed}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.decisions.New = func() any { return new(decision) }
	s.everything = []*policy.Document{managed.Named("administratoraccess").Compiled()}
	s.cache.init()
	s.used.init()
	return s, nil
}

// scope is one transaction, or view, on the IAM of an account.
type scope struct {
	store.Reader
	tx      store.Tx // nil in a view
	account string
	root    store.Tuple
}

// update runs fn in a transaction on the IAM of id's account. It returns when every later decision takes the change
// into account.
func update[T any](ctx context.Context, s *Service, account string, fn func(*scope) (T, error)) (T, error) {
	root := store.Home(account, "")
	v, err := store.Update(ctx, s.store.Shard(root), func(_ context.Context, tx store.Tx) (T, error) {
		return fn(&scope{Reader: tx, tx: tx, account: account, root: root.Text(service)})
	})
	s.cache.forget(account) // also after an error: the transaction may have been committed
	return v, err
}

// view runs fn on the last durable state of the IAM of an account.
func view[T any](ctx context.Context, s *Service, account string, fn func(*scope) (T, error)) (T, error) {
	root := store.Home(account, "")
	return store.View(ctx, s.store.Shard(root), func(_ context.Context, r store.Reader) (T, error) {
		return fn(&scope{Reader: r, account: account, root: root.Text(service)})
	})
}

// newID returns a unique id, AROA and 17 more letters and digits of base 32.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func (s *Service) newID(prefix string) (string, error) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, 17)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return "", fmt.Errorf("iam: random: %w", err)
	}
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return prefix + string(b), nil
}

// lowerName is the form in which names are compared: AWS does not let two names differ by case only.
func lowerName(name string) string { return strings.ToLower(name) }
