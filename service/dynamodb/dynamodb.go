// Package dynamodb is Amazon DynamoDB: tables and their indexes, items, queries, scans, batches and transactions. All tables of an account and region
// live in one shard, so that a transaction may span them; keys.go shows how.
//
// An exported method is an operation of the API: it parses and checks what needs no table, runs one transaction or view
// on the shard, and renders the answer. What runs inside of it takes a store.Tx or store.Reader and composes.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
package dynamodb

import (
	"context"
	"errors"
	"sync"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/dynamodb/backup"
	"github.com/brume-dev/brume/service/dynamodb/expression"
	"github.com/brume-dev/brume/service/dynamodb/setting"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/service/dynamodb/throughput"
	"github.com/brume-dev/brume/service/dynamodb/transfer"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/timer"
)

// Config is what the service needs.
type Config struct {
	Store store.Store
	Clock clock.Clock
	Timer *timer.Runner
	// Caller reaches S3 and CloudWatch Logs, for exports and imports.
	Caller aws.Caller
	// Policies decide about each statement of a BatchExecuteStatement; nil: all may be run.
	Policies aws.Policies
}

// Service implements dynamodbapi.Handler and aws.Accessor.
type Service struct {
	store       store.Store
	clock       clock.Clock
	policies    aws.Policies
	meter       throughput.Meter
	tables      table.Cache
	expressions expression.Cache
	rooms       sync.Pool // []byte, see pager
	*backup.Keeper
	*transfer.Carrier
	*setting.Book
}

var (
	_ api.Handler  = (*Service)(nil)
	_ aws.Accessor = (*Service)(nil)
)

// New returns the service and registers the promises that it keeps.
func New(c Config) (*Service, error) {
	if c.Store == nil || c.Clock == nil || c.Timer == nil || c.Caller == nil {
		return nil, errors.New("dynamodb: no store, no clock, no timer or no caller")
	}
	s := &Service{store: c.Store, clock: c.Clock, policies: c.Policies}
	c.Timer.Handle(clearKind, s.clearTable, timer.Policy{})
	c.Timer.Handle(table.FillKind, s.fill, timer.Policy{})
	s.Keeper = &backup.Keeper{Store: c.Store, Clock: c.Clock, Tables: &s.tables, ManagedKey: managedKey}
	s.Carrier = transfer.New(transfer.Config{Store: c.Store, Clock: c.Clock, Timer: c.Timer, Tables: &s.tables, Caller: c.Caller, ManagedKey: managedKey})
	s.Book = &setting.Book{Store: c.Store, Tables: &s.tables}
	for kind, some := range map[string]step{table.CopyKind: (*table.Table).CopySome, table.RewindKind: (*table.Table).RewindSome,
		table.RestoreKind: (*table.Table).RestoreSome, table.HistoryKind: (*table.Table).TrimHistory,
		table.CollectKind: (*table.Table).CollectSome, table.ImagesKind: (*table.Table).EraseImages} {
		c.Timer.Handle(kind, func(ctx context.Context, k *timer.Kept) error { return s.step(ctx, k, some) }, timer.Policy{})
	}
	c.Timer.Handle(table.SweepKind, s.sweep, timer.Policy{})
	c.Timer.Handle(backup.ExpireKind, s.Expire, timer.Policy{})
	return s, nil
}

// shard returns where the tables of an account and region live.
func (s *Service) shard(account, region string) store.Shard {
	return s.store.Shard(stream.Shard(account, region))
}

func (s *Service) shardOf(n tableName) store.Shard { return s.shard(n.Account, n.Region) }

// view runs fn on the last durable state of the shard of n.
func view[T any](ctx context.Context, s *Service, n tableName, fn func(store.Reader) (T, error)) (T, error) {
	return store.View(ctx, s.shardOf(n), func(_ context.Context, r store.Reader) (T, error) { return fn(r) })
}

// update runs fn in a transaction on the shard of n.
func update[T any](ctx context.Context, s *Service, n tableName, fn func(store.Tx) (T, error)) (T, error) {
	return store.Update(ctx, s.shardOf(n), func(_ context.Context, tx store.Tx) (T, error) { return fn(tx) })
}
