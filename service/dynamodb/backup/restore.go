package backup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/table"
	"github.com/brume-dev/brume/store"
)

// newTable writes the record of a table that is being restored.
func (k *Keeper) newTable(tx store.Tx, n table.Name, tableID uint64, source definition.Record, o definition.Overrides, from definition.Restored) (*table.Table, error) {
	if t, err := k.Tables.Get(tx, n); err != nil || t != nil {
		if err == nil {
			err = &api.TableAlreadyExistsException{Message: "Table already exists: " + n.Name}
		}
		return nil, err
	}
	rec, err := source.Restore(o, definition.Place{Account: n.Account, Region: n.Region}, k.ManagedKey(n))
	if err != nil {
		return nil, err
	}
	rec.ID, rec.Created = tableID, tx.Now().Truncate(time.Millisecond)
	words := []string{"table", n.Account, n.Region, fmt.Sprint(tableID, rec.Created.UnixMilli())}
	rec.UUID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.Join(words, "\x00"))).String()
	from.Filling = true
	rec.Restored = from
	k.Tables.Put(tx, n, &rec)
	return table.New(n, rec, nil), nil
}

// RestoreTableFromBackup makes a table with the items of a backup.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableFromBackup.html
func (k *Keeper) RestoreTableFromBackup(ctx context.Context, who aws.Identity, in *api.RestoreTableFromBackupInput) (*api.RestoreTableFromBackupOutput, error) {
	b, err := parse(in.BackupArn)
	if err != nil {
		return nil, err
	}
	if b.Account != who.Account || b.Region != who.Region {
		return nil, table.Invalid("A backup can only be restored in its own account and region")
	}
	tableID, err := k.next(ctx)
	if err != nil {
		return nil, err
	}
	n := table.Name{Account: who.Account, Region: who.Region, Name: in.TargetTableName}
	o := definition.Overrides{Billing: in.BillingModeOverride, Globals: in.GlobalSecondaryIndexOverride, Locals: in.LocalSecondaryIndexOverride,
		Provided: in.ProvisionedThroughputOverride, OnDemand: in.OnDemandThroughputOverride, SSE: in.SSESpecificationOverride}
	d, err := update(ctx, k, n, func(tx store.Tx) (*api.TableDescription, error) {
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
		t, err := k.newTable(tx, n, tableID, rec.Table, o, definition.Restored{Backup: in.BackupArn, Table: b.Name.ARN(), Time: rec.Created})
		if err != nil {
			return nil, err
		}
		if err := table.SetRestore(tx, n, tableID, rec.Copy); err != nil {
			return nil, err
		}
		return t.Describe(tx, api.TableStatusCreating)
	})
	return &api.RestoreTableFromBackupOutput{TableDescription: d}, table.Refused(err)
}

// RestoreTableToPointInTime makes a table with the items that another had at a time.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html
func (k *Keeper) RestoreTableToPointInTime(ctx context.Context, who aws.Identity, in *api.RestoreTableToPointInTimeInput) (*api.RestoreTableToPointInTimeOutput, error) {
	given := in.SourceTableName
	if in.SourceTableArn != nil {
		given = in.SourceTableArn
	}
	latest := in.UseLatestRestorableTime != nil && *in.UseLatestRestorableTime
	switch {
	case given == nil:
		return nil, table.Invalid("SourceTableName or SourceTableArn must be provided")
	case latest == (in.RestoreDateTime != nil):
		return nil, table.Invalid("Exactly one of UseLatestRestorableTime and RestoreDateTime must be provided")
	}
	from, err := table.Resolve(who, *given)
	if err != nil {
		return nil, err
	}
	n := table.Name{Account: who.Account, Region: who.Region, Name: in.TargetTableName}
	if from.Account != n.Account || from.Region != n.Region {
		return nil, table.Invalid("A table can only be restored in its own account and region")
	}
	o := definition.Overrides{Billing: in.BillingModeOverride, Globals: in.GlobalSecondaryIndexOverride, Locals: in.LocalSecondaryIndexOverride,
		Provided: in.ProvisionedThroughputOverride, OnDemand: in.OnDemandThroughputOverride, SSE: in.SSESpecificationOverride}
	copied, err := k.next(ctx)
	if err != nil {
		return nil, err
	}
	tableID, err := k.next(ctx)
	if err != nil {
		return nil, err
	}
	d, err := update(ctx, k, n, func(tx store.Tx) (*api.TableDescription, error) {
		t, err := k.source(tx, from)
		if err != nil {
			return nil, err
		}
		if !t.Recovery.Enabled {
			return nil, &api.PointInTimeRecoveryUnavailableException{Message: "Point in time recovery is not enabled for table '" + from.Name + "'"}
		}
		at := tx.Now()
		if in.RestoreDateTime != nil {
			at = *in.RestoreDateTime
		}
		if first, last := t.Restorable(tx.Now()); at.Before(first) || at.After(last) {
			return nil, &api.InvalidRestoreTimeException{Message: "Restore date time is invalid. It must be between EarliestRestorableDateTime and LatestRestorableDateTime"}
		}
		w := table.Work{Account: n.Account, Region: n.Region, Name: from.Name, Table: t.ID, Index: copied, Target: n.Name, Into: tableID, At: at.Unix()}
		if w.Place, err = table.History(t.ID).Last(tx); err != nil {
			return nil, err
		}
		if err := t.StartCopy(tx, w); err != nil {
			return nil, err
		}
		made, err := k.newTable(tx, n, tableID, t.Record, o, definition.Restored{Table: from.ARN(), Time: at})
		if err != nil {
			return nil, err
		}
		return made.Describe(tx, api.TableStatusCreating)
	})
	return &api.RestoreTableToPointInTimeOutput{TableDescription: d}, table.Refused(err)
}

