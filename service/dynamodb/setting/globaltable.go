package setting

import (
	"context"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
)

// There are no global tables: a platform is one region. What asks for one is told that there is none.

func noGlobalTable(name string) error {
	return &api.GlobalTableNotFoundException{Message: "Global table not found: Global table with name: '" + name + "' does not exist."}
}

// DescribeGlobalTable finds no global table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeGlobalTable.html
func (b *Book) DescribeGlobalTable(_ context.Context, _ aws.Identity, in *api.DescribeGlobalTableInput) (*api.DescribeGlobalTableOutput, error) {
	return nil, noGlobalTable(in.GlobalTableName)
}

// DescribeGlobalTableSettings finds no global table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeGlobalTableSettings.html
func (b *Book) DescribeGlobalTableSettings(_ context.Context, _ aws.Identity, in *api.DescribeGlobalTableSettingsInput) (*api.DescribeGlobalTableSettingsOutput, error) {
	return nil, noGlobalTable(in.GlobalTableName)
}

// ListGlobalTables lists none.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListGlobalTables.html
func (b *Book) ListGlobalTables(context.Context, aws.Identity, *api.ListGlobalTablesInput) (*api.ListGlobalTablesOutput, error) {
	return &api.ListGlobalTablesOutput{GlobalTables: []api.GlobalTable{}}, nil
}

// UpdateGlobalTable finds no global table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateGlobalTable.html
func (b *Book) UpdateGlobalTable(_ context.Context, _ aws.Identity, in *api.UpdateGlobalTableInput) (*api.UpdateGlobalTableOutput, error) {
	return nil, noGlobalTable(in.GlobalTableName)
}

// UpdateGlobalTableSettings finds no global table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateGlobalTableSettings.html
func (b *Book) UpdateGlobalTableSettings(_ context.Context, _ aws.Identity, in *api.UpdateGlobalTableSettingsInput) (*api.UpdateGlobalTableSettingsOutput, error) {
	return nil, noGlobalTable(in.GlobalTableName)
}

// DescribeTableReplicaAutoScaling describes a table without replicas.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTableReplicaAutoScaling.html
func (b *Book) DescribeTableReplicaAutoScaling(ctx context.Context, id aws.Identity, in *api.DescribeTableReplicaAutoScalingInput) (*api.DescribeTableReplicaAutoScalingOutput, error) {
	t, err := b.tableNamed(ctx, id, in.TableName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeTableReplicaAutoScalingOutput{TableAutoScalingDescription: &api.TableAutoScalingDescription{
		TableName: &t.Name.Name, TableStatus: t.Status(), Replicas: []api.ReplicaAutoScalingDescription{}}}, nil
}
