package dynamodb

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/service/dynamodb/definition"
	"github.com/brume-dev/brume/service/dynamodb/table"
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
	case in.ReplicaUpdates != nil || in.MultiRegionConsistency != "" || in.GlobalTableWitnessUpdates != nil || in.GlobalTableSettingsReplicationMode != "":
		return nil, notYet("global tables")
	case !definition.Asks(in):
		return nil, invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	d, err := update(ctx, s, n.tableName, func(tx store.Tx) (*api.TableDescription, error) { return s.changeTable(tx, n.tableName, in) })
	if err != nil {
		return nil, refused(err)
	}
	return &api.UpdateTableOutput{TableDescription: d}, nil
}

// changeTable applies an UpdateTable in tx.
func (s *Service) changeTable(tx store.Tx, n tableName, in *api.UpdateTableInput) (*api.TableDescription, error) {
	t, err := s.mustTableNamed(tx, n)
	if err != nil {
		return nil, err
	}
	if t.Changing() && (len(in.GlobalSecondaryIndexUpdates) == 0 || in.GlobalSecondaryIndexUpdates[0].Update != nil) {
		return nil, &api.ResourceInUseException{Message: "Attempt to change a resource which is still in use: Table is being updated: " + n.Name}
	}
	now := tx.Now().Truncate(time.Millisecond)
	rec, change, err := t.Update(in, definition.Place{Account: n.Account, Region: n.Region}, managedKey(n), now)
	if err != nil {
		return nil, withName(err, n)
	}
	if change.Stream {
		if err := t.ChangeStream(tx, n, &rec); err != nil {
			return nil, err
		}
	}
	if id := change.Created + change.Deleted; id != 0 {
		if err := table.SetFill(tx, n, rec.ID, id); err != nil {
			return nil, err
		}
	}
	s.tables.Put(tx, n, &rec)
	return table.New(n, rec, nil).Describe(tx, api.TableStatusUpdating)
}

// withName completes the texts that end in the table's name.
func withName(err error, n tableName) error {
	if p, ok := errors.AsType[problem](err); ok && strings.HasSuffix(string(p), "TableName: ") {
		return p + problem(n.Name)
	}
	return err
}
