// Package ecr is the control plane of Amazon Elastic Container Registry: repositories with their policies, lifecycle
// policies, settings and tags. Images cannot be pushed yet, so every repository is empty.
//
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/Welcome.html
package ecr

import (
	"context"

	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/api/kmsapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// Config is what the service needs.
type Config struct {
	Store  store.Store
	Caller aws.Caller // for KMS
}

// Service implements ecrapi.Handler and aws.Accessor.
type Service struct {
	store store.Store
	kms   kmsapi.Client
}

var (
	_ ecrapi.Handler = (*Service)(nil)
	_ aws.Accessor   = (*Service)(nil)
)

// New returns the service. It starts nothing.
func New(c Config) (*Service, error) {
	return &Service{store: c.Store, kms: kmsapi.NewClient(c.Caller)}, nil
}

// update runs fn on the caller's registry.
func update[T any](ctx context.Context, s *Service, id aws.Identity, fn func(store.Tx, space) (T, error)) (T, error) {
	shard, k := s.at(id)
	return store.Update(ctx, shard, func(_ context.Context, tx store.Tx) (T, error) { return fn(tx, k) })
}

// view runs fn on the caller's registry.
func view[T any](ctx context.Context, s *Service, id aws.Identity, fn func(store.Reader, space) (T, error)) (T, error) {
	shard, k := s.at(id)
	return store.View(ctx, shard, func(_ context.Context, r store.Reader) (T, error) { return fn(r, k) })
}