// UpdateContinuousBackups turns point-in-time recovery on or off.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html
func (k *Keeper) UpdateContinuousBackups(ctx context.Context, who aws.Identity, in *api.UpdateContinuousBackupsInput) (*api.UpdateContinuousBackupsOutput, error) {
	n, err := table.Resolve(who, in.TableName)
	if err != nil {
		return nil, err
	}
	return update(ctx, k, n, func(tx store.Tx) (*api.UpdateContinuousBackupsOutput, error) {
		t, err := k.source(tx, n)
		if err != nil {
			return nil, err
		}
		spec := in.PointInTimeRecoverySpecification
		days := int32(0)
		if spec.RecoveryPeriodInDays != nil {
			days = *spec.RecoveryPeriodInDays
		}
		if !spec.PointInTimeRecoveryEnabled && t.Recovery.Enabled && len(t.Copies) > 0 { // they are made of the history
			return nil, &api.ContinuousBackupsUnavailableException{Message: "Backups are being enabled for the table: " + n.Name + ". Please retry later"}
		}
		rec := t.Record
		rec.SetRecovery(spec.PointInTimeRecoveryEnabled, days, tx.Now())
		if err := t.ChangeRecovery(tx, &rec); err != nil {
			return nil, err
		}
		return &api.UpdateContinuousBackupsOutput{ContinuousBackupsDescription: continuous(table.New(n, rec, nil), tx.Now())}, nil
	})
}

// DescribeContinuousBackups says whether a table has point-in-time recovery.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html
func (k *Keeper) DescribeContinuousBackups(ctx context.Context, who aws.Identity, in *api.DescribeContinuousBackupsInput) (*api.DescribeContinuousBackupsOutput, error) {
	n, err := table.Resolve(who, in.TableName)
	if err != nil {
		return nil, err
	}
	now := k.Clock.Now()
	return view(ctx, k, n, func(r store.Reader) (*api.DescribeContinuousBackupsOutput, error) {
		t, err := k.source(r, n)
		if err != nil {
			return nil, err
		}
		return &api.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: continuous(t, now)}, nil
	})
}

func continuous(t *table.Table, now time.Time) *api.ContinuousBackupsDescription {
	d := &api.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: api.PointInTimeRecoveryStatusDisabled}
	if t.Recovery.Enabled {
		first, last := t.Restorable(now)
		days := t.Recovery.Days
		d.PointInTimeRecoveryStatus, d.EarliestRestorableDateTime, d.LatestRestorableDateTime = api.PointInTimeRecoveryStatusEnabled, &first, &last
		d.RecoveryPeriodInDays = &days
	}
	return &api.ContinuousBackupsDescription{ContinuousBackupsStatus: api.ContinuousBackupsStatusEnabled, PointInTimeRecoveryDescription: d}
}
