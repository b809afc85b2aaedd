package dynamodb

import (
	"context"
	"fmt"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// UpdateTable changes a table's settings. The answer says UPDATING, as AWS's does; the change has happened when it
// arrives.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
func (s *Service) UpdateTable(ctx context.Context, id aws.Identity, in *api.UpdateTableInput) (*api.UpdateTableOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.GlobalSecondaryIndexUpdates) > 0:
		return nil, notYet("secondary indexes")
	case in.StreamSpecification != nil:
		return nil, notYet("streams")
	case in.ReplicaUpdates != nil || in.MultiRegionConsistency != "" || in.GlobalTableWitnessUpdates != nil || in.GlobalTableSettingsReplicationMode != "":
		return nil, notYet("global tables")
	case in.BillingMode == "" && in.ProvisionedThroughput == nil && in.SSESpecification == nil && in.TableClass == "" &&
		in.DeletionProtectionEnabled == nil && in.OnDemandThroughput == nil && in.WarmThroughput == nil:
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	d, err := update(ctx, s, n.tableName, func(tx store.Tx) (*api.TableDescription, error) {
		t, err := s.mustTableNamed(tx, n.tableName)
		if err != nil {
			return nil, err
		}
		rec := t.tableRecord
		if err := rec.change(n.tableName, in, tx.Now().Truncate(time.Millisecond)); err != nil {
			return nil, err
		}
		rec.put(tx, n.tableName)
		return newTable(n.tableName, rec, nil).describe(tx, api.TableStatusUpdating)
	})
	if err != nil {
		return nil, refused(err)
	}
	return &api.UpdateTableOutput{TableDescription: d}, nil
}

// change applies an UpdateTable to the record.
func (rec *tableRecord) change(n tableName, in *api.UpdateTableInput, now time.Time) error {
	if err := rec.changeBilling(in, now); err != nil {
		return err
	}
	if err := rec.setOnDemand(in.OnDemandThroughput); err != nil {
		return err
	}
	rec.setWarm(in.WarmThroughput)
	if in.DeletionProtectionEnabled != nil {
		rec.Protected = *in.DeletionProtectionEnabled
	}
	if c := string(in.TableClass); c != "" && c != rec.Class {
		rec.Class, rec.ClassChanged = c, now
	}
	return rec.setEncryption(n, in.SSESpecification)
}

func (rec *tableRecord) changeBilling(in *api.UpdateTableInput, now time.Time) error {
	mode := in.BillingMode
	if mode == "" {
		if in.ProvisionedThroughput == nil {
			return nil
		}
		if mode = api.BillingModeProvisioned; !rec.Provisioned {
			mode = api.BillingModePayPerRequest
		}
	}
	before := *rec
	if mode == api.BillingModeProvisioned && rec.Provisioned && in.ProvisionedThroughput == nil {
		return nil // nothing changes
	}
	if err := rec.setBilling(mode, in.ProvisionedThroughput); err != nil {
		return err
	}
	switch {
	case !rec.Provisioned:
		if before.Provisioned {
			rec.OnDemandSince = now
		}
		return nil
	case !before.Provisioned:
		rec.MaxRead, rec.MaxWrite = 0, 0
		rec.BillingReported = true
	case rec.Read == before.Read && rec.Write == before.Write:
		return problem(fmt.Sprintf("The provisioned throughput for the table will not change. The requested value equals the current value. "+
			"Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. "+
			"Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. "+
			"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
			before.Read, rec.Read, before.Write, rec.Write))
	}
	if rec.Read > before.Read || rec.Write > before.Write {
		rec.Increased = now
	}
	if rec.Read < before.Read || rec.Write < before.Write {
		if before.Decreased.UTC().Format(time.DateOnly) != now.UTC().Format(time.DateOnly) {
			rec.DecreasesToday = 0
		}
		rec.Decreased, rec.DecreasesToday = now, rec.DecreasesToday+1
	}
	return nil
}
