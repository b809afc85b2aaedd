package dynamodb

import (
	"context"
	"errors"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// clearKind is the promise to delete the data of a table that has gone. Its arguments are a cleared.
const clearKind = "dynamodb.clear"

const clearedVersion = 1

type cleared struct {
	ID   uint64 `cbor:"1,keyasint"`
	Kept bool   `cbor:"2,keyasint,omitempty"` // a backup has the items now
}

// DeleteTable makes a table go at once; its data follows. The answer says DELETING, as AWS's does. Where point-in-time recovery is
// on a backup keeps the items.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
func (s *Service) DeleteTable(ctx context.Context, id aws.Identity, in *api.DeleteTableInput) (*api.DeleteTableOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	d, err := update(ctx, s, n.tableName, func(tx store.Tx) (*api.TableDescription, error) {
		t, err := s.mustTableNamed(tx, n.tableName)
		if err != nil {
			return nil, err
		}
		if t.Protected {
			return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
		}
		if t.Changing() || len(t.Copies) > 0 || t.Restored.Filling {
			return nil, &api.ResourceInUseException{Message: "Attempt to change a resource which is still in use: Table is being updated: " + n.Name}
		}
		d, err := t.Describe(tx, api.TableStatusDeleting)
		if err != nil {
			return nil, err
		}
		s.tables.Delete(tx, n.tableName)
		gone := cleared{t.ID, t.Recovery.Enabled}
		if gone.Kept {
			err = s.KeepDeleted(tx, t)
		} else {
			err = table.RetireAll(tx, n.tableName, t.ID)
		}
		if err != nil {
			return nil, err
		}
		if t.Stream.Enabled {
			if err := stream.End(tx, t.StreamName()); err != nil {
				return nil, err
			}
		}
		return d, timer.Set(tx, timer.Promise{Kind: clearKind, Args: record.Encode(clearedVersion, gone)})
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteTableOutput{TableDescription: deleting(d)}, nil
}

// deleting leaves out what AWS no longer says of a table that is being deleted.
func deleting(d *api.TableDescription) *api.TableDescription {
	d.AttributeDefinitions, d.KeySchema, d.CreationDateTime = nil, nil, nil
	return d
}

// clearTable keeps a clearKind promise.
func (s *Service) clearTable(ctx context.Context, k *timer.Kept) error {
	var c cleared
	if err := record.Decode(k.Args, clearedVersion, &c); err != nil {
		return err
	}
	_, err := k.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		table.Erase(tx, c.ID, c.Kept)
		return k.Done(tx)
	})
	if errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}

// DescribeTable says what a table is like.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html
func (s *Service) DescribeTable(ctx context.Context, id aws.Identity, in *api.DescribeTableInput) (*api.DescribeTableOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	d, err := view(ctx, s, n.tableName, func(r store.Reader) (*api.TableDescription, error) {
		t, err := s.mustTableNamed(r, n.tableName)
		if err != nil {
			return nil, err
		}
		return t.Describe(r, t.Status())
	})
	if err != nil {
		return nil, err
	}
	definition.Today(d, s.clock.Now())
	return &api.DescribeTableOutput{Table: d}, nil
}

// ListTables lists the names of the tables of the caller's account and region.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTables.html
func (s *Service) ListTables(ctx context.Context, id aws.Identity, in *api.ListTablesInput) (*api.ListTablesOutput, error) {
	limit := maxListTables
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	prefix := table.Names(id.Account, id.Region)
	within := prefix.Range()
	if in.ExclusiveStartTableName != nil {
		within = prefix.Text(*in.ExclusiveStartTableName).After(within)
	}
	return store.View(ctx, s.shard(id.Account, id.Region), func(_ context.Context, r store.Reader) (*api.ListTablesOutput, error) {
		out := &api.ListTablesOutput{TableNames: []string{}}
		pairs, done := r.Scan(within, store.ScanOpt{Limit: limit + 1})
		for kv := range pairs {
			if len(out.TableNames) == limit {
				out.LastEvaluatedTableName = new(out.TableNames[limit-1])
				break
			}
			out.TableNames = append(out.TableNames, store.Decode(kv.Key, len(prefix)).Text())
		}
		return out, done()
	})
}
