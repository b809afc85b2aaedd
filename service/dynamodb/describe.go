package dynamodb

import (
	"context"

	api "github.com/brume-dev/brume/api/dynamodbapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// What clients ask of a table right after they made it, and is always the same here.

// DescribeContinuousBackups says that a table has no point-in-time recovery.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html
func (s *Service) DescribeContinuousBackups(ctx context.Context, id aws.Identity, in *api.DescribeContinuousBackupsInput) (*api.DescribeContinuousBackupsOutput, error) {
	n, err := resolve(id, in.TableName)
	if err != nil {
		return nil, err
	}
	return view(ctx, s, n.tableName, func(r store.Reader) (*api.DescribeContinuousBackupsOutput, error) {
		t, err := s.table(r, n.tableName)
		if err == nil && t == nil {
			err = &api.TableNotFoundException{Message: "Table not found: " + n.Name}
		}
		return &api.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: &api.ContinuousBackupsDescription{
			ContinuousBackupsStatus: api.ContinuousBackupsStatusEnabled,
			PointInTimeRecoveryDescription: &api.PointInTimeRecoveryDescription{
				PointInTimeRecoveryStatus: api.PointInTimeRecoveryStatusDisabled}}}, err
	})
}

// DescribeLimits returns AWS's default quotas.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeLimits.html
func (s *Service) DescribeLimits(context.Context, aws.Identity, *api.DescribeLimitsInput) (*api.DescribeLimitsOutput, error) {
	return &api.DescribeLimitsOutput{
		AccountMaxReadCapacityUnits: ptr[int64](accountUnits), AccountMaxWriteCapacityUnits: ptr[int64](accountUnits),
		TableMaxReadCapacityUnits: ptr[int64](tableUnits), TableMaxWriteCapacityUnits: ptr[int64](tableUnits)}, nil
}

// DescribeEndpoints returns the name of the region's endpoint.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeEndpoints.html
func (s *Service) DescribeEndpoints(_ context.Context, id aws.Identity, _ *api.DescribeEndpointsRequest) (*api.DescribeEndpointsResponse, error) {
	return &api.DescribeEndpointsResponse{Endpoints: []api.Endpoint{
		{Address: "dynamodb." + id.Region + ".amazonaws.com", CachePeriodInMinutes: 1440}}}, nil
}
