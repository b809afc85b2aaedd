// Package backup is the part of DynamoDB that keeps tables as they were: backups, point-in-time recovery, and tables that
// are restored from either. Package table makes the copies.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Backup-and-Restore.html
package backup

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/clock"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/stream"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
)

// Keeper implements the operations of dynamodbapi.Handler about backups.
type Keeper struct {
	Store  store.Store
	Clock  clock.Clock
	Tables *table.Cache
	// ManagedKey is the ARN of the key with which AWS encrypts tables.
	ManagedKey func(table.Name) string
}

const version = 1

// listed is how many backups a page of ListBackups has.
const listed = 100

// Record is what is stored of a backup, in the shard of the tables:
//
//	"dynamodb" "backup" account region table label     a Record
//	"dynamodb" copy …                                  its items (see package table)
type Record struct {
	Name    string            `cbor:"1,keyasint"`
	Copy    uint64            `cbor:"2,keyasint"`
	Created time.Time         `cbor:"3,keyasint"`
	Table   definition.Record `cbor:"4,keyasint"`
	Items   int64             `cbor:"5,keyasint,omitempty"`
	Bytes   int64             `cbor:"6,keyasint,omitempty"`
	Expires time.Time         `cbor:"7,keyasint,omitzero"` // of the backup of a deleted table, whose Copy is the table's own data
}

// id says which backup is meant.
type id struct {
	table.Name
	label string
}

func (b id) ARN() string {
	return aws.MakeARN("dynamodb", b.Region, b.Account, "table/"+b.Name.Name+"/backup/"+b.label).String()
}

func directory(account, region string) store.Tuple {
	return store.Tuple(nil).Text("dynamodb").Text("backup").Text(account).Text(region)
}

func (b id) key() store.Key { return directory(b.Account, b.Region).Text(b.Name.Name).Text(b.label) }

func parse(arn string) (id, error) {
	a, err := aws.ParseARN(arn)
	name, label, ok := strings.Cut(strings.TrimPrefix(a.Resource, "table/"), "/backup/")
	if err != nil || a.Service != "dynamodb" || !ok || label == "" {
		return id{}, table.Invalid("Invalid BackupArn: " + arn)
	}
	return id{table.Name{Account: a.Account, Region: a.Region, Name: name}, label}, nil
}

func (k *Keeper) shard(n table.Name) store.Shard {
	return k.Store.Shard(stream.Shard(n.Account, n.Region))
}

func update[T any](ctx context.Context, k *Keeper, n table.Name, fn func(store.Tx) (T, error)) (T, error) {
	return store.Update(ctx, k.shard(n), func(_ context.Context, tx store.Tx) (T, error) { return fn(tx) })
}

func view[T any](ctx context.Context, k *Keeper, n table.Name, fn func(store.Reader) (T, error)) (T, error) {
	return store.View(ctx, k.shard(n), func(_ context.Context, r store.Reader) (T, error) { return fn(r) })
}

// next gives the id of a new table or copy.
func (k *Keeper) next(ctx context.Context) (uint64, error) {
	return store.Update(ctx, k.Store.Shard(store.Global()), func(_ context.Context, tx store.Tx) (uint64, error) {
		return store.NextID(tx, table.Next())
	})
}

// source finds the table of which something is to be kept.
func (k *Keeper) source(r store.Reader, n table.Name) (*table.Table, error) {
	t, err := k.Tables.Get(r, n)
	if err == nil && t == nil {
		err = &api.TableNotFoundException{Message: "Table not found: " + n.Name}
	}
	return t, err
}

func (k *Keeper) find(r store.Reader, b id) (rec Record, err error) {
	v, ok, err := r.Get(b.key())
	if err == nil && !ok {
		err = &api.BackupNotFoundException{Message: "Backup not found: " + b.ARN()}
	}
	if err != nil {
		return rec, err
	}
	return rec, record.Decode(v, version, &rec)
}

// CreateBackup begins a backup of a table as it is now.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateBackup.html
func (k *Keeper) CreateBackup(ctx context.Context, who aws.Identity, in *api.CreateBackupInput) (*api.CreateBackupOutput, error) {
	n, err := table.Resolve(who, in.TableName)
	if err != nil {
		return nil, err
	}
	if _, err := view(ctx, k, n, func(r store.Reader) (any, error) { return k.source(r, n) }); err != nil {
		return nil, err
	}
	copied, err := k.next(ctx)
	if err != nil {
		return nil, err
	}
	return update(ctx, k, n, func(tx store.Tx) (*api.CreateBackupOutput, error) {
		t, err := k.source(tx, n)
		if err != nil {
			return nil, err
		}
		if t.Restored.Filling {
			return nil, &api.TableInUseException{Message: "Table is being restored: " + n.Name}
		}
		now := tx.Now().Truncate(time.Millisecond)
		rec := Record{Name: in.BackupName, Copy: copied, Created: now, Table: t.Record}
		if rec.Items, rec.Bytes, err = t.Counts(tx); err != nil {
			return nil, err
		}
		b := id{n, label(now, copied)}
		tx.Set(b.key(), record.Encode(version, rec))
		d := rec.details(b, api.BackupStatusCreating)
		w := table.Work{Account: n.Account, Region: n.Region, Name: n.Name, Table: t.ID, Index: copied}
		return &api.CreateBackupOutput{BackupDetails: d}, t.StartCopy(tx, w)
	})
}

