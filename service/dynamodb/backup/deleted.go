package backup

import (
	"context"
	"errors"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
	"github.com/brume-dev/brume/store/record"
	"github.com/brume-dev/brume/timer"
)

// A table that is deleted while point-in-time recovery is on leaves a backup, which nobody asked for and which expires. It takes
// over the items as they lie, so that the deletion copies nothing.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html#howitworks-pitr-deleting-table
const (
	deletedSuffix = "$DeletedTableBackup"
	deletedKept   = 35 * 24 * time.Hour
)

// ExpireKind is the promise to erase the backup of a deleted table. Its arguments are an expiring.
const ExpireKind = "dynamodb.expire"

// expiring says which backup expires.
type expiring struct {
	Account string `cbor:"1,keyasint"`
	Region  string `cbor:"2,keyasint"`
	Table   string `cbor:"3,keyasint"`
	Label   string `cbor:"4,keyasint"`
}

// KeepDeleted makes the backup of a table that is being deleted, in the same transaction.
func (k *Keeper) KeepDeleted(tx store.Tx, t *table.Table) (err error) {
	n, now := t.Name, tx.Now().Truncate(time.Millisecond)
	rec := Record{Name: n.Name + deletedSuffix, Copy: t.ID, Created: now, Table: t.Record, Expires: now.Add(deletedKept)}
	if rec.Items, rec.Bytes, err = t.Counts(tx); err != nil {
		return err
	}
	b := id{n, label(now, t.ID)}
	tx.Set(b.key(), record.Encode(version, rec))
	return timer.Set(tx, timer.Promise{Kind: ExpireKind, Due: rec.Expires, Dest: n.Name,
		Args: record.Encode(version, expiring{n.Account, n.Region, n.Name, b.label})})
}

// Expire keeps an ExpireKind promise.
func (k *Keeper) Expire(ctx context.Context, p *timer.Kept) error {
	var e expiring
	if err := record.Decode(p.Args, version, &e); err != nil {
		return err
	}
	b := id{table.Name{Account: e.Account, Region: e.Region, Name: e.Table}, e.Label}
	_, err := p.Shard.Update(ctx, func(_ context.Context, tx store.Tx) error {
		rec, err := k.find(tx, b)
		if _, deleted := errors.AsType[*api.BackupNotFoundException](err); deleted {
			return p.Done(tx)
		}
		if err != nil {
			return err
		}
		if busy, err := table.Restoring(tx, rec.Copy); err != nil || busy {
			return errors.Join(err, errBusy)
		}
		if err := rec.erase(tx, b); err != nil {
			return err
		}
		return p.Done(tx)
	})
	if errors.Is(err, timer.ErrGone) {
		return nil
	}
	return err
}

// errBusy has the promise tried again.
var errBusy = errors.New("backup: a table is being restored from what expires")

// erase erases the backup.
func (rec *Record) erase(tx store.Tx, b id) error {
	tx.Delete(b.key())
	table.Erase(tx, rec.Copy, false)
	if rec.Expires.IsZero() {
		return nil
	}
	return table.RetireAll(tx, b.Name, rec.Copy)
}
