// Package sts is the Security Token Service: temporary credentials for users and roles, and the sessions behind them.
//
// Nothing is stored for a session. Its token holds all of it, sealed (authenticated encryption) with a key that is made
// once and kept in the store, so that sessions outlive a restart and cost no room however many there are. What the
// user or role may do is looked up when the session acts, never kept in the token: a role that is deleted takes its
// sessions along.
//
// Besides the API (stsapi.Handler) the Service implements aws.Roles, by which services act with roles, and the part of
// the gateway's Keys that is about sessions.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
package sts

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/brume-dev/brume/api/stsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/policy"
	"github.com/brume-dev/brume/store"
)

// Entities knows the users, roles and managed policies of every account. service/iam implements it.
type Entities interface {
	// Entity returns the user or role with an ARN, nil when there is none, as it is now.
	Entity(ctx context.Context, arn string) (*policy.Entity, error)
	// ManagedPolicy reports whether a managed policy exists for an account.
	ManagedPolicy(ctx context.Context, account, arn string) (bool, error)
}

// Config is what the service needs.
type Config struct {
	Store    store.Store
	Clock    clock.Clock
	Entities Entities
	Policies aws.Policies
	// Random is the source of keys, secrets and nonces; nil means crypto/rand.
	Random io.Reader
	Log    *slog.Logger
}

// Service implements stsapi.Handler, aws.Accessor and aws.Roles.
type Service struct {
	store    store.Store
	clock    clock.Clock
	entities Entities
	policies aws.Policies
	random   io.Reader

	seal atomic.Pointer[sealer]

	mu     sync.RWMutex
	opened map[string]*session // tokens that were opened
	roles  map[assumption]assumed
}

var (
	_ stsapi.Handler = (*Service)(nil)
	_ aws.Accessor   = (*Service)(nil)
	_ aws.Roles      = (*Service)(nil)
)

// New returns the service.
func New(c Config) (*Service, error) {
	if c.Entities == nil || c.Policies == nil {
		return nil, fmt.Errorf("sts: Entities and Policies are needed")
	}
	s := &Service{store: c.Store, clock: c.Clock, entities: c.Entities, policies: c.Policies, random: c.Random,
		opened: map[string]*session{}, roles: map[assumption]assumed{}}
	if s.random == nil {
		s.random = rand.Reader
	}
	return s, nil
}