// label is the end of a backup's ARN.
func label(at time.Time, copied uint64) string {
	return fmt.Sprintf("%014d-%08x", at.UnixMilli(), copied)
}

// status says whether the copy of a backup is whole.
func (k *Keeper) status(r store.Reader, b id, rec *Record) (api.BackupStatus, error) {
	t, err := k.Tables.Get(r, b.Name)
	if err == nil && t != nil && t.ID == rec.Table.ID {
		for _, c := range t.Copies {
			if c.ID == rec.Copy {
				return api.BackupStatusCreating, nil
			}
		}
	}
	return api.BackupStatusAvailable, err
}

// DescribeBackup describes a backup and the table that it is of.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeBackup.html
func (k *Keeper) DescribeBackup(ctx context.Context, _ aws.Identity, in *api.DescribeBackupInput) (*api.DescribeBackupOutput, error) {
	b, err := parse(in.BackupArn)
	if err != nil {
		return nil, err
	}
	return view(ctx, k, b.Name, func(r store.Reader) (*api.DescribeBackupOutput, error) {
		rec, err := k.find(r, b)
		if err != nil {
			return nil, err
		}
		status, err := k.status(r, b, &rec)
		return &api.DescribeBackupOutput{BackupDescription: rec.describe(b, status)}, err
	})
}

// DeleteBackup deletes a backup that is whole.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteBackup.html
func (k *Keeper) DeleteBackup(ctx context.Context, _ aws.Identity, in *api.DeleteBackupInput) (*api.DeleteBackupOutput, error) {
	b, err := parse(in.BackupArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, k, b.Name, func(tx store.Tx) (*api.DeleteBackupOutput, error) {
		rec, err := k.find(tx, b)
		if err != nil {
			return nil, err
		}
		status, err := k.status(tx, b, &rec)
		if err != nil {
			return nil, err
		}
		if status == api.BackupStatusCreating {
			return nil, &api.BackupInUseException{Message: "Backup is being created: " + in.BackupArn}
		}
		if busy, err := table.Restoring(tx, rec.Copy); err != nil || busy {
			return nil, cmp.Or(err, error(&api.BackupInUseException{Message: "Backup is being restored: " + in.BackupArn}))
		}
		return &api.DeleteBackupOutput{BackupDescription: rec.describe(b, api.BackupStatusDeleted)}, rec.erase(tx, b)
	})
}

// ListBackups lists the backups of the caller's account and region, or of one table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListBackups.html
func (k *Keeper) ListBackups(ctx context.Context, who aws.Identity, in *api.ListBackupsInput) (*api.ListBackupsOutput, error) {
	limit := listed
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	at := table.Name{Account: who.Account, Region: who.Region}
	prefix := directory(at.Account, at.Region)
	within := prefix.Range()
	if in.TableName != nil {
		n, err := table.Resolve(who, *in.TableName)
		if err != nil {
			return nil, err
		}
		at = n
		prefix = directory(n.Account, n.Region)
		within = prefix.Text(n.Name).Range()
	}
	if in.ExclusiveStartBackupArn != nil {
		b, err := parse(*in.ExclusiveStartBackupArn)
		if err != nil {
			return nil, err
		}
		within = store.Tuple(b.key()).After(within)
	}
	return view(ctx, k, at, func(r store.Reader) (*api.ListBackupsOutput, error) {
		out := &api.ListBackupsOutput{BackupSummaries: []api.BackupSummary{}}
		pairs, done := r.Scan(within, store.ScanOpt{})
		for kv := range pairs {
			var rec Record
			if err := record.Decode(kv.Value, version, &rec); err != nil {
				return nil, err
			}
			if !rec.wanted(in) {
				continue
			}
			if len(out.BackupSummaries) == limit {
				out.LastEvaluatedBackupArn = out.BackupSummaries[limit-1].BackupArn
				break
			}
			e := store.Decode(kv.Key, len(prefix))
			b := id{table.Name{Account: at.Account, Region: at.Region, Name: e.Text()}, e.Text()}
			status, err := k.status(r, b, &rec)
			if err != nil {
				return nil, err
			}
			out.BackupSummaries = append(out.BackupSummaries, rec.summary(b, status))
		}
		return out, done()
	})
}

// wanted reports whether a list shows the backup: those that somebody made, unless it asks for others.
func (rec *Record) wanted(in *api.ListBackupsInput) bool {
	kind := cmp.Or(in.BackupType, api.BackupTypeFilterUser)
	return (kind == api.BackupTypeFilterAll || string(kind) == string(rec.kind())) &&
		(in.TimeRangeLowerBound == nil || !rec.Created.Before(*in.TimeRangeLowerBound)) &&
		(in.TimeRangeUpperBound == nil || rec.Created.Before(*in.TimeRangeUpperBound))
}
